"""Refund: money back, each refund under its own reference, all of them together never more than was paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from payport.schemas.money import Money
from payport.schemas.outcome import RefundOutcome
from payport.schemas.references import check_reference
from payport.sdk.adapter import Plan, Slot, SupportsRefund
from payport.sdk.checks import check_argument
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import RESTORES_HOLD, Operation, State, Verb
from payport.sdk.journal.session import Session
from payport.sdk.operations.carrying import Carried
from payport.sdk.operations.following import run
from payport.sdk.operations.given_back import came_in_after_all, left
from payport.sdk.operations.intending import Intent, Invalid
from payport.sdk.operations.setup import Setup
from payport.sdk.operations.undoing import FENCE, REVERSE
from payport.sdk.outcomes import refund_outcome


def refund(
    setup: Setup, adapter: SupportsRefund, ref: str, refund_ref: str, amount: Money, reason: str, deadline_s: float
) -> Exchange[RefundOutcome[object]]:
    """Give ``amount`` of a payment back. What refunds in doubt may have taken counts as taken."""
    check_reference(refund_ref, "refund_ref")
    check_argument("amount", amount, Money, "Money, such as Money.of('12.34', 'CNY')")

    def plan(session: Session, slot: Slot) -> Plan:
        operations = session.operations(ref)
        paid = paid_with(operations, amount, setup.adapter.account)
        seen = replace(slot, refused=_refused(operations, paid))
        planned = adapter.plan_refund(paid, amount, seen, reason=reason)
        marks = {RESTORES_HOLD: "1"} if planned.restores_hold else {}
        return replace(planned, of=paid.id, identity={**planned.identity, **marks})

    intent = Intent(ref=ref, verb=Verb.REFUND, amount=amount, plan=plan, part=refund_ref)
    carried = yield from run(setup, intent, deadline_s)
    if not isinstance(carried, Carried):
        return carried
    return refund_outcome(carried.operation, setup.profile, carried.native)


def paid_with(operations: Sequence[Operation], amount: Money, account: str) -> Operation:
    """The payment or capture that still covers ``amount``. Raises :class:`Invalid` when none does."""
    surplus = [operation for operation in operations if came_in_after_all(operations, operation)]
    paid = surplus + [
        operation
        for operation in operations
        if operation.state is State.SUCCEEDED and operation.verb in (Verb.PAY, Verb.CAPTURE)
    ]
    if not paid:
        open_one = any(each.verb in (Verb.PAY, Verb.CAPTURE) and not each.state.final for each in operations)
        why = "whether the order is paid is not known yet: resolve it first" if open_one else "the order is not paid"
        raise Invalid(f"there is nothing to refund: {why}")
    here = [operation for operation in paid if operation.account == account]
    if not here:
        raise Invalid(f"it was paid through {paid[0].account}; refund it there")
    for operation in here:
        remains = left(operations, operation)
        if remains.amount_minor <= 0:
            continue
        if operation.amount.currency != amount.currency:
            raise Invalid(f"{operation.amount} was paid; a refund of {amount} is in another currency")
        if _reversing(operations, operation):
            raise Invalid("the whole payment is being given back already: its reversal is not settled yet")
        if amount <= remains:
            return operation
    raise Invalid(f"a refund of {amount} is more than what is left of the payment, refunds in doubt counted")


def _reversing(operations: Sequence[Operation], paid: Operation) -> bool:
    """Whether a reversal of this payment may be under way: it counts as a refund of all of it."""
    return any(
        operation.verb is Verb.CANCEL
        and operation.of == paid.id
        and REVERSE in operation.identity
        and FENCE not in operation.identity  # what was told as paid, no fence gives back any more
        and not operation.state.final
        for operation in operations
    )


def _refused(operations: Sequence[Operation], paid: Operation) -> tuple[Operation, ...]:
    """The refunds of this payment that the partner refused."""
    return tuple(
        operation
        for operation in operations
        if operation.verb is Verb.REFUND and operation.of == paid.id and operation.state is State.DECLINED
    )
