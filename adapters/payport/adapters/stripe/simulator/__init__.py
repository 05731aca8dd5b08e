"""Stripe's side: a stateful simulator that speaks the genuine wire format and misbehaves when told to.

::

    with StripeSimulator().serve() as partner:  # loopback TLS, its own authority
        gateway = Gateway(Stripe(partner.account), journal=...)
        partner.payer.open(action)
        partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="payment_intents.confirm")
        partner.ledger.charges("SHOP10010001T001")

Payment methods are Stripe's published test values (``pm_card_visa``, ``pm_card_chargeDeclined``...): see
:data:`~payport.adapters.stripe.simulator.cards.CARDS`. Money here is play money.
"""

from __future__ import annotations

from payport.adapters.stripe.simulator.cards import CARDS, Card
from payport.adapters.stripe.simulator.ledger import Charge, Hold, Ledger, Refunded, Transferred
from payport.adapters.stripe.simulator.payer import CannotPay, Payer, Visit
from payport.adapters.stripe.simulator.simulator import StripeSimulator
from payport.adapters.stripe.simulator.webhooks import Notices
from payport.sdk.testing.faults import Fault

__all__ = [
    "CARDS",
    "CannotPay",
    "Card",
    "Charge",
    "Fault",
    "Hold",
    "Ledger",
    "Notices",
    "Payer",
    "Refunded",
    "StripeSimulator",
    "Transferred",
    "Visit",
]
