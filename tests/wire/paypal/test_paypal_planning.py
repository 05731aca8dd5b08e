"""From intents to calls: frozen, pure, with the request ids that PayPal recognises repetitions by."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest
from tests.wire.paypal.shapes import ACCOUNT, AMOUNT, CAPTURE_ID, CREATE, MERCHANT, NOON, ORDER_ID, REF, SLOT, operation

from payport.adapters.paypal import PayeeKind, PayPalMethod, PayPalPayee
from payport.adapters.paypal.calls import Call
from payport.adapters.paypal.planning import (
    authorization_of,
    plan_cancel,
    plan_capture,
    plan_complete,
    plan_pay,
    plan_payout,
    plan_refund,
)
from payport.schemas import CaptureMode, HostedPage, MobileWeb, Money, Order, Payer, PayoutOrder, QrShown
from payport.sdk.adapter import InvalidIntent, Plan
from payport.sdk.journal.records import State, Step, Verb

ORDER = Order(ref="SHOP10010001", amount=AMOUNT, subject="Tea for two")
APPROVED = {"order_id": ORDER_ID, "approved": "1"}
CAPTURED = replace(CREATE, name="capture-1", moves_money=True)


def call_of(plan: Plan | None) -> Call:
    """The only step's call."""
    assert plan is not None
    (step,) = plan.steps
    assert step.request is not None
    return Call.decode(step.request)


def test_an_order_names_itself_in_every_place() -> None:
    """reference_id, custom_id and invoice_id: whichever PayPal repeats, it is ours; and who is paid."""
    plan = plan_pay(ACCOUNT, ORDER, HostedPage(), SLOT)
    call = call_of(plan)
    assert (call.endpoint, call.verb, call.path) == ("orders.create", "POST", "/v2/checkout/orders")
    assert call.request_id == f"{REF}-create"
    assert call.body == {
        "intent": "CAPTURE",
        "purchase_units": [
            {
                "reference_id": REF,
                "custom_id": REF,
                "invoice_id": REF,
                "description": "Tea for two",
                "amount": {"currency_code": "USD", "value": "12.34"},
                "payee": {"merchant_id": MERCHANT},
            }
        ],
        "payment_source": {
            "paypal": {
                "experience_context": {
                    "return_url": "https://shop.example/paid",
                    "cancel_url": "https://shop.example/paid",
                    "user_action": "PAY_NOW",
                    "shipping_preference": "NO_SHIPPING",
                }
            }
        },
    }
    (step,) = plan.steps
    assert not step.moves_money  # an order that is never captured moves nothing
    assert (step.replayable, step.replay_until) == (True, NOON + timedelta(hours=6))
    assert plan.identity == {"intent": "CAPTURE"}


def test_the_same_intent_gives_the_same_bytes() -> None:
    """What is sealed in the journal is what any process would have made."""
    one, two = (plan_pay(ACCOUNT, ORDER, HostedPage(), SLOT) for _ in range(2))
    assert one == two


def test_the_shop_says_where_the_payer_comes_back_to() -> None:
    """The order's own address first, then the account's; the phone's way out is the cancel page."""
    account = replace(ACCOUNT, brand_name="The Tea Shop", cancel_url="https://shop.example/basket")
    asked = replace(ORDER, return_url="https://shop.example/o/1", payer=Payer(email="payer@example.com"))
    body = call_of(plan_pay(account, asked, MobileWeb(quit_url="https://m.shop.example/"), SLOT)).body
    wallet = cast("dict[str, dict[str, dict[str, object]]]", body)["payment_source"]["paypal"]
    context = cast("dict[str, str]", wallet["experience_context"])
    assert wallet["email_address"] == "payer@example.com"
    assert (context["return_url"], context["cancel_url"]) == ("https://shop.example/o/1", "https://m.shop.example/")
    assert context["brand_name"] == "The Tea Shop"
    plain = call_of(plan_pay(account, ORDER, MobileWeb(), SLOT)).body
    assert "https://shop.example/basket" in repr(plain)
    with pytest.raises(InvalidIntent, match="return_url"):
        plan_pay(replace(ACCOUNT, return_url=None), ORDER, HostedPage(), SLOT)


def test_a_hold_is_another_intent() -> None:
    """AUTHORIZE; completing it authorizes."""
    plan = plan_pay(ACCOUNT, replace(ORDER, capture=CaptureMode.MANUAL), HostedPage(), SLOT)
    assert plan.identity == {"intent": "AUTHORIZE"}
    held = operation(state=State.ACTION, ids=APPROVED, identity=plan.identity)
    call = call_of(plan_complete(held, {"token": ORDER_ID}, SLOT))
    assert (call.endpoint, call.path) == ("orders.authorize", f"/v2/checkout/orders/{ORDER_ID}/authorize")


