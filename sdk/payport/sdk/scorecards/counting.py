"""The sink that counts: a few microseconds in memory for each call, written to the store by a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from payport.sdk.background import Background
from payport.sdk.errors import JournalUnsure
from payport.sdk.events import (
    EventSink,
    Level,
    ObserverFailed,
    ReplyJudged,
    RequestFailed,
    RequestRefused,
    RequestSent,
    SdkEvent,
    StructlogSink,
    emit_safely,
)
from payport.sdk.forks import follow_forks
from payport.sdk.host_clock import SystemClock
from payport.sdk.message import FailureKind
from payport.sdk.scorecards.histogram import FIRST, LAST, bin_of
from payport.sdk.scorecards.tally import Tally, zone_of

if TYPE_CHECKING:
    from payport.sdk.hosting import Clock
    from payport.sdk.scorecards.measures import MeasureRow, MeasureStore

FLUSH_S = 10.0
"""How often counts are written."""

_ROWS_AT_ONCE = 200
"""Rows of one transaction: payments wait while one of them is written, so it is short."""

_OfCall: TypeAlias = RequestSent | RequestFailed | RequestRefused | ReplyJudged


class Scorecards:
    """Counts calls, failures, response times and judged replies for each account, endpoint and day.

    Pass it in a gateway's ``sinks``; several gateways may share one. ``store``: where counts are kept, for example
    :class:`payport.sdk.scorecards.JournalMeasures`. ``every_s``: seconds between two writes, by a thread of its own.
    ``time_zone``: whose days are counted; every process must say the same. ``keep_days``: how many days before today
    are kept, ``None`` for all. ``sinks``: who is told when the store fails; by default a warning in the log.

    Safe between threads, tasks and after a fork, where the child begins at nothing. A store that fails or hangs never
    delays or fails a payment: counts wait in memory, bounded, and what finds no room is dropped, counted in
    :attr:`dropped`, and told as :class:`payport.sdk.events.ObserverFailed`; so is what a database server may or may not
    have kept when it was lost in the moment of a commit. What was counted is written when a gateway closes and when the
    process ends; one that is killed loses what it counted since the last write.

    Raises :class:`payport.sdk.ConfigurationError` for a time zone that is not known.
    """

    hears = frozenset({RequestSent, RequestFailed, RequestRefused, ReplyJudged})

    def __init__(
        self,
        store: MeasureStore,
        *,
        every_s: float = FLUSH_S,
        time_zone: str = "UTC",
        keep_days: int | None = None,
        clock: Clock | None = None,
        sinks: Sequence[EventSink] | None = None,
    ) -> None:
        self._store = store
        self._zone = zone_of(time_zone)
        self._keep_days = keep_days
        self._clock = clock or SystemClock()
        self._sinks = (StructlogSink(least=Level.WARNING),) if sinks is None else tuple(sinks)
        self._pruned = date.min
        self._begin()
        follow_forks(in_child=self._begin)
        self._background = Background(self._write, every_s=every_s, name="payport-scorecards")

    def _begin(self) -> None:
        """At nothing: what a parent process had counted is written by the parent."""
        self._lock = Lock()
        self._tally = Tally(self._zone)
        self._told_of_failure = False
        self._told_of_dropped = 0

    @property
    def dropped(self) -> int:
        """How many counts were lost since this process began, because the store had failed for too long."""
        return self._tally.dropped

    def __call__(self, event: SdkEvent, /) -> None:
        """Count one event; most kinds are of no interest."""
        measures_of = _MEASURES.get(type(event))
        if measures_of is None:
            return
        call: Any = event  # `cast` is a call, and the table says what it is
        measures, series = measures_of(call), (call.partner, call.account, call.endpoint)
        # a reply is judged right after it came: it counts for the same day
        known = measures_of is _of_judged and self._tally.begun
        now = None if known else self._clock.moment().utc
        with self._lock:
            self._tally.count(now, series, measures)
        self._background.ask()

    def flush(self) -> None:
        """Write what was counted by now. Never raises, and waits five seconds at most for a store that hangs."""
        self._background.hurry()

    def _write(self) -> None:
        with self._lock:
            rows = self._tally.take()
        done, failure, lost = 0, "", 0
        try:
            for done in range(0, len(rows), _ROWS_AT_ONCE):
                self._store.add(rows[done : done + _ROWS_AT_ONCE])
            done = len(rows)
            self._prune(rows)
        except Exception as error:  # noqa: BLE001 - whatever a store raises, the counts wait and the payments go on
            failure = type(error).__name__
            if isinstance(error, JournalUnsure):  # they may be there: rather none than twice
                lost = sum(row.number for row in rows[done : done + _ROWS_AT_ONCE])
                done += _ROWS_AT_ONCE
        with self._lock:
            self._tally.dropped += lost
            self._tally.put_back(rows[done:])
        self._tell(failure)
        if rows[done:]:
            self._background.ask()

    def _prune(self, rows: Sequence[MeasureRow]) -> None:
        """Once a day, forget what is too old."""
        newest = max((row.day for row in rows), default=self._pruned)
        if self._keep_days is not None and newest > self._pruned:
            self._store.prune(newest - timedelta(days=self._keep_days))
            self._pruned = newest

    def _tell(self, failure: str) -> None:
        """Tell once that the store fails, until it works again, and of what was dropped."""
        dropped = self._tally.dropped
        new = (failure and not self._told_of_failure) or dropped > self._told_of_dropped
        self._told_of_failure, self._told_of_dropped = bool(failure), dropped
        if new:
            emit_safely(
                self._sinks,
                ObserverFailed(
                    observer="scorecards", error=failure or "no room", waiting=self._tally.waiting(), dropped=dropped
                ),
            )


_BINS = range(FIRST, LAST + 1)
_TIME = {number: (f"time.{number}",) for number in _BINS}
_TIME_5XX = {number: (f"time.{number}", "status.5xx") for number in _BINS}
_JUDGED = ("judged",)


def _of_sent(event: RequestSent) -> tuple[str, ...]:
    return (_TIME if event.status < 500 else _TIME_5XX)[bin_of(event.elapsed_s)]


def _of_failed(event: RequestFailed) -> tuple[str, ...]:
    kind = event.failure_kind
    if kind is FailureKind.DEADLINE and not event.may_have_left:
        return (f"held.{kind.value}",)
    if kind is FailureKind.TIMED_OUT:
        return (f"failed.{kind.value}", f"late.{bin_of(event.elapsed_s)}")
    return (f"failed.{kind.value}",)


def _of_refused(event: RequestRefused) -> tuple[str, ...]:
    return (f"held.{event.kind.value}",)


def _of_judged(event: ReplyJudged) -> tuple[str, ...]:
    if event.doubt is not None:
        return (f"{'doubt_5xx' if event.status >= 500 else 'doubt'}.{event.doubt.value}",)
    return _JUDGED if event.refusal is None else ("judged", f"refusal.{event.refusal.value}")


_MEASURES: Mapping[type[SdkEvent], Callable[[_OfCall], tuple[str, ...]]] = cast(
    "Mapping[type[SdkEvent], Callable[[_OfCall], tuple[str, ...]]]",
    {RequestSent: _of_sent, RequestFailed: _of_failed, RequestRefused: _of_refused, ReplyJudged: _of_judged},
)
