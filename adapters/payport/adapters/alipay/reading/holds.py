"""What answers about pre-authorizations teach: held, released, closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

from payport.adapters.alipay.envelope import Answer
from payport.adapters.alipay.mapping import (
    HoldStatus,
    Stage,
    hold_stage,
)
from payport.adapters.alipay.planning import (
    CANCEL_HOLD,
    FREEZE,
    HOLD_QUERY,
    UNFREEZE,
    VOUCHER,
)
from payport.adapters.alipay.reading.fields import Unreadable, about_another, instant, known, money, parsed
from payport.adapters.alipay.wire import (
    AlipayHold,
)
from payport.schemas.actions import QrCode
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk.journal.records import Operation, State
from payport.sdk.observation import Observation, Source, doubt


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
    elsewhere = about_another(operation, Source.REPLY, "out_order_no", hold.out_order_no)
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
    elsewhere = about_another(operation, Source.REPLY, "out_order_no", hold.out_order_no)
    if elsewhere is not None:
        return elsewhere
    by = {"close": CancelledBy.CLOSED, "unfreeze": CancelledBy.VOIDED}.get(hold.action or "")
    if by is None:
        return doubt(Source.REPLY, UnknownKind.NOT_FOUND, "there was no hold to cancel")
    return Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=by, native=hold)


REPLIES: Mapping[str, Callable[[Operation, Answer], Observation]] = {
    VOUCHER: _voucher,
    FREEZE: _freeze,
    UNFREEZE: _unfreeze,
    CANCEL_HOLD: _cancel_hold,
}
QUESTIONS: Mapping[str, Callable[[Operation, Answer], Observation]] = {HOLD_QUERY: _hold_state}
