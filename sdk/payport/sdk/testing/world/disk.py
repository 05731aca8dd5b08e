"""The journal of a schedule: the real one, in memory or in a file, its leases on the schedule's time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast

from payport.sdk.audit.policy import AuditPolicy
from payport.sdk.audit.verifying import Verification
from payport.sdk.exchange import Load, Record
from payport.sdk.journal.engine import Database, Link, open_database
from payport.sdk.journal.recent import Recent
from payport.sdk.journal.records import State
from payport.sdk.journal.rows import micros
from payport.sdk.journal.schema import ensure_schema
from payport.sdk.journal.sealing import SealingKeys
from payport.sdk.journal.store import Journal
from payport.sdk.journal.tables import metadata
from payport.sdk.journal.trail import JournalTrail
from payport.sdk.journal.writer import Writer
from payport.sdk.testing.conformance.world import SEALING_KEY

Clock: TypeAlias = Callable[[], datetime]

_UNIX_EPOCH = 2440587.5
"""As a Julian day."""
_MICROSECONDS_A_DAY = 86_400_000_000
_TABLES = [table.name for table in reversed(metadata.sorted_tables) if table.name != "payport_audit_chain"]
_STEP = "SELECT instr(body, ?) FROM payport_operation WHERE id = ?"
_BODY = "SELECT body FROM payport_operation WHERE id = ?"
_NEW = "SELECT id, operation, version, state, body FROM payport_transition WHERE id > ? ORDER BY id"


class Line(NamedTuple):
    """A transition as it was just written."""

    operation: str
    version: int
    state: State
    source: str
    detail: dict[str, str]


class Disk:
    """One database, and what each process knows of it. ``place``: a file; ``None``: in memory, which is faster.

    ``clock``: the database's clock, by which leases run out. ``sealed``: whether requests are kept to be repeated.
    """

    def __init__(self, clock: Clock, *, sealed: bool = True, place: Path | None = None) -> None:
        self._clock = clock
        self.sealed = sealed
        self._place = place
        self._told = 0
        self._opened: list[Journal] = []
        if place is None:
            self._memory = _in_memory(sealed=sealed)
            self._memory.follow(clock)
            for table in _TABLES:
                self._memory.connection.execute(f"DELETE FROM {table}").close()  # noqa: S608 - the names stand above
        self.reader = self.open()
        """The journal as somebody else reads it: for the record, never for a worker."""

    def open(self) -> Shelf:
        """The journal for another process, which remembers nothing of what others read."""
        if self._place is None:
            return Shelf(self._memory, Recent())
        opened = _open(f"sqlite:///{self._place}", sealed=self.sealed, audit=AuditPolicy())
        opened.follow(self._clock)
        self._opened.append(opened.journal)
        return Shelf(opened, opened.database.recent)

    def close(self) -> None:
        """Close every file. What is in memory is kept for the next schedule."""
        for journal in self._opened:
            journal.close()

    def flaws(self) -> list[str]:
        """What is wrong with the audit trail, which only a journal in a file keeps."""
        if self._place is None:
            return []
        return [str(flaw) for flaw in Verification(trail=JournalTrail(self.reader.journal)).flaws()]

    def holds(self, operation: str, text: str) -> bool:
        """Whether an operation is durable, with this text (a step's digest) in it."""
        found = self.reader.opened.connection.execute(_STEP, (text, operation)).fetchone()
        return bool(found and found[0])

    def foresees(self, operation: str) -> bool:
        """Whether who reads a durable operation knows that a request of it may be outside: one was planned, or left."""
        found = self.reader.opened.connection.execute(_BODY, (operation,)).fetchone()
        body: dict[str, object] = {} if found is None else json.loads(found[0])
        return bool(body.get("steps") or body.get("may_have_left"))

    def news(self) -> list[Line]:
        """The transitions that became durable since the last time."""
        lines: list[Line] = []
        for number, operation, version, state, body in self.reader.opened.connection.execute(_NEW, (self._told,)):
            self._told = number
            lesson = json.loads(body)
            lines.append(Line(operation, version, State(state), lesson["source"], lesson["detail"]))
        return lines


class Shelf(NamedTuple):
    """One process's view of the journal."""

    opened: Opened
    recent: Recent

    @property
    def journal(self) -> Journal:
        """The journal itself."""
        return self.opened.journal

    def perform(self, effect: Load[Any] | Record[Any]) -> object:
        """Carry out a storage effect as the hosts do, with what this process remembers."""
        object.__setattr__(self.opened.database, "recent", self.recent)
        if isinstance(effect, Record):
            return self.opened.journal.write(effect.work)
        return self.opened.journal.read(effect.work)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timed(Database):
    """A database that tells the schedule's time when a statement asks for the database's own."""

    clocks: list[Clock] = field(default_factory=list[Clock])

    def connect(self, *, reading: bool = False) -> Link:
        """A new connection, with the schedule's clock."""
        link = Database.connect(self, reading=reading)
        connection = cast("sqlite3.Connection", link.connection)

        def julian_day(_: object) -> float:
            return _UNIX_EPOCH + micros(self.clocks[0]()) / _MICROSECONDS_A_DAY

        connection.create_function("julianday", 1, julian_day)
        return link


@dataclass(frozen=True)
class Opened:
    """A journal with what it stands on."""

    journal: Journal
    database: _Timed

    @property
    def connection(self) -> sqlite3.Connection:
        """What the journal writes through."""
        writer = self.journal._writer  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - below the journal
        assert isinstance(writer, Writer), "a journal in SQLite has one connection that writes"
        link = writer._connected()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as above
        return cast("sqlite3.Connection", link.connection)

    def follow(self, clock: Clock) -> None:
        """Tell this time from now on."""
        self.database.clocks[:] = [clock]


def _open(url: str, *, sealed: bool, audit: AuditPolicy | None = None) -> Opened:
    plain = open_database(url, durability="normal", busy_timeout_s=1.0, audit=audit)
    database = _Timed(**{item.name: getattr(plain, item.name) for item in fields(plain)})
    ensure_schema(database)
    return Opened(Journal(database, SealingKeys([SEALING_KEY]) if sealed else None), database)


@lru_cache(maxsize=2)
def _in_memory(*, sealed: bool) -> Opened:
    """The journal in memory of this process: to open one takes longer than to run a schedule."""
    return _open("sqlite:///:memory:?durable=no", sealed=sealed)
