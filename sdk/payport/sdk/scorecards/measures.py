"""What is kept of every call: counts by day, account and endpoint. They are added up, never averaged.

A measure's name is stable: it stands in the store. One call leaves one or two of them:

====================  =================================================================================================
``time.BIN``          a whole reply came; the bin of its time, see :mod:`payport.sdk.scorecards.histogram`
``status.5xx``        ... and its HTTP status was 500 or more
``failed.KIND``       no reply that can be read came, by :class:`payport.sdk.message.FailureKind`
``late.BIN``          ... because it timed out; the bin of how long it was waited for
``held.KIND``         nothing was sent: held back here, or time was up before
``judged``            a reply was authenticated, read, held against what was asked, and is good
``doubt.KIND``        ... and nothing can be learnt from it, by :class:`payport.schemas.outcome.UnknownKind`
``doubt_5xx.KIND``    ... and its HTTP status was 500 or more
``refusal.REASON``    ... and the partner refused, by :class:`payport.schemas.outcome.Reason`: an answer like any other
====================  =================================================================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from threading import Lock
from typing import NamedTuple, Protocol


class MeasureRow(NamedTuple):
    """How often something was counted on one day."""

    day: date
    partner: str
    account: str
    endpoint: str
    measure: str
    number: int


class MeasureStore(Protocol):
    """Where counts are kept. Any number of processes may add to the same ones."""

    def add(self, rows: Sequence[MeasureRow]) -> None:
        """Add to what is there, all of it or nothing. Raises when it cannot, :class:`payport.sdk.JournalError` say."""
        ...

    def read(self, first: date, last: date) -> Sequence[MeasureRow]:
        """Everything of these days, both ends included."""
        ...

    def prune(self, before: date) -> int:
        """Forget the days before this one; how many rows went."""
        ...


class MemoryMeasures:
    """Keeps counts in this process alone, for tests and for an application that exports them by itself."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[date, str, str, str, str]] = Counter()
        self._lock = Lock()

    def add(self, rows: Sequence[MeasureRow]) -> None:
        """Add to what is there."""
        with self._lock:
            for row in rows:
                self._counts[row[:5]] += row.number

    def read(self, first: date, last: date) -> Sequence[MeasureRow]:
        """Everything of these days."""
        with self._lock:
            found = [MeasureRow(*key, count) for key, count in self._counts.items() if first <= key[0] <= last]
        return sorted(found)

    def prune(self, before: date) -> int:
        """Forget the days before this one."""
        with self._lock:
            old = [key for key in self._counts if key[0] < before]
            for key in old:
                del self._counts[key]
        return len(old)
