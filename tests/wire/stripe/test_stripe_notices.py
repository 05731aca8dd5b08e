"""Webhooks: authentic over raw bytes, fresh, for this account, then read; and what is refused, with which answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.wire.stripe.records import (
    ACCOUNT,
    AMOUNT,
    CHARGE,
    INTENT,
    NOON,
    PAYOUT,
    REFUND,
    SESSION,
    STAMP,
    TRADE,
    WEBHOOK_SECRET,
    Host,
)

from payport.adapters.stripe import Stripe, StripeAccount
from payport.adapters.stripe.notices import ACCEPTED, AGAIN, REFUSED
from payport.adapters.stripe.signing import sign
from payport.schemas.events import EventKind, RawNotification, Rejected, RejectedKind
from payport.schemas.money import Money
from payport.schemas.outcome import UnknownKind
from payport.schemas.payment import FactKind
from payport.sdk.adapter import Opened
from payport.sdk.events import SignatureFailed
from payport.sdk.journal.records import State
from payport.sdk.message import FailureKind, SendFailure, WireReply
from payport.sdk.secrets import Secret

PAID = {**INTENT, "status": "succeeded", "amount_received": 1234}
DISPUTE = {
    "id": "dp_1",
    "object": "dispute",
    "amount": 1234,
    "charge": "ch_1",
    "created": STAMP,
    "currency": "eur",
    "payment_intent": "pi_1",
    "reason": "fraudulent",
    "status": "needs_response",
}


def event(kind: str, record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An event about a record."""
    return {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "created": STAMP,
        "livemode": False,
        "data": {"object": record},
        **changes,
    }


