"""Traps: each row is a way by which money could be told, or moved, wrongly."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.wire.adyen.words import (
    ACCOUNT,
    ADYEN,
    ITEM,
    NOON,
    PAYMENT,
    SLOT,
    TRADE,
    Host,
    batch,
    opened,
    operation,
    reply,
    signed,
)

from payport.adapters.adyen.cancelling import plan_cancel
from payport.adapters.adyen.endpoints import OneSession
from payport.adapters.adyen.methods import AdyenMethod, AdyenPaymentMethod, AdyenSession
from payport.adapters.adyen.notices import ACCEPTED, REFUSED
from payport.adapters.adyen.planning import PSP, SESSION, SESSION_WAY, TAKE, WAY, plan_complete, plan_pay, plan_refund
from payport.schemas.events import EventKind, Rejected, RejectedKind
from payport.schemas.methods import HostedPage
from payport.schemas.money import Money
from payport.schemas.order import Order
from payport.schemas.outcome import UnknownKind
from payport.schemas.payment import FactKind
from payport.sdk.adapter import InvalidIntent, Opened
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.lattice import absorb, bind
from payport.sdk.observation import Observation

EUROS = Money.of("12.34", "EUR")
IDEAL = AdyenPaymentMethod(data={"type": "ideal"})


@pytest.mark.parametrize("code", ["Authorised", "Refused", "Cancelled", "Error"])
def test_what_was_brought_back_may_be_another_payments(code: str) -> None:
    """A payer who pays a cheap order and hands its redirectResult to a dear one: without our reference it is no end."""
    payment = operation(state=State.ACTION)
    plan = plan_complete(ACCOUNT, payment, {"redirectResult": "of another order"}, SLOT)
    assert plan is not None
    node = {name: value for name, value in PAYMENT.items() if name not in ("merchantReference", "amount")}
    found = Host([reply({**node, "resultCode": code})]).run(ADYEN.perform(payment, plan.steps[0], 10.0))
    assert found.unknown is not None
    assert found.unknown.kind is UnknownKind.MISMATCH
    named = Host([reply({**PAYMENT, "resultCode": code})]).run(ADYEN.perform(payment, plan.steps[0], 10.0))
    assert named.state.final


@pytest.mark.parametrize(
    "node", [{"errorCode": 704}, {"errorCode": "704", "status": "409"}, {"errorType": ["validation"]}]
)
def test_an_error_whose_code_cannot_be_read_is_no_refusal(node: dict[str, Any]) -> None:
    """It may say that the first request is under way."""
    order = Order(ref="SHOP10010001", amount=EUROS, subject="Tea")
    plan = plan_pay(ACCOUNT, order, AdyenPaymentMethod(data={"type": "ideal"}), SLOT)
    found = Host([reply(node, 422)]).run(ADYEN.perform(operation(), plan.steps[0], 10.0))
    assert (found.state, found.unknown and found.unknown.kind) == (State.DOUBT, UnknownKind.UNREADABLE)


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "x"])
@pytest.mark.parametrize("code", ["TECHNICAL_CANCEL", "AUTHORISATION"])
def test_a_date_that_no_clock_shows_is_none(date: str, code: str) -> None:
    """It is not signed, so anybody on the way can write it."""
    item = {**ITEM, "eventCode": code, "success": "false", "reason": "not found", "eventDate": date}
    told = opened(batch(signed(item)))
    assert isinstance(told, Opened)
    assert told.event.occurred_at is None


@pytest.mark.parametrize(
    "returned",
    [
        {"redirectResult": "\ud800"},
        {"details": json.dumps({"redirectResult": "\udc80"})},
        {"details": "[" * 200_000},
        {"details": '{"redirectResult":"a","redirectResult":"b"}'},
        {"sessionResult": "\ud800"},
    ],
)
def test_a_browser_may_bring_anything(returned: dict[str, str]) -> None:
    """Halves of characters, a text nested too deeply, one with two meanings: nothing to post, no crash."""
    session = operation(identity={WAY: SESSION_WAY, TAKE: "automatic"}, ids={SESSION: "CS1"}, state=State.ACTION)
    for payment in (operation(state=State.ACTION), session):
        assert plan_complete(ACCOUNT, payment, returned, SLOT) is None


def test_a_capture_is_refunded_by_the_number_of_its_payment() -> None:
    """What was held and then taken is given back from the capture's own operation."""
    capture = operation(
        Verb.CAPTURE, partner_ref="SHOP10010001C001", identity={PSP: "9913140798220028"}, state=State.SUCCEEDED
    )
    plan = plan_refund(ACCOUNT, capture, EUROS, replace(SLOT, partner_ref="BACK0001R001"), reason="")
    assert plan.identity == {PSP: "9913140798220028"}


