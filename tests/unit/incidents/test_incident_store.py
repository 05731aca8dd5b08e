"""What every store of incidents promises, kept by the one in memory and by the journal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from tests.support.audit_journals import records
from tests.support.databases import NAMES, SERVERS
from tests.support.incidents import later, trouble

from payport.sdk.errors import JournalConflict, JournalError
from payport.sdk.incidents import keeping, lifecycle
from payport.sdk.incidents.kinds import BREAKER_OPEN, KINDS, MISMATCH
from payport.sdk.incidents.records import MAX_KEY, Cleared, Stage, from_trouble
from payport.sdk.incidents.store import IncidentStore, JournalIncidents, MemoryIncidents
from payport.sdk.journal.store import Journal


@pytest.fixture(params=["memory", *NAMES])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[IncidentStore]:
    """In memory, and in a journal on each database."""
    if request.param == "memory":
        yield MemoryIncidents()
        return
    with Journal.open(url_of(str(request.param), tmp_path)) as journal:
        yield JournalIncidents(journal)


def test_an_incident_comes_back_as_it_was(store: IncidentStore) -> None:
    """Every field of it."""
    opened = from_trouble(trouble(MISMATCH, "SHOP10010001/pay//1"))
    known = lifecycle.told(lifecycle.claimed(opened, "duty", later(3)), "lead", Stage.ESCALATED)
    kept = store.write(lambda session: session.add_incident(known))
    assert kept == replace(known, id=kept.id)
    assert kept.id > 0
    taken = lifecycle.acknowledged(kept, "Wen", later(9))
    saved = store.write(lambda session: session.save_incident(taken))
    assert saved == replace(taken, version=1)
    assert store.read(lambda session: session.incident(kept.id)) == saved
    assert store.read(lambda session: session.incident(kept.id + 1)) is None


def test_one_of_a_key_is_open_at_a_time(store: IncidentStore) -> None:
    """The second is refused until the first is resolved; then the newest is the one that is found."""
    first = store.write(lambda session: session.add_incident(from_trouble(trouble())))
    with pytest.raises(JournalConflict):
        store.write(lambda session: session.add_incident(from_trouble(trouble())))
    over = lifecycle.resolved(first, "Wen", later(1))
    store.write(lambda session: session.save_incident(over))
    second = store.write(lambda session: session.add_incident(from_trouble(trouble(after_s=2))))
    assert second.id > first.id
    assert store.read(lambda session: session.latest_incident(first.key)) == second
    assert [each.id for each in store.read(lambda session: session.recent_incidents(9))] == [second.id, first.id]
    assert store.read(lambda session: session.unsettled_incidents(9)) == [second]


def test_of_two_writers_the_slower_one_decides_again(store: IncidentStore) -> None:
    """Nothing is overwritten."""
    seen = store.write(lambda session: session.add_incident(from_trouble(trouble())))
    store.write(lambda session: session.save_incident(replace(seen, count=2)))
    with pytest.raises(JournalConflict, match="changed by another writer"):
        store.write(lambda session: session.save_incident(replace(seen, count=3)))
    assert keeping.report(store, trouble()).count == 3


def test_work_that_fails_has_written_nothing(store: IncidentStore) -> None:
    """All or nothing."""

    def fails(session: object) -> None:
        session.add_incident(from_trouble(trouble()))  # type: ignore[attr-defined]
        raise ZeroDivisionError

    with suppress(ZeroDivisionError):
        store.write(fails)
    assert store.read(lambda session: session.recent_incidents(9)) == []


def test_every_key_fits(store: IncidentStore) -> None:
    """However long what it is about is called; and two that begin alike stay two."""
    one, two = trouble(about="长" * 300), trouble(about="长" * 300 + "x")
    assert len(one.key) <= MAX_KEY
    keeping.report(store, one)
    keeping.report(store, two)
    assert len(store.read(lambda session: session.recent_incidents(9))) == 2


def test_threads_that_find_the_same_open_one(store: IncidentStore) -> None:
    """Eight at once."""

    def find() -> None:
        for _ in range(5):
            keeping.report(store, trouble())

    threads = [Thread(target=find) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.count for each in store.read(lambda session: session.recent_incidents(9))] == [40]


def url_of(kind: str, folder: Path) -> str:
    """An empty database."""
    return f"sqlite:///{folder / 'x.db'}" if kind == "sqlite" else SERVERS[kind].url("incidents")


REPORTER = """
import sys
from tests.support.incidents import trouble
from payport.sdk.incidents import keeping
from payport.sdk.incidents.store import JournalIncidents
from payport.sdk.journal.store import Journal
with Journal.open(sys.argv[1]) as journal:
    for _ in range(10):
        keeping.report(JournalIncidents(journal), trouble())
