"""What a rule looks at: one thing that happened, and how often such things happened lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from payport.schemas.money import Money


class What(Enum):
    """Kinds of things that happen to money."""

    ORDERED = "ordered"
    """An attempt to pay was written down."""
    PAID = "paid"
    """Money came in: paid, or taken from a hold."""
    DECLINED = "declined"
    REFUNDED = "refunded"
    PAID_OUT = "paid_out"
    """An attempt to send money was written down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One thing that happened at ``at``.

    ``payer``: who pays, as a keyed digest (see :mod:`payport.sdk.watch.payers`), empty when the order does not say.
    """

    what: What
    at: datetime
    partner: str
    account: str
    ref: str
    operation: str
    amount: Money
    payer: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A number that a rule reads: how often something happened to an account within so many seconds."""

    what: What
    within_s: float


class Account(Protocol):
    """How often things happened at one merchant account. A window ends with the thing looked at, which counts."""

    def count(self, what: What, within_s: float) -> int:
        """How often. Raises ``KeyError`` for a reading that the rule did not declare."""
        ...

    def total_minor(self, what: What, within_s: float, currency: str) -> int:
        """How much, in minor units. Raises ``KeyError`` likewise."""
        ...

    def usual_minor(self, currency: str, within_s: float) -> int:
        """What 99 of 100 payments did not exceed, in minor units, 5 % too high at most; 0 without payments."""
        ...


class Payer(Protocol):
    """What one payer did lately, at any account. At most :data:`payport.sdk.watch.windows.PAYER_AT_MOST` are known."""

    def count(self, what: What, within_s: float) -> int:
        """How often."""
        ...

    def refs(self, what: What, within_s: float) -> int:
        """For how many different orders."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """What a rule sees. ``payer``: ``None`` where nobody knows who pays."""

    moved: Moved
    account: Account
    payer: Payer | None
