"""Close and reverse: the result says which, a paid order is not closed, and what nobody knows is no fence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.wire.wechatpay.stage import (
    NOON,
    QUERY,
    SLOT,
    Host,
    merchant,
    operation,
    refused,
    said,
    transaction,
    unsigned,
)

from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk.exchange import drive
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.observation import Observation, Source

CLOSE = f"{QUERY}/close"
REVERSE = f"{QUERY}/reverse"
DONE = said(200, {"out_trade_no": "x"})
LATER = NOON + timedelta(seconds=20)
PAID_AT = "2026-01-31T12:00:01+08:00"


def cancelled(
    host: Host,
    *,
    scanned: bool = False,
    state: State = State.DOUBT,
    reverse_paid: bool = True,
    may_have_left: bool = False,
    deadline_s: float = 10.0,
) -> Observation:
    """What becomes of a cancel."""
    payment = operation(ladder="scanned" if scanned else "shown", state=state)
    wechat = merchant()
    plan = wechat.plan_cancel(payment, SLOT, reverse_paid=reverse_paid)
    cancel: Operation = operation(Verb.CANCEL, steps=plan.steps, identity=plan.identity, may_have_left=may_have_left)
    return drive(wechat.perform(cancel, plan.steps[0], deadline_s), host)


def at(moment: Any, *nodes: Any) -> list[Any]:
    """Answers signed at that time."""
    return [said(200, node, at=moment) if isinstance(node, dict) else node for node in nodes]


def why(found: Observation) -> UnknownKind | None:
    """What left it open."""
    return found.unknown.kind if found.unknown else None


# --- close


def test_closed_is_closed() -> None:
    """204, without a body."""
    found = cancelled(Host({CLOSE: said(204)}))
    assert (found.state, found.cancelled_by) == (State.SUCCEEDED, CancelledBy.CLOSED)


@pytest.mark.parametrize(
    ("code", "stands", "state", "by", "reason"),
    [
        ("ORDER_CLOSED", transaction("CLOSED"), State.SUCCEEDED, CancelledBy.CLOSED, None),
        ("ORDERPAID", transaction("SUCCESS"), State.DECLINED, None, Reason.INVALID_STATE),
        ("ORDERPAID", transaction("REFUND"), State.DECLINED, None, Reason.INVALID_STATE),
        ("INVALID_REQUEST", transaction("SUCCESS"), State.DECLINED, None, Reason.INVALID_STATE),
        ("INVALID_REQUEST", transaction("CLOSED"), State.SUCCEEDED, CancelledBy.CLOSED, None),
        ("INVALID_REQUEST", transaction("NOTPAY"), State.DECLINED, None, Reason.INVALID_REQUEST),
        ("ORDER_CLOSED", None, State.SUCCEEDED, CancelledBy.CLOSED, None),
        ("ORDERPAID", None, State.DECLINED, None, Reason.INVALID_STATE),
    ],
)
def test_why_it_could_not_be_closed_is_asked(
    code: str, stands: Any, state: State, by: CancelledBy | None, reason: Reason | None
) -> None:
    """Closed before, or paid; where the question is not answered, WeChat's code stands."""
    question = unsigned(502) if stands is None else said(200, stands)
    found = cancelled(Host({CLOSE: refused(400, code), QUERY: question}))
    assert (state, by, reason) == (found.state, found.cancelled_by, found.reason)


@pytest.mark.parametrize("state", ["NOTPAY", "USERPAYING"])
def test_closed_and_still_open_is_no_fence(state: str) -> None:
    """Two words of WeChat's that contradict each other: the one by which it can still be paid counts."""
    found = cancelled(Host({CLOSE: refused(400, "ORDER_CLOSED"), QUERY: said(200, transaction(state))}))
    assert (why(found), found.again) == (UnknownKind.PARTNER_FAULT, True)


def test_an_order_that_is_being_paid_is_tried_again() -> None:
    """202 USERPAYING: accepted is not closed."""
    assert cancelled(Host({CLOSE: refused(202, "USERPAYING")})).state is State.PENDING


def test_what_is_not_there_is_no_fence() -> None:
    """The create may still be on its way."""
    assert cancelled(Host({CLOSE: refused(404, "ORDER_NOT_EXIST")})).absent


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refused(500, "SYSTEM_ERROR"), UnknownKind.PARTNER_FAULT),
        (unsigned(404, "ORDER_NOT_EXIST"), UnknownKind.UNVERIFIED),
        (unsigned(502), UnknownKind.PARTNER_FAULT),
    ],
    ids=str,
)
def test_a_fault_closes_nothing(reply: Any, kind: UnknownKind) -> None:
    """And is asked again."""
    assert kind is why(cancelled(Host({CLOSE: reply})))


