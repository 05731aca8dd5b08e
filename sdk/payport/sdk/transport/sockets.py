"""Sockets with one deadline, blocking and not: the only place that connects, shakes hands, reads and writes."""

from __future__ import annotations

import os
import queue
import select
import socket
import ssl
import sys
import threading
from collections.abc import Sequence
from typing import TypeAlias

import anyio

from payport.sdk.message import FailureKind
from payport.sdk.transport.trip import SendError, Trip, broken, reason

_Place: TypeAlias = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
_Found: TypeAlias = Sequence[tuple[int, int, int, str, _Place]]


class Socket:
    """What both colours share. ``trip`` is the request that uses the connection now."""

    __slots__ = ("_poll", "_sock", "trip")

    def __init__(self, trip: Trip) -> None:
        self.trip = trip
        self._sock: socket.socket | None = None
        self._poll: select.poll | None = None

    def __del__(self) -> None:
        # An event loop may end, or a process fork, without a word to us: what is left then is closed here.
        self.close()

    @property
    def connected(self) -> bool:
        """Whether there is a connection, so far as we know."""
        return self._sock is not None

    def close(self) -> None:
        """Close at once, without a farewell: nobody waits, so cancellation cannot cut it short."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def stale(self) -> bool:
        """Whether an idle connection must not be used: closed by the partner, or holding bytes nobody asked for."""
        sock = self._sock
        if sock is None:
            return True
        if sys.platform == "win32":  # pragma: no cover - no poll there
            return bool(select.select([sock], [], [], 0)[0])
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(sock, select.POLLIN)
        return bool(self._poll.poll(0))

    def _open(self) -> socket.socket:
        if self._sock is None:
            raise SendError(FailureKind.CONNECTION_LOST, "the connection is closed")
        return self._sock


class BlockingSocket(Socket):
    """A connection for threads."""

    __slots__ = ()

    def connect(self, host: str, port: int) -> None:
        """Look up the host and connect to the first address that answers. Raises :class:`SendError`."""
        self.trip.stage = FailureKind.UNRESOLVED
        found = _numeric(host, port) or self._resolve(host, port)
        self.trip.stage = FailureKind.UNREACHABLE
        fault = SendError(FailureKind.UNREACHABLE, "the host has no address")
        for number, (family, kind, protocol, _, address) in enumerate(found):
            try:
                self._sock = sock = socket.socket(family, kind, protocol)
                # Each address gets its share of the time: a dead first one must not eat it all.
                sock.settimeout(self.trip.opening_s() / (len(found) - number))
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                fault = SendError(FailureKind.UNREACHABLE, f"cannot connect: {reason(error)}")
                self.close()
            else:
                return
        raise fault

    def _resolve(self, host: str, port: int) -> _Found:
        """Look up in a thread of its own: the system's resolver knows no deadline."""
        answers: queue.SimpleQueue[_Found | OSError] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            except OSError as error:
                answers.put(error)

        threading.Thread(target=look_up, name="payport-resolve", daemon=True).start()
        try:
            answer = answers.get(timeout=self.trip.opening_s())
        except queue.Empty:
            raise self.trip.expired() from None
        if isinstance(answer, OSError):
            raise SendError(FailureKind.UNRESOLVED, f"cannot look up {host}: {reason(answer)}") from answer
        return answer

    def handshake(self, context: ssl.SSLContext, host: str) -> None:
        """Speak TLS from here on. Raises :class:`SendError`; pins are checked before it returns."""
        self.trip.stage = FailureKind.TLS
        sock = self._open()
        try:
            sock.settimeout(self.trip.opening_s())
            self._sock = secured = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
            secured.do_handshake()
        except TimeoutError:
            raise self.trip.expired() from None
        except OSError as error:
            raise SendError(FailureKind.TLS, f"TLS handshake failed: {reason(error)}") from error

    def read(self, max_bytes: int) -> bytes:
        """Some bytes; empty at the end. Raises :class:`SendError`."""
        sock = self._open()
        try:
            sock.settimeout(self.trip.remaining_s())
            return self.trip.arrived(sock.recv(max_bytes))
        except TimeoutError:
            raise self.trip.expired() from None
        except OSError as error:
            raise broken(error) from error

    def write(self, data: bytes) -> None:
        """All bytes. Raises :class:`SendError` when time is up and ``OSError`` when the partner does not read on."""
        view = memoryview(data)
        sock = self._open()
        while view:
            try:
                sock.settimeout(self.trip.remaining_s())
                self.trip.depart()
                view = view[sock.send(view) :]
            except TimeoutError:
                raise self.trip.expired() from None


