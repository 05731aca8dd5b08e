"""What Stripe's records teach: one table per kind of record; unknown words are kept and doubted."""

from __future__ import annotations

from typing import Any

import pytest
from tests.wire.stripe.records import (
    AMOUNT,
    CHARGE,
    INTENT,
    NOON,
    PAYOUT,
    REFUND,
    SESSION,
    STAMP,
    TRADE,
    operation,
)

from payport.adapters.stripe.reading.fields import Unreadable, instant, parsed
from payport.adapters.stripe.reading.intents import read_capture, read_intent
from payport.adapters.stripe.reading.refunds import read_payout, read_refund
from payport.adapters.stripe.reading.sessions import read_session
from payport.adapters.stripe.wire import StripeIntent, StripePayout, StripeRefund, StripeSession
from payport.schemas.actions import Action, AppParameters, QrCode, Redirect
from payport.schemas.money import Money
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy, FactKind
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.observation import Observation, Source

NO_MONEY = {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds", "message": "No."}
PAID: dict[str, Any] = {"status": "succeeded", "amount_received": 1234}


def intent(way: str = "direct", **changes: Any) -> Observation:
    record = parsed(StripeIntent, {**INTENT, **changes})
    return read_intent(record, Source.QUERY, way=way, seen_at=NOON, publishable_key="pk_test_x")


def session(**changes: Any) -> Observation:
    return read_session(parsed(StripeSession, {**SESSION, **changes}), Source.QUERY, seen_at=NOON)


# The state, the reason, the way, the record.
INTENTS: dict[str, tuple[State, Reason | None, str, dict[str, Any]]] = {
    "made by us, not confirmed": (State.DOUBT, None, "direct", {}),
    "made by somebody else, not confirmed": (State.ACTION, None, "", {}),
    "waits for a card in the browser": (State.ACTION, None, "elements", {"status": "requires_payment_method"}),
    "refused in the browser, may try again": (
        State.ACTION,
        Reason.INSUFFICIENT_FUNDS,
        "elements",
        {"status": "requires_payment_method", "last_payment_error": NO_MONEY},
    ),
    "refused at the server: asking tells whether that is the end": (
        State.PENDING,
        Reason.INSUFFICIENT_FUNDS,
        "direct",
        {"status": "requires_payment_method", "last_payment_error": NO_MONEY},
    ),
    "waits for the bank": (State.ACTION, None, "direct", {"status": "requires_action"}),
    "on its way": (State.PENDING, None, "direct", {"status": "processing"}),
    "held": (State.AUTHORIZED, None, "direct", {"status": "requires_capture", "capture_method": "manual"}),
    "paid": (State.SUCCEEDED, None, "direct", PAID),
    "held, then captured in part: its captures tell how much was paid": (
        State.AUTHORIZED,
        None,
        "direct",
        {**PAID, "amount_received": 500, "capture_method": "manual"},
    ),
    "canceled by us": (
        State.DECLINED,
        Reason.CLOSED,
        "direct",
        {"status": "canceled", "cancellation_reason": "abandoned"},
    ),
    "canceled by time": (
        State.DECLINED,
        Reason.EXPIRED,
        "direct",
        {"status": "canceled", "cancellation_reason": "automatic"},
    ),
}


@pytest.mark.parametrize(("state", "reason", "way", "changes"), INTENTS.values(), ids=INTENTS.keys())
def test_what_an_intent_teaches(state: State, reason: Reason | None, way: str, changes: dict[str, Any]) -> None:
    """State and reason; and always whose, how much, and which number: that is what is compared with what was asked."""
    told = intent(way, **changes)
    assert (told.state, told.reason, told.unknown) == (state, reason, None)
    assert (told.partner_ref, told.amount, told.partner_id) == (TRADE, AMOUNT, "pi_1")
    assert told.ids["payment_intent"] == "pi_1"


# The kind of doubt, the record.
DOUBTS: dict[str, tuple[UnknownKind, dict[str, Any]]] = {
    "a status of tomorrow": (UnknownKind.UNKNOWN_STATUS, {"status": "requires_reauthorization"}),
    "less received than asked for": (UnknownKind.MISMATCH, {**PAID, "amount_received": 1}),
    "nothing received": (UnknownKind.MISMATCH, {"status": "succeeded"}),
}


@pytest.mark.parametrize(("kind", "changes"), DOUBTS.values(), ids=DOUBTS.keys())
def test_what_an_intent_leaves_in_doubt(kind: UnknownKind, changes: dict[str, Any]) -> None:
    """Never guessed. Peers take "succeeded, 1 EUR" for a charge of 10."""
    told = intent(**changes)
    assert told.state is State.DOUBT
    assert told.unknown is not None
    assert told.unknown.kind is kind


SECRET = AppParameters(
    payload="pi_1_secret_x",
    fields={"client_secret": "pi_1_secret_x", "payment_intent": "pi_1", "publishable_key": "pk_test_x"},
)
# What the payer is shown, and Stripe's next action.
ACTIONS: dict[str, tuple[Action | None, str, dict[str, Any]]] = {
    "a page of the bank": (
        Redirect(url="https://3ds"),
        "redirect_to_url",
        {"url": "https://3ds", "return_url": "https://a"},
    ),
    "a wallet's page": (Redirect(url="https://w"), "alipay_handle_redirect", {"native_url": "x", "url": "https://w"}),
    "a voucher": (
        Redirect(url="https://v"),
        "oxxo_display_details",
        {"hosted_voucher_url": "https://v", "number": "1"},
    ),
    "instructions": (
        Redirect(url="https://i"),
        "swish_handle_redirect_or_display_qr_code",
        {"hosted_instructions_url": "https://i", "qr_code": {"data": "x"}},
    ),
    "small deposits": (
        Redirect(url="https://m"),
        "verify_with_microdeposits",
        {"hosted_verification_url": "https://m"},
    ),
    "a code": (QrCode(text="weixin://wxpay/1"), "wechat_pay_display_qr_code", {"data": "weixin://wxpay/1"}),
    "what Stripe.js does": (SECRET, "use_stripe_sdk", {"type": "three_d_secure_redirect"}),
    "an action of tomorrow": (SECRET, "hologram", {"beam": "x"}),
    "an address that is none": (SECRET, "redirect_to_url", {"url": "javascript:alert(1)"}),
}


@pytest.mark.parametrize(("action", "kind", "detail"), ACTIONS.values(), ids=ACTIONS.keys())
def test_what_the_payer_must_do(action: Action, kind: str, detail: dict[str, Any]) -> None:
    """A link, a code, or Stripe.js with the client secret."""
    assert intent(status="requires_action", next_action={"type": kind, kind: detail}).action == action


@pytest.mark.parametrize(("action", "way"), [(SECRET, "elements"), (None, "page"), (None, "")])
def test_whom_the_client_secret_is_handed_to(action: Action | None, way: str) -> None:
    """To the browser of an order with elements; not for a page, nor for what was not made here."""
    assert intent(way, status="requires_payment_method").action == action


def test_what_was_given_back_stands_on_the_charge() -> None:
    """A fact beside the payment. What was held and never captured counts as "refunded" there too: that is no fact."""
    told = intent(latest_charge={**CHARGE, "amount_refunded": 200}, **PAID)
    (fact,) = told.facts
    assert (fact.kind, fact.amount) == (FactKind.REFUNDED, Money.of("2.00", "EUR"))
    assert told.at == instant(STAMP + 5)
    released = {**CHARGE, "amount_captured": 500, "amount_refunded": 734}
    assert intent(status="succeeded", amount_received=500, capture_method="manual", latest_charge=released).facts == ()


def test_what_was_not_made_here_is_named_by_stripes_number() -> None:
    """An adopted payment has no reference of ours."""
    assert intent("", metadata={}, **PAID).partner_ref == "pi_1"


# The state, the reason, the record.
SESSIONS: dict[str, tuple[State, Reason | None, dict[str, Any]]] = {
    "open": (State.ACTION, None, {}),
    "open after a refusal": (
        State.ACTION,
        Reason.INSUFFICIENT_FUNDS,
        {"payment_intent": {**INTENT, "status": "requires_payment_method", "last_payment_error": NO_MONEY}},
    ),
    "used and paid": (
        State.SUCCEEDED,
        None,
        {"status": "complete", "payment_status": "paid", "payment_intent": "pi_1"},
    ),
    "used, the intent tells that it is paid": (
        State.SUCCEEDED,
        None,
        {"status": "complete", "payment_status": "paid", "payment_intent": {**INTENT, **PAID}},
    ),
    "used, held": (
        State.AUTHORIZED,
        None,
        {"status": "complete", "payment_intent": {**INTENT, "status": "requires_capture", "capture_method": "manual"}},
    ),
    "used, on its way": (
        State.PENDING,
        None,
        {"status": "complete", "payment_intent": {**INTENT, "status": "processing"}},
    ),
    "used, nobody says how": (State.PENDING, None, {"status": "complete", "payment_intent": "pi_1"}),
    "used, the debit came back": (
        State.DECLINED,
        Reason.INSUFFICIENT_FUNDS,
        {
            "status": "complete",
            "payment_intent": {**INTENT, "status": "requires_payment_method", "last_payment_error": NO_MONEY},
        },
    ),
    "over": (State.DECLINED, Reason.EXPIRED, {"status": "expired", "url": None}),
}


@pytest.mark.parametrize(("state", "reason", "changes"), SESSIONS.values(), ids=SESSIONS.keys())
def test_what_a_page_teaches(state: State, reason: Reason | None, changes: dict[str, Any]) -> None:
    """The session says whose it is; once it is used the intent says how it stands."""
    told = session(**changes)
    assert (told.state, told.reason, told.unknown) == (state, reason, None)
    assert (told.partner_ref, told.amount) == (TRADE, AMOUNT)
    assert told.ids["checkout_session"] == "cs_test_1"


SESSION_DOUBTS: dict[str, tuple[UnknownKind, dict[str, Any]]] = {
    "a status of tomorrow": (UnknownKind.UNKNOWN_STATUS, {"status": "paused"}),
    "no status": (UnknownKind.UNKNOWN_STATUS, {"status": None}),
    "nothing to pay": (UnknownKind.UNKNOWN_STATUS, {"status": "complete", "payment_status": "no_payment_required"}),
    "another amount paid": (
        UnknownKind.MISMATCH,
        {"status": "complete", "payment_intent": {**INTENT, **PAID, "amount": 999, "amount_received": 999}},
    ),
    "an intent of tomorrow": (
        UnknownKind.UNKNOWN_STATUS,
        {"status": "complete", "payment_intent": {**INTENT, "status": "x"}},
    ),
}


@pytest.mark.parametrize(("kind", "changes"), SESSION_DOUBTS.values(), ids=SESSION_DOUBTS.keys())
def test_what_a_page_leaves_in_doubt(kind: UnknownKind, changes: dict[str, Any]) -> None:
    """Never guessed."""
    told = session(**changes)
    assert told.unknown is not None
    assert told.unknown.kind is kind


@pytest.mark.parametrize(
    ("state", "status"),
    [(State.PENDING, "pending"), (State.PENDING, "requires_action"), (State.SUCCEEDED, "succeeded"),
     (State.DECLINED, "failed"), (State.DECLINED, "canceled"), (State.DOUBT, "in_limbo"), (State.DOUBT, None)],
)  # fmt: skip
def test_what_a_refund_teaches(state: State, status: str | None) -> None:
    """One that succeeded may fail later: the machinery makes a fact of that."""
    told = read_refund(parsed(StripeRefund, {**REFUND, "status": status}), Source.QUERY, intent="pi_1")
    assert told.state is state
    assert state is State.DOUBT or (told.partner_ref, told.amount) == ("REFUND0001R001", AMOUNT)


def test_a_refund_of_another_payment_teaches_nothing() -> None:
    """Even with our reference on it."""
    told = read_refund(parsed(StripeRefund, REFUND), Source.REPLY, intent="pi_2")
    assert told.unknown is not None
    assert told.unknown.kind is UnknownKind.MISMATCH


@pytest.mark.parametrize(
    ("state", "status"),
    [(State.PENDING, "pending"), (State.PENDING, "in_transit"), (State.SUCCEEDED, "paid"), (State.DECLINED, "failed"),
     (State.DECLINED, "canceled"), (State.DOUBT, "in_limbo")],
)  # fmt: skip
def test_what_a_payout_teaches(state: State, status: str) -> None:
    """One that was paid may come back."""
    told = read_payout(parsed(StripePayout, {**PAYOUT, "status": status}), Source.QUERY)
    assert told.state is state


def capture(**changes: Any) -> Observation:
    told = {**INTENT, "capture_method": "manual", "status": "succeeded", "amount_received": 500, **changes}
    return read_capture(of_a_hold(), parsed(StripeIntent, told), Source.QUERY)


def of_a_hold() -> Operation:
    return operation(
        Verb.CAPTURE,
        partner_ref="SHOP10010001C001",
        identity={"payment_intent": "pi_1", "payment_ref": TRADE, "held": "1234"},
        amount=Money.of("5.00", "EUR"),
    )


MARK = {"payport_ref": TRADE, "capture_SHOP10010001C001": "500"}
# The state, the kind of doubt, the record.
CAPTURES: dict[str, tuple[State, UnknownKind | None, dict[str, Any]]] = {
    "carried out": (State.SUCCEEDED, None, {"metadata": MARK}),
    "one of several": (State.SUCCEEDED, None, {"metadata": MARK, "status": "requires_capture", "amount_received": 900}),
    "not there yet": (State.DOUBT, UnknownKind.NOT_FOUND, {"status": "requires_capture", "amount_received": 0}),
    "captured without this one": (State.DECLINED, None, {}),
    "let go before": (State.DECLINED, None, {"status": "canceled"}),
    "another hold": (State.DOUBT, UnknownKind.MISMATCH, {"metadata": {**MARK, "payport_ref": "SHOP10010002T001"}}),
    "another amount held": (State.DOUBT, UnknownKind.MISMATCH, {"metadata": MARK, "amount": 1}),
    "less received than captured": (State.DOUBT, UnknownKind.MISMATCH, {"metadata": MARK, "amount_received": 499}),
    "a mark that is no amount": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        {"metadata": {**MARK, "capture_SHOP10010001C001": "all"}},
    ),
    "a status of tomorrow": (State.DOUBT, UnknownKind.UNKNOWN_STATUS, {"metadata": MARK, "status": "x"}),
}


