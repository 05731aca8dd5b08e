"""Runs shards of families, each in a process of its own, as many at once as keep the processors busy."""

from __future__ import annotations

import gc
import math
import multiprocessing
import shutil
import signal
import tempfile
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from proof.family import Family, Tally, told
from proof.state import Done, State

Tell = Callable[[str], None]
_SHM = Path("/dev/shm")
_ROOM_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Shard:
    """Some units of one family."""

    family: Family
    first: int
    count: int

    @property
    def can_wait(self) -> bool:
        """Whether it is tried only when there is time for it."""
        return self.family.least is not None and self.first >= self.family.least

    @property
    def name(self) -> str:
        """For the progress."""
        return f"{self.family.id} {self.first:,} to {self.first + self.count - 1:,}"


def shards(family: Family, first: int, count: int) -> Iterator[Shard]:
    """A family's units in pieces. The pieces lie at multiples of the shard's size, so that runs can be taken up."""
    at, end = first, first + count
    while at < end:
        size = min(family.shard - at % family.shard, end - at)
        yield Shard(family, at, size)
        at += size


@dataclass(slots=True)
class _Running:
    shard: Shard
    process: BaseProcess
    answer: Connection
    begun: float


def run(
    todo: Sequence[Shard], state: State, *, workers: int, commit: str, tell: Tell, within_s: float = math.inf
) -> None:
    """Run what is not done yet; ``state`` keeps what came out. After ``within_s`` nothing begins that can wait."""
    waiting = deque(sorted(todo, key=lambda shard: (shard.can_wait, not shard.family.leads)))
    total, begun, running = len(waiting), time.monotonic(), list[_Running]()
    gc.freeze()  # what is imported stays: no child need look through it, and copy it by looking
    try:
        while waiting or running:
            if waiting and waiting[0].can_wait and time.monotonic() - begun > within_s:
                tell(f"time is up: {len(waiting)} shards, from {waiting[0].name} on, were not begun")
                waiting.clear()
            while (begin := _next(waiting, running, workers)) is not None:
                running.append(_start(begin))
            wait([each.answer for each in running], timeout=1.0)
            for each in list(running):
                tally = _result(each)
                if tally is None:
                    continue
                running.remove(each)
                shard, seconds = each.shard, time.monotonic() - each.begun
                state.add(Done(shard.family.id, shard.first, shard.count, tally, seconds, commit))
                finished = total - len(waiting) - len(running)
                tell(
                    f"[{time.monotonic() - begun:6.0f} s  {finished:4}/{total}]  {shard.name}: {tally.cases:,} cases, "
                    f"{len(tally.failures)} failures, {seconds:.1f} s"
                )
    finally:
        gc.unfreeze()
        for each in running:
            each.process.kill()


def _next(waiting: deque[Shard], running: Sequence[_Running], workers: int) -> Shard | None:
    """Takes the first shard for which there is room."""
    room = 100 * workers - sum(each.shard.family.busy_percent for each in running)
    found = next((shard for shard in waiting if shard.family.busy_percent <= room), None)
    if found is not None:
        waiting.remove(found)
    return found


def _start(shard: Shard) -> _Running:
    # forked: the parent has no threads, and importing the library anew would cost a second each time
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(shard, theirs), name=shard.name)
    with warnings.catch_warnings():
        # newer Pythons warn when other threads' locks stay locked in the child: a shard uses none of them
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    theirs.close()
    return _Running(shard, process, ours, time.monotonic())


def _work(shard: Shard, answer: Connection) -> None:
    """The child: try the units, answer the tally."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when it is over
    try:
        with tempfile.TemporaryDirectory(prefix="payport-proof-", dir=_memory()) as folder:
            tempfile.tempdir = folder  # whatever the family leaves behind goes with it
            tally = shard.family.run(shard.first, shard.count)
    except BaseException as error:  # noqa: BLE001 - nothing that happens here may pass for a success
        tally = Tally()
        tally.fail(shard.first, f"the shard did not end: {told(error)}")
    answer.send(tally)
    answer.close()


def _memory() -> Path | None:
    """A folder in memory, where there is one with room: closing a journal's file waits for the disk otherwise."""
    return _SHM if _SHM.is_dir() and shutil.disk_usage(_SHM).free > _ROOM_BYTES else None


def _result(each: _Running) -> Tally | None:
    """What a shard answered, ``None`` while it is at work. One that dies or takes too long has failed."""
    tally: Tally | None = None
    if each.answer.poll():
        try:
            tally = each.answer.recv()
        except EOFError:
            each.process.join(10)
            tally = Tally()
            tally.fail(each.shard.first, f"the process of {each.shard.name} died with {each.process.exitcode}")
    elif time.monotonic() - each.begun > each.shard.family.limit_s:
        each.process.kill()
        tally = Tally()
        tally.fail(each.shard.first, f"{each.shard.name} was not over after {each.shard.family.limit_s:.0f} s")
    if tally is not None:
        each.process.join(10)
        each.answer.close()
    return tally
