"""A partner on loopback that does exactly what its script says, and remembers every byte it saw."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeAlias


@dataclass
class Visit:
    """One connection to the partner. ``number`` counts connections from 1; ``received`` is what came in decrypted."""

    sock: socket.socket
    number: int
    received: bytearray = field(default_factory=bytearray)
    sent: int = 0

    def request(self) -> bytes:
        """Read one whole request; empty when the other side has gone."""
        start = len(self.received)
        while b"\r\n\r\n" not in self.received[start:]:
            if not self.some():
                return b""
        head, _, body = bytes(self.received[start:]).partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        while length is not None and len(body) < int(length[1]):
            if not self.some():
                return b""
            _, _, body = bytes(self.received[start:]).partition(b"\r\n\r\n")
        return bytes(self.received[start:])

    def some(self) -> bytes:
        """Read what is there."""
        try:
            data = self.sock.recv(65536)
        except OSError:
            return b""
        self.received += data
        return data

    def send(self, data: bytes) -> bool:
        """Write; false when the other side has gone."""
        try:
            self.sock.sendall(data)
        except OSError:
            return False
        self.sent += len(data)
        return True

    def reset(self) -> None:
        """End with a RST instead of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Script: TypeAlias = Callable[[Visit], None]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npaid"


def polite(visit: Visit) -> None:
    """Answers every request with 200 ``paid``."""
    while visit.request():
        visit.send(OK)


class Partner:
    """Serves ``script`` on 127.0.0.1, each connection in a thread; over TLS when given a context.

    ``visits``: the connections so far. ``raw``: accepted connections, also those whose handshake failed.
    """

    def __init__(self, script: Script = polite, context: ssl.SSLContext | None = None, *, backlog: int = 128) -> None:
        self._script = script
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self._threads: list[threading.Thread] = []
        self._socks: list[socket.socket] = []
        self.port = int(self._listener.getsockname()[1])
        self.visits: list[Visit] = []
        self.raw = 0

    @property
    def host(self) -> str:
        """``127.0.0.1:port``, as an allow-list has it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where requests go."""
        return f"{'https' if self._context else 'http'}://{self.host}/gateway.do?charset=utf-8"

    @property
    def received(self) -> bytes:
        """Every application byte of every connection."""
        return b"".join(bytes(visit.received) for visit in self.visits)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.raw += 1
            self._socks.append(sock)
            self._start(lambda sock=sock: self._serve(sock))  # type: ignore[misc]  # a default argument binds it now

    def _serve(self, sock: socket.socket) -> None:
        if self._context is not None:
            try:
                sock = self._context.wrap_socket(sock, server_side=True)
            except OSError:
                sock.close()
                return
            self._socks.append(sock)
        visit = Visit(sock, len(self.visits) + 1)
        self.visits.append(visit)
        with contextlib.suppress(OSError):
            self._script(visit)
        sock.close()
