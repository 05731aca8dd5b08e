"""Refunds: asked for, asked about, and finished elsewhere when the payer's account cannot receive.

Source: pay.weixin.qq.com, "refund", "query a refund", "abnormal refund".
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from payport.adapters.wechatpay.endpoints.endpoint import WeChatPayEndpoint
from payport.adapters.wechatpay.endpoints.fields import (
    Fen,
    Notified,
    Number,
    OfSub,
    Part,
    Text32,
    Text80,
    Text256,
    TradeNo,
)
from payport.adapters.wechatpay.wire import WeChatPayRefund


class RefundFrom(Part):
    """How much comes from which of the merchant's funds."""

    account: Literal["AVAILABLE", "UNAVAILABLE"]
    amount: Fen


class RefundOf(Part):
    """``refund`` of ``total``, both in fen."""

    refund: Fen
    total: Fen
    currency: Literal["CNY"] = "CNY"
    from_: Annotated[tuple[RefundFrom, ...] | None, Field(serialization_alias="from")] = None


class RefundGoods(Part):
    """One line that is given back."""

    merchant_goods_id: Text32
    wechatpay_goods_id: Text32 | None = None
    goods_name: Text256 | None = None
    unit_price: Annotated[int, Field(ge=0)]
    refund_amount: Fen
    refund_quantity: Annotated[int, Field(ge=1)]


class NewRefund(OfSub, Notified):
    """Give back part or all. The same ``out_refund_no`` refunds once; 200 says accepted, not refunded."""

    one_of = (("transaction_id", "out_trade_no"),)

    transaction_id: Text32 | None = None
    out_trade_no: TradeNo | None = None
    out_refund_no: Number
    amount: RefundOf
    reason: Text80 | None = None
    funds_account: Literal["AVAILABLE", "UNSETTLED"] | None = None
    goods_detail: tuple[RefundGoods, ...] | None = None


class RefundQuery(OfSub):
    """By the merchant's number of the refund."""

    out_refund_no: Number


class AbnormalRefund(OfSub):
    """Finish a refund with status ``ABNORMAL``: to another card of the payer, or to the merchant's own.

    Account and name leave encrypted; they are given here in plain.
    """

    hidden = ("bank_account", "real_name")

    refund_id: Text32
    out_refund_no: Number
    type: Literal["USER_BANK_CARD", "MERCHANT_BANK_CARD"]
    bank_type: Text32 | None = None
    bank_account: Text80 | None = Field(default=None, repr=False)
    real_name: Text80 | None = Field(default=None, repr=False)


_REFUNDS = "/v3/refund/domestic/refunds"
REFUND: WeChatPayEndpoint[NewRefund, WeChatPayRefund] = WeChatPayEndpoint(f"POST {_REFUNDS}", WeChatPayRefund)
REFUND_QUERY: WeChatPayEndpoint[RefundQuery, WeChatPayRefund] = WeChatPayEndpoint(
    f"GET {_REFUNDS}/{{out_refund_no}}", WeChatPayRefund, moves_money=False
)
ABNORMAL_REFUND: WeChatPayEndpoint[AbnormalRefund, WeChatPayRefund] = WeChatPayEndpoint(
    f"POST {_REFUNDS}/{{refund_id}}/apply-abnormal-refund", WeChatPayRefund
)