@pytest.mark.parametrize(
    "broken",
    [
        lambda: plan_pay(ACCOUNT, ORDER, cast("PayPalMethod", QrShown()), SLOT),
        lambda: plan_pay(ACCOUNT, replace(ORDER, amount=Money(1, "HUF")), HostedPage(), SLOT),
        lambda: plan_pay(ACCOUNT, replace(ORDER, subject="half \ud83c"), HostedPage(), SLOT),
        lambda: plan_refund(operation(state=State.SUCCEEDED), AMOUNT, SLOT, reason=""),
        lambda: plan_capture(operation(state=State.AUTHORIZED), AMOUNT, SLOT, final=True),
    ],
)
def test_what_paypal_cannot_take_is_refused_here(broken: object) -> None:
    """A method, a fraction of a forint, half a character, a number that is not known yet."""
    with pytest.raises(InvalidIntent):
        cast("type", broken)()


def test_long_texts_are_cut_to_what_paypal_takes() -> None:
    """127 characters of description, 255 of a note."""
    body = call_of(plan_pay(ACCOUNT, replace(ORDER, subject="x" * 256), HostedPage(), SLOT)).body
    assert "x" * 127 in repr(body)
    assert "x" * 128 not in repr(body)


def test_each_try_to_capture_has_a_request_id_of_its_own() -> None:
    """Under the id of a refused try PayPal would only tell of that refusal again."""
    first = operation(state=State.ACTION, ids=APPROVED)
    second = operation(state=State.ACTION, ids=APPROVED, steps=(CREATE, CAPTURED))
    ids = [call_of(plan_complete(each, {"token": ORDER_ID}, SLOT)).request_id for each in (first, second)]
    assert ids == [f"{REF}-capture-1", f"{REF}-capture-2"]


AUTOMATIC = {"intent": "CAPTURE", "complete": "1"}


@pytest.mark.parametrize(
    ("why", "payment", "returned", "plans"),
    [
        ("the payer came back", operation(state=State.ACTION, ids=APPROVED), {"token": ORDER_ID}, True),
        ("the caller says so", operation(state=State.ACTION, ids={"order_id": ORDER_ID}), {}, True),
        ("another order's page", operation(state=State.ACTION, ids=APPROVED), {"token": "X"}, False),
        ("no order yet", operation(state=State.ACTION), {"token": ORDER_ID}, False),
        ("pending already", operation(state=State.PENDING, ids=APPROVED), {"token": ORDER_ID}, False),
        ("adopted: another's order", operation(state=State.ACTION, ids=APPROVED, steps=()), {}, False),
        ("resume, approved", operation(state=State.ACTION, ids=APPROVED, identity=AUTOMATIC), {}, True),
        (
            "resume, not approved",
            operation(state=State.ACTION, ids={"order_id": ORDER_ID}, identity=AUTOMATIC),
            {},
            False,
        ),
        (
            "resume, refused before",
            operation(state=State.ACTION, ids=APPROVED, identity=AUTOMATIC, steps=(CREATE, CAPTURED)),
            {},
            False,
        ),
        (
            "refused before, came back",
            operation(state=State.ACTION, ids=APPROVED, identity=AUTOMATIC, steps=(CREATE, CAPTURED)),
            {"token": ORDER_ID},
            True,
        ),
    ],
)
def test_when_an_order_is_captured(why: str, payment: object, returned: dict[str, str], plans: bool) -> None:
    """By whoever means it; by ``resume`` only what was seen approved, and not again after a refusal."""
    assert (plan_complete(cast("type", payment), returned, SLOT) is not None) is plans, why  # type: ignore[arg-type]


def test_nothing_is_captured_after_its_time() -> None:
    """``payable_until`` is kept here: PayPal would still take it."""
    late = replace(SLOT, now=SLOT.payable_until)
    assert plan_complete(operation(state=State.ACTION, ids=APPROVED), {"token": ORDER_ID}, late) is None


IN_DOUBT = replace(CAPTURED, done=False)


@pytest.mark.parametrize(
    ("payment", "reverse", "step", "path"),
    [
        (operation(), False, "forgo", None),
        (operation(state=State.ACTION, ids=APPROVED), False, "forgo", None),
        (operation(state=State.ACTION, ids=APPROVED, steps=(CREATE, CAPTURED)), True, "forgo", None),
        (operation(state=State.ACTION, ids=APPROVED, steps=(CREATE, IN_DOUBT)), False, "look", ORDER_ID),
        (operation(state=State.PENDING, ids=APPROVED, steps=(CREATE, CAPTURED)), False, "look", ORDER_ID),
        (operation(state=State.ACTION, ids=APPROVED, steps=()), False, "look", ORDER_ID),
        (operation(state=State.SUCCEEDED, ids={**APPROVED, "capture_id": CAPTURE_ID}), False, "look", ORDER_ID),
        (operation(state=State.SUCCEEDED, ids={**APPROVED, "capture_id": CAPTURE_ID}), True, "reverse", CAPTURE_ID),
        (operation(state=State.AUTHORIZED, ids={**APPROVED, "authorization_id": "A1"}), True, "void", "A1"),
    ],
)
def test_how_an_order_is_cancelled(payment: object, reverse: bool, step: str, path: str | None) -> None:
    """Never captured: forgone. A capture in doubt, or another's order: looked at. Held: voided. Paid: given back."""
    (planned,) = plan_cancel(cast("type", payment), SLOT, reverse_paid=reverse).steps  # type: ignore[arg-type]
    assert planned.name == step
    assert (planned.request is None) is (path is None)
    if path is not None and planned.request is not None:
        assert path in Call.decode(planned.request).path


