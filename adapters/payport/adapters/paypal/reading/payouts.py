"""What payout batches and their items teach."""

from __future__ import annotations

from payport.adapters.paypal.calls import instant
from payport.adapters.paypal.mapping import BatchStatus, PayoutStatus, Stage, batch_stage, payout_stage
from payport.adapters.paypal.planning import BATCH_ID, ITEM_ID
from payport.adapters.paypal.reading.fields import known, money, unknown_status
from payport.adapters.paypal.wire import PayPalBatchHeader, PayPalPayout, PayPalPayoutBatch
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt

_WAITING = {
    PayoutStatus.UNCLAIMED: "unclaimed: the payee has no PayPal account yet; it comes back after 30 days",
    PayoutStatus.ONHOLD: "on hold at PayPal",
    PayoutStatus.BLOCKED: "blocked at PayPal",
}
_FUNDS = "INSUFFICIENT_FUNDS"


def batch_observation(batch: PayPalPayoutBatch, source: Source) -> Observation:
    """What a batch of one item teaches. Raises :class:`payport.adapters.paypal.reading.fields.Unreadable`."""
    header = batch.batch_header
    if not batch.items:
        return header_observation(header, source)
    if len(batch.items) != 1:
        return doubt(source, UnknownKind.MISMATCH, f"batch: it has {len(batch.items)} items, not one")
    told = item_observation(batch.items[0], source)
    if told.state is State.PENDING and known(BatchStatus, header.batch_status) is BatchStatus.DENIED:
        return header_observation(header, source)
    return told


def header_observation(header: PayPalBatchHeader, source: Source) -> Observation:
    """What a batch teaches whose item cannot be seen yet."""
    status = known(BatchStatus, header.batch_status)
    if status is None:
        return unknown_status(source, "batch", header.batch_status)
    over = batch_stage(status) is Stage.OVER
    return Observation(
        state=State.DECLINED if over else State.PENDING,
        source=source,
        partner_ref=header.sender_batch_header.sender_batch_id,
        partner_id=header.payout_batch_id,
        ids={BATCH_ID: header.payout_batch_id},
        reason=Reason.DECLINED if over else None,
        partner_code=header.batch_status if over else None,
        native=header,
    )


def item_observation(item: PayPalPayout, source: Source) -> Observation:
    """What one item teaches. Raises :class:`payport.adapters.paypal.reading.fields.Unreadable`.

    Money that came back is a refusal that came late: after a success it becomes a fact.
    """
    status = known(PayoutStatus, item.transaction_status)
    if status is None and item.transaction_status is not None:
        return unknown_status(source, "payout", item.transaction_status)
    stage = Stage.WAITING if status is None else payout_stage(status)
    state = {Stage.PAID: State.SUCCEEDED, Stage.WAITING: State.PENDING}.get(stage, State.DECLINED)
    error = item.errors
    message = error.message if error is not None else ""
    if status is not None:
        message = _WAITING.get(status, message)
    if stage is Stage.RETURNED:
        message = message or f"the money came back: {item.transaction_status}"
    funds = error is not None and _FUNDS in error.name
    return Observation(
        state=state,
        source=source,
        partner_ref=item.payout_item.sender_item_id,
        partner_id=item.payout_batch_id,
        amount=money(item.payout_item.amount),
        at=instant(item.time_processed),
        ids={ITEM_ID: item.payout_item_id, **({BATCH_ID: item.payout_batch_id} if item.payout_batch_id else {})},
        reason=(Reason.MERCHANT_FUNDS if funds else Reason.DECLINED) if state is State.DECLINED else None,
        partner_code=(error.name if error is not None else item.transaction_status)
        if state is State.DECLINED
        else None,
        message=message,
        native=item,
    )
