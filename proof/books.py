"""T15: the books of random days: what the journal says was paid and given back is what the partner's books say, debt by
debt and in total for each currency. No statement of the partner's is read.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from payport.schemas.payment import CancelledBy
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.testing.conformance.verbs import call, exchange_of
from payport.sdk.testing.conformance.world import World
from proof.family import Family, Tally, each
from proof.subjects import AnyWorld, subjects
from proof.walking import Walk

ACTS = 8


def run(first: int, count: int) -> Tally:
    """One day of one partner a unit."""
    return each(range(first, first + count), _day)


def _day(number: int, tally: Tally) -> None:
    every, dice = subjects(), random.Random(number)
    subject = every[number % len(every)]
    with tempfile.TemporaryDirectory() as folder, World(subject, Path(folder)) as world:
        given_back: set[str] = set()

        def do(verb: str, way: object, ref: str) -> object:
            gateway = world.gateway()
            if verb == "reverse":
                given_back.add(ref)
            if verb in ("query", "receive", "resume"):
                work = exchange_of(gateway._desk, world, verb, None, ref)  # noqa: SLF001  # stands between verb and host
                return gateway._run(work)  # noqa: SLF001  # as above
            return call(gateway, world, verb, way, ref)  # type: ignore[arg-type] # the walk hands on its own ways

        Walk(world, dice, do).acts(ACTS)
        tally.cases += 1
        tally.note("debts", len(world.refs))
        world.settle(rounds=2_000)
        wrong = [line for ref in world.refs for line in world.wrong_with(ref)] + world.watch.problems()
        assert not wrong, f"{subject.name}: {wrong}"
        _compare_totals(world, tally, given_back)


def _compare_totals(world: AnyWorld, tally: Tally, given_back: set[str]) -> None:
    """Per currency: what the partner took and gave back, and what the journal's final states add up to."""
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    for row in world.partner.ledger.charges():
        theirs[row.amount.currency] += row.amount.amount_minor
    for row in world.partner.ledger.refunds():
        theirs[row.amount.currency] -= row.amount.amount_minor
    for ref in world.refs:
        for operation in world.operations(ref):
            ours[operation.amount.currency] += _kept(operation, world.operations(ref), asked=ref in given_back)
    assert +ours == +theirs, f"{world.subject.name}: {dict(ours)} in the journal, {dict(theirs)} at the partner"
    for currency, minor in ours.items():
        tally.note(f"{currency} in minor units that both sides agree on", minor)


def _kept(operation: Operation, others: Sequence[Operation], *, asked: bool) -> int:
    """What an operation adds to the money that was taken and kept.

    A payment that was reversed keeps nothing; nobody reverses one that succeeded unless that was ``asked`` for.
    """
    if operation.state is not State.SUCCEEDED or operation.verb is Verb.CANCEL:
        return 0
    about = {operation.id, operation.of}  # a capture is reversed with the payment that it is of
    cancels = [each for each in others if each.verb is Verb.CANCEL and each.of in about]
    if any(each.cancelled_by is CancelledBy.REVERSED for each in cancels):
        assert asked, f"{operation.id} succeeded, and was reversed without being asked"
        return 0
    amount = operation.amount.amount_minor
    return -amount if operation.verb is Verb.REFUND else amount


FAMILY = Family(
    id="T15",
    title="random days with faults: journal and partner agree on every debt and on the totals of each currency",
    run=run,
    gate=3_000,
    long=50_000,
    shard=100,
)
