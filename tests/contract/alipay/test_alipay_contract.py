"""Every request that the uniform verbs make of Alipay, and every reply of the simulator, held against the contract."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.contract.checker import Contract, Wiretap

from payport.adapters.alipay import Alipay, AlipayPayee, FaceScanned, PayeeKind
from payport.adapters.alipay.simulator import AlipaySimulator, Fault, Wallet
from payport.schemas import (
    ActionRequired,
    Authorized,
    CaptureMode,
    Declined,
    Money,
    Order,
    PartnerId,
    Payer,
    PayoutOrder,
    QrCode,
    Succeeded,
)
from payport.schemas.actions import Action, AppParameters, PostForm, Redirect
from payport.schemas.methods import HostedPage, InApp, MiniProgram, MobileWeb, QrScanned, QrShown
from payport.sdk import Gateway
from payport.sdk.message import WireReply, WireRequest

CHINA = timezone(timedelta(hours=8))
Mode = Literal["key", "certificate"]
FORGETFUL = "sqlite:///:memory:?durable=no"


def in_china(text: str) -> timedelta | None:
    """How far in the future a time in China Standard Time is; ``None`` for another form."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA) - datetime.now(UTC)
    except ValueError:
        return None


def within(text: str, least: timedelta, most: timedelta) -> bool:
    """Whether a time is that far away."""
    away = in_china(text)
    return away is not None and least <= away <= most


MINUTE = timedelta(minutes=1)
CONTRACT = Contract.load(
    Path(__file__).with_name("contract.toml"),
    {
        "yuan": lambda text: 1 <= int(text.replace(".", "")) <= 10_000_000_000,
        "china-now": lambda text: within(text, -MINUTE, MINUTE),
        "china-future": lambda text: within(text, timedelta(0), timedelta(days=15)),
        "china-past": lambda text: within(text, -MINUTE, timedelta(0)),
    },
)


@dataclass(frozen=True)
class Spoken:
    """One request as Alipay reads it. ``public``: the query; ``content``: ``biz_content`` of the body."""

    method: str
    public: Mapping[str, str]
    content: Mapping[str, Any]


def spoken(url: str, body: Mapping[str, str], *, all_in_one: bool = False) -> Spoken:
    """Take a request apart. ``all_in_one``: a link or app string, whose content stands in the query as well."""
    query = urlsplit(url).query or url
    charset = dict(parse_qsl(query))["charset"]
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, encoding=charset, errors="strict")
    public = dict(pairs)
    assert len(public) == len(pairs), "a parameter stands twice"
    text = public.pop("biz_content") if all_in_one else body["biz_content"]
    assert set(body) <= {"biz_content"}, "the body holds the content and nothing else"
    content = json.loads(text)
    written = {json.dumps(content, ensure_ascii=escaped, separators=(",", ":")) for escaped in (True, False)}
    assert text in written, "blanks or double names"
    return Spoken(public["method"], public, content)


def of_request(request: WireRequest) -> Spoken:
    """A call."""
    charset = dict(parse_qsl(urlsplit(request.url).query))["charset"]
    return spoken(request.url, dict(parse_qsl(request.content.decode("ascii"), encoding=charset, errors="strict")))


def of_action(action: Action) -> Spoken:
    """What the payer carries to Alipay."""
    match action:
        case Redirect(url=url):
            return spoken(url, {}, all_in_one=True)
        case PostForm(url=url, fields=fields):
            return spoken(url, fields)
        case AppParameters(payload=payload):
            return spoken(payload, {}, all_in_one=True)
        case _:
            raise AssertionError(action)


def request_problems(said: Spoken) -> list[str]:
    """What the contract has against a request."""
    return CONTRACT.public_problems(said.public) + CONTRACT.request_problems(said.method, said.content)


def reply_problems(method: str, reply: WireReply) -> list[str]:
    """What the contract has against a reply."""
    try:
        envelope = json.loads(reply.content.decode("utf-8"))
    except UnicodeDecodeError:
        envelope = json.loads(reply.content.decode("gb18030"))
    node = envelope[f"{method.replace('.', '_')}_response"]
    if "sub_code" in node:
        return CONTRACT.refusal_problems(node)
    return CONTRACT.reply_problems(method, node)


