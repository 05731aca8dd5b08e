"""Resume: drive every operation that is not final; resolve: drive one debt's."""

from __future__ import annotations

from dataclasses import dataclass

from payport.sdk import exchange
from payport.sdk.errors import JournalError
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation
from payport.sdk.journal.session import Unreadable
from payport.sdk.operations.learning import release, storage_failed
from payport.sdk.operations.leasing import claim, take
from payport.sdk.operations.resolver import resolve
from payport.sdk.operations.setup import LONGEST_ROUND_S, Setup


@dataclass(frozen=True, slots=True)
class Resumed:
    """What one round did. ``settled``: now final; ``open``: looked at, not final yet (ids of operations)."""

    settled: tuple[str, ...]
    open: tuple[str, ...]


def resume(setup: Setup, deadline_s: float) -> Exchange[Resumed]:
    """One round over every operation of this account that is due; several workers share it among themselves."""
    settled: list[str] = []
    still_open: list[str] = []
    passing: set[str] = set()
    while (now_s := (yield from exchange.now()).monotonic_s) < deadline_s:
        round_s = min(deadline_s, now_s + LONGEST_ROUND_S)
        try:
            claimed = yield from claim(setup, round_s, passing)
        except Unreadable as error:  # the others are not held up by it
            passing.add(error.operation)
            yield from storage_failed(setup, f"resume {error.operation}", error)
            continue
        if claimed is None:
            break
        if claimed.id in settled or claimed.id in still_open:
            # due again at once: somebody else's move, or a storage failure. The next round looks at it
            passing.add(claimed.id)
            yield from release(setup, claimed)
            continue
        final = yield from _bring_on(setup, claimed, round_s)
        (settled if final else still_open).append(claimed.id)
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


def _one(setup: Setup, operation: Operation, deadline_s: float) -> Exchange[bool]:
    """Whether it is final now. A storage failure leaves this one open and does not stop the round."""
    try:
        taken = yield from take(setup, operation, deadline_s)
    except JournalError as error:
        yield from storage_failed(setup, "resume", error)
        return False
    return taken is not None and (yield from _bring_on(setup, taken, deadline_s))


def _bring_on(setup: Setup, taken: Operation, deadline_s: float) -> Exchange[bool]:
    try:
        carried = yield from resolve(setup, taken, deadline_s)
    except JournalError as error:
        yield from storage_failed(setup, "resume", error)
        return False
    return carried.operation.state.final
