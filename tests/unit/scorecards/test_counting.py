"""Counting: exact over threads, forks and midnight, and never in the way of a payment."""

from __future__ import annotations

import os
import time as clocks
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Event
from typing import TypedDict
from zoneinfo import ZoneInfo

import pytest
from tests.support.journal_records import exit_status, in_child

from payport.schemas.events import RejectedKind
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.errors import ConfigurationError, JournalUnsure
from payport.sdk.events import (
    NoticeRejected,
    ObserverFailed,
    OperationChanged,
    ReplyJudged,
    RequestFailed,
    RequestRefused,
    RequestSent,
    SdkEvent,
    listeners,
)
from payport.sdk.message import FailureKind
from payport.sdk.scorecards import MeasureRow, MemoryMeasures, Scorecards
from payport.sdk.scorecards.tally import Tally
from payport.sdk.testing.stepping import MORNING, Time, WorkerClock


class Whose(TypedDict):
    """Fields that every event of a test has."""

    partner: str
    account: str
    endpoint: str


ACCOUNT: Whose = {"partner": "alipay", "account": "alipay:2021", "endpoint": "trade.pay"}
NEVER_S = 3600.0


def sent(status: int = 200, elapsed_s: float = 1.0, account: str = "alipay:2021") -> RequestSent:
    """A reply."""
    return RequestSent(
        partner="alipay", account=account, endpoint="trade.pay", moves_money=True, status=status, elapsed_s=elapsed_s
    )


def judged(doubt: UnknownKind | None = None, refusal: Reason | None = None, status: int = 200) -> ReplyJudged:
    """A verdict."""
    return ReplyJudged(**ACCOUNT, moves_money=True, doubt=doubt, refusal=refusal, retry_after_s=None, status=status)


def failed(kind: FailureKind, elapsed_s: float = 1.0) -> RequestFailed:
    """No reply."""
    left = kind in (FailureKind.TIMED_OUT, FailureKind.CONNECTION_LOST)
    return RequestFailed(**ACCOUNT, moves_money=True, failure_kind=kind, may_have_left=left, elapsed_s=elapsed_s)


