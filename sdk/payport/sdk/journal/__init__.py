"""Durable storage: what was intended, what was learnt, what arrived. Opened with :meth:`Journal.open`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from payport.sdk.journal.store import Journal

__all__ = ["Journal"]


def __getattr__(name: str) -> object:
    # SQLAlchemy doubles the import time of a gateway, so it is loaded with the first journal that is opened
    if name == "Journal":
        from payport.sdk.journal.store import Journal  # noqa: PLC0415 - see above

        return Journal
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
