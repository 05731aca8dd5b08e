"""Payments: created, charged by a scanned code, asked about, closed, reversed, and the payer's parameters.

Source: pay.weixin.qq.com, "JSAPI", "App", "H5", "Native", "payment code", for merchants and service providers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from payport.adapters.wechatpay.endpoints.endpoint import Nothing, WeChatPayEndpoint, wechat_pay
from payport.adapters.wechatpay.endpoints.fields import (
    Fen,
    Notified,
    OfMerchant,
    OfOrder,
    Part,
    Request,
    Text32,
    Text45,
    Text64,
    Text127,
    Text128,
    Text256,
    Text512,
    TradeNo,
    WireTime,
)
from payport.adapters.wechatpay.handing_out import app_parameters, page_parameters
from payport.adapters.wechatpay.wire import Prepared, WeChatPayTransaction, Wire
from payport.schemas.actions import AppParameters
from payport.sdk.adapter import Adapter, Answer
from payport.sdk.exchange import Exchange
from payport.sdk.observation import Observation


class Amount(Part):
    """What is to be paid."""

    total: Fen
    currency: Literal["CNY"] = "CNY"


class Goods(Part):
    """One line of the order. ``unit_price`` in fen."""

    merchant_goods_id: Text32
    wechatpay_goods_id: Text32 | None = None
    goods_name: Text256 | None = None
    quantity: Annotated[int, Field(ge=1)]
    unit_price: Annotated[int, Field(ge=0)]


class Detail(Part):
    """The goods of an order, for coupons that look at them."""

    cost_price: Fen | None = None
    invoice_id: Text32 | None = None
    goods_detail: tuple[Goods, ...] | None = None


class Store(Part):
    """A store. ``id``: WeChat's number; ``out_id``: the merchant's own."""

    id: Text32 | None = None
    out_id: Text32 | None = None
    name: Text256 | None = None
    area_code: Text32 | None = None
    address: Text512 | None = None


class H5Info(Part):
    """The page or app in whose browser the payer is."""

    type: Literal["Wap", "iOS", "Android"]
    app_name: Text64 | None = None
    app_url: Text128 | None = None
    bundle_id: Text128 | None = None
    package_name: Text128 | None = None


class Place(Part):
    """The merchant's device."""

    device_id: Text32 | None = None
    device_ip: Text45 | None = None


class Scene(Place):
    """Where the payer is."""

    payer_client_ip: Text45 | None = None
    store_info: Store | None = None


class Settle(Part):
    """``profit_sharing``: freeze the money for shares."""

    profit_sharing: bool


class Identity(Part):
    """Who must pay, by name and document; both leave encrypted. Needs a permission of its own."""

    type: Literal["IDCARD"]
    number: Text64 = Field(repr=False)
    name: Text64 = Field(repr=False)


class OrderPayer(Part):
    """Who pays: ``openid`` for a merchant; ``sp_openid`` or ``sub_openid`` for a service provider."""

    openid: Text128 | None = Field(default=None, repr=False)
    sp_openid: Text128 | None = Field(default=None, repr=False)
    sub_openid: Text128 | None = Field(default=None, repr=False)
    identity: Identity | None = Field(default=None, repr=False)


class WaitingOrder(OfOrder, Notified):
    """What every order that waits to be paid may say."""

    hidden = ("payer/identity/number", "payer/identity/name")

    description: Text127
    out_trade_no: TradeNo
    amount: Amount
    time_expire: WireTime | None = None
    attach: Text128 | None = None
    goods_tag: Text32 | None = None
    limit_pay: tuple[Literal["no_balance", "no_credit", "no_debit", "balance_only"], ...] | None = None
    support_fapiao: bool | None = None
    detail: Detail | None = None
    settle_info: Settle | None = None


class NewOrder(WaitingOrder):
    """``native``, ``app``: paid by a code that is shown, or in an app."""

    scene_info: Scene | None = None


class NewPageOrder(NewOrder):
    """``jsapi``: paid inside WeChat by the user named."""

    payer: OrderPayer


class H5Scene(Place):
    """Where the payer is, whose phone's address is compared."""

    payer_client_ip: Text45
    h5_info: H5Info
    store_info: Store | None = None


class NewH5Order(WaitingOrder):
    """``h5``: paid from a phone's browser."""

    scene_info: H5Scene


class ScannedPayer(Part):
    """``auth_code``: the scanned digits. A secret: whoever holds it can take money once."""

    auth_code: Text32 = Field(repr=False)


