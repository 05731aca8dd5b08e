"""What really happened at the partner, as immutable views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from payport.schemas.money import Money

if TYPE_CHECKING:
    from payport.adapters.wechatpay.simulator.books import Books


class EntryKind(Enum):
    """Why the merchant's balance changed."""

    CHARGE = "charge"
    REFUND = "refund"
    TRANSFER = "transfer"
    TRANSFER_RETURNED = "transfer_returned"
    SPLIT = "split"
    SPLIT_RETURNED = "split_returned"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """A transfer in any state. ``status``: WeChat's word."""

    out_bill_no: str
    transfer_bill_no: str
    status: str
    amount: Money


class Ledger:
    """WeChat's books, read only. Every read first lets late requests arrive and times run out."""

    def __init__(self, books: Books, settle: Callable[[], None]) -> None:
        self._books = books
        self._settle = settle

    def entries(self) -> tuple[Entry, ...]:
        """Every movement of the merchant's balance, oldest first."""
        self._settle()
        with self._books.lock:
            return tuple(self._books.entries)

    def charges(self, reference: str | None = None, /, *, starting_with: str | None = None) -> tuple[Charge, ...]:
        """What payers were charged: all, one order's, or of all numbers that begin with an order's reference."""
        return tuple(
            Charge(
                out_trade_no=entry.out_no,
                transaction_id=entry.partner_no,
                amount=_money(entry.amount_minor),
                at=entry.at,
            )
            for entry in self._of(EntryKind.CHARGE, reference, starting_with)
        )

    def refunds(self, reference: str | None = None, /, *, starting_with: str | None = None) -> tuple[Refunded, ...]:
        """What payers got back, reversals included."""
        return tuple(
            Refunded(
                out_trade_no=entry.out_no,
                out_refund_no=entry.request_no,
                amount=_money(-entry.amount_minor),
                at=entry.at,
            )
            for entry in self._of(EntryKind.REFUND, reference, starting_with)
        )

    def transfers(self, reference: str | None = None, /) -> tuple[Transferred, ...]:
        """Transfers as they stand."""
        self._settle()
        with self._books.lock:
            return tuple(
                Transferred(
                    out_bill_no=row.out_bill_no,
                    transfer_bill_no=row.transfer_bill_no,
                    status=row.state.value,
                    amount=_money(row.amount_minor),
                )
                for row in self._books.transfers.values()
                if reference in (None, row.out_bill_no)
            )

    def trade_state(self, out_trade_no: str) -> str | None:
        """WeChat's word for an order, ``None`` when there is none."""
        self._settle()
        with self._books.lock:
            row = self._books.orders.get(out_trade_no)
            return None if row is None else row.state.value

    def paid_total(self, currency: str = "CNY") -> Money:
        """The sum of every charge, refunds not subtracted."""
        return sum((charge.amount for charge in self.charges()), Money.zero(currency))

    def refunded_total(self, currency: str = "CNY") -> Money:
        """The sum of every refund and reversal."""
        return sum((refund.amount for refund in self.refunds()), Money.zero(currency))

    def _of(self, kind: EntryKind, out_no: str | None, prefix: str | None) -> list[Entry]:
        return [
            entry
            for entry in self.entries()
            if entry.kind is kind
            and out_no in (None, entry.out_no)
            and (prefix is None or entry.out_no.startswith(prefix))
        ]


def _money(minor: int) -> Money:
    return Money(minor, "CNY")
