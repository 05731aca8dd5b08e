"""Alipay, as the conformance suite meets it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from tests.support.forging import of_another_order

from payport.adapters.alipay import Alipay, AlipayPayee, PayeeKind
from payport.adapters.alipay.simulator import AlipaySimulator, Wallet
from payport.schemas import (
    Authorized,
    Declined,
    HostedPage,
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
from payport.sdk.testing.conformance import Closes, Door, Payout, Subject, Way

MUTE = frozenset({Fault.WRONG_AMOUNT, Fault.SLOW_PROCESSING})
"""What replies cannot show that name no amount, of requests that are carried out at once."""


def asks(request: WireRequest) -> object:
    """The public time and the signature are new on every try."""
    return parse_qs(request.content.decode("ascii")).get("biz_content")


def scanned(wallet: Wallet) -> Callable[[AlipaySimulator], QrScanned]:
    return lambda partner: QrScanned(auth_code=partner.payer.code(wallet))


def altered(**fields: str) -> Callable[[AlipaySimulator, RawNotification], RawNotification]:
    """Genuinely signed, with some fields changed."""
    return lambda partner, raw: partner.notices.altered(raw, fields)


PAY = Door(endpoint="alipay.trade.pay")
SHOW = Door(endpoint="alipay.trade.precreate", cannot=MUTE)

SUBJECT = Subject[AlipaySimulator](
    name="alipay",
    simulator=lambda clock: AlipaySimulator("certificate", clock=clock),
    adapter=lambda partner: Alipay(partner.account, keys_checked=True),
    order=Order(ref="SAMPLE01", amount=Money.of("12.34", "CNY"), subject="Tea", payer=Payer(id="2088102100000001")),
    part=Money.of("1.00", "CNY"),
    ways=[
        Way(name="scanned", method=scanned(Wallet.PAYS), gives=Succeeded, door=PAY),
        Way(
            name="scanned, payer confirms",
            method=scanned(Wallet.CONFIRMS),
            gives=Pending,
            door=PAY,
            confirm=lambda partner, number: partner.payer.confirm(number),
        ),
        Way(name="scanned, no money", method=scanned(Wallet.NO_MONEY), gives=Declined, door=PAY),
        Way(name="shown", method=lambda _: QrShown(), door=SHOW, closes=Closes.ONCE_OPENED),
        Way(name="page", method=lambda _: HostedPage(), closes=Closes.ONCE_OPENED),
        Way(name="mobile page", method=lambda _: MobileWeb(), closes=Closes.ONCE_OPENED),
        Way(name="app", method=lambda _: InApp(), closes=Closes.ONCE_OPENED),
        Way(
            name="mini-program", method=lambda _: MiniProgram(), door=Door(endpoint="alipay.trade.create", cannot=MUTE)
        ),
        Way(
            name="hold, scanned",
            method=scanned(Wallet.PAYS),
            gives=Authorized,
            hold=True,
            door=Door(endpoint="alipay.fund.auth.order.freeze"),
        ),
        Way(
            name="hold, shown",
            method=lambda _: QrShown(),
            hold=True,
            door=Door(endpoint="alipay.fund.auth.order.voucher.create", cannot=MUTE),
            closes=Closes.ONCE_OPENED,
        ),
        Way(name="hold, app", method=lambda _: InApp(), hold=True, closes=Closes.ONCE_OPENED, expires=False),
    ],
    plays=frozenset(Fault),
    refund=Door(endpoint="alipay.trade.refund", cannot=frozenset({Fault.WRONG_AMOUNT})),
    capture=Door(endpoint="alipay.trade.pay", cannot=frozenset({Fault.SLOW_PROCESSING})),
    close=Door(endpoint="alipay.trade.close", cannot=MUTE),
    reverse=Door(endpoint="alipay.trade.cancel", cannot=MUTE),
    release=Door(endpoint="alipay.fund.auth.order.unfreeze", cannot=MUTE),
    payout=Payout(
        order=PayoutOrder(ref="SAMPLE02", amount=Money.of("5.00", "CNY"), subject="Wages"),
        payee=AlipayPayee(kind=PayeeKind.USER_ID, identity="2088102100000009"),
        door=Door(endpoint="alipay.fund.trans.uni.transfer", cannot=frozenset({Fault.WRONG_AMOUNT})),
        done=frozenset({"SUCCESS"}),
    ),
    adopts=True,
    query="alipay.trade.query",
    asks=asks,
    forged={
        "unsigned": lambda partner, raw: partner.notices.unsigned(raw),
        "of another order": of_another_order,
        "of another seller": altered(seller_id="2088000000000009"),
        "of another application": altered(app_id="2021009999999999", auth_app_id="2021009999999999"),
    },
    misleading={"another amount": altered(total_amount="0.01")},
)
