"""Notifications: bytes a partner posted, what they mean once verified, and why others were refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from itertools import chain
from typing import Generic, TypeAlias, TypeVar, cast

from payport.schemas.classes import PERSONAL
from payport.schemas.money import Money
from payport.schemas.payment import FactKind
from payport.schemas.references import PartnerId

EventT_co = TypeVar("EventT_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawNotification:
    """A notification exactly as it arrived.

    ``body``: the raw bytes, never a parsed or decoded form. ``headers``: by any spelling of the names.
    ``query``: the raw query string of the URL, without the question mark.

    Raises ``TypeError`` for a body that is not ``bytes``, and for headers or a query that are not text: a framework
    parsed or decoded them before.
    """

    body: bytes = field(repr=False, metadata=PERSONAL)
    headers: Mapping[str, str] = field(repr=False, metadata=PERSONAL)
    query: str = field(default="", repr=False, metadata=PERSONAL)

    def __post_init__(self) -> None:
        given: tuple[tuple[str, object, type, str], ...] = (
            ("body", self.body, bytes, "the bytes that were posted"),
            ("query", self.query, str, "the raw query string"),
            *(("headers", part, str, "a mapping of text to text") for part in _parts(self.headers)),
        )
        for name, value, kind, words in given:
            if not isinstance(value, kind):
                raise TypeError(
                    f"{name} must be {words}, got {type(value).__name__}: "
                    "is a framework parsing or decoding the request before you?"
                )


def _parts(headers: object) -> Iterator[object]:
    """Names and values; what is no mapping, as it is. Some frameworks' headers are no ``Mapping`` to Python."""
    if not hasattr(headers, "items"):
        return iter((headers,))
    return chain.from_iterable(cast("Mapping[object, object]", headers).items())


class EventKind(Enum):
    """What a notification is about."""

    PAYMENT = "payment"
    AUTHORIZATION = "authorization"
    REFUND = "refund"
    PAYOUT = "payout"
    DISPUTE = "dispute"
    OTHER = "other"
    """Authentic, but of a kind that this version does not know. Kept and acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What an authentic notification says. ``status`` is the partner's own word."""

    kind: EventKind
    id: str
    """Stable over resends of the same event: the inbox's key."""
    partner_ref: str | None
    partner_id: PartnerId | None
    status: str
    amount: Money | None
    occurred_at: datetime | None
    ref: str | None = None
    """The merchant's reference, when this journal knows the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What the partner wants to hear back over HTTP."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified(Generic[EventT_co]):
    """An authentic notification, durably kept. ``first_seen`` is false for a resend."""

    event: EventT_co
    acknowledgement: Acknowledgement
    first_seen: bool


class RejectedKind(Enum):
    """Why a notification was refused."""

    MALFORMED = "malformed"
    UNSIGNED = "unsigned"
    BAD_SIGNATURE = "bad_signature"
    STALE = "stale"
    WRONG_ACCOUNT = "wrong_account"
    """Authentic, but addressed to another application or merchant."""
    NOT_STORED = "not_stored"
    """Authentic, but could not be kept: the partner should send it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A notification that was not accepted. Answer with ``acknowledgement`` and do nothing else."""

    kind: RejectedKind
    detail: str
    acknowledgement: Acknowledgement


Received: TypeAlias = Verified[Event] | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of one operation, from the durable table: delivered at least once, until acknowledged.

    ``facts``: what became known of it later (money given back, a dispute), while its ``state`` stayed as it was.
    """

    id: int
    ref: str
    operation: str
    kind: str
    state: str
    at: datetime
    detail: Mapping[str, object] = field(repr=False)
    facts: tuple[FactKind, ...] = ()
