"""Counts in memory, by day and series, before they are written. Pure: it is told the time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from payport.sdk.errors import ConfigurationError
from payport.sdk.scorecards.measures import MeasureRow

Series: TypeAlias = tuple[str, str, str]
"""Partner, account, endpoint."""

MAX_SERIES = 10_000
"""So many series of so many days are kept at once; there is no room for more."""

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


class Tally:
    """Counts by day, series and measure. Whoever uses it from several threads holds a lock.

    ``zone``: whose days. ``dropped``: how much found no room.
    """

    __slots__ = ("_begins", "_day", "_days", "_ends", "_room", "_today", "_zone", "dropped")

    def __init__(self, zone: ZoneInfo, *, room: int = MAX_SERIES) -> None:
        self.dropped = 0
        self._zone = zone
        self._room = room
        self._days: dict[date, dict[Series, dict[str, int]]] = {}
        self._today: dict[Series, dict[str, int]] = {}
        self._day = date.min
        self._begins = self._ends = _LONG_AGO

    @property
    def begun(self) -> bool:
        """Whether it was ever told the time."""
        return self._ends is not _LONG_AGO

    def count(self, now: datetime | None, series: Series, measures: Sequence[str]) -> None:
        """Count one of each of these. ``now``: the time, ``None`` for the day of what was counted last."""
        if now is not None and not self._begins <= now < self._ends:
            self._turn_to(now)
        counts = self._today.get(series)
        if counts is None:
            counts = self._new(self._today, series)
        if counts is None:
            self.dropped += len(measures)
            return
        for measure in measures:
            counts[measure] = counts.get(measure, 0) + 1

    def take(self) -> list[MeasureRow]:
        """Everything that was counted, in a fixed order, which is forgotten here."""
        rows = [
            MeasureRow(day, *series, measure, count)
            for day, of_day in self._days.items()
            for series, counts in of_day.items()
            for measure, count in counts.items()
        ]
        self._room += sum(len(of_day) for of_day in self._days.values())
        self._days.clear()
        self._today = self._days.setdefault(self._day, {})
        # in one order, so that two processes that write the same rows never wait for each other in a ring
        return sorted(rows)

    def put_back(self, rows: Sequence[MeasureRow]) -> None:
        """Count again what could not be written."""
        for row in rows:
            of_day = self._days.setdefault(row.day, {})
            series = row[1:4]
            counts = of_day.get(series)
            if counts is None:
                counts = self._new(of_day, series)
            if counts is None:
                self.dropped += row.number
            else:
                counts[row.measure] = counts.get(row.measure, 0) + row.number

    def waiting(self) -> int:
        """How much is counted and not taken."""
        return sum(sum(counts.values()) for of_day in self._days.values() for counts in of_day.values())

    def _new(self, of_day: dict[Series, dict[str, int]], series: Series) -> dict[str, int] | None:
        if self._room <= 0:
            return None
        self._room -= 1
        counts: dict[str, int] = {}
        of_day[series] = counts
        return counts

    def _turn_to(self, now: datetime) -> None:
        self._day = now.astimezone(self._zone).date()
        self._begins = datetime.combine(self._day, time(), self._zone).astimezone(UTC)
        self._ends = datetime.combine(self._day + timedelta(days=1), time(), self._zone).astimezone(UTC)
        self._today = self._days.setdefault(self._day, {})


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name. Raises :class:`payport.sdk.ConfigurationError`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(f"no time zone {name!r} is known; write one like Asia/Shanghai") from error
