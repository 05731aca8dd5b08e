"""When the storage fails, the caller is interrupted, or the journal is closed: nobody hangs, nobody is told a lie."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from tests.support.journal_records import debt, intend
from tests.support.journal_writers import (
    Failing,
    adding,
    fail_commits,
    held,
    outcome,
    queued,
    refs,
    sqlite_error,
    wait_for,
)

from payport.sdk.errors import JournalError
from payport.sdk.journal import Journal
from payport.sdk.journal.session import Session
from payport.sdk.journal.writer import Writer


@pytest.fixture
def url(file_url: str) -> str:
    """Group commit is for a file."""
    return file_url


def test_a_commit_that_fails_fails_everybody(journal: Journal, url: str) -> None:
    """Nobody is told that a row is durable that is not. Afterwards the journal works again."""
    foreign = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)

    def lose(session: Session) -> None:
        # as a full disk or an I/O error does: the whole transaction is gone under everybody's feet
        session._cursor.execute("ROLLBACK")  # type: ignore[attr-defined] # a fault planted below the interface
        raise ZeroDivisionError

    with ThreadPoolExecutor(3) as threads:
        with held(journal):
            first = threads.submit(outcome, lambda: journal.write(adding("A")))
            wait_for(lambda: queued(journal) == 1)
            second = threads.submit(outcome, lambda: journal.write(lose))
            wait_for(lambda: queued(journal) == 2)
            third = threads.submit(outcome, lambda: journal.write(adding("C")))
            wait_for(lambda: queued(journal) == 3)
        assert [one.result() for one in (first, second, third)] == ["JournalError", "ZeroDivisionError", "JournalError"]
    assert refs(journal, ["A", "C"]) == []
    journal.write(adding("A"))
    foreign.close()
    assert refs(journal, ["A"]) == ["A"]


def test_a_connection_that_breaks_is_replaced(journal: Journal) -> None:
    """Whoever writes when it breaks is told so; the next writer finds another."""

    def breaks(session: Session) -> None:
        session._cursor.connection.close()  # type: ignore[attr-defined] # a fault planted below the interface
        session.debt("A")

    with pytest.raises(JournalError, match="closed"):
        journal.write(breaks)
    journal.write(adding("A"))
    assert refs(journal, ["A"]) == ["A"]


def test_a_locked_database_is_a_storage_error(url: str) -> None:
    """After the time-out, with the cause; and the journal recovers."""
    with Journal.open(url, busy_timeout_s=0.05) as journal:
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match="locked") as failed:
            journal.write(adding("A"))
        assert isinstance(failed.value.__cause__, sqlite3.OperationalError)
        other.execute("ROLLBACK")
        other.close()
        journal.write(adding("A"))


def test_a_full_disk_is_a_storage_error_and_passes(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that does not fit is refused, what was there stays, and writing goes on once there is room."""
    limits: list[sqlite3.Connection] = []
    connect = sqlite3.dbapi2.connect

    def limited(*args: Any, **options: Any) -> sqlite3.Connection:
        limits.append(connect(*args, **options))
        return limits[-1]

    with Journal.open(url) as journal:
        journal.write(adding("A"))
        journal._writer.disconnect()
        monkeypatch.setattr(sqlite3.dbapi2, "connect", limited)
        journal.write(adding("B"))
        pages = limits[-1].execute("PRAGMA page_count").fetchone()[0]
        limits[-1].execute(f"PRAGMA max_page_count={pages + 2}").close()
        ended = [outcome(lambda ref=f"N{number}": journal.write(intend(ref))) for number in range(30)]  # type: ignore[misc] # bound now
        assert {"written", "JournalError"} == set(ended)
        limits[-1].execute("PRAGMA max_page_count=100000").close()
        journal.write(intend("LAST"))
        assert ended.count("written") + 1 == len(journal.read(lambda session: session.open_operations()))


@pytest.mark.parametrize(
    ("error", "first", "second"),
    [
        pytest.param(sqlite_error("SQLITE_IOERR_FSYNC"), "JournalUnsure", "JournalUnsure", id="the disk fails"),
        pytest.param(KeyboardInterrupt(), "KeyboardInterrupt", "JournalUnsure", id="Ctrl-C"),
    ],
)
def test_a_commit_that_may_be_there_is_told_as_such(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, error: BaseException, first: str, second: str
) -> None:
    """Everything stands in the log when it fails: nobody whose work is in it hears that nothing was written."""

    def lead() -> str:
        try:
            return outcome(lambda: journal.write(adding("A")))
        except KeyboardInterrupt:
            return "KeyboardInterrupt"

    fail_commits(journal, monkeypatch, None, error)
    with ThreadPoolExecutor(2) as threads:
        with held(journal):
            one = threads.submit(lead)
            wait_for(lambda: queued(journal) == 1)
            other = threads.submit(outcome, lambda: journal.write(adding("B")))
            wait_for(lambda: queued(journal) == 2)
        assert (one.result(), other.result()) == (first, second)
    assert refs(journal, ["A", "B"]) == ["A", "B"]


