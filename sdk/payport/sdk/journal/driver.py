"""What the journal needs of a database driver (DB-API 2.0, PEP 249)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

Row = Sequence[object]


class Cursor(Protocol):
    """Runs statements."""

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed."""
        ...

    def execute(self, sql: str, parameters: Sequence[object] = ..., /) -> object:
        """Run one statement."""
        ...

    def executemany(self, sql: str, parameters: Sequence[Sequence[object]], /) -> object:
        """Run one statement once for each set of parameters."""
        ...

    def fetchall(self) -> list[Row]:
        """The rows that are left."""
        ...


class Connection(Protocol):
    """One connection of the driver."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        ...

    def cursor(self) -> Cursor:
        """A new cursor."""
        ...

    def close(self) -> None:
        """Close it; what was not committed is gone."""
        ...
