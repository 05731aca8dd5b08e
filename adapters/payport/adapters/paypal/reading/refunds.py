"""What refunds teach: of the operation that asked for one, and of a cancel that gives a payment back."""

from __future__ import annotations

from payport.adapters.paypal.mapping import RefundStatus, Stage, refund_stage
from payport.adapters.paypal.planning import REFUND_ID
from payport.adapters.paypal.reading.fields import known, money, unknown_status
from payport.adapters.paypal.reading.orders import when
from payport.adapters.paypal.wire import PayPalRefund
from payport.schemas.outcome import Reason
from payport.schemas.payment import CancelledBy
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source


def refund_observation(refund: PayPalRefund, source: Source) -> Observation:
    """What one refund teaches. Raises :class:`payport.adapters.paypal.reading.fields.Unreadable`."""
    status = known(RefundStatus, refund.status)
    if status is None:
        return unknown_status(source, "refund", refund.status)
    stage = refund_stage(status)
    state = {Stage.PAID: State.SUCCEEDED, Stage.WAITING: State.PENDING}.get(stage, State.DECLINED)
    why = refund.status_details.reason if refund.status_details is not None else None
    return Observation(
        state=state,
        source=source,
        partner_ref=refund.invoice_id,
        partner_id=refund.id,
        amount=money(refund.amount),
        at=when(refund),
        ids={REFUND_ID: refund.id},
        reason=Reason.DECLINED if state is State.DECLINED else None,
        partner_code=refund.status if state is State.DECLINED else None,
        message=why or "",
        native=refund,
    )


def reversal_observation(refund: PayPalRefund, source: Source) -> Observation:
    """What the refund teaches by which a cancel gives a payment back: how much was left of it is PayPal's to say."""
    told = refund_observation(refund, source)
    return Observation(
        state=told.state,
        source=source,
        partner_ref=told.partner_ref,
        partner_id=told.partner_id,
        at=told.at,
        ids=told.ids,
        cancelled_by=CancelledBy.REVERSED if told.state is State.SUCCEEDED else None,
        reason=told.reason,
        partner_code=told.partner_code,
        message=told.message,
        unknown=told.unknown,
        native=refund,
    )
