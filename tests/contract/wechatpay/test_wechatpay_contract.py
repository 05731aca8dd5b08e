"""Every request that the uniform verbs make of WeChat Pay, and every reply of the simulator, against the contract."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.contract.checker import Contract, Wiretap

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
    PartnerId,
    Payer,
    PayoutOrder,
    QrScanned,
    QrShown,
    Succeeded,
)
from payport.schemas.actions import Action
from payport.sdk import Gateway
from payport.sdk.message import WireReply, WireRequest

Whose = Literal["merchant", "provider"]
FORGETFUL = "sqlite:///:memory:?durable=no"
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
PARTNERS, OWN = "/v3/pay/partner/transactions", "/v3/pay/transactions"
TRANSFERS = "/v3/fund-app/mch-transfer/transfer-bills"


def away(text: str) -> timedelta | None:
    """How far in the future a time with an offset is; ``None`` for another form."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None or "T" not in text else moment - datetime.now(UTC)


def within(text: str, least: timedelta, most: timedelta) -> bool:
    """Whether a time is that far away."""
    found = away(text)
    return found is not None and least <= found <= most


CONTRACT = Contract.load(
    Path(__file__).with_name("contract.toml"),
    {
        "future": lambda text: within(text, timedelta(0), timedelta(days=90)),
        "past": lambda text: within(text, -timedelta(days=1), timedelta(days=1)),
        "bytes80": lambda text: len(text.encode()) <= 80,
    },
)


def content_of(request: WireRequest) -> object:
    """The body, or what the query says; JSON without blanks and with each name once."""
    if request.method == "GET":
        pairs = parse_qsl(urlsplit(request.url).query, strict_parsing=True) if "?" in request.url else []
        assert len(dict(pairs)) == len(pairs), "a parameter stands twice"
        return dict(pairs)
    content: dict[str, object] = json.loads(request.content)
    assert request.content == json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return content


def path_of(request: WireRequest) -> str:
    """The path of a call's name, which begins with the method."""
    return request.endpoint.partition(" ")[2]


def request_problems(request: WireRequest) -> list[str]:
    """What the contract has against a request: its headers and its content."""
    named = CONTRACT.public_problems(request.headers)
    typed = [] if bool(request.content) == ("content-type" in request.headers) else ["content-type without a body"]
    return named + typed + CONTRACT.request_problems(path_of(request), content_of(request))


def reply_problems(request: WireRequest, reply: WireReply) -> list[str]:
    """What the contract has against a reply."""
    node = json.loads(reply.content) if reply.content else {}
    if reply.status >= 300 or reply.status == 202:
        return CONTRACT.refusal_problems(node)
    return CONTRACT.reply_problems(path_of(request), node)


class Shop:
    """A merchant, or a service provider's sub-merchant, at work. ``tap``: everything said."""

    def __init__(self, whose: Whose) -> None:
        sub = {"sub_mchid": "1900000202"} if whose == "provider" else {}
        self.partner = WeChatPaySimulator("public_key" if sub else "certificate", **sub)  # type: ignore[arg-type]  # texts
        self.tap = Wiretap(self.partner.transport())
        self.gateway = Gateway(WeChatPay(self.partner.account), journal=FORGETFUL, transport=self.tap)
        self.whose = whose
        self.made = 0

    def order(self, **more: Any) -> Order:
        """Another order, with everything that an order may say."""
        self.made += 1
        details: dict[str, Any] = {
            "payer": Payer(id=OPENID, ip="203.0.113.7"),
            "metadata": {"cart": "7 & 8", "茶": "="},
            "return_url": "https://shop.example/back",
            **more,
        }
        return Order(ref=f"SHOP{self.made:06d}", amount=Money.of("12.34", "CNY"), subject="茶 & Tea + 1", **details)

    def act(self, order: Order, method: Any) -> Action:
        """Pay by something that the payer must do."""
        outcome = self.gateway.pay(order, method)
        assert isinstance(outcome, ActionRequired), outcome
        return outcome.action

    def paid(self) -> Order:
        """An order that is paid by a scanned code."""
        order = self.order()
        assert isinstance(self.gateway.pay(order, QrScanned(auth_code=self.partner.payer.code())), Succeeded)
        return order


def pays(shop: Shop) -> None:
    """Every method, paid, waiting and refused."""
    gateway, payer = shop.gateway, shop.partner.payer
    for method in (QrShown(), JsApi(), MiniProgram(), InApp(), MobileWeb()):
        order = shop.order()
        payer.open(shop.act(order, method))
        assert isinstance(gateway.query(order.ref).outcome, Succeeded)
    shop.act(shop.order(payer=Payer(), metadata={}, return_url=None), QrShown())
    order = shop.order()
    gateway.pay(order, QrScanned(auth_code=payer.code(Wallet.CONFIRMS)), deadline_s=0.5)
    payer.confirm(f"{order.ref}T001")
    assert isinstance(gateway.query(order.ref).outcome, Succeeded)
    assert isinstance(gateway.pay(shop.order(), QrScanned(auth_code=payer.code(Wallet.NO_MONEY))), Declined)


