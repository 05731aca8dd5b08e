"""The person with the phone: scans, opens, pays, confirms, tries a card that is refused."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from payport.adapters.unionpay.simulator.cashier import Cashier, Visit
from payport.adapters.unionpay.simulator.wallets import Wallet
from payport.schemas.actions import Action


class Payer:
    """What a payer can do. Everything raises :class:`CannotPay` where UnionPay would show an error page."""

    def __init__(self, cashier: Cashier, settled: Callable[[], None]) -> None:
        self._cashier = cashier
        self._settled = settled
        self._codes = count(1)

    def code(self, wallet: Wallet = Wallet.PAYS) -> str:
        """A fresh QuickPass code to be scanned by the merchant."""
        return wallet.code(next(self._codes))

    def scan(self, text: str) -> Visit:
        """Scan a shown code and pay what it asks (or agree to the hold)."""
        return self.open(text)

    def open(self, action: Action | str) -> Visit:
        """Open a page, ``tn`` or code, and pay."""
        return self.pay(self.leave(action).number)

    def leave(self, action: Action | str) -> Visit:
        """Open a page, ``tn`` or code, and go away without paying."""
        row = self._cashier.open(action)
        self._settled()
        return Visit(number=row.order_id, paid=False)

    def try_empty_card(self, action: Action | str) -> Visit:
        """Open it and pay with a card that the issuer refuses (code 64). Another one may be tried afterwards."""
        row = self._cashier.open(action)
        self._cashier.refuse(row.order_id, "64")
        self._settled()
        return Visit(number=row.order_id, paid=False)

    def pay(self, number: str) -> Visit:
        """Pay what was opened, or agree to a hold, by its number at the merchant."""
        visit = self._cashier.pay(number)
        self._settled()
        return visit

    def pay_late(self, number: str) -> None:
        """Money arrives after ``payTimeout``: UnionPay takes it and gives it back by itself (code 42)."""
        self._cashier.pay_late(number)
        self._settled()

    def confirm(self, number: str) -> Visit:
        """Confirm on the phone what a scanned code asked (code 05)."""
        return self.pay(number)

    def cancel(self, number: str) -> None:
        """Give up: a scanned code's payment is refused; a page stays open until its time is over, nobody closes it."""
        self._cashier.refuse(number, "01")
        self._settled()
