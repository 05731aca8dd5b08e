"""What verifying, archiving and reporting need of the store that holds the trail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from payport.sdk.audit.chain import Chain, Place, Row
from payport.sdk.audit.record import Entry

BATCH: Final = 1000
"""So many rows are read at once: each batch is a short transaction, so that writers are not held up."""


class Trail(Protocol):
    """A store of chains. Every method may raise :class:`payport.sdk.errors.JournalError` when the storage fails."""

    def chains(self) -> Sequence[Chain]:
        """Every chain, in the order of their numbers."""
        ...

    def rows(self, chain: int, after: int, limit: int) -> Sequence[Row]:
        """The next rows of a chain behind this place, in order."""
        ...

    def hash_at(self, chain: int, seq: int) -> bytes | None:
        """The hash that stands at one place, ``None`` when there is no record."""
        ...

    def untold(self) -> Iterator[tuple[str, int]]:
        """Transitions with no record: the operation's id and the version. Those from before there was a trail do not
        count."""
        ...

    def unfounded(self) -> Iterator[tuple[str, int]]:
        """Transitions that several records tell of, or that are not in the journal although a record tells of them."""
        ...

    def between(self, begins: datetime, ends: datetime) -> Iterator[Row]:
        """Every record that was written from ``begins`` (included) to ``ends`` (not included), chain by chain."""
        ...

    def of_debt(self, ref: str) -> Sequence[Row]:
        """Every record about a debt, in the order of time."""
        ...

    def take_out(self, chain: int, through: Place, before: datetime, why: Entry) -> int:
        """Take every record up to this one, whose hash it must be, out of the journal; answers how many there were.

        The chain goes on from it, before the first is gone. ``before``: an instant that all of them are older than;
        ``why``: what is recorded of it. Where the chain goes on from there already, only what an interrupted call has
        left behind is taken out, and nothing is recorded. Raises :class:`payport.sdk.errors.AuditError` when the record
        is not there.
        """
        ...

    def note(self, entry: Entry) -> None:
        """Record something in a transaction of its own."""
        ...


def micros(at: datetime) -> int:
    """An instant as rows have it: microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def rows_of(trail: Trail, chain: int, after: int) -> Iterator[Row]:
    """All rows of a chain behind a place, in order, a batch at a time."""
    while rows := trail.rows(chain, after, BATCH):
        yield from rows
        after = rows[-1].seq


def end_of_old(trail: Trail, chain: int, after: Place, before: datetime, now: datetime) -> Place:
    """The last record behind ``after`` up to which all are older than ``before``; ``after`` when there is none.

    A record whose time is still to come was written by a clock that was wrong. It is as old as the next one that can be
    believed: that was written after it. Else it would keep everything behind it from leaving until its time has come.
    """
    through, before_us, now_us = after, micros(before), micros(now)
    for row in rows_of(trail, chain, after.seq):
        if row.at_us > now_us:
            continue
        if row.at_us >= before_us:
            break
        through = Place(row.seq, row.hash)
    return through
