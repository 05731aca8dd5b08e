"""Calls around every fork for as long as the object that they belong to lives.

Python cannot take such calls back. So it is asked once for each of the three moments, and what is to be called then is
kept here, weakly: objects that come and go leave nothing behind.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from weakref import WeakMethod


class _Moment:
    """What is to be called at one moment of a fork."""

    def __init__(self) -> None:
        self._numbers = count()
        self._methods: dict[int, WeakMethod[Callable[[], None]]] = {}

    def add(self, method: Callable[[], None] | None) -> None:
        if method is None:
            return
        number = next(self._numbers)
        self._methods[number] = WeakMethod(method, lambda _: self._methods.pop(number, None))

    def come(self) -> None:
        for method in self._living():
            method()

    def come_backwards(self) -> None:
        """The last that was added first, as Python does before a fork: what is built on others is held still first."""
        for method in reversed(self._living()):
            method()

    def _living(self) -> list[Callable[[], None]]:
        return [method for weak in tuple(self._methods.values()) if (method := weak()) is not None]


_before, _in_parent, _in_child = _Moment(), _Moment(), _Moment()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before.come_backwards, after_in_parent=_in_parent.come, after_in_child=_in_child.come)


def follow_forks(
    *,
    before: Callable[[], None] | None = None,
    in_parent: Callable[[], None] | None = None,
    in_child: Callable[[], None] | None = None,
) -> None:
    """Call these methods around every fork. They are held weakly."""
    _before.add(before)
    _in_parent.add(in_parent)
    _in_child.add(in_child)
