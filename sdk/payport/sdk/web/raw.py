"""What both doors share: a request's bytes, headers and query as a notification, and what is answered without one."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import iscoroutinefunction

from payport.schemas.events import Acknowledgement, RawNotification
from payport.sdk.errors import ConfigurationError

MAX_BODY_BYTES = 1024 * 1024
"""A longer body is refused unread; partners' notices have a few kilobytes."""

_TEXT = "text/plain; charset=utf-8"
ONLY_POST = Acknowledgement(status=405, content_type=_TEXT, body=b"notifications are posted")
TOO_LONG = Acknowledgement(status=413, content_type=_TEXT, body=b"too long")
NO_LENGTH = Acknowledgement(status=411, content_type=_TEXT, body=b"say how long it is")
CUT_SHORT = Acknowledgement(status=400, content_type=_TEXT, body=b"cut short")


def checked_path(path: str) -> str:
    """The path that a partner posts to. Raises :class:`ConfigurationError` for one that no request can have."""
    if not path.startswith("/"):
        raise ConfigurationError(f"a path begins with a slash, got {path!r}: no notification would ever get here")
    return path


def check_colour(gateway: object, *, awaited: bool) -> None:
    """Raise :class:`ConfigurationError` for a gateway of the other colour, or none."""
    receive = getattr(gateway, "receive", None)
    if receive is None or iscoroutinefunction(receive) is not awaited:
        wanted, other = ("an AsyncGateway", "WsgiNotifications") if awaited else ("a Gateway", "AsgiNotifications")
        raise ConfigurationError(f"this takes {wanted}, got {type(gateway).__name__}; for the other kind: {other}")


def notification(body: bytes, headers: Iterable[tuple[str, str]], query: str) -> RawNotification:
    """The request as it came. A header that stands twice keeps both values, so no signature can be slipped in."""
    joined: dict[str, str] = {}
    for name, value in headers:
        known = joined.get(name.lower())
        joined[name.lower()] = value if known is None else f"{known}, {value}"
    return RawNotification(body=body, headers=joined, query=query)
