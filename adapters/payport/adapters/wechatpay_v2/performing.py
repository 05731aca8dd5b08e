"""Carry out one step, ask about one operation: which call, and what its answer teaches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from payport.adapters.wechatpay_v2 import cancelling
from payport.adapters.wechatpay_v2.actions import hand_out
from payport.adapters.wechatpay_v2.calls import CLOSE, MICROPAY, ORDER_QUERY, REFUND_QUERY, REVERSE, UNIFIED_ORDER, Call
from payport.adapters.wechatpay_v2.envelope import Answer, ask_wechat, refusal
from payport.adapters.wechatpay_v2.mapping import Meaning, verdict
from payport.adapters.wechatpay_v2.reading import (
    Unreadable,
    read_micropay,
    read_refund,
    read_refund_state,
    read_trade,
)
from payport.adapters.wechatpay_v2.wire import WeChatPayV2Trade
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.references import PartnerId
from payport.sdk.adapter import Found
from payport.sdk.calling import kept
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.wechatpay_v2.adapter import WeChatPayV2


def perform(wechat: WeChatPayV2, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
    """Send one step and read its answer."""
    sends = kept(step)
    if isinstance(sends, Observation):
        return sends
    call = Call.decode(sends)
    if call.path == CLOSE:
        return (yield from cancelling.close(wechat, call, deadline_s))
    if call.path == REVERSE:
        return (yield from cancelling.reverse(wechat, call, deadline_s))
    answer = yield from ask_wechat(wechat, call, deadline_s)
    if isinstance(answer, Observation):
        return answer
    if not answer.ok and _was_done(answer):
        return _outside((yield from ask(wechat, operation, deadline_s)))  # it was paid before: the question tells how
    if call.path == UNIFIED_ORDER:
        return (yield from _opened(wechat, call, answer))
    if call.path == MICROPAY:
        return read_micropay(answer)
    return (yield from _refunded(wechat, operation, answer, deadline_s))


def _refunded(wechat: WeChatPayV2, operation: Operation, answer: Answer, deadline_s: float) -> Exchange[Observation]:
    """A refused refund is believed when WeChat then knows of none: another number taken too soon pays back twice."""
    told = read_refund(operation, answer)
    if told.state is not State.DECLINED or told.reason is Reason.BAD_SIGNATURE:
        return told
    found = yield from ask(wechat, operation, deadline_s)
    return told if found.absent else _outside(found)


def _outside(found: Observation) -> Observation:
    """What a question taught right after a request; where it taught nothing, the doubt is the request's: it left."""
    return replace(found, source=Source.REPLY) if found.state is State.DOUBT else found


def _was_done(answer: Answer) -> bool:
    found = verdict(answer.path, answer.code)
    return found is not None and found.meaning is Meaning.DONE


def _opened(wechat: WeChatPayV2, call: Call, answer: Answer) -> Exchange[Observation]:
    """An order waits for its payer. The answer names no order of ours; WeChat keeps it under the number we gave."""
    if not answer.ok:
        return refusal(answer)
    try:
        action = yield from hand_out(wechat, call, answer)
    except Unreadable as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{call.path}: {error}")
    return Observation(
        state=State.ACTION, source=Source.REPLY, action=action, ids={"trade_type": call.fields["trade_type"]}
    )


def ask(wechat: WeChatPayV2, operation: Operation, deadline_s: float) -> Exchange[Observation]:
    """Query an operation by our own reference."""
    if operation.verb is Verb.REFUND:
        question = Call(path=REFUND_QUERY, fields={"out_refund_no": operation.partner_ref})
    else:
        question = Call(path=ORDER_QUERY, fields={"out_trade_no": operation.partner_ref})
    answer = yield from ask_wechat(wechat, question, deadline_s)
    if isinstance(answer, Observation):
        return unanswered(question.path, answer)
    return read_refund_state(operation, answer) if question.path == REFUND_QUERY else read_trade(operation, answer)


def unanswered(path: str, observation: Observation) -> Observation:
    """A question without an authentic answer teaches nothing, whether it left or not."""
    cause = observation.unknown or observation.not_sent
    kind = observation.unknown.kind if observation.unknown else UnknownKind.TIMED_OUT
    return doubt(Source.QUERY, kind, f"{path} was not answered: {cause}")


def find(wechat: WeChatPayV2, partner_id: PartnerId, deadline_s: float) -> Exchange[Found]:
    """Query an order by WeChat's own number (``transaction_id``)."""
    question = Call(path=ORDER_QUERY, fields={"transaction_id": partner_id.value})
    answer = yield from ask_wechat(wechat, question, deadline_s)
    if isinstance(answer, Observation):
        return Found(partner_ref=None, observation=answer)
    observation = read_trade(None, answer)
    trade = observation.native
    if not isinstance(trade, WeChatPayV2Trade) or trade.transaction_id != partner_id.value:
        return Found(partner_ref=None, observation=observation)
    return Found(partner_ref=trade.out_trade_no, observation=observation)