# --- reverse


@pytest.mark.parametrize(
    ("before", "after", "by"),
    [
        (transaction("USERPAYING"), transaction("REVOKED"), CancelledBy.CLOSED),
        (transaction("PAYERROR"), transaction("CLOSED"), CancelledBy.CLOSED),
        (transaction("SUCCESS"), transaction("REVOKED"), CancelledBy.REVERSED),
        (transaction("USERPAYING"), transaction("REVOKED", success_time=PAID_AT), CancelledBy.REVERSED),
        (transaction("SUCCESS"), transaction("REFUND"), CancelledBy.REVERSED),
        (unsigned(502), transaction("REVOKED"), CancelledBy.CLOSED),
    ],
)
def test_a_reverse_says_whether_money_was_given_back(before: Any, after: Any, by: CancelledBy) -> None:
    """WeChat's own answer does not: the order is looked at before and after."""
    host = Host({QUERY: at(LATER, before, after), REVERSE: said(200, {}, at=LATER)}, begins=LATER)
    found = cancelled(host, scanned=True)
    assert (found.state, found.cancelled_by) == (State.SUCCEEDED, by)
    assert host.asked == [QUERY, REVERSE, QUERY]


@pytest.mark.parametrize(
    ("look", "state", "by", "left_open"),
    [
        (transaction("REVOKED"), State.SUCCEEDED, CancelledBy.REVERSED, None),
        (transaction("SUCCESS"), State.DECLINED, None, None),
        (transaction("REFUND"), State.DOUBT, None, UnknownKind.INTERRUPTED),
        (unsigned(502), State.DOUBT, None, UnknownKind.PARTNER_FAULT),
    ],
)
def test_what_is_to_be_kept_is_looked_at_after_a_reverse_has_left(
    look: Any, state: State, by: CancelledBy | None, left_open: UnknownKind | None
) -> None:
    """It was sent before the payer paid, and may have given that back; of a refund WeChat says the same."""
    host = Host({QUERY: at(LATER, look)}, begins=LATER)
    found = cancelled(host, scanned=True, state=State.SUCCEEDED, reverse_paid=False, may_have_left=True)
    assert (found.state, found.cancelled_by, why(found)) == (state, by, left_open)
    assert host.asked == [QUERY]


def test_an_order_that_is_over_is_not_reversed() -> None:
    """Nothing is sent but the question."""
    for state, by in (("CLOSED", CancelledBy.CLOSED), ("REVOKED", CancelledBy.CLOSED)):
        host = Host({QUERY: at(LATER, transaction(state))}, begins=LATER)
        found = cancelled(host, scanned=True)
        assert (found.cancelled_by, host.asked) == (by, [QUERY])


def test_a_paid_order_is_kept_when_the_caller_wants_it_kept() -> None:
    """``reverse_paid`` is false: known to be paid, or found to be."""
    found = cancelled(Host({}), scanned=True, state=State.SUCCEEDED, reverse_paid=False)
    assert (found.state, found.reason) == (State.DECLINED, Reason.INVALID_STATE)
    host = Host({QUERY: said(200, transaction())})
    found = cancelled(host, scanned=True, reverse_paid=False)
    assert (found.reason, host.asked) == (Reason.INVALID_STATE, [QUERY])


@pytest.mark.parametrize("look", [unsigned(502), said(200, transaction(mchid="1900000999")), said(200, {})], ids=str)
def test_nothing_is_reversed_unseen_that_is_to_be_kept(look: Any) -> None:
    """WeChat reverses paid orders too: where the look tells nothing, it is looked at again later."""
    host = Host({QUERY: at(LATER, look), REVERSE: said(200, {}, at=LATER)}, begins=LATER)
    found = cancelled(host, scanned=True, reverse_paid=False)
    assert (found.state, found.source, host.asked) == (State.DOUBT, Source.LOCAL, [QUERY])


def test_what_is_paid_while_the_reverse_waits_is_kept() -> None:
    """Fifteen seconds are long enough to type a password: looked at once more before it is sent."""
    paid = said(200, transaction())
    host = Host({QUERY: [said(200, transaction("USERPAYING")), paid]})
    found = cancelled(host, scanned=True, reverse_paid=False, deadline_s=30.0)
    assert (found.reason, host.asked, host.slept_s) == (Reason.INVALID_STATE, [QUERY, QUERY], 15.0)


