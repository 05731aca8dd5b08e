"""Adyen: Checkout API v71 with payments, sessions, payment links, modifications and signed webhooks."""

from payport.adapters.adyen.account import TEST_URL, AdyenAccount
from payport.adapters.adyen.adapter import Adyen
from payport.adapters.adyen.methods import AdyenMethod, AdyenPaymentMethod, AdyenSession

__all__ = [
    "TEST_URL",
    "Adyen",
    "AdyenAccount",
    "AdyenMethod",
    "AdyenPaymentMethod",
    "AdyenSession",
]
