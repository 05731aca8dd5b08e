"""What answers about refunds teach."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from payport.adapters.alipay.envelope import Answer
from payport.adapters.alipay.planning import (
    REFUND,
    REFUND_QUERY,
)
from payport.adapters.alipay.reading.fields import Unreadable, about_another, instant, money, parsed
from payport.adapters.alipay.wire import (
    AlipayRefund,
    AlipayRefundState,
)
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.journal.records import Operation, State
from payport.sdk.observation import Observation, Source, doubt


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
    elsewhere = about_another(operation, Source.QUERY, "out_trade_no", reply.out_trade_no)
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


REPLIES: Mapping[str, Callable[[Operation, Answer], Observation]] = {REFUND: _refund}
QUESTIONS: Mapping[str, Callable[[Operation, Answer], Observation]] = {REFUND_QUERY: _refund_state}
