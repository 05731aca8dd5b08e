"""From the journal's record of an operation to the outcome that the caller sees. One function per verb, all total."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict, TypeVar

from payport.schemas.money import Money
from payport.schemas.outcome import (
    ActionRequired,
    Authorized,
    CancelOutcome,
    CaptureOutcome,
    Declined,
    NotSent,
    NotSentCause,
    NotSentKind,
    PayOutcome,
    PayoutOutcome,
    Pending,
    Reason,
    RefundOutcome,
    Succeeded,
    Unknown,
    UnknownCause,
    UnknownKind,
)
from payport.schemas.payment import Authorization, Cancellation, CancelledBy, Capture, Fact, Payment, Payout, Refund
from payport.schemas.references import PartnerId
from payport.sdk.journal.records import Operation, State
from payport.sdk.profile import Ladder, Profile

NativeT = TypeVar("NativeT")
RecordT = TypeVar("RecordT")

_INTERRUPTED = UnknownCause(UnknownKind.INTERRUPTED, "the process that was sending stopped before it learnt the answer")


def ladder_of(profile: Profile, operation: Operation) -> Ladder:
    """The ladder that an operation names; the default one where only another partner has it."""
    return profile.ladders.get(operation.ladder, profile.ladders["default"])


def pending(operation: Operation, profile: Profile) -> Pending:
    """Accepted, not final, with the ladder's next interval."""
    ladder = ladder_of(profile, operation)
    until = operation.payable_until if operation.cancelled_by is CancelledBy.EXPIRED else None
    return Pending(operation=operation.id, ask_again_s=ladder.wait_s(operation.asked), payable_until=until)


def not_sent(kind: NotSentKind, detail: str) -> NotSent:
    """Refused here."""
    return NotSent(cause=NotSentCause(kind, detail))


def pay_outcome(operation: Operation, profile: Profile, native: NativeT | None) -> PayOutcome[NativeT]:
    """The outcome of an attempt to pay."""
    offered = _offered(operation)
    if offered is not None:
        return offered
    if operation.state is State.AUTHORIZED:
        hold: Authorization[NativeT] = Authorization(
            **_said(operation), authorized_at=operation.settled_at, native=native
        )
        return Authorized(hold)

    def payment() -> Payment[NativeT]:
        return Payment(**_said(operation), paid_at=operation.settled_at, native=native)

    return _outcome(operation, profile, payment)


def capture_outcome(operation: Operation, profile: Profile, native: NativeT | None) -> CaptureOutcome[NativeT]:
    """The outcome of a capture."""

    def capture() -> Capture[NativeT]:
        return Capture(**_said(operation), captured_at=operation.settled_at, native=native)

    return _outcome(operation, profile, capture)


def refund_outcome(operation: Operation, profile: Profile, native: NativeT | None) -> RefundOutcome[NativeT]:
    """The outcome of a refund."""

    def refund() -> Refund[NativeT]:
        return Refund(
            **_said(operation),
            refund_ref=operation.part,
            refunded_at=operation.settled_at,
            restores_hold=operation.restores_hold,
            native=native,
        )

    return _outcome(operation, profile, refund)


def payout_outcome(operation: Operation, profile: Profile, native: NativeT | None) -> PayoutOutcome[NativeT]:
    """The outcome of a payout."""
    offered = _offered(operation)
    if offered is not None:
        return offered

    def payout() -> Payout[NativeT]:
        return Payout(**_said(operation), paid_at=operation.settled_at, native=native)

    return _outcome(operation, profile, payout)


def cancel_outcome(operation: Operation, profile: Profile, native: NativeT | None) -> CancelOutcome[NativeT]:
    """The outcome of a cancel."""
    return _outcome(
        operation,
        profile,
        lambda: Cancellation(
            ref=operation.ref,
            by=operation.cancelled_by or CancelledBy.CLOSED,
            cancelled_at=operation.settled_at or operation.created_at,
            native=native,
        ),
    )


def _offered(operation: Operation) -> ActionRequired | Unknown | None:
    """What was handed out to be acted on; ``None`` when nothing is.

    While a step that goes on from there has no answer, nobody may be told to act once more.
    """
    if operation.state is not State.ACTION or operation.action is None or operation.payable_until is None:
        return None
    if operation.open_step is not None:
        return Unknown(operation=operation.id, cause=operation.unknown or _INTERRUPTED)
    return ActionRequired(action=operation.action, payable_until=operation.payable_until, last_refusal=operation.reason)


def _outcome(
    operation: Operation, profile: Profile, value: Callable[[], RecordT]
) -> Succeeded[RecordT] | Pending | Declined | NotSent | Unknown:
    match operation.state:
        case State.SUCCEEDED:
            return Succeeded(value())
        case State.PENDING | State.AUTHORIZED | State.ACTION:
            return pending(operation, profile)
        case State.DECLINED:
            return Declined(
                reason=operation.reason or Reason.OTHER,
                partner_code=operation.partner_code,
                message=operation.message,
            )
        case State.NOT_SENT:
            return NotSent(cause=operation.not_sent or NotSentCause(NotSentKind.UNREACHABLE, "nothing was sent"))
        case State.DOUBT if not operation.started:
            return pending(operation, profile)  # prepared: resume sends it
        case State.DOUBT:
            return Unknown(operation=operation.id, cause=operation.unknown or _INTERRUPTED)


class _Said(TypedDict):
    ref: str
    amount: Money
    partner: str
    account: str
    partner_ref: str
    partner_id: PartnerId | None
    facts: tuple[Fact, ...]


def _said(operation: Operation) -> _Said:
    """What every record of moved money says."""
    return {
        "ref": operation.ref,
        "amount": operation.amount,
        "partner": operation.partner,
        "account": operation.account,
        "partner_ref": operation.partner_ref,
        "partner_id": PartnerId(operation.partner_id) if operation.partner_id else None,
        "facts": operation.facts,
    }
