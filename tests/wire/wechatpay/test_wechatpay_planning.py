"""From an intent to the one frozen call that carries it out: fields, limits, and what is refused unsent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.wechatpay.stage import ACCOUNT, AMOUNT, BILL, NOON, OPENID, PROVIDER, SLOT, TRADE, only_call, operation

from payport.adapters.wechatpay import JsApi, WeChatPayAccount, WeChatPayMethod, WeChatPayPayee
from payport.adapters.wechatpay import planning as p
from payport.adapters.wechatpay.calls import Call
from payport.schemas.methods import HostedPage, InApp, MiniProgram, MobileWeb, QrScanned, QrShown
from payport.schemas.money import Money
from payport.schemas.order import CaptureMode, Order, Payer, PayoutOrder
from payport.sdk.adapter import InvalidIntent, Slot
from payport.sdk.journal.records import State, Verb

ORDER = Order(ref="SHOP10010001", amount=AMOUNT, subject="茶 Tea", payer=Payer(id=OPENID, ip="203.0.113.7"))
CODE = "134567890123456789"
END = "2026-01-31T12:30:00+08:00"
COMMON = {
    "appid": ACCOUNT.appid,
    "mchid": ACCOUNT.mchid,
    "description": "茶 Tea",
    "out_trade_no": TRADE,
    "amount": {"total": 1234, "currency": "CNY"},
}
WAITING = {**COMMON, "time_expire": END, "notify_url": "https://shop.example/notify"}
SCENE = {"scene_info": {"payer_client_ip": "203.0.113.7"}}


KEPT_TEXT = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), min_size=1, max_size=256)
"""What WeChat promises to take: characters of one to three bytes."""


@dataclass(frozen=True)
class NewMethod:
    """A way to pay that WeChat Pay does not have."""


def planned(method: object, order: Order = ORDER, account: WeChatPayAccount = ACCOUNT, slot: Slot = SLOT) -> Call:
    """The call that pays ``order``."""
    return only_call(p.plan_pay(account, order, cast("WeChatPayMethod", method), slot))


@pytest.mark.parametrize(
    ("method", "name", "body"),
    [
        (QrShown(), p.NATIVE, {**WAITING, **SCENE}),
        (InApp(), p.APP, {**WAITING, **SCENE}),
        (JsApi(), p.JSAPI, {**WAITING, **SCENE, "payer": {"openid": OPENID}}),
        (MiniProgram(), p.JSAPI, {**WAITING, **SCENE, "payer": {"openid": OPENID}}),
        (
            MobileWeb(),
            p.H5,
            {
                **WAITING,
                "time_expire": "2026-01-31T12:05:00+08:00",
                "scene_info": {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}},
            },
        ),
        (
            QrScanned(auth_code=CODE),
            p.CODEPAY,
            {
                **COMMON,
                "payer": {"auth_code": CODE},
                "scene_info": {"store_info": {"out_id": ACCOUNT.mchid}},
            },
        ),
    ],
)
def test_every_method_is_one_call(method: WeChatPayMethod, name: str, body: dict[str, object]) -> None:
    """Exactly these fields: amount in fen, end in China time, and no address for a scanned code."""
    call = planned(method)
    assert (name, body) == (call.name, call.body)


def test_a_service_provider_names_itself_and_its_sub_merchant() -> None:
    """Paths and names of its own; whose open id it is depends on whose application it is."""
    call = planned(JsApi(), account=PROVIDER)
    assert call.name == "POST /v3/pay/partner/transactions/jsapi"
    assert call.body is not None
    assert {name: call.body[name] for name in ("sp_appid", "sp_mchid", "sub_mchid", "payer")} == {
        "sp_appid": PROVIDER.appid,
        "sp_mchid": PROVIDER.mchid,
        "sub_mchid": "1900000002",
        "payer": {"sp_openid": OPENID},
    }
    assert not {"appid", "mchid", "sub_appid"} & set(call.body)
    call = planned(JsApi(), account=replace(PROVIDER, sub_appid="wx0000000000000002"))
    assert call.body is not None
    assert (call.body["payer"], call.body["sub_appid"]) == ({"sub_openid": OPENID}, "wx0000000000000002")
    assert call.notes["appid"] == "wx0000000000000002", "what invokes the payment signs for it"


def test_apps_and_mini_programs_may_have_applications_of_their_own() -> None:
    """One merchant, several applications."""
    account = replace(ACCOUNT, app_appid="wxapp", mini_program_appid="wxmini")
    found = {
        type(method): planned(method, account=account).body for method in (InApp(), MiniProgram(), JsApi(), QrShown())
    }
    assert {kind.__name__: (body or {})["appid"] for kind, body in found.items()} == {
        "InApp": "wxapp",
        "MiniProgram": "wxmini",
        "JsApi": ACCOUNT.appid,
        "QrShown": ACCOUNT.appid,
    }
    assert account.appids == {ACCOUNT.appid, "wxapp", "wxmini"}


@pytest.mark.parametrize(
    ("method", "asked_s", "given_s"),
    [
        (QrShown(), 86_400, 7200),
        (QrShown(), 1800, 1800),
        (MobileWeb(), 1800, 300),
        (QrScanned(auth_code=CODE), 1800, 180),
        (QrScanned(auth_code=CODE), 30, 30),
    ],
)
def test_an_attempt_lives_as_long_as_what_is_handed_out(method: WeChatPayMethod, asked_s: int, given_s: int) -> None:
    """A code two hours, a link for a phone's browser five minutes, a scanned code three; ``pay`` makes another then."""
    plan = p.plan_pay(ACCOUNT, ORDER, method, replace(SLOT, payable_until=NOON + timedelta(seconds=asked_s)))
    assert plan.payable_until == NOON + timedelta(seconds=given_s)
    assert plan.expires


