"""What several gateways share because they share a journal: made once, closed with it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Protocol, TypeVar, runtime_checkable

from payport.sdk.forks import follow_forks

T = TypeVar("T")


@runtime_checkable
class _Closes(Protocol):
    def close(self) -> None: ...


class Companions:
    """Objects by their class, for as long as a journal is open. A forked process goes on with copies of them."""

    def __init__(self) -> None:
        self._made: dict[type[object], object] = {}
        self._begin()
        follow_forks(in_child=self._begin)

    def _begin(self) -> None:
        self._lock = Lock()

    def get(self, kind: type[T], make: Callable[[], T]) -> T:
        """The one object of this class; made now when there is none yet."""
        with self._lock:
            found = self._made.get(kind)
            if not isinstance(found, kind):
                found = self._made[kind] = make()
            return found

    def close(self) -> None:
        """Close those that can be closed."""
        with self._lock:
            for each in self._made.values():
                if isinstance(each, _Closes):
                    each.close()
            self._made.clear()
