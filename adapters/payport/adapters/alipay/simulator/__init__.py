"""Alipay's side: a stateful simulator that speaks the genuine signed wire format and misbehaves when told to.

::

    with AlipaySimulator().serve() as partner:  # loopback TLS, its own authority
        gateway = Gateway(Alipay(partner.account), journal=...)
        partner.payer.scan(qr_text)
        partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="alipay.trade.pay")
        partner.ledger.charges("SHOP10010001T001")

What stands behind each rule is the partner's documentation as far as it is public; money here is play money.
"""

from __future__ import annotations

from payport.adapters.alipay.simulator.cashier import CannotPay, Visit
from payport.adapters.alipay.simulator.ledger import Charge, Entry, EntryKind, Hold, Ledger, Refunded, Transferred
from payport.adapters.alipay.simulator.notices import Notices
from payport.adapters.alipay.simulator.payer import Payer
from payport.adapters.alipay.simulator.replies import Quirks
from payport.adapters.alipay.simulator.rows import TransferStatus
from payport.adapters.alipay.simulator.simulator import AlipaySimulator
from payport.adapters.alipay.simulator.wallets import Wallet
from payport.sdk.testing.faults import Fault

__all__ = [
    "AlipaySimulator",
    "CannotPay",
    "Charge",
    "Entry",
    "EntryKind",
    "Fault",
    "Hold",
    "Ledger",
    "Notices",
    "Payer",
    "Quirks",
    "Refunded",
    "TransferStatus",
    "Transferred",
    "Visit",
    "Wallet",
]
