"""Alipay's replies in Alipay's own spelling. Amounts are text in yuan, times are text in China Standard Time.

Unknown fields are kept, unknown statuses are text: what they mean is decided by the tables in ``mapping``.
Source: open.alipay.com, response parameters of each operation.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field


class Wire(BaseModel):
    """The base of all replies. Validation errors never quote what was sent."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True, strict=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        # fields that this version does not know may tell something of a person: kept, not shown
        known = type(self).model_fields
        return ((name, value) for name, value in super().__repr_args__() if name in known)


class TradePrecreateReply(Wire):
    """``alipay.trade.precreate``."""

    out_trade_no: str
    qr_code: str


class TradeCreateReply(Wire):
    """``alipay.trade.create``."""

    out_trade_no: str
    trade_no: str


class AlipayTrade(Wire):
    """A trade as ``alipay.trade.pay`` and ``alipay.trade.query`` show it: the native record of a payment."""

    trade_no: str
    out_trade_no: str
    total_amount: str
    trade_status: str | None = None
    buyer_logon_id: str | None = Field(default=None, repr=False)
    buyer_user_id: str | None = Field(default=None, repr=False)
    buyer_open_id: str | None = Field(default=None, repr=False)
    receipt_amount: str | None = None
    buyer_pay_amount: str | None = None
    point_amount: str | None = None
    invoice_amount: str | None = None
    gmt_payment: str | None = None
    send_pay_date: str | None = None


class TradeWaiting(Wire):
    """``alipay.trade.pay`` with code 10003: the payer must confirm."""

    out_trade_no: str | None = None
    trade_no: str | None = None


class TradeCloseReply(Wire):
    """``alipay.trade.close``."""

    out_trade_no: str | None = None
    trade_no: str | None = None


class TradeCancelReply(Wire):
    """``alipay.trade.cancel``. ``action``: ``close``, ``refund``, or absent when there is no trade."""

    out_trade_no: str | None = None
    trade_no: str | None = None
    retry_flag: str | None = None
    action: str | None = None


class AlipayRefund(Wire):
    """``alipay.trade.refund``. ``refund_fee`` is the sum of all refunds of the trade, not this one."""

    trade_no: str
    out_trade_no: str
    fund_change: str
    refund_fee: str
    gmt_refund_pay: str | None = None


class AlipayRefundState(Wire):
    """``alipay.trade.fastpay.refund.query``. Nearly empty for a refund that Alipay does not know."""

    trade_no: str | None = None
    out_trade_no: str | None = None
    out_request_no: str | None = None
    total_amount: str | None = None
    refund_amount: str | None = None
    refund_status: str | None = None
    gmt_refund_pay: str | None = None


class AlipayHold(Wire):
    """A pre-authorization as freeze, voucher and detail query show it."""

    auth_no: str | None = None
    out_order_no: str | None = None
    operation_id: str | None = None
    out_request_no: str | None = None
    amount: str | None = None
    status: str | None = None
    order_status: str | None = None
    rest_amount: str | None = None
    total_freeze_amount: str | None = None
    total_pay_amount: str | None = None
    gmt_trans: str | None = None
    code_type: str | None = None
    code_value: str | None = None
    code_url: str | None = None
    action: str | None = None


class AlipayTransfer(Wire):
    """``alipay.fund.trans.uni.transfer`` and ``alipay.fund.trans.common.query``."""

    out_biz_no: str | None = None
    order_id: str | None = None
    pay_fund_order_id: str | None = None
    status: str
    trans_amount: str | None = None
    amount: str | None = None
    trans_date: str | None = None
    pay_date: str | None = None
    error_code: str | None = None
    fail_reason: str | None = None
