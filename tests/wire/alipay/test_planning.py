"""From an intent to the one frozen call that carries it out: fields, limits, charset, and what is refused unsent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.alipay.answers import NOON, REQUEST, SLOT, TRADE, operation

from payport.adapters.alipay import AlipayAccount, AlipayCertificates, AlipayMethod, AlipayPayee, FaceScanned, PayeeKind
from payport.adapters.alipay import planning as p
from payport.adapters.alipay.calls import Call
from payport.schemas.methods import HostedPage, InApp, MiniProgram, MobileWeb, QrScanned, QrShown
from payport.schemas.money import Money
from payport.schemas.order import CaptureMode, Order, Payer, PayoutOrder
from payport.sdk.adapter import InvalidIntent, Plan
from payport.sdk.journal.records import State
from payport.sdk.secrets import Secret

KEYED = AlipayAccount(
    app_id="9021000000000001",
    private_key=Secret("unused"),
    alipay_public_key="unused",
    seller_id="2088000000000001",
    notify_url="https://shop.example/notify",
    return_url="https://shop.example/back",
)
CERTIFIED = replace(
    KEYED, alipay_public_key=None, certificates=AlipayCertificates(application="a", alipay="b", root="c")
)
GBK = replace(KEYED, charset="gbk")
ORDER = Order(ref="SHOP10010001", amount=Money.of("12.34", "CNY"), subject="茶 Tea", payer=Payer(id="2088000000000008"))
HELD = replace(ORDER, capture=CaptureMode.MANUAL)
CODE = "281234567890123456"
END = "2026-01-31 12:30:00"

SCANNED, FACE = QrScanned(auth_code=CODE), FaceScanned(auth_code=f"fp{'0' * 33}")


@dataclass(frozen=True)
class NewMethod:
    """A way to pay that Alipay does not have."""


def only_call(plan: Plan) -> Call:
    """The one call of a plan, as the journal will give it back."""
    (step,) = plan.steps
    assert step.request is not None
    return Call.decode(step.request)


def planned(method: AlipayMethod, order: Order = ORDER, account: AlipayAccount = KEYED) -> Call:
    """The call that pays ``order``."""
    return only_call(p.plan_pay(account, order, method, SLOT))


@pytest.mark.parametrize(
    ("name", "method", "own"),
    [
        (p.PRECREATE, QrShown(), {"product_code": "FACE_TO_FACE_PAYMENT", "time_expire": END}),
        (
            p.PAY,
            SCANNED,
            {
                "product_code": "FACE_TO_FACE_PAYMENT",
                "scene": "bar_code",
                "auth_code": CODE,
                "time_expire": "2026-01-31 12:03:00",
            },
        ),
        (
            p.PAY,
            FACE,
            {
                "product_code": "FACE_TO_FACE_PAYMENT",
                "scene": "security_code",
                "auth_code": FACE.auth_code,
                "time_expire": "2026-01-31 12:03:00",
            },
        ),
        (p.PAGE, HostedPage(), {"product_code": "FAST_INSTANT_TRADE_PAY", "time_expire": END}),
        (p.WAP, MobileWeb(), {"product_code": "QUICK_WAP_WAY", "time_expire": END}),
        (
            p.WAP,
            MobileWeb(quit_url="https://shop.example/cart"),
            {"product_code": "QUICK_WAP_WAY", "quit_url": "https://shop.example/cart", "time_expire": END},
        ),
        (p.APP, InApp(), {"product_code": "QUICK_MSECURITY_PAY", "time_expire": END}),
        (
            p.CREATE,
            MiniProgram(),
            {
                "product_code": "JSAPI_PAY",
                "op_app_id": "9021000000000001",
                "buyer_id": "2088000000000008",
                "time_expire": END,
            },
        ),
    ],
)
def test_every_method_is_one_call(name: str, method: AlipayMethod, own: dict[str, object]) -> None:
    """Exactly these fields: amount in yuan, end in China time, number and seller frozen."""
    call = planned(method)
    common = {
        "out_trade_no": TRADE,
        "total_amount": "12.34",
        "subject": "茶 Tea",
        **({} if name == p.PAGE else {"seller_id": "2088000000000001"}),
    }
    assert (name, {**common, **own}) == (call.method, call.biz)
    assert call.notify_url == "https://shop.example/notify"
    assert ("https://shop.example/back" if name in (p.PAGE, p.WAP) else None) == call.return_url


@pytest.mark.parametrize(
    ("name", "method", "own"),
    [
        (p.VOUCHER, QrShown(), {"product_code": "PRE_AUTH", "pay_timeout": "30m"}),
        (
            p.FREEZE,
            SCANNED,
            {"product_code": "PRE_AUTH", "auth_code": CODE, "auth_code_type": "bar_code", "pay_timeout": "3m"},
        ),
        (
            p.FREEZE,
            FACE,
            {
                "product_code": "PRE_AUTH",
                "auth_code": FACE.auth_code,
                "auth_code_type": "security_code",
                "pay_timeout": "3m",
            },
        ),
        (p.APP_FREEZE, InApp(), {"product_code": "PREAUTH_PAY", "pay_timeout": "30m"}),
    ],
)
def test_every_way_to_hold_is_one_call(name: str, method: AlipayMethod, own: dict[str, object]) -> None:
    """A hold counts its life in minutes and names who will get the money."""
    call = planned(method, HELD)
    common = {
        "out_order_no": TRADE,
        "out_request_no": TRADE,
        "order_title": "茶 Tea",
        "amount": "12.34",
        "payee_user_id": "2088000000000001",
    }
    assert (name, {**common, **own}) == (call.method, call.biz)
    assert p.plan_pay(KEYED, HELD, method, SLOT).identity == {p.HOLD: "1"}


@pytest.mark.parametrize("method", [HostedPage(), MobileWeb(), MiniProgram()])
def test_alipay_does_not_hold_by_pages(method: AlipayMethod) -> None:
    """Refused before anything is sent, with the ways that work."""
    with pytest.raises(InvalidIntent, match=f"QrShown, QrScanned and InApp only, not by {type(method).__name__}"):
        planned(method, HELD)


@pytest.mark.parametrize("order", [ORDER, HELD])
def test_a_foreign_method_is_refused(order: Order) -> None:
    """A gateway that was loaded by name gives no type error."""
    with pytest.raises(InvalidIntent, match="does not take NewMethod"):
        planned(cast("AlipayMethod", NewMethod()), order)


def test_a_hold_needs_a_seller_and_a_minute() -> None:
    """Both rules are Alipay's."""
    with pytest.raises(InvalidIntent, match="seller_id"):
        planned(QrShown(), HELD, replace(KEYED, seller_id=None))
    with pytest.raises(InvalidIntent, match="minute"):
        p.plan_pay(KEYED, HELD, QrShown(), replace(SLOT, payable_until=NOON + timedelta(seconds=59)))


