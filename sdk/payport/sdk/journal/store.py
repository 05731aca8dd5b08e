"""The journal itself: opened by a URL, used from any thread, task and forked process."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakMethod

from payport.sdk.errors import JournalError
from payport.sdk.journal.companions import Companions
from payport.sdk.journal.engine import (
    BEGIN_READ,
    Durability,
    driver_connection,
    open_database,
    storage_errors,
)
from payport.sdk.journal.gate import Gate
from payport.sdk.journal.schema import check_schema, ensure_schema
from payport.sdk.journal.sealing import SealingKeys
from payport.sdk.journal.sql_session import SqlSession
from payport.sdk.journal.waiting import task_waiter, wake
from payport.sdk.journal.writer import Unit, Writer
from payport.sdk.secrets import Secret

if TYPE_CHECKING:
    from typing import Self

    from payport.sdk.journal.engine import Database, Link
    from payport.sdk.journal.session import Session

T = TypeVar("T")

MAX_IDLE_READERS = 8
ASYNC_READERS = 4


class Journal:
    """Durable storage for debts, operations, their history, and notices. Open it with :meth:`open`.

    Safe to share between gateways, threads, event loops (asyncio and trio) and forked processes: connections are closed
    before a fork and opened again on both sides. Closing waits for what is under way; a ``with`` block closes too.
    """

    def __init__(self, database: Database, keys: SealingKeys | None) -> None:
        self._database = database
        self._keys = keys
        self.companions = Companions()
        """What the gateways on this journal share besides it."""
        self._closed = False
        self._paused = False
        self._start()
        _follow_forks(
            before=self._before_fork, in_parent=self._after_fork_in_parent, in_child=self._after_fork_in_child
        )

    @classmethod
    def open(
        cls,
        url: str,
        *,
        sealing_key: Secret | Sequence[Secret] | None = None,
        durability: Durability = "full",
        busy_timeout_s: float = 10.0,
    ) -> Self:
        """Open a journal, creating or upgrading its tables.

        ``url``: ``sqlite:///payments.db`` (``sqlite:////var/lib/shop/payments.db`` from the root), or
        ``sqlite:///:memory:?durable=no`` for tests, which forgets everything.
        ``sealing_key``: base64 of 32 random bytes; several for rotation: the first seals, all open. Without one, what
        is needed to repeat a request is not kept, so a request that got no answer can only be asked about or cancelled.
        ``durability``: ``"full"`` survives a power cut; ``"normal"`` only the death of the process.
        ``busy_timeout_s``: how long a write waits for other processes.

        Raises :class:`payport.sdk.errors.ConfigurationError` for a URL, key or place that cannot be used, and
        :class:`payport.sdk.errors.JournalError` when the storage fails.
        """
        keys = [sealing_key] if isinstance(sealing_key, Secret) else sealing_key
        sealing = None if keys is None else SealingKeys(keys)
        database = open_database(url, durability=durability, busy_timeout_s=busy_timeout_s)
        journal = cls(database, sealing)
        ensure_schema(database)
        return journal

    @property
    def durable(self) -> bool:
        """Whether what was written outlives this process."""
        return self._database.durable

    @property
    def seals(self) -> bool:
        """Whether there is a key to seal requests with."""
        return self._keys is not None

    def write(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` in one transaction; what it wrote is durable on return.

        Raises what ``work`` raises, with nothing written, and :class:`payport.sdk.errors.JournalError` when the storage
        fails. Writers in flight share a commit. ``work`` must not wait for anything, nor do anything but read and write
        through the session: when another writer of the same commit fails, it is rolled back and called again.
        """
        return self._writer.write(work)

    async def awrite(self, work: Callable[[Session], T]) -> T:
        """As :meth:`write`, from a task of asyncio or trio; ``work`` runs on the journal's own thread.

        A cancelled task leaves ``work`` done whole or not at all.
        """
        return await self._writer.awrite(work)

    def read(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` on one unchanging view of the journal. Writing in it raises ``JournalError``."""
        self._gate.check()
        if not self.durable:
            return self._writer.read(work)
        with self._gate:
            link = self._borrow()
            try:
                return self._read_on(link, work)
            finally:
                self._give_back(link)

    async def aread(self, work: Callable[[Session], T]) -> T:
        """As :meth:`read`, from a task of asyncio or trio; ``work`` runs on another thread."""
        self._gate.check()
        waiting = task_waiter()
        unit = Unit(work, waiting)
        try:
            self._readers.submit(self._read_for, unit)
        except RuntimeError as error:
            raise JournalError("the journal is closed") from error
        await waiting.wait()
        return unit.answer()

    def session_on(self, connection: object) -> Session:
        """A session inside the application's own transaction: what it writes is committed, or not, with the rest of it.

        ``connection``: a ``sqlite3.Connection`` or SQLAlchemy ``Connection``, in a transaction, on the database that
        this journal is in. When the session raises, roll the transaction back.

        Raises :class:`payport.sdk.errors.ConfigurationError` for another database or a connection in autocommit mode.
        """
        cursor = driver_connection(connection).cursor()
        check_schema(cursor)
        return SqlSession(cursor, self._database, self._keys)

    def close(self) -> None:
        """Finish the writes under way and close. Later calls raise ``JournalError``; closing again does nothing."""
        self._gate.check()
        self._closed = True
        self.companions.close()
        self._writer.close()
        self._readers.shutdown()
        self._disconnect_readers()
        self._database.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Journal({self._database.place!r}, durable={self.durable})"

    def _start(self) -> None:
        self._gate = Gate()
        self._writer = Writer(self._database, self._keys, self._gate)
        self._idle: list[Link] = []
        self._readers = ThreadPoolExecutor(ASYNC_READERS, "payport-journal-read")

    def _read_on(self, link: Link, work: Callable[[Session], T]) -> T:
        session = SqlSession(link.cursor, self._database, self._keys)
        with storage_errors("begin to read"):
            link.cursor.execute(BEGIN_READ)
        try:
            return work(session)
        finally:
            session.end()
            if link.connection.in_transaction:
                with storage_errors("end reading"):
                    link.cursor.execute("ROLLBACK")

    def _read_for(self, unit: Unit[T]) -> None:
        try:
            self.read(unit.run)
            unit.ended = True
        except BaseException as error:  # noqa: BLE001 - handed to the task that asked
            unit.error = error
        if unit.waiter is not None:
            wake([unit.waiter])

    def _borrow(self) -> Link:
        if self._closed:
            raise JournalError("the journal is closed")
        try:
            return self._idle.pop()
        except IndexError:
            return self._database.connect(reading=True)

    def _give_back(self, link: Link) -> None:
        if self._closed or len(self._idle) >= MAX_IDLE_READERS:
            link.close()
        else:
            self._idle.append(link)

    def _disconnect_readers(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _before_fork(self) -> None:
        self._paused = not self._closed and self._gate.shut()
        if self._paused and self.durable:
            self._writer.disconnect()
            self._disconnect_readers()

    def _after_fork_in_parent(self) -> None:
        if self._paused:
            self._gate.reopen()

    def _after_fork_in_child(self) -> None:
        # what other threads of the parent had queued is theirs; a journal that was in use by the forking thread itself
        # stays as it was, and its gate refuses everybody in this process
        if self._paused:  # pragma: no cover - in another process
            self._start()


def _follow_forks(*, before: Callable[[], None], in_parent: Callable[[], None], in_child: Callable[[], None]) -> None:
    """Call these around every fork for as long as their object lives: Python cannot take such calls back."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=_weakly(before), after_in_parent=_weakly(in_parent), after_in_child=_weakly(in_child)
        )


def _weakly(method: Callable[[], None]) -> Callable[[], None]:
    weak = WeakMethod(method)

    def call() -> None:
        found = weak()
        if found is not None:
            found()

    return call
