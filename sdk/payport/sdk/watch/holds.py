"""Payments that a rule holds back until a person has looked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from payport.schemas.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One order that is held: nothing was sent for it. ``rule``, ``reason``: why; ``payer``: a keyed digest.

    A release is for this order and amount, at whichever account, and for good.
    """

    ref: str
    partner: str
    account: str
    amount: Money
    payer: str = ""
    rule: str
    reason: str
    held_at: datetime
    released_at: datetime | None = None
    released_by: str = ""
    note: str = ""

    @property
    def released(self) -> bool:
        """Whether a person let it go."""
        return self.released_at is not None

    def lets(self, amount: Money) -> bool:
        """Whether a person let this amount go."""
        return self.released and self.amount == amount