def test_a_long_subject_is_cut_for_a_hold_only() -> None:
    """A hold's title is at most 100 characters, a trade's subject 256."""
    order = replace(ORDER, subject="x" * 256)
    assert len(str(planned(QrShown(), order).biz["subject"])) == 256
    assert len(str(planned(QrShown(), replace(HELD, subject="x" * 256)).biz["order_title"])) == 100


def test_what_an_order_may_say_besides() -> None:
    """The payer's address where risk rules want it, metadata to come back, own addresses."""
    order = replace(
        ORDER,
        payer=Payer(ip="203.0.113.7"),
        metadata={"cart": "1 & 2", "茶": "y"},
        notify_url="https://shop.example/n2",
        return_url="https://shop.example/r2",
    )
    call = planned(HostedPage(), order)
    assert call.biz["business_params"] == {"mc_create_trade_ip": "203.0.113.7"}
    assert call.biz["passback_params"] == "cart=1+%26+2&%E8%8C%B6=y"
    assert (call.notify_url, call.return_url) == ("https://shop.example/n2", "https://shop.example/r2")


def test_without_a_seller_none_is_named() -> None:
    """Alipay then takes the application's own merchant."""
    assert "seller_id" not in planned(QrShown(), ORDER, replace(KEYED, seller_id=None)).biz


