"""The one place that sets up SQLAlchemy's engine and knows what is particular to a database.

SQLite today. Another database adds its branch here, and its clock in :mod:`payport.sdk.journal.tables`.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool, StaticPool

from payport.sdk.errors import ConfigurationError, JournalConflict, JournalError
from payport.sdk.journal.audit_statements import AuditStatements, compile_audit_statements
from payport.sdk.journal.recent import Recent
from payport.sdk.journal.sqlite_file import prepare_file
from payport.sdk.journal.statements import Statements, compile_statements

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from payport.sdk.journal.driver import Connection, Cursor

Durability = Literal["full", "normal"]

OLDEST_SQLITE = (3, 37, 0)

BEGIN_WRITE = "BEGIN IMMEDIATE"
"""Take the write lock at once: a transaction that reads first and writes later could lose what it read meanwhile."""
BEGIN_READ = "BEGIN"

STORAGE_ERRORS = (
    sqlite3.Error,
    UnicodeError,  # half a surrogate pair in a text
    OverflowError,  # a number of more than 64 bits
    DBAPIError,  # the driver's own, wrapped, where SQLAlchemy is in between
)
_TAKEN = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})


@dataclass(slots=True)
class Link:
    """One connection with the cursor that all its statements go through."""

    connection: Connection
    cursor: Cursor = field(init=False)

    def __post_init__(self) -> None:
        self.cursor = self.connection.cursor()

    def close(self) -> None:
        """Close it."""
        self.connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An open database: its engine, its statements, and whether what it commits outlives the process."""

    place: str
    durable: bool
    engine: Engine = field(repr=False)
    statements: Statements = field(repr=False)
    audit_statements: AuditStatements = field(repr=False)
    recent: Recent = field(default_factory=Recent, repr=False)

    def connect(self, *, reading: bool = False) -> Link:
        """A new connection with every setting in force. ``reading``: it refuses to write."""
        with storage_errors(f"open {self.place}"):
            proxy = self.engine.raw_connection()
            link = Link(cast("Connection", proxy.driver_connection))
            if self.durable:
                proxy.detach()  # ours from now on: threads and forks are looked after by the journal
            if reading:
                link.cursor.execute("PRAGMA query_only=ON")
        return link


def open_database(url: str, *, durability: Durability, busy_timeout_s: float) -> Database:
    """Set up the engine for a journal's URL. Raises :class:`ConfigurationError` for one that cannot hold a journal."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationError("the journal's URL is not one; write for example sqlite:///payments.db") from None
    if parsed.get_backend_name() != "sqlite":
        raise ConfigurationError(
            f"a journal on {parsed.get_backend_name()} is not supported; write for example sqlite:///payments.db"
        )
    if durability not in ("full", "normal"):
        raise ConfigurationError(f"durability must be 'full' or 'normal', got {durability!r}")
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise ConfigurationError(
            f"a journal needs SQLite {'.'.join(map(str, OLDEST_SQLITE))} or newer (STRICT tables), "
            f"this Python has {sqlite3.sqlite_version}; use a newer Python or SQLite"
        )
    in_memory = parsed.database in (None, "", ":memory:")
    _check_query(parsed, in_memory=in_memory)
    if not in_memory:
        prepare_file(Path(str(parsed.database)))
    engine = create_engine(
        parsed.set(query={}),
        # each database in memory is another one, so that one connection is kept
        poolclass=StaticPool if in_memory else NullPool,
        # isolation_level None: the driver begins nothing by itself. One thread at a time is seen to by the journal
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": busy_timeout_s},
    )
    settings = settings_for(durability, busy_timeout_s, in_memory=in_memory)

    def set_up(connection: DBAPIConnection, _: object) -> None:
        _apply(cast("sqlite3.Connection", connection), settings)

    event.listen(engine, "connect", set_up)
    return Database(
        place=str(parsed.database or ":memory:"),
        durable=not in_memory,
        engine=engine,
        statements=compile_statements(engine.dialect),
        audit_statements=compile_audit_statements(engine.dialect),
    )


@contextmanager
def storage_errors(doing: str) -> Generator[None]:
    """Turn what the driver raises into :class:`JournalError`, the cause chained."""
    try:
        yield
    except STORAGE_ERRORS as error:
        raise storage_error(error, doing) from error


def storage_error(error: BaseException, doing: str) -> JournalError:
    """Our error for one of the driver's: a conflict when a unique value is taken."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    if getattr(error, "sqlite_errorname", "") in _TAKEN:
        return JournalConflict(f"the journal could not {doing}: it is there already")
    return JournalError(f"the journal could not {doing}: {error}")


