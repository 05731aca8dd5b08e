"""Alerts: listens to events, keeps incidents, and tells people; all of its work is done off the payments' path.

What a gateway's thread or loop does is to put an event into a bounded queue. One daemon thread looks at the queue,
writes incidents and hands alerts to the sinks, each of which has a thread of its own.
"""

from __future__ import annotations

import atexit
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from weakref import WeakMethod

from payport.sdk.events import SdkEvent
from payport.sdk.forks import follow_forks
from payport.sdk.host_clock import SystemClock
from payport.sdk.incidents import keeping, kinds, lifecycle
from payport.sdk.incidents.alert import alert_of
from payport.sdk.incidents.detecting import Detector, Found
from payport.sdk.incidents.detectors import Thresholds, usual_detectors
from payport.sdk.incidents.kinds import TARGETS, FaultClass, Target
from payport.sdk.incidents.lifecycle import Message
from payport.sdk.incidents.outlets import Delivery, Outlet, Route
from payport.sdk.incidents.records import Cleared, Incident, Trouble
from payport.sdk.incidents.store import IncidentStore, MemoryIncidents

if TYPE_CHECKING:
    from payport.sdk.hosting import Clock

P = ParamSpec("P")
T = TypeVar("T")

INBOX = 50_000
"""So many events may wait; what comes beyond them is dropped and counted."""

ROUND_S = 1.0
"""How often the queue is looked at when nothing is urgent."""

PAUSE_S = 0.05
"""Between two rounds at the least: a storm of trouble must not take the machine."""

REPEAT_S = 5.0
"""Trouble that is found again and again is written so often at most."""

LOOK_S = (15.0, 300.0)
"""How often the incidents in the store are looked at: while something is open, and while nothing is known to be."""

CLAIM_S = 120.0
"""How long telling one sink is one process's task; then another may do it."""

SINK_FAILED_AFTER = 3
"""A sink that failed so often in a row is an incident itself."""

RETRY_STORE_S = 10.0
FLUSH_S = 2.0
CLOSE_S = 3.0


