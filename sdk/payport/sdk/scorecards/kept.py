"""Counts kept in the journal's database, where those of all processes add up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from payport.sdk.journal.store import Journal
    from payport.sdk.scorecards.measures import MeasureRow


class JournalMeasures:
    """Keeps counts in the table ``payport_measure`` beside the journal, in transactions of their own."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def add(self, rows: Sequence[MeasureRow]) -> None:
        """Add to what is there. Raises :class:`payport.sdk.JournalError`."""
        self._journal.write(lambda session: session.measures.add(rows))

    def read(self, first: date, last: date) -> Sequence[MeasureRow]:
        """Everything of these days, both ends included. Raises :class:`payport.sdk.JournalError`."""
        return self._journal.read(lambda session: session.measures.read(first, last))

    def prune(self, before: date) -> int:
        """Forget the days before this one; how many rows went. Raises :class:`payport.sdk.JournalError`."""
        return self._journal.write(lambda session: session.measures.prune(before))
