"""UnionPay, as the conformance suite meets it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

from tests.support.forging import of_another_order

from payport.adapters.unionpay import ApplePay, BusinessPage, UnionPay
from payport.adapters.unionpay.simulator import UnionPaySimulator, Wallet
from payport.schemas import (
    Declined,
    HostedPage,
    InApp,
    MobileWeb,
    Money,
    Order,
    Pending,
    QrScanned,
    QrShown,
    RawNotification,
    Succeeded,
)
from payport.sdk.message import WireRequest
from payport.sdk.testing import Fault
from payport.sdk.testing.conformance import Closes, Door, Subject, Way

SLOW = frozenset({Fault.SLOW_PROCESSING})
"""Where something is handed out there is nothing to be slow about."""
LOST = {Fault.COMMIT_THEN_SILENCE: frozenset({"Unknown"})}
"""A code or ``tn`` whose answer was lost is never given again: UnionPay only says that it has the request (12)."""


def asks(request: WireRequest) -> object:
    """The signature is new on every try, though RSA makes it the same; everything else is frozen, the time included."""
    return sorted(pair for pair in parse_qsl(request.content.decode("ascii")) if pair[0] != "signature")


def scanned(wallet: Wallet) -> Callable[[UnionPaySimulator], QrScanned]:
    return lambda partner: QrScanned(auth_code=partner.payer.code(wallet))


def altered(name: str, value: str) -> Callable[[UnionPaySimulator, RawNotification], RawNotification]:
    """Genuinely signed, with one field changed."""
    return lambda partner, raw: partner.notices.altered(raw, {name: value})


def back(kind: str) -> Door:
    """What the server asks for. 00 is a receipt, and a repetition is answered with how it ended."""
    return Door(endpoint=f"backTransReq.do {kind}", gives=(Pending, Succeeded))


def handing_out(endpoint: str) -> Door:
    """What gives a code or ``tn``."""
    return Door(endpoint=endpoint, cannot=SLOW, tells=LOST)


SUBJECT = Subject[UnionPaySimulator](
    name="unionpay",
    simulator=lambda clock: UnionPaySimulator(clock=clock),
    adapter=lambda partner: UnionPay(partner.account, keys_checked=True),
    order=Order(ref="SAMPLE01", amount=Money.of("12.34", "CNY"), subject="Tea"),
    part=Money.of("1.00", "CNY"),
    ways=[
        Way(name="page", method=lambda _: HostedPage(), closes=Closes.NEVER),
        Way(name="mobile page", method=lambda _: MobileWeb(), closes=Closes.NEVER),
        Way(name="page for companies", method=lambda _: BusinessPage(), closes=Closes.NEVER),
        Way(
            name="app",
            method=lambda _: InApp(),
            door=handing_out("appTransReq.do 01/01"),
            closes=Closes.NEVER,
        ),
        Way(
            name="Apple Pay",
            method=lambda _: ApplePay(),
            door=handing_out("appTransReq.do 01/01"),
            closes=Closes.NEVER,
        ),
        Way(name="shown", method=lambda _: QrShown(), door=handing_out("backTransReq.do 01/07"), closes=Closes.NEVER),
        Way(name="scanned", method=scanned(Wallet.PAYS), gives=Pending, door=back("01/06")),
        Way(
            name="scanned, payer confirms",
            method=scanned(Wallet.CONFIRMS),
            gives=Pending,
            door=back("01/06"),
            confirm=lambda partner, number: partner.payer.confirm(number),
        ),
        Way(name="scanned, no money", method=scanned(Wallet.NO_MONEY), gives=Declined, door=back("01/06")),
        Way(name="hold, page", method=lambda _: HostedPage(), hold=True, closes=Closes.NEVER),
        Way(
            name="hold, shown",
            method=lambda _: QrShown(),
            hold=True,
            door=handing_out("backTransReq.do 02/05"),
            closes=Closes.NEVER,
        ),
        Way(name="hold, scanned", method=scanned(Wallet.PAYS), gives=Pending, hold=True, door=back("02/04")),
    ],
    plays=frozenset(Fault),
    refund=back("04/00"),
    undo=back("33/00"),
    capture=back("03/00"),
    reverse=back("31/00"),
    release=back("32/00"),
    query="queryTrans.do 00/00",
    asks=asks,
    forged={
        "unsigned": lambda partner, raw: partner.notices.unsigned(raw),
        "of another order": of_another_order,
        "signed by another customer of the authority": lambda partner, raw: partner.notices.signed_by_merchant(raw),
        "of another merchant": altered("merId", "777290058100002"),
    },
    misleading={
        "another amount": altered("txnAmt", "1"),
        "another day's order of the same number": altered("txnTime", "20240101120000"),
        "another currency": altered("currencyCode", "840"),
    },
)
