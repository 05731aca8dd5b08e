"""Plans: pure, frozen, complete. The same intent always gives the same bytes, and what cannot work is never sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.wire.stripe.records import ACCOUNT, AMOUNT, NOON, SLOT, STRIPE, TRADE, operation

from payport.adapters.stripe import Stripe, StripeElements, StripePayee, StripePaymentMethod
from payport.schemas.methods import HostedPage, MobileWeb, QrShown
from payport.schemas.money import Money
from payport.schemas.order import CaptureMode, Order, Payer, PayoutOrder
from payport.sdk.adapter import InvalidIntent, Plan, Slot
from payport.sdk.journal.records import State, Step, Verb

ORDER = Order(ref="SHOP10010001", amount=AMOUNT, subject="Tea")
CARD = StripePaymentMethod(payment_method="pm_card_visa")
HELD = replace(ORDER, capture=CaptureMode.MANUAL)


def asked(step: Step) -> dict[str, Any]:
    """What a step asks for."""
    assert step.request is not None
    return dict(json.loads(step.request))


def pay(method: Any, order: Order = ORDER, stripe: Stripe = STRIPE) -> Plan:
    return stripe.plan_pay(order, method, SLOT)


def test_a_card_is_two_steps_so_that_the_number_is_kept_before_money_moves() -> None:
    """Created unconfirmed, then confirmed: only the second one moves money."""
    create, confirm = pay(CARD).steps
    assert (create.name, create.moves_money) == ("create", False)
    assert (confirm.name, confirm.moves_money) == ("confirm", True)
    assert asked(create)["params"] == {
        "amount": 1234,
        "currency": "eur",
        "description": "Tea",
        "metadata": {"payport_ref": TRADE, "payport_way": "direct"},
        "payment_method": "pm_card_visa",
        "automatic_payment_methods": {"enabled": True},
    }
    assert asked(confirm)["params"] == {"return_url": "https://shop.example/return"}


# What is on the wire, and by which method and order.
PARAMS: dict[str, tuple[dict[str, Any], Any, Order]] = {
    "off session": ({"off_session": True}, replace(CARD, off_session=True), ORDER),
    "the order's own return address": (
        {"return_url": "https://other.example"}, CARD, replace(ORDER, return_url="https://other.example"),
    ),
    "a hold": ({"capture_method": "manual"}, CARD, HELD),
    "a customer": ({"customer": "cus_1"}, replace(CARD, customer="cus_1"), ORDER),
    "a customer of the order": ({"customer": "cus_2"}, CARD, replace(ORDER, payer=Payer(id="cus_2"))),
    "kept for later": ({"setup_future_usage": "off_session"}, replace(CARD, setup_future_usage="off_session"), ORDER),
    "captured in parts": (
        {"payment_method_options": {"card": {"request_multicapture": "if_available"}}},
        replace(CARD, multicapture=True), HELD,
    ),
    "notes": (
        {"metadata": {"basket": "7", "payport_ref": TRADE, "payport_way": "direct"}},
        CARD, replace(ORDER, metadata={"basket": "7"}),
    ),
    "elements": ({"automatic_payment_methods": {"enabled": True}}, StripeElements(), ORDER),
    "a page": ({"client_reference_id": TRADE, "mode": "payment"}, HostedPage(), ORDER),
    "a page's address to leave by": ({"cancel_url": "https://b"}, MobileWeb(quit_url="https://b"), ORDER),
    "a page's payer": ({"customer_email": "a@b.example"}, HostedPage(),
                       replace(ORDER, payer=Payer(email="a@b.example"))),
    "a page that ends": ({"expires_at": int(SLOT.payable_until.timestamp())}, HostedPage(), ORDER),
}  # fmt: skip


@pytest.mark.parametrize(("expected", "method", "order"), PARAMS.values(), ids=PARAMS.keys())
def test_what_a_method_puts_on_the_wire(expected: dict[str, Any], method: Any, order: Order) -> None:
    """In one of its steps."""
    together = {name: value for step in pay(method, order).steps for name, value in asked(step)["params"].items()}
    assert {name: together.get(name) for name in expected} == expected


def test_without_a_way_back_no_method_that_redirects_is_asked_for() -> None:
    """Stripe would refuse the confirmation otherwise."""
    stripe = Stripe(replace(ACCOUNT, return_url=None))
    create, confirm = pay(CARD, stripe=stripe).steps
    assert asked(create)["params"]["automatic_payment_methods"] == {"enabled": True, "allow_redirects": "never"}
    assert asked(confirm)["params"] == {}


def test_a_key_is_derived_from_the_reference_and_the_call() -> None:
    """Never random: a process that starts anew finds the same key. Peers make a new one per call and charge twice."""
    keys = [asked(step)["key"] for step in pay(CARD).steps]
    assert keys == [f"payport-{TRADE}-payment_intents.create", f"payport-{TRADE}-payment_intents.confirm"]
    assert keys == [asked(step)["key"] for step in pay(CARD).steps]
    assert pay(CARD) == pay(CARD)


def test_a_repetition_is_safe_for_a_day_from_when_it_was_intended() -> None:
    """After 24 hours Stripe may take the key for a new one."""
    assert {step.replay_until for step in pay(CARD).steps} == {NOON + timedelta(hours=24)}
    assert all(step.replayable for step in pay(CARD).steps)


def test_a_page_is_repeated_only_while_it_can_still_live_for_half_an_hour() -> None:
    """Half of the window is where the machinery stops: then 30 minutes must be left until the page's end."""
    (step,) = pay(HostedPage()).steps
    assert step.replay_until is not None
    assert (step.replay_until - NOON) / 2 == SLOT.payable_until - timedelta(minutes=30) - NOON
    assert step.moves_money, "what is handed out can be paid with no further call"


