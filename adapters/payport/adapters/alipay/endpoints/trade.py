"""Trades that exist: asked about, closed, cancelled, refunded.

Sources: open.alipay.com, alipay.trade.query, close, cancel, refund, refund.apply, fastpay.refund.query.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from payport.adapters.alipay.endpoints.creation import Goods
from payport.adapters.alipay.endpoints.endpoint import AlipayEndpoint
from payport.adapters.alipay.endpoints.fields import (
    Notified,
    Number,
    OfTrade,
    Part,
    Record,
    Text,
    Text28,
    Text32,
    Text256,
    Yuan,
)
from payport.adapters.alipay.planning import CANCEL, CLOSE, REFUND, REFUND_QUERY
from payport.adapters.alipay.planning import TRADE_QUERY as QUERY
from payport.adapters.alipay.wire import (
    AlipayRefund,
    AlipayRefundState,
    AlipayTrade,
    TradeCancelReply,
    TradeCloseReply,
    Wire,
)


class TradeQuery(OfTrade):
    """``alipay.trade.query``."""

    query_options: tuple[Text, ...] | None = None
    org_pid: Text32 | None = None


class TradeClose(OfTrade, Notified):
    """``alipay.trade.close``: end a trade that nobody has paid.

    "Does not exist" is no fence: what was handed out may still be opened and paid.
    """

    operator_id: Text28 | None = None
    extend_params: Record | None = None


class TradeCancel(OfTrade):
    """``alipay.trade.cancel``: make good for an unknown result on the same day. Ask again while ``retry_flag`` is Y."""


class TakenBack(Part):
    """A share that is taken back with a refund."""

    amount: Yuan | None = None
    trans_out: Text | None = None
    trans_out_type: Text | None = None
    trans_in: Text | None = None
    trans_in_type: Text | None = None
    royalty_type: Text | None = None
    desc: Text256 | None = None


class TradeRefund(OfTrade):
    """``alipay.trade.refund``. Without ``out_request_no`` only one refund, of everything, is possible."""

    refund_amount: Yuan
    out_request_no: Number | None = None
    refund_reason: Text256 | None = None
    operator_id: Text28 | None = None
    store_id: Text32 | None = None
    terminal_id: Text32 | None = None
    org_pid: Text32 | None = None
    refund_currency: Text | None = None
    goods_detail: Annotated[tuple[Goods, ...], Field(max_length=150)] | None = None
    refund_goods_detail: tuple[Record, ...] | None = None
    refund_royalty_parameters: tuple[TakenBack, ...] | None = None
    query_options: tuple[Text, ...] | None = None
    related_settle_confirm_no: Text | None = None
    refund_advance_account: Text | None = None
    refund_advance_account_type: Text | None = None
    refund_trans_out: Text | None = None
    refund_trans_out_type: Text | None = None


class TradeRefundApply(OfTrade, Notified):
    """``alipay.trade.refund.apply``: a refund that may take its time; ask with ``TRADE_REFUND_QUERY``."""

    refund_amount: Yuan
    out_request_no: Number
    refund_reason: Text256 | None = None
    operator_id: Text28 | None = None
    store_id: Text32 | None = None
    terminal_id: Text32 | None = None
    extend_params: Text | None = None
    refund_fund_details: tuple[Record, ...] | None = None


class TradeRefundApplyReply(Wire):
    """``refund_status``: ``REFUND_PROCESSING``, ``REFUND_SUCCESS`` or ``REFUND_FAIL``."""

    out_trade_no: str | None = None
    trade_no: str | None = None
    out_request_no: str | None = None
    refund_amount: str | None = None
    refund_status: str | None = None


class TradeRefundQuery(OfTrade):
    """``alipay.trade.fastpay.refund.query``, ten seconds after the refund at the earliest.

    ``out_request_no``: the refund's own; for a refund without one and for a cancel, the order's ``out_trade_no``.
    """

    out_request_no: Number
    query_options: tuple[Text, ...] | None = None
    org_pid: Text32 | None = None


TRADE_QUERY: AlipayEndpoint[TradeQuery, AlipayTrade] = AlipayEndpoint(QUERY, AlipayTrade, moves_money=False)
TRADE_CLOSE: AlipayEndpoint[TradeClose, TradeCloseReply] = AlipayEndpoint(CLOSE, TradeCloseReply)
TRADE_CANCEL: AlipayEndpoint[TradeCancel, TradeCancelReply] = AlipayEndpoint(CANCEL, TradeCancelReply)
TRADE_REFUND: AlipayEndpoint[TradeRefund, AlipayRefund] = AlipayEndpoint(REFUND, AlipayRefund)
TRADE_REFUND_APPLY: AlipayEndpoint[TradeRefundApply, TradeRefundApplyReply] = AlipayEndpoint(
    "alipay.trade.refund.apply", TradeRefundApplyReply
)
TRADE_REFUND_QUERY: AlipayEndpoint[TradeRefundQuery, AlipayRefundState] = AlipayEndpoint(
    REFUND_QUERY, AlipayRefundState, moves_money=False
)
