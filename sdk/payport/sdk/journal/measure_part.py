"""What scorecards read and write inside a transaction: counts, which are added up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, cast

from sqlalchemy import bindparam, delete, select

from payport.sdk.journal.statements import Statement, compiled
from payport.sdk.journal.tables import measures
from payport.sdk.scorecards.measures import MeasureRow

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.sql.expression import ClauseElement

    from payport.sdk.journal.backends.backend import Backend
    from payport.sdk.journal.driver import Row

Read = Callable[[str, "Statement", Mapping[str, object]], "list[Row]"]
Write = Callable[[str, "Statement", Mapping[str, object]], int]

_KEY = ("day", "partner", "account", "endpoint", "measure")
_LENGTHS = (10, 64, 128, 128, 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureStatements:
    """What a session says to the database about counts."""

    add: Statement
    read: Statement
    prune: Statement


def compile_measure_statements(dialect: Dialect, backend: Backend) -> MeasureStatements:
    """All of them in the spelling of one database."""
    table = measures.c
    core: dict[str, ClauseElement] = {
        "add": backend.insert_adding(measures, _KEY, "number"),
        "read": select(*measures.c)
        .where(table.day >= bindparam("first"), table.day <= bindparam("last"))
        .order_by(*(table[name] for name in _KEY)),
        "prune": delete(measures).where(table.day < bindparam("before")),
    }
    return MeasureStatements(**{item.name: compiled(core[item.name], dialect) for item in fields(MeasureStatements)})


class MeasurePart:
    """One transaction's view of the counts. ``read``, ``write``: how it speaks to the database."""

    __slots__ = ("_read", "_sql", "_write")

    def __init__(self, statements: MeasureStatements, *, read: Read, write: Write) -> None:
        self._sql = statements
        self._read = read
        self._write = write

    def add(self, rows: Sequence[MeasureRow]) -> None:
        """Add to what is there; give them in one order, so that two who add take turns. Names too long are cut."""
        for row in rows:
            texts = (row.day.isoformat(), *row[1:5])
            key = {name: text[:most] for name, text, most in zip(_KEY, texts, _LENGTHS, strict=True)}
            self._write("add to counts", self._sql.add, {**key, "number": row.number})

    def read(self, first: date, last: date) -> Sequence[MeasureRow]:
        """Everything of these days, both ends included, in order."""
        days = {"first": first.isoformat(), "last": last.isoformat()}
        return [_row(row) for row in self._read("read counts", self._sql.read, days)]

    def prune(self, before: date) -> int:
        """Forget the days before this one; how many rows went."""
        return self._write("forget counts", self._sql.prune, {"before": before.isoformat()})


def _row(row: Row) -> MeasureRow:
    day, partner, account, endpoint, measure, number = cast("tuple[str, str, str, str, str, int]", tuple(row))
    return MeasureRow(date.fromisoformat(day), partner, account, endpoint, measure, number)
