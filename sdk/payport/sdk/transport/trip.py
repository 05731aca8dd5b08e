"""One request on its way: how far it came, how long it may take, and what stopped it."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass

from payport.sdk.message import FailureKind

MAX_HEAD_BYTES = 64 * 1024
READ_BYTES = 64 * 1024


class SendError(Exception):
    """Something on the way failed. ``detail`` is ours: it never holds what was sent or received."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


@dataclass(slots=True)
class Trip:
    """How far one request came.

    ``stage``: whom to blame when time runs out now: ``DEADLINE`` while we wait for a place of our own, then
    ``UNRESOLVED``, ``UNREACHABLE``, ``TLS``, and ``TIMED_OUT`` once a byte may have left. ``left``: whether one may
    have. ``cap``: on all bytes received: informational replies (1xx) may repeat without end, and chunks may be one
    byte long. ``connect_s``: how long a new connection may take, TLS included; ``open_by_s``: until when it may.
    """

    deadline_s: float
    connect_s: float = float("inf")
    open_by_s: float = float("inf")
    stage: FailureKind = FailureKind.DEADLINE
    left: bool = False
    received: int = 0
    cap: int = MAX_HEAD_BYTES + READ_BYTES

    def depart(self) -> None:
        """From here on a byte may have left: said before the first write, never after."""
        self.left = True
        self.stage = FailureKind.TIMED_OUT

    def arrived(self, data: bytes) -> bytes:
        """Count what came in. Raises :class:`SendError` for silence, and for more than the cap."""
        if not data and not self.received:
            raise SendError(FailureKind.CONNECTION_LOST, "the partner closed the connection without an answer")
        self.received += len(data)
        if self.received > self.cap:
            raise SendError(FailureKind.UNREADABLE, "the reply is over the cap")
        return data

    def body_begins(self, max_reply_bytes: int) -> None:
        """The head is complete: from here on the cap is the body's, with room for what frames its chunks."""
        self.cap = self.received + 2 * max_reply_bytes + READ_BYTES

    def remaining_s(self) -> float:
        """Seconds left. Raises :class:`SendError` when time is up."""
        remaining = self.deadline_s - time.monotonic()
        if remaining <= 0:
            raise self.expired()
        return remaining

    def opens(self) -> None:
        """A new connection is begun: its time runs from here, within the request's own."""
        self.open_by_s = time.monotonic() + self.connect_s

    def opening_s(self) -> float:
        """Seconds left for the connection to stand. Raises :class:`SendError` when time is up."""
        remaining = min(self.deadline_s, self.open_by_s) - time.monotonic()
        if remaining <= 0:
            raise self.expired()
        return remaining

    def expired(self) -> SendError:
        """Time is up."""
        return SendError(self.stage, "time was up " + _DURING[self.stage])


_DURING = {
    FailureKind.DEADLINE: "before a connection was free",
    FailureKind.UNRESOLVED: "while the host name was looked up",
    FailureKind.UNREACHABLE: "while connecting",
    FailureKind.TLS: "during the TLS handshake",
    FailureKind.TIMED_OUT: "after the request may have left",
}


def broken(error: OSError) -> SendError:
    """What a read or write error means."""
    if isinstance(error, ssl.SSLError):
        return SendError(FailureKind.TLS, f"TLS broke: {reason(error)}")
    return SendError(FailureKind.CONNECTION_LOST, f"the connection broke: {reason(error)}")


def reason(error: OSError) -> str:
    """The system's words for an error; they never hold data."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(getattr(error, "verify_message", None) or error)  # our pin check sets no verify_message
    return error.strerror or type(error).__name__