def driver_connection(connection: object) -> Connection:
    """The driver's connection behind the application's own, inside a transaction that the application will end.

    Takes a ``sqlite3.Connection`` or an SQLAlchemy ``Connection``. Raises :class:`ConfigurationError` for anything
    else, and for one in autocommit mode, where each statement would be durable by itself.
    """
    from sqlalchemy import Connection as CoreConnection  # noqa: PLC0415 - its name is taken here

    if isinstance(connection, CoreConnection):
        if not connection.in_transaction():
            raise ConfigurationError("begin a transaction on the connection first: nothing may be written outside it")
        connection = connection.connection.driver_connection
    if not isinstance(connection, sqlite3.Connection):
        raise ConfigurationError(
            f"expected a sqlite3.Connection or an SQLAlchemy Connection on SQLite, got {type(connection).__name__}"
        )
    if not connection.in_transaction:
        if connection.isolation_level is None or getattr(connection, "autocommit", None) is True:
            raise ConfigurationError("the connection is in autocommit mode: begin a transaction on it first")
        with storage_errors("begin in the application's transaction"):
            connection.execute(BEGIN_WRITE)
    return cast("Connection", connection)


def _check_query(url: URL, *, in_memory: bool) -> None:
    wanted = {"durable": "no"} if in_memory else {}
    if dict(url.query) == wanted:
        return
    if in_memory:
        raise ConfigurationError(
            "a journal in memory forgets every payment when the process ends; "
            "write sqlite:///payments.db, or sqlite:///:memory:?durable=no in tests"
        )
    raise ConfigurationError(f"a journal's URL takes no options, got {', '.join(sorted(url.query))}")


def settings_for(durability: Durability, busy_timeout_s: float, *, in_memory: bool) -> dict[str, tuple[str, object]]:
    """Each pragma with the value to set and the value that must be read back."""
    settings: dict[str, tuple[str, object]] = {
        "busy_timeout": (str(round(busy_timeout_s * 1000)), round(busy_timeout_s * 1000)),
        "journal_mode": ("MEMORY", "memory") if in_memory else ("WAL", "wal"),
        "synchronous": ("FULL", 2) if durability == "full" else ("NORMAL", 1),
        "foreign_keys": ("ON", 1),
        "trusted_schema": ("OFF", 0),
        "cell_size_check": ("ON", 1),
    }
    if not in_memory:
        # a checkpoint waits for the disk and copies each changed page once: with 16 MB of log instead of 4 a lone
        # writer with "normal" writes 1.7 times as many rows a second
        settings |= {"wal_autocheckpoint": ("4000", 4000)}
    if sys.platform == "darwin":  # pragma: no cover - fsync there does not reach the disk without it
        settings |= {"fullfsync": ("ON", 1), "checkpoint_fullfsync": ("ON", 1)}
    return settings


def _apply(connection: sqlite3.Connection, settings: dict[str, tuple[str, object]]) -> None:
    for name, (value, expected) in settings.items():
        connection.execute(f"PRAGMA {name}={value}").close()
        found = connection.execute(f"PRAGMA {name}").fetchone()
        if found != (expected,):
            got = found[0] if found else "nothing"
            raise ConfigurationError(
                f"SQLite {sqlite3.sqlite_version} did not take PRAGMA {name}={value} (it says {got!r}), so the journal "
                "would not be safe; use a local disk and an SQLite that is built with it"
            )
