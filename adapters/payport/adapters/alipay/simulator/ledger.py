"""What really happened at the partner, as immutable views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from payport.schemas.money import Money

if TYPE_CHECKING:
    from payport.adapters.alipay.simulator.books import Books


class EntryKind(Enum):
    """Why the merchant's balance changed."""

    CHARGE = "charge"
    REFUND = "refund"
    TRANSFER = "transfer"
    TRANSFER_RETURNED = "transfer_returned"
    SPLIT = "split"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One movement of the merchant's balance. ``amount_minor`` is signed; ``balance_minor`` is what it left."""

    kind: EntryKind
    out_no: str
    request_no: str
    partner_no: str
    amount_minor: int
    balance_minor: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Money taken from a payer once."""

    out_trade_no: str
    trade_no: str
    amount: Money
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """Money given back to a payer; a reversal (cancel of a paid trade) has the trade's own number as request number."""

    out_trade_no: str
    out_request_no: str
    amount: Money
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A pre-authorization. ``rest``: still frozen. ``status``: Alipay's word, empty before the payer opened it."""

    out_order_no: str
    auth_no: str
    status: str
    amount: Money
    rest: Money
    captured: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """A transfer in any state. ``status``: Alipay's word."""

    out_biz_no: str
    order_id: str
    status: str
    amount: Money


class Ledger:
    """Alipay's books, read only. Every read first lets late requests arrive and times run out."""

    def __init__(self, books: Books, settle: Callable[[], None]) -> None:
        self._books = books
        self._settle = settle

    def entries(self) -> tuple[Entry, ...]:
        """Every movement of the merchant's balance, oldest first."""
        self._settle()
        with self._books.lock:
            return tuple(self._books.entries)

    def charges(self, out_trade_no: str | None = None, *, starting_with: str | None = None) -> tuple[Charge, ...]:
        """What payers were charged: all, one trade's, or of all trade numbers that begin with an order's reference."""
        return tuple(
            Charge(out_trade_no=entry.out_no, trade_no=entry.partner_no, amount=_money(entry.amount_minor), at=entry.at)
            for entry in self._of(EntryKind.CHARGE, out_trade_no)
            if starting_with is None or entry.out_no.startswith(starting_with)
        )

    def refunds(self, out_trade_no: str | None = None, *, starting_with: str | None = None) -> tuple[Refunded, ...]:
        """What payers got back, reversals included."""
        return tuple(
            Refunded(
                out_trade_no=entry.out_no,
                out_request_no=entry.request_no,
                amount=_money(-entry.amount_minor),
                at=entry.at,
            )
            for entry in self._of(EntryKind.REFUND, out_trade_no)
            if starting_with is None or entry.out_no.startswith(starting_with)
        )

    def holds(self, out_order_no: str | None = None) -> tuple[Hold, ...]:
        """Pre-authorizations as they stand."""
        self._settle()
        with self._books.lock:
            return tuple(
                Hold(
                    out_order_no=row.out_order_no,
                    auth_no=row.auth_no,
                    status=row.status.value,
                    amount=_money(row.amount_minor),
                    rest=_money(row.rest_minor),
                    captured=_money(row.captured_minor),
                )
                for row in self._books.holds.values()
                if out_order_no in (None, row.out_order_no)
            )

    def transfers(self, out_biz_no: str | None = None) -> tuple[Transferred, ...]:
        """Transfers as they stand."""
        self._settle()
        with self._books.lock:
            return tuple(
                Transferred(
                    out_biz_no=row.out_biz_no,
                    order_id=row.order_id,
                    status=row.status.value,
                    amount=_money(row.amount_minor),
                )
                for row in self._books.transfers.values()
                if out_biz_no in (None, row.out_biz_no)
            )

    def trade_status(self, out_trade_no: str) -> str | None:
        """Alipay's word for a trade: ``None`` when there is none, empty when only a code or page was handed out."""
        self._settle()
        with self._books.lock:
            row = self._books.trades.get(out_trade_no)
            return None if row is None else row.status.value

    def paid_total(self, currency: str = "CNY") -> Money:
        """The sum of every charge, refunds not subtracted."""
        return sum((charge.amount for charge in self.charges()), Money.zero(currency))

    def refunded_total(self, currency: str = "CNY") -> Money:
        """The sum of every refund and reversal."""
        return sum((refund.amount for refund in self.refunds()), Money.zero(currency))

    def _of(self, kind: EntryKind, out_no: str | None) -> list[Entry]:
        return [entry for entry in self.entries() if entry.kind is kind and out_no in (None, entry.out_no)]


def _money(minor: int) -> Money:
    return Money(minor, "CNY")
