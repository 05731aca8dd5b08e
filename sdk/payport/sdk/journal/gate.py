"""Who is using the database right now, so that a fork can wait until nobody is.

SQLite connections must not be open across a fork: the child would share the parent's file locks without holding them,
and either one could then remove the log that the other is writing
(https://www.sqlite.org/howtocorrupt.html, section 2.6).
"""

from __future__ import annotations

import os
from threading import Condition, Lock, get_ident

from payport.sdk.errors import JournalError


class Gate:
    """Every use of the database passes through: ``with gate: ...``. One thread is inside at most once."""

    __slots__ = ("_changed", "_inside", "_lock", "_pid", "_shut")

    def __init__(self) -> None:
        self._lock = Lock()  # entered by itself where nobody has to be woken: a Condition is four calls of Python more
        self._changed = Condition(self._lock)
        self._inside: set[int] = set()
        self._shut = 0
        self._pid = os.getpid()

    def check(self) -> None:
        """Raise :class:`JournalError` when this thread is inside already, or in a process that must not be here."""
        if get_ident() in self._inside:
            raise JournalError("the journal is used inside its own work: use the session that the work was given")
        if os.getpid() != self._pid:
            raise JournalError("this process was forked while the journal was in use: open a journal of its own here")

    def __enter__(self) -> None:
        with self._lock:
            while self._shut:
                self._changed.wait()
            self._inside.add(get_ident())

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside.discard(get_ident())
            if self._shut:
                self._changed.notify_all()

    def shut(self) -> bool:
        """Let nobody in, and wait until everybody is out. False, and open, when this very thread is inside."""
        if get_ident() in self._inside:
            return False
        with self._changed:
            self._shut += 1
            while self._inside:
                self._changed.wait()
        return True

    def reopen(self) -> None:
        """Let users in again."""
        with self._changed:
            self._shut -= 1
            self._changed.notify_all()