@pytest.mark.parametrize(
    ("instead", "name"),
    [pytest.param("ROLLBACK", "SQLITE_FULL", id="full"), pytest.param("", "SQLITE_BUSY", id="busy")],
)
def test_a_commit_that_is_certain_to_have_left_nothing(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, instead: str, name: str
) -> None:
    """There was no room for the end of it, or the transaction goes on and is rolled back."""
    fail_commits(journal, monkeypatch, sqlite_error(name))
    monkeypatch.setattr(Failing, "instead", instead)
    assert outcome(lambda: journal.write(adding("A"))) == "JournalError"
    assert refs(journal, ["A"]) == []
    journal.write(adding("A"))


def test_a_loop_that_is_gone_does_not_hold_up_the_others(journal: Journal) -> None:
    """A task whose loop was closed while it waited is forgotten."""

    async def abandon() -> None:
        asyncio.get_running_loop().create_task(journal.awrite(adding("LEFT")))
        await asyncio.sleep(0.01)

    with held(journal):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(abandon())
        leftover = asyncio.all_tasks(loop)
        loop.close()
    journal.write(adding("NEXT"))
    assert refs(journal, ["NEXT"]) == ["NEXT"]
    for task in leftover:  # pending for good: its loop is closed
        task._log_destroy_pending = False  # type: ignore[attr-defined] # keeps asyncio quiet about it
        coroutine = task.get_coro()
        assert coroutine is not None
        coroutine.close()


