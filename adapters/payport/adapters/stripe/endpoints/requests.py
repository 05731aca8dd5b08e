"""Requests in Stripe's own spelling, one class per call. Source: Stripe's OpenAPI description of the pinned version.

Amounts are as Stripe counts them: :func:`payport.adapters.stripe.money.to_wire` writes them. Card numbers have no
place here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from payport.adapters.stripe.endpoints.endpoint import Request

Amount: TypeAlias = Annotated[int, Field(ge=1, le=99_999_999)]
Currency: TypeAlias = Annotated[str, Field(pattern="^[a-z]{3}$")]
Number: TypeAlias = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[0-9A-Za-z_]+$")]
Notes: TypeAlias = Mapping[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=500)]]
Table: TypeAlias = Mapping[str, object]
"""A table of Stripe's that is passed on as it is."""
Names: TypeAlias = Annotated[tuple[str, ...], Field(max_length=20)]
CaptureMethod: TypeAlias = Literal["automatic", "automatic_async", "manual"]
Limit: TypeAlias = Annotated[int, Field(ge=1, le=100)]


class Created(BaseModel):
    """When made: Unix seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    gte: int | None = None
    gt: int | None = None
    lte: int | None = None
    lt: int | None = None


class Listed(Request):
    """One page of a list, newest first. ``starting_after``: the last number of the page before."""

    created: Created | None = None
    limit: Limit | None = None
    starting_after: Number | None = None
    ending_before: Number | None = None
    expand: Names | None = None


class IntentCreate(Request):
    """``POST /v1/payment_intents``."""

    amount: Amount
    currency: Currency
    confirm: bool | None = None
    payment_method: Number | None = None
    payment_method_types: Names | None = None
    automatic_payment_methods: Table | None = None
    payment_method_options: Table | None = None
    capture_method: CaptureMethod | None = None
    return_url: str | None = None
    customer: Number | None = None
    description: Annotated[str, Field(max_length=1000)] | None = None
    statement_descriptor_suffix: Annotated[str, Field(max_length=22)] | None = None
    metadata: Notes | None = None
    receipt_email: str | None = None
    off_session: bool | None = None
    error_on_requires_action: bool | None = None
    setup_future_usage: Literal["off_session", "on_session"] | None = None
    shipping: Table | None = None
    transfer_data: Table | None = None
    transfer_group: str | None = None
    on_behalf_of: Number | None = None
    application_fee_amount: int | None = None
    expand: Names | None = None


class IntentOnly(Request):
    """A call about one intent."""

    numbers: ClassVar[tuple[str, ...]] = ("payment_intent",)
    payment_intent: Number
    expand: Names | None = None


class IntentUpdate(IntentOnly):
    """``POST /v1/payment_intents/{intent}``."""

    amount: Amount | None = None
    currency: Currency | None = None
    customer: Number | None = None
    description: Annotated[str, Field(max_length=1000)] | None = None
    metadata: Notes | None = None
    payment_method: Number | None = None
    receipt_email: str | None = None
    shipping: Table | None = None


class IntentConfirm(IntentOnly):
    """``POST /v1/payment_intents/{intent}/confirm``."""

    payment_method: Number | None = None
    return_url: str | None = None
    off_session: bool | None = None
    error_on_requires_action: bool | None = None


class IntentCapture(IntentOnly):
    """``POST /v1/payment_intents/{intent}/capture``."""

    amount_to_capture: Amount | None = None
    final_capture: bool | None = None
    statement_descriptor_suffix: Annotated[str, Field(max_length=22)] | None = None
    metadata: Notes | None = None


class IntentCancel(IntentOnly):
    """``POST /v1/payment_intents/{intent}/cancel``."""

    cancellation_reason: Literal["duplicate", "fraudulent", "requested_by_customer", "abandoned"] | None = None


class IntentIncrement(IntentOnly):
    """``POST /v1/payment_intents/{intent}/increment_authorization``: hold more, where the card allows it."""

    amount: Amount
    description: Annotated[str, Field(max_length=1000)] | None = None
    metadata: Notes | None = None


class IntentSearch(Request):
    """``GET /v1/payment_intents/search``: the index lags, so what is not found may be there."""

    query: str
    limit: Limit | None = None
    page: str | None = None
    expand: Names | None = None


class IntentList(Listed):
    """``GET /v1/payment_intents``."""

    customer: Number | None = None


class SessionCreate(Request):
    """``POST /v1/checkout/sessions``. ``line_items``: Stripe's own tables."""

    mode: Literal["payment"] = "payment"
    line_items: Annotated[tuple[Table, ...], Field(min_length=1, max_length=100)]
    success_url: str
    cancel_url: str | None = None
    client_reference_id: Annotated[str, Field(max_length=200)] | None = None
    payment_intent_data: Table | None = None
    expires_at: int | None = None
    metadata: Notes | None = None
    customer: Number | None = None
    customer_email: str | None = None
    locale: str | None = None
    expand: Names | None = None