def test_a_capture_of_a_hold_carries_its_own_reference() -> None:
    """As invoice, so that it is found again; 45 days."""
    hold = operation(state=State.AUTHORIZED, ids={"order_id": ORDER_ID, "authorization_id": "A1"})
    plan = plan_capture(hold, Money.of("2.00", "USD"), replace(SLOT, partner_ref="PARTA001C001"), final=False)
    call = call_of(plan)
    assert call.path == "/v2/payments/authorizations/A1/capture"
    assert call.body == {
        "amount": {"currency_code": "USD", "value": "2.00"},
        "invoice_id": "PARTA001C001",
        "final_capture": False,
    }
    assert plan.steps[0].replay_until == NOON + timedelta(days=45)


def test_the_newest_authorization_counts() -> None:
    """After holding anew."""
    ids = {"order_id": "O", "authorization_id": "A1", "authorization_id/1": "A2", "authorization_id/2": "A3"}
    assert authorization_of(operation(ids=ids)) == "A3"
    assert authorization_of(operation(ids={"authorization_id": "A1"})) == "A1"
    assert authorization_of(operation()) is None


def test_a_refund_names_what_it_gives_back_and_itself() -> None:
    """So that its event tells which operation it is, and which payment it is of."""
    paid = operation(state=State.SUCCEEDED, ids={"order_id": ORDER_ID, "capture_id": CAPTURE_ID})
    call = call_of(plan_refund(paid, Money.of("2.00", "USD"), replace(SLOT, partner_ref="BACK1R001"), reason="cold"))
    assert call.path == f"/v2/payments/captures/{CAPTURE_ID}/refund"
    assert call.body == {
        "amount": {"currency_code": "USD", "value": "2.00"},
        "custom_id": f"refund.{REF}",
        "invoice_id": "BACK1R001",
        "note_to_payer": "cold",
    }
    assert call.request_id == "BACK1R001-refund"


def test_a_refund_of_a_capture_knows_the_order_by_its_identity() -> None:
    """A capture has no order of its own."""
    capture = operation(Verb.CAPTURE, state=State.SUCCEEDED, ids={"capture_id": "C9"}, identity={"order_id": ORDER_ID})
    assert plan_refund(capture, AMOUNT, SLOT, reason="").identity["order_id"] == ORDER_ID


def test_a_payout_is_a_batch_of_one_under_our_own_number() -> None:
    """Batch and item carry it; 30 days; the field is ``currency`` here."""
    payee = PayPalPayee(kind=PayeeKind.PHONE, receiver="+14085551212")
    plan = plan_payout(PayoutOrder(ref="WAGES0001", amount=AMOUNT, subject="Wages", remark="November"), payee, SLOT)
    call = call_of(plan)
    assert call.body == {
        "sender_batch_header": {"sender_batch_id": REF, "email_subject": "Wages"},
        "items": [
            {
                "recipient_type": "PHONE",
                "receiver": "+14085551212",
                "amount": {"currency": "USD", "value": "12.34"},
                "sender_item_id": REF,
                "note": "November",
            }
        ],
    }
    assert plan.steps[0].replay_until == NOON + timedelta(days=30)


def test_a_call_comes_back_from_the_journal_as_it_was() -> None:
    """Encoded once, decoded by any later version."""
    (step,) = plan_pay(ACCOUNT, ORDER, HostedPage(), SLOT).steps
    assert isinstance(step, Step)
    assert step.request is not None
    assert Call.decode(step.request).encode() == step.request


def test_a_text_that_cannot_be_sent_is_refused_before_anything_is_written() -> None:
    """Half a surrogate pair, as a cut product name may end with, has no form in UTF-8."""
    half = "Tea \ud83c"
    wages = PayoutOrder(ref="WAGES0001", amount=AMOUNT, subject="Wages", remark=half)
    with pytest.raises(InvalidIntent, match="surrogate"):
        plan_payout(wages, PayPalPayee(kind=PayeeKind.EMAIL, receiver="a@example.com"), SLOT)
    with pytest.raises(InvalidIntent, match="surrogate"):
        plan_pay(ACCOUNT, replace(ORDER, payer=Payer(email=half)), HostedPage(), SLOT)
