"""The person with the phone: scans, opens, pays, confirms, gives up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from urllib.parse import parse_qsl, urlsplit

from payport.adapters.wechatpay_v2.simulator.cashier import Cashier, Visit
from payport.adapters.wechatpay_v2.simulator.wallets import Wallet
from payport.schemas.actions import Action, Redirect


class Payer:
    """What a payer can do. Everything raises :class:`CannotPay` where WeChat would show an error page."""

    def __init__(self, cashier: Cashier, settled: Callable[[], None]) -> None:
        self._cashier = cashier
        self._settled = settled
        self._codes = count(1)

    def code(self, wallet: Wallet = Wallet.PAYS) -> str:
        """A fresh payment code to be scanned by the merchant."""
        return wallet.code(next(self._codes))

    def scan(self, text: str) -> Visit:
        """Scan a shown code and pay what it asks."""
        return self.open(text)

    def open(self, action: Action | str) -> Visit:
        """Open a link, parameters or code, and pay."""
        visit = self.pay(self.leave(action).number)
        if not isinstance(action, Redirect):
            return visit
        return replace(visit, return_url=dict(parse_qsl(urlsplit(action.url).query)).get("redirect_url"))

    def leave(self, action: Action | str) -> Visit:
        """Open a link, parameters or code, and go away without paying."""
        row = self._cashier.open(action)
        self._settled()
        return Visit(number=row.out_trade_no, paid=False)

    def pay(self, number: str) -> Visit:
        """Pay an order that waits, by its number at the merchant."""
        visit = self._cashier.pay(number)
        self._settled()
        return visit

    def confirm(self, number: str) -> Visit:
        """Enter the password for a scanned code (USERPAYING)."""
        return self.pay(number)

    def fail(self, number: str) -> None:
        """Try to pay, and be refused by the bank (PAYERROR)."""
        self._cashier.fail(number)
        self._settled()

    def cancel(self, number: str) -> None:
        """Give up."""
        self._cashier.cancel(number)
        self._settled()
