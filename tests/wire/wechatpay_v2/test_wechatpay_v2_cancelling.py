"""Closing and reversing: their answers name no order and say little, so the query tells how it ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias, cast

import pytest
from tests.wire.wechatpay_v2.words import (
    NOON,
    ORDER_NO,
    PAID,
    Line,
    adapter,
    deadline,
    operation,
    over,
    said,
    xml,
)

from payport.adapters.wechatpay_v2 import calls as c
from payport.adapters.wechatpay_v2 import planning as p
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk.journal.records import State, Verb
from payport.sdk.message import FailureKind, SendFailure
from payport.sdk.observation import Observation, Source

Reply: TypeAlias = bytes | SendFailure

SILENCE = SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="silence")
UNREACHABLE = SendFailure(FailureKind.UNREACHABLE, may_have_left=False, detail="no road")


def state(name: str, **more: str) -> bytes:
    """An answer of the query."""
    return xml(said({"trade_state": name, "out_trade_no": ORDER_NO, **more}))


def no(code: str, **more: str) -> bytes:
    """An authentic refusal."""
    return xml(said(result_code="FAIL", err_code=code, **more))


DONE = xml(said())
REVERSED = xml(said(recall="N"))
OPEN, CLOSED, REVOKED, FAILED = state("NOTPAY"), state("CLOSED"), state("REVOKED"), state("PAYERROR")
PAYING, OF_ANOTHER = state("USERPAYING"), xml(said({"trade_state": "CLOSED", "out_trade_no": "OTHER"}))
SUCCESS, RETURNING = xml(said(PAID)), xml(said(PAID, trade_state="REFUND"))
GIVEN_BACK = xml(said(PAID, trade_state="REVOKED"))
ABSENT = no("ORDERNOTEXIST")
ALL_BACK = xml(said(total_fee="1234", out_refund_no_0="R", refund_fee_0="1234", refund_status_0="SUCCESS"))
SOME_BACK = xml(said(total_fee="1234", out_refund_no_0="R", refund_fee_0="200", refund_status_0="SUCCESS"))


def cancelled(
    *replies: Reply,
    method: str = "QrScanned",
    reverse_paid: bool = True,
    paid: bool = False,
    age_s: float = 60.0,
    limit_s: float = 10.0,
) -> tuple[Observation, Line]:
    """Carry out the cancel of an attempt."""
    payment = operation(method=method, state=State.SUCCEEDED if paid else State.DOUBT)
    payment = replace(payment, created_at=NOON - timedelta(seconds=age_s))
    (step,) = p.plan_cancel(payment, reverse_paid=reverse_paid).steps
    line = Line(*replies)
    told = over(line, adapter().perform(operation(Verb.CANCEL), step, deadline(limit_s)))
    assert not line.replies, "everything was asked"
    return cast("Observation", told), line


def summary(told: Observation) -> str:
    """The state, with what it rests on."""
    if told.state is State.DOUBT:
        assert told.unknown is not None
        return told.unknown.kind.value
    return f"{told.state.value} {(told.cancelled_by or told.reason or Reason.OTHER).value}"


@pytest.mark.parametrize(
    ("means", "replies"),
    [
        ("succeeded closed", [DONE, CLOSED]),
        ("succeeded closed", [no("ORDERCLOSED"), CLOSED]),
        ("declined invalid_state", [no("ORDERPAID"), SUCCESS]),
        ("declined invalid_state", [DONE, SUCCESS]),
        ("declined invalid_state", [DONE, RETURNING]),
        ("partner_fault", [DONE, OPEN]),
        ("partner_fault", [DONE, PAYING]),
        ("mismatch", [DONE, OF_ANOTHER]),
        ("not_found", [DONE, ABSENT]),
        ("not_found", [ABSENT]),
        ("timed_out", [DONE, SILENCE]),
        ("timed_out", [DONE, UNREACHABLE]),
        ("timed_out", [SILENCE]),
        ("partner_fault", [no("SYSTEMERROR")]),
        ("unknown_status", [no("BRAND_NEW")]),
        ("declined not_permitted", [no("NOAUTH")]),
    ],
)
def test_closing(means: str, replies: list[Reply]) -> None:
    """Closed only when the query says so: WeChat wants some minutes between order and close, and might just accept."""
    told, line = cancelled(*replies, method="QrShown")
    assert summary(told) == means
    assert line.paths[0] == c.CLOSE


@pytest.mark.parametrize(
    ("means", "replies"),
    [
        ("succeeded closed", [OPEN, REVERSED, REVOKED]),
        ("succeeded closed", [PAYING, DONE, REVOKED]),
        ("succeeded closed", [FAILED, REVERSED, REVOKED]),
        ("succeeded closed", [REVOKED]),
        ("succeeded closed", [CLOSED]),
        ("succeeded reversed", [GIVEN_BACK]),
        ("succeeded reversed", [OPEN, REVERSED, GIVEN_BACK]),
        ("succeeded reversed", [SUCCESS, REVERSED, REVOKED]),
        ("succeeded reversed", [SUCCESS, REVERSED, RETURNING, ALL_BACK]),
        ("succeeded reversed", [RETURNING, ALL_BACK]),
        ("declined invalid_state", [RETURNING, SOME_BACK]),
        ("declined invalid_state", [RETURNING, no("REFUNDNOTEXIST")]),
        ("timed_out", [RETURNING, SILENCE]),
        ("partner_fault", [OPEN, no("SYSTEMERROR", recall="Y")]),
        ("partner_fault", [OPEN, xml(said(recall="Y"))]),
        ("partner_fault", [OPEN, no("SYSTEMERROR", recall="N")]),
        ("partner_fault", [OPEN, REVERSED, OPEN]),
        ("partner_fault", [SUCCESS, REVERSED, SUCCESS]),
        ("declined invalid_state", [SUCCESS, no("REVERSE_EXPIRE"), SUCCESS]),
        ("not_found", [ABSENT, REVERSED, ABSENT]),
        ("timed_out", [OPEN, SILENCE]),
        ("timed_out", [OPEN, REVERSED, SILENCE]),
        ("succeeded closed", [SILENCE, REVERSED, REVOKED]),
        ("succeeded reversed", [SILENCE, REVERSED, GIVEN_BACK]),
    ],
)
def test_reversing(means: str, replies: list[Reply]) -> None:
    """Pain: a reversal is reported as done for a number that WeChat does not know. The query is believed, not that."""
    told, _ = cancelled(*replies)
    assert summary(told) == means


@pytest.mark.parametrize(
    ("means", "replies"),
    [
        ("declined invalid_state", [SUCCESS]),
        ("declined invalid_state", [RETURNING, SOME_BACK]),
        ("succeeded closed", [OPEN, REVERSED, REVOKED]),
        ("succeeded reversed", [OPEN, REVERSED, GIVEN_BACK]),
        ("not_found", [ABSENT, REVERSED, ABSENT]),
        ("timed_out", [SILENCE]),
    ],
)
def test_reversing_what_must_not_be_given_back(means: str, replies: list[Reply]) -> None:
    """A paid order stays paid; without a look that tells, nothing that could give it back is sent."""
    told, line = cancelled(*replies, reverse_paid=False)
    assert summary(told) == means
    if len(replies) == 1:
        assert line.paths == [c.ORDER_QUERY]


def test_what_was_paid_is_told_as_reversed() -> None:
    """Though the query does not say afterwards that it had been paid: the journal knew."""
    assert summary(cancelled(SILENCE, REVERSED, REVOKED, paid=True)[0]) == "succeeded reversed"


def test_a_doubt_after_a_reversal_is_one_of_a_request_that_left() -> None:
    """And one before it is not: the resolver goes by that."""
    assert cancelled(OPEN, REVERSED, SILENCE)[0].source is Source.REPLY
    assert cancelled(SILENCE, reverse_paid=False)[0].source is Source.LOCAL


def test_recall_means_again() -> None:
    """WeChat's own word for it."""
    told, _ = cancelled(OPEN, no("SYSTEMERROR", recall="Y"))
    assert told.again
    assert told.unknown is not None
    assert told.unknown.kind is UnknownKind.PARTNER_FAULT