CANCEL = operation(Verb.CANCEL, partner_ref="SHOP10010001X001", identity={})
RECEIVED = {
    "merchantAccount": "ShopECOM",
    "paymentReference": TRADE,
    "pspReference": "ZFQTPCQ8HXSKGK83",
    "reference": "SHOP10010001X001",
    "status": "received",
}


def cancelled(payment: Operation, cancel: Operation = CANCEL, *, reverse: bool = False) -> tuple[Observation, Host]:
    """What a cancel comes to, and what was sent for it."""
    slot = replace(SLOT, partner_ref=cancel.partner_ref, now=cancel.created_at)
    (step,) = plan_cancel(ACCOUNT, payment, slot, reverse_paid=reverse).steps
    host = Host([reply(RECEIVED, 201)])
    return host.run(ADYEN.perform(cancel, step, 10.0)), host


def taught(item: dict[str, Any], known: Operation) -> Operation:
    """An operation once it has heard of an item, as the sdk applies lessons."""
    told = opened(batch(signed(item)))
    assert isinstance(told, Opened)
    for reference, lesson in told.lessons:
        if reference == known.partner_ref and lesson.concerns.items() <= known.identity.items():
            known = absorb(known, bind(known, lesson), NOON)
    return known


TECHNICAL = {**ITEM, "eventCode": "TECHNICAL_CANCEL", "pspReference": "ZFQTPCQ8HXSKGK83"}


def test_a_cancel_that_was_received_before_the_payment_came_through_has_not_failed() -> None:
    """It may still undo the payment: only its webhook, which names the payment, says whether it did."""
    paid = operation(state=State.SUCCEEDED, ids={PSP: "9913140798220028"})
    assert cancelled(paid)[0].state is State.DECLINED  # nothing ever left
    steps = plan_cancel(ACCOUNT, paid, replace(SLOT, partner_ref=CANCEL.partner_ref), reverse_paid=False).steps
    assert cancelled(paid, replace(CANCEL, may_have_left=True, steps=steps))[0].state is State.DECLINED  # nor by it
    steps = plan_cancel(ACCOUNT, operation(), replace(SLOT, partner_ref=CANCEL.partner_ref), reverse_paid=False).steps
    lost = replace(CANCEL, may_have_left=True, steps=steps)
    received = replace(lost, state=State.PENDING)
    for outside, expected in ((received, State.PENDING), (lost, State.DOUBT)):
        found, host = cancelled(paid, outside)
        assert (found.state, host.sent) == (expected, [])
        for success, state in (("false", State.DECLINED), ("true", State.SUCCEEDED)):
            known = taught({**TECHNICAL, "success": success, "reason": "already captured"}, paid)
            found, host = cancelled(known, outside)
            assert (found.state, host.sent) == (state, [])
            assert bool(known.facts) is (success == "true")  # it was paid, and is not any more


@pytest.mark.parametrize("let_go", [True, False])
def test_an_answer_that_is_read_after_its_payment_was_let_go_is_no_surplus(let_go: bool) -> None:
    """Who sent it stood still; another cancelled by our reference, and the webhook says which number it let go."""
    number = PAYMENT["pspReference"] if let_go else "ANOTHERNUMBER001"
    known = taught({**TECHNICAL, "originalReference": number}, operation())
    plan = plan_pay(ACCOUNT, Order(ref="SHOP10010001", amount=EUROS, subject="Tea"), IDEAL, SLOT)
    told = Host([reply(PAYMENT)]).run(ADYEN.perform(operation(), plan.steps[0], 10.0))
    assert told.state is State.SUCCEEDED
    facts = [fact.kind for fact in absorb(known, bind(known, told), NOON).facts]
    assert facts == ([] if let_go else [FactKind.SURPLUS_PAID])


