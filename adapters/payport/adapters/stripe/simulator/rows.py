"""What Stripe's side remembers. Changed under the books' lock only. Amounts as Stripe counts them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from payport.adapters.stripe.planning import REF
from payport.adapters.stripe.simulator.calls import Node


@dataclass(slots=True, kw_only=True)
class ChargeRow:
    """One try to charge an intent."""

    id: str
    amount: int
    created: int
    payment_method: str
    paid: bool
    captured: int = 0
    refunded: int = 0
    released: bool = False
    disputed: bool = False
    failure: Node | None = None
    transaction: str | None = None


@dataclass(slots=True, kw_only=True)
class IntentRow:
    """One PaymentIntent."""

    id: str
    amount: int
    currency: str
    created: datetime
    client_secret: str = field(repr=False)
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    capture_method: str = "automatic_async"
    payment_method: str | None = None
    customer: str | None = None
    description: str | None = None
    setup_future_usage: str | None = None
    multicapture: bool = False
    redirects: bool = True
    status: str = "requires_payment_method"
    return_url: str | None = None
    next_action: Node | None = None
    last_error: Node | None = None
    received: int = 0
    capturable: int = 0
    charge: ChargeRow | None = None
    held_at: datetime | None = None
    canceled_at: int | None = None
    cancellation_reason: str | None = None
    session: str | None = None

    @property
    def reference(self) -> str:
        """The merchant's reference, Stripe's own number where there is none."""
        return self.metadata.get(REF, self.id)


@dataclass(slots=True, kw_only=True)
class SessionRow:
    """One Checkout Session. ``about``: what its intent will be made of."""

    id: str
    amount: int
    currency: str
    created: datetime
    expires_at: datetime
    success_url: str
    cancel_url: str | None
    client_reference_id: str | None
    customer: str | None
    customer_email: str | None
    metadata: dict[str, str]
    about: Node = field(repr=False)
    status: str = "open"
    payment_status: str = "unpaid"
    intent: IntentRow | None = None

    @property
    def reference(self) -> str:
        """The merchant's reference, Stripe's own number where there is none."""
        return self.client_reference_id or self.id


@dataclass(slots=True, kw_only=True)
class RefundRow:
    """One refund."""

    id: str
    intent: IntentRow
    charge: ChargeRow
    amount: int
    created: int
    reason: str | None
    metadata: dict[str, str]
    status: str
    fails_later: bool = False
    failure: str | None = None
    transaction: str | None = None


@dataclass(slots=True, kw_only=True)
class PayoutRow:
    """One payout."""

    id: str
    amount: int
    currency: str
    created: int
    method: str
    destination: str
    description: str | None
    metadata: dict[str, str]
    status: str = "pending"
    failure: str | None = None
    transaction: str | None = None


@dataclass(slots=True, kw_only=True)
class LineRow:
    """One line of the balance. ``amount`` is signed; ``reference``: the merchant's, of the payment or payout."""

    id: str
    kind: str
    amount: int
    fee: int
    currency: str
    created: datetime
    source: str
    reference: str
    own_reference: str
