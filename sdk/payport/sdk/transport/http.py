# ruff: noqa: ARG002, ASYNC109 - the streams and backends have the signatures of httpcore
"""The transports: requests over httpcore's connections, or over any httpx transport. The only module that knows them.

The default path uses httpcore's own connection objects under a pool of ours: httpx's pool looks at every connection
several times for each request, which is cubic work in a burst. Nothing follows redirects, keeps cookies, or reads the
environment; there is no proxy option (an ``httpx.HTTPTransport(proxy=...)`` given as ``transport`` is one).
"""

from __future__ import annotations

import logging
import os
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Generic, Literal, Self, TypeVar

import anyio
import httpcore
import httpx

from payport.sdk import tls
from payport.sdk.errors import ConfigurationError
from payport.sdk.message import FailureKind, SendFailure, WireReply, WireRequest
from payport.sdk.transport.hosts import Address, Hosts, Target
from payport.sdk.transport.lanes import Lanes, Sender
from payport.sdk.transport.pool import Pool, WaitingPool
from payport.sdk.transport.reply import Incoming, outgoing
from payport.sdk.transport.sockets import BlockingSocket, Socket, WaitingSocket
from payport.sdk.transport.trip import SendError, Trip, reason

MAX_CONNECTIONS = 64
IDLE_S = 4.0
"""Shorter than what servers keep (Node and Apache: 5 s), so that a request seldom meets a connection being closed."""


class HttpTransport:
    """Sends over HTTPS to ``hosts`` only, from any thread.

    ``hosts``: ``"api.example.com"`` or ``"api.example.com:8443"``. ``transport``: your own httpx transport (a mock, a
    proxy, another library). It stays yours to close, its TLS settings count instead of ``trust``, and it must raise
    ``httpx.ConnectError`` or ``ConnectTimeout`` only when nothing of the request was sent. It is given ``timeout_s``
    for each step and watched between two pieces of the reply, so it may be up to twice as late; ours is not.
    ``max_connections``: requests in flight; others wait. ``idle_s``: how long an idle connection may be used again.

    Raises :class:`payport.sdk.errors.ConfigurationError` for settings of ``trust`` or ``hosts`` that cannot work.
    """

    def __init__(
        self,
        trust: tls.Trust,
        hosts: frozenset[str],
        *,
        transport: httpx.BaseTransport | None = None,
        max_connections: int = MAX_CONNECTIONS,
        idle_s: float = IDLE_S,
    ) -> None:
        _quiet_loggers()
        self._hosts = Hosts(hosts, loopback_plaintext=trust.loopback_plaintext)
        self._closed = False
        self._through = None if transport is None else _Through(transport)
        self._pooled = _Pooled(tls.context(trust), max_connections, idle_s)

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """The whole reply, or why there is none. See :class:`payport.sdk.transport.Transport`."""
        trip = Trip(time.monotonic() + timeout_s)
        try:
            target = self._hosts.admit(request.url, closed=self._closed)
            trip.remaining_s()
            return (self._through or self._mine()).exchange(target, request, trip)
        except Exception as error:  # noqa: BLE001 - whatever it was, the caller must learn whether a byte may have left
            return failure(error, trip)

    def close(self) -> None:
        """Close idle connections and refuse later requests."""
        self._closed = True
        self._mine().close()

    def _mine(self) -> _Pooled:
        if self._pooled.pid != os.getpid():
            # After a fork the connections belong to the parent: two processes must never speak on one.
            self._pooled = self._pooled.anew()
        return self._pooled


