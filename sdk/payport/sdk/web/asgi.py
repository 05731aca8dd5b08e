"""Notifications for ASGI servers and frameworks (Starlette, FastAPI, Django under ASGI, Quart).

Source: ASGI specification, HTTP connection scope (asgi.readthedocs.io).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from payport.sdk.web.raw import CUT_SHORT, MAX_BODY_BYTES, ONLY_POST, TOO_LONG, check_colour, checked_path, notification

if TYPE_CHECKING:
    from payport.schemas.events import Acknowledgement
    from payport.sdk.adapter import Adapter
    from payport.sdk.gateway import AsyncGateway

Message: TypeAlias = MutableMapping[str, object]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class AsgiNotifications:
    """An ASGI application that hands what is posted to it to a gateway, and answers what the partner wants to hear.

    Put it in front of an application with :meth:`before`, at exactly the path where the partner posts: a mount that
    redirects to a trailing slash would not be taken for an acknowledgement. What the gateway learnt is in
    :meth:`payport.sdk.AsyncGateway.changes`. An authentic notice is answered after it is durably kept.
    ``max_body_bytes``: a longer body is refused with 413.
    """

    def __init__(self, gateway: AsyncGateway[Adapter], *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        check_colour(gateway, awaited=True)
        self._gateway = gateway
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises ``ValueError`` for a scope that is not HTTP, as ASGI asks."""
        if scope["type"] != "http":
            raise ValueError(f"notifications come by HTTP, not by {scope['type']}")
        answer = await self._answer(scope, receive)
        headers = [(b"content-type", answer.content_type.encode("latin-1"))]
        headers += [(b"content-length", str(len(answer.body)).encode())]
        if answer.status == ONLY_POST.status:
            headers += [(b"allow", b"POST")]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    def before(self, application: Application, path: str) -> Application:
        """``application`` with this at exactly ``path``: no framework sees, or alters, what is posted there.

        Raises :class:`payport.sdk.ConfigurationError` for a path without its slash.
        """
        path = checked_path(path)

        async def both(scope: Scope, receive: Receive, send: Send) -> None:
            here = scope["type"] == "http" and scope["path"] == path
            await (self if here else application)(scope, receive, send)

        return both

    async def _answer(self, scope: Scope, receive: Receive) -> Acknowledgement:
        if scope["method"] != "POST":
            return ONLY_POST
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return CUT_SHORT
            body += cast("bytes", message.get("body", b""))
            if len(body) > self._max_body_bytes:
                return TOO_LONG
            more = bool(message.get("more_body", False))
        pairs = cast("Iterable[tuple[bytes, bytes]]", scope.get("headers", ()))
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]
        query = cast("bytes", scope.get("query_string", b"")).decode("latin-1")
        received = await self._gateway.receive(notification(bytes(body), headers, query))
        return received.acknowledgement
