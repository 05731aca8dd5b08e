"""A journal that was opened before a fork works on both sides of it."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from tests.support.journal_records import debt, exit_status, in_child

from payport.sdk.errors import JournalError
from payport.sdk.journal import Journal
from payport.sdk.journal.gate import Gate
from payport.sdk.journal.session import Session

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def adding(ref: str) -> Callable[[Session], None]:
    """The work that writes one debt."""
    return lambda session: session.add_debt(debt(ref))


def test_parent_and_children_go_on_writing(journal: Journal) -> None:
    """As a server does that loads the application before it forks its workers."""
    journal.write(adding("BEFORE"))
    journal.read(lambda session: session.debt("BEFORE"))

    def work() -> None:
        assert journal.read(lambda session: session.debt("BEFORE")) == debt("BEFORE")
        for number in range(10):
            journal.write(adding(f"C{os.getpid()}N{number}"))

    children = [in_child(work) for _ in range(4)]
    journal.write(adding("AFTER"))
    assert [exit_status(child) for child in children] == [0] * 4
    for child in children:
        assert journal.read(lambda session, ref=f"C{child}N9": session.debt(ref)) is not None  # type: ignore[misc] # bound now
    assert journal.read(lambda session: session.debt("AFTER")) == debt("AFTER")


def test_no_connection_is_open_across_a_fork(file_journal: Journal, file_url: str) -> None:
    """SQLite's rule. The child starts with none of the parent's file handles on the journal."""
    file_journal.write(adding("BEFORE"))
    file_journal.read(lambda session: session.debt("BEFORE"))
    path = file_url.removeprefix("sqlite:///")

    def work() -> None:
        opened = [os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir()]
        assert opened
        assert not [name for name in opened if name.startswith(path)]

    if not Path("/proc/self/fd").is_dir():  # pragma: no cover - not Linux
        pytest.skip("needs /proc to see what is open")
    assert exit_status(in_child(work)) == 0


def test_a_fork_waits_for_work_under_way(journal: Journal) -> None:
    """A write of another thread ends before the fork, and is the parent's alone."""
    inside, free = Event(), Event()

    def slow(session: Session) -> None:
        inside.set()
        free.wait(0.05)
        session.add_debt(debt("SLOW"))

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(journal.write, slow)
        assert inside.wait(20)
        child = in_child(lambda: journal.write(adding("CHILD")))
        writing.result(20)
    assert exit_status(child) == 0
    assert journal.read(lambda session: (session.debt("SLOW"), session.debt("CHILD"))) == (debt("SLOW"), debt("CHILD"))


def test_a_fork_in_the_middle_of_work_cannot_use_the_journal(journal: Journal) -> None:
    """The child is told to open its own; the parent's work goes on."""

    def use() -> None:
        with pytest.raises(JournalError, match="open a journal of its own"):
            journal.write(adding("CHILD"))

    def work(session: Session) -> int:
        session.add_debt(debt("PARENT"))
        return exit_status(in_child_process_without_session())

    def in_child_process_without_session() -> int:
        # the child must not use its copy of the session either: it leaves through os._exit
        return in_child(lambda: ThreadPoolExecutor(1).submit(use).result(20))

    assert journal.write(work) == 0
    assert debt("PARENT") == journal.read(lambda session: session.debt("PARENT"))


def test_a_journal_in_memory_is_copied() -> None:
    """Each side has its own from the fork on."""
    with Journal.open("sqlite:///:memory:?durable=no") as journal:
        journal.write(adding("BEFORE"))

        def work() -> None:
            assert journal.read(lambda session: session.debt("BEFORE")) is not None
            journal.write(adding("CHILD"))

        assert exit_status(in_child(work)) == 0
        assert journal.read(lambda session: session.debt("CHILD")) is None


def test_a_closed_or_forgotten_journal_does_not_mind_forks(url: str) -> None:
    """It neither waits nor wakes up."""
    closed = Journal.open(url)
    closed.close()
    Journal.open(url).close()
    gc.collect()
    assert exit_status(in_child(lambda: None)) == 0


def test_a_fork_that_python_did_not_see(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that forks in C leaves the parent's connections open in the child: refused, not risked."""
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(JournalError, match="open a journal of its own"):
        journal.write(adding("CHILD"))
    monkeypatch.undo()


def test_two_forks_at_once_both_wait() -> None:
    """The gate opens when the last of them is through."""
    gate = Gate()
    assert gate.shut()
    assert gate.shut()
    gate.reopen()
    entered = Event()

    def enter() -> None:
        with gate:
            entered.set()

    with ThreadPoolExecutor(1) as threads:
        threads.submit(enter)
        assert not entered.wait(0.02)
        gate.reopen()
        assert entered.wait(20)