class AsyncHttpTransport:
    """Sends over HTTPS to ``hosts`` only, under asyncio or trio; one instance serves any number of event loops.

    ``backend="aiohttp"`` sends through aiohttp where asyncio runs (extra ``aiohttp``): less CPU under load, but mocks
    of httpx and httpcore (respx) do not see its requests. The rest as in :class:`HttpTransport`, except that
    ``timeout_s`` bounds your own transport everywhere too.
    """

    def __init__(
        self,
        trust: tls.Trust,
        hosts: frozenset[str],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        backend: Literal["httpcore", "aiohttp"] = "httpcore",
        max_connections: int = MAX_CONNECTIONS,
        idle_s: float = IDLE_S,
    ) -> None:
        _quiet_loggers()
        self._hosts = Hosts(hosts, loopback_plaintext=trust.loopback_plaintext)
        self._closed = False
        self._through = None if transport is None else _AsyncThrough(transport)
        context = tls.context(trust)
        aiohttp_sender = _load_aiohttp() if backend == "aiohttp" else None

        def begin(*, asyncio_runs: bool) -> Sender:
            if aiohttp_sender is not None and asyncio_runs:
                return aiohttp_sender(context, max_connections, idle_s)
            return _AsyncPooled(context, max_connections, idle_s)

        self._lanes = Lanes(begin)

    async def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """The whole reply, or why there is none. See :class:`payport.sdk.transport.AsyncTransport`."""
        trip = Trip(time.monotonic() + timeout_s)
        with anyio.move_on_after(timeout_s):
            try:
                target = self._hosts.admit(request.url, closed=self._closed)
                trip.remaining_s()
                return await (self._through or await self._lanes.here()).exchange(target, request, trip)
            except Exception as error:  # noqa: BLE001 - as in the sync twin
                return failure(error, trip)
        return failure(trip.expired(), trip)

    async def aclose(self) -> None:
        """Close idle connections and refuse later requests. Another event loop closes its own when it ends."""
        self._closed = True
        await self._lanes.aclose()


def failure(error: Exception, trip: Trip) -> SendFailure:
    """Why there is no reply, and whether a byte may have left: the one table of it."""
    if isinstance(error, SendError):
        return SendFailure(error.kind, trip.left, error.detail)
    detail = f"{type(error).__module__.partition('.')[0]}.{type(error).__name__}"
    for known, kind in _BEFORE.items():
        if isinstance(error, known):
            left = not _credible(error)
            return SendFailure(FailureKind.CONNECTION_LOST if left else kind, left, detail)
    for known, kind in _AFTER.items():
        if isinstance(error, known):
            return SendFailure(kind, True, detail)  # noqa: FBT003 - may_have_left
    return SendFailure(FailureKind.UNREADABLE if trip.left else FailureKind.REFUSED, trip.left, detail)


# Our own sockets raise SendError. These come from transports of the user's, and from mocks in front of our connections.
_BEFORE: dict[type[Exception], FailureKind] = {
    httpx.ConnectError: FailureKind.UNREACHABLE,
    httpcore.ConnectError: FailureKind.UNREACHABLE,
    httpx.ConnectTimeout: FailureKind.UNREACHABLE,
    httpcore.ConnectTimeout: FailureKind.UNREACHABLE,
    httpx.PoolTimeout: FailureKind.DEADLINE,
    httpcore.PoolTimeout: FailureKind.DEADLINE,
    httpx.ProxyError: FailureKind.UNREACHABLE,
    httpx.UnsupportedProtocol: FailureKind.REFUSED,
}
_AFTER: dict[type[Exception], FailureKind] = {
    httpx.TimeoutException: FailureKind.TIMED_OUT,
    httpcore.TimeoutException: FailureKind.TIMED_OUT,
    httpx.NetworkError: FailureKind.CONNECTION_LOST,
    httpcore.NetworkError: FailureKind.CONNECTION_LOST,
    httpx.RemoteProtocolError: FailureKind.UNREADABLE,
    httpcore.RemoteProtocolError: FailureKind.UNREADABLE,
}


def _credible(error: Exception) -> bool:
    """Whether an error that claims to come before the first byte does.

    httpx-aiohttp 0.2 turns every lost connection into ``httpx.ConnectTimeout``, also one that was lost after the
    request was sent; only its cause tells.
    """
    cause = error.__cause__
    if cause is None or not type(cause).__module__.startswith("aiohttp"):
        return True
    return any(known.__name__ in ("ClientConnectorError", "ConnectionTimeoutError") for known in type(cause).__mro__)


