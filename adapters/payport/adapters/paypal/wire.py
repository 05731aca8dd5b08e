"""PayPal's answers in PayPal's own spelling. Amounts are text, times are RFC 3339.

Unknown fields are kept, unknown statuses are text: what they mean is decided by the tables in ``mapping``.
Source: PayPal's OpenAPI documents of Orders v2, Payments v2, Payouts v1 and Transaction Search v1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, Strict

ItemT = TypeVar("ItemT")
Several: TypeAlias = Annotated[tuple[ItemT, ...], Strict(False)]  # noqa: FBT003 - pydantic's own argument
"""A JSON array, kept as a tuple; its items are checked as strictly as everything else."""


class Wire(BaseModel):
    """The base of all answers. Validation errors never quote what was sent."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True, strict=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        # fields that this version does not know may tell something of a person: kept, not shown
        known = type(self).model_fields
        return ((name, value) for name, value in super().__repr_args__() if name in known)


class PayPalLink(Wire):
    """A HATEOAS link."""

    href: str = Field(repr=False)
    rel: str


class PayPalAmount(Wire):
    """An amount of Orders and Payments."""

    currency_code: str
    value: str


class PayPalReason(Wire):
    """``status_details``."""

    reason: str | None = None


class PayPalProcessorResponse(Wire):
    """What the card's processor said."""

    response_code: str | None = None


class PayPalPayeeSaid(Wire):
    """Who is paid."""

    merchant_id: str | None = None


class PayPalRelatedIds(Wire):
    """Numbers of what a capture or authorization belongs to."""

    order_id: str | None = None
    authorization_id: str | None = None
    capture_id: str | None = None


class PayPalSupplement(Wire):
    """``supplementary_data``."""

    related_ids: PayPalRelatedIds | None = None


class _Movement(Wire):
    """What captures, authorizations and refunds have in common."""

    id: str
    status: str
    amount: PayPalAmount | None = None
    invoice_id: str | None = None
    custom_id: str | None = None
    status_details: PayPalReason | None = None
    create_time: str | None = None
    update_time: str | None = None
    links: Several[PayPalLink] = ()


class PayPalCapture(_Movement):
    """A captured payment."""

    final_capture: bool | None = None
    processor_response: PayPalProcessorResponse | None = None
    supplementary_data: PayPalSupplement | None = None
    payee: PayPalPayeeSaid | None = None


class PayPalAuthorization(_Movement):
    """Held money."""

    expiration_time: str | None = None
    processor_response: PayPalProcessorResponse | None = None
    supplementary_data: PayPalSupplement | None = None
    payee: PayPalPayeeSaid | None = None


class PayPalRefund(_Movement):
    """A refund of a capture."""

    note_to_payer: str | None = None


class PayPalPayments(Wire):
    """Everything that moved money under one purchase unit."""

    authorizations: Several[PayPalAuthorization] = ()
    captures: Several[PayPalCapture] = ()
    refunds: Several[PayPalRefund] = ()


class PayPalPurchaseUnit(Wire):
    """What an order is about."""

    reference_id: str | None = None
    custom_id: str | None = None
    invoice_id: str | None = None
    amount: PayPalAmount | None = None
    payee: PayPalPayeeSaid | None = None
    payments: PayPalPayments = PayPalPayments()


class PayPalOrder(Wire):
    """An order: the native record of a payment."""

    id: str
    status: str
    intent: str | None = None
    purchase_units: Several[PayPalPurchaseUnit] = ()
    payer: object = Field(default=None, repr=False)
    payment_source: object = Field(default=None, repr=False)
    links: Several[PayPalLink] = ()
    create_time: str | None = None
    update_time: str | None = None


class PayPalPayoutAmount(Wire):
    """An amount of Payouts, which call the currency otherwise."""

    currency: str
    value: str


class PayPalBatchHead(Wire):
    """The merchant's part of a batch."""

    sender_batch_id: str | None = None


class PayPalBatchHeader(Wire):
    """A batch as a whole."""

    payout_batch_id: str
    batch_status: str
    sender_batch_header: PayPalBatchHead = PayPalBatchHead()


class PayPalPayoutItem(Wire):
    """What was asked for."""

    amount: PayPalPayoutAmount
    receiver: str | None = Field(default=None, repr=False)
    sender_item_id: str | None = None


class PayPalPayoutError(Wire):
    """Why an item was not paid."""

    name: str
    message: str = ""


class PayPalPayout(Wire):
    """One item of a batch: the native record of a payout."""

    payout_item_id: str
    payout_batch_id: str | None = None
    transaction_id: str | None = None
    transaction_status: str | None = None
    payout_item: PayPalPayoutItem
    errors: PayPalPayoutError | None = None
    time_processed: str | None = None


class PayPalPayoutBatch(Wire):
    """A batch with its items."""

    batch_header: PayPalBatchHeader
    items: Several[PayPalPayout] = ()
    links: Several[PayPalLink] = ()


class PayPalDisputed(Wire):
    """One payment that is disputed."""

    seller_transaction_id: str | None = None
    invoice_number: str | None = None
    custom: str | None = None
    seller: PayPalPayeeSaid | None = None


class PayPalDispute(Wire):
    """A dispute."""

    dispute_id: str
    reason: str | None = None
    status: str | None = None
    dispute_amount: PayPalAmount | None = None
    disputed_transactions: Several[PayPalDisputed] = ()


class PayPalErrorDetail(Wire):
    """One thing that is wrong."""

    issue: str = ""
    field: str | None = None
    description: str | None = None


class PayPalError(Wire):
    """A refusal. ``debug_id``: what PayPal's support asks for."""

    name: str
    message: str = ""
    debug_id: str | None = None
    details: Several[PayPalErrorDetail] = ()
    links: Several[PayPalLink] = ()


class PayPalToken(Wire):
    """An access token."""

    access_token: str = Field(repr=False)
    token_type: str
    expires_in: int
