"""Close an order, or reverse a scanned one. Their answers name no order and say little: the query tells how it ended.

Source: pay.weixin.qq.com, API v2, "close order" and "reverse order".
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from payport.adapters.wechatpay_v2.calls import ORDER_QUERY, REFUND_QUERY, Call
from payport.adapters.wechatpay_v2.envelope import Answer, ask_wechat, refusal
from payport.adapters.wechatpay_v2.mapping import Meaning, TradeState, verdict
from payport.adapters.wechatpay_v2.planning import MAY_REVERSE, NOT_BEFORE, WAS_PAID
from payport.adapters.wechatpay_v2.reading import all_given_back, read_trade
from payport.adapters.wechatpay_v2.wire import WeChatPayV2Trade
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk import exchange
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.wechatpay_v2.adapter import WeChatPayV2

_OVER_ALREADY = (Reason.CLOSED, Reason.INVALID_STATE)


def close(wechat: WeChatPayV2, call: Call, deadline_s: float) -> Exchange[Observation]:
    """End an order that nobody paid. Closed only when the query says so: WeChat wants some minutes in between."""
    answer = yield from ask_wechat(wechat, call, deadline_s)
    if isinstance(answer, Observation):
        return answer
    if not answer.ok and not _worth_asking(answer):
        return refusal(answer)
    told = yield from _how_it_stands(wechat, call, deadline_s)
    if told.state is State.SUCCEEDED:
        return _paid()
    return _ended(told, was_paid=False)


def _worth_asking(answer: Answer) -> bool:
    """Whether a refusal to close or reverse says that the order is over, one way or the other."""
    found = verdict(answer.path, answer.code)
    return found is not None and (
        found.meaning is Meaning.DONE or (found.meaning is Meaning.REFUSED and found.reason in _OVER_ALREADY)
    )


def reverse(wechat: WeChatPayV2, call: Call, deadline_s: float) -> Exchange[Observation]:
    """End a scanned order: WeChat closes it, or gives the money back when it was paid.

    The order is looked at first: a paid one is reversed only when that was asked for, and afterwards WeChat does not
    say any more whether it had been paid. A payment that comes in between the look and the reversal is given back.
    """
    before = yield from _how_it_stands(wechat, call, deadline_s)
    was_paid = WAS_PAID in call.notes or before.state is State.SUCCEEDED
    if _has_refunds(before):
        return (yield from _paid_with_refunds(wechat, call, deadline_s))
    unneeded = _need_not_reverse(call, before, was_paid=was_paid)
    if unneeded is not None:
        return unneeded
    if not was_paid:  # a charge that may be under way is to be left alone for a while; one that is over is not
        early = yield from _leave_alone(wechat, call, deadline_s)
        if early is not None:
            return early
    answer = yield from ask_wechat(wechat, call, deadline_s)
    if isinstance(answer, Observation):
        return answer
    if answer.fields.get("recall") == "Y":
        return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, f"{call.path}: recall=Y, to be asked again", again=True)
    if not answer.ok and not _worth_asking(answer):
        return refusal(answer)
    after = yield from _how_it_stands(wechat, call, deadline_s)
    if not answer.ok and after.state is State.SUCCEEDED:
        return refusal(answer)  # paid, and too late to reverse
    if _has_refunds(after):
        return (yield from _paid_with_refunds(wechat, call, deadline_s))
    return _ended(after, was_paid=was_paid)


def _need_not_reverse(call: Call, before: Observation, *, was_paid: bool) -> Observation | None:
    """What the look before already decides: over, paid and not to be given back, or nothing known."""
    if before.state is State.DECLINED and before.cancelled_by is not None:
        return _ended(before, was_paid=was_paid)
    if MAY_REVERSE in call.notes:
        return None
    if was_paid:
        return _paid()
    if before.state is State.DOUBT and not before.absent:
        return replace(before, source=Source.LOCAL)  # nothing that could end it was sent: look again later
    return None


def _leave_alone(wechat: WeChatPayV2, call: Call, deadline_s: float) -> Exchange[Observation | None]:
    """Wait until a charge may be reversed; without the time for it the cancel stays pending and goes on later."""
    now = yield from exchange.now()
    wait_s = (datetime.fromisoformat(call.notes[NOT_BEFORE]) - now.utc).total_seconds()
    if wait_s <= 0:
        return None
    if now.monotonic_s + wait_s >= deadline_s:
        return Observation(
            state=State.PENDING, source=Source.LOCAL, message="WeChat takes a reversal 15 seconds after the charge"
        )
    yield from exchange.sleep(wait_s)
    if MAY_REVERSE in call.notes:
        return None
    again = yield from _how_it_stands(wechat, call, deadline_s)  # the payer may have paid meanwhile
    return _need_not_reverse(call, again, was_paid=again.state is State.SUCCEEDED)


def _how_it_stands(wechat: WeChatPayV2, call: Call, deadline_s: float) -> Exchange[Observation]:
    """The order as the query shows it. Says nothing of another order than the one that is to be cancelled."""
    number = call.fields["out_trade_no"]
    question = Call(path=ORDER_QUERY, fields={"out_trade_no": number})
    answer = yield from ask_wechat(wechat, question, deadline_s)
    if isinstance(answer, Observation):
        return _unanswered(ORDER_QUERY, answer)
    told = read_trade(None, answer)
    if told.partner_ref not in (None, number):
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "reference: the answer is about another order")
    return told


def _unanswered(path: str, observation: Observation) -> Observation:
    cause = observation.unknown or observation.not_sent
    kind = observation.unknown.kind if observation.unknown else UnknownKind.TIMED_OUT
    return doubt(Source.REPLY, kind, f"{path} was not answered: {cause}", again=True)


def _has_refunds(told: Observation) -> bool:
    trade = told.native
    return isinstance(trade, WeChatPayV2Trade) and trade.trade_state == TradeState.REFUND.value


def _paid_with_refunds(wechat: WeChatPayV2, call: Call, deadline_s: float) -> Exchange[Observation]:
    """A paid order with refunds, of a part or of all: ended only when nothing of it is left."""
    question = Call(path=REFUND_QUERY, fields=call.fields)
    answer = yield from ask_wechat(wechat, question, deadline_s)
    if isinstance(answer, Observation):
        return _unanswered(REFUND_QUERY, answer)
    if answer.ok and all_given_back(answer.fields):
        return _done(CancelledBy.REVERSED)
    return replace(_paid(), message="the order is paid, and has refunds: refund the rest")


def _ended(told: Observation, *, was_paid: bool) -> Observation:
    """What the query after a close or reversal amounts to for the cancel."""
    if told.state is State.DECLINED and told.cancelled_by is not None:
        return _done(CancelledBy.REVERSED if was_paid else told.cancelled_by)
    if told.state is State.DOUBT:
        return replace(told, source=Source.REPLY)  # the request that ends it has left
    return doubt(
        Source.REPLY, UnknownKind.PARTNER_FAULT, "WeChat accepted it, and still shows the order as it was", again=True
    )


def _done(by: CancelledBy) -> Observation:
    return Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=by)


def _paid() -> Observation:
    return Observation(
        state=State.DECLINED,
        source=Source.REPLY,
        reason=Reason.INVALID_STATE,
        partner_code="ORDERPAID",
        message="the order is paid",
    )
