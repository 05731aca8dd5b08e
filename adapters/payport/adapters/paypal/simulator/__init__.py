"""PayPal's side: a stateful simulator that speaks the genuine wire format and misbehaves when told to.

::

    with PayPalSimulator().serve() as partner:  # loopback TLS, its own authority
        gateway = Gateway(PayPal(partner.account), journal=...)
        visit = partner.payer.open(outcome.action)
        partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="orders.capture")
        gateway.complete("SHOP10010001", visit.returned)
        partner.ledger.charges("SHOP10010001T001")

What stands behind each rule is PayPal's documentation as far as it is public; money here is play money.
"""

from __future__ import annotations

from payport.adapters.paypal.simulator.cashier import CannotPay, Visit
from payport.adapters.paypal.simulator.ledger import Charge, Hold, Ledger, Refunded, Transferred
from payport.adapters.paypal.simulator.misdeeds import PLAYED
from payport.adapters.paypal.simulator.notices import Notices
from payport.adapters.paypal.simulator.payer import Payer
from payport.adapters.paypal.simulator.rows import Wallet
from payport.adapters.paypal.simulator.simulator import PayPalSimulator
from payport.sdk.testing.faults import Fault

__all__ = [
    "PLAYED",
    "CannotPay",
    "Charge",
    "Fault",
    "Hold",
    "Ledger",
    "Notices",
    "PayPalSimulator",
    "Payer",
    "Refunded",
    "Transferred",
    "Visit",
    "Wallet",
]
