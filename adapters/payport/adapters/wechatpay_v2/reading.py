"""From an authentic answer to what it teaches about an operation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import TypeVar, assert_never

from pydantic import ValidationError

from payport.adapters.wechatpay_v2.calls import instant
from payport.adapters.wechatpay_v2.envelope import Answer, refusal, shown
from payport.adapters.wechatpay_v2.mapping import RefundState, Stage, TradeState, trade_stage
from payport.adapters.wechatpay_v2.planning import MICROPAY_TYPE, was_scanned
from payport.adapters.wechatpay_v2.wire import WeChatPayV2Refund, WeChatPayV2Trade, Wire
from payport.schemas.money import Money
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy, Fact, FactKind
from payport.sdk.journal.records import Operation, State
from payport.sdk.observation import Observation, Source, doubt

WireT = TypeVar("WireT", bound=Wire)
StatusT = TypeVar("StatusT", bound=Enum)

_FEN = re.compile(r"\d{1,12}", re.ASCII)
_NUMBERED = re.compile(r"out_refund_no_(\d{1,3})", re.ASCII)


class Unreadable(Exception):
    """An authentic answer without a field that it must have, or with one that cannot be read."""


def parsed(kind: type[WireT], fields: Mapping[str, str]) -> WireT:
    """The fields, checked. Raises :class:`Unreadable`, which names fields and never their contents."""
    try:
        return kind.model_validate({name: value for name, value in fields.items() if value})
    except ValidationError as error:
        names = ", ".join(".".join(str(part) for part in item["loc"]) for item in error.errors(include_input=False))
        raise Unreadable(f"fields missing: {names}") from None


def money(text: str | None, currency: str | None = None) -> Money:
    """An amount in fen. Raises :class:`Unreadable`; orders in other currencies are not made here."""
    if currency not in (None, "", "CNY"):
        raise Unreadable("an amount is not in CNY")
    if text is None or not _FEN.fullmatch(text):
        raise Unreadable("an amount is missing, or is not digits in fen")
    return Money(int(text), "CNY")


def known(kind: type[StatusT], text: str | None) -> StatusT | None:
    """The status, ``None`` for one that this version does not know."""
    try:
        return kind(text)
    except ValueError:
        return None


def paid_observation(trade: WeChatPayV2Trade, source: Source) -> Observation:
    """What a paid order teaches. Raises :class:`Unreadable` without a number or an amount."""
    if trade.transaction_id is None:
        raise Unreadable("it is paid, and transaction_id is missing")
    return Observation(
        state=State.SUCCEEDED,
        source=source,
        partner_ref=trade.out_trade_no,
        partner_id=trade.transaction_id,
        ids={"trade_type": trade.trade_type} if trade.trade_type else {},
        amount=money(trade.total_fee, trade.fee_type),
        at=instant(trade.time_end),
        native=trade,
    )


def says_paid(trade: WeChatPayV2Trade) -> bool:
    """Whether nothing in a notice contradicts "paid": most name no state, those of deductions any."""
    state = known(TradeState, trade.trade_state)
    return trade.trade_state is None or (state is not None and trade_stage(state) is Stage.PAID)


def trade_observation(operation: Operation | None, trade: WeChatPayV2Trade, source: Source) -> Observation:
    """What an order's state teaches about an attempt, or (``None``) about an order that no journal holds yet."""
    state = known(TradeState, trade.trade_state)
    if state is None:
        return doubt(source, UnknownKind.UNKNOWN_STATUS, f"trade_state {shown(trade.trade_state or 'missing')}")
    stage = trade_stage(state)
    match stage:
        case Stage.PAID:
            return paid_observation(trade, source)
        case Stage.OPEN:
            return _open(operation, trade, source)
        case Stage.WORKING:
            return _unpaid(State.PENDING, trade, source)
        case Stage.FAILED:
            # closes nothing: a scanned code is reversed when its ladder ends, others may be paid yet
            return _open(operation, trade, source, reason=Reason.DECLINED)
        case Stage.CLOSED:
            return _unpaid(State.DECLINED, trade, source, reason=Reason.CLOSED, by=CancelledBy.CLOSED)
        case Stage.REVOKED:
            return _revoked(operation, trade, source)
        case _:
            assert_never(stage)


