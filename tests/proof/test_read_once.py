"""The partner's books as the soak looks them up: what the ledger itself would answer, found by bisection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from proof.read_once import ReadOnce

from payport.schemas import Money

EURO = Money(100, "EUR")


@dataclass(frozen=True)
class Line:
    """A row of the books."""

    reference: str
    number: int
    amount: Money = EURO


LINES = tuple(Line(reference, number) for number, reference in enumerate(["B1", "A1", "A12", "B1", "A2"]))


class Ledger:
    """Looks through every row."""

    def charges(self, reference: str | None = None, /, *, starting_with: str | None = None) -> Sequence[Line]:
        """Those that fit."""
        wanted = starting_with or ""
        return [one for one in LINES if reference in (None, one.reference) and one.reference.startswith(wanted)]

    refunds = charges


@pytest.mark.parametrize("reference", ["A1", "A2", "B1", "B", "C", ""])
def test_what_is_found_is_what_the_ledger_finds(reference: str) -> None:
    """Under one reference, and under all that begin with a debt's."""
    ledger = Ledger()
    read = ReadOnce(ledger)
    assert list(read.charges(reference)) == list(ledger.charges(reference))
    found = read.refunds(starting_with=reference)
    assert sorted(map(repr, found)) == sorted(map(repr, ledger.refunds(starting_with=reference)))


def test_all_of_it_and_no_holds() -> None:
    """Who keeps no holds has none."""
    read = ReadOnce(Ledger())
    assert set(map(repr, read.charges())) == set(map(repr, LINES))
    assert list(read.holds("A1")) == []
