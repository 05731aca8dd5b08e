"""Notifications for WSGI servers and frameworks (Flask, Django, Pyramid).

Source: PEP 3333.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from payport.sdk.web.raw import (
    CUT_SHORT,
    MAX_BODY_BYTES,
    NO_LENGTH,
    ONLY_POST,
    TOO_LONG,
    check_colour,
    checked_path,
    notification,
)

if TYPE_CHECKING:
    from payport.schemas.events import Acknowledgement
    from payport.sdk.adapter import Adapter
    from payport.sdk.gateway import Gateway


class WsgiNotifications:
    """A WSGI application that hands what is posted to it to a gateway, and answers what the partner wants to hear.

    Mount it where the partner posts, or put it in front of an application with :meth:`before`. What the gateway learnt
    is in :meth:`payport.sdk.Gateway.changes`. An authentic notice is answered after it is durably kept.
    ``max_body_bytes``: a longer body is refused with 413.
    """

    def __init__(self, gateway: Gateway[Adapter], *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        check_colour(gateway, awaited=False)
        self._gateway = gateway
        self._max_body_bytes = max_body_bytes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        answer = self._answer(environ)
        headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body)))]
        if answer.status == ONLY_POST.status:
            headers.append(("Allow", "POST"))
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
        return [answer.body]

    def before(self, application: WSGIApplication, path: str) -> WSGIApplication:
        """``application`` with this at exactly ``path``: no framework sees, or alters, what is posted there.

        Raises :class:`payport.sdk.ConfigurationError` for a path without its slash.
        """
        path = checked_path(path)

        def both(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            here = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}" == path
            return (self if here else application)(environ, start_response)

        return both

    def _answer(self, environ: WSGIEnvironment) -> Acknowledgement:
        if environ["REQUEST_METHOD"] != "POST":
            return ONLY_POST
        body = self._body(environ)
        if not isinstance(body, bytes):
            return body
        query = str(environ.get("QUERY_STRING", ""))
        return self._gateway.receive(notification(body, _headers(environ), query)).acknowledgement

    def _body(self, environ: WSGIEnvironment) -> bytes | Acknowledgement:
        """The whole body. One without a length (sent in chunks) is read to its end where the server marks it."""
        told = environ.get("CONTENT_LENGTH")
        if not told and environ.get("wsgi.input_terminated"):
            body: bytes = environ["wsgi.input"].read(self._max_body_bytes + 1)
            return TOO_LONG if len(body) > self._max_body_bytes else body
        try:
            length = int(told or "")
        except ValueError:
            return NO_LENGTH
        if length > self._max_body_bytes:
            return TOO_LONG
        body = environ["wsgi.input"].read(length) if length > 0 else b""
        return CUT_SHORT if len(body) < length else body


def _headers(environ: WSGIEnvironment) -> Iterator[tuple[str, str]]:
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield name.removeprefix("HTTP_").replace("_", "-"), str(value)
        elif name in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            yield name.replace("_", "-"), str(value)