def signed(content: dict[str, Any] | bytes, *, at: int = STAMP, secret: str = WEBHOOK_SECRET) -> RawNotification:
    """As Stripe posts it."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return RawNotification(body=body, headers={"Stripe-Signature": f"t={at},v1={sign(str(at), body, secret)}"})


def opened(
    raw: RawNotification, *answers: WireReply | SendFailure, account: StripeAccount = ACCOUNT
) -> Opened | Rejected:
    return Host(*answers).run(Stripe(account).open_notice(raw))


def read(kind: str, record: dict[str, Any], *answers: WireReply | SendFailure) -> Opened:
    found = opened(signed(event(kind, record)), *answers)
    assert isinstance(found, Opened), found
    return found


def test_a_payment_that_succeeded() -> None:
    """Kind, id for the inbox, reference, number, amount, time; one lesson; any 2xx is the answer."""
    found = read("payment_intent.succeeded", PAID)
    told = found.event
    assert (told.kind, told.id, told.status) == (EventKind.PAYMENT, "evt_1", "succeeded")
    assert (told.partner_ref, told.partner_id and told.partner_id.value, told.amount) == (TRADE, "pi_1", AMOUNT)
    assert told.occurred_at == NOON
    ((reference, lesson),) = found.lessons
    assert (reference, lesson.state, lesson.amount) == (TRADE, State.SUCCEEDED, AMOUNT)
    assert found.acknowledgement == ACCEPTED


ELEMENTS = {**INTENT, "metadata": {"payport_ref": TRADE, "payport_way": "elements"}}
NO_MONEY = {"type": "card_error", "code": "card_declined"}
# The kind of event, what is learnt; type and record.
EVENTS: dict[str, tuple[EventKind, State, str, dict[str, Any]]] = {
    "made: its number, which may be lost": (EventKind.PAYMENT, State.DOUBT, "payment_intent.created", INTENT),
    "the payer must act": (
        EventKind.PAYMENT,
        State.ACTION,
        "payment_intent.requires_action",
        {**INTENT, "status": "requires_action"},
    ),
    "on its way": (EventKind.PAYMENT, State.PENDING, "payment_intent.processing", {**INTENT, "status": "processing"}),
    "refused at the server: ask": (
        EventKind.PAYMENT,
        State.PENDING,
        "payment_intent.payment_failed",
        {**INTENT, "status": "requires_payment_method", "last_payment_error": NO_MONEY},
    ),
    "refused in the browser": (
        EventKind.PAYMENT,
        State.ACTION,
        "payment_intent.payment_failed",
        {**ELEMENTS, "status": "requires_payment_method", "last_payment_error": NO_MONEY},
    ),
    "held": (
        EventKind.AUTHORIZATION,
        State.AUTHORIZED,
        "payment_intent.amount_capturable_updated",
        {**INTENT, "status": "requires_capture", "capture_method": "manual"},
    ),
    "canceled": (EventKind.PAYMENT, State.DECLINED, "payment_intent.canceled", {**INTENT, "status": "canceled"}),
    "a page was paid": (
        EventKind.PAYMENT,
        State.SUCCEEDED,
        "checkout.session.completed",
        {**SESSION, "status": "complete", "payment_status": "paid", "payment_intent": "pi_1"},
    ),
    "a page was used": (
        EventKind.PAYMENT,
        State.PENDING,
        "checkout.session.completed",
        {**SESSION, "status": "complete", "payment_intent": "pi_1"},
    ),
    "a page's debit came back: ask": (
        EventKind.PAYMENT,
        State.DOUBT,
        "checkout.session.async_payment_failed",
        {**SESSION, "status": "complete", "payment_intent": "pi_1"},
    ),
    "a page is over": (EventKind.PAYMENT, State.DECLINED, "checkout.session.expired", {**SESSION, "status": "expired"}),
    "a refund": (EventKind.REFUND, State.SUCCEEDED, "refund.created", REFUND),
    "a refund that failed after all": (
        EventKind.REFUND,
        State.DECLINED,
        "refund.failed",
        {**REFUND, "status": "failed", "failure_reason": "lost_or_stolen_card"},
    ),
    "the same in an older word": (
        EventKind.REFUND,
        State.DECLINED,
        "charge.refund.updated",
        {**REFUND, "status": "failed"},
    ),
    "a payout": (EventKind.PAYOUT, State.SUCCEEDED, "payout.paid", {**PAYOUT, "status": "paid"}),
    "a payout that came back": (EventKind.PAYOUT, State.DECLINED, "payout.failed", {**PAYOUT, "status": "failed"}),
}


@pytest.mark.parametrize(("kind", "state", "name", "record"), EVENTS.values(), ids=EVENTS.keys())
def test_what_an_event_teaches(kind: EventKind, state: State, name: str, record: dict[str, Any]) -> None:
    """About the operation whose reference Stripe says back."""
    found = read(name, record)
    ((reference, lesson),) = found.lessons
    assert (found.event.kind, lesson.state) == (kind, state)
    assert reference == found.event.partner_ref
    assert reference in (TRADE, "REFUND0001R001", "PAYOUT0001P001")


def test_what_was_given_back_so_far_is_a_fact() -> None:
    """``charge.refunded`` says the sum; the charge carries the metadata of its intent."""
    found = read("charge.refunded", {**CHARGE, "amount_refunded": 300})
    ((reference, lesson),) = found.lessons
    assert reference == TRADE
    assert [(fact.kind, fact.amount) for fact in lesson.facts] == [(FactKind.REFUNDED, Money.of("3.00", "EUR"))]
    assert found.event.kind is EventKind.REFUND
    held = read("charge.refunded", {**CHARGE, "amount_captured": 500, "amount_refunded": 734})
    assert held.lessons == (), "a hold that was let go is no refund"


@pytest.mark.parametrize("name", ["charge.succeeded", "charge.captured", "customer.created", "event.of.tomorrow"])
def test_an_event_that_teaches_nothing_is_kept(name: str) -> None:
    """And acknowledged, or Stripe would send it for three days."""
    found = read(name, CHARGE)
    assert found.lessons == ()
    assert found.acknowledgement == ACCEPTED


def test_a_status_of_tomorrow_is_doubted() -> None:
    """The order it names is asked about."""
    ((reference, lesson),) = read("payment_intent.something", {**INTENT, "status": "x"}).lessons
    assert reference == TRADE
    assert lesson.unknown is not None
    assert lesson.unknown.kind is UnknownKind.UNKNOWN_STATUS


def test_a_record_that_cannot_be_read_leaves_its_order_in_doubt() -> None:
    """It is kept, and the order asked about."""
    found = read("payment_intent.succeeded", {**PAID, "amount": "1234"})
    ((reference, lesson),) = found.lessons
    assert (reference, lesson.unknown and lesson.unknown.kind) == (TRADE, UnknownKind.UNREADABLE)
    assert read("payment_intent.succeeded", {"id": "pi_1"}).lessons == ()


def answer(node: dict[str, Any], status: int = 200) -> WireReply:
    return WireReply(status, (), json.dumps(node).encode())


def test_a_dispute_is_a_fact_beside_the_payment_that_its_intent_names() -> None:
    """The event has Stripe's number only, so the intent is asked for."""
    found = read("charge.dispute.created", DISPUTE, answer(PAID))
    ((reference, lesson),) = found.lessons
    (fact,) = lesson.facts
    assert (reference, found.event.kind) == (TRADE, EventKind.DISPUTE)
    assert (fact.kind, fact.amount, fact.detail) == (FactKind.DISPUTED, AMOUNT, "fraudulent: needs_response")
    assert fact.partner_id is not None
    assert fact.partner_id.value == "dp_1"
    assert read("charge.dispute.closed", {**DISPUTE, "status": "won"}, answer(PAID)).lessons == ()


@pytest.mark.parametrize(
    "now",
    [
        SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="no answer"),
        SendFailure(FailureKind.UNREACHABLE, may_have_left=False, detail="the connection was refused"),
        answer({"error": {"type": "invalid_request_error", "code": "rate_limit"}}, 429),
        answer({"error": {"type": "invalid_request_error", "code": "lock_timeout"}}, 429),
        answer({"error": {"type": "invalid_request_error"}}, 409),
        answer({"error": {"type": "invalid_request_error"}}, 401),
        answer({"error": {"type": "api_error"}}, 500),
    ],
)
def test_a_dispute_whose_payment_cannot_be_looked_up_now_is_sent_again(now: WireReply | SendFailure) -> None:
    """It must not be lost: Stripe repeats what is not acknowledged."""
    found = opened(signed(event("charge.dispute.created", DISPUTE)), now)
    assert isinstance(found, Rejected)
    assert (found.kind, found.acknowledgement) == (RejectedKind.NOT_STORED, AGAIN)