def _by_code(operation: Operation | None, trade: WeChatPayV2Trade) -> bool:
    return trade.trade_type == MICROPAY_TYPE or (operation is not None and was_scanned(operation))


def _open(
    operation: Operation | None, trade: WeChatPayV2Trade, source: Source, *, reason: Reason | None = None
) -> Observation:
    """Nobody paid yet, or a try failed and the payer may try again."""
    if _by_code(operation, trade) or operation is None:
        return _unpaid(State.PENDING, trade, source, reason=reason)
    if operation.action is None:
        # the order is there, but its prepay_id never reached us: as good as absent, so the same call is made again
        return doubt(source, UnknownKind.NOT_FOUND, "the order is open, and what to pay it with was not received")
    return _unpaid(State.ACTION, trade, source, reason=reason)


def _unpaid(
    state: State,
    trade: WeChatPayV2Trade,
    source: Source,
    *,
    reason: Reason | None = None,
    by: CancelledBy | None = None,
) -> Observation:
    return Observation(
        state=state,
        source=source,
        partner_ref=trade.out_trade_no,
        partner_id=trade.transaction_id,
        ids={"trade_type": trade.trade_type} if trade.trade_type else {},
        amount=money(trade.total_fee, trade.fee_type) if trade.total_fee else None,
        reason=reason,
        cancelled_by=by,
        partner_code=trade.trade_state,
        native=trade,
    )


def _revoked(operation: Operation | None, trade: WeChatPayV2Trade, source: Source) -> Observation:
    """Reversed: closed unpaid, or given back; a time of payment tells that it had been paid."""
    if operation is not None and operation.state is State.SUCCEEDED:
        at = operation.settled_at or operation.created_at
        returned = Fact(kind=FactKind.REFUNDED, at=at, amount=operation.amount, detail="reversed")
        return Observation(state=State.SUCCEEDED, source=source, partner_ref=trade.out_trade_no, facts=(returned,))
    by = CancelledBy.REVERSED if trade.time_end else CancelledBy.CLOSED
    return _unpaid(State.DECLINED, trade, source, reason=Reason.CLOSED, by=by)


def read_trade(operation: Operation | None, answer: Answer) -> Observation:
    """What ``orderquery`` teaches. A refused question says nothing of the order."""
    if not answer.ok:
        return refused_question(answer)
    try:
        return trade_observation(operation, parsed(WeChatPayV2Trade, answer.fields), Source.QUERY)
    except Unreadable as error:
        return doubt(Source.QUERY, UnknownKind.UNREADABLE, f"{answer.path}: {error}")


def refused_question(answer: Answer) -> Observation:
    """A question that was refused: the thing is not there, or nothing was learnt."""
    told = refusal(answer, Source.QUERY)
    if told.absent:
        return told
    return doubt(Source.QUERY, UnknownKind.PARTNER_FAULT, f"{answer.path} was refused: {shown(answer.code)}")


def read_micropay(answer: Answer) -> Observation:
    """What a charge by a scanned code teaches."""
    if not answer.ok:
        return refusal(answer)
    try:
        return paid_observation(parsed(WeChatPayV2Trade, answer.fields), Source.REPLY)
    except Unreadable as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{answer.path}: {error}")


def read_refund(operation: Operation, answer: Answer) -> Observation:
    """What ``refund`` teaches: accepted, which is not yet refunded."""
    if not answer.ok:
        return refusal(answer)
    try:
        refund = parsed(WeChatPayV2Refund, answer.fields)
        elsewhere = _other_trade(operation, refund, Source.REPLY)
        return elsewhere or Observation(
            state=State.PENDING,
            source=Source.REPLY,
            partner_ref=refund.out_refund_no,
            partner_id=refund.refund_id,
            amount=money(refund.refund_fee),
            message="accepted, not yet refunded",
            native=refund,
        )
    except Unreadable as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{answer.path}: {error}")


