"""Complete: go on after the payer came back, with steps that are added to the payment's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from payport.schemas.outcome import NotSentKind, PayOutcome
from payport.sdk import exchange
from payport.sdk.adapter import SupportsComplete
from payport.sdk.errors import JournalConflict, JournalError
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, Verb
from payport.sdk.operations.carrying import Carried, carry_out
from payport.sdk.operations.extending import add_steps
from payport.sdk.operations.following import as_pending, current, newest
from payport.sdk.operations.learning import lost, release, storage_failed, unreadable
from payport.sdk.operations.leasing import take
from payport.sdk.operations.resolver import resolve
from payport.sdk.operations.setup import Setup
from payport.sdk.outcomes import not_sent, pay_outcome

NativeT = TypeVar("NativeT")


def complete(
    setup: Setup, adapter: SupportsComplete[NativeT], ref: str, returned: Mapping[str, str], deadline_s: float
) -> Exchange[PayOutcome[NativeT]]:
    """How the order stands once what remains to be done after the payer's return was done.

    ``returned`` proves nothing: the partner is asked, or told to go on, and its answer counts.
    """
    try:
        operations = yield from exchange.load("complete", lambda session: session.operations(ref))
    except JournalError as error:
        return (yield from unreadable(setup, "complete", f"{ref}/{Verb.PAY.value}//1", error))
    payment = next((operation for operation in reversed(operations) if operation.verb is Verb.PAY), None)
    if payment is None:
        problem = f"{ref} is not in this journal: is it misspelt, or to be adopted?"
        return not_sent(NotSentKind.INVALID, problem)
    try:
        carried = yield from newest(setup, (yield from _go_on(setup, payment, returned, deadline_s)), deadline_s)
    except JournalError as error:
        yield from storage_failed(setup, "complete", error)
        carried = Carried(lost(payment, f"the journal could not be read or written: {error}"))
    return pay_outcome(carried.operation, setup.profile, adapter.native_payment(carried.native))


def _go_on(setup: Setup, payment: Operation, returned: Mapping[str, str], deadline_s: float) -> Exchange[Carried]:
    if payment.state.final or payment.account != setup.adapter.account:
        return Carried(payment)
    taken = yield from take(setup, payment, deadline_s)
    if taken is None:
        return Carried(as_pending((yield from current(payment))))
    try:
        further = yield from add_steps(setup, taken, returned)
    except JournalConflict:
        yield from release(setup, taken)
        return Carried(as_pending((yield from current(payment))))
    if further is None:
        carried = yield from resolve(setup, taken, deadline_s)
    else:
        carried = yield from carry_out(setup, further, deadline_s, release=False)
    yield from release(setup, carried.operation)
    return carried