def _quiet_loggers() -> None:
    """Keep httpx and httpcore from logging: at INFO whole URLs, at DEBUG the reply's headers."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _load_aiohttp() -> Callable[[ssl.SSLContext, int, float], Sender]:
    try:
        from payport.sdk.transport.aiohttp_sender import AiohttpSender  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigurationError('backend "aiohttp" needs the extra: pip install "payport[aiohttp]"') from None
    return AiohttpSender


# Below: how a request runs on one connection, in both colours.


class _Stream(httpcore.NetworkStream):
    """Shows a socket to httpcore."""

    def __init__(self, wire: BlockingSocket) -> None:
        self._wire = wire

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._wire.read(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            self._wire.write(buffer)
        except OSError as error:
            # httpcore then reads on: a server may answer before it has read everything.
            raise httpcore.WriteError(reason(error)) from error

    def close(self) -> None:
        self._wire.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self._wire.handshake(ssl_context, server_hostname or "")
        return self


class _Backend(httpcore.NetworkBackend):
    def __init__(self, wire: BlockingSocket) -> None:
        self._wire = wire

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self._wire.connect(host, port)
        return _Stream(self._wire)


class _AsyncStream(httpcore.AsyncNetworkStream):
    """Shows a socket to httpcore."""

    def __init__(self, wire: WaitingSocket) -> None:
        self._wire = wire

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._wire.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            await self._wire.write(buffer)
        except OSError as error:
            raise httpcore.WriteError(reason(error)) from error

    async def aclose(self) -> None:
        self._wire.close()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        await self._wire.handshake(ssl_context, server_hostname or "")
        return self


class _AsyncBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, wire: WaitingSocket) -> None:
        self._wire = wire

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        await self._wire.connect(host, port)
        return _AsyncStream(self._wire)


_ConnectionT = TypeVar("_ConnectionT", bound=httpcore.HTTPConnection | httpcore.AsyncHTTPConnection)


class _Line(Generic[_ConnectionT]):
    """One of httpcore's connections with the socket under it."""

    __slots__ = ("address", "connection", "idle_since_s", "wire")

    def __init__(self, address: Address, connection: _ConnectionT, wire: Socket) -> None:
        self.address = address
        self.connection = connection
        self.wire = wire
        self.idle_since_s = 0.0

    def stale(self) -> bool:
        return self.wire.stale()

    def close(self) -> None:
        self.wire.close()

    def reusable(self) -> bool:
        """Whether the last exchange ended cleanly: both sides done, and not one byte beyond the reply.

        Bytes that a partner sends beyond its ``Content-Length`` would be read as the reply to the next request.
        httpcore keeps its parser private; there is no public way to ask.
        """
        if not self.connection.is_idle():
            return False
        inner = self.connection._connection  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - see above
        parser = getattr(inner, "_h11_state", None)
        return parser is not None and parser.trailing_data == (b"", False)


class _Pooled:
    """Sends over the pool, from threads. ``pid``: the process that its connections belong to."""

    def __init__(self, context: ssl.SSLContext, max_connections: int, idle_s: float) -> None:
        self.pid = os.getpid()
        self._context = context
        self._limits = (max_connections, idle_s)
        self._pool: Pool[_Line[httpcore.HTTPConnection]] = Pool(max_connections, idle_s)

    def exchange(self, target: Target, request: WireRequest, trip: Trip) -> WireReply:
        pool = self._pool
        message = _message(target, request, request.content)
        pool.enter(trip)
        try:
            line = pool.shelf.take(target.address) or self._open(target.address, trip)
            clean = False
            try:
                line.wire.trip = trip
                reply = _exchange(line.connection, message, request, trip)
                clean = line.reusable()
            finally:
                (pool.shelf.put if clean else pool.shelf.drop)(line)
            return reply
        finally:
            pool.leave()

    def anew(self) -> _Pooled:
        """The same, for this process."""
        return _Pooled(self._context, *self._limits)

    def _open(self, address: Address, trip: Trip) -> _Line[httpcore.HTTPConnection]:
        wire = BlockingSocket(trip)
        connection = httpcore.HTTPConnection(_origin(address), self._context, network_backend=_Backend(wire))
        return _Line(address, connection, wire)

    def close(self) -> None:
        self._pool.shelf.close()


