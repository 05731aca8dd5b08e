"""Hold money first, take a part of it later; the rest goes back to the payer."""

from __future__ import annotations

import tempfile

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import Authorized, CaptureMode, Money, Order, QrScanned, Succeeded
from payport.sdk import Gateway


def main() -> None:
    """A deposit of 100.00 for a bicycle, of which 35.00 are taken when it comes back."""
    order = Order(ref="BIKE10010001", amount=Money.of("100.00", "CNY"), subject="Bicycle", capture=CaptureMode.MANUAL)
    with (
        tempfile.TemporaryDirectory() as folder,
        AlipaySimulator().serve() as partner,
        Gateway(Alipay(partner.account), journal=f"sqlite:///{folder}/payments.db") as gateway,
    ):
        outcome = gateway.pay(order, QrScanned(auth_code=partner.payer.code()))
        if isinstance(outcome, Authorized):
            print("held:", outcome.value.amount)
        taken = gateway.capture(order.ref, Money.of("35.00", "CNY"))  # final: the rest is released
        if isinstance(taken, Succeeded):
            print("taken:", taken.value.amount)
        (hold,) = partner.ledger.holds()
        print("still held:", hold.rest)


if __name__ == "__main__":
    main()
