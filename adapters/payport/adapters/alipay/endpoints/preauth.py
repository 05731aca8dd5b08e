"""Pre-authorization: money held, released, cancelled, asked about. The capture is ``TRADE_PAY`` with ``auth_no``.

Sources: open.alipay.com, alipay.fund.auth.order.freeze, voucher.create, app.freeze, unfreeze, operation.cancel,
operation.detail.query.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from payport.adapters.alipay.endpoints.endpoint import AlipayAction, AlipayEndpoint
from payport.adapters.alipay.endpoints.fields import (
    Notified,
    Number,
    Record,
    Request,
    Span,
    Text,
    Text28,
    Text64,
    Text100,
    Text128,
    Yuan,
)
from payport.adapters.alipay.planning import APP_FREEZE, CANCEL_HOLD, FREEZE, HOLD_QUERY, UNFREEZE, VOUCHER
from payport.adapters.alipay.wire import AlipayHold


class NewHold(Notified):
    """What every call that holds money may say. ``pay_timeout``: how long the payer may take, else 15 minutes."""

    one_of = (("payee_user_id", "payee_logon_id"),)

    out_order_no: Number
    out_request_no: Number
    order_title: Text100
    amount: Yuan
    product_code: Text64
    """``PRE_AUTH`` at a counter, ``PREAUTH_PAY`` online."""
    payee_user_id: Text28 | None = None
    payee_logon_id: Text100 | None = Field(default=None, repr=False)
    pay_timeout: Span | None = None
    timeout_express: Span | None = None
    extra_param: Text | None = None
    business_params: Text | None = None
    enable_pay_channels: Text128 | None = None
    disable_pay_channels: Text128 | None = None
    deposit_product_mode: Text | None = None
    identity_params: Text | None = Field(default=None, repr=False)
    post_payments: tuple[Record, ...] | None = None
    settle_currency: Text | None = None
    trans_currency: Text | None = None


class OrderFreeze(NewHold):
    """``alipay.fund.auth.order.freeze``: hold money of the payer whose code was scanned. ``auth_code`` is a secret."""

    auth_code: Annotated[str, StringConstraints(pattern=r"^([0-9]{16,24}|fp.{33,698})$")] = Field(repr=False)
    auth_code_type: Literal["bar_code", "security_code"]
    scene_code: Text | None = None
    terminal_params: Text | None = None


class OrderVoucherCreate(NewHold):
    """``alipay.fund.auth.order.voucher.create``: a code to show."""


class OrderAppFreeze(NewHold):
    """``alipay.fund.auth.order.app.freeze``: an order string for the merchant's phone app."""

    scene_code: Text | None = None


class OrderUnfreeze(Notified):
    """``alipay.fund.auth.order.unfreeze``: give part or all of a hold back. The same number and amount count once."""

    auth_no: Text64
    out_request_no: Number
    amount: Yuan
    remark: Text100
    extra_param: Text | None = None


class OperationCancel(Notified):
    """``alipay.fund.auth.operation.cancel``: end a hold of unknown result."""

    one_of = (("auth_no", "out_order_no"), ("operation_id", "out_request_no"))

    auth_no: Text64 | None = None
    out_order_no: Number | None = None
    operation_id: Text64 | None = None
    out_request_no: Number | None = None
    remark: Text100


class OperationDetailQuery(Request):
    """``alipay.fund.auth.operation.detail.query``: one operation of a hold, named by the pair (order, operation)."""

    one_of = (("auth_no", "out_order_no"), ("operation_id", "out_request_no"))

    auth_no: Text64 | None = None
    out_order_no: Number | None = None
    operation_id: Text64 | None = None
    out_request_no: Number | None = None
    operation_type: Literal["FREEZE", "UNFREEZE", "PAY"] | None = None
    query_options: tuple[Text, ...] | None = None


ORDER_FREEZE: AlipayEndpoint[OrderFreeze, AlipayHold] = AlipayEndpoint(FREEZE, AlipayHold)
ORDER_VOUCHER_CREATE: AlipayEndpoint[OrderVoucherCreate, AlipayHold] = AlipayEndpoint(VOUCHER, AlipayHold)
ORDER_APP_FREEZE: AlipayAction[OrderAppFreeze] = AlipayAction(APP_FREEZE)
ORDER_UNFREEZE: AlipayEndpoint[OrderUnfreeze, AlipayHold] = AlipayEndpoint(UNFREEZE, AlipayHold)
OPERATION_CANCEL: AlipayEndpoint[OperationCancel, AlipayHold] = AlipayEndpoint(CANCEL_HOLD, AlipayHold)
OPERATION_DETAIL_QUERY: AlipayEndpoint[OperationDetailQuery, AlipayHold] = AlipayEndpoint(
    HOLD_QUERY, AlipayHold, moves_money=False
)
