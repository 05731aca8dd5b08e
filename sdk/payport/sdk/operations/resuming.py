"""Resume: drive every operation that is not final; resolve: drive one debt's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from payport.sdk import exchange
from payport.sdk.errors import JournalError
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation
from payport.sdk.operations.learning import storage_failed
from payport.sdk.operations.leasing import take
from payport.sdk.operations.resolver import resolve
from payport.sdk.operations.setup import Setup

BATCH = 100


@dataclass(frozen=True, slots=True)
class Resumed:
    """What one round did. ``settled``: now final; ``open``: looked at, not final yet (ids of operations)."""

    settled: tuple[str, ...]
    open: tuple[str, ...]


def resume(setup: Setup, deadline_s: float) -> Exchange[Resumed]:
    """One round over every operation of this account that is due."""
    settled: list[str] = []
    still_open: list[str] = []
    while True:
        now = yield from exchange.now()
        if now.monotonic_s >= deadline_s:
            break
        seen = {*settled, *still_open}
        due = yield from _due(setup, now.utc, BATCH + len(seen))
        fresh = [operation for operation in due if operation.id not in seen]
        if not fresh:
            break
        for operation in fresh:
            final = yield from _one(setup, operation, deadline_s)
            (settled if final else still_open).append(operation.id)
            if (yield from exchange.now()).monotonic_s >= deadline_s:
                break
    return Resumed(tuple(settled), tuple(still_open))


def resolve_ref(setup: Setup, ref: str, deadline_s: float) -> Exchange[Resumed]:
    """One round over a debt's open operations, due or not, those left to a person included."""
    operations = yield from exchange.load("resolve", lambda session: session.operations(ref))
    settled: list[str] = []
    still_open: list[str] = []
    for operation in operations:
        if operation.state.final or operation.account != setup.adapter.account:
            continue
        final = yield from _one(setup, operation, deadline_s)
        (settled if final else still_open).append(operation.id)
    return Resumed(tuple(settled), tuple(still_open))


def _due(setup: Setup, moment: datetime, limit: int) -> Exchange[Sequence[Operation]]:
    account = setup.adapter.account
    return (yield from exchange.load("due", lambda session: session.due(account, moment, limit)))


def _one(setup: Setup, operation: Operation, deadline_s: float) -> Exchange[bool]:
    """Whether it is final now. A storage failure leaves this one open and does not stop the round."""
    try:
        taken = yield from take(setup, operation, deadline_s)
        if taken is None:
            return False
        carried = yield from resolve(setup, taken, deadline_s)
    except JournalError as error:
        yield from storage_failed(setup, "resume", error)
        return False
    return carried.operation.state.final
