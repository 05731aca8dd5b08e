"""What a refund and a payout teach: on their way, done, failed."""

from __future__ import annotations

from typing import assert_never

from payport.adapters.stripe.mapping import PayoutStatus, RefundStatus
from payport.adapters.stripe.planning import PAYOUT, REFUND
from payport.adapters.stripe.reading.fields import instant, known, money, number_of, said
from payport.adapters.stripe.wire import StripePayout, StripeRefund
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt


def read_refund(refund: StripeRefund, source: Source, *, intent: str | None) -> Observation:
    """What a refund teaches. ``intent``: the payment that it must belong to, ``None`` where that is not known."""
    belongs = number_of(refund.payment_intent)
    if intent is not None and belongs is not None and belongs != intent:
        return doubt(source, UnknownKind.MISMATCH, "reference: the answer is about another payment's refund")
    status = known(RefundStatus, refund.status)
    if status is None:
        return doubt(source, UnknownKind.UNKNOWN_STATUS, f"refund status {refund.status}")
    reason, message = None, ""
    match status:
        case RefundStatus.PENDING | RefundStatus.REQUIRES_ACTION:
            state, message = State.PENDING, refund.pending_reason or refund.status or ""
        case RefundStatus.SUCCEEDED:
            state = State.SUCCEEDED
        case RefundStatus.FAILED | RefundStatus.CANCELED:
            state, reason = State.DECLINED, Reason.DECLINED
            message = refund.failure_reason or refund.status or ""
        case _:
            assert_never(status)
    return Observation(
        state=state,
        source=source,
        partner_ref=said(refund.metadata, refund.id),
        partner_id=refund.id,
        amount=money(refund.amount, refund.currency),
        ids={REFUND: refund.id},
        at=instant(refund.created) if state is State.SUCCEEDED else None,
        reason=reason,
        partner_code=refund.failure_reason,
        message=message,
        native=refund,
    )


def read_payout(payout: StripePayout, source: Source) -> Observation:
    """What a payout teaches. One that was paid may come back days later."""
    status = known(PayoutStatus, payout.status)
    if status is None:
        return doubt(source, UnknownKind.UNKNOWN_STATUS, f"payout status {payout.status}")
    reason = None
    match status:
        case PayoutStatus.PENDING | PayoutStatus.IN_TRANSIT:
            state = State.PENDING
        case PayoutStatus.PAID:
            state = State.SUCCEEDED
        case PayoutStatus.FAILED | PayoutStatus.CANCELED:
            state, reason = State.DECLINED, Reason.DECLINED
        case _:
            assert_never(status)
    return Observation(
        state=state,
        source=source,
        partner_ref=said(payout.metadata, payout.id),
        partner_id=payout.id,
        amount=money(payout.amount, payout.currency),
        ids={PAYOUT: payout.id},
        reason=reason,
        partner_code=payout.failure_code,
        message=payout.failure_code or "",
        native=payout,
    )
