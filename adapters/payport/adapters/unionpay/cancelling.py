"""Undo, release, refund and reversal as a cancel makes them: asked about first, sent once, believed when confirmed.

A cancel is planned anew whenever it is gone on with, so each round decides from what UnionPay says: how the undo of
this number and time ended, and only when it knows of none, whether it may still be sent.
Source: partner sheet, sections 6 and 7.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from payport.adapters.unionpay.beijing import end_of_both_days, from_stamp, same_clearing_day
from payport.adapters.unionpay.calls import Call
from payport.adapters.unionpay.envelope import Answer, ask_gateway
from payport.adapters.unionpay.mapping import Meaning, refusal, verdict
from payport.adapters.unionpay.planning import PRE_AUTH_UNDO, REPEAT_S, REVERSAL, UNDO
from payport.adapters.unionpay.questions import question
from payport.adapters.unionpay.reading import Unreadable, outcome, parsed, unanswered
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk import exchange
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.unionpay.adapter import UnionPay

_NOT_THERE = frozenset({"34", "35"})
_REVERSED = "46"


def perform_cancel(unionpay: UnionPay, cancel: Operation, request: Call, deadline_s: float) -> Exchange[Observation]:
    """One round of a cancel."""
    if request.fields["txnType"] == REVERSAL:
        return (yield from _reverse(unionpay, request, deadline_s))
    before = cancel.may_have_left or cancel.asked > 0
    if before:
        told = yield from _how_it_went(unionpay, request, deadline_s)
        if not told.absent:
            return told
    now = (yield from exchange.now()).utc
    late = _too_late(unionpay, request, now, before=before)
    if late is not None:
        return late
    answer = yield from ask_gateway(unionpay, request, deadline_s)
    if isinstance(answer, Observation):
        return answer
    if answer.meaning is Meaning.REPEATED:
        return (yield from _done_before(unionpay, request, answer, deadline_s))
    return _receipt(request, answer)


def cancelled_by(txn_type: str) -> CancelledBy:
    """What the success of an undo, release or refund means for the payment."""
    return CancelledBy.VOIDED if txn_type == PRE_AUTH_UNDO else CancelledBy.REVERSED


def _how_it_went(unionpay: UnionPay, request: Call, deadline_s: float) -> Exchange[Observation]:
    answer = yield from question(unionpay, request.fields["orderId"], request.fields["txnTime"], deadline_s)
    if isinstance(answer, Observation):
        return answer
    now = (yield from exchange.now()).utc
    refused = unanswered(answer)
    if refused is not None:
        return refused
    try:
        record = parsed(answer.fields)
        if record.txn_type not in (None, request.fields["txnType"]):
            return doubt(Source.QUERY, UnknownKind.MISMATCH, "txnType: the answer is about another transaction")
        return outcome(
            record,
            record.orig_resp_code or "",
            record.orig_resp_msg or "",
            Source.QUERY,
            now,
            cancels=cancelled_by(request.fields["txnType"]),
        )
    except Unreadable as error:
        return doubt(Source.QUERY, UnknownKind.UNREADABLE, f"query: {error}")


def _too_late(unionpay: UnionPay, request: Call, now: datetime, *, before: bool) -> Observation | None:
    """Why it may not be sent (any more): its frozen time is too old, or its clearing day is over."""
    asked_at = from_stamp(request.fields["txnTime"])
    ends = asked_at + timedelta(seconds=REPEAT_S)
    if before:
        ends = min(ends, end_of_both_days(asked_at))
    if now < ends and not (request.fields["txnType"] == UNDO and not same_clearing_day(asked_at, now)):
        return None
    if before and now < ends + timedelta(seconds=unionpay.profile.in_flight_s):
        return doubt(Source.LOCAL, UnknownKind.INTERRUPTED, "it may not be sent again, and may still be on its way")
    return Observation(
        state=State.DECLINED,
        source=Source.LOCAL,
        reason=Reason.INVALID_STATE,
        message="UnionPay knows nothing of it, and its time or its clearing day is over: cancel again, or refund",
    )


def _done_before(unionpay: UnionPay, request: Call, answer: Answer, deadline_s: float) -> Exchange[Observation]:
    told = yield from _how_it_went(unionpay, request, deadline_s)
    if not told.absent:
        return told
    if answer.code == "12":
        return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, "12: received before, and not found yet")
    return Observation(
        state=State.DECLINED,
        source=Source.REPLY,
        reason=Reason.ALREADY_DONE,
        partner_code=answer.code,
        message="the payment was undone, refunded or reversed by another request",
    )


def _receipt(request: Call, answer: Answer) -> Observation:
    if answer.meaning not in (Meaning.DONE, Meaning.FLAGGED):
        told = refusal(answer.code, answer.message)
        if told.absent:  # of the original: it is not the cancel that is unknown
            return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"{answer.code}: the original is not found")
        return told
    return Observation(
        state=State.PENDING,
        source=Source.REPLY,
        partner_ref=request.fields["orderId"],
        partner_id=answer.fields.get("queryId"),
        message="received; UnionPay has not said yet how it ended",
    )


def _reverse(unionpay: UnionPay, request: Call, deadline_s: float) -> Exchange[Observation]:
    """Reverse a consumption in doubt. It has no number of its own to ask about: the repetition tells, by code 46."""
    accepted = False
    for _ in range(2):
        answer = yield from ask_gateway(unionpay, request, deadline_s)
        if isinstance(answer, Observation):
            return _accepted() if accepted else answer
        if answer.code == _REVERSED:
            by = yield from _what_was_reversed(unionpay, request, deadline_s)
            return Observation(
                state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=by, native=parsed(answer.fields)
            )
        if answer.code in _NOT_THERE and not accepted:
            return doubt(Source.REPLY, UnknownKind.NOT_FOUND, f"{answer.code}: there was nothing to reverse")
        if answer.meaning not in (Meaning.DONE, Meaning.FLAGGED):
            return _accepted() if accepted else refusal(answer.code, answer.message)
        accepted = True
    return _accepted()


def _what_was_reversed(unionpay: UnionPay, request: Call, deadline_s: float) -> Exchange[CancelledBy]:
    """Whether money had been taken. Only UnionPay's word that the payment failed says that it had not."""
    answer = yield from question(unionpay, request.fields["orderId"], request.fields["txnTime"], deadline_s)
    if isinstance(answer, Observation) or unanswered(answer) is not None:
        return CancelledBy.REVERSED
    found = verdict(answer.fields.get("origRespCode", ""))
    failed = found is not None and found.meaning is Meaning.REFUSED
    return CancelledBy.CLOSED if failed else CancelledBy.REVERSED


def _accepted() -> Observation:
    return Observation(state=State.PENDING, source=Source.REPLY, message="the reversal was received, not confirmed yet")
