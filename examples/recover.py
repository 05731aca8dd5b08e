"""Recover: the partner charged and its answer was lost; nobody guesses, and nobody is charged twice."""

from __future__ import annotations

import tempfile

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator, Fault
from payport.schemas import Money, Order, QrScanned, Unknown
from payport.sdk import Gateway


def main() -> None:
    """A time-out after the commit, then a new process that knows only the journal."""
    order = Order(ref="SHOP10010001", amount=Money.of("12.34", "CNY"), subject="Tea")
    with tempfile.TemporaryDirectory() as folder, AlipaySimulator().serve() as partner:
        journal = f"sqlite:///{folder}/payments.db"
        method = QrScanned(auth_code=partner.payer.code())
        partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="alipay.trade.pay")
        with Gateway(Alipay(partner.account), journal=journal) as gateway:
            outcome = gateway.pay(order, method, deadline_s=1.0)
            if isinstance(outcome, Unknown):
                print("not known yet:", outcome.cause.kind.value)

        # later, perhaps after a restart: run resume() every few seconds, or "payport resume --watch" beside the shop
        with Gateway(Alipay(partner.account), journal=journal) as gateway:
            for operation in gateway.open_operations():
                print("open:", operation.id)
                gateway.resolve(operation.ref)  # resume() does this for everything that is due
            gateway.deliver(lambda change: print("changed:", change.ref, change.state))
            print("open now:", len(gateway.open_operations()))
        print("charges at the partner:", len(partner.ledger.charges()))


if __name__ == "__main__":
    main()
