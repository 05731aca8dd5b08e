"""How a journal's tables come to be in any database, and how they become those of a newer version."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from tests.support.audit_journals import flaws, records
from tests.support.databases import SERVERS, by_hand, sqlalchemy_url
from tests.support.incidents import trouble
from tests.support.journal_records import ACCOUNT, NOW, debt, exit_status, in_child, intend
from tests.support.old_journal import KEY, RECORDS, REQUEST, ROWS, START, write_old_journal

from payport.sdk.errors import ConfigurationError, JournalError
from payport.sdk.incidents import keeping
from payport.sdk.incidents.records import Stage, Status
from payport.sdk.incidents.store import JournalIncidents
from payport.sdk.journal import Journal, schema
from payport.sdk.journal.records import State
from payport.sdk.journal.tables import SCHEMA_TABLE, metadata
from payport.sdk.journal.trail import JournalTrail
from payport.sdk.scorecards import JournalMeasures


@pytest.fixture
def url(kind: str, file_url: str) -> str:
    """A database without any table."""
    return file_url if kind == "sqlite" else SERVERS[kind].url("bare", bare=True)


def test_opening_again_finds_everything(url: str) -> None:
    """Alembic is not even imported then."""
    with Journal.open(url) as journal:
        journal.write(lambda session: session.add_debt(debt()))
        assert journal.durable
    script = (
        "import sys; from payport.sdk.journal import Journal\n"
        f"with Journal.open({url!r}) as journal:\n"
        "    assert journal.read(lambda session: session.debt('SHOP0001')) is not None\n"
        "assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_eight_processes_may_open_a_new_journal_at_once(url: str) -> None:
    """One creates the tables, the others wait for it."""

    def work() -> None:
        with Journal.open(url, durability="normal") as journal:
            journal.write(lambda session: session.add_debt(debt(f"P{os.getpid()}")))

    children = [in_child(work) for _ in range(8)]
    assert [exit_status(child) for child in children] == [0] * 8
    with Journal.open(url) as journal:
        assert all(journal.read(lambda session, ref=f"P{child}": session.debt(ref)) for child in children)  # type: ignore[misc] # bound now


def test_a_newer_schema_is_refused(kind: str, url: str) -> None:
    """An older library cannot know what a newer one wrote; it says so and changes nothing."""
    Journal.open(url).close()
    with by_hand(kind, url) as cursor:
        cursor.execute(f"UPDATE {SCHEMA_TABLE} SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="schema is 9999, this version of payport knows"):
        Journal.open(url)


def test_a_damaged_schema_number_is_refused(kind: str, url: str) -> None:
    """Not taken for an empty database."""
    Journal.open(url).close()
    with by_hand(kind, url) as cursor:
        cursor.execute(f"ALTER TABLE {SCHEMA_TABLE} RENAME COLUMN version_num TO other")
    with pytest.raises(JournalError, match="up to date"):
        Journal.open(url)


def tables_of(connection: Connection) -> dict[str, list[str]]:
    """The columns and constraints of every table of a file, whatever their order."""
    found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'").all()
    return {name: sorted(line.strip(" ,\t") for line in sql.splitlines()) for name, sql in found}


def test_the_migrations_make_the_tables_that_the_code_uses(kind: str, url: str) -> None:
    """Nothing is missing, nothing is left over, and the number in the code is the newest revision."""
    Journal.open(url).close()
    engine = create_engine(sqlalchemy_url(url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": SCHEMA_TABLE, "compare_type": True})
        differences = [found for found in compare_metadata(context, metadata) if "fk_payport" not in str(found)]
        assert differences == [], "but for the indexes that MariaDB adds for its foreign keys"
        if kind == "sqlite":
            migrated = tables_of(connection)
            metadata.drop_all(connection)
            metadata.create_all(connection)
            assert migrated == tables_of(connection)
    engine.dispose()
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


@pytest.mark.parametrize("statement", range(6))
def test_a_process_that_dies_while_it_creates_the_tables(
    url: str, statement: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one does the rest, also where each statement stays done."""
    made = 0

    class Died(BaseException):
        """Nothing cleans up after it."""

    def counted(make: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            nonlocal made
            if made == statement:
                raise Died
            made += 1
            return make(*args, **options)

        return call

    for name in ("create_table", "create_index"):
        monkeypatch.setattr(op, name, counted(getattr(op, name)))
    with pytest.raises(Died):
        Journal.open(url)
    assert made == statement
    monkeypatch.undo()
    with Journal.open(url) as journal:
        journal.write(intend())
        assert len(journal.read(lambda session: session.open_operations())) == 1


@pytest.mark.parametrize("revision", sorted(ROWS))
def test_a_journal_of_an_older_version_is_brought_up_to_date(url: str, revision: str) -> None:
    """Everything that it wrote is read, and goes on from there: from every released schema, on each database."""
    write_old_journal(url, revision)
    with Journal.open(url, sealing_key=KEY) as journal:
        pending, paid = journal.read(
            lambda session: (session.operation("SHOP0001/pay//1"), session.operation("SHOP0002/pay//1"))
        )
        assert pending is not None
        assert paid is not None
        assert (pending.state, pending.partner_id, pending.steps[0].request) == (
            State.PENDING,
            "2026013122001",
            REQUEST,
        )
        assert (paid.state, paid.settled) == (State.SUCCEEDED, paid.amount)
        (kept,) = journal.read(lambda session: session.notices(ACCOUNT, applied=False))
        assert (kept.event.id, kept.raw) == ("event1", b"signed bytes")
        assert [line.id for line in journal.read(lambda session: session.undelivered(10))] == [2, 4]
        check_what_later_schemas_brought(journal, revision)

        claimed = journal.write(lambda session: session.claim(ACCOUNT, NOW, owner="a", ttl_s=30.0))
        assert claimed == pending
        journal.write(intend("SHOP0003"))
        assert [line.version for line in journal.read(lambda session: session.history("SHOP0001"))] == [0, 1]
        assert len(journal.read(lambda session: session.open_operations())) == 2
        opened = keeping.report(JournalIncidents(journal), trouble())
        assert opened.id == (2 if revision >= "0005" else 1)
        assert flaws(journal) == [], "the audit trail goes on behind what was there"


def check_what_later_schemas_brought(journal: Journal, revision: str) -> None:
    """The rows of the tables that came after the first schema, where this one had them; else the tables are empty."""
    trail = JournalTrail(journal)
    told = [(record.operation, record.version, record.who) for record in records(journal)]
    expected = [(operation, version, "till-3") for operation, version, _ in RECORDS]
    assert sorted(told) == (sorted(expected) if revision >= "0003" else [])
    (first, *_) = trail.chains()
    assert (first.start == START) is (revision >= "0003")
    with journal._database.engine.connect() as connection:
        for table in ("audit_exchange", "audit_key"):
            found = connection.exec_driver_sql(f"SELECT count(*) FROM payport_{table}").scalar()
            assert found == (1 if revision >= "0003" else 0)
    counted = JournalMeasures(journal).read(NOW.date(), NOW.date())
    assert [(row.measure, row.number) for row in counted] == ([("judged", 2)] if revision >= "0004" else [])
    incidents = JournalIncidents(journal).read(lambda session: session.recent_incidents(9))
    holds, place = journal.read(lambda session: (session.operating.holds(9), session.operating.place("watch")))
    if revision < "0005":
        assert (list(incidents), list(holds), place) == ([], [], None)
        return
    assert [(each.kind, each.status, each.acknowledged_by, each.told) for each in incidents] == [
        ("mismatch", Status.ACKNOWLEDGED, "Wen", {"duty": Stage.OPENED})
    ]
    assert [(hold.ref, hold.rule, hold.released) for hold in holds] == [("SHOP0003", "payer_orders", False)]
    assert place == 4


def test_every_released_schema_has_rows_in_every_table() -> None:
    """A version that changes the schema leaves rows behind for the next one to read."""
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
    assert {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()} == set(ROWS)
    written = {table.partition(" ")[0] for tables in ROWS.values() for table in tables}
    assert {*written, "payport_audit_chain"} == set(metadata.tables)
