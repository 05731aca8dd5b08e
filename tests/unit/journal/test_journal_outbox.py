"""The intent inside the application's own transaction: both are committed together, or neither is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from tests.support.journal_records import NOW, debt, intend

from payport.sdk.errors import ConfigurationError, JournalConflict, JournalError
from payport.sdk.journal import Journal


@pytest.fixture
def path(url: str) -> str:
    """The application's database, in which the journal lives too."""
    return url.removeprefix("sqlite:///")


@pytest.mark.parametrize("commit", [True, False])
def test_one_transaction_of_the_drivers(journal: Journal, path: str, commit: bool) -> None:
    """With the driver's own habit of beginning a transaction at the first change."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE basket (ref TEXT)")
    connection.execute("INSERT INTO basket VALUES ('SHOP0001')")
    intend()(journal.session_on(connection))
    assert journal.read(lambda session: session.debt("SHOP0001")) is None, "we do not commit"
    if commit:
        connection.commit()
    else:
        connection.rollback()
    assert commit == (journal.read(lambda session: session.operation("SHOP0001/pay//1")) is not None)
    assert int(commit) == connection.execute("SELECT count(*) FROM basket").fetchone()[0]
    connection.close()


def test_the_first_statement_may_be_ours(journal: Journal, path: str) -> None:
    """Then the transaction begins here, and the write lock is taken before anything is read."""
    connection = sqlite3.connect(path)
    session = journal.session_on(connection)
    assert connection.in_transaction
    session.add_debt(debt())
    connection.commit()
    with pytest.raises(JournalConflict):
        journal.session_on(connection).add_debt(debt())
    connection.rollback()
    connection.close()
    assert debt() == journal.read(lambda session: session.debt("SHOP0001"))


@pytest.mark.parametrize("commit", [True, False])
def test_one_transaction_of_sqlalchemy(journal: Journal, url: str, commit: bool) -> None:
    """Begun and ended by the application's engine."""
    engine = create_engine(url)
    with engine.connect() as connection:
        with connection.begin() as transaction:
            intend()(journal.session_on(connection))
            if not commit:
                transaction.rollback()
        with pytest.raises(ConfigurationError, match="begin a transaction"):
            journal.session_on(connection)
    engine.dispose()
    assert commit == (journal.read(lambda session: session.operation("SHOP0001/pay//1")) is not None)


def test_the_version_is_compared_by_the_database_too(journal: Journal, path: str) -> None:
    """Two sessions on one connection: the second to save finds that its version is gone."""
    intended = journal.write(intend())
    connection = sqlite3.connect(path)
    first, second = journal.session_on(connection), journal.session_on(connection)
    assert second.operation(intended.id) == intended
    first.save(replace(intended, asked=1), source="query", detail={}, now=NOW)
    with pytest.raises(JournalConflict, match="another writer"):
        second.save(replace(intended, asked=2), source="query", detail={}, now=NOW)
    connection.rollback()
    connection.close()


def test_autocommit_is_refused(journal: Journal, path: str) -> None:
    """There every statement would be durable by itself; with an explicit transaction it is fine."""
    connection = sqlite3.connect(path, isolation_level=None)
    with pytest.raises(ConfigurationError, match="autocommit"):
        journal.session_on(connection)
    connection.execute("BEGIN")
    journal.session_on(connection).add_debt(debt())
    connection.execute("COMMIT")
    connection.close()
    assert debt() == journal.read(lambda session: session.debt("SHOP0001"))


def test_another_database_is_refused(journal: Journal, tmp_path: Path) -> None:
    """Nobody would ever send what is written there."""
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        with pytest.raises(ConfigurationError, match="does not hold the journal's tables"):
            journal.session_on(connection)
        connection.rollback()
        connection.execute("CREATE TABLE payport_schema (version_num TEXT)")
        with pytest.raises(ConfigurationError, match="does not hold the journal's tables"):
            journal.session_on(connection)
    connection.close()
    with pytest.raises(ConfigurationError, match="expected a sqlite3"):
        journal.session_on("payments.db")


def test_a_locked_or_closed_connection_is_a_storage_error(journal: Journal, path: str) -> None:
    """As everywhere."""
    connection = sqlite3.connect(path, timeout=0.01)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="locked"):
        journal.session_on(connection)
    other.close()
    connection.close()