class ScannedScene(Place):
    """Where the code was scanned."""

    store_info: Store


class ScannedOrder(OfOrder):
    """``codepay``: charges a scanned code at once. Nothing notifies of it: ask."""

    description: Text127
    out_trade_no: TradeNo
    payer: ScannedPayer = Field(repr=False)
    amount: Amount
    scene_info: ScannedScene
    attach: Text128 | None = None
    goods_tag: Text32 | None = None
    detail: Detail | None = None
    settle_info: Settle | None = None


class TransactionById(OfMerchant):
    """By WeChat's number: paid orders only."""

    transaction_id: Text32


class TransactionByOutTradeNo(OfMerchant):
    """By the merchant's number: unpaid orders too."""

    out_trade_no: TradeNo


class CloseOrder(TransactionByOutTradeNo):
    """Close an order that is not paid."""


class ReverseOrder(OfOrder):
    """Reverse an order by a scanned code: closes it, or gives the money back. Not within 15 s of the charge."""

    out_trade_no: TradeNo


class Reversed(Wire):
    """The order's number again; says neither whether it was paid, nor that it was this merchant's: ask afterwards."""

    out_trade_no: str | None = None


class PayerParameters(Request):
    """For an order made natively: ``prepay_id`` of its answer. ``where``: ``page`` (JSAPI, mini-program) or ``app``."""

    prepay_id: Text64
    where: Literal["page", "app"]
    appid: Text32 | None = None


@dataclass(frozen=True, slots=True)
class WeChatPayAction:
    """Signs what the payer's app or page hands over to WeChat; nothing is sent.

    It can be paid with no further word to us, and a native call is not journalled: prefer ``pay``.
    """

    name: str

    @property
    def partner(self) -> str:
        """``"wechatpay"``."""
        return "wechatpay"

    def call(
        self,
        adapter: Adapter,
        request: PayerParameters,
        deadline_s: float,  # noqa: ARG002 - every endpoint is told; nothing is sent here
    ) -> Exchange[Answer[AppParameters] | Observation]:
        """Sign the parameters."""
        wechat = wechat_pay(adapter, self.name)
        config = wechat.config
        sign, own = (page_parameters, None) if request.where == "page" else (app_parameters, config.app_appid)
        appid = request.appid or config.sub_appid or own or config.appid
        return Answer((yield from sign(wechat, appid, request.prepay_id)))


_PAY = "/v3/pay/transactions"
PAY_NATIVE: WeChatPayEndpoint[NewOrder, Prepared] = WeChatPayEndpoint(f"POST {_PAY}/native", Prepared)
PAY_APP: WeChatPayEndpoint[NewOrder, Prepared] = WeChatPayEndpoint(f"POST {_PAY}/app", Prepared)
PAY_JSAPI: WeChatPayEndpoint[NewPageOrder, Prepared] = WeChatPayEndpoint(f"POST {_PAY}/jsapi", Prepared)
PAY_H5: WeChatPayEndpoint[NewH5Order, Prepared] = WeChatPayEndpoint(f"POST {_PAY}/h5", Prepared)
PAY_CODEPAY: WeChatPayEndpoint[ScannedOrder, WeChatPayTransaction] = WeChatPayEndpoint(
    f"POST {_PAY}/codepay", WeChatPayTransaction
)
QUERY_BY_ID: WeChatPayEndpoint[TransactionById, WeChatPayTransaction] = WeChatPayEndpoint(
    f"GET {_PAY}/id/{{transaction_id}}", WeChatPayTransaction, moves_money=False
)
QUERY_BY_OUT_TRADE_NO: WeChatPayEndpoint[TransactionByOutTradeNo, WeChatPayTransaction] = WeChatPayEndpoint(
    f"GET {_PAY}/out-trade-no/{{out_trade_no}}", WeChatPayTransaction, moves_money=False
)
CLOSE_ORDER: WeChatPayEndpoint[CloseOrder, Nothing] = WeChatPayEndpoint(
    f"POST {_PAY}/out-trade-no/{{out_trade_no}}/close", Nothing
)
REVERSE_ORDER: WeChatPayEndpoint[ReverseOrder, Reversed] = WeChatPayEndpoint(
    f"POST {_PAY}/out-trade-no/{{out_trade_no}}/reverse", Reversed
)
PAYER_PARAMETERS = WeChatPayAction("payer parameters")
