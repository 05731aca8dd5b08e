"""Adyen's own ways to pay, beside the portable ones it takes. Card numbers have no place here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from payport.schemas.classes import PERSONAL
from payport.schemas.methods import HostedPage, MobileWeb

RAW_CARD_FIELDS = frozenset({"number", "cvc", "expiryMonth", "expiryYear", "pin"})
"""Card data in the clear: only their ``encrypted...`` forms, made by Adyen's own components, may come here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdyenPaymentMethod:
    """Pay with what Adyen's component in the merchant's page or app collected.

    ``data``: the component's ``paymentMethod`` object as it is, with encrypted fields or a stored method's number;
    it must name its ``type``. ``browser``: the component's ``browserInfo``; with ``origin``, the page's own origin,
    needed for 3-D Secure 2. ``channel``: where the payer is. ``shopper_reference``: the payer's number in the
    merchant's own books, for stored methods. ``off_session``: the payer is not there, the stored method is charged by
    an agreement. Raises ``ValueError`` for card data in the clear.
    """

    data: Mapping[str, str] = field(repr=False, metadata=PERSONAL)
    browser: Mapping[str, str | int | bool] | None = field(default=None, repr=False, metadata=PERSONAL)
    origin: str | None = None
    channel: Literal["Web", "iOS", "Android"] = "Web"
    shopper_reference: str | None = field(default=None, repr=False, metadata=PERSONAL)
    shopper_ip: str | None = field(default=None, repr=False, metadata=PERSONAL)
    store: bool = False
    off_session: bool = False

    def __post_init__(self) -> None:
        if not self.data.get("type"):
            raise ValueError("data must be the component's paymentMethod object, which names its type")
        raw = sorted(RAW_CARD_FIELDS & set(self.data))
        if raw:
            raise ValueError(f"{', '.join(raw)}: card data in the clear has no place here, only encrypted fields")
        if (self.off_session or self.store) and self.shopper_reference is None:
            raise ValueError("shopper_reference must be given to store a payment method or to charge a stored one")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdyenSession:
    """Adyen's drop-in in the merchant's page does everything, with the session that ``AppParameters`` hands out."""

    channel: Literal["Web", "iOS", "Android"] = "Web"
    country_code: str | None = None
    shopper_reference: str | None = field(default=None, repr=False, metadata=PERSONAL)


AdyenMethod: TypeAlias = AdyenPaymentMethod | AdyenSession | HostedPage | MobileWeb
"""What an Adyen gateway takes. ``HostedPage`` and ``MobileWeb`` are the same payment link."""