def test_only_a_scanned_code_is_never_sent_twice() -> None:
    """Everything else WeChat recognises by its number, for good."""
    for method in (QrShown(), JsApi(), MiniProgram(), InApp(), MobileWeb(), QrScanned(auth_code=CODE)):
        plan = p.plan_pay(ACCOUNT, ORDER, method, SLOT)
        (step,) = plan.steps
        assert step.replayable is not isinstance(method, QrScanned)
        assert (step.moves_money, step.replay_until) == (True, None)
        assert plan.ladder == ("scanned" if isinstance(method, QrScanned) else "shown")


REFUSED: dict[str, tuple[object, dict[str, Any], dict[str, Any], str]] = {
    "no page for desktops": (HostedPage(), {}, {}, "QrShown"),
    "a method of somebody else": (NewMethod(), {}, {}, "does not take NewMethod"),
    "a hold": (QrShown(), {"capture": CaptureMode.MANUAL}, {}, "holds no money"),
    "no open id": (JsApi(), {"payer": Payer()}, {}, "open id"),
    "no open id in a mini-program": (MiniProgram(), {"payer": Payer()}, {}, "open id"),
    "no address of the phone": (MobileWeb(), {"payer": Payer()}, {}, "payer.ip"),
    "no notify_url anywhere": (QrShown(), {}, {"notify_url": None}, "notify_url"),
    "notify_url in plain": (QrShown(), {"notify_url": "http://shop.example"}, {}, "https"),
    "notify_url with a query": (QrShown(), {"notify_url": "https://shop.example/?a=1"}, {}, "no query"),
    "too much metadata": (QrShown(), {"metadata": {"a": "x" * 127}}, {}, "128"),
    "half a character": (QrShown(), {"metadata": {"a": "\ud800"}}, {}, "surrogate"),
    "an emoji in the subject": (QrShown(), {"subject": "Tea \U0001f375"}, {}, "subject holds .*emoji"),
    "half a character in the subject": (QrShown(), {"subject": "\ud800"}, {}, "surrogate"),
}


