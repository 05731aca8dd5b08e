"""What answers and notifications about refunds teach."""

from __future__ import annotations

from payport.adapters.wechatpay.mapping import RefundStatus, Stage, refund_stage
from payport.adapters.wechatpay.reading.fields import instant, known, mismatch, money
from payport.adapters.wechatpay.wire import RefundNotice, WeChatPayRefund
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.journal.records import Operation, State
from payport.sdk.observation import Observation, Source, doubt

ABNORMAL = "the payer's account cannot receive it: finish it in the console, or with the endpoint apply-abnormal-refund"

_STATES = {
    Stage.OPEN: State.PENDING,
    Stage.WORKING: State.PENDING,
    Stage.PAID: State.SUCCEEDED,
    Stage.OVER: State.DECLINED,
    Stage.FAILED: State.PENDING,
}


def refund_of(operation: Operation, refund: WeChatPayRefund, source: Source) -> Observation:
    """What a refund's record teaches about the operation that asked for it."""
    if refund.out_trade_no != operation.identity.get("out_trade_no"):
        return mismatch(source, "reference: the answer is about a refund of another order")
    return refund_observation(refund, refund.status, source)


def refund_observation(refund: WeChatPayRefund | RefundNotice, said: str, source: Source) -> Observation:
    """What the status ``said`` teaches. Accepted is not refunded, and an abnormal refund is not over."""
    status = known(RefundStatus, said)
    if status is None:
        return doubt(source, UnknownKind.UNKNOWN_STATUS, f"refund status {said}")
    stage = refund_stage(status)
    abnormal = status is RefundStatus.ABNORMAL
    return Observation(
        state=_STATES[stage],
        source=source,
        partner_ref=refund.out_refund_no,
        partner_id=refund.refund_id,
        amount=money(refund.amount.refund, refund.amount.currency),
        at=instant(refund.success_time),
        reason=Reason.CLOSED if stage is Stage.OVER else None,
        partner_code=said if abnormal or stage is Stage.OVER else None,
        message=ABNORMAL if abnormal else "",
        native=refund,
    )
