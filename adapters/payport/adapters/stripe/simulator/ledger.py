"""What really happened at the partner, as immutable views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from payport.adapters.stripe.money import from_wire
from payport.schemas.money import Money

if TYPE_CHECKING:
    from payport.adapters.stripe.simulator.books import Books
    from payport.adapters.stripe.simulator.rows import LineRow


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
    """An intent with manual capture that was authorized. ``rest``: still held. ``status``: Stripe's word."""

    reference: str
    number: str
    status: str
    amount: Money
    rest: Money
    captured: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """A payout in any state. ``status``: Stripe's word."""

    reference: str
    number: str
    status: str
    amount: Money


class Ledger:
    """Stripe's books, read only. Every read first lets late requests arrive and times run out."""

    def __init__(self, books: Books, settle: Callable[[], None]) -> None:
        self._books = books
        self._settle = settle

    def charges(self, reference: str | None = None, *, starting_with: str | None = None) -> tuple[Charge, ...]:
        """What payers were charged: all, one payment's, or of all references that begin with an order's."""
        return tuple(
            Charge(
                reference=line.reference,
                own_reference=line.own_reference,
                number=line.source,
                amount=from_wire(line.amount, line.currency),
                at=line.created,
            )
            for line in self._lines("charge", reference, starting_with)
        )

    def refunds(self, reference: str | None = None, *, starting_with: str | None = None) -> tuple[Refunded, ...]:
        """What payers got back; one that failed after all is not among them."""
        bounced = {line.source for line in self._lines("refund_failure", None, None)}
        return tuple(
            Refunded(
                reference=line.reference,
                own_reference=line.own_reference,
                number=line.source,
                amount=from_wire(-line.amount, line.currency),
                at=line.created,
            )
            for line in self._lines("refund", reference, starting_with)
            if line.source not in bounced
        )

    def holds(self, reference: str | None = None, *, starting_with: str | None = None) -> tuple[Hold, ...]:
        """Holds as they stand."""
        self._settle()
        with self._books.lock:
            return tuple(
                Hold(
                    reference=row.reference,
                    number=row.id,
                    status=row.status,
                    amount=from_wire(row.amount, row.currency),
                    rest=from_wire(row.capturable, row.currency),
                    captured=from_wire(row.received, row.currency),
                )
                for row in self._books.intents.values()
                if row.held_at is not None and _fits(row.reference, reference, starting_with)
            )

    def transfers(self, reference: str | None = None, *, starting_with: str | None = None) -> tuple[Transferred, ...]:
        """Payouts as they stand."""
        self._settle()
        with self._books.lock:
            return tuple(
                Transferred(
                    reference=row.metadata.get("payport_ref", row.id),
                    number=row.id,
                    status=row.status,
                    amount=from_wire(row.amount, row.currency),
                )
                for row in self._books.payouts.values()
                if _fits(row.metadata.get("payport_ref", row.id), reference, starting_with)
            )

    def status(self, reference: str) -> str | None:
        """Stripe's word for the newest intent or page of a reference, ``None`` when there is none."""
        self._settle()
        with self._books.lock:
            words = [row.status for row in self._books.sessions.values() if row.reference == reference]
            words += [row.status for row in self._books.intents.values() if row.reference == reference]
        return words[-1] if words else None

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
