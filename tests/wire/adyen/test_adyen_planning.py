"""Plans: pure, frozen, bound to one region and one key, and without a card number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.wire.adyen.words import ACCOUNT, NOON, SLOT, TRADE, Host, operation

from payport.adapters.adyen import Adyen, AdyenPaymentMethod, AdyenSession
from payport.adapters.adyen.calls import MAX_KEY, Call, key_of
from payport.adapters.adyen.cancelling import plan_cancel
from payport.adapters.adyen.methods import RAW_CARD_FIELDS
from payport.adapters.adyen.planning import (
    KEY_LIFE,
    LINK,
    LINK_WAY,
    PSP,
    SESSION,
    SESSION_WAY,
    TAKE,
    WAY,
    details_in,
    plan_capture,
    plan_complete,
    plan_pay,
    plan_refund,
)
from payport.schemas import HostedPage, MobileWeb, Money, Order, Payer, QrShown
from payport.sdk.adapter import InvalidIntent
from payport.sdk.journal.records import Operation, State

CARD = AdyenPaymentMethod(data={"type": "scheme", "encryptedCardNumber": "test_4111111111111111"})
ORDER = Order(ref="SHOP10010001", amount=Money.of("12.34", "EUR"), subject="Tea")
EURO = Money.of("1.00", "EUR")
NUMBER = "QFQTPCQ8HXSKGK82"


def call_of(plan: Any) -> Call:
    (step,) = plan.steps
    return Call.decode(step.request)


@pytest.mark.parametrize("method", [CARD, AdyenSession(), HostedPage(), MobileWeb()], ids=lambda m: type(m).__name__)
def test_the_same_intent_is_the_same_plan(method: Any) -> None:
    """Byte for byte, with its key, its host and the end of its window."""
    plan = plan_pay(ACCOUNT, ORDER, method, SLOT)
    assert plan == plan_pay(ACCOUNT, ORDER, method, SLOT)
    (step,) = plan.steps
    call = call_of(plan)
    assert (call.host, call.key) == ("checkout-test.adyen.com", f"payport-ShopECOM-{TRADE}-{call.name}")
    assert step.replayable
    assert step.replay_until == NOON + KEY_LIFE
    assert Call.decode(call.encode()) == call


def test_pain_the_key_was_made_of_the_body() -> None:
    """Encrypted fields differ on every submit: the key is of our reference alone."""
    other = AdyenPaymentMethod(data={**CARD.data, "encryptedCardNumber": "adyenjs_0_1_18$another"})
    one, two = (call_of(plan_pay(ACCOUNT, ORDER, method, SLOT)) for method in (CARD, other))
    assert one.body != two.body
    assert one.key == two.key


@pytest.mark.parametrize("reference", ["A", "A" * 28, "A" * 60])
def test_a_key_is_never_too_long(reference: str) -> None:
    """Sixty-four characters; another reference is another key."""
    key = key_of("ShopECOM", reference, "payments.reversals")
    assert len(key) <= MAX_KEY
    assert key != key_of("ShopECOM", f"B{reference[1:]}", "payments.reversals")


def test_trap_a_repetition_never_goes_to_another_region() -> None:
    """Keys do not hold across regions: configured for another host, nothing is sent, and it says what to do."""
    (step,) = plan_pay(ACCOUNT, ORDER, CARD, SLOT).steps
    moved = Adyen(replace(ACCOUNT, live_prefix="abcd-Elsewhere", client_key=None))
    host = Host()
    found = host.run(moved.perform(operation(), step, 10.0))
    assert host.sent == []
    assert found.state is State.NOT_SENT
    assert found.not_sent is not None
    assert "twice" in found.not_sent.detail


@pytest.mark.parametrize("name", sorted(RAW_CARD_FIELDS))
def test_card_data_in_the_clear_has_no_place(name: str) -> None:
    """Not even for tests; and nothing of the payment method is shown."""
    with pytest.raises(ValueError, match=name) as refused:
        AdyenPaymentMethod(data={"type": "scheme", name: "4111111111111111"})
    assert "4111" not in str(refused.value)
    assert "4111" not in repr(CARD)


@pytest.mark.parametrize(
    "arguments",
    [{"data": {}}, {"data": {"type": "scheme"}, "store": True}, {"data": {"type": "x"}, "off_session": True}],
)
def test_a_method_that_can_never_work_is_refused(arguments: dict[str, Any]) -> None:
    """At once."""
    with pytest.raises(ValueError, match=r"data|shopper_reference"):
        AdyenPaymentMethod(**arguments)


@pytest.mark.parametrize(
    ("words", "order", "method"),
    [
        ("does not take", ORDER, QrShown()),
        ("quit_url", ORDER, MobileWeb(quit_url="https://shop.example")),
        ("decimals", replace(ORDER, amount=Money(101, "IDR")), CARD),
        ("metadata", replace(ORDER, metadata={"k" * 21: "v"}), CARD),
        ("metadata", replace(ORDER, metadata={"k": "v" * 81}), CARD),
        ("shopper_reference", ORDER, AdyenSession(shopper_reference="42")),
        ("shopper_reference", ORDER, replace(CARD, shopper_reference="x" * 257, store=True)),
        ("notes", replace(ORDER, metadata={str(number): "v" for number in range(21)}), CARD),
    ],
)
def test_what_adyen_cannot_take_is_refused_before_anything_is_sent(words: str, order: Order, method: Any) -> None:
    """With the reason."""
    with pytest.raises(InvalidIntent, match=words):
        plan_pay(ACCOUNT, order, method, SLOT)


@pytest.mark.parametrize("method", [CARD, AdyenSession()])
def test_who_pays_is_told_where_adyen_can_take_it(method: Any) -> None:
    """3 to 256 characters. The order's own number of the payer is left out else: no payment fails for it."""
    told = {
        number: call_of(plan_pay(ACCOUNT, replace(ORDER, payer=Payer(id=number)), method, SLOT)).body.get(
            "shopperReference"
        )
        for number in ("42", "421", "x" * 256, "x" * 257)
    }
    assert told == {"42": None, "421": "421", "x" * 256: "x" * 256, "x" * 257: None}
    stated = replace(method, shopper_reference="shopper-42")
    assert (
        call_of(plan_pay(ACCOUNT, replace(ORDER, payer=Payer(id="421")), stated, SLOT)).body["shopperReference"]
        == "shopper-42"
    )


