"""From an authentic answer to what it teaches about an operation. One small function per call, found by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import TypeVar, assert_never

from pydantic import ValidationError

from payport.adapters.alipay.calls import from_china_time
from payport.adapters.alipay.envelope import Answer, refusal
from payport.adapters.alipay.mapping import (
    PAYER_MUST_CONFIRM,
    HoldStatus,
    Stage,
    TradeStatus,
    TransferStatus,
    hold_stage,
    plain_code,
    trade_stage,
    transfer_stage,
)
from payport.adapters.alipay.planning import (
    CANCEL,
    CANCEL_HOLD,
    CLOSE,
    CREATE,
    FREEZE,
    HOLD_QUERY,
    PAY,
    PRECREATE,
    REFUND,
    REFUND_QUERY,
    TRADE_QUERY,
    TRANSFER,
    TRANSFER_QUERY,
    UNFREEZE,
    VOUCHER,
)
from payport.adapters.alipay.wire import (
    AlipayHold,
    AlipayRefund,
    AlipayRefundState,
    AlipayTrade,
    AlipayTransfer,
    TradeCancelReply,
    TradeCloseReply,
    TradeCreateReply,
    TradePrecreateReply,
    TradeWaiting,
    Wire,
)
from payport.schemas.actions import AppParameters, QrCode
from payport.schemas.money import Money
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy, Fact, FactKind
from payport.sdk.journal.records import Operation, State
from payport.sdk.observation import Observation, Source, doubt

WireT = TypeVar("WireT", bound=Wire)
StatusT = TypeVar("StatusT", bound=Enum)


class Unreadable(Exception):
    """An authentic answer without a field that it must have, or with one that cannot be read."""


def read(operation: Operation, method: str, answer: Answer) -> Observation:
    """What the answer to ``method`` teaches about ``operation``."""
    if not answer.ok:
        return refused(method, answer)
    try:
        return _READERS[method](operation, answer)
    except Unreadable as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{method}: {error}")


def refused(method: str, answer: Answer) -> Observation:
    """What the refusal of ``method`` means."""
    if method == TRANSFER and plain_code(answer.sub_code or "") == "PAYMENT_FAIL":
        # the papers do not say whether this is final for transfers: ask before believing it
        return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, f"{answer.sub_code} {answer.sub_msg}".strip())
    return refusal(answer)


def read_question(operation: Operation | None, method: str, answer: Answer) -> Observation:
    """What the answer to a query teaches. A refused question says nothing of the operation.

    ``operation``: ``None`` when a trade is looked up that no journal holds yet.
    """
    if not answer.ok:
        told = refusal(answer)
        if told.absent:
            return doubt(Source.QUERY, UnknownKind.NOT_FOUND, f"{method}: {answer.sub_code}")
        return doubt(Source.QUERY, UnknownKind.PARTNER_FAULT, f"{method} was refused: {answer.sub_code or answer.code}")
    try:
        if operation is None or method == TRADE_QUERY:
            return _trade_state(operation, answer)
        return _QUESTIONS[method](operation, answer)
    except Unreadable as error:
        return doubt(Source.QUERY, UnknownKind.UNREADABLE, f"{method}: {error}")


def parsed(kind: type[WireT], answer: Answer) -> WireT:
    """The answer's fields, checked. Raises :class:`Unreadable`, which names fields and never their contents."""
    try:
        return kind.model_validate(answer.node)
    except ValidationError as error:
        fields = ", ".join(".".join(str(part) for part in item["loc"]) for item in error.errors(include_input=False))
        raise Unreadable(f"fields missing or of another type: {fields}") from None


def money(text: str) -> Money:
    """An amount in yuan. Raises :class:`Unreadable`."""
    try:
        return Money.of(text, "CNY")
    except (ValueError, TypeError):
        raise Unreadable("an amount is not one in yuan with two places") from None


def instant(text: str | None) -> datetime | None:
    """A time in China Standard Time; ``None`` when it is missing or in a form that is not known: it decides nothing."""
    if not text:
        return None
    try:
        return from_china_time(text[:19])
    except ValueError:
        return None


def known(kind: type[StatusT], text: str | None) -> StatusT | None:
    """The status, ``None`` for one that this version does not know."""
    try:
        return kind(text)
    except ValueError:
        return None


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


def _trade_state(operation: Operation | None, answer: Answer) -> Observation:
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