class Alerts:
    """Incidents of one journal, told to the sinks of ``routes``. Pass it in the ``sinks`` of every gateway.

    ``store``: where incidents are kept; with :class:`payport.sdk.incidents.JournalIncidents` all processes of a journal
    see one incident once. ``detectors``: what is trouble, by default :func:`.detectors.usual_detectors` with
    ``thresholds``. ``targets``: response and recovery times of the classes. ``runbooks``: what the address of a page
    that says what to do begins with. ``background``: whether a thread does the work; without one call :meth:`work`.

    Nothing that happens here fails or delays a payment. While the store fails, incidents are kept in memory and told
    from there. Safe between threads, event loops and after a fork.
    """

    def __init__(
        self,
        store: IncidentStore,
        routes: Sequence[Route],
        *,
        detectors: Iterable[Detector] | None = None,
        thresholds: Thresholds | None = None,
        targets: Mapping[FaultClass, Target] = TARGETS,
        runbooks: str = "",
        clock: Clock | None = None,
        background: bool = True,
    ) -> None:
        names = [route.contact.name for route in routes]
        if len(set(names)) < len(names):
            raise ValueError(f"two sinks have one name: {', '.join(names)}")
        self._store = store
        self._contacts = tuple(route.contact for route in routes)
        self._routes = tuple(routes)
        self._detectors = tuple(usual_detectors(thresholds or Thresholds()) if detectors is None else detectors)
        self._targets = targets
        self._runbooks = runbooks
        self._clock = clock or SystemClock()
        self._background = background
        self._heard: dict[type[SdkEvent], list[Detector]] = {}
        for detector in self._detectors:
            for kind in detector.hears:
                self._heard.setdefault(kind, []).append(detector)
        self.hears = frozenset(self._heard)
        """The events that it wants: of others it need not be told."""
        self._urgent = {
            kind for detector in self._detectors for kind in detector.hears if not getattr(detector, "patient", False)
        }
        self._begin()
        if background:
            atexit.register(_weakly(self.close))
            follow_forks(in_child=self._begin)

    def _begin(self) -> None:
        """With nothing: after a fork, what the parent had heard is the parent's to tell."""
        self._inbox: deque[SdkEvent] = deque()
        self._reports: deque[Found] = deque()
        self._deliveries: deque[tuple[IncidentStore, Delivery]] = deque()
        self._pending: dict[str, Trouble] = {}
        self._written: dict[str, datetime] = {}
        self._outlets = {route.contact.name: Outlet(route) for route in self._routes}
        self._proven: set[str] = set()
        self._spare, self._spared = MemoryIncidents(), False
        self._store_again: datetime | None = None
        self._look_at: datetime | None = None
        self._dropped = self._told_dropped = 0
        self._wake, self._stop, self._working = Event(), Event(), Lock()
        self._starting = Lock()
        self._thread: Thread | None = None

    @property
    def dropped(self) -> int:
        """How many events were not looked at because too many came at once."""
        return self._dropped

    def __call__(self, event: SdkEvent, /) -> None:
        """Take one event: a look and a place in a queue."""
        kind = type(event)
        if kind not in self._heard:
            return
        inbox = self._inbox
        if len(inbox) >= INBOX:
            self._dropped += 1
            return
        inbox.append(event)
        if self._thread is None or kind in self._urgent:
            self._nudge()

    def report(self, *found: Found) -> None:
        """Trouble, or its end, that was found elsewhere: by a look at the journal, by a rule, by a person."""
        self._reports.extend(found)
        self._nudge()

    def _nudge(self) -> None:
        if self._thread is None and self._background:
            self._start()
        self._wake.set()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None and not self._stop.is_set():
                thread = Thread(target=self._run, name="payport-alerts", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    return  # the interpreter ends: closing does the work
                self._thread = thread

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(ROUND_S)
            self._wake.clear()
            self.work()
            self._stop.wait(PAUSE_S)

    def work(self, *, look: bool = False) -> None:
        """One round: look at what was heard, write it down, tell what is due.

        ``look``: read the store even when nothing is known to be open, as a worker does.
        """
        self._round(look=look, at_once=False)

    def _round(self, *, look: bool, at_once: bool) -> None:
        with self._working:
            now = self._clock.moment().utc
            self._detect(now)
            self._write(now, at_once=at_once)
            self._note_deliveries(now)
            self._move_home(now)
            if look or self._look_at is None or now >= self._look_at:
                self._tell(now)

    def flush(self, timeout_s: float = FLUSH_S) -> bool:
        """Work until everything that was heard is written and told, as far as sinks take it; false when time was up."""
        ends_s = self._clock.moment().monotonic_s + timeout_s
        while True:
            self._round(look=True, at_once=True)
            if self._is_done():
                return True
            if self._clock.moment().monotonic_s >= ends_s:
                return False
            self._wake.wait(PAUSE_S)

    def _is_done(self) -> bool:
        # the sinks first: one that has just become idle has left its delivery in the queue before
        if not all(outlet.idle for outlet in self._outlets.values()):
            return False
        return not (self._inbox or self._reports or self._pending or self._deliveries)

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Tell what there is to tell, for so long at most, and stop. What is not told by then another process tells."""
        if self._stop.is_set():
            return
        if not self._is_done():
            self.flush(timeout_s)
        self._stop.set()
        self._wake.set()

    # one round, in the order of its parts

    def _detect(self, now: datetime) -> None:
        found: list[Found] = []
        while self._reports:
            found.append(self._reports.popleft())
        for _ in range(len(self._inbox)):
            event = self._inbox.popleft()
            for detector in self._heard[type(event)]:
                found += self._asked(detector.hear, event, now)
        for detector in self._detectors:
            found += self._asked(detector.tick, now)
        if self._dropped > self._told_dropped:
            found.append(self._overrun(now))
        for each in found:
            self._note(each, now)

    def _asked(self, ask: Callable[P, Iterable[Found]], *given: P.args, **named: P.kwargs) -> list[Found]:
        """What a detector finds. One of somebody else may raise; the others go on."""
        try:
            return list(ask(*given, **named))
        except Exception:  # noqa: BLE001 - as above
            self._dropped += 1
            return []

    def _overrun(self, now: datetime) -> Trouble:
        lost, self._told_dropped = self._dropped - self._told_dropped, self._dropped
        summary = f"{lost} events were not looked at, so trouble may have been overlooked; payments were not harmed"
        return Trouble(kind=kinds.EVENTS_DROPPED, about="alerts", summary=summary, at=now, count=lost)

    def _note(self, found: Found, now: datetime) -> None:
        if isinstance(found, Cleared):
            self._flush_pending(found.key, now)
            self._keep(lambda store: keeping.clear(store, found), now)
            return
        before = self._pending.get(found.key)
        self._pending[found.key] = found if before is None else replace(found, count=before.count + found.count)

    def _write(self, now: datetime, *, at_once: bool) -> None:
        old = now - timedelta(seconds=REPEAT_S)
        self._written = {key: at for key, at in self._written.items() if at > old}
        for key in [key for key in self._pending if at_once or key not in self._written]:
            self._flush_pending(key, now)

    def _flush_pending(self, key: str, now: datetime) -> None:
        trouble = self._pending.pop(key, None)
        if trouble is not None:
            self._keep(lambda store: keeping.report(store, trouble, self._targets), now)
            self._written[key] = now

    def _keep(self, write: Callable[[IncidentStore], object], now: datetime) -> None:
        """Write to the store; while it fails, to memory, so that people are told of it at all."""
        self._look_at = None
        if self._store_again is None or now >= self._store_again:
            try:
                write(self._store)
            except Exception:  # noqa: BLE001 - whatever the storage raises, people must be told
                self._store_again = now + timedelta(seconds=RETRY_STORE_S)
            else:
                self._store_again = None
                return
        self._spared = True
        write(self._spare)

    def _move_home(self, now: datetime) -> None:
        """Hand what was kept in memory over to the store, once it works and nothing is being told."""
        waits = self._store_again is not None and now < self._store_again
        if not self._spared or waits or not all(outlet.idle for outlet in self._outlets.values()) or self._deliveries:
            return
        kept = self._spare.read(lambda session: session.recent_incidents(keeping.MANY))
        try:
            for incident in reversed(kept):
                keeping.take_over(self._store, incident)
        except Exception:  # noqa: BLE001 - it still fails
            self._store_again = now + timedelta(seconds=RETRY_STORE_S)
            return
        self._spare, self._spared, self._store_again = MemoryIncidents(), False, None

    def _tell(self, now: datetime) -> None:
        soonest = now + timedelta(seconds=LOOK_S[1])
        waiting: dict[str, list[tuple[IncidentStore, Incident, Message]]] = {}
        for store, incident in self._unsettled(now):
            for message in lifecycle.due(incident, self._contacts, now):
                waiting.setdefault(message.sink, []).append((store, incident, message))
            soonest = min(soonest, now + timedelta(seconds=LOOK_S[0]))
            self._give_up(store, incident, now)
        for sink, messages in waiting.items():
            outlet = self._outlets[sink]
            room = outlet.room(now)
            for store, incident, message in sorted(messages, key=_urgency)[:room]:
                self._hand_over(outlet, store, incident, message, now, waiting=max(0, len(messages) - room))
        self._look_at = soonest

    def _unsettled(self, now: datetime) -> list[tuple[IncidentStore, Incident]]:
        found: list[tuple[IncidentStore, Incident]] = []
        if self._spared:
            found += [(self._spare, incident) for incident in keeping.unsettled(self._spare)]
        if self._store_again is None or now >= self._store_again:
            try:
                found += [(self._store, incident) for incident in keeping.unsettled(self._store)]
            except Exception:  # noqa: BLE001 - as when writing
                self._store_again = now + timedelta(seconds=RETRY_STORE_S)
        return found

    def _give_up(self, store: IncidentStore, incident: Incident, now: datetime) -> None:
        if lifecycle.given_up(incident, now):
            self._quietly(lambda: keeping.change(store, incident.id, lambda each: replace(each, settled=True)))

    def _hand_over(
        self, outlet: Outlet, store: IncidentStore, incident: Incident, message: Message, now: datetime, *, waiting: int
    ) -> None:
        """Claim one message, so that no other process tells it too, and give it to its sink."""

        def claim(current: Incident) -> Incident:
            due = {(each.sink, each.stage) for each in lifecycle.due(current, self._contacts, now)}
            if (message.sink, message.stage) not in due:
                raise _TakenError
            return lifecycle.claimed(current, message.sink, now + timedelta(seconds=CLAIM_S))

        claimed = self._quietly(lambda: keeping.change(store, incident.id, claim))
        if claimed is not None:
            alert = alert_of(claimed, message.stage, now, runbooks=self._runbooks, waiting=waiting)
            outlet.tell(alert, partial(self._delivered, store))

    def _quietly(self, write: Callable[[], T]) -> T | None:
        try:
            return write()
        except Exception:  # noqa: BLE001 - taken by another process, or the storage fails: the next round sees to it
            return None

    def _delivered(self, store: IncidentStore, delivery: Delivery) -> None:
        self._deliveries.append((store, delivery))
        self._wake.set()

    def _note_deliveries(self, now: datetime) -> None:
        while self._deliveries:
            store, delivery = self._deliveries[0]
            self._outlets[delivery.sink].went(delivery, now)
            self._quietly(lambda: keeping.change(store, delivery.alert.incident.id, partial(_after, delivery)))  # noqa: B023 - called at once
            self._deliveries.popleft()
            self._look_at = None if delivery.error is None else self._look_at
            self._watch_sink(delivery, now)

    def _watch_sink(self, delivery: Delivery, now: datetime) -> None:
        fails = self._outlets[delivery.sink].fails
        if fails == SINK_FAILED_AFTER or (delivery.gone and fails == 1):
            summary = f"the sink {delivery.sink} does not take alerts: {delivery.error}"
            self._note(Trouble(kind=kinds.ALERT_SINK_FAILED, about=delivery.sink, summary=summary, at=now), now)
        if delivery.error is not None:
            self._proven.discard(delivery.sink)
        elif delivery.sink not in self._proven:
            self._proven.add(delivery.sink)
            why = "it takes alerts again"
            self._note(Cleared(kind=kinds.ALERT_SINK_FAILED, about=delivery.sink, why=why, at=now), now)


class _TakenError(Exception):
    """Another process was faster."""


def _after(delivery: Delivery, incident: Incident) -> Incident:
    if delivery.error is None:
        return lifecycle.told(incident, delivery.sink, delivery.alert.stage)
    return lifecycle.not_told(incident, delivery.sink)


def _urgency(waiting: tuple[IncidentStore, Incident, Message]) -> tuple[int, datetime]:
    _, incident, message = waiting
    return list(FaultClass).index(incident.fault_class), message.due_at


def _weakly(method: Callable[[], None]) -> Callable[[], None]:
    weak = WeakMethod(method)

    def call() -> None:
        found = weak()
        if found is not None:
            found()

    return call