class Counter:
    """A merchant at work. ``seen``: everything said to Alipay, or handed to the payer."""

    def __init__(self, mode: Mode, charset: str) -> None:
        self.partner = AlipaySimulator(mode, charset=charset)
        self.tap = Wiretap(self.partner.transport())
        account = replace(
            self.partner.account, notify_url="https://shop.example/n?a=1&b=2", return_url="https://shop.example/r"
        )
        self.gateway = Gateway(Alipay(account), journal=FORGETFUL, transport=self.tap)
        self.charset = charset
        self.actions: list[Action] = []
        self.made = 0

    def order(self, *, hold: bool = False, **more: Any) -> Order:
        """Another order, with everything that an order may say."""
        self.made += 1
        details: dict[str, Any] = {
            "payer": Payer(id="2088000000000008", ip="203.0.113.7"),
            "metadata": {"cart": "7 & 8", "茶": "="},
            "capture": CaptureMode.MANUAL if hold else CaptureMode.AUTOMATIC,
            **more,
        }
        return Order(ref=f"SHOP{self.made:06d}", amount=Money.of("12.34", "CNY"), subject="茶 & Tea + 1", **details)

    def act(self, order: Order, method: Any) -> Action:
        """Pay by something that the payer must do; the action is kept."""
        outcome = self.gateway.pay(order, method)
        assert isinstance(outcome, ActionRequired), outcome
        self.actions.append(outcome.action)
        return outcome.action

    def paid(self) -> Order:
        """An order that is paid."""
        order = self.order()
        assert isinstance(self.gateway.pay(order, QrScanned(auth_code=Wallet.PAYS.code(self.made))), Succeeded)
        return order

    def held(self, method: Any = None) -> Order:
        """An order whose money is held."""
        order = self.order(hold=True)
        scanned = QrScanned(auth_code=Wallet.PAYS.code(self.made))
        assert isinstance(self.gateway.pay(order, method or scanned), Authorized)
        return order


def pays(shop: Counter) -> None:
    """Every method, paid, waiting and refused."""
    gateway, payer = shop.gateway, shop.partner.payer
    for method in (QrShown(), HostedPage(), MobileWeb(quit_url="https://shop.example/cart"), InApp()):
        order = shop.order()
        payer.open(shop.act(order, method))
        assert isinstance(gateway.query(order.ref).outcome, Succeeded)
    shop.act(shop.order(), MiniProgram())
    shop.act(shop.order(payer=Payer(id="065qN1EKA0W")), MiniProgram())
    shop.act(shop.order(metadata={"x": "茶" * 50}, return_url=f"https://shop.example/{'x' * 230}"), HostedPage())
    order = shop.order()
    gateway.pay(order, QrScanned(auth_code=Wallet.CONFIRMS.code(1)), deadline_s=0.5)
    payer.confirm(f"{order.ref}T001")
    assert isinstance(gateway.query(order.ref).outcome, Succeeded)
    assert isinstance(gateway.pay(shop.order(), QrScanned(auth_code=Wallet.NO_MONEY.code(1))), Declined)
    gateway.pay(shop.order(), FaceScanned(auth_code=f"fp{'0' * 33}"), deadline_s=0.5)


def ends(shop: Counter) -> None:
    """Closed, reversed, refunded, and looked up by Alipay's number."""
    gateway, payer = shop.gateway, shop.partner.payer
    waiting = shop.order()
    payer.leave(shop.act(waiting, QrShown()))
    assert isinstance(gateway.cancel(waiting.ref), Succeeded)
    assert isinstance(gateway.cancel(shop.paid().ref, reverse_paid=True), Succeeded)
    unseen = shop.order()
    shop.act(unseen, QrShown())
    gateway.cancel(unseen.ref)
    order = shop.paid()
    for number, amount in (("REFUND0001", "2.00"), ("REFUND0002", "10.34")):
        assert isinstance(gateway.refund(order.ref, number, Money.of(amount, "CNY"), reason="too cold 冷"), Succeeded)
        gateway.query_refund(order.ref, number)
    order = shop.paid()
    shop.partner.faults.next(Fault.COMMIT_THEN_RESET, method="alipay.trade.refund")
    gateway.refund(order.ref, "REFUND0003", Money.of("1.00", "CNY"))
    gateway.resume()
    charge = gateway.query(shop.paid().ref).outcome
    assert isinstance(charge, Succeeded)
    numbered = charge.value.partner_id
    assert isinstance(numbered, PartnerId)
    with Gateway(gateway.adapter, journal=FORGETFUL, transport=shop.tap) as other:
        assert isinstance(other.adopt("ADOPTED001", numbered), Succeeded)


def holds(shop: Counter) -> None:
    """Held by all three ways, captured in parts, released, cancelled."""
    gateway, payer = shop.gateway, shop.partner.payer
    for method in (QrShown(), InApp()):
        order = shop.order(hold=True)
        payer.open(shop.act(order, method))
        assert isinstance(gateway.query(order.ref).outcome, Authorized)
        assert isinstance(gateway.capture(order.ref), Succeeded)
    order = shop.held()
    part = Money.of("2.00", "CNY")
    assert isinstance(gateway.capture(order.ref, part, capture_ref="CAPTURE001", final=False), Succeeded)
    assert isinstance(gateway.cancel(order.ref), Succeeded)
    assert isinstance(gateway.cancel(shop.held().ref), Succeeded)
    waiting = shop.order(hold=True)
    payer.leave(shop.act(waiting, QrShown()))
    assert isinstance(gateway.cancel(waiting.ref), Succeeded)


