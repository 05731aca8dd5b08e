"""WeChat Pay's API v2, as the conformance suite meets it."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.forging import of_another_order

from payport.adapters.wechatpay_v2 import OfficialAccount, WeChatPayV2
from payport.adapters.wechatpay_v2.simulator import Wallet, WeChatPayV2Simulator
from payport.schemas import (
    Declined,
    InApp,
    MiniProgram,
    MobileWeb,
    Money,
    Order,
    Payer,
    Pending,
    QrScanned,
    QrShown,
    RawNotification,
    Succeeded,
)
from payport.sdk.message import WireRequest
from payport.sdk.strict_xml import parse_flat
from payport.sdk.testing import Fault
from payport.sdk.testing.conformance import Door, Subject, Way

MUTE = frozenset({Fault.WRONG_AMOUNT, Fault.OTHER_ORDER, Fault.SLOW_PROCESSING})
"""What answers cannot show that name neither amount nor order, of requests that are carried out at once."""
LOOKED_UP = (Fault.DRIP, Fault.GARBAGE, Fault.TRUNCATED, Fault.RESET_BEFORE_READING)
OPENED = Door(endpoint="pay/unifiedorder", cannot=MUTE)


def asks(request: WireRequest) -> object:
    """Nonce and signature are new on every try."""
    fields = parse_flat(request.content, root="xml")
    return {name: value for name, value in fields.items() if name not in ("nonce_str", "sign")}


def scanned(wallet: Wallet) -> Callable[[WeChatPayV2Simulator], QrScanned]:
    return lambda partner: QrScanned(auth_code=partner.payer.code(wallet))


def altered(**fields: str) -> Callable[[WeChatPayV2Simulator, RawNotification], RawNotification]:
    """Genuinely signed, with some fields changed."""
    return lambda partner, raw: partner.notices.altered(raw, fields)


SUBJECT = Subject[WeChatPayV2Simulator](
    name="wechatpay_v2",
    simulator=lambda clock: WeChatPayV2Simulator(clock=clock),
    adapter=lambda partner: WeChatPayV2(partner.account),
    order=Order(
        ref="SAMPLE01",
        amount=Money.of("12.34", "CNY"),
        subject="Tea",
        payer=Payer(id="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", ip="203.0.113.7"),
    ),
    part=Money.of("1.00", "CNY"),
    ways=[
        Way(
            name="scanned",
            method=scanned(Wallet.PAYS),
            gives=Succeeded,
            door=Door(endpoint="pay/micropay"),
            notifies=False,
        ),
        Way(
            name="scanned, payer confirms",
            method=scanned(Wallet.CONFIRMS),
            gives=Pending,
            door=Door(endpoint="pay/micropay"),
            confirm=lambda partner, number: partner.payer.confirm(number),
        ),
        Way(
            name="scanned, no money",
            method=scanned(Wallet.NO_MONEY),
            gives=Declined,
            door=Door(endpoint="pay/micropay"),
        ),
        Way(name="shown", method=lambda _: QrShown(), door=OPENED),
        Way(name="mobile page", method=lambda _: MobileWeb(), door=OPENED),
        Way(name="app", method=lambda _: InApp(), door=OPENED),
        Way(name="mini-program", method=lambda _: MiniProgram(), door=OPENED),
        Way(name="official account", method=lambda _: OfficialAccount(), door=OPENED),
    ],
    plays=frozenset(Fault),
    refund=Door(endpoint="secapi/pay/refund", gives=(Pending,)),
    close=Door(endpoint="pay/closeorder", cannot=MUTE),
    reverse=Door(
        endpoint="secapi/pay/reverse",
        cannot=MUTE,
        # each try begins with a look at the order: the second one finds it reversed
        tells=dict.fromkeys(LOOKED_UP, frozenset({"Succeeded"})),
    ),
    query="pay/orderquery",
    adopts=True,
    asks=asks,
    forged={
        "unsigned": lambda partner, raw: partner.notices.unsigned(raw),
        "of another order": of_another_order,
        "of another merchant": altered(mch_id="1900000999"),
        "of another application": altered(appid="wxffffffffffffffff"),
    },
    misleading={"another amount": altered(total_fee="1")},
)
