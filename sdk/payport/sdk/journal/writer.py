"""Group commit, on SQLite: writers in flight at the same time share one commit, and none fails for another's fault.

Making a commit durable costs the same for one row as for a hundred. So a caller puts its unit of work into a queue
and waits for its turn to write; whoever gets the turn carries out everything that is queued by then, in one
transaction, and all of them return once it is durable. A lone caller finds only its own unit: no other thread takes
part.

A savepoint for each unit costs as much as the unit itself, and is needed only where one fails. So a group is first
tried without; when a unit fails, everything is rolled back and done again, then with savepoints, and so are the next
groups: where one writer is in another's way, the next one soon is too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from payport.sdk.errors import JournalError
from payport.sdk.journal.unit import Unit
from payport.sdk.journal.waiting import ThreadWaiter, task_waiter, wake

if TYPE_CHECKING:
    from payport.sdk.journal.engine import Database, Link
    from payport.sdk.journal.gate import Gate
    from payport.sdk.journal.sealing import SealingKeys
    from payport.sdk.journal.session import Session

T = TypeVar("T")

CAREFUL_GROUPS = 32
"""So many groups get savepoints after one in which a unit failed."""


class Writer:
    """The one connection of this process that writes, and the turn to use it.

    The turn is a lock that is handed from thread to thread: whoever ends a group gives it to the first who waits,
    before waking those who are done, so that the disk is not idle while they return.
    """

    def __init__(self, database: Database, keys: SealingKeys | None, gate: Gate) -> None:
        self._database = database
        self._keys = keys
        self._errors: tuple[type[Exception], ...] = (JournalError, *database.backend.errors)
        self._gate = gate
        self._link: Link | None = None
        self._closing = False
        self._closed = False
        self._turn = Lock()
        self._queue: deque[Unit[Any]] = deque()
        self._thread = ThreadPoolExecutor(1, "payport-journal")
        self._called = False
        self._careful = 0

    def write(self, work: Callable[[Session], T], actor: str = "") -> T:
        """Run ``work`` in a transaction; durable on return."""
        self._check_open()
        if not self._queue and self._turn.acquire(blocking=False):
            alone = Unit(work, None, actor)  # nobody has to wake a caller who leads, so it costs no waiter
            self._lead([alone])
            return alone.answer()
        waiting = ThreadWaiter()
        unit = Unit(work, waiting, actor)
        self._queue.append(unit)
        if self._turn.acquire(blocking=False):
            self._lead([])
        else:
            self._follow(unit, waiting)
        return unit.answer()

    async def awrite(self, work: Callable[[Session], T], actor: str = "") -> T:
        """The same from a task. When it is cancelled, the work is done whole or not at all."""
        self._check_open()
        waiting = task_waiter()
        unit = Unit(work, waiting, actor)
        self._queue.append(unit)
        try:
            self._call_thread(unit)
            await waiting.wait()
        except BaseException:
            self._withdraw(unit)
            raise
        return unit.answer()

    def read(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` on the writer's own connection: a database in memory has no other."""
        unit = Unit(work, None)
        self._turn.acquire()
        try:
            with self._gate:
                self._run([unit], self._database.backend.begin_read)
        finally:
            self._pass_on()
        return unit.answer()

    def close(self) -> None:
        """Finish what is queued, refuse everything else, and wait for both."""
        self._closing = True
        self._turn.acquire()
        group: list[Unit[Any]] = []
        try:
            self._carry_out(group)
            self._closed = True
            self.disconnect()
        finally:
            self._end(group)
        self._thread.shutdown()

    def disconnect(self) -> None:
        """Close the connection; the next write opens another."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _check_open(self) -> None:
        self._gate.check()
        if self._closing:
            raise JournalError("the journal is closed")

    def _withdraw(self, unit: Unit[Any]) -> bool:
        """Take a unit back; false when it is under way already."""
        try:
            self._queue.remove(unit)
        except ValueError:
            return False
        return True

    def _call_thread(self, unit: Unit[Any]) -> None:
        """Have the journal's thread take the turn for tasks: they cannot wait for it themselves."""
        if self._called:
            return
        self._called = True
        try:
            self._thread.submit(self._lead_for_tasks)
        except RuntimeError as error:
            self._called = False
            if self._withdraw(unit):  # else somebody is at it already
                why = "the journal is closed" if self._closed else f"the journal has no thread for tasks: {error}"
                raise JournalError(why) from error

    def _lead_for_tasks(self) -> None:
        self._turn.acquire()
        self._called = False  # before the queue is emptied: who comes later calls again
        self._lead([])

    def _follow(self, unit: Unit[Any], waiting: ThreadWaiter) -> None:
        """Wait until a leader has carried the unit out, or hands the turn over."""
        try:
            waiting.wait()
        except BaseException:  # Ctrl-C: leave without holding up the others
            if not self._withdraw(unit):
                waiting.wait()
                if unit.leads:
                    self._pass_on()
            raise
        if unit.leads:
            self._lead([unit])

    def _lead(self, group: list[Unit[Any]]) -> None:
        """With the turn: carry out this group and everything that is queued, hand the turn on, wake the callers."""
        try:
            self._carry_out(group)
        finally:
            self._end(group)

    def _end(self, group: list[Unit[Any]]) -> None:
        self._pass_on()
        if len(group) > 1 or (group and group[0].waiter is not None):
            wake([unit.waiter for unit in group if unit.waiter is not None])

    def _carry_out(self, group: list[Unit[Any]]) -> None:
        with suppress(IndexError):  # who gave up waiting took the last one back at this moment
            while self._queue:
                group.append(self._queue.popleft())
        if group:
            with self._gate:
                self._run(group, self._database.backend.begin_write)

    def _pass_on(self) -> None:
        """Give the turn to the first thread that waits for it; to the journal's thread when a task is first."""
        while True:
            first = self._first()
            if first is None:
                self._turn.release()
            else:
                if isinstance(first.waiter, ThreadWaiter):
                    first.leads = True
                    first.waiter.set()
                    return
                self._queue.appendleft(first)
                self._turn.release()
                return
            # somebody may have queued up before the release, and found the turn taken
            if not self._queue or not self._turn.acquire(blocking=False):
                return

    def _first(self) -> Unit[Any] | None:
        """The first of the queue, taken out of it."""
        if self._queue:  # an exception costs more than to look
            with suppress(IndexError):
                return self._queue.popleft()
        return None

    def _run(self, group: list[Unit[Any]], begin: str) -> None:
        """One transaction. What goes wrong with all of it stands in every unit's ``error`` afterwards."""
        committing = False
        try:
            link = self._connected()
            link.cursor.execute(begin)
            if len(group) == 1:
                self._run_alone(link, group[0])
            elif self._careful or not self._run_together(link, group, begin):
                self._careful -= 1
                for unit in group:
                    self._run_in_savepoint(link, unit)
            if link.connection.in_transaction:
                committing = True
                link.cursor.execute("COMMIT")
            for unit in group:
                unit.ended = True
        except self._errors as error:
            self._fail(group, error, committing=committing)
        except BaseException as error:
            self._fail(group, error, committing=committing)
            raise

    def _run_alone(self, link: Link, unit: Unit[Any]) -> None:
        try:
            self._work(link, unit)
        except Exception as error:  # noqa: BLE001 - it belongs to the caller whose work raised it
            unit.error = error
            if link.connection.in_transaction:
                link.cursor.execute("ROLLBACK")

    def _run_together(self, link: Link, group: list[Unit[Any]], begin: str) -> bool:
        """All of a group without savepoints. False when one of them failed: then nothing is done, and a new begin."""
        try:
            for unit in group:
                self._work(link, unit)
        except Exception:  # noqa: BLE001 - it comes again, and is then told to the unit's caller
            self._careful = CAREFUL_GROUPS
            if link.connection.in_transaction:
                link.cursor.execute("ROLLBACK")
            link.cursor.execute(begin)
            return False
        return True

    def _run_in_savepoint(self, link: Link, unit: Unit[Any]) -> None:
        link.cursor.execute("SAVEPOINT unit")
        try:
            self._work(link, unit)
        except Exception as error:
            unit.error = error
            if not link.connection.in_transaction:
                # a full disk or an I/O error makes SQLite give up the whole transaction, the other units' work with it
                raise JournalError(f"the journal lost the transaction: {error}") from error
            link.cursor.execute("ROLLBACK TO unit")
        link.cursor.execute("RELEASE unit")

    def _fail(self, group: list[Unit[Any]], cause: BaseException, *, committing: bool) -> None:
        backend = self._database.backend
        unsure = committing and not self._left_nothing(cause)
        for unit in group:
            if unit.error is None:
                unit.error = backend.unsure(cause) if unsure else backend.error(cause, "write")
                unit.error.__cause__ = cause
        if self._link is not None:
            try:
                if self._link.connection.in_transaction:
                    self._link.cursor.execute("ROLLBACK")
            except self._errors:
                self.disconnect()

    def _left_nothing(self, cause: BaseException) -> bool:
        """Whether a commit that failed is certain to have left nothing.

        The log may hold all of it when the disk fails, or an interrupt comes, only after that: then the next process
        that opens the file takes it for committed. A full disk had no room for the end of it.
        """
        goes_on = self._link is not None and self._link.connection.in_transaction
        return goes_on or getattr(cause, "sqlite_errorname", "") == "SQLITE_FULL"

    def _connected(self) -> Link:
        if self._closed:
            raise JournalError("the journal is closed")
        if self._link is None:
            self._link = self._database.connect()
        return self._link

    def _work(self, link: Link, unit: Unit[Any]) -> None:
        unit.run_on(link, self._database, self._keys)
