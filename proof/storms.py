"""T11: notifications in every order, fifty times over, in thirty-two threads at once, a day late, and cut off by the
death of who handles them: each is applied once, and the end is the same. One about another amount teaches nothing.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import islice, permutations
from pathlib import Path
from threading import Barrier
from typing import NamedTuple, cast

from payport.schemas.events import RawNotification, Verified
from payport.schemas.money import Money
from payport.schemas.payment import FactKind
from payport.sdk.gateway import Gateway
from payport.sdk.hosting import SyncHost
from payport.sdk.journal.records import State
from payport.sdk.journal.store import Journal
from payport.sdk.testing.conformance.verbs import back_ref
from payport.sdk.testing.conformance.world import SEALING_KEY, World
from payport.sdk.testing.stepping import Run, Time, WorkerClock
from payport.sdk.testing.watching import EveryVerb
from proof.family import Family, Tally, each
from proof.subjects import AnySubject, AnyWorld, subjects

EVENTS = 5
ORDERS = 120
THREADS = 32
COPIES = 50

Told = Sequence[RawNotification]


class Stand(NamedTuple):
    """How one operation stands."""

    id: str
    state: State
    settled: Money | None
    partner_id: str | None
    facts: frozenset[tuple[FactKind, Money | None]]


End = tuple[Stand, ...]


@dataclass(frozen=True)
class Story:
    """A payment with refunds. ``early``: the journal before anything was told; ``told``: the partner's notices."""

    world: AnyWorld
    early: Path
    ref: str
    told: Told
    stranger: Told
    """Genuine notices about something else than what was asked."""


@cache
def partners() -> tuple[AnySubject, ...]:
    """Those that tell something by themselves."""
    return tuple(subject for subject in subjects() if subject.notifies and subject.handed_out)


@cache
def story(name: str) -> Story:
    """Told once a process; the world goes with it."""
    subject = next(one for one in partners() if one.name == name)
    folder = Path(tempfile.mkdtemp(prefix="payport-proof-"))
    world = World(subject, folder)
    ref, way = world.new_ref(), subject.handing_out()
    action = world.hand_out(ref, way)
    early = folder / "early.db"
    with closing(sqlite3.connect(world.place)) as one, closing(sqlite3.connect(early)) as other:
        one.backup(other)
    world.payer_pays(ref, way, action)
    world.learn(ref)
    if subject.refund is not None:
        for number in range(EVENTS):
            world.worker.refund(ref, f"{number}{back_ref(ref)}", subject.part)
            world.time.pass_by(1)
        world.partner.process()
    told = list(world.partner.notices)
    strangers = [forge(world.partner, told[0]) for forge in subject.misleading.values()]
    return Story(world, early, ref, told, strangers)


@contextmanager
def _gateway(told: Story, name: str) -> Iterator[Gateway[EveryVerb]]:
    """A gateway on a journal of its own that knows no more than the early one."""
    place = told.early.parent / f"{name}.db"
    shutil.copy(told.early, place)
    adapter = cast("EveryVerb", told.world.bare)  # the watch knows the other journal only
    with Journal.open(f"sqlite:///{place}", sealing_key=SEALING_KEY, durability="normal") as journal:
        clock = WorkerClock(told.world.time, name)
        yield Gateway(adapter, journal=journal, transport=told.world.transport, sinks=(), clock=clock)
    for leftover in told.early.parent.glob(f"{name}.db*"):
        leftover.unlink()


def _end(gateway: Gateway[EveryVerb], ref: str) -> End:
    """How the debt stands: states, amounts and facts of all its operations."""
    operations = gateway.journal.read(lambda session: session.operations(ref))
    return tuple(
        Stand(one.id, one.state, one.settled, one.partner_id, frozenset((fact.kind, fact.amount) for fact in one.facts))
        for one in operations
    )


def _heard(told: Story, events: Told, name: str) -> End:
    """The end after hearing these, one after the other."""
    with _gateway(told, name) as gateway:
        for raw in events:
            answer = gateway.receive(raw)
            assert isinstance(answer, Verified), f"a genuine notice was refused: {answer}"
        return _end(gateway, told.ref)


@cache
def expected(name: str) -> End:
    """The end after hearing every event once, in the order in which they were told."""
    told = story(name)
    return _heard(told, _five(told), f"{name}-expected")


def _five(told: Story) -> Told:
    """Five events: the first that there are, some of them twice where a partner tells fewer."""
    return [told.told[turn % len(told.told)] for turn in range(EVENTS)]


def _orders(name: str, turn: int, tally: Tally) -> None:
    told = story(name)
    order = next(islice(permutations(_five(told)), turn, None))
    tally.cases += 1
    assert expected(name) == _heard(told, order, f"order-{turn}"), f"{name}: order {turn} ends differently"