def _elsewhere(operation: Operation, source: Source, name: str, told: str | None) -> Observation | None:
    """A doubt when an answer names another order than the one that this operation is about."""
    if not told or told == operation.identity.get(name):
        return None
    return doubt(source, UnknownKind.MISMATCH, f"reference: the answer is about another {name}")


def _close(operation: Operation, answer: Answer) -> Observation:
    reply = parsed(TradeCloseReply, answer)
    return _elsewhere(operation, Source.REPLY, "out_trade_no", reply.out_trade_no) or Observation(
        state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=CancelledBy.CLOSED, partner_id=reply.trade_no
    )


def _cancel(operation: Operation, answer: Answer) -> Observation:
    reply = parsed(TradeCancelReply, answer)
    elsewhere = _elsewhere(operation, Source.REPLY, "out_trade_no", reply.out_trade_no)
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


def _refund(operation: Operation, answer: Answer) -> Observation:
    reply = parsed(AlipayRefund, answer)
    if reply.out_trade_no != operation.identity.get("out_trade_no"):
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "reference: the reply is about another trade")
    if reply.fund_change != "Y":
        # repeated, or nothing moved: the refund query tells which
        return Observation(state=State.PENDING, source=Source.REPLY, message=f"fund_change={reply.fund_change}")
    if money(reply.refund_fee) < operation.amount:
        # the sum of all refunds of the trade: never less than this one alone
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "amount: less was refunded in all than was asked for")
    return Observation(
        state=State.SUCCEEDED,
        source=Source.REPLY,
        partner_id=operation.partner_ref,
        at=instant(reply.gmt_refund_pay),
        native=reply,
    )


def _refund_state(operation: Operation, answer: Answer) -> Observation:
    reply = parsed(AlipayRefundState, answer)
    elsewhere = _elsewhere(operation, Source.QUERY, "out_trade_no", reply.out_trade_no)
    if elsewhere is not None:
        return elsewhere
    match reply.refund_status:
        case None | "":
            # without a status the refund was not received, or failed
            return doubt(Source.QUERY, UnknownKind.NOT_FOUND, "Alipay knows no such refund")
        case "REFUND_SUCCESS":
            return _refunded(reply)
        case "REFUND_PROCESSING":
            return Observation(state=State.PENDING, source=Source.QUERY, partner_ref=reply.out_request_no)
        case "REFUND_FAIL":
            return Observation(
                state=State.DECLINED,
                source=Source.QUERY,
                partner_ref=reply.out_request_no,
                reason=Reason.DECLINED,
                native=reply,
            )
        case other:
            return doubt(Source.QUERY, UnknownKind.UNKNOWN_STATUS, f"refund_status {other}")


def _refunded(reply: AlipayRefundState) -> Observation:
    if not reply.out_trade_no:
        raise Unreadable("no out_trade_no")
    return Observation(
        state=State.SUCCEEDED,
        source=Source.QUERY,
        partner_ref=reply.out_request_no,
        partner_id=reply.out_request_no,
        amount=money(reply.refund_amount) if reply.refund_amount else None,
        at=instant(reply.gmt_refund_pay),
        native=reply,
    )


def _voucher(_: Operation, answer: Answer) -> Observation:
    reply = parsed(AlipayHold, answer)
    if not reply.code_value:
        raise Unreadable("no code_value")
    return Observation(
        state=State.ACTION,
        source=Source.REPLY,
        partner_ref=reply.out_order_no,
        action=QrCode(text=reply.code_value),
        native=reply,
    )


def _freeze(_: Operation, answer: Answer) -> Observation:
    return hold_observation(parsed(AlipayHold, answer), Source.REPLY, action=False)


def _hold_state(operation: Operation, answer: Answer) -> Observation:
    return hold_observation(parsed(AlipayHold, answer), Source.QUERY, action=operation.action is not None)


def hold_observation(hold: AlipayHold, source: Source, *, action: bool) -> Observation:
    """What a hold's state teaches. ``action``: the payer holds a code of ours."""
    status = known(HoldStatus, hold.status)
    if status is None:
        return doubt(source, UnknownKind.UNKNOWN_STATUS, f"status {hold.status}")
    stage = hold_stage(status)
    if stage is Stage.PAID and hold.order_status == "CLOSED":
        stage = Stage.RETURNED  # the freeze succeeded, and was released or ran out since
    if not hold.out_order_no or not hold.amount or (stage is Stage.PAID and not hold.auth_no):
        raise Unreadable("no out_order_no, amount or auth_no")
    state = {
        Stage.OPEN: State.ACTION if action else State.PENDING,
        Stage.PAID: State.AUTHORIZED,
        Stage.OVER: State.DECLINED,
        Stage.RETURNED: State.DECLINED,
    }[stage]
    ids = {"auth_no": hold.auth_no, "operation_id": hold.operation_id}
    return Observation(
        state=state,
        source=source,
        partner_ref=hold.out_order_no,
        partner_id=hold.auth_no,
        ids={name: value for name, value in ids.items() if value},
        amount=money(hold.amount),
        at=instant(hold.gmt_trans),
        reason=Reason.CLOSED if state is State.DECLINED else None,
        cancelled_by=CancelledBy.CLOSED if state is State.DECLINED else None,
        native=hold,
    )


