"""UnionPay's side: a stateful simulator that speaks the genuine signed wire format and misbehaves when told to.

::

    with UnionPaySimulator().serve() as partner:  # loopback TLS, its own authority
        gateway = Gateway(UnionPay(partner.account), journal=...)
        partner.payer.open(action)
        partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="backTransReq.do 01/06")
        partner.ledger.charges("SHOP10010001T001")

What stands behind each rule is what is public of UnionPay's papers and demos; money here is play money.
"""

from __future__ import annotations

from payport.adapters.unionpay.simulator.cashier import CannotPay, Visit
from payport.adapters.unionpay.simulator.ledger import Charge, Hold, Ledger, Refunded
from payport.adapters.unionpay.simulator.notices import Notices
from payport.adapters.unionpay.simulator.payer import Payer
from payport.adapters.unionpay.simulator.simulator import UnionPaySimulator
from payport.adapters.unionpay.simulator.wallets import Wallet
from payport.sdk.testing.faults import Fault

__all__ = [
    "CannotPay",
    "Charge",
    "Fault",
    "Hold",
    "Ledger",
    "Notices",
    "Payer",
    "Refunded",
    "UnionPaySimulator",
    "Visit",
    "Wallet",
]
