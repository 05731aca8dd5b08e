"""SQLite: one file on a local disk, one writer at a time."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, StaticPool
from sqlalchemy.sql.expression import bindparam

from payport.sdk.errors import ConfigurationError
from payport.sdk.journal.backends.backend import Backend, Connecting, Durability, Failure, Setting, in_autocommit
from payport.sdk.journal.backends.sqlite_file import prepare_file

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Table
    from sqlalchemy.sql.expression import ClauseElement

    from payport.sdk.journal import driver

OLDEST = (3, 37, 0)

_TAKEN = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})


class Sqlite(Backend):
    """A file, or memory for tests."""

    name: ClassVar[str] = "SQLite"
    shared: ClassVar[bool] = False
    # the write lock is taken at once: a transaction that reads first and writes later could lose what it read meanwhile
    begin_write: ClassVar[str] = "BEGIN IMMEDIATE"
    begin_read: ClassVar[str] = "BEGIN"
    find_schema: ClassVar[str] = "SELECT count(*) FROM sqlite_master WHERE name = ?"

    def __init__(self, url: URL, *, durability: Durability, busy_timeout_s: float) -> None:
        super().__init__(url, durability=durability, busy_timeout_s=busy_timeout_s)
        if sqlite3.sqlite_version_info < OLDEST:
            raise ConfigurationError(
                f"a journal needs SQLite {'.'.join(map(str, OLDEST))} or newer (STRICT tables), "
                f"this Python has {sqlite3.sqlite_version}; use a newer Python or SQLite"
            )
        self._in_memory = url.database in (None, "", ":memory:")
        self._check_query()

    @property
    def place(self) -> str:
        """The file."""
        return str(self._url.database or ":memory:")

    @property
    def durable(self) -> bool:
        """Not in memory."""
        return not self._in_memory

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The driver's, and what SQLAlchemy makes of them."""
        return (
            sqlite3.Error,
            UnicodeError,  # half a surrogate pair in a text
            OverflowError,  # a number of more than 64 bits
            DBAPIError,
        )

    def connecting(self, *, patient: bool) -> Connecting:
        """The file is created here when it is not there. A change of the schema waits as any writer does."""
        del patient
        if not self._in_memory:
            prepare_file(Path(str(self._url.database)))
        return Connecting(
            url=self._url.set(query={}),
            # isolation_level None: the driver begins nothing by itself. One thread at a time is seen to by the journal
            arguments={"check_same_thread": False, "isolation_level": None, "timeout": self._busy_timeout_s},
            placeholder="qmark",
            # each database in memory is another one, so that one connection is kept
            pool=StaticPool if self._in_memory else NullPool,
        )

    def set_up(self, connection: object) -> None:
        """Each pragma is read back: SQLite ignores what it does not know or cannot do."""
        here = cast("sqlite3.Connection", connection)
        for name, (value, expected) in self.pragmas().items():
            here.execute(f"PRAGMA {name}={value}").close()
            found = here.execute(f"PRAGMA {name}").fetchone()
            if found != (expected,):
                got = found[0] if found else "nothing"
                raise ConfigurationError(
                    f"SQLite {sqlite3.sqlite_version} did not take PRAGMA {name}={value} (it says {got!r}), so the "
                    "journal would not be safe; use a local disk and an SQLite that is built with it"
                )

    def pragmas(self) -> dict[str, tuple[str, object]]:
        """Each pragma with the value to set and the value that must be read back."""
        busy_ms = round(self._busy_timeout_s * 1000)
        pragmas: dict[str, tuple[str, object]] = {
            "busy_timeout": (str(busy_ms), busy_ms),
            "journal_mode": ("MEMORY", "memory") if self._in_memory else ("WAL", "wal"),
            "synchronous": ("FULL", 2) if self._durability == "full" else ("NORMAL", 1),
            "foreign_keys": ("ON", 1),
            "trusted_schema": ("OFF", 0),
            "cell_size_check": ("ON", 1),
        }
        if not self._in_memory:
            # a checkpoint waits for the disk and copies each changed page once: with 16 MB of log instead of 4 a lone
            # writer with "normal" writes 1.7 times as many rows a second
            pragmas |= {"wal_autocheckpoint": ("4000", 4000)}
        if sys.platform == "darwin":  # pragma: no cover - fsync there does not reach the disk without it
            pragmas |= {"fullfsync": ("ON", 1), "checkpoint_fullfsync": ("ON", 1)}
        return pragmas

    def own(self, connection: object, *, reading: bool) -> driver.Connection:
        """The driver's connection has all that is needed."""
        here = cast("sqlite3.Connection", connection)
        if reading:
            here.execute("PRAGMA query_only=ON").close()
        return cast("driver.Connection", here)

    def foreign(self, connection: object) -> driver.Cursor:
        """A ``sqlite3.Connection``; where nothing has begun yet, the transaction begins here, with the write lock."""
        if not isinstance(connection, sqlite3.Connection):
            raise ConfigurationError(
                f"expected a sqlite3.Connection or an SQLAlchemy Connection on SQLite, got {type(connection).__name__}"
            )
        if not connection.in_transaction:
            if connection.isolation_level is None or getattr(connection, "autocommit", None) is True:
                raise in_autocommit()
            connection.execute(self.begin_write)
        cursor = connection.cursor()
        cursor.row_factory = None
        return cast("driver.Cursor", cursor)

    def failure(self, error: BaseException) -> Failure:
        """SQLite undoes nothing by itself, and a file cannot be lost on the way."""
        return Failure.TAKEN if getattr(error, "sqlite_errorname", "") in _TAKEN else Failure.OTHER

    def insert_absent(self, table: Table, values: Sequence[str], key: Sequence[str]) -> ClauseElement:
        """Two thirds of what a plain insert after a look costs; an INSERT from a SELECT would cost more than both."""
        return (
            insert(table).values({name: bindparam(name) for name in values}).on_conflict_do_nothing(index_elements=key)
        )

    def insert_adding(self, table: Table, key: Sequence[str], number: str) -> ClauseElement:
        """One statement."""
        new = insert(table).values({name: bindparam(name) for name in (*key, number)})
        return new.on_conflict_do_update(index_elements=key, set_={number: table.c[number] + new.excluded[number]})

    def alone(self, connection: Connection) -> None:
        """The write lock: the others wait here, and find the work done."""
        connection.exec_driver_sql(self.begin_write)

    def go_on_counting(self, connection: Connection, table: Table) -> None:
        """They do by themselves."""

    def settings(self, cursor: driver.Cursor) -> Sequence[Setting]:
        """What the pragmas say."""
        found: list[Setting] = []
        for name in ("journal_mode", "synchronous"):
            cursor.execute(f"PRAGMA {name}")
            found.append(Setting(name=name, value=str(cursor.fetchall()[0][0])))
        return found

    def _check_query(self) -> None:
        wanted = {"durable": "no"} if self._in_memory else {}
        if dict(self._url.query) == wanted:
            return
        if self._in_memory:
            raise ConfigurationError(
                "a journal in memory forgets every payment when the process ends; "
                "write sqlite:///payments.db, or sqlite:///:memory:?durable=no in tests"
            )
        raise ConfigurationError(f"a journal's URL takes no options, got {', '.join(sorted(self._url.query))}")
