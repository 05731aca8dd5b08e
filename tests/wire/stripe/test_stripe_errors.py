"""Refusals: in which category each lands, what may be tried again, and what is only doubted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.vectors import vectors
from tests.wire.stripe.records import INTENT

from payport.adapters.stripe.calls import Answer, Call, read_reply
from payport.adapters.stripe.mapping import Meaning, decline_reason, may_retry, verdict
from payport.adapters.stripe.reading.refusals import refusal
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.journal.records import State
from payport.sdk.message import WireReply
from payport.sdk.observation import Observation

INVALID = "invalid_request_error"

# What it amounts to and why; status, type, code, decline code.
VERDICTS = [
    (Meaning.REFUSED, Reason.INVALID_REQUEST, 400, INVALID, "parameter_missing", None),
    (Meaning.REFUSED, Reason.INVALID_REQUEST, 400, INVALID, "amount_too_small", None),
    (Meaning.REFUSED, Reason.INVALID_REQUEST, 422, INVALID, None, None),
    (Meaning.REFUSED, Reason.INVALID_REQUEST, 400, INVALID, "a_code_of_tomorrow", None),
    (Meaning.REFUSED, Reason.OTHER, 400, "a_type_of_tomorrow", None, None),
    (Meaning.REFUSED, Reason.UNAUTHENTICATED, 401, INVALID, None, None),
    (Meaning.REFUSED, Reason.DECLINED, 402, "card_error", "card_declined", "generic_decline"),
    (Meaning.REFUSED, Reason.DECLINED, 402, "card_error", "expired_card", None),
    (Meaning.REFUSED, Reason.DECLINED, 402, "card_error", "card_declined", "a_decline_of_tomorrow"),
    (Meaning.REFUSED, Reason.INSUFFICIENT_FUNDS, 402, "card_error", "card_declined", "insufficient_funds"),
    (Meaning.REFUSED, Reason.BLOCKED, 402, "card_error", "card_declined", "stolen_card"),
    (Meaning.REFUSED, Reason.LIMIT_EXCEEDED, 402, "card_error", "card_declined", "card_velocity_exceeded"),
    (Meaning.REFUSED, Reason.NOT_PERMITTED, 403, INVALID, None, None),
    (Meaning.ABSENT, Reason.NOT_FOUND, 404, INVALID, "resource_missing", None),
    (Meaning.ABSENT, Reason.NOT_FOUND, 400, INVALID, "resource_missing", None),
    (Meaning.MOVED_ON, Reason.INVALID_STATE, 400, INVALID, "payment_intent_unexpected_state", None),
    (Meaning.MOVED_ON, Reason.INVALID_STATE, 400, INVALID, "charge_already_refunded", None),
    (Meaning.REFUSED, Reason.INVALID_STATE, 400, INVALID, "charge_disputed", None),
    (Meaning.REFUSED, Reason.MERCHANT_FUNDS, 400, INVALID, "balance_insufficient", None),
    (Meaning.CONFLICT, Reason.DUPLICATE, 400, "idempotency_error", None, None),
    (Meaning.CONFLICT, Reason.DUPLICATE, 409, "idempotency_error", None, None),
    (Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE, 409, "idempotency_error", "idempotency_key_in_use", None),
    (Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE, 409, INVALID, None, None),
    (Meaning.REFUSED, Reason.RATE_LIMITED, 429, INVALID, "rate_limit", None),
    (Meaning.REFUSED, Reason.RATE_LIMITED, 400, INVALID, "rate_limit", None),
    (Meaning.UNKNOWN, Reason.RATE_LIMITED, 429, INVALID, "lock_timeout", None),
    (Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE, 500, "api_error", None, None),
    (Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE, 503, "api_error", None, None),
]


@pytest.mark.parametrize(("meaning", "reason", "status", "kind", "code", "decline"), VERDICTS)
def test_where_a_refusal_lands(
    meaning: Meaning, reason: Reason, status: int, kind: str, code: str | None, decline: str | None
) -> None:
    """One table, by status, type, code and decline code."""
    found = verdict(status, kind, code, decline)
    assert (found.meaning, found.reason) == (meaning, reason)


OFFICIAL: dict[str, set[Meaning]] = {
    "InvalidRequestError": {Meaning.REFUSED, Meaning.ABSENT},
    "IdempotencyError": {Meaning.CONFLICT},
    "APIError": {Meaning.UNKNOWN},
    "AuthenticationError": {Meaning.REFUSED},
    "CardError": {Meaning.REFUSED},
    "PermissionError": {Meaning.REFUSED},
    "RateLimitError": {Meaning.REFUSED, Meaning.UNKNOWN},
}
OFFICIAL_REASONS = {
    "AuthenticationError": Reason.UNAUTHENTICATED,
    "PermissionError": Reason.NOT_PERMITTED,
    "RateLimitError": Reason.RATE_LIMITED,
}


@pytest.mark.parametrize(("meaning", "reason", "status", "kind", "code", "decline"), VERDICTS)
def test_stripes_advice_wins(
    meaning: Meaning, reason: Reason, status: int, kind: str, code: str | None, decline: str | None
) -> None:
    """Whatever the refusal: the header says whether the identical call may come again."""
    assert verdict(status, kind, code, decline, "true").again
    assert not verdict(status, kind, code, decline, "false").again
    assert (verdict(status, kind, code, decline, "true").meaning, reason) == (meaning, reason)


def test_published_error_classes() -> None:
    """Every published error lands where Stripe's own library puts it."""
    cases = json.loads(vectors("stripe", "error_classes.json").read_text("utf-8"))["cases"]
    for case in cases:
        error, official = case["error"], case["official_class"]
        found = verdict(case["status"], error["type"], error.get("code"), error.get("decline_code"))
        assert found.meaning in OFFICIAL[official], case
        assert found.reason is OFFICIAL_REASONS.get(official, found.reason), case
    assert len(cases) == 13


