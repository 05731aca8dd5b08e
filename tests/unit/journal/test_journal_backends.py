"""What a database server must be set to, so that a journal may stand on it; what its errors mean."""

from __future__ import annotations

import sqlite3
import sys
from typing import Any

import psycopg
import pymysql
import pytest
from sqlalchemy.engine import make_url
from tests.support.databases import SERVERS, by_hand

from payport.sdk import Secret
from payport.sdk.errors import ConfigurationError, JournalConflict, JournalError
from payport.sdk.journal import Journal
from payport.sdk.journal.backends import backend_of, mysql
from payport.sdk.journal.backends.backend import Durability, Failure
from payport.sdk.journal.backends.mysql import MySql
from payport.sdk.journal.backends.postgresql import PostgreSql

GOOD_POSTGRESQL: dict[str, object] = {
    "synchronous_commit": "on", "isolation": "read committed", "lock": "10s", "still": "1min", "version": 150020,
    "encoding": "UTF8", "fsync": "on", "standby": False,
}  # fmt: skip
GOOD_MARIADB = {
    "version": "10.11.19-MariaDB", "sql_mode": "STRICT_ALL_TABLES", "time_zone": "+00:00",
    "tx_isolation": "READ-COMMITTED", "innodb_flush_log_at_trx_commit": "1", "log_bin": "OFF", "sync_binlog": "0",
    "read_only": "OFF", "character_set_connection": "utf8mb4", "innodb_doublewrite": "ON",
}  # fmt: skip


class Answering:
    """A connection of psycopg whose server says what it is told to."""

    autocommit = False

    def __init__(self, row: dict[str, object]) -> None:
        self._row = row

    def execute(self, *_: object) -> Answering:
        return self

    def fetchone(self) -> tuple[object, ...]:
        return tuple(self._row.values())


def postgresql(durability: Durability = "full") -> PostgreSql:
    """As a URL makes it."""
    return PostgreSql(make_url("postgresql://u:hunter2@db/shop"), durability=durability, busy_timeout_s=10.0)


def mariadb(durability: Durability = "full") -> MySql:
    """As a URL makes it."""
    return MySql(make_url("mariadb://u:hunter2@db/shop"), durability=durability, busy_timeout_s=10.0)


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"version": 120011}, "too old: a journal needs 13"),
        ({"encoding": "LATIN1"}, "stores text as LATIN1"),
        ({"standby": True}, "is a standby"),
        ({"fsync": "off"}, r"would lose payments in a power cut \(fsync=off"),
        ({"synchronous_commit": "local"}, "synchronous_commit=local"),
    ],
)
def test_a_postgresql_that_cannot_hold_a_journal_is_refused(says: dict[str, object], why: str) -> None:
    """With what is wrong and how to mend it."""
    with pytest.raises(ConfigurationError, match=why) as refused:
        postgresql().set_up(Answering(GOOD_POSTGRESQL | says))
    assert "hunter2" not in str(refused.value)
    assert "postgresql://db/shop" in str(refused.value)


