"""Carry out one step, ask about one operation: which call, and what its answer teaches."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from payport.adapters.unionpay.beijing import end_of_both_days, from_stamp
from payport.adapters.unionpay.calls import FRONT, Call, signed_fields
from payport.adapters.unionpay.cancelling import perform_cancel
from payport.adapters.unionpay.envelope import ask_gateway
from payport.adapters.unionpay.mapping import Meaning
from payport.adapters.unionpay.planning import QUIET_S, REPEAT_S
from payport.adapters.unionpay.questions import question
from payport.adapters.unionpay.reading import read_question, read_reply
from payport.schemas.actions import PostForm
from payport.schemas.outcome import NotSentCause, NotSentKind, Reason
from payport.sdk import exchange
from payport.sdk.calling import kept
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.observation import Observation, Source

if TYPE_CHECKING:
    from payport.adapters.unionpay.adapter import UnionPay


def perform(unionpay: UnionPay, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
    """Send one step, or sign a page that needs no call."""
    sends = kept(step)
    if isinstance(sends, Observation):
        return sends
    request = Call.decode(sends)
    if request.path == FRONT:
        form = yield from signed_page(unionpay, request)
        return Observation(state=State.ACTION, source=Source.LOCAL, action=form)
    if operation.verb is Verb.CANCEL:
        return (yield from perform_cancel(unionpay, operation, request, deadline_s))
    ends = _last_moment(step, request)
    # a try that hung, or an order that was only prepared, does not take its number into another day either
    if (yield from exchange.now()).utc >= ends:
        return _not_sent(
            NotSentKind.DEADLINE,
            "its frozen txnTime is too old for UnionPay, or of another day, so it was not sent; "
            "what was sent before is being asked about",
        )
    answer = yield from ask_gateway(unionpay, request, deadline_s, not_after=ends)
    if isinstance(answer, Observation):
        return answer
    if answer.meaning is not Meaning.REPEATED:
        return read_reply(request, answer)
    told = yield from ask(unionpay, operation, deadline_s)  # it was received, or done, before: the question tells how
    if told.absent and answer.code != "12":
        # not this request: another one undid or refunded the original
        return Observation(
            state=State.DECLINED,
            source=Source.REPLY,
            reason=Reason.ALREADY_DONE,
            partner_code=answer.code,
            message=answer.message,
        )
    # a doubt about what was just sent is the reply's, not the question's: the request is outside
    return replace(told, source=Source.REPLY) if told.state is State.DOUBT else told


def _last_moment(step: Step, request: Call) -> datetime:
    """From when on it may not leave: its ``txnTime`` is too old, or a repetition might arrive on another day."""
    made = from_stamp(request.fields["txnTime"])
    ends = end_of_both_days(made)
    if step.replayable:  # this may be a repetition; what may not be repeated leaves once
        ends -= timedelta(seconds=QUIET_S / 2)
    return min(made + timedelta(seconds=REPEAT_S), ends)


def signed_page(unionpay: UnionPay, request: Call) -> Exchange[PostForm]:
    """The form that the payer's browser posts."""
    fields = yield from signed_fields(unionpay, request)
    return PostForm(url=unionpay.config.gateway_url + request.path, fields=fields)


def ask(unionpay: UnionPay, operation: Operation, deadline_s: float) -> Exchange[Observation]:
    """Query an operation by our own number and the frozen ``txnTime``."""
    txn_time = operation.identity.get("txnTime", "")
    now = (yield from exchange.now()).utc
    answer = yield from question(unionpay, operation.partner_ref, txn_time, deadline_s)
    if isinstance(answer, Observation):
        return answer
    return read_question(operation, answer, min(now, answer.date or now), unionpay.profile.settle_margin_s)


def _not_sent(kind: NotSentKind, detail: str) -> Observation:
    return Observation(state=State.NOT_SENT, source=Source.LOCAL, not_sent=NotSentCause(kind, detail))