class WaitingSocket(Socket):
    """A connection for asyncio and trio. It keeps no time of its own: its caller cancels it at the deadline."""

    __slots__ = ()

    async def connect(self, host: str, port: int) -> None:
        """Look up the host and connect to the first address that answers. Raises :class:`SendError`."""
        self.trip.stage = FailureKind.UNRESOLVED
        found = _numeric(host, port) or await self._resolve(host, port)
        self.trip.stage = FailureKind.UNREACHABLE
        fault = SendError(FailureKind.UNREACHABLE, "the host has no address")
        for number, (family, kind, protocol, _, address) in enumerate(found):
            try:
                self._sock = sock = socket.socket(family, kind, protocol)
            except OSError as error:
                fault = SendError(FailureKind.UNREACHABLE, f"cannot connect: {reason(error)}")
                continue
            sock.settimeout(0)
            with anyio.move_on_after(self.trip.opening_s() / (len(found) - number)):
                problem = await _connected(sock, address)
                if problem is None:
                    return
                fault = SendError(FailureKind.UNREACHABLE, f"cannot connect: {reason(problem)}")
            self.close()
        raise fault

    async def _resolve(self, host: str, port: int) -> _Found:
        try:
            return list(await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            raise SendError(FailureKind.UNRESOLVED, f"cannot look up {host}: {reason(error)}") from error

    async def handshake(self, context: ssl.SSLContext, host: str) -> None:
        """Speak TLS from here on. Raises :class:`SendError`; pins are checked before it returns."""
        self.trip.stage = FailureKind.TLS
        sock = self._open()
        try:
            self._sock = secured = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
            while True:
                try:
                    secured.do_handshake()
                except ssl.SSLWantReadError:
                    await anyio.wait_readable(secured)
                except ssl.SSLWantWriteError:  # pragma: no cover - a full send buffer during a handshake
                    await anyio.wait_writable(secured)
                else:
                    return
        except OSError as error:
            raise SendError(FailureKind.TLS, f"TLS handshake failed: {reason(error)}") from error

    async def read(self, max_bytes: int) -> bytes:
        """Some bytes; empty at the end. Raises :class:`SendError`."""
        sock = self._open()
        try:
            while True:
                try:
                    return self.trip.arrived(sock.recv(max_bytes))
                except (BlockingIOError, ssl.SSLWantReadError):
                    await anyio.wait_readable(sock)
        except OSError as error:
            raise broken(error) from error

    async def write(self, data: bytes) -> None:
        """All bytes. Raises ``OSError`` when the partner does not read on."""
        view = memoryview(data)
        sock = self._open()
        while view:
            self.trip.depart()
            try:
                view = view[sock.send(view) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                await anyio.wait_writable(sock)


def _numeric(host: str, port: int) -> _Found:
    """An address written in digits needs no look-up."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return []


async def _connected(sock: socket.socket, address: _Place) -> OSError | None:
    """Why the connection does not come about, or ``None`` when it stands."""
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(address)
    except (BlockingIOError, InterruptedError):
        await anyio.wait_writable(sock)
    except OSError as error:
        return error
    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return OSError(number, os.strerror(number)) if number else None