def ends(shop: Shop) -> None:
    """Closed, reversed, refunded, and looked up by WeChat's number."""
    gateway = shop.gateway
    waiting = shop.order()
    shop.act(waiting, QrShown())
    assert isinstance(gateway.cancel(waiting.ref), Succeeded)
    assert isinstance(gateway.cancel(shop.paid().ref, reverse_paid=True), Succeeded)
    shown = shop.order()
    shop.partner.payer.open(shop.act(shown, QrShown()))
    assert isinstance(gateway.cancel(shown.ref), Declined)
    order = shop.paid()
    for number, amount in (("REFUND0001", "2.00"), ("REFUND0002", "10.34")):
        gateway.refund(order.ref, number, Money.of(amount, "CNY"), reason="too cold 冷" * 20)
        shop.partner.process()
        gateway.query_refund(order.ref, number)
    charge = gateway.query(shop.paid().ref).outcome
    assert isinstance(charge, Succeeded)
    numbered = charge.value.partner_id
    assert isinstance(numbered, PartnerId)
    with Gateway(gateway.adapter, journal=FORGETFUL, transport=shop.tap) as other:
        assert isinstance(other.adopt("ADOPTED001", numbered), Succeeded)


def sends(shop: Shop) -> None:
    """Transfers with and without a name."""
    if shop.whose == "provider":
        return
    report = {"活动名称": "Tea", "奖励说明": "Prize"}
    for number, (amount, name) in enumerate([("0.29", None), ("2000.00", "李雷"), ("5.00", "李雷")]):
        order = PayoutOrder(ref=f"PAYOUT{number:04d}", amount=Money.of(amount, "CNY"), subject="Prize")
        payee = WeChatPayPayee(openid=OPENID, scene_id="1000", report=report, name=name, perception="现金奖励")
        outcome = shop.gateway.payout(order, payee)
        assert isinstance(outcome, ActionRequired), outcome
        shop.partner.payer.open(outcome.action)
        assert isinstance(shop.gateway.query_payout(order.ref).outcome, Succeeded)


@pytest.fixture(name="day", scope="module", params=["merchant", "provider"])
def a_day_at_the_shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """Every verb was used, by a merchant with certificates and by a service provider with the public key."""
    shop = Shop(request.param)
    for part in (pays, ends, sends):
        part(shop)
    yield shop
    shop.gateway.close()


def test_every_request_keeps_the_contract(day: Shop) -> None:
    """Required fields, limits, whole fen, times with an offset, names encrypted, and nothing unknown to WeChat."""
    assert [problem for request, _ in day.tap.heard for problem in request_problems(request)] == []


def test_every_reply_keeps_the_contract(day: Shop) -> None:
    """The simulator speaks as WeChat does, or tests over it prove nothing."""
    heard = [(request, reply) for request, reply in day.tap.heard if isinstance(reply, WireReply)]
    assert [problem for request, reply in heard for problem in reply_problems(request, reply)] == []


def test_the_contract_has_no_dead_words(day: Shop) -> None:
    """Every endpoint that it describes was called, so that a wrong description would have been found."""
    called = {path_of(request) for request, _ in day.tap.heard}
    if day.whose == "provider":
        elsewhere = {name for name in CONTRACT.operations if name.startswith((OWN, TRANSFERS, "/v3/certificates"))}
    else:
        elsewhere = {name for name in CONTRACT.operations if name.startswith(PARTNERS)}
    assert CONTRACT.operations - elsewhere == called


GOOD: Mapping[str, Any] = {
    "appid": "wx1",
    "mchid": "1900000001",
    "description": "Tea",
    "out_trade_no": "SHOP1T001",
    "amount": {"total": 1234, "currency": "CNY"},
    "notify_url": "https://shop.example/n",
}


def soon(hours: float) -> str:
    """A time that many hours from now."""
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "red"},
        {"out_trade_no": None},
        {"out_trade_no": "short"},
        {"out_trade_no": "x" * 33},
        {"out_trade_no": "a b c d"},
        {"amount": {"total": 0}},
        {"amount": {"total": 12.34}},
        {"amount": {"total": "1234"}},
        {"amount": {"total": 1234, "currency": "USD"}},
        {"description": "x" * 128},
        {"notify_url": "http://shop.example/n"},
        {"notify_url": "https://shop.example/n?a=1"},
        {"time_expire": -1.0},
        {"time_expire": 24 * 91.0},
        {"time_expire": "2026-01-31 12:00:00"},
        {"scene_info": {"payer_client_ip": "203.0.113.7", "more": 1}},
    ],
    ids=str,
)
def test_the_checker_finds_what_breaks_the_contract(change: dict[str, object]) -> None:
    """Unknown, missing, too long, no whole fen, a time in the past. Hours stand for a time from now."""
    hours = change.get("time_expire")
    if isinstance(hours, float):
        change = {"time_expire": soon(hours)}
    good = {**GOOD, "time_expire": soon(0.5)}
    assert CONTRACT.request_problems(f"{OWN}/native", good) == []
    broken = {name: value for name, value in {**good, **change}.items() if value is not None}
    assert len(CONTRACT.request_problems(f"{OWN}/native", broken)) >= 1


def test_the_checker_knows_what_it_does_not_know() -> None:
    """An endpoint that nobody described is a problem, not a pass; nor is a paid order without its number."""
    assert CONTRACT.request_problems("/v3/new", {}) == ["/v3/new: the contract describes no requests"]
    paid = {"appid": "wx1", "mchid": "1900000001", "out_trade_no": "SHOP1T001", "trade_state": "SUCCESS"}
    assert CONTRACT.reply_problems(f"{OWN}/codepay", {**paid, "trade_state_desc": "x"}) != []
    assert CONTRACT.reply_problems(f"{OWN}/codepay", {**paid, "trade_state_desc": "x", "trade_state": "NOTPAY"}) == []
    assert CONTRACT.refusal_problems({"code": "PARAM_ERROR"}) != []
    assert CONTRACT.public_problems({"accept": "application/json"}) != []
