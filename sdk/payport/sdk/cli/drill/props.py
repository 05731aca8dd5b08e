"""What a drill is played with: a clock that skips, a storage that can be lost, and listeners that remember when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from payport.sdk.errors import JournalError
from payport.sdk.events import RequestSent, SdkEvent
from payport.sdk.exchange import Moment
from payport.sdk.host_clock import SystemClock
from payport.sdk.incidents.alert import Alert
from payport.sdk.journal.session import Session
from payport.sdk.journal.store import Journal

T = TypeVar("T")


class DrillClock(SystemClock):
    """The system's clock, and time that is skipped, not waited for: ours and the partner's."""

    __slots__ = ("skipped_s",)

    def __init__(self) -> None:
        super().__init__()
        self.skipped_s = 0.0

    def utc(self) -> datetime:
        """The wall time, for a simulator."""
        return self.moment().utc

    def moment(self) -> Moment:
        """The real moment, later by what was skipped."""
        real = super().moment()
        return Moment(real.utc + timedelta(seconds=self.skipped_s), real.monotonic_s + self.skipped_s)


class LosableJournal(Journal):
    """A journal whose storage can be taken away: then nothing can be read or written."""

    lost = False

    def write(self, work: Callable[[Session], T], **more: str) -> T:
        """As the journal's, while there is storage."""
        self._check()
        return super().write(work, **more)

    def read(self, work: Callable[[Session], T]) -> T:
        """As the journal's, while there is storage."""
        self._check()
        return super().read(work)

    def _check(self) -> None:
        if self.lost:
            raise JournalError("no space left on device, says the drill")


@dataclass
class Requests:
    """The monotonic second at which each request began that got a reply. ``clock``: the drill's."""

    clock: DrillClock
    began_s: list[float] = field(default_factory=list[float])
    hears = frozenset({RequestSent})

    def __call__(self, event: SdkEvent, /) -> None:
        """Remember it."""
        if isinstance(event, RequestSent):
            self.began_s.append(self.clock.moment().monotonic_s - event.elapsed_s)


@dataclass
class Heard:
    """The alerts so far, with the monotonic second of each. ``clock``: the drill's."""

    clock: DrillClock
    alerts: list[tuple[Alert, float]] = field(default_factory=list[tuple[Alert, float]])

    def __call__(self, alert: Alert, /) -> None:
        """Remember it."""
        self.alerts.append((alert, self.clock.moment().monotonic_s))