@pytest.mark.parametrize(
    ("message", "method", "changes"),
    [
        ("512 characters of metadata", QrShown(), {"metadata": {"x": "y" * 511}}),
        ("512 characters of metadata", QrShown(), {"metadata": {"x": "茶" * 60}}),
        ("surrogate", QrShown(), {"metadata": {"x": "\ud800"}}),
        ("at most 256 characters", QrShown(), {"notify_url": f"https://shop.example/{'x' * 240}"}),
        ("at most 256 characters", HostedPage(), {"return_url": f"https://shop.example/{'x' * 240}"}),
        ("at most 400 characters", MobileWeb(quit_url=f"https://shop.example/{'x' * 400}"), {}),
        ("needs order.payer.id", MiniProgram(), {"payer": Payer()}),
        ("has no '\\\\ud800'", QrShown(), {"subject": "\ud800"}),
    ],
)
def test_what_alipay_cannot_take_is_refused_unsent(message: str, method: AlipayMethod, changes: dict[str, Any]) -> None:
    """The rule stands in the message."""
    with pytest.raises(InvalidIntent, match=message):
        planned(method, replace(ORDER, **changes))


def test_the_limits_themselves_are_fine() -> None:
    """512 characters of metadata, an address of 256, a way back of 400."""
    order = replace(ORDER, metadata={"x": "y" * 510}, notify_url=f"https://shop.example/{'x' * 235}")
    call = planned(MobileWeb(quit_url=f"https://shop.example/{'x' * 379}"), order)
    assert (
        len(str(call.biz["passback_params"])),
        len(call.notify_url or ""),
        len(str(call.biz["quit_url"])),
    ) == (512, 256, 400)


@pytest.mark.parametrize(
    ("expected", "payer_id"),
    [
        ("buyer_id", "2088000000000008"),
        ("buyer_open_id", "065qN1EKA0W"),
        ("buyer_open_id", "20880000000000081"),
    ],
)
def test_a_buyer_is_named_by_number_or_open_id(expected: str, payer_id: str) -> None:
    """Newer applications have open ids only."""
    assert payer_id == planned(MiniProgram(), replace(ORDER, payer=Payer(id=payer_id))).biz[expected]


# --- charset

TEA = "茶𠮷"
"""The second character is not in GBK."""


def test_gbk_carries_chinese_and_utf8_carries_everything() -> None:
    """The account's charset decides."""
    assert planned(QrShown(), replace(ORDER, subject="茶"), GBK).biz["subject"] == "茶"
    assert planned(QrShown(), replace(ORDER, subject=TEA)).biz["subject"] == TEA


@pytest.mark.parametrize(
    ("method", "changes"),
    [
        (QrShown(), {"subject": TEA}),
        (QrShown(), {"notify_url": f"https://{TEA}.example"}),
        (HostedPage(), {"return_url": f"https://{TEA}.example"}),
        (MobileWeb(quit_url=f"https://{TEA}.example"), {}),
        (QrShown(), {"subject": TEA, "capture": CaptureMode.MANUAL}),
    ],
)
def test_a_character_that_gbk_lacks_is_refused_unsent(method: AlipayMethod, changes: dict[str, Any]) -> None:
    """Found while planning: nothing may fail once the intent is written."""
    with pytest.raises(InvalidIntent, match="use charset utf-8"):
        planned(method, replace(ORDER, **changes), GBK)


