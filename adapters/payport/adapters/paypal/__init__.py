"""PayPal: Orders v2 with approval by redirect, Payments v2, Payouts v1, webhooks verified on our side."""

from payport.adapters.paypal.account import LIVE_URL, SANDBOX_URL, PayPalAccount
from payport.adapters.paypal.adapter import PayPal
from payport.adapters.paypal.methods import PayeeKind, PayPalMethod, PayPalPayee

__all__ = [
    "LIVE_URL",
    "SANDBOX_URL",
    "PayPal",
    "PayPalAccount",
    "PayPalMethod",
    "PayPalPayee",
    "PayeeKind",
]
