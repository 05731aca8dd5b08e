"""Stripe's own ways to pay and to be paid, beside the portable ones it takes. Card numbers have no place here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from payport.schemas.methods import HostedPage, MobileWeb


@dataclass(frozen=True, slots=True, kw_only=True)
class StripePaymentMethod:
    """Charge a payment method that Stripe keeps, from the server: ``pm_...``, collected by Stripe's own elements.

    ``customer``: the ``cus_...`` it is attached to. ``off_session``: the payer is not there, so a bank that asks for
    authentication is a refusal. ``setup_future_usage``: keep it for later charges. ``multicapture``: ask for a hold
    that can be captured in parts; the card and the account must allow it.
    """

    payment_method: str
    customer: str | None = None
    off_session: bool = False
    setup_future_usage: Literal["on_session", "off_session"] | None = None
    multicapture: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeElements:
    """The browser confirms, with Stripe.js and the ``client_secret`` that ``AppParameters`` hands out."""

    customer: str | None = None
    setup_future_usage: Literal["on_session", "off_session"] | None = None


StripeMethod: TypeAlias = StripePaymentMethod | StripeElements | HostedPage | MobileWeb
"""What a Stripe gateway takes. ``HostedPage`` and ``MobileWeb`` are the same Checkout page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripePayee:
    """Where a payout goes: the account's own bank account or debit card, its default one when none is named."""

    destination: str | None = None
    method: Literal["standard", "instant"] = "standard"
