"""Creating trades: shown and scanned codes, mini-programs, pages, apps, and the capture of a hold.

Sources: open.alipay.com, alipay.trade.precreate, create, pay, page.pay, wap.pay, app.pay.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from payport.adapters.alipay.endpoints.endpoint import AlipayAction, AlipayEndpoint
from payport.adapters.alipay.endpoints.fields import (
    Address,
    ChinaTime,
    Notified,
    Number,
    Part,
    Record,
    Returning,
    Span,
    Text,
    Text28,
    Text32,
    Text64,
    Text100,
    Text128,
    Text256,
    Text512,
    Yuan,
)
from payport.adapters.alipay.planning import APP, CREATE, PAGE, PAY, PRECREATE, WAP
from payport.adapters.alipay.wire import AlipayTrade, TradeCreateReply, TradePrecreateReply


class Goods(Part):
    """One line of ``goods_detail``. ``price``: of one piece, in yuan."""

    goods_id: Text64
    goods_name: Text256
    quantity: int = Field(ge=1)
    price: Yuan
    goods_category: Text | None = None
    categories_tree: Text | None = None
    show_url: Text | None = None


class NewTrade(Notified):
    """What every call that creates a trade may say."""

    out_trade_no: Number
    total_amount: Yuan
    subject: Text256
    product_code: Text64 | None = None
    body: Text128 | None = None
    time_expire: ChinaTime | None = None
    """When the order ends; wins over ``timeout_express``."""
    timeout_express: Span | None = None
    goods_detail: Annotated[tuple[Goods, ...], Field(max_length=150)] | None = None
    extend_params: Record | None = None
    """For example ``{"sys_service_provider_id": ..., "hb_fq_num": ..., "royalty_freeze": "true"}``."""
    business_params: Record | None = None
    """For example ``{"mc_create_trade_ip": ...}``."""
    passback_params: Text512 | None = None
    disable_pay_channels: Text128 | None = None
    ext_user_info: Record | None = Field(default=None, repr=False)
    royalty_info: Record | None = None
    settle_info: Record | None = None
    sub_merchant: Record | None = None
    merchant_order_no: Text32 | None = None
    store_id: Text32 | None = None


class OpenTrade(NewTrade):
    """A trade whose payer may choose between channels; not together with ``disable_pay_channels``."""

    enable_pay_channels: Text128 | None = None


class CounterTrade(NewTrade):
    """What calls at a counter may say besides."""

    seller_id: Text28 | None = None
    operator_id: Text28 | None = None
    terminal_id: Text32 | None = None
    alipay_store_id: Text32 | None = None
    discountable_amount: Yuan | None = None
    undiscountable_amount: Yuan | None = None
    query_options: tuple[Text, ...] | None = None
    bkagent_req_info: Record | None = None


class TradePrecreate(CounterTrade, OpenTrade):
    """``alipay.trade.precreate``: a code to show. The code itself lives two hours unless told otherwise."""

    qr_code_timeout_express: Span | None = None
    buyer_logon_id: Text100 | None = Field(default=None, repr=False)
    code_type: Text | None = None


class TradeCreate(CounterTrade, OpenTrade):
    """``alipay.trade.create``: a trade for a mini-program or a known buyer."""

    one_of = (("buyer_id", "buyer_open_id", "buyer_logon_id", "op_buyer_open_id"),)

    buyer_id: Text28 | None = Field(default=None, repr=False)
    buyer_open_id: Text128 | None = Field(default=None, repr=False)
    buyer_logon_id: Text100 | None = Field(default=None, repr=False)
    op_app_id: Text32 | None = None
    """The mini-program, with ``product_code="JSAPI_PAY"``."""
    op_buyer_open_id: Text128 | None = Field(default=None, repr=False)
    receiver_address_info: Record | None = Field(default=None, repr=False)
    logistics_detail: Record | None = None
    agreement_sign_params: Record | None = None


class TradePay(CounterTrade):
    """``alipay.trade.pay``: charge a scanned code, an agreement, or (``auth_no``) capture a hold.

    ``auth_code``: a secret; whoever holds it can take money once.
    """

    one_of = (("auth_code", "auth_no", "agreement_params"),)

    scene: Literal["bar_code", "security_code"] | None = None
    auth_code: Annotated[str, StringConstraints(pattern=r"^([0-9]{16,24}|fp.{33,698})$")] | None = Field(
        default=None, repr=False
    )
    auth_no: Text64 | None = None
    auth_confirm_mode: Literal["COMPLETE", "NOT_COMPLETE"] | None = None
    """Capture: ``COMPLETE`` releases what is left of the hold."""
    buyer_id: Text28 | None = Field(default=None, repr=False)
    buyer_open_id: Text128 | None = Field(default=None, repr=False)
    agreement_params: Record | None = Field(default=None, repr=False)
    is_async_pay: bool | None = None
    advance_payment_type: Text | None = None
    pay_params: Record | None = None
    promo_params: Record | None = None
    request_org_pid: Text | None = None
    settle_currency: Text | None = None
    terminal_params: Text | None = None
    trans_currency: Text | None = None


class OnlineTrade(OpenTrade):
    """What pages and apps may say besides. ``goods_type``: ``0`` virtual, ``1`` real."""

    goods_type: Literal["0", "1"] | None = None
    invoice_info: Record | None = Field(default=None, repr=False)
    promo_params: Text512 | None = None
    query_options: tuple[Text, ...] | None = None


class TradePagePay(OnlineTrade, Returning):
    """``alipay.trade.page.pay``: a page for a desktop browser."""

    agreement_sign_params: Record | None = None
    qr_pay_mode: Literal["0", "1", "2", "3", "4"] | None = None
    qrcode_width: int | None = Field(default=None, ge=1)
    request_from_url: Address | None = None
    integration_type: Text | None = None


class TradeWapPay(OnlineTrade, Returning):
    """``alipay.trade.wap.pay``: a page for a phone's browser."""

    seller_id: Text28 | None = None
    specified_channel: Text128 | None = None
    auth_token: Text128 | None = Field(default=None, repr=False)
    quit_url: Annotated[str, StringConstraints(pattern=r"^https?://", max_length=400)] | None = None


class TradeAppPay(OnlineTrade):
    """``alipay.trade.app.pay``: an order string for the merchant's phone app."""

    seller_id: Text28 | None = None
    specified_channel: Text128 | None = None
    agreement_sign_params: Record | None = None


TRADE_PRECREATE: AlipayEndpoint[TradePrecreate, TradePrecreateReply] = AlipayEndpoint(PRECREATE, TradePrecreateReply)
TRADE_CREATE: AlipayEndpoint[TradeCreate, TradeCreateReply] = AlipayEndpoint(CREATE, TradeCreateReply)
TRADE_PAY: AlipayEndpoint[TradePay, AlipayTrade] = AlipayEndpoint(PAY, AlipayTrade)
TRADE_PAGE_PAY: AlipayAction[TradePagePay] = AlipayAction(PAGE)
TRADE_WAP_PAY: AlipayAction[TradeWapPay] = AlipayAction(WAP)
TRADE_APP_PAY: AlipayAction[TradeAppPay] = AlipayAction(APP)