def test_a_dispute_that_may_not_be_asked_about_is_kept_as_it_is() -> None:
    """It would be refused again."""
    kept = read("charge.dispute.created", DISPUTE, answer({"error": {"type": "x"}}, 403))
    assert (kept.event.kind, kept.lessons) == (EventKind.DISPUTE, ())
    assert read("charge.dispute.created", {**DISPUTE, "payment_intent": None}).event.kind is EventKind.DISPUTE
    assert read("charge.dispute.created", {"id": "dp_1"}).event.kind is EventKind.OTHER


CONNECTED = replace(ACCOUNT, connected=True)
GOOD = event("payment_intent.succeeded", PAID)
# Why it is refused; the notification, the account.
REJECTED: dict[str, tuple[RejectedKind, Callable[[], RawNotification], StripeAccount]] = {
    "no signature": (RejectedKind.UNSIGNED, lambda: RawNotification(body=b"{}", headers={}), ACCOUNT),
    "no secret configured": (RejectedKind.BAD_SIGNATURE, lambda: signed(GOOD), replace(ACCOUNT, webhook_secrets=())),
    "a header that is none": (
        RejectedKind.MALFORMED,
        lambda: RawNotification(body=b"{}", headers={"stripe-signature": "hello"}),
        ACCOUNT,
    ),
    "another endpoint's secret": (RejectedKind.BAD_SIGNATURE, lambda: signed(GOOD, secret="whsec_other"), ACCOUNT),
    "a body that a framework parsed": (
        RejectedKind.BAD_SIGNATURE,
        lambda: replace(signed(GOOD), body=json.dumps(GOOD, indent=2).encode()),
        ACCOUNT,
    ),
    "too old": (RejectedKind.STALE, lambda: signed(GOOD, at=STAMP - 301), ACCOUNT),
    "of the future": (RejectedKind.STALE, lambda: signed(GOOD, at=STAMP + 301), ACCOUNT),
    "of live mode": (RejectedKind.WRONG_ACCOUNT, lambda: signed({**GOOD, "livemode": True}), ACCOUNT),
    "of a connected account": (RejectedKind.WRONG_ACCOUNT, lambda: signed({**GOOD, "account": "acct_2"}), ACCOUNT),
    "of the platform": (RejectedKind.WRONG_ACCOUNT, lambda: signed(GOOD), CONNECTED),
    "of another connected account": (
        RejectedKind.WRONG_ACCOUNT,
        lambda: signed({**GOOD, "account": "acct_2"}),
        CONNECTED,
    ),
    "a thin event": (RejectedKind.MALFORMED, lambda: signed({**GOOD, "object": "v2.core.event"}), ACCOUNT),
    "no event": (RejectedKind.MALFORMED, lambda: signed({"object": "event"}), ACCOUNT),
    "no JSON": (RejectedKind.MALFORMED, lambda: signed(b"\xff{"), ACCOUNT),
}


@pytest.mark.parametrize(("kind", "raw", "account"), REJECTED.values(), ids=REJECTED.keys())
def test_what_is_refused(kind: RejectedKind, raw: Callable[[], RawNotification], account: StripeAccount) -> None:
    """With an answer that is no acknowledgement. Peers accept forgeries, a missing secret, a year-old time stamp."""
    found = opened(raw(), account=account)
    assert isinstance(found, Rejected)
    assert (found.kind, found.acknowledgement) == (kind, REFUSED)


def test_a_connected_accounts_events_are_its_own() -> None:
    """The platform's endpoint tells whose they are."""
    assert isinstance(opened(signed({**GOOD, "account": "acct_1Shop"}), account=CONNECTED), Opened)


def test_two_secrets_count_while_one_is_rolled() -> None:
    """Old and new; a third does not."""
    rolled = replace(ACCOUNT, webhook_secrets=(Secret("whsec_newSecret"), Secret(WEBHOOK_SECRET)))
    for secret in ("whsec_newSecret", WEBHOOK_SECRET):
        assert isinstance(opened(signed(GOOD, secret=secret), account=rolled), Opened)
    assert isinstance(opened(signed(GOOD, secret="whsec_third000"), account=rolled), Rejected)


def test_a_forgery_is_told_to_the_alerts() -> None:
    """And says what to look for: the secret, or a framework that changed the body."""
    host = Host()
    found = host.run(Stripe(ACCOUNT).open_notice(signed(GOOD, secret="whsec_other")))
    assert isinstance(found, Rejected)
    assert "before any framework has parsed" in found.detail
    assert [type(each) for each in host.told] == [SignatureFailed]
