"""Operations by the very bytes of their rows: what was just written or read need not be decoded again.

And by their ids: what this process wrote or read last, and what was sealed in the row then.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from payport.sdk.journal.records import Operation

KEPT = 512

Image: TypeAlias = "tuple[Operation, bytes | None]"
"""An operation, and what is sealed in its row."""


class Recent:
    """The newest :data:`KEPT` of them, safe between threads.

    The bytes themselves are the key, and they are read from the database each time: a row that another process changed
    has other bytes, so nothing here can be out of date.
    """

    __slots__ = ("_known", "_last")

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[object, bytes | None], Operation] = OrderedDict()
        self._last: OrderedDict[str, Image] = OrderedDict()

    def find(self, body: object, sealed: bytes | None) -> Operation | None:
        """The operation that these bytes stand for, when it is known."""
        return self._known.get((body, sealed))

    def keep(self, body: object, sealed: bytes | None, operation: Operation) -> None:
        """Remember what bytes stand for: ``operation`` must be what decoding them gives."""
        _add(self._known, (body, sealed), operation)

    def image(self, operation: Operation) -> Image | None:
        """The row of this very object, when it is the last of its id that was read or written here.

        Nothing says that it is still the newest: whoever decides on it must write with a comparison of versions.
        """
        found = self._last.get(operation.id)
        return found if found is not None and found[0] is operation else None

    def saw(self, image: Image) -> None:
        """Remember what a row was when it was read or written."""
        _add(self._last, image[0].id, image)


KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


def _add(known: OrderedDict[KeyT, ValueT], key: KeyT, value: ValueT) -> None:
    known[key] = value
    if len(known) > KEPT:
        with suppress(KeyError):  # another thread was first
            known.popitem(last=False)
