"""Reading: each reader has a connection of its own, and one unchanging view of the database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from payport.sdk.errors import JournalError
from payport.sdk.journal.backends.backend import Lost, Undone
from payport.sdk.journal.pool import Pool
from payport.sdk.journal.unit import Unit
from payport.sdk.journal.waiting import task_waiter, wake

if TYPE_CHECKING:
    from payport.sdk.journal.engine import Database, Link
    from payport.sdk.journal.gate import Gate
    from payport.sdk.journal.sealing import SealingKeys
    from payport.sdk.journal.session import Session
    from payport.sdk.journal.writer import Writer

T = TypeVar("T")

SQLITE_THREADS = 4
"""So many tasks read at once from a file."""


class Readers:
    """``only``: the writer whose connection is the only one there is (a database in memory), if so."""

    def __init__(
        self,
        database: Database,
        keys: SealingKeys | None,
        gate: Gate,
        *,
        connections: int,
        wait_s: float,
        only: Writer | None,
    ) -> None:
        shared = database.backend.shared
        self._database = database
        self._keys = keys
        self._gate = gate
        self._only = only
        self._pool = Pool(database, reading=True, size=connections if shared else None, wait_s=wait_s)
        self._threads = ThreadPoolExecutor(connections if shared else SQLITE_THREADS, "payport-journal-read")

    def read(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` on a connection that cannot write; once more on a new one if it broke."""
        self._gate.check()
        if self._only is not None:
            return self._only.read(work)
        unit = Unit(work, None)
        with self._gate:
            self._carry_out(unit)
        unit.ended = True
        return unit.answer()

    async def aread(self, work: Callable[[Session], T]) -> T:
        """The same from a task, on another thread."""
        self._gate.check()
        waiting = task_waiter()
        unit = Unit(work, waiting)
        try:
            self._threads.submit(self._read_for, unit)
        except RuntimeError as error:
            raise JournalError("the journal is closed") from error
        await waiting.wait()
        return unit.answer()

    def disconnect(self) -> None:
        """Close the connections that nobody uses; the next readers open others."""
        self._pool.disconnect()

    def close(self) -> None:
        """Finish what tasks asked for, and refuse everything else. A thread that is reading ends in peace."""
        self._threads.shutdown()
        self._pool.close()

    def _read_for(self, unit: Unit[Any]) -> None:
        try:
            unit.end(self.read(unit.work))
        except BaseException as error:  # noqa: BLE001 - handed to the task that asked
            unit.error = error
        if unit.waiter is not None:
            wake([unit.waiter])

    def _carry_out(self, unit: Unit[Any]) -> None:
        link = self._pool.borrow()
        try:
            try:
                self._once(link, unit)
            except Undone:  # a standby that had to go on
                self._once(link, unit)
            except Lost:
                self._pool.renew(link)
                self._once(link, unit)
        finally:
            self._pool.give_back(link)

    def _once(self, link: Link, unit: Unit[Any]) -> None:
        with self._database.errors("begin to read"):
            link.cursor.execute(self._database.backend.begin_read)
        try:
            unit.run_on(link, self._database, self._keys)
        finally:
            link.roll_back()