def test_refund_and_payout_texts_are_held_to_the_charset_too() -> None:
    """A reason, a remark, a payee's name."""
    certified = replace(CERTIFIED, charset="gbk")
    payee = AlipayPayee(kind=PayeeKind.USER_ID, identity="2088000000000008")
    send = PayoutOrder(ref="PAYOUT01", amount=Money.of("1.00", "CNY"), subject="Wages")
    with pytest.raises(InvalidIntent, match="utf-8"):
        p.plan_refund(GBK, operation(), ORDER.amount, SLOT, reason=TEA)
    for order, who in ((replace(send, remark=TEA), payee), (send, replace(payee, name=TEA))):
        with pytest.raises(InvalidIntent, match="utf-8"):
            p.plan_payout(certified, order, who, SLOT)


# --- afterwards


def test_how_a_trade_is_ended() -> None:
    """Close where it was not paid, cancel where a paid one is to be reversed; both name our number."""
    for name, reverse in ((p.CLOSE, False), (p.CANCEL, True)):
        plan = p.plan_cancel(operation(), SLOT, reverse_paid=reverse)
        assert (name, {"out_trade_no": TRADE}) == (only_call(plan).method, only_call(plan).biz)
        assert plan.identity == {"out_trade_no": TRADE}


@pytest.mark.parametrize("state", [State.DOUBT, State.ACTION, State.PENDING])
def test_a_hold_that_is_not_agreed_is_cancelled(state: State) -> None:
    """By the pair of our numbers."""
    hold = operation(identity={p.HOLD: "1"}, state=state)
    call = only_call(p.plan_cancel(hold, SLOT, reverse_paid=True))
    assert call.method == p.CANCEL_HOLD
    assert call.biz == {"out_order_no": TRADE, "out_request_no": TRADE, "remark": "cancelled"}


def test_a_hold_that_is_agreed_is_released() -> None:
    """All of it, under the cancel's own number."""
    hold = operation(identity={p.HOLD: "1"}, state=State.AUTHORIZED, ids={"auth_no": "A1"})
    call = only_call(p.plan_cancel(hold, replace(SLOT, partner_ref="SHOP10010001X001"), reverse_paid=False))
    assert call.method == p.UNFREEZE
    wanted = {"auth_no": "A1", "out_request_no": "SHOP10010001X001", "amount": "12.34", "remark": "released"}
    assert wanted == call.biz


@pytest.mark.parametrize(
    ("product", "method", "mode", "final"),
    [("PREAUTH_PAY", "InApp", "COMPLETE", True), ("PRE_AUTH", "QrShown", "NOT_COMPLETE", False)],
)
def test_a_capture_is_a_payment_with_the_holds_number(product: str, method: str, mode: str, final: bool) -> None:
    """The product is the hold's; ``COMPLETE`` releases the rest."""
    hold = operation(identity={p.HOLD: "1"}, state=State.AUTHORIZED, ids={"auth_no": "A1"}, method=method)
    plan = p.plan_capture(hold, Money.of("2.00", "CNY"), SLOT, final=final)
    call = only_call(plan)
    wanted = {
        "out_trade_no": TRADE,
        "auth_no": "A1",
        "total_amount": "2.00",
        "product_code": product,
        "subject": "Capture SHOP10010001",
        "auth_confirm_mode": mode,
    }
    assert (p.PAY, wanted, hold.id) == (call.method, call.biz, plan.of)
    assert plan.steps[0].replayable


@pytest.mark.parametrize(
    ("reason", "own"),
    [("", {}), ("too cold", {"refund_reason": "too cold"}), ("x" * 300, {"refund_reason": "x" * 256})],
)
def test_a_refund_has_its_own_number(reason: str, own: dict[str, str]) -> None:
    """And the trade that it is about in its identity."""
    slot = replace(SLOT, partner_ref=REQUEST)
    plan = p.plan_refund(KEYED, operation(), Money.of("4.00", "CNY"), slot, reason=reason)
    wanted = {"out_trade_no": TRADE, "out_request_no": REQUEST, "refund_amount": "4.00", **own}
    assert (p.REFUND, wanted) == (only_call(plan).method, only_call(plan).biz)
    assert (plan.ladder, plan.identity) == ("refund", {"out_trade_no": TRADE})