class Store(MemoryMeasures):
    """A store that fails as long as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False
        self.adds = 0
        self.pruned: list[date] = []

    def add(self, rows: Sequence[MeasureRow]) -> None:
        """Add, or fail."""
        self.adds += 1
        if self.fails:
            raise OSError("disk full")
        super().add(rows)

    def prune(self, before: date) -> int:
        """Note it."""
        self.pruned.append(before)
        return super().prune(before)

    def counts(self) -> dict[str, int]:
        """All counts by measure."""
        found: Counter[str] = Counter()
        for row in self.read(date.min, date.max):
            found[row.measure] += row.number
        return dict(found)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def told() -> list[SdkEvent]:
    return []


@pytest.fixture
def counting(store: Store, told: list[SdkEvent]) -> Iterator[Scorecards]:
    """Writes when it is told to."""
    made = Scorecards(store, every_s=NEVER_S, sinks=[told.append])
    yield made
    made.flush()


@pytest.mark.parametrize(
    ("expected", "event"),
    [
        ({"time.-12"}, sent()),
        ({"time.0"}, sent(elapsed_s=2.0)),
        ({"time.-12", "status.5xx"}, sent(500)),
        ({"failed.unresolved"}, failed(FailureKind.UNRESOLVED)),
        ({"failed.timed_out", "late.28"}, failed(FailureKind.TIMED_OUT, 10.0)),
        ({"held.deadline"}, failed(FailureKind.DEADLINE)),
        ({"held.rate_limited"}, RequestRefused(**ACCOUNT, kind=FailureKind.RATE_LIMITED, reason="so many")),
        ({"judged"}, judged()),
        ({"judged", "refusal.declined"}, judged(refusal=Reason.DECLINED)),
        ({"doubt.unverified"}, judged(UnknownKind.UNVERIFIED)),
        ({"doubt_5xx.partner_fault"}, judged(UnknownKind.PARTNER_FAULT, status=502)),
        (set(), NoticeRejected(partner="alipay", account="alipay:2021", kind=RejectedKind.BAD_SIGNATURE)),
    ],
)
def test_what_is_counted_of_an_event(counting: Scorecards, store: Store, expected: set[str], event: SdkEvent) -> None:
    """One of each, under the names that stand in the store."""
    counting(event)
    counting.flush()
    assert dict.fromkeys(expected, 1) == store.counts()


def test_counts_of_many_threads_add_up(counting: Scorecards, store: Store) -> None:
    """None is lost between a flush and the next call."""

    def work(number: int) -> None:
        for turn in range(500):
            counting(sent(account=f"alipay:{number % 3}"))
            if turn % 50 == 0:
                counting.flush()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    counting.flush()
    assert store.counts() == {"time.-12": 8 * 500}


def test_a_thread_writes_by_itself(store: Store) -> None:
    """Nobody has to call flush."""
    counting = Scorecards(store, every_s=0.01)
    counting(sent())
    ends = clocks.monotonic() + 20
    while not store.counts() and clocks.monotonic() < ends:
        clocks.sleep(0.005)
    assert store.counts() == {"time.-12": 1}
    counting.flush()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_counts_nothing_twice(store: Store) -> None:
    """The child begins at nothing, with a thread of its own; what was counted before is written by the parent."""
    counting = Scorecards(store, every_s=NEVER_S)
    for _ in range(3):
        counting(sent())

    def work() -> None:
        counting(sent())
        counting(sent())
        counting.flush()
        assert store.counts() == {"time.-12": 2}

    assert exit_status(in_child(work)) == 0
    counting(sent())
    counting.flush()
    assert store.counts() == {"time.-12": 4}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_while_another_thread_counts_does_not_stop_the_child(store: Store) -> None:
    """A lock that was held at the moment of the fork would never be free in the child."""
    counting = Scorecards(store, every_s=NEVER_S)
    ends = Event()

    def busy() -> None:
        while not ends.is_set():
            counting(sent())

    with ThreadPoolExecutor(2) as pool:
        busily = [pool.submit(busy) for _ in range(2)]
        statuses = [exit_status(in_child(lambda: counting(sent()))) for _ in range(10)]
        ends.set()
        for each in busily:
            each.result(20)
    assert statuses == [0] * 10
    counting.flush()


def test_a_store_that_fails_loses_nothing_and_is_told_once(
    counting: Scorecards, store: Store, told: list[SdkEvent]
) -> None:
    """Counts wait until it works again; then it is told again when it fails again."""
    store.fails = True
    for _ in range(3):
        counting(sent())
        counting.flush()
    assert [ObserverFailed(observer="scorecards", error="OSError", waiting=1, dropped=0)] == told
    store.fails = False
    counting.flush()
    assert store.counts() == {"time.-12": 3}
    store.fails = True
    counting(sent())
    counting.flush()
    assert len(told) == 2
    assert counting.dropped == 0
    store.fails = False


def test_what_may_have_been_kept_is_not_added_again(counting: Scorecards, told: list[SdkEvent]) -> None:
    """A server that was lost in the moment of a commit: rather one count too few than too many."""

    def lost(rows: Sequence[MeasureRow]) -> None:
        raise JournalUnsure("the answer to the commit was lost")

    counting._store.add = lost  # type: ignore[method-assign]
    counting(sent())
    counting.flush()
    assert told == [ObserverFailed(observer="scorecards", error="JournalUnsure", waiting=0, dropped=1)]
    assert counting.dropped == 1


def test_memory_is_bounded_and_what_was_dropped_is_counted() -> None:
    """New endpoints find no room; those that are known go on."""
    tally = Tally(ZoneInfo("UTC"), room=2)
    for endpoint in ("a", "b", "c", "a", "c"):
        tally.count(MORNING, ("p", "p:1", endpoint), ("time.0", "judged"))
    assert (tally.dropped, tally.waiting()) == (4, 6)
    rows = tally.take()
    assert {("a", 2), ("b", 1)} == {(row.endpoint, row.number) for row in rows}
    tally.count(MORNING, ("p", "p:1", "d"), ("time.0",))
    tally.put_back(rows)
    assert (tally.dropped, tally.waiting()) == (4 + 2, 5)


def test_what_is_dropped_is_told(store: Store, told: list[SdkEvent], monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each time that more of it is."""
    monkeypatch.setattr("payport.sdk.scorecards.counting.Tally", lambda zone: Tally(zone, room=1))
    counting = Scorecards(store, every_s=NEVER_S, sinks=[told.append])
    counting(sent(account="a"))
    counting(sent(account="b"))
    counting.flush()
    counting.flush()
    assert [ObserverFailed(observer="scorecards", error="no room", waiting=0, dropped=1)] == told
    assert counting.dropped == 1
    counting.flush()