def test_an_earlier_cancel_says_nothing_of_a_later_one() -> None:
    """That one was refused before this one was asked for."""
    paid = taught({**TECHNICAL, "success": "false"}, operation(state=State.SUCCEEDED))
    later = replace(CANCEL, state=State.PENDING, created_at=NOON + timedelta(seconds=1))
    assert cancelled(paid, later)[0].state is State.PENDING


@pytest.mark.parametrize(
    ("over", "state", "expires", "seconds"),
    [
        (True, State.DOUBT, False, 901),
        (False, State.DOUBT, False, 899),
        (False, State.ACTION, False, 86_400),
        (False, State.PENDING, False, 86_400),
        (True, State.ACTION, True, 901),
        (False, State.ACTION, True, 899),
    ],
)
def test_absence_ends_only_what_can_not_be_paid_any_more(over: bool, state: State, expires: bool, seconds: int) -> None:
    """A redirect has no end on the wire: Adyen knows of no payment, and a minute later the payer comes back from it."""
    when = (NOON + timedelta(hours=1, seconds=seconds)).isoformat()
    payment = operation(state=state, expires=expires, ids={"absent.ZFQTPCQ8HXSKGK83": when})
    found, host = cancelled(payment)
    assert (found.state is State.SUCCEEDED, bool(host.sent)) == (over, not over)


def test_an_absence_without_a_date_is_of_no_time() -> None:
    """The webhook may have waited for days: the payment may have come after what it tells of."""
    item = {**TECHNICAL, "success": "false", "reason": "Original payment not found", "eventDate": ""}
    assert not taught(item, operation()).ids


@pytest.mark.parametrize(
    ("expected", "code", "more"),
    [
        (FactKind.REFUNDED, "REFUND", {}),
        (FactKind.REFUNDED, "CANCEL_OR_REFUND", {"modification.action": "refund"}),
        (FactKind.RELEASED, "CANCEL_OR_REFUND", {"modification.action": "cancel"}),
        (FactKind.RELEASED, "CANCELLATION", {}),
        (FactKind.REFUND_BOUNCED, "REFUND_FAILED", {}),
    ],
)
def test_what_was_done_in_the_customer_area_is_a_fact(expected: FactKind, code: str, more: dict[str, str]) -> None:
    """Its webhook names the payment, not a refund or cancel of ours; the answer stays, whatever it is."""
    item = {**ITEM, "eventCode": code, "originalReference": "9913140798220028", "additionalData": more}
    for state in (State.SUCCEEDED, State.DOUBT):
        after = taught(item, operation(state=state))
        assert (after.state, [fact.kind for fact in after.facts]) == (state, [expected])
        again = taught({**item, "reason": "sent again"}, after)
        assert again.facts == after.facts
    assert not taught({**item, "success": "false"}, operation(state=State.SUCCEEDED)).facts


def test_an_authorisation_without_an_amount_is_not_believed() -> None:
    """It could be of any."""
    item = {name: value for name, value in ITEM.items() if name != "amount"}
    after = taught(item, operation())
    assert (after.state, after.unknown and after.unknown.kind) == (State.DOUBT, UnknownKind.MISMATCH)


def test_a_report_is_named_by_its_file() -> None:
    """Refused, it would stand at the head of Adyen's queue and hold back every webhook behind it."""
    item = {**ITEM, "eventCode": "REPORT_AVAILABLE", "pspReference": "settlement_detail_report_batch_42.csv"}
    told = opened(batch(signed({**item, "merchantReference": ""})))
    assert isinstance(told, Opened)
    assert told.event.kind is EventKind.OTHER


