"""A partner's books, read once and then looked up by reference: a soak's hundred thousand debts are each looked up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Generic, TypeVar, cast

from payport.sdk.testing.simulated import HoldRow, KeepsHolds, Row, SimulatedLedger

RowT = TypeVar("RowT", bound=Row)
_LAST = chr(0x10FFFF)
"""Sorts after every sign of a reference."""


class ReadOnce:
    """The books as they stand now, with the surface of the ledger that they are read from."""

    def __init__(self, ledger: SimulatedLedger) -> None:
        self._charges = _Rows(ledger.charges())
        self._refunds = _Rows(ledger.refunds())
        self._holds: _Rows[HoldRow] = _Rows(ledger.holds() if isinstance(ledger, KeepsHolds) else ())

    def charges(self, reference: str | None = None, /, *, starting_with: str | None = None) -> Sequence[Row]:
        """Money taken."""
        return self._charges.of(reference, starting_with)

    def refunds(self, reference: str | None = None, /, *, starting_with: str | None = None) -> Sequence[Row]:
        """Money given back."""
        return self._refunds.of(reference, starting_with)

    def holds(self, reference: str | None = None, /) -> Sequence[HoldRow]:
        """Holds as they stand."""
        return self._holds.of(reference, None)


class _Rows(Generic[RowT]):
    """Rows in the order of their references; those of one reference stay in the order that they had."""

    def __init__(self, rows: Sequence[RowT]) -> None:
        self._rows = sorted(rows, key=_reference)
        self._references = [_reference(row) for row in self._rows]

    def of(self, reference: str | None, starting_with: str | None) -> Sequence[RowT]:
        if reference is not None:
            first, last = bisect_left(self._references, reference), bisect_right(self._references, reference)
        elif starting_with is not None:
            first, last = (bisect_left(self._references, text) for text in (starting_with, starting_with + _LAST))
        else:
            return self._rows
        return self._rows[first:last]


def _reference(row: Row) -> str:
    """A row's first field: the merchant's reference there."""
    return str(getattr(row, fields(cast("Any", row))[0].name))
