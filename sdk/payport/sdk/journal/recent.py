"""Operations by the very bytes of their rows: what was just written or read need not be decoded again."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from payport.sdk.journal.records import Operation

KEPT = 512


class Recent:
    """The newest :data:`KEPT` of them, safe between threads.

    The bytes themselves are the key, and they are read from the database each time: a row that another process changed
    has other bytes, so nothing here can be out of date.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[object, bytes | None], Operation] = OrderedDict()

    def find(self, body: object, sealed: bytes | None) -> Operation | None:
        """The operation that these bytes stand for, when it is known."""
        return self._known.get((body, sealed))

    def keep(self, body: object, sealed: bytes | None, operation: Operation) -> None:
        """Remember what bytes stand for: ``operation`` must be what decoding them gives."""
        self._known[body, sealed] = operation
        if len(self._known) > KEPT:
            with suppress(KeyError):  # another thread was first
                self._known.popitem(last=False)