def test_ctrl_c_takes_a_waiting_write_back(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The interrupted caller leaves, nothing of it is written, and those behind it go on."""
    from payport.sdk.journal import waiting

    wait = waiting.ThreadWaiter.wait
    interrupted: list[waiting.ThreadWaiter] = []

    def interrupt(self: waiting.ThreadWaiter) -> None:
        if not interrupted:
            interrupted.append(self)
            raise KeyboardInterrupt
        wait(self)

    monkeypatch.setattr(waiting.ThreadWaiter, "wait", interrupt)
    with held(journal), pytest.raises(KeyboardInterrupt):
        journal.write(adding("GONE"))
    journal.write(adding("NEXT"))
    assert refs(journal, ["GONE", "NEXT"]) == ["NEXT"]


def test_ctrl_c_while_the_turn_is_handed_over(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that is interrupted just when it should lead hands the turn on and is not told that it wrote."""
    from payport.sdk.journal import waiting

    wait = waiting.ThreadWaiter.wait
    interrupted: list[waiting.ThreadWaiter] = []

    def interrupt(self: waiting.ThreadWaiter) -> None:
        wait(self)
        if not interrupted:
            interrupted.append(self)
            raise KeyboardInterrupt

    monkeypatch.setattr(waiting.ThreadWaiter, "wait", interrupt)
    ended: list[type[BaseException]] = []

    def write() -> None:
        try:
            journal.write(adding("GONE"))
        except KeyboardInterrupt as error:
            ended.append(type(error))

    thread = Thread(target=write)
    with held(journal):
        thread.start()
        wait_for(lambda: queued(journal) == 1)
    thread.join()
    journal.write(adding("NEXT"))
    assert ([KeyboardInterrupt], ["NEXT"]) == (ended, refs(journal, ["GONE", "NEXT"]))


def test_ctrl_c_in_the_middle_of_a_group_fails_the_group(journal: Journal) -> None:
    """Whoever carries out the work is interrupted; the others hear that nothing was written, and nothing was."""

    def interrupt(session: Session) -> None:
        session.add_debt(debt("B"))
        raise KeyboardInterrupt

    def lead() -> str:
        try:
            journal.write(interrupt)
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            return type(error).__name__
        return "written"

    with ThreadPoolExecutor(2) as threads:
        with held(journal):
            first = threads.submit(lead)
            wait_for(lambda: queued(journal) == 1)
            second = threads.submit(outcome, lambda: journal.write(adding("A")))
            wait_for(lambda: queued(journal) == 2)
        assert (first.result(), second.result()) == ("KeyboardInterrupt", "JournalError")
    assert refs(journal, ["A", "B"]) == []
    journal.write(adding("A"))


def test_ctrl_c_before_a_group_is_begun(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody of the group is told that it wrote."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def lead() -> str:
        try:
            journal.write(adding("A"))
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            return type(error).__name__
        return "written"

    with ThreadPoolExecutor(2) as threads:
        with held(journal):
            calls = []
            for waiting in (1, 2):
                calls.append(threads.submit(lead))
                wait_for(lambda waiting=waiting: queued(journal) == waiting)  # type: ignore[misc] # bound now
            monkeypatch.setattr(journal._writer, "_run", interrupt)
        assert [call.result() for call in calls] == ["KeyboardInterrupt", "JournalError"]
    monkeypatch.undo()
    assert refs(journal, ["A"]) == []
    journal.write(adding("A"))


def test_closing_finishes_what_waits_and_refuses_the_rest(url: str) -> None:
    """Nobody hangs: who was queued is written, who comes later is told. Closing twice is fine."""
    journal = Journal.open(url)
    with ThreadPoolExecutor(3) as threads:
        with held(journal):
            writing = threads.submit(journal.write, adding("A"))
            tasks = threads.submit(lambda: asyncio.run(journal.awrite(adding("B"))))
            wait_for(lambda: queued(journal) == 2)
            closing = threads.submit(journal.close)
            wait_for(lambda: journal._writer._closing)
            with pytest.raises(JournalError, match="closed"):
                journal.write(adding("C"))
        for call in (writing, tasks, closing):
            call.result(20)
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.read(lambda session: session.debt("A"))

    async def late() -> list[str]:
        ended = []
        for call in (journal.aread, journal.awrite):
            try:
                await call(lambda session: session.debt("A"))
            except JournalError as error:
                ended.append(str(error))
        return ended

    assert asyncio.run(late()) == ["the journal is closed"] * 2
    with Journal.open(url) as again:
        assert refs(again, ["A", "B", "C"]) == ["A", "B"]


@pytest.fixture
def closing_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal's thread, which tasks have called, gets the turn after who closes."""
    lead = Writer._lead_for_tasks

    def late(self: Writer) -> None:
        wait_for(lambda: self._closed)
        lead(self)

    monkeypatch.setattr(Writer, "_lead_for_tasks", late)


@pytest.mark.usefixtures("closing_first")
def test_closing_wakes_the_tasks_that_it_wrote_for(url: str) -> None:
    """Two of the loop in which a third one closes the journal."""
    journal = Journal.open(url)

    async def main() -> None:
        writing = [asyncio.ensure_future(journal.awrite(adding(ref))) for ref in ("A", "B")]
        await asyncio.sleep(0)
        assert queued(journal) == 2
        journal.close()
        await asyncio.wait_for(asyncio.gather(*writing), 5)

    asyncio.run(main())
    with Journal.open(url) as again:
        assert refs(again, ["A", "B"]) == ["A", "B"]


@pytest.mark.usefixtures("closing_first")
def test_closing_wakes_the_thread_behind_a_task(url: str) -> None:
    """Its work goes along with that of the task."""
    journal = Journal.open(url)
    with ThreadPoolExecutor(3) as threads:
        with held(journal):
            tasks = threads.submit(lambda: asyncio.run(asyncio.wait_for(journal.awrite(adding("A")), 5)))
            wait_for(lambda: queued(journal) == 1)
            thread = Thread(target=journal.write, args=(adding("B"),), daemon=True)
            thread.start()
            wait_for(lambda: queued(journal) == 2)
            closing = threads.submit(journal.close)
            wait_for(lambda: journal._writer._closing)
        closing.result(20)
        tasks.result(20)
        thread.join(5)
        assert not thread.is_alive()
    with Journal.open(url) as again:
        assert refs(again, ["A", "B"]) == ["A", "B"]


def test_a_write_that_is_under_way_when_no_thread_can_be_started(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else took it along: its task hears what became of it, not that nothing was written."""

    def refuse(_: Thread) -> None:
        journal.write(adding("B"))  # with what is queued
        raise RuntimeError("can't start new thread")

    async def main() -> None:
        monkeypatch.setattr(Thread, "start", refuse)
        await asyncio.wait_for(journal.awrite(adding("A")), 5)

    asyncio.run(main())
    assert refs(journal, ["A", "B"]) == ["A", "B"]


def test_a_writer_that_overlaps_with_closing_is_told(url: str) -> None:
    """It looked before the journal was closed and queued up after: it must neither hang nor open it again."""
    journal = Journal.open(url)
    journal.close()
    journal._writer._closing = False
    with pytest.raises(JournalError, match="closed"):
        journal.write(adding("A"))
    with pytest.raises(JournalError, match="closed"):
        asyncio.run(journal.awrite(adding("A")))


def test_closing_waits_for_readers(url: str) -> None:
    """A read under way ends in peace."""
    journal = Journal.open(url)
    inside, free = Event(), Event()

    def work(session: Session) -> str:
        inside.set()
        assert free.wait(20)
        return "read"

    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(journal.read, work)
        assert inside.wait(20)
        journal.close()
        free.set()
        assert reading.result(20) == "read"
