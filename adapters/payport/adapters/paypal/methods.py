"""How PayPal's payers pay, and how payees of payouts are named."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from payport.schemas.classes import INTERNAL, PERSONAL
from payport.schemas.methods import HostedPage, MobileWeb

PayPalMethod: TypeAlias = HostedPage | MobileWeb
"""What a PayPal gateway takes: the payer's browser is sent to PayPal to approve the order."""


class PayeeKind(Enum):
    """How a payee is named (``recipient_type``)."""

    EMAIL = "EMAIL"
    PHONE = "PHONE"
    PAYPAL_ID = "PAYPAL_ID"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPalPayee:
    """Who gets a payout: an e-mail address, a phone number in international form, or a PayPal merchant or payer id.

    ``note``: what the payee reads beside the amount. An address or phone without a PayPal account can claim the money
    for 30 days; after that it comes back.
    """

    kind: PayeeKind
    receiver: str = field(repr=False, metadata=PERSONAL)
    note: str = field(default="", metadata=INTERNAL)

    def __post_init__(self) -> None:
        if not 1 <= len(self.receiver) <= 127:
            raise ValueError(f"receiver must be 1 to 127 characters, got {len(self.receiver)}")
        if len(self.note) > 4000:
            raise ValueError(f"note may hold at most 4000 characters, got {len(self.note)}")