def sends(shop: Counter) -> None:
    """Payouts, where the account's mode allows them."""
    if shop.partner.mode == "key":
        return
    payees = [
        AlipayPayee(kind=PayeeKind.USER_ID, identity="2088000000000008"),
        AlipayPayee(kind=PayeeKind.LOGON_ID, identity="li@shop.example", name="李雷"),
    ]
    for number, payee in enumerate(payees):
        order = PayoutOrder(ref=f"PAYOUT{number:04d}", amount=Money.of("0.10", "CNY"), subject="Wages", remark="一月")
        assert isinstance(shop.gateway.payout(order, payee), Succeeded)
        shop.gateway.query_payout(order.ref)


@pytest.fixture(name="day", scope="module", params=[("key", "gbk"), ("certificate", "utf-8")], ids=str)
def a_day_at_the_shop(request: pytest.FixtureRequest) -> Iterator[Counter]:
    """Every verb was used, in both modes and both charsets."""
    mode, charset = request.param
    shop = Counter(mode, charset)
    for part in (pays, ends, holds, sends):
        part(shop)
    yield shop
    shop.gateway.close()


def test_every_request_keeps_the_contract(day: Counter) -> None:
    """Required fields, limits, amounts of two places, China time, and nothing that Alipay does not know."""
    said = [of_request(request) for request, _ in day.tap.heard]
    said += [of_action(action) for action in day.actions if not _is_alipays(action)]
    assert [problem for one in said for problem in request_problems(one)] == []


def _is_alipays(action: Action) -> bool:
    """A code or number that Alipay made: no request of ours."""
    return isinstance(action, QrCode) or (isinstance(action, AppParameters) and "tradeNO" in action.fields)


def test_every_reply_keeps_the_contract(day: Counter) -> None:
    """The simulator speaks as Alipay does, or tests over it prove nothing."""
    replies = [(request.endpoint, reply) for request, reply in day.tap.heard if isinstance(reply, WireReply)]
    assert [problem for method, reply in replies for problem in reply_problems(method, reply)] == []


def test_the_contract_has_no_dead_words(day: Counter) -> None:
    """Every operation that it describes was called, so that a wrong description would have been found."""
    called = {request.endpoint for request, _ in day.tap.heard}
    called |= {of_action(action).method for action in day.actions if not _is_alipays(action)}
    transfers = {"alipay.fund.trans.uni.transfer", "alipay.fund.trans.common.query"}
    assert CONTRACT.operations - (transfers if day.partner.mode == "key" else set()) == called


GOOD = {"out_trade_no": "SHOP1T001", "total_amount": "12.34", "subject": "Tea"}
NAME = "alipay.trade.precreate"


def soon(hours: float) -> str:
    """A time in China that many hours from now."""
    return f"{datetime.now(CHINA) + timedelta(hours=hours):%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "red"},
        {"out_trade_no": None},
        {"out_trade_no": "a-b"},
        {"out_trade_no": "x" * 65},
        {"total_amount": "12.3"},
        {"total_amount": "12.340"},
        {"total_amount": 12.34},
        {"total_amount": "0.00"},
        {"total_amount": "100000000.01"},
        {"subject": ""},
        {"subject": "x" * 257},
        {"time_expire": -7.5},
        {"time_expire": 24 * 16.0},
        {"time_expire": "2026-01-31T12:00:00Z"},
        {"business_params": {"mc_create_trade_ip": "203.0.113.7", "more": 1}},
    ],
    ids=str,
)
def test_the_checker_finds_what_breaks_the_contract(change: dict[str, object]) -> None:
    """Unknown, missing, too long, not two places, half an hour from now but in UTC. Hours stand for a time from now."""
    hours = change.get("time_expire")
    if isinstance(hours, float):
        change = {"time_expire": soon(hours)}
    good = {**GOOD, "time_expire": soon(0.5)}
    assert CONTRACT.request_problems(NAME, good) == []
    broken = {name: value for name, value in {**good, **change}.items() if value is not None}
    assert len(CONTRACT.request_problems(NAME, broken)) >= 1


def test_the_checker_knows_what_it_does_not_know() -> None:
    """An operation that nobody described is a problem, not a pass."""
    assert CONTRACT.request_problems("alipay.trade.new", {}) == ["alipay.trade.new: the contract describes no requests"]
    assert CONTRACT.reply_problems(NAME, {"code": "10000", "out_trade_no": "A", "qr_code": "ftp://x"}) != []
    assert CONTRACT.refusal_problems({"code": "40004", "msg": "Business Failed"}) != []
    assert CONTRACT.public_problems({"app_id": "1"}) != []