PAYOUT = PayoutOrder(ref="PAYOUT01", amount=Money.of("0.10", "CNY"), subject="Wages", remark="January")
PAYEE = AlipayPayee(kind=PayeeKind.LOGON_ID, identity="payee@shop.example", name="Li")


def test_a_payout_names_its_payee() -> None:
    """Ten fen and more."""
    call = only_call(p.plan_payout(CERTIFIED, PAYOUT, PAYEE, SLOT))
    wanted: Mapping[str, object] = {
        "out_biz_no": TRADE,
        "trans_amount": "0.10",
        "product_code": "TRANS_ACCOUNT_NO_PWD",
        "biz_scene": "DIRECT_TRANSFER",
        "order_title": "Wages",
        "payee_info": {"identity_type": "ALIPAY_LOGON_ID", "identity": "payee@shop.example", "name": "Li"},
        "remark": "January",
    }
    assert (p.TRANSFER, wanted) == (call.method, call.biz)
    bare = replace(PAYEE, kind=PayeeKind.OPEN_ID, name=None)
    call = only_call(p.plan_payout(CERTIFIED, replace(PAYOUT, remark=""), bare, SLOT))
    assert call.biz["payee_info"] == {"identity_type": "ALIPAY_OPEN_ID", "identity": "payee@shop.example"}
    assert "remark" not in call.biz


@pytest.mark.parametrize(
    ("message", "account", "order", "payee"),
    [
        ("certificate mode", KEYED, PAYOUT, PAYEE),
        ("0.10", CERTIFIED, replace(PAYOUT, amount=Money.of("0.09", "CNY")), PAYEE),
        ("real name", CERTIFIED, PAYOUT, replace(PAYEE, name=None)),
        ("real name", CERTIFIED, PAYOUT, replace(PAYEE, name="")),
    ],
)
def test_a_payout_that_alipay_cannot_take(
    message: str, account: AlipayAccount, order: PayoutOrder, payee: AlipayPayee
) -> None:
    """Refused before anything is sent."""
    with pytest.raises(InvalidIntent, match=message):
        p.plan_payout(account, order, payee, SLOT)


# --- steps

METHODS = [QrShown(), SCANNED, FACE, HostedPage(), MobileWeb(), InApp(), MiniProgram()]


@pytest.mark.parametrize("method", METHODS)
def test_a_plan_is_pure(method: AlipayMethod) -> None:
    """The same intent gives the same bytes: a repetition is recognised by them."""
    assert p.plan_pay(KEYED, ORDER, method, SLOT) == p.plan_pay(KEYED, ORDER, method, SLOT)


@pytest.mark.parametrize("method", METHODS)
def test_only_what_alipay_recognises_may_be_sent_again(method: AlipayMethod) -> None:
    """A scanned code would be charged once more; a signed page is no call at all."""
    plan = p.plan_pay(KEYED, ORDER, method, SLOT)
    (step,) = plan.steps
    assert isinstance(method, QrShown | MiniProgram) == step.replayable
    assert isinstance(method, HostedPage | MobileWeb | InApp) != step.moves_money
    assert ("scanned" if isinstance(method, QrScanned) else "shown") == plan.ladder


@given(
    st.text(min_size=1, max_size=100).filter(str.strip),
    st.integers(1, 10**10),
    st.sampled_from(["utf-8", "gbk"]),
)
def test_a_planned_call_can_always_be_sent(subject: str, minor: int, charset: str) -> None:
    """Refused while planning, or encodable: the frozen bytes give the same call back, in the account's charset."""
    order = replace(ORDER, subject=subject, amount=Money(minor, "CNY"))
    try:
        plan = p.plan_pay(replace(KEYED, charset=charset), order, QrShown(), SLOT)
    except InvalidIntent:
        return
    call = only_call(plan)
    assert subject == call.biz["subject"]
    assert subject.encode(charset).decode(charset) == subject
    assert Money(minor, "CNY") == Money.of(str(call.biz["total_amount"]), "CNY")
    assert p.step(call).digest == plan.steps[0].digest
