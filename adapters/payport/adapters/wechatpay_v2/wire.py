"""WeChat's records in WeChat's own spelling. Amounts are digits in fen, times are Beijing time.

Unknown fields are kept, unknown states are text: what they mean is decided by the tables in ``mapping``.
Source: pay.weixin.qq.com, API v2, the answers of orderquery, micropay and refundquery.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field


class Wire(BaseModel):
    """The base of all records. Validation errors never quote what was sent."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True, strict=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        # fields that this version does not know may tell something of a person: kept, not shown
        known = type(self).model_fields
        return ((name, value) for name, value in super().__repr_args__() if name in known)


class WeChatPayV2Trade(Wire):
    """An order as ``orderquery``, ``micropay`` and notices show it: the native record of a payment.

    Unpaid orders have little more than their number. ``total_fee`` is the order's amount; ``cash_fee`` what the payer
    gave after coupons.
    """

    out_trade_no: str
    transaction_id: str | None = None
    trade_state: str | None = None
    trade_state_desc: str | None = None
    trade_type: str | None = None
    total_fee: str | None = None
    settlement_total_fee: str | None = None
    cash_fee: str | None = None
    fee_type: str | None = None
    bank_type: str | None = None
    time_end: str | None = None
    attach: str | None = None
    device_info: str | None = None
    openid: str | None = Field(default=None, repr=False)
    sub_openid: str | None = Field(default=None, repr=False)


class WeChatPayV2Refund(Wire):
    """One refund, as ``refund`` and ``refundquery`` show it; the numbers at the ends of names are taken off."""

    out_refund_no: str
    refund_id: str
    out_trade_no: str
    transaction_id: str | None = None
    total_fee: str
    refund_fee: str
    settlement_refund_fee: str | None = None
    refund_status: str | None = None
    refund_success_time: str | None = None
    refund_account: str | None = None
    refund_recv_accout: str | None = Field(default=None, repr=False)
