"""One caller's work on the journal: done inside a transaction, on whichever thread has the connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from payport.sdk.errors import JournalError
from payport.sdk.journal.sql_session import SqlSession

if TYPE_CHECKING:
    from payport.sdk.journal.engine import Database, Link
    from payport.sdk.journal.sealing import SealingKeys
    from payport.sdk.journal.session import Session
    from payport.sdk.journal.waiting import Waiter

T = TypeVar("T")


class Unit(Generic[T]):
    """One caller's work, how it ended, and how the caller hears of it."""

    __slots__ = ("_answer", "ended", "error", "leads", "waiter", "work")

    def __init__(self, work: Callable[[Session], T], waiter: Waiter | None) -> None:
        self.work = work
        self.waiter = waiter
        self.leads = False
        self.ended = False
        self.error: BaseException | None = None
        self._answer: T | None = None

    def run_on(self, link: Link, database: Database, keys: SealingKeys | None, *, locks: bool = False) -> None:
        """Do the work inside the transaction that was begun on ``link``; its answer counts once that is durable.

        Raises what the work raises, and what the storage failed with even where the work went on.
        """
        session = SqlSession(link.cursor, database, keys, locks=locks)
        try:
            self._answer = self.work(session)
        finally:
            session.end()
        if session.failure is not None:
            raise session.failure

    def end(self, answer: T) -> None:
        """Note what the work answered where somebody else has run it."""
        self._answer = answer
        self.ended = True

    def answer(self) -> T:
        """What the work answered, or raise what went wrong."""
        if self.error is not None:
            raise self.error
        if not self.ended:
            raise JournalError("the write was interrupted before it was carried out: nothing was written")
        return cast("T", self._answer)
