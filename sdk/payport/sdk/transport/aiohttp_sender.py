"""Sending through aiohttp, for asyncio under load. Loaded only when asked for (extra ``aiohttp``).

aiohttp is spoken to directly, not through an httpx transport: only its own tracing tells when a request may have left,
and the one adapter there is (httpx-aiohttp 0.2) reports connections lost after sending as connect errors.
"""

from __future__ import annotations

import asyncio
import io
import ssl
from types import SimpleNamespace
from typing import cast

import aiohttp
from aiohttp.connector import Connection
from yarl import URL

from payport.sdk.message import FailureKind, WireReply, WireRequest
from payport.sdk.transport.hosts import Target
from payport.sdk.transport.reply import Incoming, outgoing
from payport.sdk.transport.trip import SendError, Trip

_LARGE_BYTES = 1024 * 1024
_SKIPPED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class AiohttpSender:
    """Sends over aiohttp's connections, for one event loop."""

    def __init__(self, context: ssl.SSLContext, max_connections: int, idle_s: float, connect_s: float) -> None:
        connector = aiohttp.TCPConnector(ssl=context, limit=max_connections, keepalive_timeout=idle_s)
        self._in_use: dict[object, asyncio.BaseTransport | None] = {}
        self._session = aiohttp.ClientSession(
            connector=connector,
            request_class=_remembering(self._in_use),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_s),
            trace_configs=[_tracing()],
            skip_auto_headers=_SKIPPED,
        )
        # aiohttp sends an idempotent request again by itself on a stale connection; the caller decides that here.
        self._session._retry_connection = False  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - no public switch

    async def exchange(self, target: Target, request: WireRequest, trip: Trip) -> WireReply:
        """One request. The caller cancels at the deadline."""
        headers = [(name.decode("ascii"), value.decode("ascii")) for name, value in outgoing(request, target.address)]
        clean = False
        try:
            async with self._session.request(
                request.method,
                URL(request.url, encoded=True),
                headers=headers,
                # aiohttp warns about large bytes, which it would copy at once; it reads a file piece by piece.
                data=request.content if len(request.content) < _LARGE_BYTES else io.BytesIO(request.content),
                allow_redirects=False,
                trace_request_ctx=trip,
            ) as response:
                incoming = Incoming(request, response.status, response.raw_headers)
                async for chunk in response.content.iter_any():
                    incoming.add(chunk)
                    incoming.check()
                reply = incoming.whole()
        except (aiohttp.ClientError, OSError) as error:
            raise _fault(error) from error
        else:
            clean = True
            return reply
        finally:
            transport = self._in_use.pop(asyncio.current_task(), None)
            if not clean and isinstance(transport, asyncio.WriteTransport):
                # aiohttp would first send the rest of a request that was given up.
                transport.abort()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()

    def close_idle(self) -> None:
        """Nothing: aiohttp's connections can be closed in their own event loop only, which does it when it ends."""


def _remembering(in_use: dict[object, asyncio.BaseTransport | None]) -> type[aiohttp.ClientRequest]:
    """A request that notes which connection its task uses; aiohttp tells nobody before the reply's head is there."""

    class Request(aiohttp.ClientRequest):
        async def send(self, conn: Connection) -> aiohttp.ClientResponse:
            in_use[asyncio.current_task()] = conn.transport
            return await super().send(conn)

    return Request


def _tracing() -> aiohttp.TraceConfig:
    """Keeps the trip informed: the moment before the first write is when a connection is at hand."""
    tracing = aiohttp.TraceConfig()

    async def looking_up(_: object, context: SimpleNamespace, __: object) -> None:
        _trip(context).stage = FailureKind.UNRESOLVED

    async def connecting(_: object, context: SimpleNamespace, __: object) -> None:
        _trip(context).stage = FailureKind.UNREACHABLE

    async def departing(_: object, context: SimpleNamespace, __: object) -> None:
        _trip(context).depart()

    tracing.on_connection_create_start.append(connecting)
    tracing.on_dns_resolvehost_start.append(looking_up)
    tracing.on_dns_resolvehost_end.append(connecting)
    tracing.on_connection_create_end.append(departing)
    tracing.on_connection_reuseconn.append(departing)
    return tracing


def _trip(context: SimpleNamespace) -> Trip:
    return cast("Trip", context.trace_request_ctx)


def _fault(error: Exception) -> SendError:
    """aiohttp's errors in our words; whether a byte may have left is the trip's to say."""
    detail = f"aiohttp.{type(error).__name__}"
    match error:
        case aiohttp.ClientConnectorDNSError():
            return SendError(FailureKind.UNRESOLVED, detail)
        case aiohttp.ClientSSLError():
            return SendError(FailureKind.TLS, detail)
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return SendError(FailureKind.UNREACHABLE, detail)
        case aiohttp.ClientPayloadError() if not isinstance(error.__cause__, OSError):
            return SendError(FailureKind.UNREADABLE, detail)
        case aiohttp.ClientResponseError():
            return SendError(FailureKind.UNREADABLE, detail)
        case _:
            return SendError(FailureKind.CONNECTION_LOST, detail)