@pytest.mark.parametrize("unsigned", [{"additionalData": {}}, {"additionalData": {"hmacSignature": ""}}, {}])
def test_a_report_without_a_signature_holds_no_queue_up(unsigned: dict[str, Any]) -> None:
    """Adyen does not sign all of them. It teaches nothing and is not kept; beside anything else it is refused."""
    item = {name: value for name, value in ITEM.items() if name != "additionalData"}
    report = {**item, "eventCode": "REPORT_AVAILABLE", **unsigned}
    told = opened(batch(report))
    assert isinstance(told, Rejected)
    assert (told.kind, told.acknowledgement) == (RejectedKind.UNSIGNED, ACCEPTED)
    for other in (signed(ITEM), {**item, "eventCode": "AUTHORISATION", **unsigned}):
        for items in ((report, other), (other, report)):
            told = opened(batch(*items))
            assert isinstance(told, Rejected)
            assert told.acknowledgement == REFUSED
    forged = opened(batch({**report, "additionalData": {"hmacSignature": "bm8="}}))
    assert isinstance(forged, Rejected)
    assert (forged.kind, forged.acknowledgement) == (RejectedKind.BAD_SIGNATURE, REFUSED)


@pytest.mark.parametrize(("seconds", "handed_out"), [(0, True), (-600, True), (59, True), (61, False), (86_400, False)])
@pytest.mark.parametrize("method", [AdyenSession(), HostedPage()])
def test_a_page_that_outlives_what_was_asked_for_is_not_handed_out(
    method: AdyenSession | HostedPage, seconds: int, handed_out: bool
) -> None:
    """Its end decides when nobody can pay it any more."""
    plan = plan_pay(ACCOUNT, Order(ref="SHOP10010001", amount=EUROS, subject="Tea"), method, SLOT)
    node = {
        "id": "PL1",
        "status": "active",
        "url": "https://pay.example/PL1",
        "amount": {"currency": "EUR", "value": 1234},
        "reference": TRADE,
        "merchantAccount": "ShopECOM",
        "sessionData": "data",
        "expiresAt": (NOON + timedelta(hours=1, seconds=seconds)).isoformat(),
    }
    found = Host([reply(node, 201)]).run(ADYEN.perform(operation(), plan.steps[0], 10.0))
    assert found.state is (State.ACTION if handed_out else State.DOUBT)


def test_a_sessions_result_is_not_shown() -> None:
    """Who has it may ask about the session."""
    assert "a secret of" not in repr(OneSession(session="CS1", session_result="a secret of the browser's"))


def test_two_merchant_accounts_of_one_company_never_share_a_key() -> None:
    """Keys hold for the whole company: the other shop's answer would be played back, and nobody charged."""
    order = Order(ref="SHOP10010001", amount=EUROS, subject="Tea")
    keys: set[str] = set()
    for merchant in ("ShopECOM", "ShopPOS"):
        plan = plan_pay(replace(ACCOUNT, merchant_account=merchant), order, AdyenSession(), SLOT)
        host = Host([reply({}, 500)])
        host.run(ADYEN.perform(operation(), plan.steps[0], 10.0))
        keys.add(host.sent[0].headers["idempotency-key"])
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("subject", "method"),
    [
        ("\ud800", HostedPage()),
        ("Tea", AdyenPaymentMethod(data={"type": "scheme", "holderName": "\ud800"})),
        ("Tea", AdyenPaymentMethod(data={"type": "scheme"}, browser={"userAgent": "\ud800"})),
    ],
)
def test_half_a_character_is_an_invalid_intent(subject: str, method: AdyenMethod) -> None:
    """A payer's component can send one: nothing was sent, and no crash."""
    with pytest.raises(InvalidIntent):
        plan_pay(ACCOUNT, Order(ref="SHOP10010001", amount=EUROS, subject=subject), method, SLOT)


@pytest.mark.parametrize("code", ["REPORT_AVAILABLE", "AUTHORISATION", "REFUND"])
def test_money_that_nobody_knows_holds_no_queue_up(code: str) -> None:
    """Authentic and refused, it would be sent for a month before any other webhook; accepted, it is not believed."""
    item = {**ITEM, "eventCode": code, "amount": {"currency": "XXX", "value": 1234}, "originalReference": "99131407982"}
    after = taught(item, operation(identity={PSP: "99131407982", TAKE: "automatic"}))
    assert (after.state, after.unknown and after.unknown.kind) == (State.DOUBT, UnknownKind.UNREADABLE)