@pytest.mark.parametrize(("state", "kind", "changes"), CAPTURES.values(), ids=CAPTURES.keys())
def test_what_a_hold_teaches_about_one_capture(state: State, kind: UnknownKind | None, changes: dict[str, Any]) -> None:
    """Its own mark proves it; what was received is the sum of all captures."""
    told = capture(**changes)
    assert told.state is state
    assert (told.unknown.kind if told.unknown else None) is kind
    assert state is not State.SUCCEEDED or told.amount == Money.of("5.00", "EUR")


def test_over_by_cancel_says_how() -> None:
    """Closed by Stripe's word."""
    assert intent(status="canceled").cancelled_by is CancelledBy.CLOSED


@pytest.mark.parametrize(
    "changes",
    [{"amount": "1234"}, {"amount": True}, {"amount": 12.34}, {"currency": "EURO"}, {"id": ""}, {"livemode": None}],
)
def test_a_record_of_another_shape_is_unreadable(changes: dict[str, Any]) -> None:
    """The message names fields and never their contents."""
    with pytest.raises(Unreadable, match=next(iter(changes))):
        parsed(StripeIntent, {**INTENT, **changes})


@pytest.mark.parametrize(("amount", "currency"), [(550, "isk"), (10**20, "eur"), (1, "xxx")])
def test_an_amount_that_is_none_is_unreadable(amount: int, currency: str) -> None:
    """Half a króna, too many digits, a currency that is none."""
    with pytest.raises(Unreadable, match="amount"):
        intent(amount=amount, currency=currency)


def test_a_record_shows_no_secret_and_no_person() -> None:
    """Neither in its own repr nor in that of what was learnt."""
    record = parsed(StripeIntent, {**INTENT, "receipt_email": "a@b.example", "new_field": "somebody"})
    shown = repr(record) + repr(read_intent(record, Source.QUERY, way="elements"))
    for hidden in ("_secret_", "a@b.example", "somebody"):
        assert hidden not in shown
