"""WeChat Pay's records in WeChat Pay's own spelling. Amounts are whole fen, times RFC 3339 with an offset.

Unknown fields are kept, unknown statuses are text: what they mean is decided by the tables in ``mapping``. The same
record comes from direct merchants (``mchid``) and from service providers (``sp_mchid``, ``sub_mchid``).
Source: pay.weixin.qq.com, answer parameters of each endpoint, payloads of each notification.
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


class Prepared(Wire):
    """The answer to a new order: one of these, by the way of paying."""

    prepay_id: str | None = None
    code_url: str | None = None
    h5_url: str | None = None


class Payer(Wire):
    """Who paid, under the application, the service provider's or the sub-merchant's."""

    openid: str | None = Field(default=None, repr=False)
    sp_openid: str | None = Field(default=None, repr=False)
    sub_openid: str | None = Field(default=None, repr=False)


class PaidAmount(Wire):
    """``total``: of the order. ``payer_total``: what the payer gave, less where a coupon was used."""

    total: int | None = None
    payer_total: int | None = None
    currency: str | None = None
    payer_currency: str | None = None


class Promotion(Wire):
    """A coupon that was used."""

    coupon_id: str | None = None
    name: str | None = None
    scope: str | None = None
    type: str | None = None
    amount: int | None = None
    stock_id: str | None = None
    wechatpay_contribute: int | None = None
    merchant_contribute: int | None = None
    other_contribute: int | None = None
    currency: str | None = None


class WeChatPayTransaction(Wire):
    """A payment as queries, scanned-code payments and notifications show it: the native record of a payment.

    What only a paid order has (``transaction_id``, ``success_time``, ``bank_type``, ``payer``) is missing before.
    """

    mchid: str | None = None
    appid: str | None = None
    sp_mchid: str | None = None
    sp_appid: str | None = None
    sub_mchid: str | None = None
    sub_appid: str | None = None
    out_trade_no: str
    transaction_id: str | None = None
    trade_type: str | None = None
    trade_state: str
    trade_state_desc: str | None = None
    bank_type: str | None = None
    attach: str | None = None
    success_time: str | None = None
    payer: Payer | None = None
    amount: PaidAmount | None = None
    promotion_detail: list[Promotion] | None = None


class RefundAmount(Wire):
    """``refund``: this refund. ``total``: of the order."""

    total: int
    refund: int
    payer_total: int | None = None
    payer_refund: int | None = None
    settlement_refund: int | None = None
    settlement_total: int | None = None
    discount_refund: int | None = None
    currency: str | None = None


class WeChatPayRefund(Wire):
    """A refund as the request for it and the query show it. HTTP 200 says accepted; ``status`` says the rest."""

    refund_id: str
    out_refund_no: str
    transaction_id: str | None = None
    out_trade_no: str
    channel: str | None = None
    user_received_account: str | None = Field(default=None, repr=False)
    success_time: str | None = None
    create_time: str | None = None
    status: str
    funds_account: str | None = None
    amount: RefundAmount


class RefundNotice(Wire):
    """A refund as its notification shows it: ``refund_status`` instead of ``status``."""

    mchid: str | None = None
    sp_mchid: str | None = None
    sub_mchid: str | None = None
    transaction_id: str
    out_trade_no: str
    refund_id: str
    out_refund_no: str
    refund_status: str
    success_time: str | None = None
    user_received_account: str | None = Field(default=None, repr=False)
    amount: RefundAmount


class WeChatPayTransfer(Wire):
    """A transfer bill as its request, its query, its cancel and its notification show it."""

    out_bill_no: str
    transfer_bill_no: str | None = None
    state: str | None = None
    mch_id: str | None = None
    appid: str | None = None
    openid: str | None = Field(default=None, repr=False)
    transfer_amount: int | None = None
    transfer_remark: str | None = None
    fail_reason: str | None = None
    package_info: str | None = Field(default=None, repr=False)
    user_name: str | None = Field(default=None, repr=False)
    create_time: str | None = None
    update_time: str | None = None


class ProfitNotice(Wire):
    """What a receiver of a share got, as its notification shows it."""

    mchid: str | None = None
    sp_mchid: str | None = None
    sub_mchid: str | None = None
    transaction_id: str
    order_id: str
    out_order_no: str
    success_time: str | None = None


class BatchNotice(Wire):
    """A batch of the old transfers has ended."""

    out_batch_no: str
    batch_id: str
    batch_status: str
    mchid: str | None = None
    total_num: int | None = None
    total_amount: int | None = None
    success_amount: int | None = None
    success_num: int | None = None
    fail_amount: int | None = None
    fail_num: int | None = None
    update_time: str | None = None
    close_reason: str | None = None


class ComplaintNotice(Wire):
    """A payer complains, or a complaint goes on. ``action_type`` says how."""

    complaint_id: str
    action_type: str | None = None


class SubOrderAmount(Wire):
    """The amount of one order of a combined one: other names than anywhere else."""

    total_amount: int | None = None
    payer_amount: int | None = None
    currency: str | None = None
    payer_currency: str | None = None
    settlement_rate: int | None = None


class CombinedSubOrder(Wire):
    """One order of a combined one."""

    mchid: str | None = None
    sub_mchid: str | None = None
    out_trade_no: str
    transaction_id: str | None = None
    trade_type: str | None = None
    trade_state: str
    bank_type: str | None = None
    attach: str | None = None
    success_time: str | None = None
    amount: SubOrderAmount | None = None


class CombinedTransaction(Wire):
    """A combined order, as its query and its notification show it. The whole has no state: each sub order has one."""

    combine_appid: str | None = None
    combine_mchid: str | None = None
    combine_out_trade_no: str
    combine_payer_info: Payer | None = None
    sub_orders: list[CombinedSubOrder]
