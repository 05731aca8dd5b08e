"""Close an order, or reverse one that was paid by a scanned code; the result says which.

Sources: pay.weixin.qq.com, "close", "reverse", "payment code: flow".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from payport.adapters.wechatpay.calls import Call
from payport.adapters.wechatpay.envelope import Answer, ask_wechat, refusal
from payport.adapters.wechatpay.mapping import Meaning, TradeState
from payport.adapters.wechatpay.performing import answered, trade_question
from payport.adapters.wechatpay.planning import CLOSE, KEEP_PAID, NOT_BEFORE, PAID, plain_name
from payport.adapters.wechatpay.reading.fields import Unreadable, mismatch, parsed
from payport.adapters.wechatpay.reading.trades import transaction_observation
from payport.adapters.wechatpay.wire import WeChatPayTransaction
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk import exchange
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.wechatpay.adapter import WeChatPay


def perform(adapter: WeChatPay, cancel: Operation, request: Call, deadline_s: float) -> Exchange[Observation]:
    """Carry out the one step of a cancel."""
    if plain_name(request.name) == CLOSE:
        return (yield from _close(adapter, cancel, request, deadline_s))
    return (yield from _reverse(adapter, cancel, request, deadline_s))


def _close(adapter: WeChatPay, cancel: Operation, request: Call, deadline_s: float) -> Exchange[Observation]:
    answer = yield from ask_wechat(adapter, request, deadline_s)
    if isinstance(answer, Observation):
        return answer
    if answer.ok:
        return _done(CancelledBy.CLOSED)
    if not _settled(answer):
        return refusal(answer)  # the payer is paying, an order that is not there, a fault, too many calls
    told = yield from _trade(adapter, cancel, deadline_s)
    if told.state is State.DECLINED:
        return _done(told.cancelled_by or CancelledBy.CLOSED)
    if told.state is State.SUCCEEDED:
        return _was_paid(answer)
    if answer.verdict.reason is Reason.CLOSED:
        return _still_open(answer) if told.state is State.PENDING else _done(CancelledBy.CLOSED)
    return _was_paid(answer) if answer.verdict.meaning is Meaning.DONE else refusal(answer)


def _reverse(adapter: WeChatPay, cancel: Operation, request: Call, deadline_s: float) -> Exchange[Observation]:
    """Look, reverse, look again.

    WeChat reverses unpaid and paid orders alike and says neither which it was, nor that there was no such order. It
    wants no reverse within 15 s of a charge whose end is open; what is known to be paid is reversed at once.
    """
    paid, keep = PAID in request.notes, KEEP_PAID in request.notes
    if paid and keep:
        return (yield from _kept(adapter, cancel, deadline_s)) if cancel.may_have_left else _KEPT
    wait_s = yield from _too_early_by(request)
    if not paid:
        before = yield from _trade(adapter, cancel, deadline_s)
        decided, paid = _need_not_reverse(before, keep=keep), before.state is State.SUCCEEDED
        if decided is None and not paid and wait_s > 0:
            now = yield from exchange.now()
            if now.monotonic_s + wait_s >= deadline_s:
                return _TOO_EARLY
            yield from exchange.sleep(wait_s)
            if keep:  # the payer may have paid meanwhile
                decided = _need_not_reverse((yield from _trade(adapter, cancel, deadline_s)), keep=keep)
        if decided is not None:
            return decided
    answer = yield from ask_wechat(adapter, request, deadline_s)
    if isinstance(answer, Observation):
        return answer
    if not answer.ok and not _settled(answer):
        return refusal(answer)
    after = yield from _trade(adapter, cancel, deadline_s)
    told = _reversed(answer, after, paid=paid)
    return _TOO_EARLY if told.state is State.DECLINED and wait_s > 0 else told


def _kept(adapter: WeChatPay, cancel: Operation, deadline_s: float) -> Exchange[Observation]:
    """What is to be kept, because it is known to be paid, after a reverse of it has left: that may have been done."""
    told = yield from _trade(adapter, cancel, deadline_s)
    if told.state is State.DECLINED:
        return _done(CancelledBy.REVERSED)
    if told.state is not State.SUCCEEDED:
        return replace(told, source=Source.LOCAL)
    if _is_returning(told):
        detail = "it is paid, and money of it went back, by a reverse or by a refund: compare with WeChat's records"
        return doubt(Source.LOCAL, UnknownKind.INTERRUPTED, detail)
    return _KEPT


def _is_returning(told: Observation) -> bool:
    return isinstance(told.native, WeChatPayTransaction) and told.native.trade_state == TradeState.REFUND.value


def _need_not_reverse(before: Observation, *, keep: bool) -> Observation | None:
    """What a look before already decides: it is over, or it is to be kept when paid, and is paid or nobody knows."""
    if before.state is State.DECLINED:
        return _done(before.cancelled_by or CancelledBy.CLOSED)
    if keep and before.state is State.SUCCEEDED:
        return _KEPT
    if keep and before.state is State.DOUBT and not before.absent:
        return replace(before, source=Source.LOCAL)  # nothing that could end it was sent: look again later
    return None


def _reversed(answer: Answer, after: Observation, *, paid: bool) -> Observation:
    """What a reverse amounts to, by how the order stands after it."""
    if after.state is State.DECLINED:
        return _done(CancelledBy.REVERSED if paid else after.cancelled_by or CancelledBy.CLOSED)
    if after.state is State.SUCCEEDED:
        # after a refusal, REFUND tells of another refund, which may be of a part: a reverse may be repeated and answers
        if _is_returning(after) and (answer.ok or answer.verdict.reason is Reason.CLOSED):
            return _done(CancelledBy.REVERSED)
        if not answer.ok:
            return _was_paid(answer)
    if after.absent:
        return doubt(Source.REPLY, UnknownKind.NOT_FOUND, "WeChat Pay knows of no such order")
    return _still_open(answer)


_KEPT = Observation(state=State.DECLINED, source=Source.REPLY, reason=Reason.INVALID_STATE, message="it is paid")
_TOO_EARLY = Observation(
    state=State.PENDING,
    source=Source.LOCAL,
    message="WeChat Pay wants no reverse within 15 seconds of the charge: left to the next round",
)


def _too_early_by(request: Call) -> Exchange[float]:
    """For how many seconds WeChat wants no reverse yet; nothing or less when it is time."""
    now = yield from exchange.now()
    return int(request.notes[NOT_BEFORE]) - now.utc.timestamp()


def _settled(answer: Answer) -> bool:
    """Whether a refusal may mean that the order is over or paid already: the question tells."""
    found = answer.verdict
    return found.meaning is Meaning.DONE or (found.meaning is Meaning.REFUSED and not found.again)


def _trade(adapter: WeChatPay, cancel: Operation, deadline_s: float) -> Exchange[Observation]:
    """How the order stands, or a doubt."""
    out_trade_no = cancel.identity.get("out_trade_no", "")
    answer = answered((yield from ask_wechat(adapter, trade_question(adapter.config, out_trade_no), deadline_s)))
    if isinstance(answer, Observation):
        return answer
    try:
        transaction = parsed(WeChatPayTransaction, answer.node)
        if transaction.out_trade_no != out_trade_no:
            return mismatch(Source.QUERY, "reference: the answer is about another order")
        return transaction_observation(adapter.config, transaction, Source.QUERY, waits=True)
    except Unreadable as error:
        return doubt(Source.QUERY, UnknownKind.UNREADABLE, str(error))


def _done(by: CancelledBy) -> Observation:
    return Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=by)


def _still_open(answer: Answer) -> Observation:
    said = "answered" if answer.ok else f"refused ({answer.code})"
    detail = f"the request was {said}, and the order does not stand as closed or reversed yet"
    return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, detail, again=True)


def _was_paid(answer: Answer) -> Observation:
    return Observation(
        state=State.DECLINED,
        source=Source.REPLY,
        reason=Reason.INVALID_STATE,
        partner_code=answer.code,
        message=answer.message,
    )
