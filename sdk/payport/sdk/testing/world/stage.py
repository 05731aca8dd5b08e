"""One time for everybody, and what is to happen when: a queue of moments, each with what somebody does then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import NamedTuple, TypeAlias

from payport.sdk.testing.stepping import Time
from payport.sdk.testing.world.dice import Dice
from payport.sdk.testing.world.history import Entry, History
from payport.sdk.testing.world.weather import Weather

Act: TypeAlias = Callable[[], None]


class Due(NamedTuple):
    """What happens then. ``turn`` decides between two things at the same moment: first planned, first done."""

    at: float
    turn: int
    fading: bool
    """Whether it no longer happens once the weather is calm: payers and callers stop, what is under way goes on."""
    act: Act


@dataclass(slots=True)
class Stage:
    """The time of one schedule, true for partner, payer and database. ``start``: when it begins.

    ``extra``: dice of their own for processes that stand still and for what goes wrong for a while, so that all other
    draws are as without them.
    """

    dice: Dice
    extra: Dice
    weather: Weather
    history: History
    start: datetime
    time: Time = field(default_factory=Time)
    elapsed: float = 0.0
    """Seconds since the beginning."""
    _queue: list[Due] = field(default_factory=list[Due])
    _turn: int = 0

    def __post_init__(self) -> None:
        self.time.at = self.start

    def after(self, seconds: float, act: Act, *, fading: bool = False) -> None:
        """Do this when so much time has passed."""
        self._turn += 1
        heappush(self._queue, Due(self.elapsed + max(0.0, seconds), self._turn, fading, act))

    def note(self, entry: Entry) -> None:
        """Write down what happened."""
        self.history.entries.append(entry)

    def run(self, until: float | None = None) -> None:
        """Let everything happen that is planned, up to a moment when one is given."""
        queue = self._queue
        while queue and (until is None or queue[0].at <= until):
            due = heappop(queue)
            self.move_to(due.at)
            due.act()
        if until is not None:
            self.move_to(max(until, self.elapsed))

    def move_to(self, elapsed: float) -> None:
        """Let time pass, with nobody doing anything."""
        self.elapsed = elapsed
        self.time.at = self.start + timedelta(seconds=elapsed)

    def calm(self, weather: Weather) -> None:
        """From now on nothing goes wrong, and whoever only makes trouble stops."""
        self.weather = weather
        self._queue = [due for due in self._queue if not due.fading]
        heapify(self._queue)
