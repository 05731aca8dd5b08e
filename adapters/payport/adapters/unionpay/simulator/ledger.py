"""What really happened at UnionPay, as immutable views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from payport.adapters.unionpay.simulator.books import EntryKind
from payport.adapters.unionpay.simulator.rows import Status
from payport.schemas.money import Money

if TYPE_CHECKING:
    from payport.adapters.unionpay.simulator.books import Books, Entry
    from payport.adapters.unionpay.simulator.rows import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Money taken from a payer once; of a hold, by its completion."""

    order_id: str
    query_id: str
    amount: Money
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """Money given back. ``by``: the number of the refund or undo; a reversal has the payment's own."""

    order_id: str
    by: str
    amount: Money
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A pre-authorization. ``rest``: still held. Nothing is held before the payer agrees."""

    order_id: str
    query_id: str
    status: str
    amount: Money
    rest: Money
    captured: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """A transfer: there are none, since this adapter sends no money."""

    order_id: str
    status: str
    amount: Money


class Ledger:
    """UnionPay's books, read only. Every read first lets late requests arrive."""

    def __init__(self, books: Books, settle: Callable[[], None]) -> None:
        self._books = books
        self._settle = settle

    def charges(self, order_id: str | None = None, *, starting_with: str | None = None) -> tuple[Charge, ...]:
        """What payers were charged: all, one number's, or of all numbers that begin with an order's reference."""
        return tuple(
            Charge(order_id=entry.order_id, query_id=entry.query_id, amount=_money(entry.amount_minor), at=entry.at)
            for entry in self._of(EntryKind.CHARGE, order_id, starting_with)
        )

    def refunds(self, order_id: str | None = None, *, starting_with: str | None = None) -> tuple[Refunded, ...]:
        """What payers got back, undos and reversals included."""
        return tuple(
            Refunded(order_id=entry.order_id, by=entry.by, amount=_money(entry.amount_minor), at=entry.at)
            for entry in self._of(EntryKind.REFUND, order_id, starting_with)
        )

    def holds(self, order_id: str | None = None) -> tuple[Hold, ...]:
        """Pre-authorizations as they stand."""
        self._settle()
        with self._books.lock:
            return tuple(
                _hold(row)
                for row in self._books.rows.values()
                if row.txn_type == "02" and order_id in (None, row.order_id)
            )

    def transfers(self, order_id: str | None = None) -> tuple[Transferred, ...]:
        """None: this adapter sends no money."""
        del order_id
        return ()

    def status(self, order_id: str) -> str | None:
        """How the newest transaction of a number stands; ``None`` when there is none."""
        self._settle()
        with self._books.lock:
            found = [row.status.value for row in self._books.rows.values() if row.order_id == order_id]
            return found[-1] if found else None

    def paid_total(self, currency: str = "CNY") -> Money:
        """The sum of every charge, refunds not subtracted."""
        return sum((charge.amount for charge in self.charges()), Money.zero(currency))

    def refunded_total(self, currency: str = "CNY") -> Money:
        """The sum of everything given back."""
        return sum((refund.amount for refund in self.refunds()), Money.zero(currency))

    def _of(self, kind: EntryKind, order_id: str | None, starting_with: str | None) -> list[Entry]:
        self._settle()
        with self._books.lock:
            return [
                entry
                for entry in self._books.entries
                if entry.kind is kind
                and order_id in (None, entry.order_id)
                and entry.order_id.startswith(starting_with or "")
            ]


def _hold(row: Transaction) -> Hold:
    agreed = row.status is Status.DONE
    taken = row.captured.amount_minor if row.captured is not None and row.captured.status is Status.DONE else 0
    rest = row.amount_minor if agreed and not row.undone and not taken else 0
    return Hold(
        order_id=row.order_id,
        query_id=row.query_id,
        status="undone" if row.undone else row.status.value,
        amount=_money(row.amount_minor),
        rest=_money(rest),
        captured=_money(taken),
    )


def _money(minor: int) -> Money:
    return Money(minor, "CNY")