def test_a_page_lives_for_a_day_at_most() -> None:
    """The attempt's own end is moved, and stands on the wire."""
    plan = STRIPE.plan_pay(ORDER, HostedPage(), replace(SLOT, payable_until=NOON + timedelta(hours=24)))
    assert plan.payable_until == NOON + timedelta(hours=24) - timedelta(seconds=60)
    assert asked(plan.steps[0])["params"]["expires_at"] == int(plan.payable_until.timestamp())


LONG = {f"key{number}": "x" for number in range(41)}
# Why, and what.
INVALID: dict[str, tuple[str, Callable[[], object]]] = {
    "another partner's method": ("does not take QrShown", lambda: pay(QrShown())),
    "a card number": ("never a card number", lambda: pay(replace(CARD, payment_method="4242424242424242"))),
    "too many decimals": ("decimals", lambda: pay(CARD, replace(ORDER, amount=Money.of("5.124", "KWD")))),
    "a page without a way back": (
        "needs return_url", lambda: pay(HostedPage(), stripe=Stripe(replace(ACCOUNT, return_url=None))),
    ),
    "a page of twenty minutes": (
        "30 minutes",
        lambda: STRIPE.plan_pay(ORDER, HostedPage(), replace(SLOT, payable_until=NOON + timedelta(minutes=20))),
    ),
    "many captures of no hold": ("multicapture is for holds", lambda: pay(replace(CARD, multicapture=True))),
    "many notes": ("at most 40", lambda: pay(CARD, replace(ORDER, metadata=LONG))),
    "a note with brackets": ("without brackets", lambda: pay(CARD, replace(ORDER, metadata={"a[b]": "c"}))),
    "a note of ours": ("are taken", lambda: pay(CARD, replace(ORDER, metadata={"payport_ref": "c"}))),
    "a long note": ("at most 500", lambda: pay(CARD, replace(ORDER, metadata={"a": "b" * 501}))),
    "a refund of what has no number": (
        "query it first", lambda: STRIPE.plan_refund(operation(), AMOUNT, SLOT, reason=""),
    ),
    "a payout of half a forint": (
        "whole units",
        lambda: STRIPE.plan_payout(
            PayoutOrder(ref="PAYOUT0001", amount=Money.of("10.45", "HUF"), subject="x"), StripePayee(), SLOT
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("why", "plan"), INVALID.values(), ids=INVALID.keys())
def test_what_cannot_work_is_refused_here(why: str, plan: Callable[[], object]) -> None:
    """Before anything is written or sent."""
    with pytest.raises(InvalidIntent, match=why):
        plan()


PAID = {"payment_intent": "pi_1"}
# Which call, with which notes; of which payment.
CANCELS: dict[str, tuple[str, set[str], Any, bool]] = {
    "an intent": ("payment_intents.cancel", set(), {"ids": PAID}, False),
    "a hold": ("payment_intents.cancel", {"held"}, {"ids": PAID, "state": State.AUTHORIZED}, False),
    "what is paid, reversed": ("refunds.create", {"reverse"}, {"ids": PAID, "state": State.SUCCEEDED}, True),
    "what may be paid, reversed": ("payment_intents.cancel", {"reverse"}, {"ids": PAID}, True),
    "what is paid": ("payment_intents.cancel", set(), {"ids": PAID, "state": State.SUCCEEDED}, False),
    "a page": ("checkout.sessions.expire", set(), {"ids": {"checkout_session": "cs_1"}}, False),
    "a page's hold": (
        "payment_intents.cancel", {"held"},
        {"ids": {"checkout_session": "cs_1", **PAID}, "state": State.AUTHORIZED}, False,
    ),
    "what has no number": ("payment_intents.search", set(), {}, False),
}  # fmt: skip


@pytest.mark.parametrize(("name", "notes", "payment", "reverse"), CANCELS.values(), ids=CANCELS.keys())
def test_how_an_attempt_is_ended(name: str, notes: set[str], payment: Any, reverse: bool) -> None:
    """By how it stands. Cancelling twice cancels once, so no key keeps an old answer alive; a refund has one."""
    slot = Slot(partner_ref="SHOP10010001X001", now=NOON, payable_until=NOON)
    (step,) = STRIPE.plan_cancel(operation(**payment), slot, reverse_paid=reverse).steps
    call = asked(step)
    assert call["name"] == name
    assert set(call["notes"]) == notes | {"payment_ref", "payment_amount"}
    assert call["key"] == ("payport-SHOP10010001X001-refunds.create" if name == "refunds.create" else None)


def test_a_capture_notes_itself_on_the_intent() -> None:
    """Stripe gives captures no number, so each leaves its own mark: that is how it is found again."""
    hold = operation(ids=PAID, state=State.AUTHORIZED)
    slot = Slot(partner_ref="SHOP10010001C001", now=NOON, payable_until=NOON)
    part = STRIPE.plan_capture(hold, Money.of("5.00", "EUR"), slot, final=False)
    assert asked(part.steps[0])["params"] == {
        "amount_to_capture": 500,
        "final_capture": False,
        "metadata": {"capture_SHOP10010001C001": "500"},
    }
    last = STRIPE.plan_capture(hold, Money.of("5.00", "EUR"), slot, final=True)
    assert "final_capture" not in asked(last.steps[0])["params"]
    assert last.of == hold.id


@pytest.mark.parametrize(
    ("params", "reason"),
    [({"reason": "duplicate"}, "duplicate"), ({"metadata": {"payport_ref": TRADE, "reason": "broken"}}, "broken"),
     ({"metadata": {"payport_ref": TRADE}}, "")],
)  # fmt: skip
def test_a_refunds_reason_is_stripes_word_or_a_note(params: dict[str, Any], reason: str) -> None:
    """Stripe knows three reasons; others are kept beside it."""
    captured = operation(Verb.CAPTURE, identity={"payment_intent": "pi_1"}, state=State.SUCCEEDED)
    (step,) = STRIPE.plan_refund(captured, AMOUNT, SLOT, reason=reason).steps
    told = asked(step)["params"]
    assert told["payment_intent"] == "pi_1"
    assert {name: told.get(name) for name in params} == params
    assert asked(step)["key"] == f"payport-{TRADE}-refunds.create"


def test_payees_are_told_apart() -> None:
    """Another account under the same reference is a conflict."""
    payees = [StripePayee(), StripePayee(destination="ba_1"), StripePayee(method="instant")]
    assert len({STRIPE.payee_fingerprint(payee) for payee in payees}) == len(payees)


def test_a_text_that_cannot_be_sent_is_refused_before_anything_is_written() -> None:
    """Half a surrogate pair, as a cut product name may end with, has no form in UTF-8."""
    half = "Tea \ud83c"
    for order in (replace(ORDER, subject=half), replace(ORDER, metadata={"note": half})):
        with pytest.raises(InvalidIntent, match="surrogate"):
            pay(CARD, order)
    STRIPE.payee_fingerprint(StripePayee(destination=half))
