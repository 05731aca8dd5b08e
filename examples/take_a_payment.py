"""Take a payment: show a QR code, and learn that it was paid.

Runs as it is, offline: a simulator on this machine plays Alipay. For the real one, give ``Alipay`` your own account:
``AlipayAccount(app_id=..., private_key=Secret(...), alipay_public_key=...)``.
"""

from __future__ import annotations

import tempfile
from typing import assert_never

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import (
    ActionRequired,
    Authorized,
    Declined,
    Money,
    NotSent,
    Order,
    Pending,
    QrCode,
    QrShown,
    Succeeded,
    Unknown,
)
from payport.sdk import Gateway


def take(gateway: Gateway[Alipay], order: Order) -> str | None:
    """Ask for the payment; the text of the QR code to show, when there is one. Calling again is always safe."""
    match gateway.pay(order, QrShown()):
        case ActionRequired(action=QrCode(text=text)):
            print("show this as a QR code:", text)
            return text
        case ActionRequired(action=other):
            print("the payer must do something else:", other)
        case Succeeded(value=payment):
            print("paid, ship it:", payment.amount, payment.partner_id)
        case Authorized(value=hold):
            print("held, capture it later:", hold.amount)
        case Pending() | Unknown():
            print("not decided; it is in the journal, and gateway.resume() settles it")
        case Declined(reason=reason):
            print("refused:", reason.value)
        case NotSent(cause=cause):
            print("nothing was sent, trying again is safe:", cause)
        case never:
            assert_never(never)
    return None


def main() -> None:
    """One order, from the code to the payment."""
    order = Order(ref="SHOP10010001", amount=Money.of("12.34", "CNY"), subject="Tea")
    with (
        tempfile.TemporaryDirectory() as folder,
        AlipaySimulator().serve() as partner,
        Gateway(Alipay(partner.account), journal=f"sqlite:///{folder}/payments.db") as gateway,
    ):
        text = take(gateway, order)
        if text is not None:
            partner.payer.scan(text)  # somebody takes out a phone
        gateway.wait(order.ref, timeout_s=10)
        take(gateway, order)


if __name__ == "__main__":
    main()