def _unfreeze(operation: Operation, answer: Answer) -> Observation:
    hold = parsed(AlipayHold, answer)
    elsewhere = _elsewhere(operation, Source.REPLY, "out_order_no", hold.out_order_no)
    if elsewhere is not None:
        return elsewhere
    status = known(HoldStatus, hold.status)
    match status:
        case HoldStatus.SUCCESS:
            return Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=CancelledBy.VOIDED, native=hold)
        case HoldStatus.INIT:
            return Observation(state=State.PENDING, source=Source.REPLY)
        case HoldStatus.CLOSED | None:
            return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"release: status {hold.status}")
        case _:
            assert_never(status)


def _cancel_hold(operation: Operation, answer: Answer) -> Observation:
    hold = parsed(AlipayHold, answer)
    elsewhere = _elsewhere(operation, Source.REPLY, "out_order_no", hold.out_order_no)
    if elsewhere is not None:
        return elsewhere
    by = {"close": CancelledBy.CLOSED, "unfreeze": CancelledBy.VOIDED}.get(hold.action or "")
    if by is None:
        return doubt(Source.REPLY, UnknownKind.NOT_FOUND, "there was no hold to cancel")
    return Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=by, native=hold)


def _transfer(operation: Operation, answer: Answer) -> Observation:
    return _transfer_state(parsed(AlipayTransfer, answer), Source.REPLY, operation)


def _transfer_query(operation: Operation, answer: Answer) -> Observation:
    return _transfer_state(parsed(AlipayTransfer, answer), Source.QUERY, operation)


def _transfer_state(transfer: AlipayTransfer, source: Source, operation: Operation) -> Observation:
    amount = transfer.trans_amount or transfer.amount
    return transfer_observation(
        transfer.status,
        source,
        out_biz_no=transfer.out_biz_no or operation.partner_ref,
        order_id=transfer.order_id,
        amount=money(amount) if amount else None,
        at=instant(transfer.pay_date or transfer.trans_date),
        failed_because=transfer.error_code,
        native=transfer,
    )


def transfer_observation(
    status_text: str,
    source: Source,
    *,
    out_biz_no: str,
    order_id: str | None,
    amount: Money | None,
    at: datetime | None,
    failed_because: str | None = None,
    native: object = None,
) -> Observation:
    """What a transfer's status teaches. Returned money is a refusal that came late."""
    status = known(TransferStatus, status_text)
    if status is None:
        return doubt(source, UnknownKind.UNKNOWN_STATUS, f"status {status_text}")
    stage = transfer_stage(status)
    state = {
        Stage.OPEN: State.PENDING,
        Stage.PAID: State.SUCCEEDED,
        Stage.OVER: State.DECLINED,
        Stage.RETURNED: State.DECLINED,
    }[stage]
    return Observation(
        state=state,
        source=source,
        partner_ref=out_biz_no,
        partner_id=order_id,
        amount=amount,
        at=at,
        reason=Reason.DECLINED if state is State.DECLINED else None,
        partner_code=failed_because,
        message="returned by the bank" if stage is Stage.RETURNED else "",
        native=native,
    )


_READERS: Mapping[str, Callable[[Operation, Answer], Observation]] = {
    PRECREATE: _precreate,
    CREATE: _create,
    PAY: _pay,
    CLOSE: _close,
    CANCEL: _cancel,
    REFUND: _refund,
    VOUCHER: _voucher,
    FREEZE: _freeze,
    UNFREEZE: _unfreeze,
    CANCEL_HOLD: _cancel_hold,
    TRANSFER: _transfer,
}
_QUESTIONS: Mapping[str, Callable[[Operation, Answer], Observation]] = {
    REFUND_QUERY: _refund_state,
    HOLD_QUERY: _hold_state,
    TRANSFER_QUERY: _transfer_query,
}
