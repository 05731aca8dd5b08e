"""Cancelling: how an attempt is ended, and what is no end."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.wire.stripe.records import CHARGE, INTENT, REFUND, SESSION, SLOT, STRIPE, Host, operation

from payport.schemas.outcome import UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.message import FailureKind, SendFailure, WireReply
from payport.sdk.observation import Observation

LATER = 10.0
SILENCE = SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="no answer")
IDS = {"payment_intent": "pi_1"}
CANCELED = {**INTENT, "status": "canceled"}
LET_GO = {**CANCELED, "latest_charge": CHARGE}


def ok(node: dict[str, Any], status: int = 200) -> WireReply:
    return WireReply(status, (), json.dumps(node).encode())


def page(*records: dict[str, Any]) -> WireReply:
    return ok({"object": "list", "data": list(records), "has_more": False, "url": "/v1"})


def error(status: int, **fields: Any) -> WireReply:
    return ok({"error": {"type": "invalid_request_error", **fields}}, status)


CANCEL = operation(Verb.CANCEL, partner_ref="SHOP10010001X001", identity={"payment_ref": "SHOP10010001T001"})
PAID = {**INTENT, "status": "succeeded", "amount_received": 1234}
BACK = {**REFUND, "metadata": {"payport_ref": "SHOP10010001X001"}}
EXPIRED = {**SESSION, "status": "expired"}
UNEXPECTED = "payment_intent_unexpected_state"
ON_PAGE = {"checkout_session": "cs_test_1"}


def cancel(payment: Operation, *answers: Any, reverse: bool = False, ids: Any = None) -> Observation:
    slot = replace(SLOT, partner_ref="SHOP10010001X001")
    (step,) = STRIPE.plan_cancel(payment, slot, reverse_paid=reverse).steps
    host = Host(*answers)
    told = host.run(STRIPE.perform(replace(CANCEL, ids=ids or {}), step, LATER))
    assert host.answers == []
    return told


# How it ended; the payment, the answers, whether what is paid is given back.
ENDED: dict[str, tuple[CancelledBy, Operation, list[Any], bool]] = {
    "canceled": (CancelledBy.CLOSED, operation(ids=IDS), [ok(CANCELED)], False),
    "canceled before": (
        CancelledBy.CLOSED,
        operation(ids=IDS),
        [error(400, code=UNEXPECTED, payment_intent=CANCELED)],
        False,
    ),
    "canceled before, and the refusal does not show it": (
        CancelledBy.CLOSED,
        operation(ids=IDS),
        [error(400, code=UNEXPECTED), ok(CANCELED)],
        False,
    ),
    "a hold": (CancelledBy.VOIDED, operation(ids=IDS, state=State.AUTHORIZED), [ok(CANCELED)], False),
    "a hold that came through meanwhile": (CancelledBy.VOIDED, operation(ids=IDS), [ok(LET_GO)], False),
    "a refused card": (
        CancelledBy.CLOSED,
        operation(ids=IDS),
        [ok({**CANCELED, "latest_charge": {**CHARGE, "paid": False}})],
        False,
    ),
    "canceled before, and the refusal shows no charge": (
        CancelledBy.VOIDED,
        operation(ids=IDS),
        [error(400, code=UNEXPECTED, payment_intent={**CANCELED, "latest_charge": CHARGE["id"]}), ok(LET_GO)],
        False,
    ),
    "found first": (CancelledBy.CLOSED, operation(), [page(INTENT), ok(CANCELED)], False),
    "a page": (CancelledBy.CLOSED, operation(ids=ON_PAGE), [ok(EXPIRED), ok(EXPIRED)], False),
    "a page that was over": (CancelledBy.CLOSED, operation(ids=ON_PAGE), [error(400), ok(EXPIRED)], False),
    "a page with a hold": (
        CancelledBy.VOIDED,
        operation(ids=ON_PAGE),
        [
            error(400),
            ok({**SESSION, "status": "complete", "payment_intent": {**INTENT, "status": "requires_capture"}}),
            ok(CANCELED),
        ],
        False,
    ),
    "paid": (CancelledBy.REVERSED, operation(ids=IDS, state=State.SUCCEEDED), [ok(BACK)], True),
    "paid meanwhile": (
        CancelledBy.REVERSED,
        operation(ids=IDS),
        [error(400, code=UNEXPECTED, payment_intent=PAID), ok(BACK)],
        True,
    ),
    "paid, and given back slowly": (
        CancelledBy.REVERSED,
        operation(ids=IDS, state=State.SUCCEEDED),
        [ok({**BACK, "status": "pending"}), ok(BACK)],
        True,
    ),
    "a page that was paid": (
        CancelledBy.REVERSED,
        operation(ids=ON_PAGE),
        [error(400), ok({**SESSION, "status": "complete", "payment_intent": PAID}), ok(BACK)],
        True,
    ),
}


@pytest.mark.parametrize(("by", "payment", "answers", "reverse"), ENDED.values(), ids=ENDED.keys())
def test_how_a_cancel_ends(by: CancelledBy, payment: Operation, answers: list[Any], reverse: bool) -> None:
    """A refusal because the record moved on is no answer yet: how it stands then is."""
    told = cancel(payment, *answers, reverse=reverse)
    assert (told.state, told.cancelled_by) == (State.SUCCEEDED, by)


# The state and doubt; the payment, the answers, whether what is paid is given back.
NOT_ENDED: dict[str, tuple[State, UnknownKind | None, Operation, list[Any], bool]] = {
    "paid": (State.DECLINED, None, operation(ids=IDS), [error(400, code=UNEXPECTED, payment_intent=PAID)], False),
    "on its way": (
        State.DECLINED,
        None,
        operation(ids=IDS),
        [error(400, code=UNEXPECTED, payment_intent={**INTENT, "status": "processing"})],
        True,
    ),
    "a page that was paid": (
        State.DECLINED,
        None,
        operation(ids=ON_PAGE),
        [error(400), ok({**SESSION, "status": "complete", "payment_intent": PAID})],
        False,
    ),
    "given back, not final": (
        State.PENDING,
        None,
        operation(ids=IDS, state=State.SUCCEEDED),
        [ok({**BACK, "status": "pending"}), ok({**BACK, "status": "pending"})],
        True,
    ),
    "giving back failed": (
        State.DECLINED,
        None,
        operation(ids=IDS, state=State.SUCCEEDED),
        [ok({**BACK, "status": "failed"})],
        True,
    ),
    "not found is no fence": (State.DOUBT, UnknownKind.NOT_FOUND, operation(), [page()], False),
    "a number that Stripe does not know is no fence": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        operation(ids=IDS),
        [error(404, code="resource_missing")],
        False,
    ),
    "an answer about another payment": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        operation(ids=IDS),
        [ok({**CANCELED, "metadata": {"payport_ref": "X"}})],
        False,
    ),
    "an answer about another intent": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        operation(ids=IDS),
        [ok({**CANCELED, "id": "pi_2"})],
        False,
    ),
    "an answer about another amount": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        operation(ids=IDS),
        [ok({**CANCELED, "amount": 1})],
        False,
    ),
    "a page of another payment": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        operation(ids=ON_PAGE),
        [ok(EXPIRED), ok({**EXPIRED, "client_reference_id": "X"})],
        False,
    ),
    "a refund of another payment": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        operation(ids=IDS, state=State.SUCCEEDED),
        [ok({**BACK, "payment_intent": "pi_2"})],
        True,
    ),
    "a refund of more than was paid": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        operation(ids=IDS, state=State.SUCCEEDED),
        [ok({**BACK, "amount": 9999})],
        True,
    ),
    "found another": (
        State.DOUBT,
        UnknownKind.NOT_FOUND,
        operation(),
        [page({**INTENT, "metadata": {}})],
        False,
    ),
    "another journal's request may be paid": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        operation(ids={"conflict": "1"}),
        [page()],
        False,
    ),
    "a search without an answer": (State.DOUBT, UnknownKind.NOT_FOUND, operation(), [SILENCE], False),
    "too many calls": (State.DECLINED, None, operation(ids=IDS), [error(429, code="rate_limit")], False),
    "moved on, and nobody says where": (
        State.DOUBT,
        UnknownKind.TIMED_OUT,
        operation(ids=IDS),
        [error(400, code=UNEXPECTED), SILENCE],
        False,
    ),
    "an answer that cannot be read, and a question without one": (
        State.DOUBT,
        UnknownKind.TIMED_OUT,
        operation(ids=IDS),
        [ok({}), SILENCE],
        False,
    ),
    "a page, no answer": (State.DOUBT, UnknownKind.TIMED_OUT, operation(ids=ON_PAGE), [SILENCE], False),
    "a page that Stripe does not know": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        operation(ids=ON_PAGE),
        [error(404, code="resource_missing")],
        False,
    ),
    "a page, and a question without an answer": (
        State.DOUBT,
        UnknownKind.TIMED_OUT,
        operation(ids=ON_PAGE),
        [error(400), SILENCE],
        False,
    ),
    "giving back, no answer": (
        State.DOUBT,
        UnknownKind.TIMED_OUT,
        operation(ids=IDS, state=State.SUCCEEDED),
        [SILENCE],
        True,
    ),
    "giving back, unreadable": (
        State.DOUBT,
        UnknownKind.UNREADABLE,
        operation(ids=IDS, state=State.SUCCEEDED),
        [ok({})],
        True,
    ),
    "giving back is refused": (
        State.DECLINED,
        None,
        operation(ids=IDS, state=State.SUCCEEDED),
        [error(400, code="charge_disputed")],
        True,
    ),
    "giving back under another reference": (
        State.DOUBT,
        UnknownKind.MISMATCH,
        operation(ids=IDS, state=State.SUCCEEDED),
        [ok({**BACK, "metadata": {}})],
        True,
    ),
    "given back before, and a question without an answer": (
        State.DOUBT,
        UnknownKind.TIMED_OUT,
        operation(ids=IDS, state=State.SUCCEEDED),
        [error(400, code="charge_already_refunded"), SILENCE],
        True,
    ),
    "a refund of tomorrow": (
        State.DOUBT,
        UnknownKind.UNKNOWN_STATUS,
        operation(ids=IDS, state=State.SUCCEEDED),
        [ok({**BACK, "status": "x"})],
        True,
    ),
    "still open": (State.DOUBT, UnknownKind.PARTNER_FAULT, operation(ids=IDS), [ok(INTENT)], False),
    "a page still open": (
        State.DOUBT,
        UnknownKind.PARTNER_FAULT,
        operation(ids=ON_PAGE),
        [ok(SESSION), ok(SESSION)],
        False,
    ),
    "a status of tomorrow": (
        State.DOUBT,
        UnknownKind.UNKNOWN_STATUS,
        operation(ids=IDS),
        [ok({**INTENT, "status": "x"})],
        False,
    ),
    "no answer": (State.DOUBT, UnknownKind.TIMED_OUT, operation(ids=IDS), [SILENCE], False),
}


@pytest.mark.parametrize(("state", "kind", "payment", "answers", "reverse"), NOT_ENDED.values(), ids=NOT_ENDED.keys())
def test_what_is_no_end(
    state: State, kind: UnknownKind | None, payment: Operation, answers: list[Any], reverse: bool
) -> None:
    """Paid, on its way, unknown, or about something else."""
    told = cancel(payment, *answers, reverse=reverse)
    assert told.state is state
    assert (told.unknown.kind if told.unknown else None) is kind


def test_a_refund_under_way_is_asked_about_by_its_number() -> None:
    """Its first answer is kept under its key for a day, "pending" included."""
    told = cancel(operation(ids=IDS, state=State.SUCCEEDED), ok(BACK), reverse=True, ids={"refund": "re_1"})
    assert told.cancelled_by is CancelledBy.REVERSED


def test_what_was_given_back_before_is_reversed() -> None:
    """Nothing is left to give back, and the charge says so."""
    charge = {
        "id": "ch_1",
        "amount": 1234,
        "amount_captured": 1234,
        "amount_refunded": 1234,
        "currency": "eur",
        "captured": True,
        "disputed": False,
        "refunded": True,
        "paid": True,
        "status": "succeeded",
        "created": 1,
        "livemode": False,
    }
    paid = operation(ids=IDS, state=State.SUCCEEDED)
    told = cancel(paid, error(400, code="charge_already_refunded"), ok({**PAID, "latest_charge": charge}), reverse=True)
    assert told.cancelled_by is CancelledBy.REVERSED
    charge["refunded"] = False
    told = cancel(paid, error(400, code="charge_already_refunded"), ok({**PAID, "latest_charge": charge}), reverse=True)
    assert told.state is State.DECLINED