@pytest.mark.parametrize(("method", "order", "account", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_wechat_pay_cannot_take_is_refused_unsent(
    method: object, order: dict[str, Any], account: dict[str, Any], words: str
) -> None:
    """With words that say how to mend it."""
    with pytest.raises(InvalidIntent, match=words):
        planned(method, replace(ORDER, **order), replace(ACCOUNT, **account))


def test_an_end_within_a_minute_is_refused_unsent() -> None:
    """WeChat would refuse it; a scanned code has no end on the wire."""
    soon = replace(SLOT, payable_until=NOON + timedelta(seconds=59))
    with pytest.raises(InvalidIntent, match="a minute away"):
        planned(QrShown(), slot=soon)
    assert planned(QrScanned(auth_code=CODE), slot=soon).body


def test_notes_of_an_order() -> None:
    """Metadata goes to ``attach``, the order's own address comes first, long subjects are cut, stores may be named."""
    order = replace(
        ORDER, metadata={"cart": "7 &", "茶": "="}, notify_url="https://shop.example/own", subject="x" * 200
    )
    body = planned(QrShown(), order).body
    assert body is not None
    assert (body["attach"], body["notify_url"], body["description"]) == (
        "cart=7+%26&%E8%8C%B6=%3D",
        "https://shop.example/own",
        "x" * 127,
    )
    body = planned(QrScanned(auth_code=CODE), account=replace(ACCOUNT, store_no="S1")).body
    assert body is not None
    assert body["scene_info"] == {"store_info": {"out_id": "S1"}}


@given(st.sampled_from([QrShown(), JsApi(), MobileWeb(), QrScanned(auth_code=CODE)]), KEPT_TEXT)
def test_the_same_intent_is_the_same_call(method: WeChatPayMethod, subject: str) -> None:
    """Pure: what is frozen in the journal can be planned again and is the same."""
    order = replace(ORDER, subject=subject.strip() or "x")
    assert p.plan_pay(ACCOUNT, order, method, SLOT) == p.plan_pay(ACCOUNT, order, method, SLOT)


# --- cancel


def test_a_shown_code_is_closed() -> None:
    """By the merchant's number; no application is named."""
    plan = p.plan_cancel(ACCOUNT, operation(), SLOT, reverse_paid=True)
    call = only_call(plan)
    assert (call.name, dict(call.path), call.body) == (p.CLOSE, {"out_trade_no": TRADE}, {"mchid": ACCOUNT.mchid})
    call = only_call(p.plan_cancel(PROVIDER, operation(), SLOT, reverse_paid=False))
    assert call.name == "POST /v3/pay/partner/transactions/out-trade-no/{out_trade_no}/close"
    assert call.body == {"sp_mchid": PROVIDER.mchid, "sub_mchid": "1900000002"}


@pytest.mark.parametrize(
    "scanned", [{"ladder": "scanned"}, {"ids": {"trade_type": "MICROPAY"}}], ids=["ours", "adopted"]
)
def test_a_scanned_code_is_reversed(scanned: dict[str, Any]) -> None:
    """No sooner than 15 seconds after the charge, unless it is known to be paid; the caller's wish goes along."""
    call = only_call(p.plan_cancel(ACCOUNT, operation(**scanned), SLOT, reverse_paid=True))
    assert (call.name, call.body) == (p.REVERSE, {"appid": ACCOUNT.appid, "mchid": ACCOUNT.mchid})
    assert dict(call.notes) == {"not_before": str(int(NOON.timestamp()) + 15)}
    paid = operation(**scanned, state=State.SUCCEEDED)
    call = only_call(p.plan_cancel(ACCOUNT, paid, SLOT, reverse_paid=False))
    assert {"paid", "keep_paid", "not_before"} == set(call.notes)
    call = only_call(p.plan_cancel(PROVIDER, paid, SLOT, reverse_paid=True))
    assert call.name == "POST /v3/pay/partner/transactions/out-trade-no/{out_trade_no}/reverse"
    assert call.body == {"sp_appid": PROVIDER.appid, "sp_mchid": PROVIDER.mchid, "sub_mchid": "1900000002"}


# --- refund


def test_a_refund_names_order_sum_and_part() -> None:
    """Exactly one number of the order; the whole amount beside the part."""
    part = Money.of("2.00", "CNY")
    plan = p.plan_refund(ACCOUNT, operation(), part, replace(SLOT, partner_ref="BACK0001R001"), reason="too cold")
    call = only_call(plan)
    assert (call.name, call.body) == (
        p.REFUND,
        {
            "out_trade_no": TRADE,
            "out_refund_no": "BACK0001R001",
            "amount": {"refund": 200, "total": 1234, "currency": "CNY"},
            "reason": "too cold",
            "notify_url": "https://shop.example/notify",
        },
    )
    assert (plan.ladder, dict(plan.identity)) == ("refund", {"out_trade_no": TRADE})
    call = only_call(p.plan_refund(replace(PROVIDER, notify_url=None), operation(), part, SLOT, reason=""))
    assert call.body is not None
    assert (call.body["sub_mchid"], {"reason", "notify_url"} & set(call.body)) == ("1900000002", set())


def test_a_reason_is_cut_between_characters() -> None:
    """80 bytes: 26 Chinese characters."""
    call = only_call(p.plan_refund(ACCOUNT, operation(), AMOUNT, SLOT, reason="冷" * 40))
    assert call.body is not None
    assert call.body["reason"] == "冷" * 26
    call = only_call(p.plan_refund(ACCOUNT, operation(), AMOUNT, SLOT, reason="too cold \U0001f976"))
    assert call.body is not None
    assert call.body["reason"] == "too cold ?", "what WeChat does not promise to take keeps no money back"


# --- payout


PAYEE = WeChatPayPayee(openid=OPENID, scene_id="1000", report={"活动名称": "Tea"}, name="李雷", perception="现金奖励")
WAGES = PayoutOrder(ref="PAYOUT0001", amount=AMOUNT, subject="Wages")
PAY_SLOT = replace(SLOT, partner_ref=BILL)


def test_a_transfer_is_frozen_in_plain() -> None:
    """The journal's sealed step holds the name; it is encrypted when it leaves."""
    plan = p.plan_payout(ACCOUNT, WAGES, PAYEE, PAY_SLOT)
    call = only_call(plan)
    assert (call.name, call.hidden) == (p.TRANSFER, ("user_name",))
    assert call.body == {
        "appid": ACCOUNT.appid,
        "out_bill_no": BILL,
        "transfer_scene_id": "1000",
        "openid": OPENID,
        "transfer_amount": 1234,
        "transfer_remark": "Wages",
        "transfer_scene_report_infos": [{"info_type": "活动名称", "info_content": "Tea"}],
        "user_name": "李雷",
        "user_recv_perception": "现金奖励",
        "notify_url": "https://shop.example/notify",
    }
    assert OPENID not in str(plan.identity)
    assert plan.payable_until == NOON + timedelta(days=1)


@pytest.mark.parametrize(
    ("amount", "name", "words"),
    [
        ("2000.00", None, "real name"),
        ("0.29", "李雷", "no name below"),
        ("12.34", "李" * 72, "214 bytes"),
    ],
)
def test_names_are_demanded_and_refused_by_amount(amount: str, name: str | None, words: str) -> None:
    """wechatpayv3 drops the name below 0.30 yuan and says nothing."""
    with pytest.raises(InvalidIntent, match=words):
        p.plan_payout(ACCOUNT, replace(WAGES, amount=Money.of(amount, "CNY")), replace(PAYEE, name=name), PAY_SLOT)


def test_the_edges_of_the_rule_about_names() -> None:
    """From 0.30 it may be given, below 2,000 it may be left out."""
    for amount, name in (("0.30", "李雷"), ("1999.99", None), ("0.29", None), ("2000.00", "李雷")):
        order = replace(WAGES, amount=Money.of(amount, "CNY"))
        assert p.plan_payout(ACCOUNT, order, replace(PAYEE, name=name), PAY_SLOT).steps


def test_a_transfer_is_not_sent_again_once_it_cannot_be_asked_about() -> None:
    """WeChat answers questions about 30 days: then "not there" is no reason to send it once more."""
    plan = p.plan_payout(ACCOUNT, PayoutOrder(ref="PAYOUT0001", amount=AMOUNT, subject="Wages"), PAYEE, SLOT)
    assert [step.replay_until for step in plan.steps] == [SLOT.now + timedelta(days=30)]


@pytest.mark.parametrize(
    ("order", "payee", "words"),
    [
        ({"remark": "Prize \U0001f389"}, {}, "remark"),
        ({"remark": "", "subject": "Prize \U0001f389"}, {}, "remark"),
        ({}, {"report": {"活动名称": "Tea \U0001f375"}}, "活动名称"),
        ({}, {"perception": "\U0001f4b0"}, "perception"),
    ],
)
def test_what_wechat_does_not_promise_to_take(order: dict[str, Any], payee: dict[str, Any], words: str) -> None:
    """Characters of four bytes, such as emoji: said before anything is sent. A name may hold them: it is encrypted."""
    with pytest.raises(InvalidIntent, match=f"{words} holds a character"):
        p.plan_payout(ACCOUNT, replace(WAGES, **order), replace(PAYEE, **payee), PAY_SLOT)
    assert p.plan_payout(ACCOUNT, WAGES, replace(PAYEE, name="\U00020bb7野家"), PAY_SLOT).steps


def test_what_no_transfer_can_be() -> None:
    """A sub-merchant's money, and a reference of other characters."""
    with pytest.raises(InvalidIntent, match="service provider"):
        p.plan_payout(PROVIDER, WAGES, PAYEE, PAY_SLOT)
    with pytest.raises(InvalidIntent, match="letters and digits"):
        p.plan_payout(ACCOUNT, WAGES, PAYEE, replace(SLOT, partner_ref="PAYOUT-1P001"))
    call = only_call(
        p.plan_payout(
            replace(ACCOUNT, notify_url=None),
            replace(WAGES, remark="r" * 40),
            replace(PAYEE, perception=None),
            PAY_SLOT,
        )
    )
    assert call.body is not None
    assert call.body["transfer_remark"] == "r" * 32
    assert not {"notify_url", "user_recv_perception"} & set(call.body)


def test_a_payee_shows_nothing_of_a_person() -> None:
    """Open id and name are personal."""
    assert (OPENID in repr(PAYEE), "李雷" in repr(PAYEE)) == (False, False)
    assert Verb.PAYOUT.value == "payout"