def test_published_retry_decisions() -> None:
    """Every published decision: the header wins, else conflicts and Stripe's faults, and never 429."""
    cases = json.loads(vectors("stripe", "retry_decisions.json").read_text("utf-8"))["cases"]
    assert [case for case in cases if may_retry(case["status"], case["stripe_should_retry"]) is not case["retry"]] == []
    assert len(cases) == 48


@pytest.mark.parametrize(
    ("again", "status", "advice"),
    [(False, 429, None), (True, 429, "true"), (True, 409, None), (False, 409, "false"), (True, 500, None),
     (False, 500, "false"), (True, 400, "true"), (False, 402, None)],
)  # fmt: skip
def test_what_is_worth_another_try(again: bool, status: int, advice: str | None) -> None:
    """Whatever the table of somebody else's library says, these are ours."""
    assert may_retry(status, advice) is again


def read(status: int, body: bytes, **headers: str) -> Answer | Observation:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return read_reply(Call(name="payment_intents.confirm", key="k"), WireReply(status, pairs, body))


# The doubt that it leaves, whether it may be sent again; status, body, headers.
DOUBTS: dict[str, tuple[UnknownKind, bool, int, bytes, dict[str, str]]] = {
    "a 500": (UnknownKind.PARTNER_FAULT, True, 500, b"{}", {}),
    "a 500 that is played back": (UnknownKind.PARTNER_FAULT, False, 500, b"{}", {"idempotent_replayed": "true"}),
    "a 500 that advises against": (UnknownKind.PARTNER_FAULT, False, 500, b"", {"stripe_should_retry": "false"}),
    "a gateway's page": (UnknownKind.PARTNER_FAULT, True, 502, b"<html>", {}),
    "a page instead of an answer": (UnknownKind.UNREADABLE, False, 200, b"<html>", {}),
    "a page instead of a refusal": (UnknownKind.UNREADABLE, False, 403, b"<html>", {}),
    "a list": (UnknownKind.UNREADABLE, False, 200, b"[]", {}),
    "a name that stands twice": (UnknownKind.UNREADABLE, False, 200, b'{"id":"a","id":"b"}', {}),
}


