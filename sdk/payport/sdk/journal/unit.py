"""One caller's work on the journal: done inside a transaction, on whichever thread has the connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from payport.sdk.errors import JournalError
from payport.sdk.journal.sql_session import SqlSession

if TYPE_CHECKING:
    from payport.sdk.audit.record import Entry
    from payport.sdk.journal.auditing import Auditing
    from payport.sdk.journal.engine import Database, Link
    from payport.sdk.journal.sealing import SealingKeys
    from payport.sdk.journal.session import Session
    from payport.sdk.journal.waiting import Waiter

T = TypeVar("T")


class Unit(Generic[T]):
    """One caller's work, how it ended, and how the caller hears of it."""

    __slots__ = ("_announced", "_answer", "_auditing", "actor", "ended", "error", "leads", "waiter", "work")

    def __init__(self, work: Callable[[Session], T], waiter: Waiter | None, actor: str = "") -> None:
        self.work = work
        self.waiter = waiter
        self.actor = actor
        self._auditing: Auditing | None = None
        self._announced: Sequence[Entry] = ()
        self.leads = False
        self.ended = False
        self.error: BaseException | None = None
        self._answer: T | None = None

    def run_on(self, link: Link, database: Database, keys: SealingKeys | None, *, locks: bool = False) -> None:
        """Do the work inside the transaction that was begun on ``link``; its answer counts once that is durable.

        What is recorded of it goes along, as the last thing that is written.
        Raises what the work raises, and what the storage failed with even where the work went on.
        """
        session = SqlSession(link.cursor, database, keys, locks=locks, actor=self.actor)
        try:
            self._answer = self.work(session)
            if session.tells and session.failure is None:
                self._record(session, database.auditing)
        finally:
            session.end()
        if session.failure is not None:
            raise session.failure

    def _record(self, session: SqlSession, auditing: Auditing) -> None:
        if not self._announced:  # when this is done again, it has what was announced already
            self._auditing, self._announced = auditing, auditing.take_announced()
        session.audit.finish(self._announced)

    def end(self, answer: T) -> None:
        """Note what the work answered where somebody else has run it."""
        self._answer = answer
        self.ended = True

    def answer(self) -> T:
        """What the work answered, or raise what went wrong; others record what was announced, then."""
        if self._auditing is not None and (self.error is not None or not self.ended):
            self._auditing.put_back(self._announced)
        if self.error is not None:
            raise self.error
        if not self.ended:
            raise JournalError("the write was interrupted before it was carried out: nothing was written")
        return cast("T", self._answer)
