"""Profit sharing: receivers, splits, and what became of them.

Sources: open.alipay.com, alipay.trade.order.settle, settle.query, alipay.trade.royalty.relation.bind, unbind,
batchquery.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from payport.adapters.alipay.endpoints.endpoint import AlipayEndpoint
from payport.adapters.alipay.endpoints.fields import Part, Record, Request, Text28, Text32, Text64, Text256, Yuan
from payport.adapters.alipay.wire import Wire


class Receiver(Part):
    """Who may receive a share."""

    type: Literal["userId", "loginName", "openId"]
    account: Text256 = Field(repr=False)
    name: Text256 | None = Field(default=None, repr=False)
    memo: Text64 | None = None


class RelationBind(Request):
    """``alipay.trade.royalty.relation.bind``: name up to 20 receivers."""

    out_request_no: Text32
    receiver_list: Annotated[tuple[Receiver, ...], Field(min_length=1, max_length=20)]


class RelationUnbind(RelationBind):
    """``alipay.trade.royalty.relation.unbind``: strike receivers off."""


class RelationResult(Wire):
    """``result_code``: ``SUCCESS`` or ``FAIL``."""

    result_code: str


class RelationBatchQuery(Request):
    """``alipay.trade.royalty.relation.batchquery``: who is named. Pages begin at 1."""

    out_request_no: Text32
    page_num: int | None = Field(default=None, ge=1)
    page_size: int | None = Field(default=None, ge=1)


class KnownReceiver(Wire):
    """One receiver as Alipay holds it."""

    type: str | None = None
    account: str | None = Field(default=None, repr=False)
    name: str | None = Field(default=None, repr=False)
    memo: str | None = None


class RelationList(Wire):
    """One page of receivers."""

    result_code: str | None = None
    receiver_list: list[KnownReceiver] | None = None
    current_page_num: int | str | None = None
    current_page_size: int | str | None = None
    total_page_num: int | str | None = None
    total_record_num: int | str | None = None


class Share(Part):
    """One line of a split. ``royalty_type``: ``transfer`` gives, ``replenish`` makes up for a refund."""

    trans_in: Text64
    trans_in_type: Literal["userId", "loginName", "openId", "cardAliasNo"] | None = None
    amount: Yuan | None = None
    amount_percentage: int | None = Field(default=None, ge=1, le=100)
    trans_out: Text64 | None = None
    trans_out_type: Literal["userId", "loginName", "openId"] | None = None
    royalty_type: Literal["transfer", "replenish"] | None = None
    royalty_scene: Text64 | None = None
    trans_in_name: Text256 | None = Field(default=None, repr=False)
    desc: Text256 | None = None


class OrderSettle(Request):
    """``alipay.trade.order.settle``: give shares of a trade that was created with ``royalty_freeze``."""

    out_request_no: Text64
    trade_no: Text64
    royalty_parameters: Annotated[tuple[Share, ...], Field(min_length=1)]
    royalty_mode: Literal["sync", "async"] | None = None
    operator_id: Text28 | None = None
    extend_params: Record | None = None
    """For example ``{"royalty_finish": "true"}``: nothing more will be shared."""


class OrderSettled(Wire):
    """``settle_no``: Alipay's number of the split."""

    trade_no: str | None = None
    settle_no: str | None = None


class OrderSettleQuery(Request):
    """``alipay.trade.order.settle.query``: by ``settle_no``, or by ``trade_no`` with ``out_request_no``."""

    one_of = (("settle_no", "trade_no"), ("settle_no", "out_request_no"))

    settle_no: Text64 | None = None
    out_request_no: Text64 | None = None
    trade_no: Text64 | None = None


class ShareState(Wire):
    """One line of a split. ``state``: ``SUCCESS``, ``FAIL`` or ``PROCESSING``."""

    operation_type: str | None = None
    execute_dt: str | None = None
    trans_out: str | None = Field(default=None, repr=False)
    trans_in: str | None = Field(default=None, repr=False)
    amount: str | None = None
    state: str | None = None
    error_code: str | None = None
    error_desc: str | None = None


class SettleState(Wire):
    """What became of a split."""

    out_request_no: str | None = None
    operation_dt: str | None = None
    royalty_detail_list: list[ShareState] | None = None


ORDER_SETTLE: AlipayEndpoint[OrderSettle, OrderSettled] = AlipayEndpoint("alipay.trade.order.settle", OrderSettled)
ORDER_SETTLE_QUERY: AlipayEndpoint[OrderSettleQuery, SettleState] = AlipayEndpoint(
    "alipay.trade.order.settle.query", SettleState, moves_money=False
)
ROYALTY_RELATION_BIND: AlipayEndpoint[RelationBind, RelationResult] = AlipayEndpoint(
    "alipay.trade.royalty.relation.bind", RelationResult, moves_money=False
)
ROYALTY_RELATION_UNBIND: AlipayEndpoint[RelationUnbind, RelationResult] = AlipayEndpoint(
    "alipay.trade.royalty.relation.unbind", RelationResult, moves_money=False
)
ROYALTY_RELATION_BATCHQUERY: AlipayEndpoint[RelationBatchQuery, RelationList] = AlipayEndpoint(
    "alipay.trade.royalty.relation.batchquery", RelationList, moves_money=False
)
