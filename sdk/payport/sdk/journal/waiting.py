"""Wait for another thread: a thread blocks, a task of asyncio or trio is suspended. One call wakes many tasks."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import trio


class ThreadWaiter:
    """A thread that waits."""

    __slots__ = ("_is_set", "_lock")

    def __init__(self) -> None:
        self._lock = Lock()
        self._lock.acquire()
        self._is_set = False

    def wait(self) -> None:
        """Wait; return at once when it was woken before."""
        if not self._is_set:
            self._lock.acquire()

    def set(self) -> None:
        """Wake it, from any thread."""
        if not self._is_set:
            self._is_set = True
            self._lock.release()


class AsyncioWaiter:
    """A task of asyncio that waits."""

    __slots__ = ("_future", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] = self.loop.create_future()

    async def wait(self) -> None:
        """Wait; may be cancelled."""
        await self._future

    def set(self) -> None:
        """Wake it, from inside its loop."""
        if not self._future.done():  # it is done when the task was cancelled
            self._future.set_result(None)

    def call(self, waiters: Sequence[TaskWaiter]) -> None:
        """From any thread, have the loop wake all of these; never waits for the loop."""
        self.loop.call_soon_threadsafe(_set_all, waiters)


class TrioWaiter:
    """A task of trio that waits."""

    __slots__ = ("_event", "loop")

    def __init__(self) -> None:
        import trio  # noqa: PLC0415 - the caller runs under it

        self.loop: trio.lowlevel.TrioToken = trio.lowlevel.current_trio_token()
        self._event = trio.Event()

    async def wait(self) -> None:
        """Wait; may be cancelled."""
        await self._event.wait()

    def set(self) -> None:
        """Wake it, from inside its loop."""
        self._event.set()

    def call(self, waiters: Sequence[TaskWaiter]) -> None:
        """From any thread, have the loop wake all of these; never waits for the loop."""
        self.loop.run_sync_soon(_set_all, waiters)


TaskWaiter: TypeAlias = AsyncioWaiter | TrioWaiter
Waiter: TypeAlias = ThreadWaiter | AsyncioWaiter | TrioWaiter


def task_waiter() -> TaskWaiter:
    """A waiter for the running task."""
    loaded = sys.modules.get("trio")
    if loaded is not None and loaded.lowlevel.in_trio_task():
        return TrioWaiter()
    return AsyncioWaiter()


def wake(waiters: Iterable[Waiter]) -> None:
    """Wake threads, and tasks with one call for each loop, from any thread."""
    by_loop: dict[object, list[TaskWaiter]] = {}
    for waiter in waiters:
        if isinstance(waiter, ThreadWaiter):
            waiter.set()
        else:
            by_loop.setdefault(waiter.loop, []).append(waiter)
    for together in by_loop.values():
        with suppress(RuntimeError):  # the loop is closed, and its tasks with it
            together[0].call(together)


def _set_all(waiters: Sequence[TaskWaiter]) -> None:
    for waiter in waiters:
        waiter.set()
