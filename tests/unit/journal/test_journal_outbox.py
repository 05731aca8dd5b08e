"""The intent inside the application's own transaction: both are committed together, or neither is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pymysql
import pytest
from sqlalchemy import create_engine
from tests.support.databases import SERVERS, application, sqlalchemy_url
from tests.support.journal_records import NOW, debt, intend, operation

from payport.sdk.errors import ConfigurationError, JournalConflict, JournalError
from payport.sdk.journal import Journal


@pytest.fixture
def connection(kind: str, url: str, journal: Journal) -> Iterator[Any]:
    """The application's own, as its driver makes it: the first change begins a transaction."""
    opened = application(kind, url)
    yield opened
    opened.rollback()
    opened.close()


@pytest.mark.parametrize("commit", [True, False])
def test_one_transaction_of_the_drivers(journal: Journal, connection: Any, commit: bool) -> None:
    """With the driver's own habit of beginning a transaction at the first change."""
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE IF NOT EXISTS basket (ref VARCHAR(20))")
    cursor.execute("DELETE FROM basket")
    connection.commit()
    cursor.execute("INSERT INTO basket VALUES ('SHOP0001')")
    intend()(journal.session_on(connection))
    assert journal.read(lambda session: session.debt("SHOP0001")) is None, "we do not commit"
    if commit:
        connection.commit()
    else:
        connection.rollback()
    assert commit == (journal.read(lambda session: session.operation("SHOP0001/pay//1")) is not None)
    cursor.execute("SELECT count(*) FROM basket")
    assert int(commit) == cursor.fetchone()[0]


def test_the_first_statement_may_be_ours(journal: Journal, connection: Any) -> None:
    """Then the transaction begins here."""
    journal.session_on(connection).add_debt(debt())
    assert journal.read(lambda session: session.debt("SHOP0001")) is None
    connection.commit()
    with pytest.raises(JournalConflict):
        journal.session_on(connection).add_debt(debt())
    connection.rollback()
    assert debt() == journal.read(lambda session: session.debt("SHOP0001"))


@pytest.mark.parametrize("commit", [True, False])
def test_one_transaction_of_sqlalchemy(journal: Journal, url: str, commit: bool) -> None:
    """Begun and ended by the application's engine."""
    engine = create_engine(sqlalchemy_url(url))
    with engine.connect() as connection:
        with connection.begin() as transaction:
            intend()(journal.session_on(connection))
            if not commit:
                transaction.rollback()
        with pytest.raises(ConfigurationError, match="begin a transaction"):
            journal.session_on(connection)
    engine.dispose()
    assert commit == (journal.read(lambda session: session.operation("SHOP0001/pay//1")) is not None)


def test_the_version_is_compared_by_the_database_too(journal: Journal, connection: Any) -> None:
    """Two sessions on one connection: the second to save finds that its version is gone."""
    intended = journal.write(intend())
    first, second = journal.session_on(connection), journal.session_on(connection)
    assert second.operation(intended.id) == intended
    first.save(replace(intended, asked=1), source="query", detail={}, now=NOW)
    with pytest.raises(JournalConflict, match="another writer"):
        second.save(replace(intended, asked=2), source="query", detail={}, now=NOW)


def test_autocommit_is_refused(journal: Journal, kind: str, url: str) -> None:
    """There every statement would be durable by itself; with an explicit transaction it is fine."""
    connection = application(kind, url, autocommit=True)
    with pytest.raises(ConfigurationError, match="autocommit"):
        journal.session_on(connection)
    connection.cursor().execute("BEGIN")
    journal.session_on(connection).add_debt(debt())
    connection.cursor().execute("COMMIT")
    connection.close()
    assert debt() == journal.read(lambda session: session.debt("SHOP0001"))


def test_the_application_may_have_rows_of_its_own_kind(journal: Journal, kind: str, connection: Any) -> None:
    """Dictionaries, say: what we read on its connection are tuples all the same."""
    journal.write(intend())
    if kind == "sqlite":
        connection.row_factory = lambda cursor, row: {each[0]: row[at] for at, each in enumerate(cursor.description)}
    elif kind == "postgresql":
        connection.row_factory = psycopg.rows.dict_row
    else:
        connection.cursorclass = pymysql.cursors.DictCursor
    found = journal.session_on(connection).operation("SHOP0001/pay//1")
    assert found is not None
    assert found.ref == "SHOP0001"