def test_a_payment_needs_somewhere_to_come_back_to() -> None:
    """In the order or the account; a link does without."""
    bare = replace(ACCOUNT, return_url=None)
    for method in (CARD, AdyenSession()):
        with pytest.raises(InvalidIntent, match="return_url"):
            plan_pay(bare, ORDER, method, SLOT)
    assert "returnUrl" not in call_of(plan_pay(bare, ORDER, HostedPage(), SLOT)).body


def test_a_page_ends_with_its_order() -> None:
    """The end is on the wire, with an offset; a minute is the least."""
    plan = plan_pay(ACCOUNT, ORDER, HostedPage(), SLOT)
    assert call_of(plan).body["expiresAt"] == "2026-01-31T13:00:00+00:00"
    assert (plan.payable_until, plan.expires) == (SLOT.payable_until, True)
    with pytest.raises(InvalidIntent, match="minute"):
        plan_pay(ACCOUNT, ORDER, HostedPage(), replace(SLOT, payable_until=NOON + timedelta(seconds=59)))
    assert not plan_pay(ACCOUNT, ORDER, CARD, SLOT).expires


@pytest.mark.parametrize(
    ("name", "payment", "reverse"),
    [
        ("paymentLinks.expire", operation(identity={WAY: LINK_WAY}, ids={LINK: "PL1"}, state=State.ACTION), False),
        ("cancels", operation(identity={WAY: LINK_WAY}), False),
        ("cancels", operation(), False),
        ("cancels", operation(state=State.ACTION, ids={PSP: NUMBER}), True),
        ("cancels", operation(identity={WAY: SESSION_WAY}, ids={SESSION: "CS1"}), False),
        ("payments.cancels", operation(state=State.AUTHORIZED, ids={PSP: NUMBER}), False),
        ("payments.reversals", operation(state=State.SUCCEEDED, ids={PSP: NUMBER}), True),
    ],
)
def test_how_an_attempt_is_cancelled(name: str, payment: Operation, reverse: bool) -> None:
    """By how it stands; with our own reference of the cancel, which the webhook says."""
    call = call_of(plan_cancel(ACCOUNT, payment, replace(SLOT, partner_ref="CANCEL01C001"), reverse_paid=reverse))
    assert call.name == name
    assert call.body.get("reference", "CANCEL01C001") == "CANCEL01C001"
    if name == "cancels":
        assert call.body["paymentReference"] == TRADE


