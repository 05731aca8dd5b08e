"""Capture: take held money, in one part or several, all of them together never more than was held."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType

from payport.schemas.money import Money
from payport.schemas.outcome import CaptureOutcome, NotSentKind
from payport.sdk import exchange
from payport.sdk.adapter import Plan, Slot, SupportsCapture
from payport.sdk.checks import check_argument
from payport.sdk.errors import JournalError
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.journal.session import Session
from payport.sdk.operations.cancelling import captures_of
from payport.sdk.operations.carrying import Carried
from payport.sdk.operations.following import run
from payport.sdk.operations.intending import Intent, Invalid
from payport.sdk.operations.learning import unreadable
from payport.sdk.operations.setup import Setup
from payport.sdk.outcomes import capture_outcome, not_sent


def capture(
    setup: Setup,
    adapter: SupportsCapture,
    ref: str,
    amount: Money | None,
    capture_ref: str,
    deadline_s: float,
    *,
    final: bool,
) -> Exchange[CaptureOutcome[object]]:
    """Take money from a hold: all that is left when ``amount`` is ``None``."""
    check_argument("amount", amount, (Money, NoneType), "Money, such as Money.of('12.34', 'CNY'), or None for all")
    try:
        operations = yield from exchange.load("hold", lambda session: session.operations(ref))
    except JournalError as error:
        return (yield from unreadable(setup, "hold", f"{ref}/{Verb.CAPTURE.value}/{capture_ref}/1", error))
    hold = next((operation for operation in reversed(operations) if operation.verb is Verb.PAY), None)
    if hold is None or hold.state is not State.AUTHORIZED:
        return not_sent(NotSentKind.INVALID, f"{ref} holds no money that could be captured")
    wanted = amount or _known_capture(operations, capture_ref) or hold.amount - _captured(operations)
    if wanted.amount_minor <= 0:
        problem = f"nothing is left of the hold of {hold.amount}" if amount is None else f"{amount} cannot be captured"
        return not_sent(NotSentKind.INVALID, problem)

    def plan(session: Session, slot: Slot) -> Plan:
        _check_hold(session.operations(ref), hold, wanted, setup.adapter.account)
        return adapter.plan_capture(hold, wanted, slot, final=final)

    intent = Intent(ref=ref, verb=Verb.CAPTURE, amount=wanted, plan=plan, part=capture_ref, of=hold.id)
    carried = yield from run(setup, intent, deadline_s)
    if not isinstance(carried, Carried):
        return carried
    return capture_outcome(carried.operation, setup.profile, carried.native)


def _known_capture(operations: Sequence[Operation], capture_ref: str) -> Money | None:
    for operation in reversed(operations):
        if operation.verb is Verb.CAPTURE and operation.part == capture_ref and not operation.state.over:
            return operation.amount
    return None


def _captured(operations: Sequence[Operation]) -> Money:
    """What captures have taken or may have taken."""
    hold = next(operation for operation in reversed(operations) if operation.verb is Verb.PAY)
    return sum((item.amount for item in captures_of(operations)), Money(0, hold.amount.currency))


def _check_hold(operations: Sequence[Operation], hold: Operation, amount: Money, account: str) -> None:
    if hold.account != account:
        raise Invalid(f"the money is held through {hold.account}; capture it there")
    if any(item.verb is Verb.CANCEL and item.of == hold.id and not item.state.over for item in operations):
        raise Invalid("the hold was released or is being released")
    if amount.currency != hold.amount.currency:
        raise Invalid(f"{hold.amount} is held; a capture of {amount} is in another currency")
    if amount > hold.amount - _captured(operations):
        raise Invalid(f"a capture of {amount} is more than what is left of the hold of {hold.amount}")