def test_a_postgresql_that_may_lose_the_last_commits_is_fine_where_that_was_asked_for() -> None:
    """``normal`` is a choice, and a stricter server stays as it is."""
    postgresql("normal").set_up(Answering(GOOD_POSTGRESQL | {"synchronous_commit": "off", "fsync": "off"}))
    postgresql().set_up(Answering(GOOD_POSTGRESQL | {"synchronous_commit": "remote_apply"}))


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"version": "10.5.20-MariaDB"}, r"too old: a journal needs MariaDB 10\.6"),
        ({"version": "5.5.5-10.4.1-MariaDB"}, r"too old: a journal needs MariaDB 10\.6"),
        ({"version": "5.7.44"}, r"too old: a journal needs MySQL 8\.0"),
        ({"tx_isolation": "REPEATABLE-READ"}, "did not take READ COMMITTED"),
        ({"sql_mode": ""}, "did not take READ COMMITTED, a strict sql_mode"),
        ({"time_zone": "SYSTEM"}, "time_zone"),
        ({"character_set_connection": "latin1"}, "does not speak utf8mb4"),
        ({"read_only": "ON"}, "is read-only"),
        ({"innodb_flush_log_at_trx_commit": "2"}, "set innodb_flush_log_at_trx_commit = 1"),
        ({"log_bin": "ON", "sync_binlog": "0"}, "set sync_binlog = 1"),
    ],
)
def test_a_mariadb_that_cannot_hold_a_journal_is_refused(
    says: dict[str, str], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what is wrong and how to mend it."""
    found = GOOD_MARIADB | says
    monkeypatch.setattr(mysql, "_variables", lambda _: found)
    with connected("mariadb") as connection, pytest.raises(ConfigurationError, match=why) as refused:
        mariadb().set_up(connection)
    assert "hunter2" not in str(refused.value)
    assert "mariadb://db/shop" in str(refused.value)


@pytest.mark.parametrize(
    "says",
    [
        {"version": "8.0.40", "transaction_isolation": "READ-COMMITTED"},
        {"version": "5.5.5-10.11.2-MariaDB-log"},
        {"version": "11.4.2-MariaDB", "read_only": "NO_LOCK"},
        {"log_bin": "ON", "sync_binlog": "1"},
    ],
)
def test_a_mariadb_or_mysql_that_is_fine(says: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it calls things."""
    found = GOOD_MARIADB | says
    monkeypatch.setattr(mysql, "_variables", lambda _: found)
    with connected("mariadb") as connection:
        mariadb().set_up(connection)


def connected(kind: str) -> Any:
    """A real connection, for what is not looked at here."""
    return SERVERS[kind].driver(SERVERS[kind].url())


def test_every_setting_of_postgresql_is_in_force() -> None:
    """On the connections of a journal, whatever the role or the database had set before."""
    url = SERVERS["postgresql"].url()
    with by_hand("postgresql", url) as cursor:
        name = make_url(url).database
        cursor.execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'")
        cursor.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    try:
        with Journal.open(url, busy_timeout_s=3.0) as journal:
            names = ("synchronous_commit", "lock_timeout", "idle_in_transaction_session_timeout")
            found = journal.write(lambda session: look(session, "SELECT current_setting(%s)", names))
            assert found == ["on", "3s", "1min"]
            assert journal.write(lambda session: look(session, "SHOW transaction_isolation")) == ["read committed"]
            assert journal.read(lambda session: look(session, "SHOW transaction_isolation")) == ["repeatable read"]
    finally:
        with by_hand("postgresql", url) as cursor:
            cursor.execute(f'ALTER DATABASE "{name}" RESET ALL')


def test_every_setting_of_mariadb_is_in_force() -> None:
    """On the connections of a journal."""
    with Journal.open(SERVERS["mariadb"].url(), busy_timeout_s=3.0) as journal:
        names = ("@@tx_isolation", "@@innodb_lock_wait_timeout", "@@time_zone", "@@character_set_connection")
        ask = f"SELECT CONCAT_WS(' ', {', '.join(names)})"
        assert journal.write(lambda session: look(session, ask)) == ["READ-COMMITTED 3 +00:00 utf8mb4"]
        assert journal.read(lambda session: look(session, ask)) == ["REPEATABLE-READ 3 +00:00 utf8mb4"]
        mode = journal.write(lambda session: look(session, "SELECT @@sql_mode"))[0]
        assert "STRICT_ALL_TABLES" in str(mode)


def look(session: Any, sql: str, parameters: tuple[str, ...] = ()) -> list[object]:
    """What the session's own connection says."""
    found: list[object] = []
    for each in parameters or ("",):
        session._cursor.execute(sql, (each,) if parameters else ())
        found.append(session._cursor.fetchall()[0][0])
    return found


def postgresql_error(code: str) -> psycopg.Error:
    """As the server sends it."""
    error = psycopg.errors.lookup(code)("why")
    assert error.sqlstate == code
    return error


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (Failure.TAKEN, postgresql_error("23505")),
        (Failure.UNDONE, postgresql_error("40P01")),
        (Failure.UNDONE, postgresql_error("40001")),
        (Failure.LOST, postgresql_error("57P01")),
        (Failure.LOST, postgresql_error("57P04")),
        (Failure.LOST, postgresql_error("57P05")),
        (Failure.LOST, postgresql_error("25P04")),
        (Failure.LOST, postgresql_error("25006")),
        (Failure.LOST, postgresql_error("0A000")),
        (Failure.LOST, postgresql_error("08006")),
        (Failure.LOST, psycopg.OperationalError("server closed the connection unexpectedly")),
        (Failure.LOST, psycopg.InterfaceError("the connection is closed")),
        (Failure.OTHER, postgresql_error("55P03")),
        (Failure.OTHER, postgresql_error("53100")),
        (Failure.OTHER, psycopg.DataError("a text cannot contain NUL")),
        (Failure.OTHER, UnicodeEncodeError("utf-8", "", 0, 1, "surrogates")),
    ],
    ids=repr,
)
def test_what_an_error_of_postgresql_means(failure: Failure, error: Exception) -> None:
    """By its code; without one it is the connection that failed."""
    assert failure is postgresql().failure(error)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (Failure.TAKEN, pymysql.IntegrityError(1062, "Duplicate entry")),
        (Failure.UNDONE, pymysql.OperationalError(1213, "Deadlock found")),
        (Failure.UNDONE, pymysql.OperationalError(1020, "Record has changed since last read")),
        (Failure.LOST, pymysql.OperationalError(2013, "Lost connection")),
        (Failure.LOST, pymysql.OperationalError(1927, "Connection was killed")),
        (Failure.LOST, pymysql.InterfaceError(0, "")),
        (Failure.LOST, pymysql.OperationalError(1290, "The server is running with the --read-only option")),
        (Failure.LOST, pymysql.InternalError(1792, "Cannot execute statement in a READ ONLY transaction")),
        (Failure.LOST, pymysql.OperationalError(1836, "Running in read-only mode")),
        (Failure.OTHER, pymysql.OperationalError(1205, "Lock wait timeout exceeded")),
        (Failure.OTHER, pymysql.IntegrityError(1452, "a foreign key constraint fails")),
        (Failure.OTHER, pymysql.MySQLError()),
        (Failure.OTHER, OverflowError("too big")),
    ],
    ids=repr,
)
def test_what_an_error_of_mariadb_means(failure: Failure, error: Exception) -> None:
    """By its number."""
    assert failure is mariadb().failure(error)


