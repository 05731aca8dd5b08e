"""kill -9 at every statement of the journal: what was acknowledged is there, and nothing is half there."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.support.databases import SERVERS
from tests.support.journal_records import NOW, exit_status, in_child, intend, sealing_key

from payport.sdk.journal import Journal
from payport.sdk.journal.engine import Database, Link
from payport.sdk.journal.records import State

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def pay(journal: Journal, ref: str, told: Callable[[str], None]) -> None:
    """One payment's writes; ``told`` hears of each as soon as the journal has acknowledged it."""
    intended = journal.write(intend(ref))
    told(f"{ref} 0")
    pending = journal.write(
        lambda session: session.save(replace(intended, state=State.PENDING), source="reply", detail={}, now=NOW)
    )
    told(f"{ref} 1")
    journal.write(
        lambda session: session.save(replace(pending, state=State.SUCCEEDED), source="notice", detail={}, now=NOW)
    )
    told(f"{ref} 2")


class Counted:
    """A cursor that calls ``count`` before every statement."""

    def __init__(self, cursor: Any, count: Callable[[], None]) -> None:
        self._cursor = cursor
        self._count = count

    def execute(self, *statement: object) -> object:
        self._count()
        return self._cursor.execute(*statement)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


def killed_at(statement: int, journal: Journal, ref: str, told: int) -> None:
    """Pay, and die just before the statement of this number."""
    left = statement

    def count() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    connect = Database.connect

    def counted(self: Database, *, reading: bool = False) -> Link:
        link = connect(self, reading=reading)
        link.cursor = Counted(link.cursor, count)
        return link

    with pytest.MonkeyPatch.context() as patch:  # a journal connects anew after a fork
        patch.setattr(Database, "connect", counted)
        pay(journal, ref, lambda text: tell(told, text))


def tell(told: int, text: str) -> None:
    """Write one line into the pipe."""
    os.write(told, f"{text}\n".encode())


def check(journal: Journal, ref: str, acknowledged: int) -> int:
    """The journal after a crash: whole, at the acknowledged version or one further. Answers it, -1 for none."""
    debt, operations, history = journal.read(
        lambda session: (session.debt(ref), session.operations(ref), session.history(ref))
    )
    assert (debt is None) == (not operations) == (not history), "a debt, its operation and its history stand together"
    version = operations[0].version if operations else -1
    assert version in (acknowledged, acknowledged + 1)
    assert len(history) == version + 1
    assert not operations or (operations[0].steps[0].request is None) == operations[0].state.final
    return version


@pytest.mark.parametrize(("kind", "forks"), [("sqlite", 200), ("postgresql", 60), ("mariadb", 60)])
def test_killed_at_every_statement(kind: str, forks: int, tmp_path: Path) -> None:
    """Each number of a statement in turn, all in one journal: the next process goes on where the last one died."""
    url = f"sqlite:///{tmp_path / 'payments.db'}" if kind == "sqlite" else SERVERS[kind].url()
    statement, died, versions = 0, 0, set[int]()
    with Journal.open(url, sealing_key=sealing_key()) as journal:
        for number in range(forks):
            reading, told = os.pipe()
            ref = f"K{number}"
            status = exit_status(in_child(partial(killed_at, statement, journal, ref, told)))
            os.close(told)
            with os.fdopen(reading) as lines:
                acknowledged = len(lines.readlines()) - 1
            assert status in (0, -signal.SIGKILL)
            died += status != 0
            statement = 0 if status == 0 else statement + 1
            versions.add(check(journal, ref, acknowledged))
    assert {-1, 0, 1, 2} == versions, "it was killed in every phase"
    assert died > forks * 0.9
    if kind == "sqlite":
        with closing(sqlite3.connect(tmp_path / "payments.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
