"""Write the payment's intent in your own transaction: the order and its payment exist together, or not at all."""

from __future__ import annotations

import base64
import secrets
import sqlite3
import tempfile
from contextlib import closing

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import ActionRequired, Money, NotSent, Order, QrShown
from payport.sdk import Gateway, Journal, Secret


def place(gateway: Gateway[Alipay], shop: sqlite3.Connection, ref: str, *, fail: bool = False) -> None:
    """Store an order and what is to be paid for it in one transaction. Nothing is sent here."""
    with shop:  # commits, or rolls back when anything in it raises
        shop.execute("INSERT INTO orders VALUES (?, 'Tea')", (ref,))
        order = Order(ref=ref, amount=Money.of("12.34", "CNY"), subject="Tea")
        prepared = gateway.prepare(order, QrShown(), shop)
        if fail or isinstance(prepared, NotSent):
            raise RuntimeError("the shop changed its mind" if fail else str(prepared))


def main() -> None:
    """One order that is placed, one that is rolled back; then the worker that sends what was committed."""
    with tempfile.TemporaryDirectory() as folder, AlipaySimulator().serve() as partner:
        path = f"{folder}/shop.db"  # the shop's tables and the journal's stand in one database
        key = Secret(base64.b64encode(secrets.token_bytes(32)).decode())  # keep yours: it opens what was prepared
        with (
            Journal.open(f"sqlite:///{path}", sealing_key=key) as journal,
            Gateway(Alipay(partner.account), journal=journal) as gateway,
            closing(sqlite3.connect(path)) as shop,
        ):
            shop.execute("CREATE TABLE orders (ref TEXT PRIMARY KEY, what TEXT)")
            place(gateway, shop, "SHOP10010001")
            try:
                place(gateway, shop, "SHOP10010002", fail=True)
            except RuntimeError as error:
                print("rolled back:", error)
            print("orders:", shop.execute("SELECT count(*) FROM orders").fetchone()[0])
            print("sent so far:", len(partner.requests))
            resumed = gateway.resume()
            print("sent by resume:", len(resumed.settled + resumed.open))
            outcome = gateway.pay(Order(ref="SHOP10010001", amount=Money.of("12.34", "CNY"), subject="Tea"), QrShown())
            print("to show now:", type(outcome.action).__name__ if isinstance(outcome, ActionRequired) else outcome)


if __name__ == "__main__":
    main()