def test_a_message_does_not_quote_a_row() -> None:
    """PostgreSQL adds the failing row to some of its messages."""
    with Journal.open(SERVERS["postgresql"].url()) as journal:

        def breaks(session: Any) -> None:
            statement = journal._database.spoken.payments.add_debt
            session._write("add a debt", statement, {"ref": None, "body": "a secret"})

        with pytest.raises(JournalError, match="null value in column") as failed:
            journal.write(breaks)
    assert "secret" in str(failed.value.__cause__)
    assert "secret" not in str(failed.value)


def test_an_error_keeps_its_cause_and_shows_no_statement() -> None:
    """SQLAlchemy would print the values along with it."""
    error = mariadb().error(pymysql.IntegrityError(1062, "Duplicate entry"), "add debt A")
    assert isinstance(error, JournalConflict)
    assert str(error) == "the journal could not add debt A: it is there already"


@pytest.mark.parametrize(
    ("url", "encrypted", "doubt"),
    [
        ("postgresql://db/shop", False, True),
        ("postgresql://db/shop", True, False),
        ("postgresql://127.0.0.1/shop", False, False),
        ("postgresql:///shop", False, False),
        ("mysql://db/shop?unix_socket=/run/mysql.sock", False, False),
    ],
)
def test_a_connection_in_the_clear_is_told_of(url: str, encrypted: bool, doubt: bool) -> None:
    """Where somebody may be on the way."""
    from payport.sdk.journal.backends.server import encryption

    setting = encryption(make_url(url), encrypted=encrypted, how="?tls=yes")
    assert (bool(setting.doubt), "tls=yes" in setting.mend) == (doubt, doubt)


def test_tls_is_built_once_and_verified(tmp_path: Any) -> None:
    """With the authority that the URL names; a driver's own default would believe anybody."""
    import ssl

    from payport.sdk.testing.certificates import loopback_certificates

    (tmp_path / "ca.pem").write_text(loopback_certificates().authority)
    url = make_url(f"mysql://u@db/shop?ssl_ca={tmp_path}/ca.pem&connect_timeout=3")
    how = [MySql(url, durability="full", busy_timeout_s=10.0).connecting(patient=patient) for patient in (False, True)]
    contexts = {each.arguments["ssl"] for each in how}
    (context,) = contexts
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert [dict(each.url.query) for each in how] == [{"connect_timeout": "3"}] * 2
    assert ["read_timeout" in each.arguments for each in how] == [True, False]


@pytest.fixture
def without_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after ``pip install payport`` alone."""
    for name in ("psycopg", "pymysql"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize(("url", "extra"), [("postgresql://db/shop", "postgresql"), ("mariadb://db/shop", "mysql")])
@pytest.mark.usefixtures("without_drivers")
def test_a_missing_driver_is_named(url: str, extra: str) -> None:
    """With what to install."""
    with pytest.raises(ConfigurationError, match=rf"payport\[{extra}\]"):
        Journal.open(url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite:///payments.db", "takes no password"),
        ("postgresql://u:one@db/shop", "given twice"),
    ],
)
def test_a_password_stands_in_one_place(url: str, why: str) -> None:
    """And where there is somebody to show it to."""
    with pytest.raises(ConfigurationError, match=why):
        Journal.open(url, password=Secret("hunter2"))
    backend = backend_of("postgresql://u@db/shop", Secret("hunter2"), durability="full", busy_timeout_s=1.0)
    assert "hunter2" not in repr(backend) + repr(backend.connecting(patient=False))


def test_no_connection_at_all_is_refused(file_url: str) -> None:
    """Nothing could ever be written."""
    with pytest.raises(ConfigurationError, match="one connection at least"):
        Journal.open(file_url, connections=0)


def test_a_file_has_settings_too(file_url: str) -> None:
    """As the doctor shows them; a journal in memory has none that would matter."""
    with Journal.open(file_url) as journal:
        assert [(one.name, one.value) for one in journal.settings()] == [("journal_mode", "wal"), ("synchronous", "2")]
    with Journal.open("sqlite:///:memory:?durable=no") as journal:
        assert journal.settings() == ()
    with pytest.raises(JournalError, match="closed"):
        journal.write(lambda session: session.debt("A"))
    assert sqlite3.sqlite_version_info >= (3, 37)
