"""Query and wait: what is known of an order, from where and since when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from payport.sdk import exchange
from payport.sdk.checks import check_seconds
from payport.sdk.errors import JournalError, PayportError
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.lattice import bind
from payport.sdk.message import Purpose
from payport.sdk.observation import Source
from payport.sdk.operations.carrying import Carried
from payport.sdk.operations.following import current, newest
from payport.sdk.operations.judging import judged
from payport.sdk.operations.learning import learn, lost, release, storage_failed
from payport.sdk.operations.leasing import take
from payport.sdk.operations.resolver import resolve
from payport.sdk.operations.setup import LONGEST_ROUND_S, Setup

OutcomeT_co = TypeVar("OutcomeT_co", covariant=True)

JOURNAL = "journal"


class UnknownReference(PayportError, LookupError):
    """The reference is not in this journal."""


@dataclass(frozen=True, slots=True)
class Observed(Generic[OutcomeT_co]):
    """An outcome with its source (``"query"``: the partner was asked and answered; ``"journal"``) and its time."""

    outcome: OutcomeT_co
    source: str
    at: datetime


def last_operation(setup: Setup, ref: str, verb: Verb, part: str = "") -> Exchange[Operation]:
    """The newest attempt of a verb. Raises :class:`UnknownReference`."""
    operations = yield from exchange.load("last operation", lambda session: session.operations(ref))
    for operation in reversed(operations):
        if operation.verb is verb and operation.part == part:
            return operation
    raise UnknownReference(f"{ref} has no {verb.value} {part}".rstrip() + f" in the journal of {setup.adapter.account}")


def query(
    setup: Setup,
    ref: str,
    verb: Verb,
    part: str,
    deadline_s: float,
    outcome: Callable[[Carried], OutcomeT_co],
) -> Exchange[Observed[OutcomeT_co]]:
    """Ask the partner about the newest attempt and add what it says; the journal's word when it cannot be asked."""
    operation = yield from last_operation(setup, ref, verb, part)
    now = yield from exchange.now()
    cannot_ask = operation.account != setup.adapter.account or not setup.profile.answers_queries
    if cannot_ask or operation.state is State.NOT_SENT or not operation.started:
        return Observed(outcome(Carried(operation)), JOURNAL, now.utc)
    ours = _may_be_unsent(operation)
    if ours:
        try:
            taken = yield from take(setup, operation, deadline_s)
        except JournalError as error:
            return Observed(outcome((yield from _unwritten(setup, "query", operation, error))), JOURNAL, now.utc)
        if taken is not None and _may_be_unsent(taken):
            yield from release(setup, taken)
        if taken is None or _may_be_unsent(taken):
            return Observed(outcome(Carried(operation)), JOURNAL, now.utc)
        operation = taken
    observation = yield from judged(setup, operation, setup.adapter.ask(operation, deadline_s), Purpose.ASK)
    answered = observation.state not in (State.DOUBT, State.NOT_SENT) or observation.absent
    operation = (
        yield from learn(
            setup, operation, observation, asked=not observation.held_back, release=ours, deadline_s=deadline_s
        )
    ).after
    source = Source.QUERY.value if answered else JOURNAL
    carried = yield from newest(setup, Carried(operation, bind(operation, observation).native), deadline_s)
    return Observed(outcome(carried), source if carried.operation.id == operation.id else JOURNAL, now.utc)


def _may_be_unsent(operation: Operation) -> bool:
    """Whether nothing may have left yet: then only who holds its lease can tell. Anything else may be asked about."""
    return operation.state is State.DOUBT and not operation.may_have_left


def wait(
    setup: Setup, ref: str, verb: Verb, part: str, timeout_s: float, outcome: Callable[[Carried], OutcomeT_co]
) -> Exchange[OutcomeT_co]:
    """Ask as the ladder says until the newest attempt is final or time is up."""
    check_seconds("timeout_s", timeout_s)
    start = yield from exchange.now()
    last = yield from last_operation(setup, ref, verb, part)
    try:
        carried = yield from _wait(setup, last, start.monotonic_s + timeout_s)
    except JournalError as error:
        carried = yield from _unwritten(setup, "wait", last, error)
    return outcome(carried)


def _wait(setup: Setup, last: Operation, deadline_s: float) -> Exchange[Carried]:
    carried = Carried(last)
    while not carried.operation.state.final:
        operation = carried.operation
        taken = None
        round_s = min(deadline_s, (yield from exchange.now()).monotonic_s + LONGEST_ROUND_S)
        if operation.account == setup.adapter.account:
            taken = yield from take(setup, operation, round_s)
        if taken is not None:
            carried = yield from resolve(setup, taken, round_s)
            yield from release(setup, carried.operation)
        if carried.operation.state.final:
            break
        wait_s = min(setup.ladder(operation).wait_s(operation.asked), _LONGEST_WAIT_S)
        now = yield from exchange.now()
        if now.monotonic_s + wait_s >= deadline_s:
            break
        yield from exchange.sleep(wait_s)
        carried = Carried((yield from current(carried.operation)))
    return (yield from newest(setup, carried, deadline_s))


def _unwritten(setup: Setup, work: str, operation: Operation, error: JournalError) -> Exchange[Carried]:
    yield from storage_failed(setup, work, error)
    return Carried(lost(operation, f"the journal could not be read or written: {error}"))


_LONGEST_WAIT_S = 5.0
"""A notice may settle the order at any time: look into the journal at least this often."""
