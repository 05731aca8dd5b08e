"""The one place that sets up SQLAlchemy's engine. What is particular to a database stands in :mod:`.backends`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Connection as CoreConnection
from sqlalchemy import create_engine, event

from payport.sdk.errors import ConfigurationError, JournalError
from payport.sdk.journal.audit_statements import AuditStatements, compile_audit_statements
from payport.sdk.journal.auditing import Auditing
from payport.sdk.journal.backends import backend_of
from payport.sdk.journal.backends.backend import Durability, root_of
from payport.sdk.journal.measure_part import MeasureStatements, compile_measure_statements
from payport.sdk.journal.operating_statements import OperatingStatements, compile_operating_statements
from payport.sdk.journal.recent import Recent
from payport.sdk.journal.statements import Statements, compile_statements

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from payport.sdk.audit.policy import AuditPolicy
    from payport.sdk.journal.backends.backend import Backend
    from payport.sdk.journal.driver import Connection, Cursor
    from payport.sdk.secrets import Secret

__all__ = ["Database", "Durability", "Link", "open_database"]


@dataclass(slots=True)
class Link:
    """One connection with the cursor that all its statements go through."""

    connection: Connection
    errors: tuple[type[Exception], ...] = field(repr=False)
    cursor: Cursor = field(init=False)
    closed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.cursor = self.connection.cursor()

    @property
    def broken(self) -> bool:
        """Whether nothing can be done with it: we closed it, or the driver did when the server ended it."""
        return self.closed or bool(getattr(self.connection, "closed", False))

    def roll_back(self) -> None:
        """End a transaction that shall leave nothing; where that fails, close the connection, which does it too."""
        try:
            if self.connection.in_transaction:
                self.cursor.execute("ROLLBACK")
        except self.errors:
            self.close()

    def become(self, other: Link) -> None:
        """Go on with the connection of another one."""
        self.connection, self.cursor, self.closed = other.connection, other.cursor, other.closed

    def close(self) -> None:
        """Close it."""
        self.closed = True
        with suppress(*self.errors):  # a server that is gone cannot be told good-bye
            self.connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Everything that is said to a database, in the spelling of its kind."""

    payments: Statements
    operating: OperatingStatements
    measures: MeasureStatements
    audit: AuditStatements


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An open database: what is particular to it, its engine, its statements, and the newest rows that went by."""

    backend: Backend
    engine: Engine = field(repr=False)
    spoken: Spoken = field(repr=False)
    auditing: Auditing = field(repr=False)
    recent: Recent = field(default_factory=Recent, repr=False)

    def connect(self, *, reading: bool = False) -> Link:
        """A new connection with every setting in force. ``reading``: it refuses to write.

        Raises :class:`JournalError` when none can be had, or none that is safe.
        """
        try:
            proxy = self.engine.raw_connection()
            raw = proxy.driver_connection
            if self.backend.durable:
                proxy.detach()  # ours from now on: threads and forks are looked after by the journal
            return Link(self.backend.own(raw, reading=reading), self.backend.errors)
        except self.backend.errors as error:
            words = self.backend.words(root_of(error))
            raise JournalError(f"the journal could not open {self.backend.place}: {words}") from error
        except ConfigurationError as error:  # the place is not what it was when the journal was opened
            raise JournalError(str(error)) from error

    def foreign(self, connection: object) -> Cursor:
        """A cursor on the application's own connection, inside a transaction that the application will end.

        ``connection``: the driver's, or an SQLAlchemy ``Connection``. Raises :class:`ConfigurationError` for anything
        else, and for one in autocommit mode, where each statement would be durable by itself.
        """
        if isinstance(connection, CoreConnection):
            if not connection.in_transaction():
                raise ConfigurationError(
                    "begin a transaction on the connection first: nothing may be written outside it"
                )
            connection = connection.connection.driver_connection
        with self.errors("begin in the application's transaction"):
            return self.backend.foreign(connection)

    def patient_engine(self) -> Engine:
        """An engine for changes of the schema, which may take long. The caller disposes of it."""
        return _engine(self.backend, patient=True) if self.backend.shared else self.engine

    @contextmanager
    def errors(self, doing: str) -> Generator[None]:
        """Turn what the driver raises into :class:`JournalError`, the cause chained."""
        try:
            yield
        except self.backend.errors as error:
            raise self.error(error, doing) from error

    def error(self, error: BaseException, doing: str) -> JournalError:
        """Our error for one of the driver's; one of ours stays."""
        return error if isinstance(error, JournalError) else self.backend.error(error, doing)


def open_database(
    url: str,
    *,
    durability: Durability,
    busy_timeout_s: float,
    password: Secret | None = None,
    audit: AuditPolicy | None = None,
) -> Database:
    """Set up the engine for a journal's URL. Raises :class:`ConfigurationError` for one that cannot hold a journal."""
    backend = backend_of(url, password, durability=durability, busy_timeout_s=busy_timeout_s)
    engine = _engine(backend, patient=False)
    return Database(
        backend=backend,
        engine=engine,
        spoken=_spoken(engine, backend),
        auditing=Auditing(audit, shared=backend.shared),
    )


_spoken_before: dict[type[Backend], Spoken] = {}


def _spoken(engine: Engine, backend: Backend) -> Spoken:
    """Compiled with the first journal on a kind of database: it takes longer than to open one."""
    found = _spoken_before.get(type(backend))
    if found is None:
        found = _spoken_before[type(backend)] = Spoken(
            payments=compile_statements(engine.dialect, backend),
            operating=compile_operating_statements(engine.dialect, backend),
            measures=compile_measure_statements(engine.dialect, backend),
            audit=compile_audit_statements(engine.dialect, backend),
        )
    return found


def _engine(backend: Backend, *, patient: bool) -> Engine:
    how = backend.connecting(patient=patient)
    try:
        engine = create_engine(
            how.url, poolclass=how.pool, connect_args=dict(how.arguments), paramstyle=how.placeholder
        )
    except ImportError as error:
        raise ConfigurationError(
            f'a journal on {backend.name} needs its driver: pip install "payport[{backend.extra}]"'
        ) from error

    def set_up(connection: DBAPIConnection, _: object) -> None:
        try:
            backend.set_up(connection)
        except BaseException:
            connection.close()
            raise

    event.listen(engine, "connect", set_up)
    return engine