def test_a_refund_is_no_reversal() -> None:
    """A refused reverse of an order that had a part refunded before: ``REFUND`` does not say how much went back."""
    for state in (State.DOUBT, State.SUCCEEDED):
        returning = at(LATER, transaction("REFUND"))
        host = Host({QUERY: returning, REVERSE: refused(400, "INVALID_REQUEST", at=LATER)}, begins=LATER)
        found = cancelled(host, scanned=True, state=state)
        assert (found.state, found.reason) == (State.DECLINED, Reason.INVALID_STATE)
    reversed_before = refused(400, "ORDER_REVERSED", at=LATER)
    host = Host({QUERY: at(LATER, transaction("REFUND")), REVERSE: reversed_before}, begins=LATER)
    assert cancelled(host, scanned=True).cancelled_by is CancelledBy.REVERSED


def test_what_is_known_to_be_paid_is_reversed_at_once() -> None:
    """No question before, and no waiting."""
    host = Host({QUERY: said(200, transaction("REFUND")), REVERSE: DONE})
    found = cancelled(host, scanned=True, state=State.SUCCEEDED)
    assert (found.cancelled_by, host.asked, host.slept_s) == (CancelledBy.REVERSED, [REVERSE, QUERY], 0.0)


def test_a_charge_whose_end_is_open_is_not_reversed_within_15_seconds() -> None:
    """Waited for where the deadline allows, left to the next round where it does not."""
    open_now = said(200, transaction("USERPAYING"))
    host = Host({QUERY: open_now})
    found = cancelled(host, scanned=True)
    assert (found.state, "15 seconds" in found.message, host.asked) == (State.PENDING, True, [QUERY])
    host = Host({QUERY: [open_now, said(200, transaction("REVOKED"))], REVERSE: DONE})
    found = cancelled(host, scanned=True, deadline_s=30.0)
    assert (found.cancelled_by, host.slept_s) == (CancelledBy.CLOSED, 15.0)


def test_a_reverse_that_was_refused_for_being_early_is_tried_again() -> None:
    """It is paid, and cannot be reversed yet: pending, not refused."""
    host = Host({QUERY: said(200, transaction()), REVERSE: refused(400, "INVALID_REQUEST")})
    assert cancelled(host, scanned=True).state is State.PENDING
    host = Host({QUERY: at(LATER, transaction()), REVERSE: refused(400, "INVALID_REQUEST", at=LATER)}, begins=LATER)
    found = cancelled(host, scanned=True)
    assert (found.state, found.reason) == (State.DECLINED, Reason.INVALID_STATE)


def test_a_reverse_of_an_order_that_nobody_knows_is_no_fence() -> None:
    """WeChat says "reversed" of numbers that it never saw; the question after it tells."""
    absent = refused(404, "ORDER_NOT_EXIST", at=LATER)
    host = Host({QUERY: absent, REVERSE: said(200, {}, at=LATER)}, begins=LATER)
    assert cancelled(host, scanned=True).absent
    assert host.asked == [QUERY, REVERSE, QUERY]


@pytest.mark.parametrize(
    "after", [transaction("SUCCESS"), transaction("USERPAYING"), unsigned(502)], ids=["paid", "open", "5xx"]
)
def test_a_reverse_is_believed_when_the_order_stands_so(after: Any) -> None:
    """Answered with success, and still paid or open: again."""
    host = Host({QUERY: at(LATER, transaction("USERPAYING"), after), REVERSE: said(200, {}, at=LATER)}, begins=LATER)
    found = cancelled(host, scanned=True)
    assert (why(found), found.again) == (UnknownKind.PARTNER_FAULT, True)


def test_a_fault_reverses_nothing() -> None:
    """To be repeated until it answers."""
    host = Host(
        {QUERY: at(LATER, transaction("USERPAYING")), REVERSE: refused(500, "SYSTEM_ERROR", at=LATER)}, begins=LATER
    )
    found = cancelled(host, scanned=True)
    assert (why(found), found.again) == (UnknownKind.PARTNER_FAULT, True)


def test_a_reverse_without_an_answer_is_a_doubt() -> None:
    """And asked again."""
    host = Host({QUERY: at(LATER, transaction("USERPAYING")), REVERSE: unsigned(502)}, begins=LATER)
    assert why(cancelled(host, scanned=True)) is UnknownKind.PARTNER_FAULT


def test_an_answer_about_another_order_says_nothing() -> None:
    """Neither before nor after."""
    other = transaction("REVOKED", out_trade_no="OTHER1")
    host = Host({QUERY: at(LATER, other), REVERSE: said(200, {}, at=LATER)}, begins=LATER)
    assert cancelled(host, scanned=True).state is State.DOUBT
    host = Host({CLOSE: refused(400, "INVALID_REQUEST"), QUERY: said(200, {})})
    assert cancelled(host).reason is Reason.INVALID_REQUEST
