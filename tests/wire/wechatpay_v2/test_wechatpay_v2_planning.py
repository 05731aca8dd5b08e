"""From an intent to the one frozen call that carries it out: fields, limits, and what is refused unsent."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import pytest
from tests.wire.wechatpay_v2.words import (
    ACCOUNT,
    AMOUNT,
    NOON,
    ORDER_NO,
    PROVIDER,
    REFUND_NO,
    SLOT,
    Line,
    adapter,
    operation,
    over,
)

from payport.adapters.wechatpay_v2 import OfficialAccount, WeChatPayV2Account, WeChatPayV2Method
from payport.adapters.wechatpay_v2 import calls as c
from payport.adapters.wechatpay_v2 import planning as p
from payport.schemas.methods import HostedPage, InApp, MiniProgram, MobileWeb, QrScanned, QrShown
from payport.schemas.money import Money
from payport.schemas.order import CaptureMode, Order, Payer
from payport.sdk.adapter import InvalidIntent, Plan, Slot
from payport.sdk.journal.records import State, Verb

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
ORDER = Order(ref="SHOP10010001", amount=AMOUNT, subject="\u8336 Tea", payer=Payer(id=OPENID, ip="203.0.113.7"))
CODE = "130000000000000001"
SCANNED = QrScanned(auth_code=CODE)
COMMON = {
    "body": "\u8336 Tea",
    "out_trade_no": ORDER_NO,
    "total_fee": "1234",
    "fee_type": "CNY",
    "spbill_create_ip": "203.0.113.7",
    "time_start": "20260131120000",
    "time_expire": "20260131123000",
}
OPENED = {**COMMON, "notify_url": "https://shop.example/notify"}
SCENE = '{"h5_info":{"type":"Wap","wap_url":"https://shop.example","wap_name":"Shop"}}'


@dataclass(frozen=True)
class NewMethod:
    """A way to pay that WeChat does not have."""


def only_call(plan: Plan) -> c.Call:
    """The one call of a plan, as the journal will give it back."""
    (step,) = plan.steps
    assert step.request is not None
    return c.Call.decode(step.request)


def planned(
    method: WeChatPayV2Method, order: Order = ORDER, account: WeChatPayV2Account = ACCOUNT, slot: Slot = SLOT
) -> c.Call:
    """The call that pays ``order``."""
    return only_call(p.plan_pay(account, order, method, slot))


@pytest.mark.parametrize(
    ("path", "fields", "method"),
    [
        (c.UNIFIED_ORDER, {**OPENED, "trade_type": "NATIVE", "product_id": ORDER_NO}, QrShown()),
        (c.UNIFIED_ORDER, {**OPENED, "trade_type": "JSAPI", "openid": OPENID}, MiniProgram()),
        (c.UNIFIED_ORDER, {**OPENED, "trade_type": "JSAPI", "openid": OPENID}, OfficialAccount()),
        (c.UNIFIED_ORDER, {**OPENED, "trade_type": "APP"}, InApp()),
        (c.UNIFIED_ORDER, {**OPENED, "trade_type": "MWEB", "scene_info": SCENE}, MobileWeb()),
        (c.MICROPAY, {**COMMON, "time_expire": "20260131120300", "auth_code": CODE}, SCANNED),
    ],
)
def test_each_way_to_pay_is_one_call(path: str, fields: dict[str, str], method: WeChatPayV2Method) -> None:
    """Amounts in fen, times in Beijing; a scanned code lives three minutes. A scanned code names no notify_url."""
    call = planned(method)
    assert (call.path, dict(call.fields)) == (path, fields)


def test_a_service_provider_names_the_payer_under_the_merchants_application() -> None:
    """``sub_openid`` belongs to ``sub_appid``."""
    assert planned(MiniProgram(), account=PROVIDER).fields["sub_openid"] == OPENID
    assert "openid" not in planned(MiniProgram(), account=PROVIDER).fields
    alone = replace(PROVIDER, sub_appid=None)
    assert planned(MiniProgram(), account=alone).fields["openid"] == OPENID


def test_what_an_order_and_an_account_may_add() -> None:
    """Metadata comes back with the notice, the terminal's name stands in the bill, addresses may be the order's own."""
    account = replace(ACCOUNT, device_info="WEB", terminal_ip="198.51.100.1")
    order = replace(
        ORDER,
        metadata={"cart": "7 & 8", "\u8336": "="},
        payer=Payer(),
        notify_url="https://shop.example/other",
        return_url="https://shop.example/thanks?a=1",
    )
    call = planned(QrShown(), order, account)
    assert call.fields["attach"] == "cart=7+%26+8&%E8%8C%B6=%3D"
    assert call.fields["device_info"] == "WEB"
    assert call.fields["spbill_create_ip"] == "198.51.100.1"
    assert call.fields["notify_url"] == "https://shop.example/other"
    assert dict(call.notes) == {}
    mobile = planned(MobileWeb(), replace(order, payer=ORDER.payer), account)
    assert dict(mobile.notes) == {"return_url": "https://shop.example/thanks?a=1"}


def test_nothing_outlives_what_was_handed_out() -> None:
    """A ``prepay_id`` can be used for two hours, so no order is open for longer."""
    late = replace(SLOT, payable_until=NOON + timedelta(days=3))
    plan = p.plan_pay(ACCOUNT, ORDER, QrShown(), late)
    assert plan.payable_until == NOON + timedelta(hours=2)
    assert only_call(plan).fields["time_expire"] == "20260131140000"
    assert p.plan_pay(ACCOUNT, ORDER, SCANNED, late).payable_until == NOON + timedelta(minutes=3)


@pytest.mark.parametrize(
    ("why", "method", "changes", "account"),
    [
        ("does not take HostedPage", HostedPage(), {}, ACCOUNT),
        ("does not take NewMethod", NewMethod(), {}, ACCOUNT),
        ("cannot hold money", QrShown(), {"capture": CaptureMode.MANUAL}, ACCOUNT),
        ("client certificate", SCANNED, {}, replace(ACCOUNT, trust=None)),
        ("consists of digits", QrScanned(auth_code="13\u0660"), {}, ACCOUNT),
        ("demands a notify_url", QrShown(), {}, replace(ACCOUNT, notify_url=None)),
        ("query string", QrShown(), {"notify_url": "https://shop.example/n?a=1"}, ACCOUNT),
        ("at most 256", QrShown(), {"notify_url": "https://shop.example/" + "n" * 240}, ACCOUNT),
        ("order.payer.id", MiniProgram(), {"payer": Payer()}, ACCOUNT),
        ("order.payer.ip", MobileWeb(), {"payer": Payer(id=OPENID)}, ACCOUNT),
        ("site_url", MobileWeb(), {}, replace(ACCOUNT, site_url=None)),
        ("at most 128 bytes of subject, got 129", QrShown(), {"subject": "\u8336" * 43}, ACCOUNT),
        ("does not keep", QrShown(), {"subject": "Tea \U0001f375"}, ACCOUNT),
        ("does not keep", QrShown(), {"subject": "Tea \x07"}, ACCOUNT),
        ("at most 127 bytes of metadata", QrShown(), {"metadata": {"a": "x" * 130}}, ACCOUNT),
        ("surrogate", QrShown(), {"metadata": {"a": "\ud800"}}, ACCOUNT),
        ("openid holds", MiniProgram(), {"payer": Payer(id="o\x07")}, ACCOUNT),
        ("openid holds", MiniProgram(), {"payer": Payer(id="o\ud800")}, ACCOUNT),
        ("spbill_create_ip holds", QrShown(), {"payer": Payer(ip="203.0.113.7\x00")}, ACCOUNT),
        ("notify_url holds", QrShown(), {"notify_url": "https://shop.example/\x01"}, ACCOUNT),
    ],
)
def test_what_wechat_would_refuse_is_not_sent(
    why: str, method: object, changes: dict[str, Any], account: WeChatPayV2Account
) -> None:
    """Said before anything is written down or sent, with how to mend it."""
    with pytest.raises(InvalidIntent, match=why):
        p.plan_pay(account, replace(ORDER, **changes), cast("WeChatPayV2Method", method), SLOT)


def test_an_order_must_live_a_little() -> None:
    """WeChat wants more than a minute between the request and ``time_expire``."""
    soon = replace(SLOT, payable_until=NOON + timedelta(seconds=69))
    with pytest.raises(InvalidIntent, match="at least 70 seconds"):
        p.plan_pay(ACCOUNT, ORDER, QrShown(), soon)


def test_what_may_be_repeated() -> None:
    """Whatever WeChat knows by its number. A scanned code is not repeated: it could be taken once more."""
    assert p.plan_pay(ACCOUNT, ORDER, QrShown(), SLOT).steps[0].replayable
    assert not p.plan_pay(ACCOUNT, ORDER, SCANNED, SLOT).steps[0].replayable
    assert p.plan_cancel(operation(), reverse_paid=True).steps[0].replayable
    refund = p.plan_refund(ACCOUNT, operation(), Money.of("2.00", "CNY"), SLOT, reason="")
    assert refund.steps[0].replayable


@pytest.mark.parametrize(
    ("path", "notes", "payment", "reverse_paid"),
    [
        (c.CLOSE, {}, operation(), False),
        (c.CLOSE, {}, operation(), True),
        (c.REVERSE, {}, operation(method="QrScanned"), False),
        (c.REVERSE, {"may_reverse": "1"}, operation(method="QrScanned"), True),
        (c.REVERSE, {"may_reverse": "1", "was_paid": "1"}, operation(method="QrScanned", state=State.SUCCEEDED), True),
        (c.REVERSE, {}, operation(method="adopted", ids={"trade_type": "MICROPAY"}), False),
        (c.CLOSE, {}, operation(method="adopted", ids={"trade_type": "JSAPI"}), False),
    ],
)
def test_how_an_order_is_cancelled(path: str, notes: dict[str, str], payment: Any, reverse_paid: bool) -> None:
    """Scanned ones are reversed, fifteen seconds after the charge at the soonest; the others are closed."""
    plan = p.plan_cancel(payment, reverse_paid=reverse_paid)
    call = only_call(plan)
    assert (call.path, dict(call.fields)) == (path, {"out_trade_no": ORDER_NO})
    if path == c.REVERSE:
        notes = {**notes, "not_before": "2026-01-31T04:00:15+00:00"}
    assert dict(call.notes) == notes
    assert plan.identity == {"out_trade_no": ORDER_NO}


def test_a_refund_names_the_payment_and_both_amounts() -> None:
    """And where to tell what became of it."""
    slot = replace(SLOT, partner_ref=REFUND_NO)
    plan = p.plan_refund(ACCOUNT, operation(), Money.of("2.00", "CNY"), slot, reason="too cold \u51b7")
    call = only_call(plan)
    assert call.path == c.REFUND
    assert dict(call.fields) == {
        "out_trade_no": ORDER_NO,
        "out_refund_no": REFUND_NO,
        "total_fee": "1234",
        "refund_fee": "200",
        "refund_fee_type": "CNY",
        "refund_desc": "too cold \u51b7",
        "notify_url": "https://shop.example/notify",
    }
    quiet = p.plan_refund(replace(ACCOUNT, notify_url=None), operation(), AMOUNT, slot, reason="")
    assert {"refund_desc", "notify_url"} & set(only_call(quiet).fields) == set()


@pytest.mark.parametrize(
    ("why", "reason", "account"),
    [
        ("client certificate", "", replace(ACCOUNT, trust=None)),
        ("80 bytes of reason", "x" * 81, ACCOUNT),
        ("does not keep", "\U0001f62d", ACCOUNT),
    ],
)
def test_a_refund_that_cannot_be_sent(why: str, reason: str, account: WeChatPayV2Account) -> None:
    """Without a client certificate there is no refund at all."""
    with pytest.raises(InvalidIntent, match=why):
        p.plan_refund(account, operation(), AMOUNT, SLOT, reason=reason)


def test_a_call_survives_the_journal() -> None:
    """Whatever it says; the same intent gives the same bytes."""
    call = planned(QrShown())
    assert c.Call.decode(call.encode()) == call
    assert planned(QrShown()).encode() == call.encode()
    assert json.loads(call.encode())["v"] == 1
    assert CODE not in repr(planned(SCANNED)), "whoever holds the code can take money once"


@pytest.mark.parametrize("account", [ACCOUNT, replace(PROVIDER, device_info="WEB")])
def test_every_request_says_who_we_are(account: WeChatPayV2Account) -> None:
    """And how it is signed, which the signature covers; a nonce is new on every try."""
    line = Line()
    fields = cast(
        "dict[str, str]", over(line, c.signed_fields(adapter(account), c.Call(path="x", fields={"body": "Tea"})))
    )
    said = {"appid", "mch_id", "body", "nonce_str", "sign_type", "sign"}
    assert set(fields) == said | ({"sub_appid", "sub_mch_id"} if account.sub_mch_id else set())
    assert fields["sign_type"] == "HMAC-SHA256"


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-01-31T04:00:00+00:00", "20260131120000"),
        ("2026-01-31T04:00:00+00:00", "2026-01-31 12:00:00"),
        (None, "2026-01-31T12:00:00"),
        (None, "20260231120000"),
        (None, "00010101000000"),
        (None, "\u0662026013112000"),
        (None, ""),
        (None, None),
    ],
)
def test_times_are_in_beijing(moment: str | None, text: str | None) -> None:
    """In two forms, without an offset. Another form decides nothing."""
    found = c.instant(text)
    assert (None if found is None else found.isoformat()) == moment


def test_verbs_that_it_has() -> None:
    """No capture, no payout: the old transfer interface is closed to new merchants."""
    found = adapter()
    assert {verb.value for verb in Verb if hasattr(found, f"plan_{verb.value}")} == {"pay", "cancel", "refund"}
