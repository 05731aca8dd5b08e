"""Writers that wait for each other, and what they heard."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, ClassVar, TypeVar

import pytest
from tests.support.journal_records import debt

from payport.sdk.journal import Journal
from payport.sdk.journal.session import Session
from payport.sdk.journal.writer import Writer

T = TypeVar("T")


class Commits:
    """Counts what a journal's connections are told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements: list[str] = []
        connect = sqlite3.connect

        def traced(*args: Any, **options: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*args, **options)
            connection.set_trace_callback(self.statements.append)
            return connection

        monkeypatch.setattr(sqlite3.dbapi2, "connect", traced)
        monkeypatch.setattr(sqlite3, "connect", traced)

    def count(self, word: str) -> int:
        """How many statements begin so."""
        return sum(statement.startswith(word) for statement in self.statements)


class Failing(sqlite3.Cursor):
    """Says of a commit what ``ends`` has for it, once it, or something else ``instead``, is done."""

    ends: ClassVar[list[BaseException | None]] = []
    instead: ClassVar[str] = "COMMIT"

    def execute(self, sql: str, parameters: Any = ()) -> Failing:
        error = self.ends.pop(0) if sql == "COMMIT" and self.ends else None
        super().execute(self.instead if error is not None else sql, parameters)
        if error is not None:
            raise error
        return self


def fail_commits(journal: Journal, monkeypatch: pytest.MonkeyPatch, *ends: BaseException | None) -> None:
    """The next ones."""
    journal.write(lambda session: None)  # so that there is a connection
    link: Any = journal._writer._link  # type: ignore[union-attr] # in a file
    monkeypatch.setattr(Failing, "ends", list(ends))
    monkeypatch.setattr(link, "cursor", link.connection.cursor(Failing))


def sqlite_error(name: str) -> sqlite3.OperationalError:
    """As the driver raises it."""
    error = sqlite3.OperationalError("the disk said so")
    error.sqlite_errorname = name
    return error


@contextmanager
def held(journal: Journal) -> Iterator[None]:
    """A writer that is busy until the block ends: everybody else queues up behind it."""
    inside, free = Event(), Event()

    def work(session: Session) -> None:
        inside.set()
        assert free.wait(20)

    thread = Thread(target=journal.write, args=(work,))
    thread.start()
    assert inside.wait(20)
    try:
        yield
    finally:
        free.set()
        thread.join()


@contextmanager
def in_the_middle(journal: Journal, work: Callable[[Session], object]) -> Iterator[None]:
    """A writer that has done ``work`` and holds its transaction until the block ends; others may write meanwhile."""
    inside, free = Event(), Event()

    def hold(session: Session) -> None:
        work(session)
        inside.set()
        assert free.wait(20)

    thread = Thread(target=journal.write, args=(hold,))
    thread.start()
    assert inside.wait(20)
    try:
        yield
    finally:
        free.set()
        thread.join()


def queued(journal: Journal) -> int:
    """How many writes wait for the one connection to a file."""
    assert isinstance(journal._writer, Writer)
    return len(journal._writer._queue)


def wait_for(condition: Callable[[], bool]) -> None:
    """Until it holds."""
    pause = Event()
    while not condition():
        pause.wait(0.001)


def adding(ref: str) -> Callable[[Session], None]:
    """The work that writes one debt."""
    return lambda session: session.add_debt(debt(ref))


def outcome(call: Callable[[], object]) -> str:
    """The name of what it raised, or ``written``."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - looked at by the test
        return type(error).__name__
    return "written"


def refs(journal: Journal, wanted: list[str]) -> list[str]:
    """Which of these debts are in the journal."""
    return [ref for ref in wanted if journal.read(lambda session, ref=ref: session.debt(ref)) is not None]  # type: ignore[misc] # bound now
