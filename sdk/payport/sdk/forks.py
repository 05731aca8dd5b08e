"""Calls around every fork for as long as the object that they belong to lives."""

from __future__ import annotations

import os
from collections.abc import Callable
from weakref import WeakMethod


def follow_forks(
    *,
    before: Callable[[], None] | None = None,
    in_parent: Callable[[], None] | None = None,
    in_child: Callable[[], None] | None = None,
) -> None:
    """Call these methods around every fork. They are held weakly, since Python cannot take such calls back."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=_weakly(before), after_in_parent=_weakly(in_parent), after_in_child=_weakly(in_child)
        )


def _weakly(method: Callable[[], None] | None) -> Callable[[], None]:
    weak = None if method is None else WeakMethod(method)

    def call() -> None:
        found = None if weak is None else weak()
        if found is not None:
            found()

    return call
