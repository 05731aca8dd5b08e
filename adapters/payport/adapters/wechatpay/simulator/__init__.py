"""WeChat Pay's side: a stateful simulator that speaks the genuine signed API v3 and misbehaves when told to.

::

    with WeChatPaySimulator().serve() as partner:  # loopback TLS, its own authority
        gateway = Gateway(WeChatPay(partner.account), journal=...)
        partner.payer.scan(code_url)
        partner.faults.next(Fault.COMMIT_THEN_SILENCE, "POST /v3/pay/transactions/codepay")
        partner.ledger.charges("SHOP10010001T001")

What stands behind each rule is the partner's documentation as far as it is public; money here is play money.
"""

from __future__ import annotations

from payport.adapters.wechatpay.simulator.cashier import CannotPay, Visit
from payport.adapters.wechatpay.simulator.ledger import Charge, Entry, EntryKind, Ledger, Refunded, Transferred
from payport.adapters.wechatpay.simulator.notices import Notices
from payport.adapters.wechatpay.simulator.payer import Payer
from payport.adapters.wechatpay.simulator.quirks import Quirks
from payport.adapters.wechatpay.simulator.rows import RefundStatus, TradeState, TransferState
from payport.adapters.wechatpay.simulator.simulator import WeChatPaySimulator
from payport.adapters.wechatpay.simulator.wallets import Wallet
from payport.sdk.testing.faults import Fault

__all__ = [
    "CannotPay",
    "Charge",
    "Entry",
    "EntryKind",
    "Fault",
    "Ledger",
    "Notices",
    "Payer",
    "Quirks",
    "RefundStatus",
    "Refunded",
    "TradeState",
    "TransferState",
    "Transferred",
    "Visit",
    "Wallet",
    "WeChatPaySimulator",
]
