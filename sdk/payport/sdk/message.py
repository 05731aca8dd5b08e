"""What crosses the wire: a request, a reply, or the reason why there is no reply."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

MAX_REPLY_BYTES = 1024 * 1024
_SECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)


class Purpose(Enum):
    """What a request is for: so that finding out never waits for charging, nor stops where charging is stopped."""

    MOVE = "move"
    """Part of something new: a payment, a capture, a refund, a payout."""
    RESOLVE = "resolve"
    """Ends or settles what is under way: a cancel, a fence, the same step again from ``resume``."""
    ASK = "ask"
    """Finds out, and moves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """One HTTP request, signed and complete.

    ``endpoint``: the partner's name of the operation, for limits, logs and the audit trail.
    ``moves_money``: whether it may charge, hold, refund or send money; reads do not.
    ``max_reply_bytes``: a longer reply is cut off and counts as unreadable.
    ``not_after``: an instant (with time zone) from which on it may not leave any more, however long it waited for its
    turn.
    """

    endpoint: str
    moves_money: bool
    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    max_reply_bytes: int = MAX_REPLY_BYTES
    not_after: datetime | None = None

    def leaving_before(self, instant: datetime) -> WireRequest:
        """The same request, which may leave no more from ``instant`` on, or from its own ``not_after`` if earlier."""
        if self.not_after is not None and self.not_after <= instant:
            return self
        return replace(self, not_after=instant)


@dataclass(frozen=True, slots=True)
class WireReply:
    """One whole HTTP reply. ``headers``: names in lower case; a repeated header keeps every value in order."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    content: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """The value of a header that stands there once; ``None`` when absent. Raises ``ValueError`` when repeated."""
        values = [value for key, value in self.headers if key == name]
        if len(values) > 1:
            raise ValueError(f"header {name} stands {len(values)} times")
        return values[0] if values else None

    def retry_after_s(self, now: datetime) -> float | None:
        """How long ``Retry-After`` asks to be left alone, as seconds or as a date; ``None`` without a readable one.

        A date is the server's, and so is counted from the reply's own, whatever the clock here says.
        """
        values = [value for key, value in self.headers if key == "retry-after"]
        if len(values) != 1:
            return None
        if values[0].isascii() and values[0].isdigit():
            return float(values[0][:_DIGITS])
        until = _http_date(values[0])
        return None if until is None else max(0.0, (until - (self.date or now)).total_seconds())

    @property
    def date(self) -> datetime | None:
        """When it was made, by the clock of the server (``Date``, RFC 9110, 6.6.1); ``None`` without a readable one."""
        values = [value for key, value in self.headers if key == "date"]
        return _http_date(values[0]) if len(values) == 1 else None


_DIGITS = 9


def _http_date(value: str) -> datetime | None:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - for the rare reply of which a date is read

    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return None if date.tzinfo is None else date


class FailureKind(Enum):
    """What went wrong on the way, from before the first byte to after the last."""

    REFUSED = "refused"
    """Refused here: host not on the allow-list, no HTTP, closed transport."""
    RATE_LIMITED = "rate_limited"
    """Refused here: a call limit leaves no room before the deadline."""
    BREAKER_OPEN = "breaker_open"
    """Refused here: the partner failed too often lately."""
    SUSPENDED = "suspended"
    """Refused here: the partner may not be used now, for example because its licence ran out."""
    DEADLINE = "deadline"
    """Time was up before a connection was free."""
    UNRESOLVED = "unresolved"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    """The handshake failed. Under TLS 1.3 a refused client certificate may be told after the request was written:
    read ``may_have_left``, never the kind."""
    TIMED_OUT = "timed_out"
    CONNECTION_LOST = "connection_lost"
    UNREADABLE = "unreadable"
    """Not HTTP, cut short, over the cap, or in an encoding that was not asked for."""


@dataclass(frozen=True, slots=True)
class SendFailure:
    """There is no reply. ``may_have_left``: whether one byte of the request can have reached the partner."""

    kind: FailureKind
    may_have_left: bool
    detail: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class AskAgain:
    """Not yet, and no place was taken: ask once more after so many seconds."""

    after_s: float