"""


@pytest.mark.parametrize("kind", NAMES)
def test_processes_that_find_the_same_open_one(kind: str, tmp_path: Path) -> None:
    """Three of them, on one database."""
    url = url_of(kind, tmp_path)
    with Journal.open(url) as journal:
        command = [sys.executable, "-c", REPORTER, url]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        running = [subprocess.Popen(command, env=environment) for _ in range(3)]
        assert [each.wait(50) for each in running] == [0, 0, 0]
        found = JournalIncidents(journal).read(lambda session: session.recent_incidents(9))
    assert [each.count for each in found] == [30]


# what people decide is in the audit trail


@pytest.mark.parametrize("kind", NAMES)
def test_what_a_person_decides_is_recorded_with_it(kind: str, tmp_path: Path) -> None:
    """Who, what, when, with what result, about what; taking on what was taken on is no decision."""
    with Journal.open(url_of(kind, tmp_path)) as journal:
        incidents = JournalIncidents(journal)
        operation = "SHOP10010001/pay//1"
        found = keeping.report(
            incidents, replace(trouble(MISMATCH, operation), ref="SHOP10010001", operation=operation)
        )
        keeping.acknowledge(incidents, found.id, "Wen", later(60))
        keeping.acknowledge(incidents, found.id, "Li", later(61), actor="li@till-3")
        keeping.resolve(incidents, found.id, "Li", later(120), "a typo of theirs", actor="li@till-3")
        taken, over = records(journal)
    assert (taken.what, taken.result, taken.who, taken.when) == (
        "incident.acknowledged", "acknowledged", "Wen", later(60),
    )  # fmt: skip
    assert (over.what, over.result, over.who, over.when) == ("incident.resolved", "resolved", "li@till-3", later(120))
    assert (over.ref, over.operation, over.partner, over.account) == (
        "SHOP10010001", operation, found.partner, found.account,
    )  # fmt: skip
    assert over.detail == {
        "incident": found.id, "kind": "mismatch", "about": found.key, "by": "Li", "note": "a typo of theirs",
    }  # fmt: skip
    assert over.origin.process == os.getpid()


def test_an_end_that_came_by_itself_is_nobodys_decision(tmp_path: Path) -> None:
    """Nor is what a sink was told: the trail is about people, the incident tells the rest."""
    with Journal.open(f"sqlite:///{tmp_path / 'x.db'}") as journal:
        incidents = JournalIncidents(journal)
        found = keeping.report(incidents, trouble())
        keeping.change(incidents, found.id, lambda now: lifecycle.told(now, "duty", Stage.OPENED))
        keeping.clear(incidents, Cleared(kind=BREAKER_OPEN, about=found.account, why="it closed", at=later(9)))
        assert incidents.read(lambda session: session.recent_incidents(1))[0].resolved_by == lifecycle.ITSELF
        assert records(journal) == []


def test_what_cannot_be_recorded_is_not_decided(tmp_path: Path) -> None:
    """The incident and its record are one transaction."""
    with Journal.open(f"sqlite:///{tmp_path / 'x.db'}") as journal:
        incidents = JournalIncidents(journal)
        found = keeping.report(incidents, trouble())
        damaged(journal, "DROP TABLE payport_audit")
        with pytest.raises(JournalError):
            keeping.acknowledge(incidents, found.id, "Wen", later(60))
        kept = incidents.read(lambda session: session.incident(found.id))
    assert kept is not None
    assert kept.acknowledged_by == ""


def test_what_was_taken_on_without_the_journal_is_recorded_when_it_is_back(tmp_path: Path) -> None:
    """By the one who did, at the time at which he did."""
    spare = MemoryIncidents()
    taken = keeping.acknowledge(spare, keeping.report(spare, trouble()).id, "Wen", later(60))
    with Journal.open(f"sqlite:///{tmp_path / 'x.db'}") as journal:
        incidents = JournalIncidents(journal)
        keeping.report(incidents, trouble())
        keeping.take_over(incidents, taken)
        assert [(each.what, each.who, each.when) for each in records(journal)] == [
            ("incident.acknowledged", "Wen", later(60))
        ]


def damaged(journal: Journal, change: str) -> Callable[[], object]:
    """Change the row behind the library's back."""
    with journal._database.engine.begin() as connection:
        connection.exec_driver_sql(change)
    return lambda: journal.read(lambda session: session.operating.recent_incidents(9))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payport_incident SET settled = 1",
        "UPDATE payport_incident SET version = 7",
        "UPDATE payport_incident SET live = NULL",
        "UPDATE payport_incident SET body = replace(body, 'breaker', 'broken')",
        "UPDATE payport_incident SET body = 'x'",
    ],
)
def test_a_row_that_was_tampered_with_is_not_believed(tmp_path: Path, change: str) -> None:
    """Its columns and its body are compared."""
    with Journal.open(f"sqlite:///{tmp_path / 'x.db'}") as journal:
        keeping.report(JournalIncidents(journal), trouble())
        read = damaged(journal, change)
        with pytest.raises(JournalError, match="incident 1 in the journal"):
            read()


def test_every_kind_can_be_kept(store: IncidentStore) -> None:
    """And a kind that another process made up is read all the same."""
    for kind in KINDS:
        keeping.report(store, trouble(kind))
    found = store.read(lambda session: session.recent_incidents(99))
    assert [each.kind for each in reversed(found)] == [kind.name for kind in KINDS]