class SessionOnly(Request):
    """A call about one session."""

    numbers: ClassVar[tuple[str, ...]] = ("checkout_session",)
    checkout_session: Number
    expand: Names | None = None


class SessionList(Listed):
    """``GET /v1/checkout/sessions``."""

    payment_intent: Number | None = None
    status: Literal["open", "complete", "expired"] | None = None


class RefundCreate(Request):
    """``POST /v1/refunds``: all that is left without an amount."""

    payment_intent: Number | None = None
    charge: Number | None = None
    amount: Amount | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    metadata: Notes | None = None
    reverse_transfer: bool | None = None
    refund_application_fee: bool | None = None
    expand: Names | None = None


class RefundOnly(Request):
    """A call about one refund."""

    numbers: ClassVar[tuple[str, ...]] = ("refund",)
    refund: Number
    expand: Names | None = None


class RefundUpdate(RefundOnly):
    """``POST /v1/refunds/{refund}``."""

    metadata: Notes | None = None


class RefundList(Listed):
    """``GET /v1/refunds``."""

    payment_intent: Number | None = None
    charge: Number | None = None


class PayoutCreate(Request):
    """``POST /v1/payouts``."""

    amount: Amount
    currency: Currency
    method: Literal["standard", "instant"] | None = None
    destination: Number | None = None
    description: str | None = None
    statement_descriptor: Annotated[str, Field(max_length=22)] | None = None
    source_type: Literal["bank_account", "card", "fpx"] | None = None
    metadata: Notes | None = None
    expand: Names | None = None


class PayoutOnly(Request):
    """A call about one payout."""

    numbers: ClassVar[tuple[str, ...]] = ("payout",)
    payout: Number
    expand: Names | None = None


class PayoutList(Listed):
    """``GET /v1/payouts``."""

    status: Literal["pending", "paid", "failed", "canceled"] | None = None
    destination: Number | None = None


class ChargeOnly(Request):
    """``GET /v1/charges/{charge}``."""

    numbers: ClassVar[tuple[str, ...]] = ("charge",)
    charge: Number
    expand: Names | None = None


class BalanceOf(Request):
    """``GET /v1/balance``."""

    expand: Names | None = None


class BalanceTransactionOnly(Request):
    """``GET /v1/balance_transactions/{id}``."""

    numbers: ClassVar[tuple[str, ...]] = ("balance_transaction",)
    balance_transaction: Number
    expand: Names | None = None


class BalanceTransactionList(Listed):
    """``GET /v1/balance_transactions``."""

    currency: Currency | None = None
    payout: Number | None = None
    source: Number | None = None
    type: str | None = None


class EventOnly(Request):
    """``GET /v1/events/{id}``."""

    numbers: ClassVar[tuple[str, ...]] = ("event",)
    event: Number
    expand: Names | None = None


class EventList(Listed):
    """``GET /v1/events``: the last thirty days."""

    type: str | None = None
    types: Names | None = None
    delivery_success: bool | None = None