def _many(name: str, turn: int, tally: Tally) -> None:
    """Every event fifty times, shuffled."""
    told, dice = story(name), random.Random(turn)
    events = [raw for raw in _five(told) for _ in range(COPIES)]
    dice.shuffle(events)
    tally.cases += len(events)
    assert expected(name) == _heard(told, events, f"many-{turn}"), f"{name}: fifty copies of each end differently"


def _late(name: str, _: int, tally: Tally) -> None:
    """All of them again a day later: refused where a time is signed, and nothing changes in any case."""
    told, tomorrow = story(name), Time()
    tomorrow.at = told.world.time.at + timedelta(days=1)
    with _gateway(told, "late") as gateway:
        for raw in told.told:
            gateway.receive(raw)
        before = gateway.history(told.ref)
        later = Gateway(
            gateway.adapter,
            journal=gateway.journal,
            transport=told.world.transport,
            sinks=(),
            clock=WorkerClock(tomorrow, "tomorrow"),
        )
        for raw in told.told:
            tally.cases += 1
            later.receive(raw)
        assert list(before) == list(gateway.history(told.ref)), f"{name}: an old notice changed something"


def _at_once(name: str, turn: int, tally: Tally) -> None:
    """One event in thirty-two threads: one of them is the first, and the end is as if there had been one."""
    told, together = story(name), Barrier(THREADS)
    raw = told.told[turn % len(told.told)]
    tally.cases += THREADS

    with _gateway(told, f"threads-{turn}") as gateway, ThreadPoolExecutor(THREADS) as pool:

        def receive(_: int) -> bool:
            together.wait()
            answer = gateway.receive(raw)
            return isinstance(answer, Verified)

        assert all(pool.map(receive, range(THREADS))), f"{name}: a genuine notice was refused"
        end = _end(gateway, told.ref)
    alone = _heard(told, [raw], f"alone-{turn}")
    assert alone == end, f"{name}: thirty-two threads end differently"


def _dies(name: str, _: int, tally: Tally) -> None:
    """The handler dies after each effect, and the partner tells it again: heard once, or not yet; never half."""
    told = story(name)
    for raw in told.told[:3]:
        alone = _heard(told, [raw], "alone")
        for stop in range(100):
            with _gateway(told, f"dies-{stop}") as gateway:
                desk = gateway._desk  # noqa: SLF001  # stands between operation and host
                run = Run(desk.receive(raw), SyncHost(around=desk.around, transport=told.world.transport))
                for _effect in range(stop):
                    if not run.over:
                        run.step()
                over = run.over
                run.crash()
                tally.cases += 1
                assert isinstance(gateway.receive(raw), Verified)
                assert alone == _end(gateway, told.ref), f"{name}: dead after {stop} effects ends differently"
            if over:
                break


def _misleading(name: str, _: int, tally: Tally) -> None:
    """Genuinely signed, the right order, another amount: the order is not paid by it, before or after the true one."""
    told = story(name)
    nothing = _heard(told, [], "nothing")
    for raw in told.stranger:
        for events in ([raw], [raw, *_five(told)], [*_five(told), raw]):
            tally.cases += 1
            with _gateway(told, "stranger") as gateway:
                for each_raw in events:
                    gateway.receive(each_raw)
                if events != [raw] and told.world.bare.profile.answers_queries:
                    gateway.query(told.ref)  # both have one number, and the first of them counts: the partner is asked
                end = _end(gateway, told.ref)
            wanted = nothing if events == [raw] else expected(name)
            states = [[one.state for one in which] for which in (wanted, end)]
            assert states[0] == states[1], f"{name}: a false amount was believed: {end}"


_KINDS = (
    *((_orders, turn) for turn in range(ORDERS)),
    *((_many, turn) for turn in range(2)),
    *((_at_once, turn) for turn in range(5)),
    (_late, 0),
    (_dies, 0),
    (_misleading, 0),
)


def run(first: int, count: int) -> Tally:
    """Partner by partner: the 120 orders, then the storms."""
    return each(range(first, first + count), _unit)


def _unit(number: int, tally: Tally) -> None:
    round_, at = divmod(number, len(partners()) * len(_KINDS))
    subject = partners()[at // len(_KINDS)]
    body, turn = _KINDS[at % len(_KINDS)]
    body(subject.name, turn if body is _orders else turn + 1_000 * round_, tally)


FAMILY = Family(
    id="T11",
    title="notices in any order and number, at once, late, or cut off by a death: applied once, the same end",
    run=run,
    gate=len(partners()) * len(_KINDS),
    long=20 * len(partners()) * len(_KINDS),
    shard=len(_KINDS),
)
