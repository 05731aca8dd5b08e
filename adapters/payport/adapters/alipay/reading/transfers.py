"""What answers about transfers teach."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from payport.adapters.alipay.envelope import Answer
from payport.adapters.alipay.mapping import (
    Stage,
    TransferStatus,
    transfer_stage,
)
from payport.adapters.alipay.planning import (
    TRANSFER,
    TRANSFER_QUERY,
)
from payport.adapters.alipay.reading.fields import instant, known, money, parsed
from payport.adapters.alipay.wire import (
    AlipayTransfer,
)
from payport.schemas.money import Money
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.journal.records import Operation, State
from payport.sdk.observation import Observation, Source, doubt


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


REPLIES: Mapping[str, Callable[[Operation, Answer], Observation]] = {TRANSFER: _transfer}
QUESTIONS: Mapping[str, Callable[[Operation, Answer], Observation]] = {TRANSFER_QUERY: _transfer_query}
