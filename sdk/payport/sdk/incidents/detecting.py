"""From events to trouble: small detectors, each over one kind of event, fed by one thread, with the time given.

A new event joins with one line in :data:`payport.sdk.incidents.detectors.usual_detectors`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeAlias, TypeVar, cast

from payport.sdk.events import SdkEvent
from payport.sdk.incidents.kinds import IncidentKind
from payport.sdk.incidents.records import Cleared, Trouble

EventT = TypeVar("EventT", bound=SdkEvent)

Found: TypeAlias = Trouble | Cleared
"""What a detector answers."""

ABOUT_AT_MOST = 10_000
"""How many different things one detector remembers; what was quiet for longest is forgotten first."""


class Detector(Protocol):
    """Hears events and says what is wrong."""

    @property
    def hears(self) -> tuple[type[SdkEvent], ...]:
        """The events that it wants."""
        ...

    def hear(self, event: SdkEvent, at: datetime) -> Iterable[Found]:
        """Take one event."""
        ...

    def tick(self, at: datetime) -> Iterable[Found]:
        """Time has passed, though nothing may have happened."""
        ...


def _account(event: SdkEvent) -> str:
    return str(getattr(event, "account", ""))


def _text(event: SdkEvent, name: str) -> str:
    return str(getattr(event, name, ""))


def trouble_of(event: SdkEvent, kind: IncidentKind, about: str, summary: str, at: datetime) -> Trouble:
    """Trouble that an event tells of, with whatever the event says of partner, account and operation."""
    return Trouble(
        kind=kind,
        about=about,
        summary=summary,
        at=at,
        partner=_text(event, "partner"),
        account=_text(event, "account"),
        ref=_text(event, "ref"),
        operation=_text(event, "operation"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfOneEvent(Generic[EventT]):
    """What each event of one class says of one kind of trouble. ``about``: what one incident is about."""

    event: type[EventT]
    kind: IncidentKind
    about: Callable[[EventT], str] = _account

    @property
    def hears(self) -> tuple[type[SdkEvent], ...]:
        """That one."""
        return (self.event,)

    def tick(self, at: datetime) -> Iterable[Found]:  # noqa: ARG002 - the event alone says it
        """Nothing."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AtOnce(_OfOneEvent[EventT]):
    """Each such event is trouble. ``say``: the words for it."""

    say: Callable[[EventT], str]

    def hear(self, event: SdkEvent, at: datetime) -> Iterable[Found]:
        """Trouble."""
        told = cast("EventT", event)
        return (trouble_of(event, self.kind, self.about(told), self.say(told), at),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends(_OfOneEvent[EventT]):
    """Each such event says that trouble of this kind is over. ``why``: in words."""

    why: Callable[[EventT], str]

    def hear(self, event: SdkEvent, at: datetime) -> Iterable[Found]:
        """It is over."""
        told = cast("EventT", event)
        return (Cleared(kind=self.kind, about=self.about(told), why=self.why(told), at=at),)


@dataclass(slots=True, kw_only=True)
class Rising(Generic[EventT]):
    """``least`` such events within ``within_s`` seconds are trouble; none for as long, and it is over.

    ``which``: only events for which it is true.
    """

    event: type[EventT]
    kind: IncidentKind
    least: int
    within_s: float
    say: Callable[[EventT], str]
    about: Callable[[EventT], str] = _account
    which: Callable[[EventT], bool] = lambda _: True
    _seen: dict[str, deque[datetime]] = field(default_factory=dict[str, "deque[datetime]"])
    _raised: set[str] = field(default_factory=set[str])

    @property
    def hears(self) -> tuple[type[SdkEvent], ...]:
        """That one."""
        return (self.event,)

    def hear(self, event: SdkEvent, at: datetime) -> Iterable[Found]:
        """Trouble, when it is one too many."""
        told = cast("EventT", event)
        if not self.which(told):
            return ()
        about = self.about(told)
        times = self._seen.pop(about, None) or deque(maxlen=self.least)
        times.append(at)
        self._seen[about] = times  # the newest goes to the end
        if len(self._seen) > ABOUT_AT_MOST:
            self._raised.discard(first := next(iter(self._seen)))
            del self._seen[first]
        if len(times) < self.least or at - times[0] > timedelta(seconds=self.within_s):
            return ()
        # the first report counts those that led to it; each later event is one more
        count = 1 if about in self._raised else self.least
        self._raised.add(about)
        found = trouble_of(event, self.kind, about, self.say(told), at)
        return (replace(found, count=count),)

    def tick(self, at: datetime) -> Iterable[Found]:
        """What has been quiet for long enough is over."""
        old = at - timedelta(seconds=self.within_s)
        ended: list[Found] = []
        while self._seen:
            about = next(iter(self._seen))
            if self._seen[about][-1] > old:
                break
            del self._seen[about]
            if about in self._raised:
                self._raised.discard(about)
                ended.append(Cleared(kind=self.kind, about=about, why=f"none for {self.within_s:.0f} s", at=at))
        return ended
