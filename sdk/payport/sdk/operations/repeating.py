"""When the identical step may leave again, what is written before it does, and what a refusal of it is worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.journal.session import Session
from payport.sdk.observation import Observation, Source, doubt


def may_repeat(operation: Operation, now: datetime) -> bool:
    """Whether the identical step can be sent again: kept, recognised by the partner, and not for too long already."""
    step = operation.open_step
    if step is None or step.request is None or not step.replayable:
        return False
    until = _repeated_until(operation, step)
    return until is None or now < until


def look_in_time(operation: Operation, next_at: datetime, now: datetime) -> datetime:
    """The next look at an operation, ``next_at`` unless the time in which it may be sent again would be slept through.

    Towards the end of that time half of what is left is waited at most. A payment needs no such care: it ends by time.
    """
    step = operation.open_step
    if operation.state is not State.DOUBT or operation.verb is Verb.PAY or step is None or not step.replayable:
        return next_at
    until = _repeated_until(operation, step)
    if until is None or until - now < _LAST_LOOK:
        return next_at
    return min(next_at, now + (until - now) / 2)


def _repeated_until(operation: Operation, step: Step) -> datetime | None:
    """Until when a step that the partner does not know is sent again; ``None``: for good.

    Half of the time in which the partner recognises a repetition. A payment's own end comes before that; anything else
    is repeated for a day at most, however long the partner would recognise it.
    """
    ends = [operation.payable_until if operation.verb is Verb.PAY else operation.created_at + _LONGEST]
    if step.replay_until is not None:
        ends.append(operation.created_at + (step.replay_until - operation.created_at) / 2)
    return min((end for end in ends if end is not None), default=None)


def refused_again(refusal: Observation) -> Observation:
    """What the refusal of a repetition amounts to while what was sent before may be carried out yet: a doubt."""
    told = refusal.partner_code or (refusal.reason or Reason.OTHER).value
    detail = f"a repetition was refused ({told}), and what was sent before may still be on its way"
    return doubt(Source.REPLY, UnknownKind.INTERRUPTED, detail)


OF_THE_CALL = frozenset(
    {
        Reason.RATE_LIMITED,
        Reason.UNAUTHENTICATED,
        Reason.NOT_PERMITTED,
        Reason.INVALID_REQUEST,
        Reason.BAD_SIGNATURE,
        Reason.MERCHANT_BLOCKED,
        Reason.BLOCKED,
        Reason.PARTNER_UNAVAILABLE,
        Reason.OTHER,
    }
)
"""Refusals of the call, whatever came of the operation: of a repetition, they say nothing of what was sent before."""


def mark_repetition(session: Session, operation: Operation, step: Step, now: datetime) -> Operation:
    """Write down that a step leaves, as a rule again, inside a running transaction that ends before it does."""
    current = session.operation(operation.id) or operation
    if current.state.final:
        return current
    current = replace(current, may_have_left=True)
    return session.save(current, source=Source.LOCAL.value, detail={REPEATED: step.name}, now=now)


def repeated_since(session: Session, operation: Operation, version: int) -> bool:
    """Whether a step of an operation left again after this version, by whichever worker."""
    if operation.version <= version:
        return False
    ours = (line for line in session.history(operation.ref) if line.operation == operation.id)
    return any(line.version > version and REPEATED in line.detail for line in ours)


REPEATED = "repeated"
"""In a transition's detail: the step that left again."""

_LONGEST = timedelta(days=1)
"""A refund, capture or payout that a partner does not take for a day is no matter of patience: a person must look."""
_LAST_LOOK = timedelta(seconds=20)
"""With less time left, nothing is hurried any more."""
