"""What was given back of a payment or capture, by the journal's refunds and reversals and by the partner's word."""

from __future__ import annotations

from collections.abc import Sequence

from payport.schemas.money import Money
from payport.schemas.payment import CancelledBy, FactKind
from payport.sdk.journal.records import Operation, State, Verb


def refunded(operations: Sequence[Operation], paid: Operation) -> Money:
    """What refunds have taken or may have taken from a payment or capture. One that bounced took nothing in the end."""
    taken = Money(0, paid.amount.currency)
    for operation in operations:
        counts = not (operation.state.over or _bounced(operation)) or came_through(operation)
        if operation.verb is Verb.REFUND and operation.of == paid.id and counts:
            taken += operation.amount
    return taken


def given_back(operations: Sequence[Operation], paid: Operation) -> bool:
    """Whether all of it was given back: by a reversal, or as the partner said. What bounced since is there again."""
    if any(_reversed(operation, paid) and not _bounced(operation) for operation in operations):
        return True
    back = paid.amount
    for operation in operations:
        refunds = operation.verb is Verb.REFUND and operation.of == paid.id
        if (refunds or _reversed(operation, paid)) and _bounced(operation):
            back += operation.amount
    return any(fact.kind is FactKind.REFUNDED and fact.amount == back for fact in paid.facts)


def came_in_after_all(operation: Operation) -> bool:
    """Whether money came in under an attempt that was closed: that is what a refund of the order gives back first."""
    return operation.verb in (Verb.PAY, Verb.CAPTURE) and _has(operation, FactKind.SURPLUS_PAID)


def came_through(operation: Operation) -> bool:
    """Whether the partner said after its refusal that it was carried out all the same."""
    return operation.state is State.DECLINED and _has(operation, FactKind.CONTRADICTED)


def is_kept(operations: Sequence[Operation], operation: Operation) -> bool:
    """Whether money that came in under a closed attempt is still here, what refunds in doubt may have taken aside."""
    if not came_in_after_all(operation) or given_back(operations, operation):
        return False
    return refunded(operations, operation) < operation.amount


def _reversed(cancel: Operation, paid: Operation) -> bool:
    done = cancel.verb is Verb.CANCEL and cancel.state is State.SUCCEEDED
    return done and cancel.cancelled_by is CancelledBy.REVERSED and cancel.of in (paid.id, paid.of)


def _bounced(returned: Operation) -> bool:
    return _has(returned, FactKind.REFUND_BOUNCED)


def _has(operation: Operation, kind: FactKind) -> bool:
    return any(fact.kind is kind for fact in operation.facts)
