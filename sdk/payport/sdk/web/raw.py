"""What both doors share: a request's bytes, headers and query as a notification, and what is answered without one."""

from __future__ import annotations

from collections.abc import Iterable

from payport.schemas.events import Acknowledgement, RawNotification

MAX_BODY_BYTES = 1024 * 1024
"""A longer body is refused unread; partners' notices have a few kilobytes."""

_TEXT = "text/plain; charset=utf-8"
ONLY_POST = Acknowledgement(status=405, content_type=_TEXT, body=b"notifications are posted")
TOO_LONG = Acknowledgement(status=413, content_type=_TEXT, body=b"too long")
NO_LENGTH = Acknowledgement(status=411, content_type=_TEXT, body=b"say how long it is")
CUT_SHORT = Acknowledgement(status=400, content_type=_TEXT, body=b"cut short")


def notification(body: bytes, headers: Iterable[tuple[str, str]], query: str) -> RawNotification:
    """The request as it came. A header that stands twice keeps both values, so no signature can be slipped in."""
    joined: dict[str, str] = {}
    for name, value in headers:
        known = joined.get(name.lower())
        joined[name.lower()] = value if known is None else f"{known}, {value}"
    return RawNotification(body=body, headers=joined, query=query)
