"""Every request that the uniform verbs make of UnionPay, and every reply of the simulator, against the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from tests.contract.checker import Contract, Wiretap

from payport.adapters.unionpay import ApplePay, BusinessPage, UnionPay
from payport.adapters.unionpay.account import Encoding, SignMethod
from payport.adapters.unionpay.simulator import Fault, UnionPaySimulator, Wallet
from payport.schemas import (
    ActionRequired,
    Authorized,
    CaptureMode,
    Declined,
    HostedPage,
    InApp,
    MobileWeb,
    Money,
    Order,
    Payer,
    QrScanned,
    QrShown,
    Succeeded,
)
from payport.schemas.actions import Action, PostForm
from payport.sdk import Gateway
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.testing.stepping import Time, WorkerClock

BEIJING = timezone(timedelta(hours=8))
FORGETFUL = "sqlite:///:memory:?durable=no"
PUBLIC = ("version", "encoding", "signMethod", "certId", "signature", "merId", "accessType")
MINUTE = timedelta(minutes=1)
TIME = Time()
"""Nine in the morning: no day ends while the tests run."""


def within(text: str, least: timedelta, most: timedelta) -> bool:
    """Whether a time is that far away."""
    try:
        away = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING) - TIME.at
    except ValueError:
        return False
    return least <= away <= most


CONTRACT = Contract.load(
    Path(__file__).with_name("contract.toml"),
    {
        "beijing-now": lambda text: within(text, -MINUTE, MINUTE),
        "beijing-soon": lambda text: within(text, MINUTE, timedelta(days=1)),
        "beijing-lately": lambda text: within(text, -timedelta(days=1), MINUTE),
    },
)


def of_request(request: WireRequest) -> tuple[str, dict[str, str]]:
    """A call's name and fields, read strictly and in the encoding that it names."""
    text = request.content.decode("ascii")
    encoding = dict(parse_qsl(text))["encoding"]
    pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, encoding=encoding, errors="strict")
    assert len(dict(pairs)) == len(pairs), "a field stands twice"
    assert all(value for _, value in pairs), "an empty field is sent"
    return request.endpoint, dict(pairs)


def of_action(action: Action) -> tuple[str, dict[str, str]] | None:
    """What a browser posts; ``None`` for what UnionPay made itself."""
    if not isinstance(action, PostForm):
        return None
    fields = dict(action.fields)
    return f"frontTransReq.do {fields['txnType']}/{fields['txnSubType']}", fields


def request_problems(name: str, fields: Mapping[str, str]) -> list[str]:
    """What the contract has against a request."""
    common = {key: value for key, value in fields.items() if key in PUBLIC}
    content = {key: value for key, value in fields.items() if key not in PUBLIC}
    return CONTRACT.public_problems(common) + CONTRACT.request_problems(name, content)


def reply_problems(name: str, reply: WireReply, encoding: str) -> list[str]:
    """What the contract has against a reply, which is not percent-encoded."""
    fields = dict(pair.split("=", 1) for pair in reply.content.decode(encoding).split("&"))
    if fields["respCode"] != "00":
        return CONTRACT.refusal_problems(fields)
    return CONTRACT.reply_problems(name, fields)


class Counter:
    """A merchant at work. ``actions``: everything handed to payers."""

    def __init__(self, method: SignMethod, encoding: Encoding) -> None:
        self.partner = UnionPaySimulator(method, encoding=encoding, clock=TIME)
        self.tap = Wiretap(self.partner.transport())
        account = replace(
            self.partner.account,
            notify_url="https://shop.example/n?a=1&b=2",
            return_url="https://shop.example/r",
            term_id="01080209",
        )
        self.gateway = Gateway(
            UnionPay(account), journal=FORGETFUL, transport=self.tap, clock=WorkerClock(TIME, "shop")
        )
        self.encoding = encoding
        self.actions: list[Action] = []
        self.made = 0

    def order(self, *, hold: bool = False) -> Order:
        """Another order, with everything that an order may say."""
        self.made += 1
        return Order(
            ref=f"SHOP{self.made:06d}",
            amount=Money.of("12.34", "CNY"),
            subject="茶 & {Tea} = [1]",
            payer=Payer(ip="203.0.113.7"),
            metadata={"cart": "7 & 8", "茶": "="},
            capture=CaptureMode.MANUAL if hold else CaptureMode.AUTOMATIC,
        )

    def act(self, order: Order, method: Any) -> Action:
        """Pay by something that the payer must do; the action is kept."""
        outcome = self.gateway.pay(order, method)
        assert isinstance(outcome, ActionRequired), outcome
        self.actions.append(outcome.action)
        return outcome.action

    def scan(self, order: Order, wallet: Wallet = Wallet.PAYS) -> object:
        """Pay by code; what is known after one question."""
        self.gateway.pay(order, QrScanned(auth_code=wallet.code(self.made)), deadline_s=0.5)
        return self.gateway.query(order.ref).outcome


def pays(shop: Counter) -> None:
    """Every method, paid, waiting and refused."""
    for method in (HostedPage(), MobileWeb(), BusinessPage(), InApp(), ApplePay(), QrShown()):
        order = shop.order()
        action = shop.act(order, method)
        shop.gateway.query(order.ref)
        shop.partner.payer.open(action)
        assert isinstance(shop.gateway.query(order.ref).outcome, Succeeded)
    assert isinstance(shop.scan(shop.order()), Succeeded)
    assert isinstance(shop.scan(shop.order(), Wallet.NO_MONEY), Declined)
    shop.scan(shop.order(), Wallet.CONFIRMS)