def test_a_store_that_hangs_delays_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls are counted meanwhile, and closing gives up on it."""
    entered, free = Event(), Event()

    class Hung(Store):
        def add(self, rows: Sequence[MeasureRow]) -> None:
            entered.set()
            free.wait(20)
            super().add(rows)

    store = Hung()
    counting = Scorecards(store, every_s=0.01)
    counting(sent())
    assert entered.wait(20)
    begun_s = clocks.monotonic()
    for _ in range(100):
        counting(sent())
    assert not counting._background.hurry(0.01)
    assert clocks.monotonic() - begun_s < 5.0
    free.set()
    counting.flush()
    assert store.counts() == {"time.-12": 101}


def test_a_sink_that_fails_is_nothing_to_the_others(store: Store) -> None:
    """Not even the sink that should tell of a failure."""

    def broken(event: SdkEvent) -> None:
        raise RuntimeError(event.name)

    counting = Scorecards(store, every_s=NEVER_S, sinks=[broken])
    store.fails = True
    counting(sent())
    counting.flush()
    store.fails = False
    counting.flush()
    assert store.counts() == {"time.-12": 1}


@pytest.mark.parametrize(
    ("days", "zone"),
    [
        (["2026-11-23", "2026-11-23", "2026-11-24"], "UTC"),
        (["2026-11-23", "2026-11-24", "2026-11-24"], "Asia/Shanghai"),
        (["2026-11-22", "2026-11-23", "2026-11-23"], "America/New_York"),
    ],
)
def test_a_day_is_that_of_the_time_zone(store: Store, days: list[str], zone: str) -> None:
    """From midnight to midnight there; Monday 01:00, 23:00 and Tuesday 01:00 in UTC."""
    time = Time()
    counting = Scorecards(store, every_s=NEVER_S, time_zone=zone, clock=WorkerClock(time, ""))
    for hours in (0, 22, 2):
        time.pass_by(hours * 3600)
        counting(sent())
    counting.flush()
    expected = Counter(date.fromisoformat(day) for day in days)
    assert dict(expected) == {row.day: row.number for row in store.read(date.min, date.max)}


def test_a_clock_that_is_set_back_counts_on_the_right_day() -> None:
    """The day is looked at with every call."""
    tally = Tally(ZoneInfo("Europe/Berlin"))
    # in Berlin the 25th of October 2026 has 25 hours
    for at in ("2026-10-25T22:59", "2026-10-25T23:00", "2026-10-24T22:00", "2026-10-24T21:59"):
        tally.count(datetime.fromisoformat(at).replace(tzinfo=UTC), ("p", "p:1", "x"), ("judged",))
    assert [(row.day.day, row.number) for row in tally.take()] == [(24, 1), (25, 2), (26, 1)]


def test_a_reply_counts_for_the_day_on_which_it_came() -> None:
    """Judged after midnight, or after what came before was written."""
    time, store = Time(), Store()
    counting = Scorecards(store, every_s=NEVER_S, clock=WorkerClock(time, ""))
    time.pass_by(22 * 3600 + 3599)
    counting(sent())
    counting.flush()
    time.pass_by(2)
    counting(judged())
    counting.flush()
    assert [(row.day.day, row.measure) for row in store.read(date.min, date.max)] == [(23, "judged"), (23, "time.-12")]


def test_old_days_are_forgotten_once_a_day(store: Store) -> None:
    """As many as are to be kept stay."""
    time = Time()
    counting = Scorecards(store, every_s=NEVER_S, keep_days=2, clock=WorkerClock(time, ""))
    for _ in range(4):
        for _ in range(2):
            counting(sent())
            counting.flush()
        time.pass_by(86_400)
    counting.flush()
    assert [date(2026, 11, day) for day in (21, 22, 23, 24)] == store.pruned
    assert [row.day.day for row in store.read(date.min, date.max)] == [24, 25, 26]


def test_a_time_zone_that_is_not_there_is_refused(store: Store) -> None:
    """When it is built, not with the first call."""
    for name in ("Mars/Olympus", "", "../etc/passwd"):
        with pytest.raises(ConfigurationError, match="time zone"):
            Scorecards(store, time_zone=name)


def test_it_hears_what_it_counts_and_nothing_else(counting: Scorecards) -> None:
    """Else replies and verdicts were not made for it."""
    heard = {kind for kind in (RequestSent, ReplyJudged, OperationChanged) if listeners([counting], kind)}
    assert heard == {RequestSent, ReplyJudged}


def test_rows_are_written_a_few_at_a_time(counting: Scorecards, store: Store) -> None:
    """Payments wait while the journal writes: no transaction is long. What failed is tried again, the rest is not."""
    for number in range(450):
        counting(sent(account=f"alipay:{number:03d}"))
    real: Callable[[Sequence[MeasureRow]], None] = store.add
    sizes: list[int] = []

    def add(rows: Sequence[MeasureRow]) -> None:
        sizes.append(len(rows))
        if len(sizes) == 2:
            raise OSError("once")
        real(rows)

    store.add = add  # type: ignore[method-assign]
    counting.flush()
    counting.flush()
    assert sizes == [200, 200, 200, 50]
    assert store.counts() == {"time.-12": 450}
