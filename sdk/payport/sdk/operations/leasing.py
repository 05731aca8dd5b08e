"""The right to send for an operation that another call or process began."""

from __future__ import annotations

from dataclasses import replace

from payport.sdk import exchange
from payport.sdk.errors import JournalConflict, JournalError
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State
from payport.sdk.journal.session import Session
from payport.sdk.operations.setup import LEASE_MARGIN_S, Setup


def take(setup: Setup, operation: Operation, deadline_s: float) -> Exchange[Operation | None]:
    """Take over the right to send for an operation that is not final; ``None`` while another worker holds it.

    From the moment of taking over, something that a stopped process sent may be outside.
    """
    now = yield from exchange.now()
    ttl_s = max(0.0, deadline_s - now.monotonic_s) + LEASE_MARGIN_S

    def write(session: Session) -> Operation | None:
        if not session.lease(operation.id, setup.owner, ttl_s):
            return None
        current = session.operation(operation.id)
        if current is None:
            raise JournalError(f"operation {operation.id} is not in the journal any more")
        risky = current.started and any(step.moves_money and not step.done for step in current.steps)
        if current.state is not State.DOUBT or current.may_have_left or not risky:
            return current
        return session.save(
            replace(current, may_have_left=True), source="local", detail={"taken_by": setup.owner}, now=now.utc
        )

    try:
        return (yield from exchange.record("take", write))
    except JournalConflict:
        return None  # another worker is at it
