"""Eight processes with eight threads each, on one journal: one winner for each version, one holder for each lease."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.databases import NAMES, SERVERS
from tests.support.journal_records import NOW, exit_status, in_child, intend

from payport.sdk.errors import JournalConflict
from payport.sdk.journal import Journal
from payport.sdk.journal.session import Session

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

PROCESSES = 8
THREADS = 8
NAME = "SHOP0001/pay//1"


def contend(url: str, told: int) -> None:
    """One process: every thread adds one to a counter by compare-and-set, and tries once for the lease."""
    with (
        Journal.open(url, durability="normal", busy_timeout_s=60.0, connections=3) as journal,
        ThreadPoolExecutor(THREADS) as threads,
    ):

        def count_once() -> bool:
            found = journal.read(lambda session: session.operation(NAME))
            assert found is not None
            wanted = replace(found, asked=found.asked + 1)
            try:
                journal.write(lambda session: session.save(wanted, source="query", detail={}, now=NOW))
            except JournalConflict:
                return False
            return True

        def count(_: int) -> None:
            while not count_once():
                pass

        def take(number: int) -> None:
            def work(session: Session) -> bool:
                return session.lease(NAME, f"{os.getpid()}:{number}", 600.0)

            if journal.write(work):
                os.write(told, b"x")

        list(threads.map(take, range(THREADS)))
        list(threads.map(count, range(THREADS)))


@pytest.mark.parametrize("kind", NAMES)
def test_sixty_four_callers(kind: str, tmp_path: Path) -> None:
    """No update is lost, no version is skipped, and one caller alone got the lease."""
    url = f"sqlite:///{tmp_path / 'payments.db'}" if kind == "sqlite" else SERVERS[kind].url()
    with Journal.open(url, durability="normal") as journal:
        journal.write(intend())
        reading, told = os.pipe()
        children = [in_child(lambda: contend(url, told)) for _ in range(PROCESSES)]
        os.close(told)
        assert [exit_status(child) for child in children] == [0] * PROCESSES
        with os.fdopen(reading) as lines:
            assert lines.read() == "x"
        found, history = journal.read(lambda session: (session.operation(NAME), session.history("SHOP0001")))
    assert found is not None
    assert (found.asked, found.version, len(history)) == (64, 64, 65)
