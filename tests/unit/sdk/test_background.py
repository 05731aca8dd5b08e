"""Work off the payments' path: done a while later, once for many questions, in every process, and at the end."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time as clocks
from threading import Event
from threading import enumerate as threads

import pytest
from tests.support.journal_records import exit_status, in_child

from payport.sdk.background import Background

NAME = "payport-test"


class Worker:
    """Counts how often it was called."""

    def __init__(self, *, every_s: float = 3600.0) -> None:
        self.calls = 0
        self.called, self.go_on = Event(), Event()
        self.go_on.set()
        self.background = Background(self.work, every_s=every_s, name=NAME)

    def work(self) -> None:
        """Do it."""
        self.calls += 1
        self.called.set()
        self.go_on.wait(20)


def alive() -> int:
    """How many of its threads run."""
    return sum(thread.name == NAME for thread in threads())


def test_many_questions_are_one_call_a_while_later() -> None:
    """And nothing is done where nothing was asked for."""
    worker = Worker(every_s=0.05)
    begun_s = clocks.monotonic()
    for _ in range(1000):
        worker.background.ask()
    assert worker.called.wait(20)
    assert clocks.monotonic() - begun_s >= 0.05
    clocks.sleep(0.1)
    assert worker.calls == 1


def test_what_is_asked_for_during_the_work_is_done_after_it() -> None:
    """No question is lost between two calls."""
    worker = Worker(every_s=0.001)
    worker.go_on.clear()
    worker.background.ask()
    assert worker.called.wait(20)
    worker.called.clear()
    worker.background.ask()
    worker.go_on.set()
    assert worker.called.wait(20)


def test_hurrying_waits_for_everything_so_far() -> None:
    """Also from several threads at once; at once when nothing was ever asked for."""
    before = alive()  # a thread of another test may still be ending
    worker = Worker()
    assert worker.background.hurry()
    assert worker.calls == 0
    assert alive() <= before
    worker.background.ask()
    assert worker.background.hurry()
    assert worker.calls == 1


def test_hurrying_gives_up_on_work_that_hangs() -> None:
    """Who closes is not held for ever."""
    worker = Worker()
    worker.go_on.clear()
    worker.background.ask()
    assert not worker.background.hurry(0.01)
    worker.go_on.set()


def test_the_thread_ends_with_its_owner_and_not_before_the_work_is_done() -> None:
    """Nobody has to close anything."""
    worker = Worker(every_s=0.05)
    called = worker.called
    worker.background.ask()
    del worker
    gc.collect()
    assert called.wait(20)
    ends = clocks.monotonic() + 20
    while alive() and clocks.monotonic() < ends:
        gc.collect()
        clocks.sleep(0.01)
    assert alive() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_begins_with_nothing_asked() -> None:
    """And has a thread of its own as soon as it asks."""
    worker = Worker()
    worker.background.ask()

    def work() -> None:
        assert worker.background.hurry()
        assert worker.calls == 0
        worker.background.ask()
        assert worker.background.hurry()
        assert worker.calls == 1

    assert exit_status(in_child(work)) == 0
    assert worker.background.hurry()
    assert worker.calls == 1


def test_what_was_asked_for_is_done_when_the_program_ends() -> None:
    """A short script that closes nothing loses nothing."""
    program = (
        "from payport.sdk.background import Background\n"
        "class W:\n"
        "    def work(self): print('done')\n"
        "w = W()\n"
        "b = Background(w.work, every_s=3600, name='x')\n"
        "b.ask()\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=50)
    assert run.stdout == "done\n"


def test_without_threads_the_work_is_done_by_who_hurries(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of an interpreter no thread can be started."""

    def refused(self: object) -> None:
        raise RuntimeError("can't start new thread at interpreter shutdown")

    worker = Worker()
    with monkeypatch.context() as patch:
        patch.setattr("threading.Thread.start", refused)
        worker.background.ask()
        assert worker.background.hurry()
    assert worker.calls == 1
