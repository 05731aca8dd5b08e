"""T19: a worker stands still at any effect of any operation, one or two others take the debt over meanwhile, and each
may stand still in turn and go on with what it had in its hands. Whoever is told that nothing came of it pays again.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from payport.schemas.actions import Action
from payport.schemas.outcome import ActionRequired, Declined, NotSent
from payport.schemas.payment import FactKind
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.testing.conformance.checks.dying import Scenario, whole
from payport.sdk.testing.conformance.secrecy import leaks
from payport.sdk.testing.conformance.verbs import start
from payport.sdk.testing.conformance.world import DEADLINE_S, World
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.stepping import Run
from proof.crash_points import FELT_OUTSIDE, ROUNDS, places
from proof.family import Family, Tally, each
from proof.subjects import AnyWorld
from proof.walking import NEVER

AT_ONCE = 10
"""How many debts share one journal and one simulator."""
_A_WHILE_S = 80.0
"""Longer than any lease, and than the deadline of any call here: what has not left by then leaves no more."""
_STILL_S = (0.0, 5.0, _A_WHILE_S, 1_000.0, 8_000.0)
_OFTEN = (Fault.RATE_LIMITED, Fault.SYSTEM_ERROR, Fault.SILENCE, Fault.COMMIT_THEN_SILENCE, Fault.LATE_ARRIVAL)
"""A refusal, a doubt, and what arrives at the partner while nobody looks."""


def run(first: int, count: int) -> Tally:
    """Each unit is one operation, with so many debts."""
    return each(range(first, first + count), _unit)


def _unit(number: int, tally: Tally) -> None:
    subject, scenario = places()[number % len(places())]
    dice = random.Random(number)
    with tempfile.TemporaryDirectory() as folder, World(subject, Path(folder)) as world:
        turns = sum(effect in FELT_OUTSIDE for effect in whole(world, scenario))
        cases = dict(Case(world, scenario, dice).play(turns) for _ in range(AT_ONCE))
        tally.cases += len(cases)
        world.settle(rounds=ROUNDS)
        for ref, what in cases.items():
            wrong = [*world.wrong_with(ref), *taken_back(world.operations(ref))]
            if wrong:
                tally.fail(number, f"{subject.name}, {scenario.name}, {what}: {wrong}")
        wrong = [*world.watch.problems(), *leaks(world)]
        if wrong:
            tally.fail(number, f"{subject.name}, {scenario.name}: {wrong}")


def taken_back(operations: Sequence[Operation]) -> Iterator[str]:
    """Ends that were told and did not hold. No partner here takes back what it said, so nor may the library."""
    for operation in operations:
        for fact in operation.facts:
            if fact.kind in (FactKind.SURPLUS_PAID, FactKind.CONTRADICTED):
                yield f"{operation.id}: told as {operation.state.value}, then {fact.kind.value}: {fact.detail}"


class Stage:
    """Calls of several workers that stand still in turn, at partners that share one journal and one time."""

    def __init__(self, worlds: Sequence[AnyWorld], dice: random.Random) -> None:
        self.worlds = worlds
        self.dice = dice
        self.log: list[str] = []
        self.shown: list[Action] = []
        """What payers were shown, and may pay at any moment."""

    def together(self, first: Run[object], another: Callable[[], Run[object]], turns: int, most: int) -> None:
        """Play one call, and from one to ``most`` others, of which each may stand still before it is gone on with."""
        dice, runs = self.dice, [first]
        self.stand_still(0, first, dice.randrange(turns + 1))
        if first.over:
            self.show(first.result)
        workers = dice.randint(2, most + 1)
        while len(runs) < workers or not all(run.over for run in runs):
            waiting = [number for number, run in enumerate(runs) if not run.over]
            if len(runs) < workers and (not waiting or dice.random() < 0.6):
                self.go_wrong()
                waiting = [len(runs)]
                runs.append(another())
            number = dice.choice(waiting)
            if dice.random() < 0.5:
                self.stand_still(number, runs[number], dice.randrange(turns + 1))
            else:
                runs[number].finish()
            if runs[number].over:
                self.show(runs[number].result)
            if self.shown and dice.random() < 0.3:
                self.pay(dice.choice(self.shown))
        self.log.append(f"told {[type(run.result).__name__ for run in runs]}")
        for world in self.worlds:
            world.partner.faults.clear()

    def go_wrong(self) -> None:
        """Perhaps, at a partner."""
        if self.dice.random() < 0.4:
            world = self.dice.choice(self.worlds)
            plays = world.subject.plays - NEVER
            which = plays.intersection(_OFTEN) if self.dice.random() < 0.6 else plays
            fault = self.dice.choice(sorted(which, key=lambda fault: fault.value))
            times = self.dice.choice((1, 3))
            world.partner.faults.next(fault, times=times, delay_s=self.dice.choice((5.0, 40.0)))
            self.log.append(f"{world.subject.name}: {fault.value} x {times}")

    def stand_still(self, number: int, run: Run[object], turns: int) -> None:
        """Before it writes or sends for the time after so many; now and then before something else in between."""
        while not run.over:
            if type(run.next_effect).__name__ in FELT_OUTSIDE:
                turns -= 1
            if turns < 0 or (turns == 0 and self.dice.random() < 0.02):
                break
            run.step()
        still_s = self.dice.choice(_STILL_S)
        self.worlds[0].time.pass_by(still_s)
        if still_s >= _A_WHILE_S:
            self.worlds[0].forget_leases()
        for world in self.worlds:
            if self.dice.random() < 0.5:
                world.partner.process()
        at = "its end" if run.over else type(run.next_effect).__name__
        self.log.append(f"{number}: {still_s} s still after {len(run.effects)} effects, before {at}")

    def show(self, outcome: object) -> None:
        """What a call answered goes to the payer, where it is for one."""
        if isinstance(outcome, ActionRequired):
            self.shown.append(outcome.action)

    def pay(self, action: Action) -> None:
        """The payer pays what was shown, if that can be paid."""
        self.log.append("a payer")
        for world in self.worlds:
            with suppress(Exception):  # each partner has its own error page, for what is closed or another's
                world.partner.payer.open(action)

    def pay_up(self) -> None:
        """More often than not, payers pay what they were shown."""
        while self.shown:
            action = self.shown.pop()
            if self.dice.random() < 0.7:
                self.pay(action)


def others(world: AnyWorld, ref: str) -> dict[str, Callable[[], Run[object]]]:
    """What workers may do about a debt at the partner where it lives, apart from paying it."""
    subject, known = world.subject, world.operations(ref)
    paid = any(operation.verb is Verb.PAY for operation in known)
    has = {
        "resume": True,
        "capture": subject.capture and any(operation.state is State.AUTHORIZED for operation in known),
        "complete": ref in world.came_back,
        "close": paid and subject.cancels,
        "reverse": paid and subject.reverse,
        "refund": paid and subject.refund,
        "receive": subject.notifies and world.partner.notices,
    }
    calls = {verb: partial(start, world, verb, None, ref) for verb in has if has[verb]}
    resolve = partial(world.run, lambda desk, _: desk.resolve(ref, DEADLINE_S))
    return {**calls, "resolve": resolve} if known else {**calls}


class Case:
    """One debt, two or three workers."""

    def __init__(self, world: AnyWorld, scenario: Scenario, dice: random.Random) -> None:
        self.world, self.scenario, self.dice = world, scenario, dice
        self.ref = world.new_ref()
        self.stage = Stage((world,), dice)
        self.runs: list[Run[object]] = []
        self.paid = scenario.name.startswith("pay,")
        """Whether any call was to pay."""

    def play(self, turns: int) -> tuple[str, str]:
        """Its reference, and what happened in words. ``turns``: how often the call writes or sends, undisturbed."""
        self.scenario.before(self.world, self.ref)
        self.stage.go_wrong()
        self.runs.append(self.scenario.start(self.world, self.ref))
        self.stage.together(self.runs[0], self._other, turns, most=2)
        self._afterwards()
        return self.ref, "; ".join(self.stage.log)

    def _other(self) -> Run[object]:
        """What another worker does."""
        world, ref, subject = self.world, self.ref, self.world.subject
        calls = others(world, ref) | {"the same": lambda: self.scenario.start(world, ref)}
        if world.operations(ref) and self.scenario.name != "payout":
            way = self.dice.choice((subject.selling, *subject.ways))
            calls["pay"] = lambda: start(world, "pay", way, ref)
        name = self.dice.choice(list(calls))
        self.stage.log.append(f"{len(self.runs)}: {name}")
        self.paid = self.paid or name == "pay"
        self.runs.append(calls[name]())
        return self.runs[-1]

    def _afterwards(self) -> None:
        """Payers pay what they were shown, and who was to pay and is told of no payment pays again."""
        self.stage.pay_up()
        unpaid = self.paid and any(isinstance(run.result, NotSent | Declined) for run in self.runs)
        if unpaid and self.dice.random() < 0.8:
            again = self.world.pay(self.ref, self.world.subject.selling)
            self.stage.log.append(f"paid again: {type(again).__name__}")
            self.stage.show(again)
            self.stage.pay_up()


FAMILY = Family(
    id="T19",
    title="a worker stands still at any effect, and another takes over meanwhile: the books agree",
    run=run,
    gate=len(places()),
    long=20_000,
    shard=20,
)
