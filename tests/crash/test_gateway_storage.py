"""A journal that fails: before anything was sent nothing is risked, afterwards nothing is claimed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count

import pytest
from tests.support.paths import Run, World
from tests.support.scenarios import SCENARIOS, Scenario

from payport.schemas import NotSent, NotSentKind, Rejected, RejectedKind, Unknown, UnknownKind
from payport.sdk.errors import JournalError
from payport.sdk.exchange import Effect, Load, Record
from payport.sdk.hosting import SyncHost


@dataclass(frozen=True, kw_only=True)
class FailingHost(SyncHost):
    """Storage effect number ``fails_at`` fails, ``times`` in a row."""

    fails_at: int
    times: int
    turn: Iterator[int] = field(default_factory=count)
    failed: list[str] = field(default_factory=list[str])

    def perform(self, effect: Effect) -> object:
        if isinstance(effect, Load | Record) and self.fails_at <= next(self.turn) < self.fails_at + self.times:
            self.failed.append(effect.name)
            raise JournalError("the disk is full")
        return super().perform(effect)


def failing(run: Run[object], fails_at: int, times: int) -> FailingHost:
    """The same run on a journal that will fail."""
    host = FailingHost(around=run.host.around, transport=run.host.transport, fails_at=fails_at, times=times)
    run.host = host
    return host


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("storage"), mode="certificate") as made:
        yield made


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return count(1)


ASKING = ("query", "resume")
VERBS = [item for item in SCENARIOS if item.name.partition(",")[0] not in ASKING]
"""The verbs with an outcome; a question without a journal raises ``JournalError``."""


@pytest.mark.parametrize("times", [1, 1_000], ids=["once", "from then on"])
@pytest.mark.parametrize("scenario", VERBS, ids=lambda scenario: scenario.name)
def test_a_journal_that_fails_at_any_time_loses_nothing(
    world: World, numbers: Iterator[int], scenario: Scenario, times: int
) -> None:
    """No verb raises; an outcome that may be acted on (``NotSent``, ``Declined``) is what the partner's books say."""
    refs: list[str] = []
    for fails_at in range(100):
        refs.append(f"STORE{next(numbers):06d}")
        scenario.before(world, refs[-1])
        run = scenario.start(world, refs[-1])
        host = failing(run, fails_at, times)
        sent = len(world.wire.sent)
        outcome = run.finish()
        if not host.failed:
            break
        check(world, refs[-1], outcome, host.failed[0], fails_at, times, len(world.wire.sent) > sent)
    else:
        raise AssertionError("it does not end")
    world.settle()
    wrong = {fails_at: world.wrong_with(ref) for fails_at, ref in enumerate(refs)}
    assert not any(wrong.values()), wrong


def check(world: World, ref: str, outcome: object, failed: str, fails_at: int, times: int, sent: bool) -> None:
    """What a caller may be told when the storage failed at ``failed``."""
    match outcome:
        case NotSent(cause=cause):
            assert cause.kind is NotSentKind.STORAGE, (failed, fails_at, outcome)
            assert not sent, (failed, fails_at, outcome)
        case Unknown(cause=cause) if times > 1:
            assert cause.kind is UnknownKind.STORAGE, (failed, fails_at, outcome)
        case Rejected(kind=kind):
            assert kind is RejectedKind.NOT_STORED
        case _:
            pass  # the books are compared below


def test_an_answer_that_could_not_be_stored_is_not_taken_for_nothing_sent(world: World, numbers: Iterator[int]) -> None:
    """The partner charged, the journal failed once and then worked again: still at the counter, it is asked."""
    ref = f"STORE{next(numbers):06d}"
    scenario = replace(SCENARIOS[0])
    run = scenario.start(world, ref)
    while run.effects[-1:] != ["Send"]:
        run.step()
    failing(run, 0, 1)
    outcome = run.finish()
    assert world.last(ref).state.value == "succeeded", outcome
    assert len(world.partner.ledger.charges(starting_with=ref)) == 1
