"""Orders, authorizations, captures, refunds and payout items, as PayPal shows them; holding anew.

Sources: PayPal's OpenAPI documents of Orders v2, Payments v2 and Payouts v1.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints

from payport.adapters.paypal.endpoints.endpoint import Number, PayPalEndpoint, Request, RequestId
from payport.adapters.paypal.planning import AUTHORIZATIONS, CAPTURES, ORDERS, REFUNDS
from payport.adapters.paypal.wire import PayPalAuthorization, PayPalCapture, PayPalOrder, PayPalPayout, PayPalRefund


class OrderGet(Request):
    """``orders.get``."""

    id: Number
    echoed: ClassVar[str | None] = "id"


class AuthorizationGet(Request):
    """``authorizations.get``."""

    authorization_id: Number
    echoed: ClassVar[str | None] = "authorization_id"


class CaptureGet(Request):
    """``captures.get``."""

    capture_id: Number
    echoed: ClassVar[str | None] = "capture_id"


class RefundGet(Request):
    """``refunds.get``."""

    refund_id: Number
    echoed: ClassVar[str | None] = "refund_id"


class PayoutItemGet(Request):
    """``payouts-item.get``."""

    payout_item_id: Number
    echoed: ClassVar[str | None] = "payout_item_id"


class PayoutItemCancel(Request):
    """``payouts-item.cancel``: take back money that nobody has claimed."""

    payout_item_id: Number
    echoed: ClassVar[str | None] = "payout_item_id"


class Amount(BaseModel):
    """An amount as PayPal takes it: see :func:`payport.adapters.paypal.money.to_wire`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, strict=True)
    currency_code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    value: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}(\.[0-9]{1,3})?$")]


class Reauthorize(Request):
    """``authorizations.reauthorize``: hold anew from the 4th to the 29th day, once.

    The new authorization has another number: query the payment afterwards, and captures go to the new one.
    """

    authorization_id: Number
    request_id: RequestId
    amount: Amount | None = None


ORDER_GET: PayPalEndpoint[OrderGet, PayPalOrder] = PayPalEndpoint("orders.get", "GET", ORDERS + "/{id}", PayPalOrder)
AUTHORIZATION_GET: PayPalEndpoint[AuthorizationGet, PayPalAuthorization] = PayPalEndpoint(
    "authorizations.get", "GET", AUTHORIZATIONS + "/{authorization_id}", PayPalAuthorization
)
CAPTURE_GET: PayPalEndpoint[CaptureGet, PayPalCapture] = PayPalEndpoint(
    "captures.get", "GET", CAPTURES + "/{capture_id}", PayPalCapture
)
REFUND_GET: PayPalEndpoint[RefundGet, PayPalRefund] = PayPalEndpoint(
    "refunds.get", "GET", REFUNDS + "/{refund_id}", PayPalRefund
)
PAYOUT_ITEM_GET: PayPalEndpoint[PayoutItemGet, PayPalPayout] = PayPalEndpoint(
    "payouts-item.get", "GET", "/v1/payments/payouts-item/{payout_item_id}", PayPalPayout, repeats="payout_item_id"
)
PAYOUT_ITEM_CANCEL: PayPalEndpoint[PayoutItemCancel, PayPalPayout] = PayPalEndpoint(
    "payouts-item.cancel",
    "POST",
    "/v1/payments/payouts-item/{payout_item_id}/cancel",
    PayPalPayout,
    repeats="payout_item_id",
    moves_money=True,
)
REAUTHORIZE: PayPalEndpoint[Reauthorize, PayPalAuthorization] = PayPalEndpoint(
    "authorizations.reauthorize",
    "POST",
    AUTHORIZATIONS + "/{authorization_id}/reauthorize",
    PayPalAuthorization,
    moves_money=True,
)