def test_a_charge_is_left_alone_for_fifteen_seconds() -> None:
    """Waited for when there is time; else the cancel stays pending and goes on later. Nothing is sent too early."""
    told, line = cancelled(OPEN, REVERSED, REVOKED, age_s=9.0)
    assert (summary(told), line.slept_s) == ("succeeded closed", [6.0])
    told, line = cancelled(OPEN, age_s=1.0, limit_s=10.0)
    assert (told.state, line.paths, line.slept_s) == (State.PENDING, [c.ORDER_QUERY], [])


def test_what_is_paid_while_the_reverse_waits_is_kept() -> None:
    """Fifteen seconds are long enough to type a password: looked at once more before it is sent."""
    told, line = cancelled(PAYING, SUCCESS, reverse_paid=False, age_s=9.0)
    assert (summary(told), line.slept_s) == ("declined invalid_state", [6.0])
    told, _ = cancelled(PAYING, PAYING, REVERSED, REVOKED, reverse_paid=False, age_s=9.0)
    assert summary(told) == "succeeded closed"


def test_what_is_known_to_be_paid_need_not_wait() -> None:
    """Its charge is over."""
    told, line = cancelled(SUCCESS, REVERSED, GIVEN_BACK, age_s=1.0)
    assert (summary(told), line.slept_s) == ("succeeded reversed", [])


def test_a_cancelled_order_says_how() -> None:
    """To the caller."""
    assert cancelled(DONE, CLOSED, method="QrShown")[0].cancelled_by is CancelledBy.CLOSED
