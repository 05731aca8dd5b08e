"""Follow an operation to where it can be told: stored, brought on by another worker, or by asking now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from payport.schemas.outcome import NotSent, Unknown
from payport.sdk import exchange
from payport.sdk.errors import JournalError
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State
from payport.sdk.journal.session import Session
from payport.sdk.operations.carrying import Carried, carry_out
from payport.sdk.operations.intending import Existing, Fresh, Intent, intend
from payport.sdk.operations.learning import lost, release, storage_failed
from payport.sdk.operations.leasing import take
from payport.sdk.operations.resolver import resolve
from payport.sdk.operations.setup import Setup

_FIRST_LOOK_S = 0.05
_LONGEST_LOOK_S = 1.0


def run(setup: Setup, intent: Intent, deadline_s: float) -> Exchange[Carried | NotSent | Unknown]:
    """Intend, carry out a new operation or follow the one there is, and tell of the newest attempt."""
    begun = yield from intend(setup, intent, deadline_s)
    match begun:
        case NotSent() | Unknown():
            return begun
        case Existing(operation):
            carried = yield from follow(setup, operation, deadline_s)
        case Fresh(operation):
            carried = yield from carry_out(setup, operation, deadline_s)
    return (yield from newest(setup, carried, deadline_s))


def stay(setup: Setup, carried: Carried, deadline_s: float) -> Exchange[Carried]:
    """Climb an inline ladder while the payer waits at the counter; then give the lease back."""
    try:
        return (yield from _stay(setup, carried, deadline_s))
    except JournalError as error:
        yield from storage_failed(setup, "stay", error)
        return Carried(lost(carried.operation, f"the journal could not be read or written: {error}"))


def _stay(setup: Setup, carried: Carried, deadline_s: float) -> Exchange[Carried]:
    operation = carried.operation
    ladder = setup.ladder(operation)
    while not operation.state.final:
        now = yield from exchange.now()
        wait_s = ladder.wait_s(operation.asked)
        if now.monotonic_s + wait_s >= deadline_s:
            break
        yield from exchange.sleep(wait_s)
        # taken again for each question: what the journal could not be told before, it must know before we go on
        taken = yield from take(setup, operation, deadline_s)
        if taken is None:
            return Carried(as_pending((yield from current(operation))))
        carried = yield from resolve(setup, taken, deadline_s)
        operation = carried.operation
    if not operation.state.final:
        yield from release(setup, operation)
    return carried


def follow(setup: Setup, operation: Operation, deadline_s: float) -> Exchange[Carried]:
    """The outcome of an attempt that is there already: as stored, as another worker brings it, or by asking now."""
    try:
        return (yield from _follow(setup, operation, deadline_s))
    except JournalError as error:
        yield from storage_failed(setup, "follow", error)
        return Carried(lost(operation, f"the journal could not be read or written: {error}"))


def _follow(setup: Setup, operation: Operation, deadline_s: float) -> Exchange[Carried]:
    look_s = _FIRST_LOOK_S
    while True:
        now = yield from exchange.now()
        if _can_tell(operation, now):
            return Carried(operation)
        if operation.account != setup.adapter.account:
            return Carried(as_pending(operation) if _is_stale(operation, now) else operation)
        taken = yield from take(setup, operation, deadline_s)
        if taken is not None:
            carried = yield from resolve(setup, taken, deadline_s)
            if setup.ladder(carried.operation).inline:
                return (yield from stay(setup, carried, deadline_s))
            return Carried(as_pending(carried.operation)) if _is_stale(carried.operation, now) else carried
        if now.monotonic_s + look_s >= deadline_s:
            return Carried(as_pending(operation))
        yield from exchange.sleep(look_s)
        look_s = min(look_s * 2, _LONGEST_LOOK_S)
        operation = yield from current(operation)


def newest(setup: Setup, carried: Carried, deadline_s: float) -> Exchange[Carried]:
    """The same, or the attempt that another worker opened meanwhile: only the newest one says that no money moved."""
    while carried.operation.state.over:
        operation = carried.operation
        try:
            operations = yield from exchange.load("newest", partial(_operations, operation.ref))
        except JournalError as error:
            yield from storage_failed(setup, "newest", error)
            return Carried(lost(operation, f"the journal could not be read: {error}"))
        last = next(each for each in reversed(operations) if (each.verb, each.part) == (operation.verb, operation.part))
        if last.id == operation.id:
            break
        carried = yield from follow(setup, last, deadline_s)
    return carried


def _operations(ref: str, session: Session) -> Sequence[Operation]:
    return session.operations(ref)


def current(operation: Operation) -> Exchange[Operation]:
    """The operation as the journal has it now."""
    found = yield from exchange.load("current", lambda session: session.operation(operation.id))
    return found or operation


def _can_tell(operation: Operation, now: exchange.Moment) -> bool:
    """Whether the stored outcome needs no question: final, or an action that can still be paid."""
    if operation.state.final:
        return True
    until = operation.payable_until
    offered = operation.state is State.ACTION and operation.action is not None and operation.open_step is None
    return offered and until is not None and now.utc < until


def _is_stale(operation: Operation, now: exchange.Moment) -> bool:
    """Whether what was handed out may not be offered any more, and nobody knows yet whether it was used."""
    return operation.state is State.ACTION and operation.open_step is None and not _can_tell(operation, now)


def as_pending(operation: Operation) -> Operation:
    """What a caller is told while another worker is sending: accepted here, not final."""
    return operation if operation.state.final else replace(operation, state=State.PENDING)
