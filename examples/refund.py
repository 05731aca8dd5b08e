"""Refund a payment in two parts, each under its own reference; more than was paid is refused here."""

from __future__ import annotations

import tempfile
from typing import assert_never

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import Declined, Money, NotSent, Order, Pending, QrScanned, Succeeded, Unknown
from payport.sdk import Gateway


def give_back(gateway: Gateway[Alipay], ref: str, refund_ref: str, amount: Money) -> None:
    """One refund. The same ``refund_ref`` again gives the same refund, never a second one."""
    match gateway.refund(ref, refund_ref, amount, reason="returned goods"):
        case Succeeded(value=refund):
            print("given back:", refund.amount)
        case Pending() | Unknown():
            print("not decided; gateway.resume() settles it")
        case Declined(reason=reason):
            print("refused by the partner:", reason.value)
        case NotSent(cause=cause):
            print("nothing was sent:", cause.detail)
        case never:
            assert_never(never)


def main() -> None:
    """A payment of 12.34 goes back in two parts; a cent more does not."""
    order = Order(ref="SHOP10010001", amount=Money.of("12.34", "CNY"), subject="Tea")
    with (
        tempfile.TemporaryDirectory() as folder,
        AlipaySimulator().serve() as partner,
        Gateway(Alipay(partner.account), journal=f"sqlite:///{folder}/payments.db") as gateway,
    ):
        gateway.pay(order, QrScanned(auth_code=partner.payer.code())).unwrap()
        give_back(gateway, order.ref, "BACK10010001", Money.of("2.34", "CNY"))
        give_back(gateway, order.ref, "BACK10010002", Money.of("10.00", "CNY"))
        give_back(gateway, order.ref, "BACK10010003", Money.of("0.01", "CNY"))


if __name__ == "__main__":
    main()
