"""Random walks over days and faults: whatever happens in whatever order, the books agree in the end."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.conformance.subjects.unionpay import SUBJECT

from payport.adapters.unionpay.simulator import CannotPay, Fault, UnionPaySimulator
from payport.schemas import ActionRequired
from payport.schemas.actions import Action
from payport.sdk.errors import ReferenceConflict
from payport.sdk.operations.querying import UnknownReference
from payport.sdk.testing.conformance.subject import Way
from payport.sdk.testing.conformance.world import World

WALKS = 12 * int(os.environ.get("PAYPORT_FUZZ_SCALE", "1"))
STEPS = 25
BEGINNINGS_S = (0.0, 14 * 3600 - 30.0, 15 * 3600 - 30.0)
"""Nine in the morning in Beijing, half a minute before the cut-off, half a minute before midnight."""
PAUSES_S = (1.0, 5.0, 30.0, 120.0, 600.0, 3600.0, 20_000.0)
UNREAD = (Fault.RESET_BEFORE_TLS, Fault.RESET_BEFORE_READING)
FAULTS = [fault for fault in Fault if fault not in UNREAD]


@dataclass
class Walk:
    """One walk: three orders, each with a way of paying that it mostly keeps to."""

    world: World[UnionPaySimulator]
    dice: random.Random
    actions: dict[str, list[Action]] = field(default_factory=dict[str, list[Action]])
    ways: dict[str, Way[UnionPaySimulator]] = field(default_factory=dict[str, Way[UnionPaySimulator]])

    def steps(self) -> Mapping[str, Callable[[str], object]]:
        """Everything that can happen to an order, or to all of them."""
        worker, partner, time, dice = self.world.worker, self.world.partner, self.world.time, self.dice
        return {
            "pay": self.pay,
            "pay again": self.pay,
            "the payer pays": self.act(partner.payer.open),
            "a card is refused": self.act(partner.payer.try_empty_card),
            "cancel": lambda ref: worker.cancel(ref, deadline_s=5.0),
            "reverse": lambda ref: worker.cancel(ref, reverse_paid=True, deadline_s=5.0),
            "refund": lambda ref: worker.refund(ref, f"BACK{ref}{dice.randint(1, 2)}", SUBJECT.part, deadline_s=5.0),
            "capture": lambda ref: worker.capture(ref, SUBJECT.part, deadline_s=5.0),
            "capture anew": lambda ref: worker.capture(
                ref, SUBJECT.part, capture_ref=f"{ref}C{dice.randint(1, 2)}", deadline_s=5.0
            ),
            "query": worker.query,
            "resume": lambda _: self.resume(),
            "notices arrive": lambda _: self.world.deliver(),
            "slow work ends": lambda _: partner.process(succeed=dice.random() < 0.7),
            "time passes": lambda _: time.pass_by(dice.choice(PAUSES_S)),
            "something breaks": lambda _: partner.faults.next(
                dice.choice(FAULTS), times=dice.randint(1, 4), delay_s=dice.choice((1.0, 30.0, 200.0))
            ),
        }

    def pay(self, ref: str) -> None:
        """By the order's own way, now and then by another one of its kind."""
        own = self.ways.setdefault(ref, self.dice.choice(SUBJECT.ways))
        others = [way for way in SUBJECT.ways if way.hold is own.hold]
        way = own if self.dice.random() < 0.8 else self.dice.choice(others)
        outcome = self.world.pay(ref, way, deadline_s=self.dice.choice((0.5, 5.0, 70.0)))
        if isinstance(outcome, ActionRequired):
            self.actions.setdefault(ref, []).append(outcome.action)

    def act(self, what: Callable[[Action], object]) -> Callable[[str], None]:
        """What a payer does with anything that was ever handed out, if it still can be done."""

        def go(ref: str) -> None:
            for action in self.dice.sample(self.actions.get(ref, []), k=min(1, len(self.actions.get(ref, [])))):
                with suppress(CannotPay):
                    what(action)

        return go

    def resume(self) -> None:
        """Another worker takes over."""
        self.world.forget_leases()
        self.world.worker.resume()


def go(walk: Walk, refs: list[str]) -> None:
    """Walk, let everything come to rest, and compare the books."""
    world, steps = walk.world, list(walk.steps().values())
    for _ in range(STEPS):
        with suppress(ReferenceConflict, UnknownReference):
            walk.dice.choice(steps)(walk.dice.choice(refs))
    world.settle(rounds=200)
    wrong = [line for ref in refs if world.operations(ref) for line in world.wrong_with(ref)]
    assert wrong + world.watch.problems() == []


@pytest.mark.parametrize("seed", range(WALKS))
def test_the_books_agree_after_any_walk(tmp_path: Path, seed: int) -> None:
    """Across the cut-off and midnight, with queries that lag: at most one charge an order, and no money is lost."""
    dice = random.Random(seed)
    with World(SUBJECT, tmp_path) as world:
        world.time.pass_by(dice.choice(BEGINNINGS_S))
        world.partner.query_lag_s = dice.choice((0.0, 3.0, 30.0))
        go(Walk(world, dice), [world.new_ref() for _ in range(3)])


@pytest.mark.parametrize("seed", range(WALKS))
def test_the_books_agree_after_any_walk_from_a_completion(tmp_path: Path, seed: int) -> None:
    """Undone or refunded, completed anew, released, in any order: what is held and taken is what the journal says."""
    dice = random.Random(seed)
    with World(SUBJECT, tmp_path) as world:
        world.time.pass_by(dice.choice(BEGINNINGS_S))
        refs = [world.new_ref() for _ in range(2)]
        for ref in refs:
            world.hold(ref)
            world.capture(ref)
        world.partner.query_lag_s = dice.choice((0.0, 3.0, 30.0))
        go(Walk(world, dice), refs)
