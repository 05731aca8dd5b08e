"""Every place where a process can die: after each effect of each verb. Then a new process on the same journal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from tests.support.paths import World
from tests.support.scenarios import SCENARIOS, Scenario

from payport.schemas import ActionRequired
from payport.sdk.exchange import Send
from payport.sdk.testing.faults import Fault

AFTERMATHS = ("resumed", "asked again", "arrives late")
"""What happens after the crash: only ``resume``; the same call again, and the payer pays what it shows; or what was
being sent at that moment arrives at the partner forty seconds later."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all: each crash has a debt of its own."""
    with World(tmp_path_factory.mktemp("crash"), mode="certificate") as made:
        yield made


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return count(1)


def stop_after(world: World, scenario: Scenario, ref: str, effects: int, aftermath: str) -> bool:
    """Run a scenario until that many effects are done; false when it has no more than that."""
    scenario.before(world, ref)
    run = scenario.start(world, ref)
    for _ in range(effects):
        if run.over:
            return False
        run.step()
    if aftermath == "arrives late" and isinstance(run.next_effect, Send):
        world.partner.faults.next(Fault.LATE_ARRIVAL, delay_s=40.0)
        run.step()
    over = run.over
    run.crash()
    world.forget_leases()
    if aftermath == "asked again":
        outcome = scenario.start(world, ref).finish()
        if isinstance(outcome, ActionRequired):
            world.partner.payer.open(outcome.action)
    return not over


@pytest.mark.parametrize("aftermath", AFTERMATHS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_crash_after_any_effect_loses_nothing(
    world: World, numbers: Iterator[int], scenario: Scenario, aftermath: str
) -> None:
    """At most one charge, the journal agrees with the partner's books, nothing final changes, nothing stays open.

    Before an effect and after the one before it are the same moment: between two effects nothing happens outside.
    """
    refs: list[str] = []
    for effects in range(200):
        refs.append(f"CRASH{next(numbers):06d}")
        more = stop_after(world, scenario, refs[-1], effects, aftermath)
        if scenario.name.startswith("resume"):
            world.settle()
        if not more:
            break
    else:
        raise AssertionError("it does not end")
    world.settle()
    wrong = {effects: world.wrong_with(ref) for effects, ref in enumerate(refs)}
    assert not any(wrong.values()), wrong
    assert not world.wrong_on_the_wire()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_crash_in_the_recovery_from_a_crash_loses_nothing(
    world: World, numbers: Iterator[int], scenario: Scenario
) -> None:
    """Pairs of crashes, sampled: the second one while ``resume`` is at work on what the first one left."""
    refs: list[str] = []
    for effects in range(2, 40, 5):
        refs.append(f"CRASH{next(numbers):06d}")
        more = stop_after(world, scenario, refs[-1], effects, "resumed")
        world.time.pass_by(60)
        second = world.run(lambda desk, _: desk.resume(60.0))
        for _ in range(effects * 2):
            if not second.over:
                second.step()
        second.crash()
        world.forget_leases()
        if not more:
            break
    world.settle()
    assert not [line for ref in refs for line in world.wrong_with(ref)]
    assert not world.wrong_on_the_wire()
