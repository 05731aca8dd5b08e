"""Stripe: API v1 with PaymentIntents, Checkout, refunds, payouts and signed webhooks."""

from payport.adapters.stripe.account import API_VERSION, PRODUCTION_URL, StripeAccount
from payport.adapters.stripe.adapter import Stripe
from payport.adapters.stripe.methods import StripeElements, StripeMethod, StripePayee, StripePaymentMethod

__all__ = [
    "API_VERSION",
    "PRODUCTION_URL",
    "Stripe",
    "StripeAccount",
    "StripeElements",
    "StripeMethod",
    "StripePayee",
    "StripePaymentMethod",
]
