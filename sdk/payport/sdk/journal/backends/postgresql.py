"""PostgreSQL, through psycopg 3 (extra ``postgresql``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.expression import bindparam

from payport.sdk.errors import ConfigurationError
from payport.sdk.journal.backends.backend import Backend, Connecting, Failure, Setting, in_autocommit
from payport.sdk.journal.backends.server import STILL_S, check_url, encryption, place_of, too_old

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import Connection, Table
    from sqlalchemy.sql.expression import ClauseElement

    from payport.sdk.journal import driver

OLDEST = 13

OPTIONS = frozenset(
    {
        "application_name", "channel_binding", "connect_timeout", "gssencmode", "hostaddr", "keepalives",
        "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname", "load_balance_hosts", "options",
        "passfile", "require_auth", "service", "sslcert", "sslcertmode", "sslcrl", "sslcrldir", "sslkey", "sslmode",
        "sslnegotiation", "sslrootcert", "ssl_max_protocol_version", "ssl_min_protocol_version", "target_session_attrs",
        "tcp_user_timeout",
    }
)  # fmt: skip
"""What a URL may ask of libpq (https://www.postgresql.org/docs/current/libpq-connect.html)."""

_SCHEMA_LOCK = 0x7061_7970_6F72_7401
"""The advisory lock of those who change the schema: any number that nobody else takes."""

# codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
_FAILURES = {
    "23505": Failure.TAKEN,
    "40001": Failure.UNDONE,  # serialization failure, also of a reader on a standby
    "40P01": Failure.UNDONE,  # deadlock
    "57P01": Failure.LOST,  # the server is shut down, or somebody ended the connection
    "57P02": Failure.LOST,
    "57P03": Failure.LOST,
    "57P04": Failure.LOST,  # the database was dropped
    "57P05": Failure.LOST,  # idle for too long
    "25P03": Failure.LOST,  # idle inside a transaction for too long
    "25P04": Failure.LOST,  # the transaction took too long
    "25006": Failure.LOST,  # read only, after a switchover
    "0A000": Failure.LOST,  # the same when a transaction begins; or what was prepared is from before a change of tables
}

_SET_UP = """
SELECT set_config('synchronous_commit', CASE
           WHEN %s THEN 'off'
           WHEN current_setting('synchronous_commit') = 'remote_apply' THEN 'remote_apply'
           ELSE 'on' END, false),
       set_config('default_transaction_isolation', 'read committed', false),
       set_config('lock_timeout', %s, false),
       set_config('idle_in_transaction_session_timeout', %s, false),
       current_setting('server_version_num')::int,
       current_setting('server_encoding'),
       current_setting('fsync'),
       pg_is_in_recovery()
"""

_SETTINGS = ("synchronous_commit", "fsync", "full_page_writes", "synchronous_standby_names", "server_version")

_DOUBTS = {
    "synchronous_commit": "a crash of the server loses payments",
    "fsync": "a power cut destroys the database",
    "full_page_writes": "a power cut tears pages, unless the file system writes them whole",
}
"""What is wrong with a setting that is off."""


class PostgreSql(Backend):
    """A database of a PostgreSQL server."""

    name: ClassVar[str] = "PostgreSQL"
    extra: ClassVar[str] = "postgresql"
    shared: ClassVar[bool] = True
    begin_write: ClassVar[str] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
    begin_read: ClassVar[str] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    find_schema: ClassVar[str] = "SELECT count(*) FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass(%s::text)"

    @property
    def place(self) -> str:
        """``postgresql://host/database``."""
        return place_of(self._url, "postgresql")

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The driver's, and what SQLAlchemy makes of them."""
        import psycopg  # noqa: PLC0415 - the extra "postgresql"

        return (psycopg.Error, UnicodeError, OverflowError, DBAPIError)

    def connecting(self, *, patient: bool) -> Connecting:
        """Hosts that vanish are noticed within half a minute, not after the quarter of an hour that TCP takes."""
        check_url(self._url, OPTIONS)
        alive: dict[str, object] = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
        limits: dict[str, object] = {} if patient else {"tcp_user_timeout": 30_000}
        arguments = {
            "connect_timeout": max(2, round(self._busy_timeout_s)),
            "client_encoding": "utf8",
            **alive,
            **limits,
        }
        url = self._url.set(drivername="postgresql+psycopg")
        # SQLAlchemy lets the arguments win over the URL; here the URL wins
        kept = {name: value for name, value in arguments.items() if name not in url.query}
        return Connecting(url=url, arguments=kept, placeholder="format", pool=NullPool)

    def set_up(self, connection: object) -> None:
        """One round trip sets everything, and reads it back."""
        here = cast("psycopg.Connection[tuple[object, ...]]", connection)
        lock_ms, still_ms = f"{round(self._busy_timeout_s * 1000)}ms", f"{round(STILL_S * 1000)}ms"
        here.autocommit = True  # a setting that is made inside a transaction goes with it
        row = here.execute(_SET_UP, (self._durability == "normal", lock_ms, still_ms)).fetchone()
        here.autocommit = False
        assert row is not None
        commit, _, _, _, version, encoding, fsync, standby = row
        if cast("int", version) < OLDEST * 10_000:
            raise too_old(self, f"{OLDEST}")
        if encoding != "UTF8":
            raise ConfigurationError(
                f"{self.place} stores text as {encoding}, which cannot hold every character; "
                "create it with ENCODING 'UTF8'"
            )
        if standby:
            raise ConfigurationError(
                f"{self.place} is a standby, where nothing can be written; give the primary's address, or several "
                "with target_session_attrs=read-write"
            )
        if self._durability == "full" and (commit not in ("on", "remote_apply") or fsync != "on"):
            raise ConfigurationError(
                f"{self.place} would lose payments in a power cut (fsync={fsync}, synchronous_commit={commit}); "
                "set fsync = on on the server, or open the journal with durability 'normal'"
            )

    def own(self, connection: object, *, reading: bool) -> driver.Connection:
        """Autocommit means here that only our BEGIN begins."""
        del reading  # each BEGIN says what it is for
        here = cast("psycopg.Connection[tuple[object, ...]]", connection)
        here.autocommit = True
        return _Psycopg(here)

    def foreign(self, connection: object) -> driver.Cursor:
        """A ``psycopg.Connection`` in a transaction, or one that begins a transaction with its first statement."""
        import psycopg  # noqa: PLC0415 - the extra "postgresql"
        from psycopg.rows import tuple_row  # noqa: PLC0415 - as above

        if not isinstance(connection, psycopg.Connection):
            raise ConfigurationError(
                f"expected a psycopg.Connection or an SQLAlchemy Connection on PostgreSQL with psycopg, "
                f"got {type(connection).__name__}"
            )
        here = cast("psycopg.Connection[object]", connection)
        if here.autocommit and not _in_transaction(here):
            raise in_autocommit()
        return cast("driver.Cursor", here.cursor(row_factory=tuple_row))

    def failure(self, error: BaseException) -> Failure:
        """By the five characters that the server sends; without them it is the connection that failed."""
        import psycopg  # noqa: PLC0415 - the extra "postgresql"

        if not isinstance(error, psycopg.Error):
            return Failure.OTHER
        code = error.sqlstate
        if code is None:
            gone = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
            return Failure.LOST if gone else Failure.OTHER
        return Failure.LOST if code.startswith("08") else _FAILURES.get(code, Failure.OTHER)

    def words(self, error: BaseException) -> str:
        """Its first line: the ones that follow may quote a row."""
        primary: object = getattr(getattr(error, "diag", None), "message_primary", None)
        return primary if isinstance(primary, str) else str(error)

    def insert_absent(self, table: Table, values: Sequence[str], key: Sequence[str]) -> ClauseElement:
        """Waits for another transaction that inserts the same."""
        return (
            insert(table)
            .values({name: bindparam(name) for name in values})
            .on_conflict_do_nothing(index_elements=key)
            .inline()
        )

    def insert_adding(self, table: Table, key: Sequence[str], number: str) -> ClauseElement:
        """Waits for another transaction that adds to the same."""
        new = insert(table).values({name: bindparam(name) for name in (*key, number)})
        added = {number: table.c[number] + new.excluded[number]}
        return new.on_conflict_do_update(index_elements=key, set_=added).inline()

    def alone(self, connection: Connection) -> None:
        """By an advisory lock, since there is no table to lock yet."""
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))

    def go_on_counting(self, connection: Connection, table: Table) -> None:
        """A sequence does not look at the table."""
        numbered = table.autoincrement_column
        if numbered is not None:
            newest = connection.execute(select(func.max(numbered))).scalar()
            if newest is not None:
                sequence = func.pg_get_serial_sequence(table.name, numbered.name)
                connection.execute(select(func.setval(sequence, newest)))

    def settings(self, cursor: driver.Cursor) -> Sequence[Setting]:
        """What decides whether a commit outlives a power cut, and whether others can read along."""
        values: dict[str, str] = {}
        for name in _SETTINGS:
            cursor.execute("SELECT current_setting(%s)", (name,))
            values[name] = str(cursor.fetchall()[0][0])
        cursor.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        encrypted = bool(cursor.fetchall()[0][0])
        found = [
            Setting(name=name, value=value, doubt=_DOUBTS[name], mend=f"set {name} = on")
            if name in _DOUBTS and value == "off"
            else Setting(name=name, value=value)
            for name, value in values.items()
        ]
        return [*found, encryption(self._url, encrypted=encrypted, how="?sslmode=verify-full&sslrootcert=FILE")]


def _in_transaction(connection: psycopg.Connection[Any]) -> bool:
    return not connection.closed and connection.info.transaction_status != 0  # IDLE


class _Psycopg:
    """A connection of psycopg as the journal knows connections."""

    __slots__ = ("_raw",)

    def __init__(self, raw: psycopg.Connection[tuple[object, ...]]) -> None:
        self._raw = raw

    @property
    def in_transaction(self) -> bool:
        return _in_transaction(self._raw)

    @property
    def closed(self) -> bool:
        return self._raw.closed

    def cursor(self) -> driver.Cursor:
        return cast("driver.Cursor", self._raw.cursor())

    def close(self) -> None:
        self._raw.close()
