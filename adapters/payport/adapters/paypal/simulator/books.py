"""PayPal's books of one merchant: every row, balances, what time does to them, and the events that follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock

from payport.adapters.paypal.simulator.rows import (
    CaptureRow,
    HoldRow,
    OrderRow,
    OrderStatus,
    PayoutRow,
    RefundRow,
)
from payport.schemas.money import Money

HOLD_LIFE = timedelta(days=29)
CLAIM_LIFE = timedelta(days=30)
OPENING_BALANCE_MINOR = 100_000_000

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something PayPal tells the merchant's webhooks about. ``shows``: the resource as it stands when it is told."""

    event_type: str
    resource_type: str
    summary: str
    resource: Mapping[str, object] = field(repr=False)
    at: datetime


@dataclass(slots=True, kw_only=True)
class Books:
    """Everything PayPal knows of one merchant. Hold ``lock`` for every read and change."""

    merchant_id: str
    url: Callable[[], str]
    lock: RLock = field(default_factory=RLock)
    orders: dict[str, OrderRow] = field(default_factory=dict[str, OrderRow])
    holds: dict[str, HoldRow] = field(default_factory=dict[str, HoldRow])
    captures: dict[str, CaptureRow] = field(default_factory=dict[str, CaptureRow])
    refunds: dict[str, RefundRow] = field(default_factory=dict[str, RefundRow])
    payouts: dict[str, PayoutRow] = field(default_factory=dict[str, PayoutRow])
    balances: dict[str, int] = field(default_factory=dict[str, int])
    happenings: list[Happening] = field(default_factory=list[Happening])
    _numbers: int = 0

    def number(self) -> str:
        """A fresh number in PayPal's form: 17 capitals and digits."""
        self._numbers += 1
        left, digits = self._numbers * 7919 + 104_729, ""
        while left:
            left, at = divmod(left, len(_ALPHABET))
            digits = _ALPHABET[at] + digits
        return f"{digits.rjust(12, '1')}{'5802L'}"

    def balance_minor(self, currency: str) -> int:
        """What the merchant has."""
        return self.balances.setdefault(currency, OPENING_BALANCE_MINOR)

    def move(self, money: Money, *, sign: int) -> None:
        """Money comes in or goes out."""
        self.balances[money.currency] = self.balance_minor(money.currency) + sign * money.amount_minor

    def tell(self, happening: Happening) -> None:
        """Have an event told."""
        self.happenings.append(happening)

    def drain(self) -> list[Happening]:
        """What is to be told, in order, once."""
        with self.lock:
            told, self.happenings = self.happenings, []
        return told

    def tick(self, now: datetime) -> list[PayoutRow]:
        """What the passing of time does: orders and holds end. Answers payouts that nobody claimed in time."""
        for row in list(self.orders.values()):
            if row.status is not OrderStatus.COMPLETED and row.expires_at <= now:
                del self.orders[row.id]
        for hold in self.holds.values():
            if hold.live and hold.expires_at <= now:
                hold.status = "EXPIRED"
        return [row for row in self.payouts.values() if row.status == "UNCLAIMED" and row.at + CLAIM_LIFE <= now]
