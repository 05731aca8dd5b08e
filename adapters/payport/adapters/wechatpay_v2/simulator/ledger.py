"""What really happened at the partner, as immutable views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from payport.adapters.wechatpay_v2.simulator.books import Books, Entry
from payport.schemas.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Money taken from a payer once."""

    out_trade_no: str
    transaction_id: str
    amount: Money
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """Money given back to a payer; a reversal has the order's own number as refund number."""

    out_trade_no: str
    out_refund_no: str
    amount: Money
    at: datetime


class Ledger:
    """WeChat's books, read only. Every read first lets late requests arrive."""

    def __init__(self, books: Books, settle: Callable[[], None]) -> None:
        self._books = books
        self._settle = settle

    def charges(self, reference: str | None = None, *, starting_with: str | None = None) -> tuple[Charge, ...]:
        """What payers were charged: all, one order's, or of all order numbers that begin with a reference."""
        return tuple(
            Charge(
                out_trade_no=entry.out_trade_no,
                transaction_id=entry.transaction_id,
                amount=Money(entry.amount_minor, "CNY"),
                at=entry.at,
            )
            for entry in self._entries(reference, starting_with)
            if entry.amount_minor > 0
        )

    def refunds(self, reference: str | None = None, *, starting_with: str | None = None) -> tuple[Refunded, ...]:
        """What payers got back, reversals included."""
        return tuple(
            Refunded(
                out_trade_no=entry.out_trade_no,
                out_refund_no=entry.out_refund_no,
                amount=Money(-entry.amount_minor, "CNY"),
                at=entry.at,
            )
            for entry in self._entries(reference, starting_with)
            if entry.amount_minor < 0
        )

    def holds(self, reference: str | None = None) -> tuple[()]:  # noqa: ARG002 - every ledger is asked the same
        """API v2 holds nothing."""
        return ()

    def transfers(self, reference: str | None = None) -> tuple[()]:  # noqa: ARG002 - as above
        """Payouts are not part of it."""
        return ()

    def trade_state(self, reference: str) -> str | None:
        """WeChat's word for an order, ``None`` when there is none."""
        self._settle()
        with self._books.lock:
            row = self._books.orders.get(reference)
            return None if row is None else row.status.value

    def paid_total(self, currency: str = "CNY") -> Money:
        """The sum of every charge, refunds not subtracted."""
        return sum((charge.amount for charge in self.charges()), Money.zero(currency))

    def refunded_total(self, currency: str = "CNY") -> Money:
        """The sum of every refund and reversal."""
        return sum((refund.amount for refund in self.refunds()), Money.zero(currency))

    def _entries(self, reference: str | None, starting_with: str | None) -> list[Entry]:
        self._settle()
        with self._books.lock:
            return [
                entry
                for entry in self._books.entries
                if reference in (None, entry.out_trade_no)
                and (starting_with is None or entry.out_trade_no.startswith(starting_with))
            ]
