"""What answers about trades teach: created, paid, waiting, closed, reversed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from payport.adapters.alipay.envelope import Answer
from payport.adapters.alipay.mapping import (
    PAYER_MUST_CONFIRM,
    Stage,
    TradeStatus,
    trade_stage,
)
from payport.adapters.alipay.planning import (
    CANCEL,
    CLOSE,
    CREATE,
    PAY,
    PRECREATE,
    TRADE_QUERY,
)
from payport.adapters.alipay.reading.fields import Unreadable, about_another, instant, known, money, parsed
from payport.adapters.alipay.wire import (
    AlipayTrade,
    TradeCancelReply,
    TradeCloseReply,
    TradeCreateReply,
    TradePrecreateReply,
    TradeWaiting,
)
from payport.schemas.actions import AppParameters, QrCode
from payport.schemas.money import Money
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy, Fact, FactKind
from payport.sdk.journal.records import Operation, State
from payport.sdk.observation import Observation, Source, doubt


def _precreate(_: Operation, answer: Answer) -> Observation:
    reply = parsed(TradePrecreateReply, answer)
    return Observation(
        state=State.ACTION,
        source=Source.REPLY,
        partner_ref=reply.out_trade_no,
        action=QrCode(text=reply.qr_code),
        native=reply,
    )


def _create(_: Operation, answer: Answer) -> Observation:
    reply = parsed(TradeCreateReply, answer)
    return Observation(
        state=State.ACTION,
        source=Source.REPLY,
        partner_ref=reply.out_trade_no,
        partner_id=reply.trade_no,
        action=AppParameters(payload=reply.trade_no, fields={"tradeNO": reply.trade_no}),
        native=reply,
    )


def _pay(_: Operation, answer: Answer) -> Observation:
    if answer.code == PAYER_MUST_CONFIRM:
        waiting = parsed(TradeWaiting, answer)
        return Observation(
            state=State.PENDING,
            source=Source.REPLY,
            partner_ref=waiting.out_trade_no,
            partner_id=waiting.trade_no,
            message="the payer must confirm",
        )
    trade = parsed(AlipayTrade, answer)
    return _paid(trade, Source.REPLY, trade.gmt_payment)


def _paid(trade: AlipayTrade, source: Source, at: str | None, facts: tuple[Fact, ...] = ()) -> Observation:
    return Observation(
        state=State.SUCCEEDED,
        source=source,
        partner_ref=trade.out_trade_no,
        partner_id=trade.trade_no,
        amount=money(trade.total_amount),
        at=instant(at),
        facts=facts,
        native=trade,
    )


def trade_state(operation: Operation | None, answer: Answer) -> Observation:
    """``alipay.trade.query``: of an attempt, a capture, or (``None``) a trade that no journal holds yet."""
    trade = parsed(AlipayTrade, answer)
    status = known(TradeStatus, trade.trade_status)
    if status is None:
        return doubt(Source.QUERY, UnknownKind.UNKNOWN_STATUS, f"trade_status {trade.trade_status}")
    stage, paid_at = trade_stage(status, was_paid=bool(trade.send_pay_date)), instant(trade.send_pay_date)
    if stage is Stage.RETURNED and paid_at is None:
        raise Unreadable("send_pay_date is no time")
    return trade_observation(
        stage,
        Source.QUERY,
        trade_no=trade.trade_no,
        out_trade_no=trade.out_trade_no,
        amount=money(trade.total_amount),
        at=paid_at,
        scanned=operation is None or operation.action is None,
        native=trade,
    )


def trade_observation(
    stage: Stage,
    source: Source,
    *,
    trade_no: str,
    out_trade_no: str,
    amount: Money,
    at: datetime | None,
    scanned: bool,
    native: object = None,
) -> Observation:
    """What the state of a trade teaches. ``scanned``: the payer holds no action of ours, so open means pending."""
    state = {
        Stage.OPEN: State.PENDING if scanned else State.ACTION,
        Stage.PAID: State.SUCCEEDED,
        Stage.RETURNED: State.SUCCEEDED,
        Stage.OVER: State.DECLINED,
    }[stage]
    returned = Fact(kind=FactKind.REFUNDED, at=at, amount=amount) if stage is Stage.RETURNED and at else None
    return Observation(
        state=state,
        source=source,
        partner_ref=out_trade_no,
        partner_id=trade_no,
        amount=amount,
        at=at,
        facts=(returned,) if returned else (),
        reason=Reason.CLOSED if stage is Stage.OVER else None,
        cancelled_by=CancelledBy.CLOSED if stage is Stage.OVER else None,
        native=native,
    )


def _close(operation: Operation, answer: Answer) -> Observation:
    reply = parsed(TradeCloseReply, answer)
    return about_another(operation, Source.REPLY, "out_trade_no", reply.out_trade_no) or Observation(
        state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=CancelledBy.CLOSED, partner_id=reply.trade_no
    )


def _cancel(operation: Operation, answer: Answer) -> Observation:
    reply = parsed(TradeCancelReply, answer)
    elsewhere = about_another(operation, Source.REPLY, "out_trade_no", reply.out_trade_no)
    if elsewhere is not None:
        return elsewhere
    by = {"close": CancelledBy.CLOSED, "refund": CancelledBy.REVERSED}.get(reply.action or "")
    if reply.retry_flag == "Y":
        return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, "Alipay asks to cancel again", again=True)
    if by is None:
        return doubt(Source.REPLY, UnknownKind.NOT_FOUND, "there was no trade to cancel")
    return Observation(
        state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=by, partner_id=reply.trade_no, native=reply
    )


REPLIES: Mapping[str, Callable[[Operation, Answer], Observation]] = {
    PRECREATE: _precreate,
    CREATE: _create,
    PAY: _pay,
    CLOSE: _close,
    CANCEL: _cancel,
}
QUESTIONS: Mapping[str, Callable[[Operation, Answer], Observation]] = {TRADE_QUERY: trade_state}
