"""T20: an order may be paid at either of two partners, over one journal, by workers that stand still at any effect.

Whoever is told at one partner that nothing came of it goes on at the other, as the router does.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import permutations
from pathlib import Path

from payport.schemas.outcome import Declined, NotSent
from payport.sdk.journal.records import Operation, Verb
from payport.sdk.testing.conformance.agreement import disagreements
from payport.sdk.testing.conformance.secrecy import leaks
from payport.sdk.testing.conformance.verbs import start
from payport.sdk.testing.conformance.world import World, settle
from payport.sdk.testing.simulated import KeepsHolds
from payport.sdk.testing.stepping import Run
from proof.crash_points import ROUNDS
from proof.family import Family, Tally, each
from proof.standing_still import Stage, others, taken_back
from proof.subjects import AnySubject, AnyWorld, subjects

AT_ONCE = 10
"""How many debts share one journal and two simulators."""
_TURNS = 5
"""How often a payment writes or sends, as a rule, while nothing goes wrong."""
_ONE_ACCOUNT = frozenset({"wechatpay", "wechatpay_v2"})
"""Two interfaces of one partner, which know the same orders."""


def _pairs() -> Sequence[tuple[AnySubject, AnySubject]]:
    """Who may stand in for whom: both take the first one's currency."""
    return [
        (one, replace(other, order=replace(other.order, amount=one.order.amount), part=one.part))
        for one, other in permutations(subjects(), 2)
        if (one.order.amount.currency == "CNY") == (other.order.amount.currency == "CNY")
        and {one.name, other.name} != _ONE_ACCOUNT
    ]


PAIRS = _pairs()


def run(first: int, count: int) -> Tally:
    """Each unit is one pair of partners, with so many debts."""
    return each(range(first, first + count), _unit)


def _unit(number: int, tally: Tally) -> None:
    one, other = PAIRS[number % len(PAIRS)]
    dice = random.Random(number)
    with _town(one, other) as worlds:
        cases = dict(Debt(worlds, dice).play() for _ in range(AT_ONCE))
        tally.cases += len(cases)
        settle(worlds, ROUNDS)
        for ref, what in cases.items():
            wrong = list(wrong_with(worlds, ref))
            if wrong:
                tally.fail(number, f"{one.name} and {other.name}, {what}: {wrong}")
        wrong = [line for world in worlds for line in (*world.watch.problems(), *leaks(world))]
        if wrong:
            tally.fail(number, f"{one.name} and {other.name}: {wrong}")


@contextmanager
def _town(one: AnySubject, other: AnySubject) -> Iterator[tuple[AnyWorld, AnyWorld]]:
    """Two partners with one journal and one time."""
    with (
        tempfile.TemporaryDirectory() as name,
        World(one, Path(name)) as first,
        World(other, Path(name), shared=first.journal, time=first.time, refs=first.refs) as second,
    ):
        yield first, second


class Debt:
    """One debt, two to four workers, who pay it here and there."""

    def __init__(self, worlds: Sequence[AnyWorld], dice: random.Random) -> None:
        self.worlds, self.dice = worlds, dice
        self.ref = worlds[0].new_ref()
        self.stage = Stage(worlds, dice)
        self.payments: list[tuple[AnyWorld, Run[object]]] = []
        self.begun = 0

    def play(self) -> tuple[str, str]:
        """Its reference, and what happened in words."""
        self.stage.go_wrong()
        self.stage.together(self._pay(self.dice.choice(self.worlds)), self._other, _TURNS, most=3)
        self.stage.pay_up()
        while (unpaid := self._unpaid()) is not None and self.dice.random() < 0.8:
            self.stage.show(self._pay(unpaid).finish())
            self.stage.pay_up()
        return self.ref, "; ".join(self.stage.log)

    def _other(self) -> Run[object]:
        """What another worker does, or the same one at the other partner."""
        unpaid = self._unpaid()
        if unpaid is not None and self.dice.random() < 0.8:
            return self._pay(unpaid)
        world = self.dice.choice(self.worlds)
        if self.dice.random() < 0.4:
            return self._pay(world)
        home = self._home() or world
        anywhere = {verb: call for verb, call in others(world, self.ref).items() if verb in ("resume", "receive")}
        calls = others(home, self.ref) | anywhere
        name = self.dice.choice(list(calls))
        return self._begin(name, world if name in anywhere else home, calls[name]())

    def _pay(self, world: AnyWorld) -> Run[object]:
        way = self.dice.choice((world.subject.selling, *world.subject.ways))
        self.payments.append((world, self._begin(f"pay, {way.name}", world, start(world, "pay", way, self.ref))))
        return self.payments[-1][1]

    def _begin(self, what: str, world: AnyWorld, run: Run[object]) -> Run[object]:
        self.stage.log.append(f"{self.begun}: {what} at {world.subject.name}")
        self.begun += 1
        return run

    def _unpaid(self) -> AnyWorld | None:
        """The other partner, once the newest payment was told to have come to nothing."""
        world, run = self.payments[-1]
        if not run.over or not isinstance(run.result, NotSent | Declined):
            return None
        return next(each for each in self.worlds if each is not world)

    def _home(self) -> AnyWorld | None:
        """Where the newest attempt lives."""
        found = [each for each in self.worlds[0].operations(self.ref) if each.verb is Verb.PAY]
        return next((each for each in self.worlds if found and each.adapter.account == found[-1].account), None)


def wrong_with(worlds: Sequence[AnyWorld], ref: str) -> Iterator[str]:
    """What does not add up about one debt: with each partner, between the two, and with what was told."""
    operations, history = worlds[0].operations(ref), worlds[0].history(ref)
    for world in worlds:
        here = [operation for operation in operations if operation.account == world.adapter.account]
        told = [line for line in history if line.operation in {operation.id for operation in here}]
        arrived = frozenset[str]() if world.subject.payout is None else world.subject.payout.done
        yield from disagreements(ref, here, told, world.partner.ledger, arrived=arrived)
    keep = [world.subject.name for world in worlds if _keeps(world, ref, operations)]
    if len(keep) > 1:
        yield f"{ref}: {keep} both keep money for it"
    yield from taken_back(operations)


def _keeps(world: AnyWorld, ref: str, operations: Sequence[Operation]) -> bool:
    """Whether a partner has taken more than it gave back, or holds money."""
    ledger = world.partner.ledger
    if world.net_minor(ref) > 0:
        return True
    holds = ledger.holds if isinstance(ledger, KeepsHolds) else lambda _: ()
    return any(hold.rest.amount_minor for operation in operations for hold in holds(operation.partner_ref))


FAMILY = Family(
    id="T20",
    title="paid at either of two partners by workers that stand still: one of them keeps money, at most",
    run=run,
    gate=len(PAIRS) * 6,
    long=20_000,
    shard=20,
)
