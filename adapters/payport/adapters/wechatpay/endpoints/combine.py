"""Combined orders: up to 50 orders of several merchants, paid at once. Each is refunded by itself.

Source: pay.weixin.qq.com, "combined payments".
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from payport.adapters.wechatpay.endpoints.endpoint import Nothing, WeChatPayEndpoint
from payport.adapters.wechatpay.endpoints.fields import (
    Fen,
    Notified,
    Part,
    Request,
    Text32,
    Text45,
    Text127,
    Text128,
    TradeNo,
    WireTime,
)
from payport.adapters.wechatpay.endpoints.payments import Detail, H5Info
from payport.adapters.wechatpay.wire import CombinedTransaction, Prepared

_MERCHANT = ("combine_appid", "combine_mchid")


class SubAmount(Part):
    """What one order costs: another name than in single orders."""

    total_amount: Fen
    currency: Literal["CNY"] = "CNY"


class SubSettle(Part):
    """How one order is settled. ``subsidy_amount`` in fen."""

    profit_sharing: bool | None = None
    subsidy_amount: Annotated[int, Field(ge=0)] | None = None


class SubOrder(Part):
    """One order. ``mchid``: whose it is."""

    mchid: Text32
    out_trade_no: TradeNo
    attach: Text128
    description: Text127
    amount: SubAmount
    sub_mchid: Text32 | None = None
    goods_tag: Text32 | None = None
    detail: Detail | None = None
    settle_info: SubSettle | None = None


class CombineScene(Part):
    """Where the payer is."""

    payer_client_ip: Text45
    device_id: Text32 | None = None
    h5_info: H5Info | None = None


class CombinePayer(Part):
    """Who pays."""

    openid: Text128 = Field(repr=False)


class WaitingWhole(Notified):
    """What every combined order may say."""

    own = _MERCHANT
    partners = _MERCHANT

    combine_out_trade_no: TradeNo
    sub_orders: Annotated[tuple[SubOrder, ...], Field(min_length=1, max_length=50)]
    scene_info: CombineScene | None = None
    time_start: WireTime | None = None
    time_expire: WireTime | None = None
    limit_pay: tuple[Literal["no_balance", "no_credit", "no_debit", "balance_only"], ...] | None = None


class CombinedOrder(WaitingWhole):
    """``native``, ``app``, ``h5``: several orders that wait to be paid."""

    combine_payer_info: CombinePayer | None = None


class CombinedPageOrder(WaitingWhole):
    """``jsapi``: paid inside WeChat by the user named."""

    combine_payer_info: CombinePayer


class CombineQuery(Request):
    """By the merchant's number of the whole."""

    combine_out_trade_no: TradeNo


class SubOrderToClose(Part):
    """One order of the whole."""

    mchid: Text32
    out_trade_no: TradeNo
    sub_mchid: Text32 | None = None


class CombineClose(Request):
    """Close the whole: every one of its orders must be named."""

    own = ("combine_appid",)
    partners = ("combine_appid",)

    combine_out_trade_no: TradeNo
    sub_orders: Annotated[tuple[SubOrderToClose, ...], Field(min_length=1, max_length=50)]


_COMBINE = "/v3/combine-transactions"
COMBINE_NATIVE: WeChatPayEndpoint[CombinedOrder, Prepared] = WeChatPayEndpoint(f"POST {_COMBINE}/native", Prepared)
COMBINE_APP: WeChatPayEndpoint[CombinedOrder, Prepared] = WeChatPayEndpoint(f"POST {_COMBINE}/app", Prepared)
COMBINE_H5: WeChatPayEndpoint[CombinedOrder, Prepared] = WeChatPayEndpoint(f"POST {_COMBINE}/h5", Prepared)
COMBINE_JSAPI: WeChatPayEndpoint[CombinedPageOrder, Prepared] = WeChatPayEndpoint(f"POST {_COMBINE}/jsapi", Prepared)
COMBINE_QUERY: WeChatPayEndpoint[CombineQuery, CombinedTransaction] = WeChatPayEndpoint(
    f"GET {_COMBINE}/out-trade-no/{{combine_out_trade_no}}", CombinedTransaction, moves_money=False
)
COMBINE_CLOSE: WeChatPayEndpoint[CombineClose, Nothing] = WeChatPayEndpoint(
    f"POST {_COMBINE}/out-trade-no/{{combine_out_trade_no}}/close", Nothing
)
