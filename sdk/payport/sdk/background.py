"""Work that must not be done in a payment's path: by a daemon thread, a while after somebody asked for it."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread
from types import MethodType
from typing import cast
from weakref import WeakMethod, finalize

from payport.sdk.forks import follow_forks

WAIT_S = 5.0
"""How long somebody who is closing waits for work that hangs."""


class Background:
    """Calls ``work``, a method, on a thread of its own: ``every_s`` seconds after :meth:`ask`, and when told to hurry.

    The thread starts with the first question, in each process anew: a child process begins with nothing asked. The
    method's object is held while something is asked for, and the thread ends with it. When the interpreter ends, what
    was asked for is done. ``work`` must not raise. Safe between threads.
    """

    def __init__(self, work: Callable[[], None], *, every_s: float, name: str) -> None:
        self._work = WeakMethod(work)
        self._every_s = every_s
        self._name = name
        self._begin()
        follow_forks(in_child=self._begin)
        atexit.register(self.hurry)
        finalize(cast("MethodType", work).__self__, self._end).atexit = False

    def _begin(self) -> None:
        self._changed = Condition()
        self._thread: Thread | None = None
        self._asked = False
        self._held: object = None
        self._hurries = self._done = 0
        self._ended = False

    def ask(self) -> None:
        """There is something to do. As good as free while it was asked for already."""
        if not self._asked:
            with self._changed:
                self._asked = True
                self._held = self._work()
                self._start()
                self._changed.notify_all()

    def hurry(self, timeout_s: float | None = None) -> bool:
        """Have everything done that was asked for by now, and wait for it; false when that takes too long.

        ``timeout_s``: by default :data:`WAIT_S`.
        """
        with self._changed:
            if self._thread is None and not self._asked:
                return True
            started = self._start()
            self._hurries += 1
            mine = self._hurries
            self._changed.notify_all()
            if started:
                return self._changed.wait_for(lambda: self._done >= mine, WAIT_S if timeout_s is None else timeout_s)
        self._call()  # there can be no more threads: the interpreter is ending
        return True

    def _start(self) -> bool:
        if self._thread is None:
            thread = Thread(target=self._run, name=self._name, daemon=True)
            with suppress(RuntimeError):
                thread.start()
                self._thread = thread
        return self._thread is not None

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._asked or self._done < self._hurries or self._ended)
                self._changed.wait_for(lambda: self._done < self._hurries or self._ended, self._every_s)
                if self._ended:
                    return
                hurries, self._asked = self._hurries, False
            self._call()
            with self._changed:
                self._held = self._held if self._asked else None
                self._done = hurries
                self._changed.notify_all()

    def _call(self) -> None:
        work = self._work()
        if work is not None:
            work()

    def _end(self) -> None:
        atexit.unregister(self.hurry)
        with self._changed:
            self._ended = True
            self._changed.notify_all()
