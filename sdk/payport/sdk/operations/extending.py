"""Add steps to a payment that the payer approved: frozen in the journal before anything leaves, like the first ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

from payport.sdk import exchange
from payport.sdk.adapter import Plan, Slot
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation
from payport.sdk.journal.session import Session
from payport.sdk.operations.cancelling import is_being_cancelled
from payport.sdk.operations.setup import Setup

AUTOMATIC = "complete"
"""Mark in a payment's identity: ``resume`` goes on by itself once the payer approved."""


@runtime_checkable
class _Completes(Protocol):
    def plan_complete(self, payment: Operation, returned: Mapping[str, str], slot: Slot) -> Plan | None: ...


def can_complete(adapter: object) -> bool:
    """Whether the partner knows of payments that go on after the payer came back."""
    return isinstance(adapter, _Completes)


def add_steps(setup: Setup, payment: Operation, returned: Mapping[str, str]) -> Exchange[Operation | None]:
    """The payment with the further steps written down; ``None`` when there is nothing to do. Its lease is ours.

    A payment that is being cancelled gets none: that nothing more is sent for it is what its cancel relies on.
    """
    adapter = setup.adapter
    now = (yield from exchange.now()).utc

    def write(session: Session) -> Operation | None:
        current = session.operation(payment.id)
        if current is None or current.state.final or current.open_step is not None:
            return None
        if not isinstance(adapter, _Completes) or is_being_cancelled(session, current):
            return None
        slot = Slot(partner_ref=current.partner_ref, now=now, payable_until=current.payable_until or now)
        plan = adapter.plan_complete(current, returned, slot)
        if plan is None or not plan.steps:
            return None
        names = ",".join(step.name for step in plan.steps)
        return session.save(
            replace(current, steps=current.steps + plan.steps), source="local", detail={"steps": names}, now=now
        )

    return (yield from exchange.record("add steps", write))
