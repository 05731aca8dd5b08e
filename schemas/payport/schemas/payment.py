"""Records of money that moved or is held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Generic, TypeVar

from payport.schemas.money import Money
from payport.schemas.references import PartnerId

NativeT_co = TypeVar("NativeT_co", covariant=True)


class FactKind(Enum):
    """Something that happened to a payment after its own answer was final."""

    REFUNDED = "refunded"
    REFUND_BOUNCED = "refund_bounced"
    CAPTURE_REVERSED = "capture_reversed"
    TRANSFER_RETURNED = "transfer_returned"
    SURPLUS_PAID = "surplus_paid"
    """Paid although this attempt had been closed: money to give back, reported as an incident."""
    RELEASED = "released"
    """What was left of a hold was given back to the payer."""
    DISPUTED = "disputed"
    CONTRADICTED = "contradicted"
    """The partner's word changed after it was final: a person must look."""
    FLAGGED = "flagged"
    """The partner says of itself that its books may not agree yet: to be looked at when the day is reconciled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A later event on a payment. Facts are added, the operation's own answer is never edited."""

    kind: FactKind
    at: datetime
    amount: Money | None = None
    partner_id: PartnerId | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled(Generic[NativeT_co]):
    """What every record of moved or held money says.

    ``partner_ref``: the reference at the partner, the caller's own plus the attempt's suffix. ``facts``: what happened
    after the answer was final. ``native``: the partner's own record when this answer came from the wire, ``None`` when
    it came from the journal.
    """

    ref: str
    amount: Money
    partner: str
    account: str
    partner_ref: str
    partner_id: PartnerId | None
    facts: tuple[Fact, ...] = ()
    native: NativeT_co | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment(Settled[NativeT_co]):
    """A paid debt: final, and its order, amount, currency and merchant were compared with what was asked."""

    paid_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization(Settled[NativeT_co]):
    """Money held for a debt, to be captured or released."""

    authorized_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture(Settled[NativeT_co]):
    """Money taken from an authorization."""

    captured_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund(Settled[NativeT_co]):
    """Money given back. ``amount`` is this refund alone, never the total refunded so far.

    ``restores_hold``: the capture was undone instead of refunded, so that the hold is in force again: the payer has the
    money, and cannot use it before the hold ends. ``cancel`` releases it; ``capture`` may take from it once more.
    """

    refund_ref: str
    refunded_at: datetime | None
    restores_hold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout(Settled[NativeT_co]):
    """Money sent to somebody."""

    paid_at: datetime | None


class CancelledBy(Enum):
    """How it was made sure that an order will not be paid."""

    NOTHING_SENT = "nothing_sent"
    """No request of the order can have left: there was nothing to cancel."""
    CLOSED = "closed"
    """Closed unpaid by the partner."""
    VOIDED = "voided"
    """The hold was released."""
    REVERSED = "reversed"
    """It had been paid: the money was given back."""
    EXPIRED = "expired"
    """Its time to be paid was over and the partner knows of no payment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation(Generic[NativeT_co]):
    """An order that will not be paid."""

    ref: str
    by: CancelledBy
    cancelled_at: datetime
    native: NativeT_co | None = None
