"""WeChat's side of API v2: a stateful simulator that speaks the genuine signed XML and misbehaves when told to.

::

    with WeChatPayV2Simulator().serve() as partner:  # loopback TLS, its own authority, client certificates
        gateway = Gateway(WeChatPayV2(partner.account), journal=...)
        partner.payer.scan(qr_text)
        partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="secapi/pay/refund")
        partner.ledger.charges("SHOP10010001T001")

What stands behind each rule is the partner's documentation as far as it is public; money here is play money.
"""

from __future__ import annotations

from payport.adapters.wechatpay_v2.simulator.cashier import CannotPay, Visit
from payport.adapters.wechatpay_v2.simulator.ledger import Charge, Ledger, Refunded
from payport.adapters.wechatpay_v2.simulator.notices import Notices
from payport.adapters.wechatpay_v2.simulator.payer import Payer
from payport.adapters.wechatpay_v2.simulator.service import Quirks
from payport.adapters.wechatpay_v2.simulator.simulator import WeChatPayV2Simulator
from payport.adapters.wechatpay_v2.simulator.wallets import Wallet
from payport.sdk.testing.faults import Fault

__all__ = [
    "CannotPay",
    "Charge",
    "Fault",
    "Ledger",
    "Notices",
    "Payer",
    "Quirks",
    "Refunded",
    "Visit",
    "Wallet",
    "WeChatPayV2Simulator",
]
