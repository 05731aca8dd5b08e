"""What PayPal's side remembers: orders, holds, captures, refunds, payouts. Changed under the books' lock only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from payport.schemas.money import Money


class Wallet(Enum):
    """What stands behind the payer who approves."""

    PAYS = "pays"
    NO_MONEY = "no_money"
    """The chosen instrument is declined; the payer may come back and choose another."""
    ECHECK = "echeck"
    """Paid from a bank account: the capture is pending for days."""
    RISKY = "risky"
    """PayPal's risk control refuses for good."""


class OrderStatus(Enum):
    """States of an order."""

    PAYER_ACTION_REQUIRED = "PAYER_ACTION_REQUIRED"
    APPROVED = "APPROVED"
    COMPLETED = "COMPLETED"


@dataclass(slots=True, kw_only=True)
class RefundRow:
    """One refund. ``custom_id``, ``invoice_id``: the refund's own, else the capture's."""

    id: str
    capture: CaptureRow = field(repr=False)
    amount: Money
    status: str
    custom_id: str
    invoice_id: str
    note: str | None
    at: datetime


@dataclass(slots=True, kw_only=True)
class CaptureRow:
    """One captured payment, of an order at once or of a hold."""

    id: str
    order: OrderRow = field(repr=False)
    hold: HoldRow | None = field(repr=False)
    amount: Money
    status: str
    reason: str | None
    invoice_id: str
    final: bool
    at: datetime
    refunds: list[RefundRow] = field(default_factory=list[RefundRow])

    def refunded_minor(self) -> int:
        """What was given back, or is on its way back."""
        return sum(row.amount.amount_minor for row in self.refunds if row.status in ("COMPLETED", "PENDING"))


@dataclass(slots=True, kw_only=True)
class HoldRow:
    """One authorization. ``anew``: the one that holds instead of it, after holding anew; ``parent``: the other way."""

    id: str
    order: OrderRow = field(repr=False)
    amount: Money
    status: str
    at: datetime
    expires_at: datetime
    captures: list[CaptureRow] = field(default_factory=list[CaptureRow])
    anew: HoldRow | None = field(default=None, repr=False)
    parent: HoldRow | None = field(default=None, repr=False)

    def captured_minor(self) -> int:
        """What was taken, or is being taken."""
        return sum(
            row.amount.amount_minor for row in self.captures if row.status not in ("DECLINED", "FAILED", "PENDING")
        )

    def taken_minor(self) -> int:
        """The same with what is pending."""
        return sum(row.amount.amount_minor for row in self.captures if row.status not in ("DECLINED", "FAILED"))

    @property
    def live(self) -> bool:
        """Whether anything is held."""
        return self.anew is None and self.status in ("CREATED", "PARTIALLY_CAPTURED")


@dataclass(slots=True, kw_only=True)
class OrderRow:
    """One order. ``references``: reference_id, custom_id, invoice_id and description as they were given."""

    id: str
    intent: str
    amount: Money
    references: dict[str, str]
    return_url: str
    cancel_url: str
    status: OrderStatus
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    opened: bool = False
    wallet: Wallet = Wallet.PAYS
    captures: list[CaptureRow] = field(default_factory=list[CaptureRow])
    holds: list[HoldRow] = field(default_factory=list[HoldRow])

    @property
    def reference(self) -> str:
        """The merchant's reference."""
        return self.references.get("invoice_id") or self.references.get("custom_id") or self.id


@dataclass(slots=True, kw_only=True)
class PayoutRow:
    """One batch with its only item."""

    batch_id: str
    item_id: str
    transaction_id: str
    sender_batch_id: str
    subject: str | None
    item: dict[str, object] = field(repr=False)
    reference: str
    amount: Money
    status: str
    error: tuple[str, str] | None
    at: datetime

    @property
    def batch_status(self) -> str:
        """The batch is done as soon as its item was worked on."""
        return "PENDING" if self.status == "PENDING" else "SUCCESS"
