"""Notifications: bytes a partner posted, what they mean once verified, and why others were refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Generic, TypeAlias, TypeVar

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
    """

    body: bytes = field(repr=False, metadata=PERSONAL)
    headers: Mapping[str, str] = field(repr=False, metadata=PERSONAL)
    query: str = field(default="", repr=False, metadata=PERSONAL)


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
