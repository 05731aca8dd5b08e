"""Writing on a database server: each unit of work is a transaction of its own, several at the same moment.

The server makes the commits of many connections durable together, so there is nothing to gain by sharing one; and two
groups that lock the same payments in another order would undo each other. What one unit locks is in the order of
:mod:`payport.sdk.journal.sql_session`; where the server must undo one all the same, its work is done again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition
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

T = TypeVar("T")

MAX_TRIES = 8
"""How often a unit is done when the server undoes it each time."""
_PAUSE_S = 0.005


class Transactions:
    """The connections of this process that write. ``connections``: how many at most."""

    def __init__(
        self, database: Database, keys: SealingKeys | None, gate: Gate, *, connections: int, wait_s: float
    ) -> None:
        self._database = database
        self._keys = keys
        self._gate = gate
        self._pool = Pool(database, reading=False, size=connections, wait_s=wait_s)
        self._threads = ThreadPoolExecutor(connections, "payport-journal")
        self._changed = Condition()
        self._under_way = 0
        self._closing = False

    def write(self, work: Callable[[Session], T], actor: str = "") -> T:
        """Run ``work`` in a transaction; durable on return."""
        self._enter()
        unit = Unit(work, None, actor)
        try:
            self._carry_out(unit)
        except BaseException as error:  # noqa: BLE001 - raised with the answer, when what was announced is put back
            unit.error = error
        finally:
            self._leave()
        return unit.answer()

    async def awrite(self, work: Callable[[Session], T], actor: str = "") -> T:
        """The same from a task, on another thread. When it is cancelled, the work is done whole or not at all."""
        self._enter()
        waiting = task_waiter()
        unit = Unit(work, waiting, actor)
        call: Future[None] = Future()
        try:
            self._call_thread(unit, call)
            await waiting.wait()
        except BaseException:
            if call.cancel():
                self._leave()
            raise
        return unit.answer()

    def disconnect(self) -> None:
        """Close the connections that nobody uses; the next writers open others."""
        self._pool.disconnect()

    def close(self) -> None:
        """Finish what is under way, refuse everything else, and wait for both."""
        with self._changed:
            self._closing = True
            while self._under_way:
                self._changed.wait()
        self._threads.shutdown()
        self._pool.close()

    def _enter(self) -> None:
        self._gate.check()
        with self._changed:
            if self._closing:
                raise JournalError("the journal is closed")
            self._under_way += 1

    def _leave(self) -> None:
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    def _call_thread(self, unit: Unit[Any], call: Future[None]) -> None:
        try:
            self._threads.submit(self._write_for, unit, call)
        except RuntimeError as error:  # it is queued all the same: one of the threads that there are may be at it
            if call.cancel():
                raise JournalError(f"the journal has no thread for tasks: {error}") from error

    def _write_for(self, unit: Unit[Any], call: Future[None]) -> None:
        if not call.set_running_or_notify_cancel():
            return
        try:
            self._carry_out(unit)
        except BaseException as error:  # noqa: BLE001 - handed to the task that asked
            unit.error = error
        self._leave()
        if unit.waiter is not None:
            wake([unit.waiter])

    def _carry_out(self, unit: Unit[Any]) -> None:
        with self._gate:
            link = self._pool.borrow()
            try:
                self._until_done(link, unit)
            finally:
                self._pool.give_back(link)
        unit.ended = True

    def _until_done(self, link: Link, unit: Unit[Any]) -> None:
        tries, renewed = 1, False
        while True:
            try:
                self._once(link, unit)
            except Undone:
                if tries == MAX_TRIES:
                    raise
                tries += 1
                time.sleep(random.uniform(0, _PAUSE_S * 2**tries))  # noqa: S311 - so that two do not meet again
            except Lost:  # before it was committed, so nothing of it is there
                if renewed:
                    raise
                renewed = True
                self._pool.renew(link)
            else:
                return

    def _once(self, link: Link, unit: Unit[Any]) -> None:
        try:
            with self._database.errors("begin to write"):
                link.cursor.execute(self._database.backend.begin_write)
            unit.run_on(link, self._database, self._keys, locks=True)
        except BaseException:
            link.roll_back()
            raise
        try:
            link.cursor.execute("COMMIT")
        except self._database.backend.errors as error:
            failed = self._database.error(error, "commit")
            if isinstance(failed, Undone):
                link.roll_back()
                raise failed from error
            link.close()
            raise self._database.backend.unsure(error) from error