@pytest.mark.parametrize("reverse", [False, True])
def test_nothing_is_sent_for_what_is_paid_and_not_to_be_reversed(reverse: bool) -> None:
    """A cancel at Adyen would undo a payment that is not captured yet; without its number it cannot be reversed."""
    payment = operation(state=State.SUCCEEDED, ids={} if reverse else {PSP: NUMBER})
    (step,) = plan_cancel(ACCOUNT, payment, SLOT, reverse_paid=reverse).steps
    host = Host()
    cancel = replace(operation(), verb=payment.verb.CANCEL)
    found = host.run(Adyen(ACCOUNT).perform(cancel, step, 10.0))
    assert (found.state, host.sent) == (State.DOUBT if reverse else State.DECLINED, [])


@pytest.mark.parametrize(
    ("expected", "returned"),
    [
        ({"redirectResult": "x"}, {"redirectResult": "x", "utm": "y"}),
        ({"payload": "x"}, {"payload": "x"}),
        ({"MD": "1", "PaRes": "2"}, {"MD": "1", "PaRes": "2"}),
        ({"threeDSResult": "x"}, {"details": json.dumps({"threeDSResult": "x", "n": 1})}),
        ({}, {"details": "["}),
        ({}, {"details": "[1]"}),
        ({}, {"redirectResult": ""}),
        ({}, {"redirectResult": "x" * 100_001}),
        ({}, {}),
    ],
)
def test_what_came_back_is_handed_in(expected: Mapping[str, str], returned: Mapping[str, str]) -> None:
    """What Adyen knows, and nothing else; it proves nothing."""
    assert details_in(returned) == expected
    plan = plan_complete(ACCOUNT, operation(state=State.ACTION), returned, SLOT)
    assert (plan is not None) is bool(expected)


def test_what_came_back_twice_is_handed_in_once() -> None:
    """The page was loaded again."""
    waiting = operation(state=State.ACTION)
    plan = plan_complete(ACCOUNT, waiting, {"redirectResult": "x"}, SLOT)
    assert plan is not None
    known = replace(waiting, steps=plan.steps)
    assert plan_complete(ACCOUNT, known, {"redirectResult": "x"}, SLOT) is None
    assert plan_complete(ACCOUNT, known, {"redirectResult": "y"}, SLOT) is not None


def test_a_link_has_nothing_to_complete() -> None:
    """Its webhook tells."""
    payment = operation(state=State.ACTION, identity={WAY: LINK_WAY, TAKE: "automatic"})
    assert plan_complete(ACCOUNT, payment, {"redirectResult": "x"}, SLOT) is None


@pytest.mark.parametrize(
    ("expected", "reason"),
    [("CUSTOMER REQUEST", "customer request"), ("RETURN", "RETURN"), (None, "broken"), (None, "")],
)
def test_a_refund_says_why_in_adyens_words(expected: str | None, reason: str) -> None:
    """Others are left out."""
    paid = operation(state=State.SUCCEEDED, ids={PSP: NUMBER})
    plan = plan_refund(ACCOUNT, paid, EURO, replace(SLOT, partner_ref="REFUND01R001"), reason=reason)
    assert call_of(plan).body.get("merchantRefundReason") == expected
    assert plan.identity == {PSP: NUMBER}


def test_a_part_is_captured_only_where_the_rest_stays() -> None:
    """Without multiple partial captures Adyen releases the rest by itself."""
    hold = operation(state=State.AUTHORIZED, ids={PSP: NUMBER})
    with pytest.raises(InvalidIntent, match="multiple"):
        plan_capture(ACCOUNT, hold, EURO, SLOT, final=False)
    multiple = replace(ACCOUNT, multiple_partial_captures=True)
    assert call_of(plan_capture(multiple, hold, EURO, SLOT, final=False)).numbers == {PSP: NUMBER}


def test_without_adyens_number_nothing_can_be_modified() -> None:
    """It comes with the webhook."""
    with pytest.raises(InvalidIntent, match="AUTHORISATION"):
        plan_refund(ACCOUNT, operation(state=State.SUCCEEDED), EURO, SLOT, reason="")