@pytest.mark.parametrize(("kind", "again", "status", "body", "headers"), DOUBTS.values(), ids=DOUBTS.keys())
def test_an_answer_that_is_none(
    kind: UnknownKind, again: bool, status: int, body: bytes, headers: dict[str, str]
) -> None:
    """Unreadable and Stripe's own faults are doubts, never refusals."""
    told = read(status, body, **headers)
    assert isinstance(told, Observation)
    assert told.state is State.DOUBT
    assert told.unknown is not None
    assert (told.unknown.kind, told.again) == (kind, again)


def test_a_500_that_is_played_back_spends_its_key() -> None:
    """The mark goes to the journal: that step is never sent again."""
    told = read(500, b"{}", idempotent_replayed="true")
    assert isinstance(told, Observation)
    assert dict(told.ids) == {"burnt.payment_intents.confirm": "1"}


def test_a_header_that_stands_twice_says_nothing() -> None:
    """Two readers could take it for two things."""
    twice = (("stripe-should-retry", "true"), ("stripe-should-retry", "false"))
    told = read_reply(Call(name="payment_intents.confirm"), WireReply(429, twice, b"<html>"))
    assert isinstance(told, Answer)
    assert told.advice is None
    refused = refusal(Call(name="payment_intents.confirm"), told)
    assert (refused.state, refused.reason, refused.again) == (State.DECLINED, Reason.RATE_LIMITED, False)


def test_a_decline_whose_intent_has_no_amount_is_doubted() -> None:
    """Half a króna."""
    odd = {**INTENT, "status": "requires_payment_method", "amount": 550, "currency": "isk"}
    told = refuse(402, type="card_error", code="card_declined", payment_intent=odd)
    assert told.unknown is not None
    assert told.unknown.kind is UnknownKind.UNREADABLE


def refuse(status: int, **error: Any) -> Observation:
    node = {"error": {"type": INVALID, **error}} if error else {}
    return refusal(Call(name="payment_intents.confirm"), Answer(status, node))


def test_a_decline_keeps_the_number_of_the_intent_it_made() -> None:
    """402 and an intent: its number is learnt, its amount and reference are Stripe's word."""
    intent = {**INTENT, "status": "requires_payment_method"}
    told = refuse(
        402, type="card_error", code="card_declined", decline_code="insufficient_funds", payment_intent=intent
    )
    assert (told.state, told.reason, told.partner_code) == (
        State.DECLINED,
        Reason.INSUFFICIENT_FUNDS,
        "insufficient_funds",
    )
    assert (told.partner_id, dict(told.ids), told.partner_ref) == (
        "pi_1",
        {"payment_intent": "pi_1"},
        "SHOP10010001T001",
    )


@pytest.mark.parametrize("status", ["succeeded", "processing", "requires_capture", "requires_action", "in_limbo"])
def test_a_decline_whose_intent_says_otherwise_is_doubted(status: str) -> None:
    """Refused and paid at once: then nothing is believed."""
    told = refuse(402, type="card_error", code="card_declined", payment_intent={**INTENT, "status": status})
    assert told.unknown is not None
    assert told.unknown.kind is UnknownKind.UNKNOWN_STATUS


def test_a_key_that_stands_for_something_else_is_no_refusal() -> None:
    """Another journal used this reference: what that one did must be found out, not declined."""
    told = refuse(400, type="idempotency_error", message="same key, other parameters")
    assert told.unknown is not None
    assert told.unknown.kind is UnknownKind.MISMATCH
    assert "another journal" in told.unknown.detail


def test_a_refusal_without_an_error_is_unreadable() -> None:
    """A 402 whose body is not Stripe's may come from anywhere."""
    told = refuse(402)
    assert told.unknown is not None
    assert told.unknown.kind is UnknownKind.UNREADABLE


@given(st.integers(400, 599), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_any_code_has_a_verdict(status: int, kind: str, code: str, decline: str) -> None:
    """Unknown ones are refusals with their own code beside them, or doubts; never a crash."""
    found = verdict(status, kind, code, decline)
    assert found.meaning is Meaning.UNKNOWN or status < 500
    assert isinstance(decline_reason(code, decline), Reason)
