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
        if _refunds(operation, paid) and counts:
            taken += operation.amount
    return taken


def left(operations: Sequence[Operation], paid: Operation) -> Money:
    """What is still here of a payment or capture. What bounced since is here again."""
    if _said_to_be_gone(operations, paid):
        return Money(0, paid.amount.currency)
    return paid.amount - refunded(operations, paid) - _taken_by_reversal(operations, paid)


def _said_to_be_gone(operations: Sequence[Operation], paid: Operation) -> bool:
    """Whether the partner said that all of it was given back, and nothing of that bounced since."""
    back = paid.amount
    for operation in operations:
        if (_refunds(operation, paid) or _reversed(operation, paid)) and _bounced(operation):
            back += operation.amount
    for fact in paid.facts:  # of what was refunded at the partner's own pages
        if fact.kind is FactKind.REFUND_BOUNCED and fact.amount is not None:
            back += fact.amount
    return any(fact.kind is FactKind.REFUNDED and fact.amount == back for fact in paid.facts)


def _taken_by_reversal(operations: Sequence[Operation], paid: Operation) -> Money:
    """What a reversal gave back: all that refunds had not given back before it."""
    taken = Money(0, paid.amount.currency)
    for place, cancel in enumerate(operations):
        if _reversed(cancel, paid) and not _bounced(cancel):
            before = [each for each in operations[:place] if _refunds(each, paid) and _was_gone(each, cancel)]
            taken += paid.amount - sum((each.amount for each in before), Money(0, paid.amount.currency))
    return taken


def _was_gone(refund: Operation, cancel: Operation) -> bool:
    came_back = any(fact.kind is FactKind.REFUND_BOUNCED and fact.at <= cancel.created_at for fact in refund.facts)
    return not refund.state.over and not came_back


def came_in_after_all(operations: Sequence[Operation], operation: Operation) -> bool:
    """Whether money is in under an attempt that was closed: that is what a refund of the order gives back first.

    It was paid all the same, or the reversal that closed it bounced.
    """
    if operation.verb not in (Verb.PAY, Verb.CAPTURE):
        return False
    closed = operation.state.over and operation.cancelled_by is CancelledBy.REVERSED
    returned = closed and any(_reversed(each, operation) and _bounced(each) for each in operations)
    return returned or _has(operation, FactKind.SURPLUS_PAID)


def came_through(operation: Operation) -> bool:
    """Whether the partner said after its refusal that it was carried out all the same."""
    return operation.state is State.DECLINED and _has(operation, FactKind.CONTRADICTED)


def is_kept(operations: Sequence[Operation], operation: Operation) -> bool:
    """Whether money that came in under a closed attempt is still here, what refunds in doubt may have taken aside."""
    return came_in_after_all(operations, operation) and left(operations, operation).amount_minor > 0


def why_no_more(operations: Sequence[Operation], attempts: Sequence[Operation]) -> str | None:
    """Why no attempt may be made, or sent, besides these: money moved under one that was told as refused or closed.

    ``operations``: all of the reference; ``attempts``: those that are tries of the same thing.
    """
    if any(each.verb is not Verb.CANCEL and came_through(each) for each in attempts):
        return (
            "the partner refused an attempt, and then said that it was carried out: compare with its records. "
            "Nothing was sent"
        )
    for attempt in attempts:
        if is_kept(operations, attempt):
            return f"money came in under attempt {attempt.attempt} after it was closed: refund it first"
    return None


def _reversed(cancel: Operation, paid: Operation) -> bool:
    done = cancel.verb is Verb.CANCEL and cancel.state is State.SUCCEEDED
    return done and cancel.cancelled_by is CancelledBy.REVERSED and cancel.of in (paid.id, paid.of)


def _refunds(refund: Operation, paid: Operation) -> bool:
    return refund.verb is Verb.REFUND and refund.of == paid.id


def _bounced(returned: Operation) -> bool:
    return _has(returned, FactKind.REFUND_BOUNCED)


def _has(operation: Operation, kind: FactKind) -> bool:
    return any(fact.kind is kind for fact in operation.facts)
