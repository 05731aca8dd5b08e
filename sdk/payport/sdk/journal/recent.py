"""The newest rows of operations that this process wrote or read: they need not be decoded, and often not be read."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from payport.sdk.journal.records import Operation

KEPT = 512


class Image(NamedTuple):
    """A row as it was.

    ``operation``: the very object that was written, or came of reading. ``as_read``: what decoding the row gives,
    ``None`` where only decoding tells. ``body``, ``sealed``: its bytes.
    """

    operation: Operation
    as_read: Operation | None
    body: object
    sealed: bytes | None


class Recent:
    """The newest :data:`KEPT` of them, by the operation's id, safe between threads."""

    __slots__ = ("_images",)

    def __init__(self) -> None:
        self._images: OrderedDict[str, Image] = OrderedDict()

    def find(self, operation_id: str, body: object, sealed: bytes | None) -> Operation | None:
        """The operation that these bytes stand for, when it is known.

        The bytes are read from the database each time and compared: a row that another process changed has others.
        """
        image = self._images.get(operation_id)
        return image.as_read if image is not None and (image.body, image.sealed) == (body, sealed) else None

    def image(self, operation: Operation) -> Image | None:
        """The row of this very object, when it is the last of its id that was seen here.

        Nothing says that it is still the newest: whoever decides on it must write with a comparison of versions.
        """
        image = self._images.get(operation.id)
        return image if image is not None and image.operation is operation else None

    def keep(self, image: Image) -> None:
        """Remember what a row was when it was written or read."""
        images = self._images
        images[image.operation.id] = image
        if len(images) > KEPT:
            try:  # noqa: SIM105 - `suppress` would cost every payment two calls
                images.popitem(last=False)
            except KeyError:  # pragma: no cover - another thread was first
                pass
