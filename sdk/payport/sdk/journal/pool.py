"""Connections that are lent out, one caller at a time, and kept for the next one."""

from __future__ import annotations

from threading import Semaphore
from typing import TYPE_CHECKING

from payport.sdk.errors import JournalError

if TYPE_CHECKING:
    from payport.sdk.journal.engine import Database, Link

MAX_IDLE = 8


class Pool:
    """At most ``size`` connections at once (``None``: as many as are asked for). Who finds none waits ``wait_s``."""

    __slots__ = ("_closed", "_database", "_idle", "_reading", "_size", "_slots", "_wait_s")

    def __init__(self, database: Database, *, reading: bool, size: int | None, wait_s: float) -> None:
        self._database = database
        self._reading = reading
        self._size = size
        self._slots = None if size is None else Semaphore(size)
        self._wait_s = wait_s
        self._idle: list[Link] = []
        self._closed = False

    def borrow(self) -> Link:
        """A connection with no transaction on it. Give it back in any case.

        Raises :class:`JournalError` when none can be had.
        """
        if self._closed:
            raise JournalError("the journal is closed")
        if self._slots is not None and not self._slots.acquire(timeout=self._wait_s):
            raise JournalError(
                f"all {self._size} connections of this process to the journal were in use for {self._wait_s:g} s"
            )
        try:
            return self._idle.pop()
        except IndexError:
            pass
        try:
            return self._database.connect(reading=self._reading)
        except BaseException:
            self._free()
            raise

    def renew(self, link: Link) -> None:
        """Connect a borrowed link anew: whatever broke it will have broken the idle ones too."""
        link.close()
        self.disconnect()
        link.become(self._database.connect(reading=self._reading))

    def give_back(self, link: Link) -> None:
        """Take a connection back. One that is broken, or in the middle of something, is closed."""
        if self._closed or link.broken or link.connection.in_transaction or len(self._idle) >= MAX_IDLE:
            link.close()
        else:
            self._idle.append(link)
        self._free()

    def disconnect(self) -> None:
        """Close those that nobody uses."""
        while self._idle:
            self._idle.pop().close()

    def close(self) -> None:
        """Lend no more, and close each as soon as it comes back."""
        self._closed = True
        self.disconnect()

    def __len__(self) -> int:
        """How many are kept idle."""
        return len(self._idle)

    def _free(self) -> None:
        if self._slots is not None:
            self._slots.release()
