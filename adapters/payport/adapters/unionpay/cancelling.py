"""Undo, release, refund and reversal as a cancel makes them: asked about first, sent once, believed when confirmed.

A cancel is planned anew whenever it is gone on with, so each round decides from what UnionPay says: how the undo of
this number and time ended, and only when it knows of none, whether it may still be sent.
Source: UnionPay's ACP 5.1.0 interface papers.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from payport.adapters.unionpay.beijing import end_of_both_days, end_of_clearing_day, from_stamp
from payport.adapters.unionpay.calls import Call
from payport.adapters.unionpay.envelope import Answer, ask_gateway
from payport.adapters.unionpay.mapping import Meaning, refusal, verdict
from payport.adapters.unionpay.planning import CONSUME, KEEP_PAID, PRE_AUTH_UNDO, REPEAT_S, REVERSAL, UNDO
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

_NOT_THERE = "34"
_OTHER_STATE = "35"
"""Missing, or in another state: the question tells which."""
_REVERSED = "46"
_REVERSED_PERHAPS = doubt(
    Source.REPLY,
    UnknownKind.INTERRUPTED,
    "it is paid, and a reversal of it may have been done: a refund tells, it is refused then",
)


def perform_cancel(unionpay: UnionPay, cancel: Operation, request: Call, deadline_s: float) -> Exchange[Observation]:
    """One round of a cancel."""
    begun_as = _begun_as(cancel)
    if request.fields["txnType"] == REVERSAL:
        return (yield from _look_and_reverse(unionpay, cancel, request, deadline_s))
    if begun_as is not None and begun_as.fields["txnType"] == REVERSAL and cancel.may_have_left:
        # it turned out paid after its reversal was sent: whether that was done, only its repetition tells
        told = yield from _reverse(unionpay, begun_as, deadline_s, before=True)
        if told.reason is not Reason.INVALID_STATE and not told.absent:
            return told
    before = cancel.may_have_left or cancel.asked > 0
    asked_at = (yield from exchange.now()).utc
    if before:
        told = yield from _how_it_went(unionpay, request, deadline_s)
        if not told.absent:
            return told
        if cancel.partner_id is not None:
            # a question that does not find what was accepted says nothing of how that ended
            detail = f"received as {cancel.partner_id}, and not found now"
            return doubt(Source.QUERY, UnknownKind.UNKNOWN_STATUS, detail)
    now = (yield from exchange.now()).utc
    ends = _last_moment(request, before=before)
    if now >= ends:
        return _REVERSED_PERHAPS if _left_as_reversal(cancel) else _too_late(unionpay, asked_at, ends, before=before)
    answer = yield from ask_gateway(unionpay, request, deadline_s, not_after=ends)
    if isinstance(answer, Observation):
        return answer
    if answer.meaning is Meaning.REPEATED:
        told = yield from _done_before(unionpay, request, answer, deadline_s)
    else:
        told = _receipt(request, answer)
    return _unless_sent(before, answer, told)


def _unless_sent(before: bool, answer: Answer, told: Observation) -> Observation:  # noqa: FBT001 - read as a sentence
    """A refusal ends a cancel only when nothing of it was sent before: that may still arrive, or be why."""
    if told.state is not State.DECLINED or not before:
        return told
    detail = f"a repetition was refused ({answer.code}), and what was sent before may still be on its way"
    return doubt(Source.REPLY, UnknownKind.INTERRUPTED, detail)


def _begun_as(cancel: Operation) -> Call | None:
    """What it was first planned as; ``None`` for a wait, or where no sealing key kept it."""
    request = cancel.steps[0].request if cancel.steps else None
    return None if request is None else Call.decode(request)


def _left_as_reversal(cancel: Operation) -> bool:
    """Whether it left as a reversal, of which no sealing key need have kept the request."""
    return cancel.may_have_left and any(f" {REVERSAL}/" in step.name for step in cancel.steps)


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
        wanted = CONSUME if request.fields["txnType"] == REVERSAL else request.fields["txnType"]
        if record.txn_type != wanted:
            return doubt(Source.QUERY, UnknownKind.MISMATCH, "txnType: the answer is about another transaction")
        if record.txn_amt not in (None, request.fields["txnAmt"]):
            return doubt(Source.QUERY, UnknownKind.MISMATCH, "amount: the answer speaks of another one")
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


def _last_moment(request: Call, *, before: bool) -> datetime:
    """From when on it may not be sent (any more): its frozen time is too old, or its clearing day is over."""
    asked_at = from_stamp(request.fields["txnTime"])
    ends = asked_at + timedelta(seconds=REPEAT_S)
    if before:
        ends = min(ends, end_of_both_days(asked_at))
    return min(ends, end_of_clearing_day(asked_at)) if request.fields["txnType"] == UNDO else ends


def _too_late(unionpay: UnionPay, asked_at: datetime, ends: datetime, *, before: bool) -> Observation:
    if before and asked_at < ends + timedelta(seconds=unionpay.profile.in_flight_s):
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
    if answer.code == _REVERSED:
        # as a whole, which is what the cancel is for
        return Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=CancelledBy.REVERSED)
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


def _look_and_reverse(unionpay: UnionPay, cancel: Operation, request: Call, deadline_s: float) -> Exchange[Observation]:
    """Reverse, but never what is paid when that is not wanted: then it is done only after a look that was answered."""
    if KEEP_PAID in cancel.identity:
        told = yield from _how_it_went(unionpay, request, deadline_s)
        if told.state is State.DECLINED:
            return Observation(state=State.SUCCEEDED, source=Source.QUERY, cancelled_by=CancelledBy.CLOSED)
        if told.state is State.SUCCEEDED and cancel.may_have_left:
            return _REVERSED_PERHAPS
        if told.state is State.SUCCEEDED:
            return _is_paid(Source.QUERY)
        if told.state is State.DOUBT and not told.absent:
            return told
    return (yield from _reverse(unionpay, request, deadline_s, before=cancel.may_have_left))


def _reverse(unionpay: UnionPay, request: Call, deadline_s: float, *, before: bool) -> Exchange[Observation]:
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
        if answer.code == _NOT_THERE and not accepted:
            return doubt(Source.REPLY, UnknownKind.NOT_FOUND, f"{answer.code}: there was nothing to reverse")
        if answer.code == _OTHER_STATE and not accepted:
            return (yield from _not_to_be_reversed(unionpay, request, deadline_s))
        if answer.meaning not in (Meaning.DONE, Meaning.FLAGGED):
            return _accepted() if accepted else _unless_sent(before, answer, refusal(answer.code, answer.message))
        accepted = True
    return _accepted()


def _not_to_be_reversed(unionpay: UnionPay, request: Call, deadline_s: float) -> Exchange[Observation]:
    told = yield from _how_it_went(unionpay, request, deadline_s)
    if told.state is State.SUCCEEDED:
        return _is_paid(Source.REPLY)
    if told.state is State.DECLINED:
        return Observation(state=State.SUCCEEDED, source=Source.QUERY, cancelled_by=CancelledBy.CLOSED)
    detail = f"{_OTHER_STATE}: the payment is missing, or in another state"
    return doubt(Source.REPLY, UnknownKind.NOT_FOUND if told.absent else UnknownKind.UNKNOWN_STATUS, detail)


def _is_paid(source: Source) -> Observation:
    return Observation(
        state=State.DECLINED, source=source, reason=Reason.INVALID_STATE, message="it is paid, and was not reversed"
    )


def _what_was_reversed(unionpay: UnionPay, request: Call, deadline_s: float) -> Exchange[CancelledBy]:
    """Whether money had been taken. Only UnionPay's word that the payment failed says that it had not."""
    answer = yield from question(unionpay, request.fields["orderId"], request.fields["txnTime"], deadline_s)
    if isinstance(answer, Observation) or unanswered(answer) is not None:
        return CancelledBy.REVERSED
    found = verdict(answer.fields.get("origRespCode", ""))
    failed = found is not None and found.meaning is Meaning.REFUSED
    return CancelledBy.CLOSED if failed else CancelledBy.REVERSED


def _accepted() -> Observation:
    """A doubt: once it was received, no answer about the payment says that it was not done."""
    return doubt(Source.REPLY, UnknownKind.INTERRUPTED, "the reversal was received, not confirmed yet")