def ends(shop: Counter) -> None:
    """Undone, refunded in parts, reversed."""
    order = shop.order()
    shop.scan(order)
    shop.gateway.cancel(order.ref, reverse_paid=True)
    assert isinstance(shop.gateway.cancel(order.ref, reverse_paid=True), Succeeded)
    order = shop.order()
    shop.scan(order)
    for number, amount in (("REFUND0001", "2.00"), ("REFUND0002", "10.34")):
        shop.gateway.refund(order.ref, number, Money.of(amount, "CNY"), reason="too cold 冷")
        assert isinstance(shop.gateway.query_refund(order.ref, number).outcome, Succeeded)
    order = shop.order()
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "backTransReq.do 01/06", times=3)
    shop.partner.faults.next(Fault.SILENCE, "queryTrans.do 00/00", times=3)
    shop.scan(order)
    shop.partner.faults.clear()
    assert isinstance(shop.gateway.cancel(order.ref, reverse_paid=True), Succeeded)


def holds(shop: Counter) -> None:
    """Held by all ways, completed, the completion undone, released."""
    for method in (HostedPage(), QrShown()):
        order = shop.order(hold=True)
        shop.partner.payer.open(shop.act(order, method))
        assert isinstance(shop.gateway.query(order.ref).outcome, Authorized)
        shop.gateway.capture(order.ref, Money.of("5.00", "CNY"))
        assert isinstance(shop.gateway.capture(order.ref), Succeeded)
        shop.gateway.refund(order.ref, f"BACK{order.ref}", Money.of("5.00", "CNY"))
        assert isinstance(shop.gateway.query_refund(order.ref, f"BACK{order.ref}").outcome, Succeeded)
    order = shop.order(hold=True)
    assert isinstance(shop.scan(order), Authorized)
    shop.gateway.cancel(order.ref)
    assert isinstance(shop.gateway.cancel(order.ref), Succeeded)


@pytest.fixture(name="day", scope="module", params=[("01", "UTF-8"), ("11", "GBK"), ("12", "UTF-8")], ids=str)
def a_day_at_the_shop(request: pytest.FixtureRequest) -> Iterator[Counter]:
    """Every verb was used, with each way of signing and both encodings."""
    shop = Counter(*request.param)
    for part in (pays, ends, holds):
        part(shop)
    yield shop
    shop.gateway.close()


def test_every_request_of_unionpays_keeps_the_contract(day: Counter) -> None:
    """Required fields, limits, whole fen, Beijing time, and nothing that UnionPay does not know."""
    said = [of_request(request) for request, _ in day.tap.heard]
    said += [found for action in day.actions if (found := of_action(action)) is not None]
    assert [problem for name, fields in said for problem in request_problems(name, fields)] == []


def test_every_reply_of_unionpays_keeps_the_contract(day: Counter) -> None:
    """The simulator speaks as UnionPay does, or tests over it prove nothing."""
    replies = [(request.endpoint, reply) for request, reply in day.tap.heard if isinstance(reply, WireReply)]
    assert [problem for name, reply in replies for problem in reply_problems(name, reply, day.encoding)] == []


def test_the_contract_of_unionpay_has_no_dead_words(day: Counter) -> None:
    """Every transaction that it describes was made, so that a wrong description would have been found."""
    made = {request.endpoint for request, _ in day.tap.heard}
    made |= {found[0] for action in day.actions if (found := of_action(action)) is not None}
    assert CONTRACT.operations == made


NAME = "backTransReq.do 01/06"


def sample(**changes: str | None) -> dict[str, str]:
    """A good request by code, with something changed."""
    now = f"{TIME.at.astimezone(BEIJING):%Y%m%d%H%M%S}"
    whole = {
        "txnType": "01",
        "txnSubType": "06",
        "bizType": "000000",
        "channelType": "08",
        "orderId": "SHOP000001T001",
        "txnTime": now,
        "txnAmt": "1234",
        "currencyCode": "156",
        "backUrl": "https://shop.example/n",
        "qrNo": "6220000000000000001",
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "red"},
        {"orderId": None},
        {"orderId": "SHOP_000001"},
        {"orderId": "SHOP-000001"},
        {"orderId": "x" * 41},
        {"txnAmt": "12.34"},
        {"txnAmt": "0"},
        {"txnTime": "20260131120000"},
        {"txnTime": "20261123010000"},
        {"currencyCode": "CNY"},
        {"qrNo": "28x"},
        {"reqReserved": "a&b"},
        {"backUrl": "/n"},
    ],
    ids=str,
)
def test_the_checker_finds_what_breaks_unionpays_contract(change: dict[str, str | None]) -> None:
    """Unknown, missing, in yuan, in UTC, with characters that structure a message."""
    assert CONTRACT.request_problems(NAME, sample()) == []
    assert len(CONTRACT.request_problems(NAME, sample(**change))) >= 1


def test_a_certificate_number_in_hexadecimal_breaks_the_contract() -> None:
    """And one with leading zeros, and one beside a shared key."""
    good = {
        "version": "5.1.0",
        "encoding": "UTF-8",
        "signMethod": "01",
        "certId": "69903319369",
        "signature": "A" * 342 + "==",
        "merId": "777290058110001",
        "accessType": "0",
    }
    assert CONTRACT.public_problems(good) == []
    for change in ({"certId": "1046900149A"}, {"certId": "069903319369"}, {"signMethod": "11"}):
        assert CONTRACT.public_problems({**good, **change}) != []