def read_refund_state(operation: Operation, answer: Answer) -> Observation:
    """What ``refundquery`` teaches about one refund."""
    if not answer.ok:
        return refused_question(answer)
    try:
        refund = one_refund(answer.fields, operation.partner_ref)
        if refund is None:
            return doubt(Source.QUERY, UnknownKind.MISMATCH, "reference: the answer is about other refunds")
        return _other_trade(operation, refund, Source.QUERY) or refund_observation(refund, Source.QUERY)
    except Unreadable as error:
        return doubt(Source.QUERY, UnknownKind.UNREADABLE, f"{answer.path}: {error}")


def one_refund(fields: Mapping[str, str], out_refund_no: str) -> WeChatPayV2Refund | None:
    """The refund of this number among those of an answer, whose names end in ``_0``, ``_1`` and so on."""
    for index in _places(fields, out_refund_no):
        ending = f"_{index}"
        own = {name.removesuffix(ending): value for name, value in fields.items() if name.endswith(ending)}
        whole = {name: fields[name] for name in ("out_trade_no", "transaction_id", "total_fee") if name in fields}
        return parsed(WeChatPayV2Refund, {**own, **whole})
    return None


def all_given_back(fields: Mapping[str, str]) -> bool:
    """Whether the refunds in an answer about a whole order, those on their way counted, leave nothing of it."""
    if fields.get("refund_count") != fields.get("total_refund_count", fields.get("refund_count")):
        return False  # not all of them are in this answer
    given = 0
    try:
        for name in fields:
            numbered = _NUMBERED.fullmatch(name)
            if numbered and fields.get(f"refund_status_{numbered[1]}") != RefundState.REFUNDCLOSE.value:
                given += money(fields.get(f"refund_fee_{numbered[1]}")).amount_minor
        return given >= money(fields.get("total_fee")).amount_minor
    except Unreadable:
        return False


def _places(fields: Mapping[str, str], out_refund_no: str) -> Iterator[str]:
    for name, value in fields.items():
        numbered = _NUMBERED.fullmatch(name)
        if numbered and value == out_refund_no:
            yield numbered[1]


def _other_trade(operation: Operation, refund: WeChatPayV2Refund, source: Source) -> Observation | None:
    """A doubt when an answer is about a refund of another payment, or of a payment of another amount."""
    asked = operation.identity
    if refund.out_trade_no != asked.get("out_trade_no"):
        return doubt(source, UnknownKind.MISMATCH, "reference: the answer is about another payment")
    if refund.total_fee != asked.get("total_fee"):
        return doubt(source, UnknownKind.MISMATCH, "amount: total_fee of the payment is another one")
    return None


def refund_observation(refund: WeChatPayV2Refund, source: Source) -> Observation:
    """What a refund's state teaches. Raises :class:`Unreadable`."""
    status = known(RefundState, refund.refund_status)
    match status:
        case None:
            return doubt(source, UnknownKind.UNKNOWN_STATUS, f"refund_status {shown(refund.refund_status or '')}")
        case RefundState.SUCCESS:
            state, message = State.SUCCEEDED, ""
        case RefundState.PROCESSING:
            state, message = State.PENDING, ""
        case RefundState.CHANGE:
            state, message = State.PENDING, "the payer's account cannot take it: finish it in the merchant console"
        case RefundState.REFUNDCLOSE:
            state, message = State.DECLINED, "WeChat closed the refund: nothing was given back"
        case _:
            assert_never(status)
    return Observation(
        state=state,
        source=source,
        partner_ref=refund.out_refund_no,
        partner_id=refund.refund_id,
        amount=money(refund.refund_fee),
        at=instant(refund.refund_success_time),
        reason=Reason.CLOSED if state is State.DECLINED else None,
        partner_code=refund.refund_status,
        message=message,
        native=refund,
    )
