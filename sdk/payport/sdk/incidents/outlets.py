"""One sink with its own thread, its own pace and its own patience: a sink that hangs holds up nobody else."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Condition, Thread
from typing import TypeAlias

from payport.sdk.incidents.alert import Alert, AlertSink, Gone, NotDelivered
from payport.sdk.incidents.lifecycle import Contact

FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 300.0
QUEUE = 10
"""So many alerts are handed to one sink at a time; the others wait in the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """At most ``burst`` messages at once, and one more every ``every_s`` seconds: nobody reads a flood."""

    burst: int = 20
    every_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A sink and how it is used. ``contact``: its name, its step, and what it is told of."""

    contact: Contact
    sink: AlertSink
    pace: Pace = Pace()


@dataclass(frozen=True, slots=True)
class Delivery:
    """How telling one alert went. ``error``: why it did not, in words without secrets. ``gone``: never try again."""

    sink: str
    alert: Alert
    error: str | None = None
    gone: bool = False


Done: TypeAlias = Callable[[Delivery], None]
"""Called with what came of an alert, on the sink's thread."""


class Outlet:
    """Hands alerts to one sink on a daemon thread that the first alert starts."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self._tokens = float(route.pace.burst)
        self._filled_at: datetime | None = None
        self._fails = 0
        self._not_before: datetime | None = None
        self._queue: deque[tuple[Alert, Done]] = deque()
        self._busy = False
        self._turn = Condition()
        self._thread: Thread | None = None

    @property
    def name(self) -> str:
        """The sink's name."""
        return self.route.contact.name

    @property
    def idle(self) -> bool:
        """Whether nothing is being told."""
        with self._turn:
            return not self._queue and not self._busy

    @property
    def fails(self) -> int:
        """How often in a row it failed."""
        return self._fails

    def room(self, now: datetime) -> int:
        """How many alerts it can take now."""
        if self._not_before is not None and now < self._not_before:
            return 0
        pace = self.route.pace
        if self._filled_at is not None:
            gained = max(0.0, (now - self._filled_at).total_seconds()) / pace.every_s
            self._tokens = min(float(pace.burst), self._tokens + gained)
        self._filled_at = now
        with self._turn:
            if self._fails:
                return int(self._tokens >= 1.0 and not self._queue)  # one tries whether it is there again
            return max(0, min(int(self._tokens), QUEUE - len(self._queue)))

    def tell(self, alert: Alert, done: Done) -> None:
        """Hand one alert over; ``done`` hears what came of it."""
        self._tokens -= 1.0
        try:
            with self._turn:
                self._queue.append((alert, done))
                if self._thread is None or not self._thread.is_alive():
                    self._thread = Thread(target=self._run, name=f"payport-alert-{self.name}", daemon=True)
                    self._thread.start()
                self._turn.notify()
        except RuntimeError:  # the interpreter ends and starts no more threads: then here, and now
            self._thread = None
            self._one()

    def went(self, delivery: Delivery, now: datetime) -> None:
        """Remember how it went: one that failed is left alone for longer and longer."""
        if delivery.error is None:
            self._fails, self._not_before = 0, None
            return
        self._fails += 1
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** (self._fails - 1))
        self._not_before = _NEVER if delivery.gone else now + timedelta(seconds=wait_s)

    def _run(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: bool(self._queue), timeout=IDLE_S)
                if not self._queue:
                    self._thread = None  # nothing for long: the next alert starts another thread
                    return
            self._one()

    def _one(self) -> None:
        with self._turn:
            alert, done = self._queue.popleft()
            self._busy = True
        try:
            delivery = self._told(alert)
            done(delivery)
        finally:
            with self._turn:
                self._busy = False

    def _told(self, alert: Alert) -> Delivery:
        try:
            self.route.sink(alert)
        except NotDelivered as error:
            return Delivery(self.name, alert, str(error), gone=isinstance(error, Gone))
        except Exception as error:  # noqa: BLE001 - whatever a sink raises, the others are told
            # the words of somebody else's error may hold an address with a token in it
            return Delivery(self.name, alert, f"it raised {type(error).__name__}")
        return Delivery(self.name, alert)


_NEVER = datetime.max.replace(tzinfo=UTC)
IDLE_S = 60.0
"""How long a thread waits for the next alert."""
