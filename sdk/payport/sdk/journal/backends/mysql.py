"""MariaDB and MySQL, through PyMySQL (extra ``mysql``)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from sqlalchemy import bindparam, exists, insert, select
from sqlalchemy.dialects.mysql import insert as mysql_insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from payport.sdk.errors import ConfigurationError
from payport.sdk.journal.backends.backend import Backend, Connecting, Failure, Setting, in_autocommit
from payport.sdk.journal.backends.server import STILL_S, check_url, encryption, is_near, place_of, too_old
from payport.sdk.tls import ClientCertificate, Trust, context

if TYPE_CHECKING:
    import pymysql
    from sqlalchemy import Connection, Table
    from sqlalchemy.sql.expression import ClauseElement

    from payport.sdk.journal import driver

OLDEST_MARIADB = (10, 6)
OLDEST_MYSQL = (8, 0)
"""The first with ``SKIP LOCKED``."""

_TLS = ("ssl_ca", "ssl_cert", "ssl_key")
"""PEM files: the authorities to trust, our own certificate, its key."""
OPTIONS = frozenset({"connect_timeout", "unix_socket", *_TLS})
"""What a URL may ask of PyMySQL (https://pymysql.readthedocs.io/en/latest/modules/connections.html)."""

_MODE = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO"

# codes: https://mariadb.com/kb/en/mariadb-error-codes/, and from 2000 on the client's own
_FAILURES = {
    1062: Failure.TAKEN,
    1020: Failure.UNDONE,  # changed since the snapshot (MariaDB)
    1213: Failure.UNDONE,  # deadlock
    1053: Failure.LOST,  # the server is shut down
    1927: Failure.LOST,  # somebody ended the connection (MariaDB)
    4031: Failure.LOST,  # idle for too long (MySQL)
    1290: Failure.LOST,  # read only, after a switchover
    1792: Failure.LOST,
    1836: Failure.LOST,
    2006: Failure.LOST,
    2013: Failure.LOST,
    2055: Failure.LOST,
}

_SHOW = """
SHOW SESSION VARIABLES WHERE Variable_name IN ('version', 'sql_mode', 'time_zone', 'tx_isolation',
    'transaction_isolation', 'innodb_flush_log_at_trx_commit', 'innodb_doublewrite', 'log_bin', 'sync_binlog',
    'read_only', 'character_set_connection', 'idle_transaction_timeout', 'default_storage_engine')
"""

_SHOWN = ("version", "innodb_flush_log_at_trx_commit", "innodb_doublewrite", "log_bin", "sync_binlog")


class MySql(Backend):
    """A database of a MariaDB or MySQL server, in InnoDB tables."""

    name: ClassVar[str] = "MariaDB or MySQL"
    extra: ClassVar[str] = "mysql"
    shared: ClassVar[bool] = True
    begin_write: ClassVar[str] = "START TRANSACTION READ WRITE"
    begin_read: ClassVar[str] = "START TRANSACTION READ ONLY"
    find_schema: ClassVar[str] = (
        "SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s"
    )

    @property
    def place(self) -> str:
        """``mysql://host/database``."""
        return place_of(self._url, self._url.get_backend_name())

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The driver's, and what SQLAlchemy makes of them."""
        import pymysql  # noqa: PLC0415 - the extra "mysql"

        return (pymysql.MySQLError, UnicodeError, OverflowError, DBAPIError)

    def connecting(self, *, patient: bool) -> Connecting:
        """A server that says nothing for half a minute longer than any lock may be waited for is taken for lost."""
        check_url(self._url, OPTIONS)
        arguments: dict[str, object] = {
            "charset": "utf8mb4",
            "connect_timeout": max(2, round(self._busy_timeout_s)),
            "autocommit": False,
        }
        if not patient:
            arguments |= {"read_timeout": round(self._busy_timeout_s) + 30, "write_timeout": 30}
        arguments |= self._tls()
        kept = {name: value for name, value in arguments.items() if name not in self._url.query}
        # one name for both: SQLAlchemy finds out by itself which of the two it is talking to
        url = self._url.set(drivername="mysql+pymysql").difference_update_query(_TLS)
        return Connecting(url=url, arguments=kept, placeholder="format", pool=NullPool)

    def _tls(self) -> Mapping[str, object]:
        """A context that is built once; the driver would build one, for 20 ms, with each connection."""
        ca, chain, key = (cast("str | None", self._url.query.get(name)) for name in _TLS)
        if ca is not None or chain is not None:
            ours = ClientCertificate(chain_file=chain, key_file=key) if chain is not None else None
            return {"ssl": context(Trust(ca_file=ca, client_certificate=ours))}
        return {"ssl_disabled": True} if is_near(self._url) else {}

    def set_up(self, connection: object) -> None:
        """Set, then read back, because a server may not know a setting or not let us change it."""
        here = cast("pymysql.Connection[pymysql.cursors.Cursor]", connection)
        with here.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            cursor.execute(
                f"SET SESSION sql_mode = '{_MODE}', time_zone = '+00:00', "
                f"innodb_lock_wait_timeout = {max(1, round(self._busy_timeout_s))}"
            )
            found = _variables(cursor)
            if "idle_transaction_timeout" in found:
                cursor.execute(f"SET SESSION idle_transaction_timeout = {round(STILL_S)}")
        self._check_version(found["version"])
        isolation = found.get("transaction_isolation") or found.get("tx_isolation")
        strict = "STRICT_ALL_TABLES" in found["sql_mode"]
        if isolation != "READ-COMMITTED" or found["time_zone"] != "+00:00" or not strict:
            raise ConfigurationError(
                f"{self.place} did not take READ COMMITTED, a strict sql_mode and time_zone +00:00 (it says "
                f"{isolation}, {found['sql_mode']}, {found['time_zone']}), so the journal would not be safe"
            )
        if found["character_set_connection"] != "utf8mb4":
            raise ConfigurationError(f"{self.place} does not speak utf8mb4, which a journal needs")
        if found["read_only"] not in ("OFF", "0", "NO_LOCK"):
            raise ConfigurationError(f"{self.place} is read-only, a replica perhaps; give the primary's address")
        weak = _weak(found)
        if self._durability == "full" and weak:
            name, wanted = next(iter(weak.items()))
            raise ConfigurationError(
                f"{self.place} would lose payments in a power cut ({name}={found[name]}); "
                f"set {name} = {wanted} on the server, or open the journal with durability 'normal'"
            )

    def _check_version(self, version: str) -> None:
        maria = "mariadb" in version.lower()
        # replication made MariaDB say 5.5.5-10.6.1-MariaDB
        number = re.match(r"(?:5\.5\.5-)?(\d+)\.(\d+)", version)
        oldest = OLDEST_MARIADB if maria else OLDEST_MYSQL
        if number is None or (int(number[1]), int(number[2])) < oldest:
            raise too_old(self, f"{'MariaDB' if maria else 'MySQL'} {oldest[0]}.{oldest[1]}")

    def own(self, connection: object, *, reading: bool) -> driver.Connection:
        """Autocommit means here that only our START TRANSACTION begins."""
        here = cast("pymysql.Connection[pymysql.cursors.Cursor]", connection)
        with here.cursor() as cursor:
            cursor.execute("SET autocommit = 1")
            if reading:
                cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return _PyMySql(here)

    def foreign(self, connection: object) -> driver.Cursor:
        """A ``pymysql.Connection`` in a transaction, or one that begins a transaction with its first statement."""
        import pymysql  # noqa: PLC0415 - the extra "mysql"

        if not isinstance(connection, pymysql.Connection):
            raise ConfigurationError(
                "expected a pymysql.Connection or an SQLAlchemy Connection on MariaDB or MySQL with PyMySQL, "
                f"got {type(connection).__name__}"
            )
        here = cast("pymysql.Connection[pymysql.cursors.Cursor]", connection)
        if here.get_autocommit() and not _PyMySql(here).in_transaction:
            raise in_autocommit()
        cursor = cast("driver.Cursor", here.cursor(pymysql.cursors.Cursor))
        if "STRICT_" not in _variables(cursor)["sql_mode"]:
            raise ConfigurationError(
                "the connection's sql_mode is not strict, so the server would cut off what does not fit; "
                "set STRICT_TRANS_TABLES on it"
            )
        return cursor

    def failure(self, error: BaseException) -> Failure:
        """By the number that the server sends, or the client makes up."""
        import pymysql  # noqa: PLC0415 - the extra "mysql"

        if not isinstance(error, pymysql.MySQLError):
            return Failure.OTHER
        code = error.args[0] if error.args else None
        if isinstance(error, pymysql.InterfaceError) and code == 0:  # the connection was closed on our side
            return Failure.LOST
        return _FAILURES.get(code, Failure.OTHER) if isinstance(code, int) else Failure.OTHER

    def insert_absent(self, table: Table, values: Sequence[str], key: Sequence[str]) -> ClauseElement:
        """Not ``INSERT IGNORE``, which would also cut off what is too long; nor ``ON DUPLICATE KEY UPDATE``, which
        does not tell whether there was one. Two at the same moment: the second fails as ``TAKEN``."""
        there = exists(select(1).select_from(table).where(*(table.c[name] == bindparam(name) for name in key)))
        chosen = select(*(bindparam(name, type_=table.c[name].type) for name in values)).where(~there)
        return insert(table).from_select(list(values), chosen).inline()

    def insert_adding(self, table: Table, key: Sequence[str], number: str) -> ClauseElement:
        """By the primary key, the only unique one of such a table."""
        new = mysql_insert(table).values({name: bindparam(name) for name in (*key, number)})
        return new.on_duplicate_key_update({number: table.c[number] + new.inserted[number]}).inline()

    def alone(self, connection: Connection) -> None:
        """By a lock with a name, since there is no table to lock yet. It ends with the connection."""
        # a year, since a long change of another process is no reason to fail
        connection.exec_driver_sql("SELECT GET_LOCK(CONCAT('payport.', MD5(DATABASE())), 31536000)")

    def go_on_counting(self, connection: Connection, table: Table) -> None:
        """They do by themselves."""

    def settings(self, cursor: driver.Cursor) -> Sequence[Setting]:
        """What decides whether a commit outlives a power cut, and whether others can read along."""
        found = _variables(cursor)
        weak = _weak(found)
        shown = [
            Setting(name=name, value=found[name], doubt="a power cut loses payments", mend=f"set {name} = {weak[name]}")
            if name in weak
            else Setting(name=name, value=found[name])
            for name in _SHOWN
            if name in found
        ]
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        encrypted = any(row[1] for row in cursor.fetchall())
        return [*shown, encryption(self._url, encrypted=encrypted, how="?ssl_ca=FILE")]


def _variables(cursor: driver.Cursor | pymysql.cursors.Cursor) -> Mapping[str, str]:
    cursor.execute(_SHOW)
    return {str(row[0]): str(row[1]) for row in cast("driver.Cursor", cursor).fetchall()}


def _weak(found: Mapping[str, str]) -> Mapping[str, str]:
    """The settings by which a commit that was acknowledged can be lost, and what they should be."""
    wanted = {"innodb_flush_log_at_trx_commit": "1"}
    if found.get("log_bin") == "ON":
        # what is not in the binary log after a crash is undone, whatever InnoDB has on the disk
        wanted["sync_binlog"] = "1"
    return {name: value for name, value in wanted.items() if found.get(name) != value}


class _Raw(Protocol):
    """What is needed of PyMySQL's connection, its status included, which its stubs leave out."""

    open: bool
    server_status: int

    def cursor(self) -> driver.Cursor: ...
    def close(self) -> None: ...


class _PyMySql:
    """A connection of PyMySQL as the journal knows connections."""

    __slots__ = ("_raw",)

    def __init__(self, raw: object) -> None:
        self._raw = cast("_Raw", raw)

    @property
    def in_transaction(self) -> bool:
        return self._raw.open and bool(self._raw.server_status & 1)  # SERVER_STATUS_IN_TRANS

    @property
    def closed(self) -> bool:
        return not self._raw.open

    def cursor(self) -> driver.Cursor:
        return self._raw.cursor()

    def close(self) -> None:
        if self._raw.open:
            self._raw.close()
