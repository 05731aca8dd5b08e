"""Every request that the verbs make of API v2, and every reply and notice of the simulator, against the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from tests.contract.checker import Contract, Wiretap

from payport.adapters.wechatpay_v2 import OfficialAccount, SignType, WeChatPayV2
from payport.adapters.wechatpay_v2 import endpoints as e
from payport.adapters.wechatpay_v2.encryption import decrypt
from payport.adapters.wechatpay_v2.simulator import Fault, Wallet, WeChatPayV2Simulator
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
    Pending,
    QrScanned,
    QrShown,
    Succeeded,
)
from payport.schemas.actions import Action
from payport.sdk import Gateway
from payport.sdk.message import WireReply
from payport.sdk.strict_xml import parse_flat

CHINA = timezone(timedelta(hours=8))
MINUTE = timedelta(minutes=1)
FORGETFUL = "sqlite:///:memory:?durable=no"
PUBLIC = {"appid", "mch_id", "sub_appid", "sub_mch_id", "nonce_str", "sign_type", "sign"}


def away(text: str, form: str) -> timedelta | None:
    """How far in the future a time in Beijing is; ``None`` for another form."""
    try:
        return datetime.strptime(text, form).replace(tzinfo=CHINA) - datetime.now(UTC)
    except ValueError:
        return None


def within(form: str, least: timedelta, most: timedelta) -> Callable[[str], bool]:
    """Whether a time is that far away."""

    def check(text: str) -> bool:
        far = away(text, form)
        return far is not None and least <= far <= most

    return check


def shorter(most: int) -> Callable[[str], bool]:
    """Whether a text has at most that many bytes."""
    return lambda text: len(text.encode()) <= most


CONTRACT = Contract.load(
    Path(__file__).with_name("contract.toml"),
    {
        "beijing-past": within("%Y%m%d%H%M%S", -MINUTE, timedelta(0)),
        "beijing-soon": within("%Y%m%d%H%M%S", MINUTE, timedelta(hours=2)),
        "spoken-past": within("%Y-%m-%d %H:%M:%S", -MINUTE, timedelta(0)),
        "bytes-128": shorter(128),
        "bytes-127": shorter(127),
        "bytes-80": shorter(80),
    },
)


def request_problems(path: str, body: bytes) -> list[str]:
    """What the contract has against a request."""
    fields = parse_flat(body, root="xml")
    public = {name: value for name, value in fields.items() if name in PUBLIC}
    content = {name: value for name, value in fields.items() if name not in PUBLIC}
    return CONTRACT.public_problems(public) + CONTRACT.request_problems(path, content)


def reply_problems(path: str, fields: Mapping[str, str]) -> list[str]:
    """What the contract has against an authentic reply."""
    if fields.get("result_code") == "FAIL":
        return CONTRACT.refusal_problems(fields)
    return CONTRACT.reply_problems(path, fields)


class Counter:
    """A merchant at work. ``tap``: everything said to WeChat, and heard."""

    def __init__(self, kind: SignType, **provider: Any) -> None:
        self.partner = WeChatPayV2Simulator(kind, **provider)
        self.tap = Wiretap(self.partner.transport())
        account = replace(self.partner.account, device_info="WEB")
        self.gateway = Gateway(WeChatPayV2(account), journal=FORGETFUL, transport=self.tap)
        self.made = 0

    def order(self, **more: Any) -> Order:
        """Another order, with everything that an order may say."""
        self.made += 1
        details: dict[str, Any] = {
            "payer": Payer(id="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", ip="203.0.113.7"),
            "metadata": {"cart": "7 & 8", "\u8336": "="},
            "return_url": "https://shop.example/r?a=1",
            **more,
        }
        subject = "\u8336 & <Tea> ]]> 1"
        return Order(ref=f"SHOP{self.made:06d}", amount=Money.of("12.34", "CNY"), subject=subject, **details)

    def act(self, order: Order, method: Any) -> Action:
        """Pay by something that the payer must do."""
        outcome = self.gateway.pay(order, method)
        assert isinstance(outcome, ActionRequired), outcome
        return outcome.action

    def paid(self) -> Order:
        """An order that is paid by a scanned code."""
        order = self.order()
        assert isinstance(self.gateway.pay(order, QrScanned(auth_code=Wallet.PAYS.code(self.made))), Succeeded)
        return order


def pays(shop: Counter) -> None:
    """Every method, paid, waiting and refused."""
    gateway, payer = shop.gateway, shop.partner.payer
    for method in (QrShown(), MiniProgram(), OfficialAccount(), InApp(), MobileWeb()):
        order = shop.order()
        payer.open(shop.act(order, method))
        assert isinstance(gateway.query(order.ref).outcome, Succeeded)
    shop.act(shop.order(metadata={}, payer=Payer()), QrShown())
    order = shop.order()
    gateway.pay(order, QrScanned(auth_code=Wallet.CONFIRMS.code(1)), deadline_s=0.5)
    payer.confirm(f"{order.ref}T001")
    assert isinstance(gateway.query(order.ref).outcome, Succeeded)
    for wallet in (Wallet.NO_MONEY, Wallet.STALE, Wallet.RISKY):
        assert isinstance(gateway.pay(shop.order(), QrScanned(auth_code=wallet.code(1))), Declined)


def ends(shop: Counter) -> None:
    """Closed, reversed, refunded, and looked up by WeChat's number."""
    gateway = shop.gateway
    waiting = shop.order()
    shop.act(waiting, QrShown())
    assert isinstance(gateway.cancel(waiting.ref), Succeeded)
    shop.partner.faults.next(Fault.ASK_RETRY, "secapi/pay/reverse")
    assert isinstance(gateway.cancel(shop.paid().ref, reverse_paid=True), Succeeded)
    order = shop.paid()
    for number, amount in (("REFUND0001", "2.00"), ("REFUND0002", "10.34")):
        assert isinstance(gateway.refund(order.ref, number, Money.of(amount, "CNY"), reason="too cold \u51b7"), Pending)
        assert isinstance(gateway.query_refund(order.ref, number).outcome, Succeeded)
    assert isinstance(gateway.cancel(order.ref, reverse_paid=True), Succeeded)
    charge = gateway.query(shop.paid().ref).outcome
    assert isinstance(charge, Succeeded)
    numbered = charge.value.partner_id
    assert isinstance(numbered, PartnerId)
    with Gateway(gateway.adapter, journal=FORGETFUL, transport=shop.tap) as other:
        assert isinstance(other.adopt("ADOPTED001", numbered), Succeeded)


