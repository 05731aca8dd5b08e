"""The person with the phone: scans, opens, pays, confirms, gives up."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from payport.adapters.alipay.simulator.cashier import Cashier, Visit
from payport.adapters.alipay.simulator.rows import TradeRow
from payport.adapters.alipay.simulator.wallets import Wallet
from payport.schemas.actions import Action


class Payer:
    """What a payer can do. Everything raises :class:`CannotPay` where Alipay would show an error page."""

    def __init__(self, cashier: Cashier, settled: Callable[[], None]) -> None:
        self._cashier = cashier
        self._settled = settled
        self._codes = count(1)

    def code(self, wallet: Wallet = Wallet.PAYS) -> str:
        """A fresh payment code to be scanned by the merchant."""
        return wallet.code(next(self._codes))

    def scan(self, text: str) -> Visit:
        """Scan a shown code and pay what it asks (or agree to the freeze)."""
        return self.open(text)

    def open(self, action: Action | str) -> Visit:
        """Open a page, form, app string or code, and pay."""
        return self.pay(self.leave(action).number)

    def leave(self, action: Action | str) -> Visit:
        """Open a page, form, app string or code, and go away without paying: the trade now waits."""
        row = self._cashier.open(action)
        self._settled()
        return Visit(number=row.out_trade_no if isinstance(row, TradeRow) else row.out_order_no, paid=False)

    def pay(self, number: str) -> Visit:
        """Pay a trade that waits, or agree to a freeze, by its number at the merchant."""
        visit = self._cashier.pay(number)
        self._settled()
        return visit

    def confirm(self, number: str) -> Visit:
        """Confirm on the phone what a scanned code asked (code 10003)."""
        return self.pay(number)

    def cancel(self, number: str) -> None:
        """Give up a trade or freeze for good: it is closed."""
        self._cashier.cancel(number)
        self._settled()
