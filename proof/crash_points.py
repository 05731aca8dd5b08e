"""T2: every place where a process can die, in every operation of every partner; then deaths inside the recovery."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from payport.sdk.exchange import Record, Send
from payport.sdk.testing.conformance.checks.dying import (
    AFTERMATHS,
    Scenario,
    crash_in_resume,
    scenarios,
    stop_after,
    whole,
)
from payport.sdk.testing.conformance.secrecy import leaks
from payport.sdk.testing.conformance.world import World
from payport.sdk.testing.faults import Fault
from proof.family import Family, Tally, each
from proof.subjects import AnySubject, AnyWorld, subjects

ROUNDS = 2_000
"""How often ``resume`` may be called until everything rests: many orders, each with its own hours to live."""
FELT_OUTSIDE = (Record.__name__, Send.__name__)
"""Effects after which a journal or a partner is another: to die after one of the others is to die before it."""
AT_ONCE = 25
"""How many deaths inside the recovery share one journal and one simulator."""


@cache
def places() -> tuple[tuple[AnySubject, Scenario], ...]:
    """Every operation of every partner."""
    return tuple((subject, scenario) for subject in subjects() for scenario in scenarios(subject))


def run(first: int, count: int) -> Tally:
    """Unit by unit: each operation with every place to die in it; from there on, pairs and triples of deaths."""
    return each(range(first, first + count), _unit)


def _unit(number: int, tally: Tally) -> None:
    subject, scenario = places()[number % len(places())]
    with _world(subject) as world:
        refs = dict(_singles(world, scenario) if number < len(places()) else _chains(world, scenario, number))
        tally.cases += len(refs)
        world.settle(rounds=ROUNDS)
        for ref, what in refs.items():
            wrong = world.wrong_with(ref)
            if wrong:
                tally.fail(number, f"{subject.name}, {scenario.name}, {what}: {wrong}")
        wrong = [*world.watch.problems(), *leaks(world)]
        if wrong:
            tally.fail(number, f"{subject.name}, {scenario.name}: {wrong}")


@contextmanager
def _world(subject: AnySubject) -> Iterator[AnyWorld]:
    with tempfile.TemporaryDirectory() as folder, World(subject, Path(folder)) as world:
        yield world


def _singles(world: AnyWorld, scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Dead after each effect that changed anything outside, with everything that may happen then.

    Only what writes or sends does: to die after another is to die after the one before.
    """
    effects = whole(world, scenario)
    for stop in range(len(effects) + 1):
        edge = stop in (0, len(effects))
        sends = stop < len(effects) and effects[stop] == Send.__name__
        if not (edge or sends or effects[stop - 1] in FELT_OUTSIDE):
            continue
        for aftermath in AFTERMATHS:
            if aftermath == "arrives late" and not (sends and Fault.LATE_ARRIVAL in world.subject.plays):
                continue
            yield stop_after(world, scenario, stop, aftermath), f"dead after {stop} effects, then {aftermath}"


def _chains(world: AnyWorld, scenario: Scenario, number: int) -> Iterator[tuple[str, str]]:
    """Dead, and dead again once or twice while ``resume`` is at work on what was left."""
    dice = random.Random(number)
    effects = len(whole(world, scenario))
    for _ in range(AT_ONCE):
        first = dice.randrange(effects + 1)
        ref = stop_after(world, scenario, first, dice.choice(AFTERMATHS))
        later = [dice.randrange(2 * effects) for _ in range(1 if dice.random() < 0.7 else 2)]
        for stop in later:
            crash_in_resume(world, stop)
        yield ref, f"dead after {first} effects, and in the recovery after {later}"


FAMILY = Family(
    id="T2",
    title="dead after any effect of any operation, and dead again in the recovery: the books agree",
    run=run,
    gate=len(places()) + 10_000 // AT_ONCE,
    long=len(places()) + 200_000 // AT_ONCE,
    shard=20,
)