def asks(shop: Counter) -> None:
    """Native questions, by every number."""
    order = shop.paid()
    trade = shop.gateway.native(e.ORDER_QUERY, e.OrderQuery(out_trade_no=f"{order.ref}T001")).unwrap()
    assert trade.transaction_id is not None
    shop.gateway.native(e.ORDER_QUERY, e.OrderQuery(transaction_id=trade.transaction_id)).unwrap()
    shop.gateway.refund(order.ref, "REFUND0009", Money.of("1.00", "CNY"))
    shop.gateway.native(e.REFUND_QUERY, e.RefundQuery(out_trade_no=f"{order.ref}T001")).unwrap()
    code = shop.partner.payer.code()
    shop.gateway.native(e.AUTH_CODE_TO_OPENID, e.AuthCodeToOpenId(auth_code=code)).unwrap()
    shop.gateway.native(e.AUTH_CODE_TO_OPENID, e.AuthCodeToOpenId(auth_code=Wallet.STALE.code(1)))


def hears(shop: Counter) -> None:
    """Notices, which make the adapter ask."""
    pays(shop)
    ends(shop)
    asks(shop)
    for notice in shop.partner.notices:
        shop.gateway.receive(notice)


@pytest.mark.parametrize("work", [pays, ends, asks, hears])
@pytest.mark.parametrize(
    ("kind", "provider"),
    [
        (SignType.HMAC_SHA256, {}),
        (SignType.MD5, {}),
        (SignType.HMAC_SHA256, {"sub_mch_id": "1900000110", "sub_appid": "wxfedcba9876543210"}),
        (SignType.MD5, {"sub_mch_id": "1900000110"}),
    ],
)
def test_everything_that_is_said(kind: SignType, provider: dict[str, str], work: Callable[[Counter], None]) -> None:
    """By both sides, as the documents have it."""
    shop = Counter(kind, **provider)
    work(shop)
    assert shop.tap.heard
    for request, reply in shop.tap.heard:
        assert request_problems(request.endpoint, request.content) == []
        assert isinstance(reply, WireReply)
        assert reply_problems(request.endpoint, parse_flat(reply.content, root="xml")) == []
    shop.gateway.close()


def test_every_endpoint_is_called() -> None:
    """The verbs reach each that the contract describes."""
    shop = Counter(SignType.HMAC_SHA256)
    hears(shop)
    assert {request.endpoint for request, _ in shop.tap.heard} == CONTRACT.operations
    shop.gateway.close()


def test_every_notice() -> None:
    """A payment's, and what a refund's holds."""
    shop = Counter(SignType.HMAC_SHA256)
    hears(shop)
    told = [parse_flat(raw.body, root="xml") for raw in shop.partner.notices]
    assert len(told) >= 7
    for fields in told:
        if "req_info" in fields:
            inner = parse_flat(decrypt(shop.partner.account.api_key.reveal(), fields["req_info"]), root="root")
            assert CONTRACT.reply_problems("notice of a refund", inner) == []
        else:
            assert CONTRACT.reply_problems("notice of a payment", fields) == []
    shop.gateway.close()


SAID = {
    "body": "Tea",
    "out_trade_no": "A",
    "total_fee": "1",
    "spbill_create_ip": "::1",
    "auth_code": "130000000000000001",
}


@pytest.mark.parametrize(
    "changes",
    [
        {"total_fee": "0.01"},
        {"total_fee": "0"},
        {"out_trade_no": "A" * 33},
        {"out_trade_no": "A B"},
        {"auth_code": "28" + "0" * 16},
        {"fee_type": "USD"},
        {"body": "\u8336" * 43},
        {"time_expire": "20200101000000"},
        {"unheard": "1"},
    ],
)
def test_the_contract_can_fail(changes: dict[str, str]) -> None:
    """What the documents rule out is found."""
    soon = f"{datetime.now(CHINA) + timedelta(minutes=3):%Y%m%d%H%M%S}"
    assert CONTRACT.request_problems("pay/micropay", {**SAID, "time_expire": soon}) == []
    assert CONTRACT.request_problems("pay/micropay", {**SAID, "time_expire": soon, **changes}) != []
