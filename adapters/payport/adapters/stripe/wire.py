"""Stripe's records in Stripe's own spelling. Amounts are whole numbers as Stripe counts them, times Unix seconds.

Unknown fields are kept, statuses are text: what they mean is decided by the tables in ``mapping``.
Source: Stripe's OpenAPI description of the pinned version; what is optional there is optional here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Number: TypeAlias = Annotated[str, Field(min_length=1, max_length=255)]
"""A number of Stripe's: a prefix and opaque text."""
Currency: TypeAlias = Annotated[str, Field(pattern="^[a-z]{3}$")]


def _nothing() -> Mapping[str, str]:
    return {}


class Wire(BaseModel):
    """The base of all records. Validation errors never quote what was sent."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True, strict=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        # fields that this version does not know may tell something of a person: kept, not shown
        known = type(self).model_fields
        return ((name, value) for name, value in super().__repr_args__() if name in known)


RecordT = TypeVar("RecordT", bound=Wire)


class StripeFailure(Wire):
    """``last_payment_error``, and ``error`` of a refusal."""

    type: str
    code: str | None = None
    decline_code: str | None = None
    message: str | None = Field(default=None, repr=False)
    param: str | None = None
    payment_intent: Mapping[str, object] | None = Field(default=None, repr=False)


class StripeCharge(Wire):
    """One try to charge: what was captured, and what was given back since."""

    id: Number
    amount: int
    amount_captured: int
    amount_refunded: int
    currency: Currency
    captured: bool
    disputed: bool
    refunded: bool
    paid: bool
    status: str
    created: int
    livemode: bool
    payment_intent: str | Mapping[str, object] | None = Field(default=None, repr=False)
    metadata: Mapping[str, str] = Field(default_factory=_nothing, repr=False)
    billing_details: Mapping[str, object] | None = Field(default=None, repr=False)
    payment_method_details: Mapping[str, object] | None = Field(default=None, repr=False)


class StripeIntent(Wire):
    """A PaymentIntent: the native record of a payment. ``latest_charge``: a number, or the charge when asked for."""

    id: Number
    status: str
    amount: int
    currency: Currency
    amount_received: int = 0
    amount_capturable: int = 0
    capture_method: str | None = None
    client_secret: str | None = Field(default=None, repr=False)
    next_action: Mapping[str, object] | None = Field(default=None, repr=False)
    latest_charge: StripeCharge | str | None = None
    last_payment_error: StripeFailure | None = None
    cancellation_reason: str | None = None
    canceled_at: int | None = None
    created: int
    livemode: bool
    metadata: Mapping[str, str] = Field(default_factory=_nothing, repr=False)
    receipt_email: str | None = Field(default=None, repr=False)
    shipping: Mapping[str, object] | None = Field(default=None, repr=False)


class StripeSession(Wire):
    """A Checkout Session. ``payment_intent``: a number, or the intent when asked for; absent until the page is used."""

    id: Number
    status: str | None = None
    payment_status: str
    amount_total: int | None = None
    currency: Currency | None = None
    client_reference_id: str | None = None
    payment_intent: StripeIntent | str | None = None
    url: str | None = Field(default=None, repr=False)
    expires_at: int
    created: int
    livemode: bool
    metadata: Mapping[str, str] | None = Field(default=None, repr=False)
    customer_details: Mapping[str, object] | None = Field(default=None, repr=False)
    customer_email: str | None = Field(default=None, repr=False)


class StripeRefund(Wire):
    """One refund."""

    id: Number
    amount: int
    currency: Currency
    status: str | None = None
    created: int
    charge: str | Mapping[str, object] | None = None
    payment_intent: str | Mapping[str, object] | None = None
    failure_reason: str | None = None
    pending_reason: str | None = None
    reason: str | None = None
    metadata: Mapping[str, str] | None = Field(default=None, repr=False)


class StripePayout(Wire):
    """One payout to the account's own bank account or card. ``arrival_date``: when it should be there."""

    id: Number
    amount: int
    currency: Currency
    status: str
    created: int
    arrival_date: int
    livemode: bool
    method: str | None = None
    automatic: bool = False
    destination: str | Mapping[str, object] | None = Field(default=None, repr=False)
    failure_code: str | None = None
    metadata: Mapping[str, str] | None = Field(default=None, repr=False)


class StripeDispute(Wire):
    """A dispute as its events show it."""

    id: Number
    amount: int
    currency: Currency
    status: str
    reason: str | None = None
    created: int
    charge: str | Mapping[str, object] | None = None
    payment_intent: str | Mapping[str, object] | None = None


class FeeDetail(Wire):
    """One part of a fee."""

    amount: int
    currency: Currency
    type: str
    description: str | None = None


class BalanceTransaction(Wire):
    """One line of the account's books: ``net`` is ``amount`` less ``fee``, ``amount`` is signed and gross."""

    id: Number
    amount: int
    fee: int
    net: int
    currency: Currency
    type: str
    reporting_category: str
    status: str
    available_on: int
    created: int
    source: str | Mapping[str, object] | None = None
    fee_details: tuple[FeeDetail, ...] = Field(default=(), strict=False)
    description: str | None = Field(default=None, repr=False)
    # a rate has a fraction: it comes as a Decimal, never as a float
    exchange_rate: object | None = None


class BalanceAmount(Wire):
    """What stands in one currency."""

    amount: int
    currency: Currency


class Balance(Wire):
    """What the account holds."""

    available: tuple[BalanceAmount, ...] = Field(strict=False)
    pending: tuple[BalanceAmount, ...] = Field(strict=False)
    livemode: bool


class EventData(Wire):
    """What an event is about: the record as it was then."""

    record: Mapping[str, object] = Field(alias="object", repr=False)
    previous_attributes: Mapping[str, object] | None = Field(default=None, repr=False)


class StripeEvent(Wire):
    """An event. ``account``: the connected account, on a platform's Connect endpoint."""

    id: Number
    type: str
    created: int
    livemode: bool
    data: EventData
    api_version: str | None = None
    account: str | None = None


class Page(Wire, Generic[RecordT]):
    """One page of a list, newest first. ``has_more``: ask again with ``starting_after`` the last one's number."""

    data: tuple[RecordT, ...] = Field(strict=False)
    has_more: bool
    next_page: str | None = None