def test_another_database_is_refused(file_journal: Journal, tmp_path: Path) -> None:
    """Nobody would ever send what is written there."""
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        with pytest.raises(ConfigurationError, match="does not hold the journal's tables"):
            file_journal.session_on(connection)
        connection.rollback()
        connection.execute("CREATE TABLE payport_schema (version_num TEXT)")
        with pytest.raises(ConfigurationError, match="does not hold the journal's tables"):
            file_journal.session_on(connection)
    connection.close()
    with pytest.raises(ConfigurationError, match="expected a sqlite3"):
        file_journal.session_on("payments.db")


@pytest.mark.parametrize("kind", sorted(SERVERS))
def test_another_database_of_the_server_is_refused(journal: Journal, kind: str, tmp_path: Path) -> None:
    """And the connection of another driver is."""
    connection = application(kind, SERVERS[kind].url("other"))
    with pytest.raises(ConfigurationError, match="does not hold the journal's tables"):
        journal.session_on(connection)
    connection.close()
    with (
        closing(sqlite3.connect(tmp_path / "other.db")) as other,
        pytest.raises(ConfigurationError, match=r"expected a (psycopg|pymysql)\.Connection"),
    ):
        journal.session_on(other)


@pytest.mark.parametrize("kind", ["mariadb"])
def test_a_lax_connection_is_refused(journal: Journal, connection: Any) -> None:
    """A server that cuts off what does not fit would write a row that nobody can read."""
    connection.cursor().execute("SET SESSION sql_mode = ''")
    with pytest.raises(ConfigurationError, match="sql_mode is not strict"):
        journal.session_on(connection)


def test_a_locked_or_closed_connection_is_a_storage_error(file_journal: Journal, file_url: str) -> None:
    """As everywhere."""
    path = file_url.removeprefix("sqlite:///")
    connection = sqlite3.connect(path, timeout=0.01)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="locked"):
        file_journal.session_on(connection)
    other.close()
    connection.close()


@pytest.mark.parametrize("kind", sorted(SERVERS))
def test_a_closed_connection_is_a_storage_error(journal: Journal, kind: str, url: str) -> None:
    """On a server too."""
    connection = application(kind, url)
    connection.close()
    with pytest.raises(JournalError, match=r"the connection to .* is of no use"):
        journal.session_on(connection)


@pytest.mark.parametrize("kind", ["postgresql"])
def test_whatever_isolation_the_application_has_chosen(journal: Journal, connection: Any) -> None:
    """Also where its reads are older than the lock: what is unique is unique, and the second one is told."""
    connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
    assert connection.execute("SELECT count(*) FROM payport_debt").fetchone() == (0,)
    journal.write(intend())
    session = journal.session_on(connection)
    with pytest.raises(JournalConflict):
        session.open_debt(debt())


def isolated(connection: Any, level: str) -> None:
    """The application's choice for its own transactions on MariaDB."""
    connection.cursor().execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
    connection.commit()


@pytest.mark.parametrize("kind", ["mariadb"])
@pytest.mark.parametrize(("level", "seen"), [("READ COMMITTED", 1), ("REPEATABLE READ", 0)])
def test_what_others_committed_meanwhile_is_seen_where_each_read_is_new(
    journal: Journal, connection: Any, level: str, seen: int
) -> None:
    """And where reads are old, what is unique is unique all the same: the second one is told."""
    isolated(connection, level)
    connection.cursor().execute("SELECT count(*) FROM payport_debt")
    journal.write(intend())
    session = journal.session_on(connection)
    assert session.open_debt(debt()) == debt(), "a lock is on what is there now"
    assert len(session.operations("SHOP0001")) == seen
    if not seen:
        with pytest.raises(JournalConflict):
            session.add(operation(), source="intent", detail={}, now=NOW)


@pytest.mark.parametrize("kind", ["mariadb"])
@pytest.mark.parametrize(("level", "waits"), [("READ COMMITTED", False), ("REPEATABLE READ", True)])
def test_where_reads_are_repeatable_others_wait_for_the_applications_transaction(
    journal: Journal, connection: Any, level: str, waits: bool
) -> None:
    """InnoDB locks gaps between rows there, so the payment of the next reference waits, too; it is told nothing of it.

    The references are of this test and level alone: rows that were deleted a moment ago would make others wait too.
    """
    name = level[:4]
    for ref in (f"{name}0001", f"{name}0009"):
        journal.write(intend(ref))
    isolated(connection, level)
    intend(f"{name}0005")(journal.session_on(connection))
    beside = Thread(target=lambda: journal.write(intend(f"{name}0004")))
    beside.start()
    beside.join(1.0 if waits else 8.0)
    assert beside.is_alive() is waits
    connection.commit()
    beside.join(10)
    assert not beside.is_alive()
    kept = journal.read(lambda session: [session.debt(f"{name}000{number}") for number in (4, 5)])
    assert None not in kept
