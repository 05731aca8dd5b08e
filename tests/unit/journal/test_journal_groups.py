"""Group commit: writers in flight share a commit, and not one of them notices the others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import anyio
import pytest
from tests.support.journal_records import NOW, debt, intend, operation
from tests.support.journal_writers import Commits, adding, held, outcome, queued, refs, wait_for

from payport.sdk.errors import JournalConflict, JournalError
from payport.sdk.journal import Journal
from payport.sdk.journal.session import Session
from payport.sdk.journal.writer import CAREFUL_GROUPS


@pytest.fixture
def url(file_url: str) -> str:
    """Group commit is for a file."""
    return file_url


def test_a_lone_writer_needs_no_savepoint(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no other thread: one transaction, one commit."""
    commits = Commits(monkeypatch)
    with Journal.open(url) as journal:
        commits.statements.clear()
        journal.write(adding("A"))
    assert (commits.count("BEGIN IMMEDIATE"), commits.count("COMMIT"), commits.count("SAVEPOINT")) == (1, 1, 0)


def test_writers_in_flight_share_a_commit(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty threads that wait behind one cost one commit more."""
    names = [f"T{number}" for number in range(30)]
    commits = Commits(monkeypatch)
    with Journal.open(url) as journal, ThreadPoolExecutor(30) as threads:
        commits.statements.clear()
        with held(journal):
            writes = [threads.submit(journal.write, adding(ref)) for ref in names]
            wait_for(lambda: queued(journal) == 30)
        for write in writes:
            write.result()
        assert (commits.count("COMMIT"), commits.count("SAVEPOINT")) == (2, 0)
        assert names == refs(journal, names)


def test_a_group_in_which_one_failed_is_done_again_with_savepoints(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so are the next ones; they are no longer needed when nobody failed for a while."""
    commits = Commits(monkeypatch)
    with Journal.open(url) as journal, ThreadPoolExecutor(3) as threads:

        def together(*names: str) -> list[str]:
            commits.statements.clear()
            with held(journal):
                writes = [threads.submit(outcome, partial(journal.write, adding(ref))) for ref in names]
                wait_for(lambda: queued(journal) == len(names))
            return sorted(write.result() for write in writes)

        assert together("A", "A", "B") == ["JournalConflict", "written", "written"]
        # rolled back as a whole, and then the one that fails; the second commit takes the others
        assert (commits.count("ROLLBACK"), commits.count("SAVEPOINT"), commits.count("COMMIT")) == (2, 3, 2)
        for number in range(1, CAREFUL_GROUPS):
            together(f"C{number}", f"D{number}")
            assert (commits.count("ROLLBACK"), commits.count("SAVEPOINT"), commits.count("COMMIT")) == (0, 2, 2)
        together("E", "F")
        assert (commits.count("ROLLBACK"), commits.count("SAVEPOINT"), commits.count("COMMIT")) == (0, 0, 2)
        assert refs(journal, ["A", "B", "C1", "D31", "E", "F"]) == ["A", "B", "C1", "D31", "E", "F"]


def test_a_failure_in_a_group_is_its_own_alone(journal: Journal) -> None:
    """A conflict, or any error of one's work, rolls back that work and reaches that caller; the rest is written."""

    def half(session: Session) -> None:
        session.add_debt(debt("HALF"))
        raise ZeroDivisionError

    works = {
        "first": adding("A"),
        "taken": adding("A"),
        "raises": half,
        "backwards": lambda session: session.add(operation("NODEBT"), source="intent", detail={}, now=NOW),
        "last": intend("B"),
    }
    with ThreadPoolExecutor(len(works)) as threads:
        with held(journal):
            calls: dict[str, Any] = {}
            for number, (name, work) in enumerate(works.items(), start=1):
                calls[name] = threads.submit(outcome, lambda work=work: journal.write(work))  # type: ignore[misc] # bound now
                wait_for(lambda number=number: queued(journal) == number)  # type: ignore[misc] # bound now
        ended = {name: call.result() for name, call in calls.items()}

    assert ended == {
        "first": "written",
        "taken": "JournalConflict",
        "raises": "ZeroDivisionError",
        "backwards": "JournalError",
        "last": "written",
    }
    assert refs(journal, ["A", "HALF", "NODEBT", "B"]) == ["A", "B"]


@pytest.mark.anyio
async def test_tasks_share_a_commit(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under asyncio and trio; conflicts reach only their own task, and reads see what was written."""
    commits = Commits(monkeypatch)
    ended: list[str] = []

    async def write(journal: Journal, ref: str) -> None:
        try:
            await journal.awrite(adding(ref))
        except JournalConflict:
            ended.append("conflict")
        else:
            ended.append("written")

    with Journal.open(url) as journal:
        commits.statements.clear()
        async with anyio.create_task_group() as tasks:
            for number in range(64):
                tasks.start_soon(write, journal, f"T{number % 60}")
        assert (ended.count("written"), ended.count("conflict")) == (60, 4)
        assert commits.count("COMMIT") < 20
        assert debt("T59") == await journal.aread(lambda session: session.debt("T59"))
        with pytest.raises(ZeroDivisionError):
            await journal.aread(lambda session: 1 / 0)
        with pytest.raises(JournalError, match="inside its own work"):
            await journal.awrite(lambda session: journal.read(lambda inner: None))


@pytest.mark.anyio
async def test_a_cancelled_task_leaves_all_or_nothing(journal: Journal) -> None:
    """Cancelled while it waits: the write is taken back, and those behind it go on."""
    with held(journal):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(journal.awrite, adding("CANCELLED"))
            while queued(journal) < 1:  # noqa: ASYNC110 - another thread's doing, which sets no event
                await anyio.sleep(0.001)
            tasks.cancel_scope.cancel()
        assert queued(journal) == 0
    await journal.awrite(adding("NEXT"))
    assert refs(journal, ["CANCELLED", "NEXT"]) == ["NEXT"]
