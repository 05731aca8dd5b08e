"""Adyen's side: a stateful simulator that speaks the genuine wire format and misbehaves when told to.

::

    with AdyenSimulator().serve() as partner:  # loopback TLS, its own authority
        gateway = Gateway(Adyen(partner.account), journal=...)
        partner.payer.open(action)
        partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="payments")
        partner.process()  # captures, refunds and cancels are only received until then
        partner.ledger.charges("SHOP10010001T001")

Cards are Adyen's published test values, refusals are asked for by the holder's name: see
:data:`~payport.adapters.adyen.simulator.checkout.REFUSALS`. Money here is play money.
"""

from __future__ import annotations

from payport.adapters.adyen.simulator.checkout import CARD, CHALLENGED_CARD, REFUSALS
from payport.adapters.adyen.simulator.ledger import Charge, Hold, Ledger, Refunded
from payport.adapters.adyen.simulator.misdeeds import PLAYED
from payport.adapters.adyen.simulator.payer import CannotPay, Payer, Visit
from payport.adapters.adyen.simulator.simulator import AdyenSimulator
from payport.adapters.adyen.simulator.webhooks import Notices
from payport.sdk.testing.faults import Fault

__all__ = [
    "CARD",
    "CHALLENGED_CARD",
    "PLAYED",
    "REFUSALS",
    "AdyenSimulator",
    "CannotPay",
    "Charge",
    "Fault",
    "Hold",
    "Ledger",
    "Notices",
    "Payer",
    "Refunded",
    "Visit",
]
