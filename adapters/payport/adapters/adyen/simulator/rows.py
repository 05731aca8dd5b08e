"""What Adyen's side remembers. Changed under the books' lock only. Amounts as Adyen counts them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

Node: TypeAlias = dict[str, object]
"""A record as JSON."""


@dataclass(slots=True, kw_only=True)
class PaymentRow:
    """One payment. ``status``: ``waiting`` for the payer, ``pending``, ``authorised``, ``refused`` or ``cancelled``.

    ``token``: what the payer's page is known by. ``at_bank``: it is paid on the page, not by posting details.
    ``in_component``: the payer authenticates in Adyen's component, without a page.
    """

    psp: str
    token: str
    reference: str
    value: int
    currency: str
    manual: bool
    created: datetime
    method: str = "scheme"
    status: str = "waiting"
    at_bank: bool = False
    in_component: bool = False
    return_url: str | None = None
    rest: int = 0
    captured: int = 0
    refunded: int = 0
    refusal: str = "2"

    @property
    def amount(self) -> Node:
        """The amount as JSON."""
        return {"currency": self.currency, "value": self.value}


@dataclass(slots=True, kw_only=True)
class PageRow:
    """A payment link or a session: what a payment is made of once the payer chose how. ``body``: the request's."""

    id: str
    kind: str
    reference: str
    value: int
    currency: str
    manual: bool
    expires_at: datetime
    body: Node = field(repr=False)
    status: str = "active"
    payments: list[PaymentRow] = field(default_factory=list[PaymentRow])

    @property
    def return_url(self) -> str | None:
        """Where the browser goes afterwards."""
        url = self.body.get("returnUrl")
        return url if isinstance(url, str) else None


@dataclass(slots=True, kw_only=True)
class ModificationRow:
    """A capture, refund, cancel or reversal that was received. ``kind``: the call's name."""

    psp: str
    kind: str
    reference: str
    payment: PaymentRow | None
    payment_reference: str
    value: int | None
    currency: str | None
    done: bool = False
    succeeded: bool = False


@dataclass(slots=True, kw_only=True)
class LineRow:
    """Money that moved. ``reference``: the payment's; ``own_reference``: of the capture or refund."""

    kind: str
    reference: str
    own_reference: str
    number: str
    value: int
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that a webhook will tell."""

    code: str
    success: bool
    psp: str
    reference: str
    original: str | None
    value: int
    currency: str
    at: datetime
    reason: str = ""
    method: str = "visa"
    more: Node = field(default_factory=dict[str, object])
