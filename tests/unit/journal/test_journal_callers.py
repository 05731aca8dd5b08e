"""Threads and tasks of every kind share one journal, whatever database it is in."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import anyio
import pytest
import trio
from tests.support.journal_records import debt
from tests.support.journal_writers import adding, refs, wait_for

from payport.sdk.errors import JournalError
from payport.sdk.journal import Journal
from payport.sdk.journal.session import Session


@pytest.mark.anyio
async def test_a_task_that_is_cancelled_while_its_write_is_under_way(journal: Journal) -> None:
    """It leaves at once; the write ends by itself."""
    started, free = Event(), Event()

    def slow(session: Session) -> None:
        session.add_debt(debt("SLOW"))
        started.set()
        assert free.wait(20)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(journal.awrite, slow)
        while not started.is_set():  # noqa: ASYNC110 - an event of another thread
            await anyio.sleep(0.001)
        tasks.cancel_scope.cancel()
    free.set()
    await journal.awrite(adding("NEXT"))
    await anyio.to_thread.run_sync(lambda: wait_for(lambda: refs(journal, ["SLOW", "NEXT"]) == ["SLOW", "NEXT"]))


def test_many_loops_and_threads_at_once(journal: Journal) -> None:
    """Two asyncio loops, one trio loop and two threads share one journal."""
    names = [f"{kind}{number}" for kind in ("a", "b", "t", "x", "y") for number in range(20)]

    async def on_asyncio(kind: str) -> None:
        await asyncio.gather(*(journal.awrite(adding(f"{kind}{number}")) for number in range(20)))

    async def on_trio() -> None:
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(journal.awrite, adding(f"t{number}"))

    def in_thread(kind: str) -> None:
        for number in range(20):
            journal.write(adding(f"{kind}{number}"))

    with ThreadPoolExecutor(5) as threads:
        runs = [
            threads.submit(lambda: asyncio.run(on_asyncio("a"))),
            threads.submit(lambda: asyncio.run(on_asyncio("b"))),
            threads.submit(lambda: trio.run(on_trio)),
            threads.submit(in_thread, "x"),
            threads.submit(in_thread, "y"),
        ]
        for run in runs:
            run.result(20)
    assert names == refs(journal, names)


def test_a_write_inside_a_write_is_refused(journal: Journal) -> None:
    """It would wait for itself for ever."""
    for run in (journal.write, journal.read):
        with pytest.raises(JournalError, match="inside its own work"):
            run(lambda session: journal.write(adding("A")))


def test_idle_readers_are_few(journal: Journal) -> None:
    """A burst of readers does not leave its connections open."""
    barrier = Event()
    with ThreadPoolExecutor(12) as threads:
        reads = [threads.submit(journal.read, lambda session: barrier.wait(20)) for _ in range(12)]
        barrier.set()
        assert all(read.result(20) for read in reads)
    assert len(journal._readers._pool) <= 8


def test_a_thread_that_could_not_be_started_is_asked_for_again(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task is told, nothing of it is written, and the next one finds a thread."""

    def refuse(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def main() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Thread, "start", refuse)
            with pytest.raises(JournalError, match="can't start new thread"):
                await journal.awrite(adding("A"))
        await asyncio.wait_for(journal.awrite(adding("B")), 5)

    asyncio.run(main())
    assert refs(journal, ["A", "B"]) == ["B"]