class _AsyncPooled:
    """Sends over the pool, from the tasks of one event loop."""

    def __init__(self, context: ssl.SSLContext, max_connections: int, idle_s: float) -> None:
        self._context = context
        self._pool: WaitingPool[_Line[httpcore.AsyncHTTPConnection]] = WaitingPool(max_connections, idle_s)

    async def exchange(self, target: Target, request: WireRequest, trip: Trip) -> WireReply:
        pool = self._pool
        message = _message(target, request, _Content(request.content))
        await pool.enter()
        try:
            line = pool.shelf.take(target.address) or self._open(target.address, trip)
            clean = False
            try:
                line.wire.trip = trip
                reply = await _aexchange(line.connection, message, request, trip)
                clean = line.reusable()
            finally:
                (pool.shelf.put if clean else pool.shelf.drop)(line)
            return reply
        finally:
            pool.leave()

    def _open(self, address: Address, trip: Trip) -> _Line[httpcore.AsyncHTTPConnection]:
        wire = WaitingSocket(trip)
        connection = httpcore.AsyncHTTPConnection(_origin(address), self._context, network_backend=_AsyncBackend(wire))
        return _Line(address, connection, wire)

    async def aclose(self) -> None:
        self.close_idle()

    def close_idle(self) -> None:
        self._pool.shelf.close()


class _Through:
    """Sends through a transport of the user's."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    def exchange(self, target: Target, request: WireRequest, trip: Trip) -> WireReply:
        message = _httpx_request(target, request, trip)
        trip.depart()  # only the kind of an exception can tell that it did not: see failure()
        response = self._transport.handle_request(message)
        try:
            incoming = Incoming(request, response.status_code, response.headers.raw)
            if not isinstance(response.stream, httpx.SyncByteStream):
                raise SendError(FailureKind.UNREADABLE, "the transport answered with a stream that is not for threads")
            for chunk in response.stream:
                trip.remaining_s()
                incoming.add(chunk)
                incoming.check()
        finally:
            response.close()
        return incoming.whole()


class _AsyncThrough:
    """Sends through a transport of the user's."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def exchange(self, target: Target, request: WireRequest, trip: Trip) -> WireReply:
        message = _httpx_request(target, request, trip)
        trip.depart()
        response = await self._transport.handle_async_request(message)
        try:
            incoming = Incoming(request, response.status_code, response.headers.raw)
            if not isinstance(response.stream, httpx.AsyncByteStream):
                raise SendError(FailureKind.UNREADABLE, "the transport answered with a stream that is not for tasks")
            async for chunk in response.stream:
                incoming.add(chunk)
                incoming.check()
        finally:
            await response.aclose()
        return incoming.whole()


def _exchange(
    connection: httpcore.HTTPConnection, message: httpcore.Request, request: WireRequest, trip: Trip
) -> WireReply:
    trip.body_follows = bool(request.content)
    response = connection.handle_request(message)
    trip.body_begins(request.max_reply_bytes)
    incoming = Incoming(request, response.status, response.headers)
    for chunk in response.iter_stream():
        incoming.add(chunk)
    response.close()
    return incoming.whole()


async def _aexchange(
    connection: httpcore.AsyncHTTPConnection, message: httpcore.Request, request: WireRequest, trip: Trip
) -> WireReply:
    trip.body_follows = bool(request.content)
    response = await connection.handle_async_request(message)
    trip.body_begins(request.max_reply_bytes)
    incoming = Incoming(request, response.status, response.headers)
    async for chunk in response.aiter_stream():
        incoming.add(chunk)
    await response.aclose()
    return incoming.whole()


class _Content:
    """The body of a request, once. No generator, which a broken connection would leave hanging under trio."""

    def __init__(self, content: bytes) -> None:
        self._left = [content] if content else []

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


def _origin(address: Address) -> httpcore.Origin:
    return httpcore.Origin(b"https" if address.tls else b"http", address.host.encode("ascii"), address.port)


def _message(target: Target, request: WireRequest, content: bytes | _Content) -> httpcore.Request:
    address = target.address
    url = httpcore.URL(
        scheme=b"https" if address.tls else b"http",
        host=address.host.encode("ascii"),
        port=address.port,
        target=target.path.encode("ascii"),
    )
    return httpcore.Request(request.method, url, headers=outgoing(request, address), content=content)


def _httpx_request(target: Target, request: WireRequest, trip: Trip) -> httpx.Request:
    return httpx.Request(
        request.method,
        httpx.URL(request.url),
        headers=outgoing(request, target.address),
        content=request.content,
        extensions={"timeout": httpx.Timeout(trip.remaining_s()).as_dict()},
    )
