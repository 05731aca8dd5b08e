"""WeChat Pay, as the conformance suite meets it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from payport.adapters.wechatpay import JsApi, WeChatPay, WeChatPayPayee
from payport.adapters.wechatpay.simulator import Wallet, WeChatPaySimulator
from payport.schemas import (
    ActionRequired,
    Declined,
    InApp,
    MiniProgram,
    MobileWeb,
    Money,
    Order,
    Payer,
    PayoutOrder,
    Pending,
    QrScanned,
    QrShown,
    RawNotification,
    Succeeded,
)
from payport.sdk.message import WireRequest
from payport.sdk.testing import Fault
from payport.sdk.testing.conformance import Door, Payout, Subject, Way

MUTE = frozenset({Fault.WRONG_AMOUNT, Fault.OTHER_ORDER, Fault.SLOW_PROCESSING})
"""What replies cannot show that name neither an amount nor a number, of requests that are carried out at once."""
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
TRADES = "/v3/pay/transactions"


def asks(request: WireRequest) -> object:
    """The host is no part of it: what could not be brought to one is brought to the other."""
    return request.method, urlsplit(request.url)[2:], request.content


def scanned(wallet: Wallet) -> Callable[[WeChatPaySimulator], QrScanned]:
    return lambda partner: QrScanned(auth_code=partner.payer.code(wallet))


def altered(changes: dict[str, object]) -> Callable[[WeChatPaySimulator, RawNotification], RawNotification]:
    """Genuinely signed and encrypted, with other content."""
    return lambda partner, raw: partner.notices.altered(raw, changes)


def door(name: str) -> Door:
    """An endpoint that hands something out."""
    return Door(endpoint=f"POST {TRADES}/{name}", cannot=MUTE)


PAY = Door(endpoint=f"POST {TRADES}/codepay")

SUBJECT = Subject[WeChatPaySimulator](
    name="wechatpay",
    simulator=lambda clock: WeChatPaySimulator("both", clock=clock),
    adapter=lambda partner: WeChatPay(partner.account, keys_checked=True),
    order=Order(
        ref="SAMPLE01", amount=Money.of("12.34", "CNY"), subject="Tea", payer=Payer(id=OPENID, ip="203.0.113.7")
    ),
    part=Money.of("1.00", "CNY"),
    ways=[
        Way(name="scanned", method=scanned(Wallet.PAYS), gives=Succeeded, door=PAY, notifies=False),
        Way(
            name="scanned, payer confirms",
            method=scanned(Wallet.CONFIRMS),
            gives=Pending,
            door=PAY,
            notifies=False,
            confirm=lambda partner, number: partner.payer.confirm(number),
        ),
        Way(name="scanned, no money", method=scanned(Wallet.NO_MONEY), gives=Declined, door=PAY, notifies=False),
        Way(name="shown", method=lambda _: QrShown(), door=door("native")),
        Way(name="page in WeChat", method=lambda _: JsApi(), door=door("jsapi")),
        Way(name="mini-program", method=lambda _: MiniProgram(), door=door("jsapi")),
        Way(name="app", method=lambda _: InApp(), door=door("app")),
        Way(name="mobile page", method=lambda _: MobileWeb(), door=door("h5")),
    ],
    plays=frozenset(Fault),
    refund=Door(endpoint="POST /v3/refund/domestic/refunds", gives=(Pending, Succeeded)),
    close=Door(endpoint=f"POST {TRADES}/out-trade-no/{{out_trade_no}}/close", cannot=MUTE),
    reverse=Door(
        endpoint=f"POST {TRADES}/out-trade-no/{{out_trade_no}}/reverse", cannot=MUTE, gives=(Pending, Succeeded)
    ),
    payout=Payout(
        order=PayoutOrder(ref="SAMPLE02", amount=Money.of("5.00", "CNY"), subject="Wages"),
        payee=WeChatPayPayee(openid=OPENID, scene_id="1000", report={"活动名称": "Tea", "奖励说明": "Wages"}),
        door=Door(
            endpoint="POST /v3/fund-app/mch-transfer/transfer-bills",
            gives=(ActionRequired,),
            cannot=frozenset({Fault.WRONG_AMOUNT}),
        ),
        done=frozenset({"SUCCESS"}),
    ),
    adopts=True,
    asks=asks,
    forged={
        "unsigned": lambda partner, raw: partner.notices.unsigned(raw),
        "of another merchant": altered({"mchid": "1900000999"}),
        "signed by somebody else": lambda partner, raw: partner.notices.impostor(raw),
        "a replay": lambda partner, raw: partner.notices.stale(raw, 301.0),
        "a probe": lambda partner, raw: partner.notices.probed(raw),
    },
    life_s=240.0,  # a link for a mobile page lives five minutes
    misleading={"another amount": altered({"amount": {"total": 1, "currency": "CNY"}})},
)
