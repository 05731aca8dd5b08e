"""The right to send for an operation that another call or process began."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from payport.sdk import exchange
from payport.sdk.errors import JournalConflict, JournalError
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State
from payport.sdk.journal.session import Session
from payport.sdk.operations.setup import LEASE_MARGIN_S, Setup


def take(setup: Setup, operation: Operation, deadline_s: float) -> Exchange[Operation | None]:
    """Take over the right to send for an operation that is not final; ``None`` while another worker holds it."""
    now = yield from exchange.now()
    ttl_s = _ttl_s(now, deadline_s)

    def write(session: Session) -> Operation | None:
        leased = session.lease(operation.id, setup.owner, ttl_s)
        current = session.operation(operation.id)
        if current is None:
            raise JournalError(f"operation {operation.id} is not in the journal")
        if not leased:
            return None
        return _taken_over(setup, session, current, now.utc)

    try:
        return (yield from exchange.record("take", write))
    except JournalConflict:
        return None  # another worker is at it


def claim(setup: Setup, deadline_s: float, passing: Collection[str]) -> Exchange[Operation | None]:
    """Take over the operation of this account that is due the longest, one of ``passing`` excepted."""
    now = yield from exchange.now()
    ttl_s = _ttl_s(now, deadline_s)

    def write(session: Session) -> Operation | None:
        due = session.claim(setup.adapter.account, now.utc, owner=setup.owner, ttl_s=ttl_s, passing=passing)
        return None if due is None else _taken_over(setup, session, due, now.utc)

    return (yield from exchange.record("claim", write))


def _ttl_s(now: exchange.Moment, deadline_s: float) -> float:
    return max(0.0, deadline_s - now.monotonic_s) + LEASE_MARGIN_S


def _taken_over(setup: Setup, session: Session, current: Operation, now: datetime) -> Operation:
    """From the moment of taking over, something that a stopped process sent may be outside."""
    risky = current.started and any(step.moves_money and not step.done for step in current.steps)
    if current.state is not State.DOUBT or current.may_have_left or not risky:
        return current
    return session.save(replace(current, may_have_left=True), source="local", detail={"taken_by": setup.owner}, now=now)
