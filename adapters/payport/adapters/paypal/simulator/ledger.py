"""PayPal's books as a test reads them: money taken, held, given back and sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from payport.schemas.money import Money

if TYPE_CHECKING:
    from payport.adapters.paypal.simulator.books import Books

_TAKEN = ("COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Money taken from a payer once. ``invoice_id``: the merchant's reference of the payment or capture."""

    invoice_id: str
    capture_id: str
    order_id: str
    amount: Money
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """Money given back. ``invoice_id``: of what was refunded; ``refund_ref``: the refund's own reference."""

    invoice_id: str
    refund_ref: str
    refund_id: str
    amount: Money
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An authorization. ``rest``: still held. ``status``: PayPal's word."""

    invoice_id: str
    authorization_id: str
    status: str
    amount: Money
    rest: Money
    captured: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """A payout item in any state. ``status``: PayPal's word."""

    sender_item_id: str
    item_id: str
    status: str
    amount: Money


class Ledger:
    """PayPal's books, read only. Every read first lets late requests arrive and times run out."""

    def __init__(self, books: Books, settle: Callable[[], None]) -> None:
        self._books = books
        self._settle = settle

    def charges(self, reference: str | None = None, *, starting_with: str | None = None) -> tuple[Charge, ...]:
        """What payers were charged: all, under one reference, or under all that begin with an order's."""
        self._settle()
        with self._books.lock:
            return tuple(
                Charge(
                    invoice_id=row.invoice_id, capture_id=row.id, order_id=row.order.id, amount=row.amount, at=row.at
                )
                for row in self._books.captures.values()
                if row.status in _TAKEN and _wanted(row.invoice_id, reference, starting_with)
            )

    def refunds(self, reference: str | None = None, *, starting_with: str | None = None) -> tuple[Refunded, ...]:
        """What payers got back, reversals included."""
        self._settle()
        with self._books.lock:
            return tuple(
                Refunded(
                    invoice_id=row.capture.invoice_id,
                    refund_ref=row.invoice_id,
                    refund_id=row.id,
                    amount=row.amount,
                    at=row.at,
                )
                for row in self._books.refunds.values()
                if row.status == "COMPLETED" and _wanted(row.capture.invoice_id, reference, starting_with)
            )

    def holds(self, reference: str | None = None, *, starting_with: str | None = None) -> tuple[Hold, ...]:
        """Authorizations as they stand."""
        self._settle()
        with self._books.lock:
            return tuple(
                Hold(
                    invoice_id=row.order.reference,
                    authorization_id=row.id,
                    status=row.status,
                    amount=row.amount,
                    rest=Money(row.amount.amount_minor - row.captured_minor() if row.live else 0, row.amount.currency),
                    captured=Money(row.captured_minor(), row.amount.currency),
                )
                for row in self._books.holds.values()
                if _wanted(row.order.reference, reference, starting_with)
            )

    def transfers(self, reference: str | None = None, *, starting_with: str | None = None) -> tuple[Transferred, ...]:
        """Payouts as they stand."""
        self._settle()
        with self._books.lock:
            return tuple(
                Transferred(sender_item_id=row.reference, item_id=row.item_id, status=row.status, amount=row.amount)
                for row in self._books.payouts.values()
                if _wanted(row.reference, reference, starting_with)
            )

    def order_status(self, reference: str) -> str | None:
        """PayPal's word for the newest order of a reference, ``None`` when it knows none."""
        self._settle()
        with self._books.lock:
            rows = [row for row in self._books.orders.values() if row.reference == reference]
            return rows[-1].status.value if rows else None

    def paid_total(self, currency: str = "USD") -> Money:
        """The sum of every charge in a currency, refunds not subtracted."""
        return _sum([row.amount for row in self.charges()], currency)

    def refunded_total(self, currency: str = "USD") -> Money:
        """The sum of every refund and reversal in a currency."""
        return _sum([row.amount for row in self.refunds()], currency)


def _wanted(own: str, reference: str | None, starting_with: str | None) -> bool:
    return reference in (None, own) and (starting_with is None or own.startswith(starting_with))


def _sum(amounts: list[Money], currency: str) -> Money:
    return sum((amount for amount in amounts if amount.currency == currency), Money.zero(currency))
