"""Asking and sending: by which number, and what is proof, what a hint, what nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

import pytest
from tests.wire.stripe.records import (
    ACCOUNT,
    AMOUNT,
    INTENT,
    NOON,
    PAYOUT,
    REFUND,
    SESSION,
    SLOT,
    STRIPE,
    Host,
    operation,
)

from payport.adapters.stripe import Stripe, StripePaymentMethod
from payport.schemas.order import Order
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.references import PartnerId
from payport.sdk.adapter import Found
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.message import FailureKind, SendFailure, WireReply
from payport.sdk.observation import Observation, Source

LATER = 10.0
SILENCE = SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="no answer")
IDS = {"payment_intent": "pi_1"}
BURNT = {"burnt.payment_intents.confirm": "1"}
REFUSED = {**INTENT, "status": "requires_payment_method", "last_payment_error": {"type": "card_error", "code": "x"}}
CANCELED = {**INTENT, "status": "canceled"}
REFUND_OF = operation(Verb.REFUND, partner_ref="REFUND0001R001", identity=IDS)
PAYOUT_OF = operation(Verb.PAYOUT, partner_ref="PAYOUT0001P001", identity={})


def ok(node: dict[str, Any], status: int = 200) -> WireReply:
    return WireReply(status, (), json.dumps(node).encode())


def page(*records: dict[str, Any]) -> WireReply:
    return ok({"object": "list", "data": list(records), "has_more": False, "url": "/v1"})


def ask(payment: Operation, *answers: WireReply | SendFailure, at: Any = NOON) -> tuple[Observation, list[str]]:
    """What is learnt, and which endpoints were asked."""
    host = Host(*answers, at=at)
    told = host.run(STRIPE.ask(payment, LATER))
    assert host.answers == []
    return told, [request.endpoint for request in host.sent]


def test_what_has_a_number_is_asked_by_it() -> None:
    """With the charge, where refunds stand; the key and the pinned version are on every request."""
    host = Host(ok({**INTENT, "status": "succeeded", "amount_received": 1234}))
    told = host.run(STRIPE.ask(operation(ids=IDS), LATER))
    (request,) = host.sent
    assert request.url == "https://api.stripe.com/v1/payment_intents/pi_1?expand[0]=latest_charge"
    assert request.headers["authorization"] == "Bearer sk_test_keyOfTheseTests"
    assert request.headers["stripe-version"] == "2026-05-27.dahlia"
    assert "stripe-account" not in request.headers
    assert (told.state, told.source) == (State.SUCCEEDED, Source.QUERY)


def test_a_platform_acts_for_the_connected_account() -> None:
    """In a header, so that one key serves many."""
    host = Host(ok(INTENT))
    host.run(Stripe(replace(ACCOUNT, connected=True)).ask(operation(ids=IDS), LATER))
    assert host.sent[0].headers["stripe-account"] == "acct_1Shop"


# The state and doubt; the operation, the answers, when.
ASKED: dict[str, tuple[State, UnknownKind | None, Operation, list[Any], timedelta]] = {
    "made, not confirmed: may be sent again": (
        State.DOUBT,
        UnknownKind.NOT_FOUND,
        operation(ids=IDS),
        [ok(INTENT)],
        timedelta(0),
    ),
    "made, not confirmed, its time is over: fence": (
        State.DOUBT,
        UnknownKind.INTERRUPTED,
        operation(ids=IDS),
        [ok(INTENT)],
        timedelta(hours=1),
    ),
    "made, its confirmation is spent: ended": (
        State.DECLINED,
        None,
        operation(ids={**IDS, **BURNT}),
        [ok(INTENT), ok(CANCELED)],
        timedelta(0),
    ),
    "made, its confirmation is spent, ending fails": (
        State.DOUBT,
        UnknownKind.PARTNER_FAULT,
        operation(ids={**IDS, **BURNT}),
        [ok(INTENT), SILENCE],
        timedelta(0),
    ),
    "refused before anything was handed out": (
        State.DECLINED,
        None,
        operation(ids=IDS),
        [ok(REFUSED)],
        timedelta(0),
    ),
    "refused after the payer was shown something: ended first": (
        State.DECLINED,
        None,
        operation(ids=IDS, state=State.ACTION, acted=True),
        [ok(REFUSED), ok(CANCELED)],
        timedelta(0),
    ),
    "refused, and ending it fails": (
        State.PENDING,
        None,
        operation(ids=IDS, state=State.ACTION, acted=True),
        [ok(REFUSED), ok({"error": {"type": "invalid_request_error"}}, 400)],
        timedelta(0),
    ),
    "refused, and what was ended is another one": (
        State.PENDING,
        None,
        operation(ids=IDS, state=State.PENDING),
        [ok(REFUSED), ok({**CANCELED, "id": "pi_2"})],
        timedelta(0),
    ),
    "no number, the search finds it": (
        State.SUCCEEDED,
        None,
        operation(),
        [page({**INTENT}), ok({**INTENT, "status": "succeeded", "amount_received": 1234})],
        timedelta(0),
    ),
    "no number, the search finds nothing": (State.DOUBT, UnknownKind.NOT_FOUND, operation(), [page()], timedelta(0)),
    "no number, the search finds another": (
        State.DOUBT,
        UnknownKind.NOT_FOUND,
        operation(),
        [page({**INTENT, "metadata": {}})],
        timedelta(0),
    ),
    "no number, the search fails": (
        State.DOUBT,
        UnknownKind.NOT_FOUND,
        operation(),
        [ok({"error": {"type": "api_error"}}, 500)],
        timedelta(0),
    ),
    "no number, and the creation is spent": (
        State.DECLINED,
        None,
        operation(ids={"burnt.payment_intents.create": "1"}),
        [page()],
        timedelta(0),
    ),
    "no number, and another journal's request has the key": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        operation(ids={"conflict": "1"}),
        [page()],
        timedelta(hours=2),
    ),
    "a page without a number": (State.DOUBT, UnknownKind.NOT_FOUND, operation(way="page"), [], timedelta(0)),
    "a page": (
        State.ACTION,
        None,
        operation(way="page", ids={"checkout_session": "cs_test_1"}),
        [ok(SESSION)],
        timedelta(0),
    ),
    "a number that Stripe does not know": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        operation(ids=IDS),
        [ok({"error": {"type": "invalid_request_error", "code": "resource_missing"}}, 404)],
        timedelta(0),
    ),
    "another order": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        operation(ids=IDS),
        [ok({**INTENT, "metadata": {"payport_ref": "X"}})],
        timedelta(0),
    ),
    "another amount": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        operation(ids=IDS),
        [ok({**INTENT, "amount": 1})],
        timedelta(0),
    ),
    "another currency": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        operation(ids=IDS),
        [ok({**INTENT, "currency": "usd"})],
        timedelta(0),
    ),
    "another mode": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        operation(ids=IDS),
        [ok({**INTENT, "livemode": True})],
        timedelta(0),
    ),
    "no answer": (State.DOUBT, UnknownKind.TIMED_OUT, operation(ids=IDS), [SILENCE], timedelta(0)),
    "no key": (
        State.DOUBT,
        UnknownKind.PARTNER_FAULT,
        operation(ids=IDS),
        [ok({"error": {"type": "x"}}, 401)],
        timedelta(0),
    ),
    "half a króna": (
        State.DOUBT,
        UnknownKind.UNREADABLE,
        operation(ids=IDS),
        [ok({**INTENT, "amount": 550, "currency": "isk"})],
        timedelta(0),
    ),
    "a refund by its number": (
        State.SUCCEEDED,
        None,
        replace(REFUND_OF, ids={"refund": "re_1"}),
        [ok(REFUND)],
        timedelta(0),
    ),
    "a refund by its reference": (State.SUCCEEDED, None, REFUND_OF, [page(REFUND)], timedelta(0)),
    "a refund that is not shown": (State.DOUBT, UnknownKind.NOT_FOUND, REFUND_OF, [page()], timedelta(0)),
    "a refund whose key is spent": (
        State.DOUBT,
        UnknownKind.PARTNER_FAULT,
        replace(REFUND_OF, ids={"burnt.refunds.create": "1"}),
        [page()],
        timedelta(0),
    ),
    "a refund whose key is spent, a day later": (
        State.DOUBT,
        UnknownKind.NOT_FOUND,
        replace(REFUND_OF, ids={"burnt.refunds.create": "1"}),
        [page()],
        timedelta(days=1),
    ),
    "a payout by its number": (
        State.PENDING,
        None,
        replace(PAYOUT_OF, ids={"payout": "po_1"}),
        [ok(PAYOUT)],
        timedelta(0),
    ),
    "a payout by its reference": (State.PENDING, None, PAYOUT_OF, [page(PAYOUT)], timedelta(0)),
    "a payout that is not shown": (State.DOUBT, UnknownKind.NOT_FOUND, PAYOUT_OF, [page()], timedelta(0)),
    "refused, and what ends it cannot be read": (
        State.PENDING,
        None,
        operation(ids=IDS, state=State.PENDING),
        [ok(REFUSED), ok({**CANCELED, "amount": "x"})],
        timedelta(0),
    ),
    "a page, no answer": (
        State.DOUBT,
        UnknownKind.TIMED_OUT,
        operation(way="page", ids={"checkout_session": "cs_test_1"}),
        [SILENCE],
        timedelta(0),
    ),
    "a page that cannot be read": (
        State.DOUBT,
        UnknownKind.UNREADABLE,
        operation(way="page", ids={"checkout_session": "cs_test_1"}),
        [ok({**SESSION, "amount_total": None})],
        timedelta(0),
    ),
    "a capture, no answer": (
        State.DOUBT,
        UnknownKind.TIMED_OUT,
        operation(Verb.CAPTURE, identity=IDS),
        [SILENCE],
        timedelta(0),
    ),
    "a refund by its number, no answer": (
        State.DOUBT,
        UnknownKind.TIMED_OUT,
        replace(REFUND_OF, ids={"refund": "re_1"}),
        [SILENCE],
        timedelta(0),
    ),
    "a refund by its reference, no answer": (State.DOUBT, UnknownKind.TIMED_OUT, REFUND_OF, [SILENCE], timedelta(0)),
    "a payout by its number, no answer": (
        State.DOUBT,
        UnknownKind.TIMED_OUT,
        replace(PAYOUT_OF, ids={"payout": "po_1"}),
        [SILENCE],
        timedelta(0),
    ),
    "a payout by its reference, no answer": (State.DOUBT, UnknownKind.TIMED_OUT, PAYOUT_OF, [SILENCE], timedelta(0)),
    "a cancel": (State.DOUBT, UnknownKind.UNKNOWN_STATUS, operation(Verb.CANCEL), [], timedelta(0)),
}


@pytest.mark.parametrize(("state", "kind", "payment", "answers", "later"), ASKED.values(), ids=ASKED.keys())
def test_what_asking_teaches(
    state: State, kind: UnknownKind | None, payment: Operation, answers: list[Any], later: timedelta
) -> None:
    """One table. What is found is believed, what is not found proves nothing."""
    told, _ = ask(payment, *answers, at=NOON + later)
    assert told.state is state
    assert (told.unknown.kind if told.unknown else None) is kind


def test_a_lost_intent_is_looked_for_by_our_reference() -> None:
    """In a search, whose word is only where to look: the record itself is then asked for."""
    host = Host(page(INTENT), ok(INTENT))
    told = host.run(STRIPE.ask(operation(), LATER))
    query = "query=metadata['payport_ref']:'SHOP10010001T001'&limit=1"
    assert unquote_plus(host.sent[0].url.partition("?")[2]) == query
    assert [request.endpoint for request in host.sent] == ["payment_intents.search", "payment_intents.retrieve"]
    assert told.ids["payment_intent"] == "pi_1", "its number is learnt, though nothing else is"


PLAN = STRIPE.plan_pay(
    Order(ref="SHOP10010001", amount=AMOUNT, subject="Tea"), StripePaymentMethod(payment_method="pm_card_visa"), SLOT
)
CREATE, CONFIRM = PLAN.steps
PAID = {**INTENT, "status": "succeeded", "amount_received": 1234}


def send(payment: Operation, step: Step, *answers: WireReply | SendFailure) -> tuple[Observation, Host]:
    host = Host(*answers)
    return host.run(STRIPE.perform(payment, step, LATER)), host


def test_the_first_step_brings_the_number_and_the_second_goes_to_it() -> None:
    """With keys; the same bytes each time."""
    told, host = send(operation(), CREATE, ok(INTENT))
    assert (told.state, told.unknown, dict(told.ids)) == (State.DOUBT, None, IDS)
    assert host.sent[0].headers["idempotency-key"] == "payport-SHOP10010001T001-payment_intents.create"
    told, host = send(operation(ids=IDS), CONFIRM, ok({**INTENT, "status": "succeeded", "amount_received": 1234}))
    assert told.state is State.SUCCEEDED
    assert host.sent[0].url == "https://api.stripe.com/v1/payment_intents/pi_1/confirm"
    assert host.sent[0].moves_money


@pytest.mark.parametrize("changes", [{"amount": 1}, {"currency": "usd"}, {"metadata": {}}, {"livemode": True}])
def test_a_first_step_that_answers_something_else_stops_there(changes: dict[str, Any]) -> None:
    """Nothing is confirmed that is not what was asked for."""
    told, _ = send(operation(), CREATE, ok({**INTENT, **changes}))
    assert told.unknown is not None
    assert told.unknown.kind is UnknownKind.MISMATCH


def test_a_confirmation_without_a_number_is_not_sent() -> None:
    """There is nothing to send it to."""
    told, host = send(operation(), CONFIRM)
    assert (told.state, host.sent) == (State.NOT_SENT, [])


def test_a_request_that_was_not_kept_is_not_sent() -> None:
    """Without a sealing key a step may only be asked about."""
    told, host = send(operation(), replace(CREATE, request=None))
    assert (told.state, host.sent) == (State.NOT_SENT, [])


@pytest.mark.parametrize(
    ("state", "kind", "changes"),
    [
        (State.DOUBT, UnknownKind.UNREADABLE, {"amount": "1234"}),
        (State.DECLINED, None, {"status": "requires_payment_method", "last_payment_error": {"type": "card_error"}}),
    ],
)
def test_a_confirmation_that_is_answered_oddly(state: State, kind: UnknownKind | None, changes: dict[str, Any]) -> None:
    """Unreadable is a doubt; refused with status 200 is refused."""
    told, _ = send(operation(ids=IDS), CONFIRM, ok({**INTENT, **changes}))
    assert (told.state, told.unknown.kind if told.unknown else None) == (state, kind)


def error(status: int, **fields: Any) -> WireReply:
    return ok({"error": {"type": "invalid_request_error", **fields}}, status)


def test_a_confirmation_of_what_moved_on_is_asked_about() -> None:
    """ "Unexpected state" may mean that an earlier try was carried out."""
    told, _ = send(
        operation(ids=IDS), CONFIRM, error(400, code="payment_intent_unexpected_state"),
        ok({**INTENT, "status": "succeeded", "amount_received": 1234}),
    )  # fmt: skip
    assert told.state is State.SUCCEEDED


def test_a_refund_of_what_is_given_back_already_is_a_refusal() -> None:
    """When this very refund is not among those that were made."""
    (step,) = STRIPE.plan_refund(operation(ids=IDS), AMOUNT, SLOT, reason="").steps
    told, _ = send(REFUND_OF, step, error(400, code="charge_already_refunded"), page())
    assert (told.state, told.reason) == (State.DECLINED, Reason.INVALID_STATE)
    told, _ = send(REFUND_OF, step, error(400, code="charge_already_refunded"), page(REFUND))
    assert told.state is State.SUCCEEDED


# Our reference as found, the number, the answer.
FOUND = [
    ("SHOP10010001T001", "pi_1", PAID),
    ("SHOP10010001T001", "cs_test_1", SESSION),
    ("pi_1", "pi_1", {**PAID, "metadata": {}}),
    (None, "pi_1", {**PAID, "livemode": True}),
    (None, "pi_1", {**PAID, "status": "x"}),
]


@pytest.mark.parametrize(("reference", "number", "node"), FOUND)
def test_a_payment_is_found_by_stripes_number(reference: str | None, number: str, node: dict[str, Any]) -> None:
    """For ``adopt``; what cannot be read is not adopted."""
    found = Host(ok(node)).run(STRIPE.find(PartnerId(number), LATER))
    assert isinstance(found, Found)
    assert found.partner_ref == reference


def test_a_number_of_another_kind_is_not_looked_for() -> None:
    """Charges and customers are no payments."""
    found = Host().run(STRIPE.find(PartnerId("ch_1"), LATER))
    assert found.partner_ref is None
