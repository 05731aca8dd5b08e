"""What really happened at the partner, as immutable views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from payport.adapters.adyen.money import from_wire
from payport.schemas.money import Money

if TYPE_CHECKING:
    from payport.adapters.adyen.simulator.books import Books
    from payport.adapters.adyen.simulator.rows import LineRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Money taken from a payer once. ``own_reference``: of the capture that took it, the payment's otherwise."""

    reference: str
    own_reference: str
    number: str
    amount: Money
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """Money given back to a payer. ``reference``: the payment's; ``own_reference``: the refund's."""

    reference: str
    own_reference: str
    number: str
    amount: Money
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An authorised payment with manual capture. ``rest``: still held."""

    reference: str
    number: str
    status: str
    amount: Money
    rest: Money
    captured: Money


class Ledger:
    """Adyen's books, read only. Every read first lets late requests arrive and times run out."""

    def __init__(self, books: Books, settle: Callable[[], None]) -> None:
        self._books = books
        self._settle = settle

    def charges(self, reference: str | None = None, *, starting_with: str | None = None) -> tuple[Charge, ...]:
        """What payers were charged: all, one payment's, or of all references that begin with an order's."""
        return tuple(
            Charge(
                reference=line.reference,
                own_reference=line.own_reference,
                number=line.number,
                amount=from_wire(line.value, line.currency),
                at=line.at,
            )
            for line in self._lines("charge", reference, starting_with)
        )

    def refunds(self, reference: str | None = None, *, starting_with: str | None = None) -> tuple[Refunded, ...]:
        """What payers got back; one that bounced is not among them."""
        return tuple(
            Refunded(
                reference=line.reference,
                own_reference=line.own_reference,
                number=line.number,
                amount=from_wire(line.value, line.currency),
                at=line.at,
            )
            for line in self._lines("refund", reference, starting_with)
        )

    def holds(self, reference: str | None = None, *, starting_with: str | None = None) -> tuple[Hold, ...]:
        """Holds as they stand."""
        self._settle()
        with self._books.lock:
            return tuple(
                Hold(
                    reference=row.reference,
                    number=row.psp,
                    status=row.status,
                    amount=from_wire(row.value, row.currency),
                    rest=from_wire(row.rest, row.currency),
                    captured=from_wire(row.captured, row.currency),
                )
                for row in self._books.payments
                if row.manual and row.status == "authorised" and _fits(row.reference, reference, starting_with)
            )

    def transfers(self, reference: str | None = None, *, starting_with: str | None = None) -> tuple[Charge, ...]:  # noqa: ARG002 - one surface for all partners
        """Nothing: payments do not send money."""
        return ()

    def paid_total(self, currency: str = "EUR") -> Money:
        """The sum of every charge in a currency, refunds not subtracted."""
        return sum((each.amount for each in self.charges() if each.amount.currency == currency), Money.zero(currency))

    def refunded_total(self, currency: str = "EUR") -> Money:
        """The sum of every refund in a currency."""
        return sum((each.amount for each in self.refunds() if each.amount.currency == currency), Money.zero(currency))

    def _lines(self, kind: str, reference: str | None, starting_with: str | None) -> list[LineRow]:
        self._settle()
        with self._books.lock:
            return [
                line
                for line in self._books.lines
                if line.kind == kind and _fits(line.reference, reference, starting_with)
            ]


def _fits(told: str, reference: str | None, starting_with: str | None) -> bool:
    return reference in (None, told) and (starting_with is None or told.startswith(starting_with))
