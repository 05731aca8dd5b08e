"""The transports: requests over connections of our own, or over any httpx transport. The only module that knows httpx.

The default path is :mod:`.pooled`: httpx and httpcore take half a millisecond of CPU for each request, and their pool
looks at every connection several times for each, which is cubic work in a burst. Mocks of httpx and httpcore see our
requests all the same. Nothing follows redirects, keeps cookies, or reads the environment; there is no proxy option
(an ``httpx.HTTPTransport(proxy=...)`` given as ``transport`` is one).
"""

from __future__ import annotations

import logging
import os
import ssl
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Literal

import anyio
import httpcore
import httpx

from payport.sdk import tls
from payport.sdk.errors import ConfigurationError
from payport.sdk.message import FailureKind, SendFailure, WireReply, WireRequest
from payport.sdk.transport.hosts import Hosts, Target
from payport.sdk.transport.lanes import Lanes, Sender
from payport.sdk.transport.pooled import AsyncPooled, Pooled
from payport.sdk.transport.reply import Incoming, outgoing
from payport.sdk.transport.trip import SendError, Trip

MAX_CONNECTIONS = 64
CONNECT_S = 5.0
HTTP = ("http/1.1",)
"""What we speak inside TLS."""
IDLE_S = 4.0
"""Shorter than what servers keep (Node and Apache: 5 s), so that a request seldom meets a connection being closed."""


class HttpTransport:
    """Sends over HTTPS to ``hosts`` only, from any thread.

    ``hosts``: ``"api.example.com"`` or ``"api.example.com:8443"``. ``transport``: your own httpx transport (a mock, a
    proxy, another library). It stays yours to close, its TLS settings count instead of ``trust``, and it must raise
    ``httpx.ConnectError`` or ``ConnectTimeout`` only when nothing of the request was sent. It is given ``timeout_s``
    for each step and watched between two pieces of the reply, so it may be up to twice as late; ours is not.
    ``max_connections``: requests in flight; others wait. ``idle_s``: how long an idle connection may be used again.
    ``connect_s``: how long a new connection may take, TLS included: nothing has left then, so there is time to try
    again, or another host, before the call's own time is up.

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
        connect_s: float = CONNECT_S,
    ) -> None:
        _quiet_loggers()
        self._hosts = Hosts(hosts, loopback_plaintext=trust.loopback_plaintext)
        self._closed = False
        self._connect_s = connect_s
        self._through = None if transport is None else _Through(transport)
        self._context = tls.context(trust, HTTP)
        self._pooled = Pooled(self._context, max_connections, idle_s)

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """The whole reply, or why there is none. See :class:`payport.sdk.transport.Transport`."""
        trip = Trip(time.monotonic() + timeout_s, self._connect_s)
        try:
            target = self._hosts.admit(request.url, closed=self._closed)
            trip.remaining_s()
            if self._through is None and _is_mocked():
                return _send_mocked(self._context, target, request, trip)
            return (self._through or self._mine()).exchange(target, request, trip)
        except Exception as error:  # noqa: BLE001 - whatever it was, the caller must learn whether a byte may have left
            return failure(error, trip)

    def close(self) -> None:
        """Close idle connections and refuse later requests."""
        self._closed = True
        self._mine().close()

    def _mine(self) -> Pooled:
        if self._pooled.pid != os.getpid():
            # After a fork the connections belong to the parent: two processes must never speak on one.
            self._pooled = self._pooled.anew()
        return self._pooled


class AsyncHttpTransport:
    """Sends over HTTPS to ``hosts`` only, under asyncio or trio; one instance serves any number of event loops.

    ``backend="aiohttp"`` sends through aiohttp where asyncio runs (extra ``aiohttp``), whose tracing and mocks then see
    the requests; those of httpx and httpcore (respx, pytest-httpx) see them with the other one, which takes less CPU.
    The rest as in :class:`HttpTransport`, except that ``timeout_s`` bounds your own transport everywhere too.
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
        connect_s: float = CONNECT_S,
    ) -> None:
        _quiet_loggers()
        self._hosts = Hosts(hosts, loopback_plaintext=trust.loopback_plaintext)
        self._closed = False
        self._connect_s = connect_s
        self._through = None if transport is None else _AsyncThrough(transport)
        self._context = context = tls.context(trust, HTTP)
        self._stands_in = backend != "aiohttp"  # whether mocks of httpx are to see our requests
        aiohttp_sender = _load_aiohttp() if backend == "aiohttp" else None

        def begin(*, asyncio_runs: bool) -> Sender:
            if aiohttp_sender is not None and asyncio_runs:
                return aiohttp_sender(context, max_connections, idle_s, connect_s)
            return AsyncPooled(context, max_connections, idle_s)

        self._lanes = Lanes(begin)

    async def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """The whole reply, or why there is none. See :class:`payport.sdk.transport.AsyncTransport`."""
        trip = Trip(time.monotonic() + timeout_s, self._connect_s)
        with anyio.move_on_after(timeout_s):
            try:
                target = self._hosts.admit(request.url, closed=self._closed)
                trip.remaining_s()
                if self._through is None and self._stands_in and _is_async_mocked():
                    return await _asend_mocked(self._context, target, request, trip)
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


def _load_aiohttp() -> Callable[[ssl.SSLContext, int, float, float], Sender]:
    try:
        from payport.sdk.transport.aiohttp_sender import AiohttpSender  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigurationError('backend "aiohttp" needs the extra: pip install "payport[aiohttp]"') from None
    return AiohttpSender


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


# A mock of httpx's or httpcore's stands in place of one of these methods. Ours does not call them, so it has to look.
_FOLDERS = tuple(str(Path(str(package.__file__)).parent) for package in (httpx, httpcore))


def _is_mocked() -> bool:
    """Whether a mock (respx, pytest-httpx) would take the requests of httpx's own transports."""
    return not (_is_genuine(httpcore.HTTPConnection.handle_request) and _is_genuine(httpx.HTTPTransport.handle_request))


def _is_async_mocked() -> bool:
    """The same for tasks."""
    return not (
        _is_genuine(httpcore.AsyncHTTPConnection.handle_async_request)
        and _is_genuine(httpx.AsyncHTTPTransport.handle_async_request)
    )


@lru_cache(maxsize=8)
def _is_genuine(method: object) -> bool:
    code = getattr(method, "__code__", None)
    return code is not None and str(code.co_filename).startswith(_FOLDERS)


def _send_mocked(context: ssl.SSLContext, target: Target, request: WireRequest, trip: Trip) -> WireReply:
    with httpx.HTTPTransport(verify=context, trust_env=False) as mocked:
        return _Through(mocked).exchange(target, request, trip)


async def _asend_mocked(context: ssl.SSLContext, target: Target, request: WireRequest, trip: Trip) -> WireReply:
    async with httpx.AsyncHTTPTransport(verify=context, trust_env=False) as mocked:
        return await _AsyncThrough(mocked).exchange(target, request, trip)


def _httpx_request(target: Target, request: WireRequest, trip: Trip) -> httpx.Request:
    return httpx.Request(
        request.method,
        httpx.URL(request.url),
        headers=outgoing(request, target.address),
        content=request.content,
        extensions={"timeout": httpx.Timeout(trip.remaining_s()).as_dict()},
    )
