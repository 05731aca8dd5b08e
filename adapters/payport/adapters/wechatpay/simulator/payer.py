"""The person with the phone: scans, opens, pays, confirms, gives up."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from urllib.parse import parse_qs, urlsplit

from payport.adapters.wechatpay.simulator.cashier import Cashier, Visit, number_of
from payport.adapters.wechatpay.simulator.wallets import Wallet
from payport.schemas.actions import Action, Redirect


class Payer:
    """What a payer or payee can do. Everything raises :class:`CannotPay` where WeChat would show an error page."""

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
        """Open a code, link or set of parameters, and pay (or confirm the transfer)."""
        visit = self.pay(self.leave(action).number)
        back = parse_qs(urlsplit(action.url).query).get("redirect_url") if isinstance(action, Redirect) else None
        return Visit(number=visit.number, paid=True, return_url=back[0] if back else None)

    def leave(self, action: Action | str) -> Visit:
        """Open a code, link or set of parameters, and go away without paying."""
        thing = self._cashier.open(action)
        self._settled()
        return Visit(number=number_of(thing), paid=False)

    def begin(self, action: Action | str) -> Visit:
        """Open and start to type the password. Until :meth:`pay` or :meth:`cancel` the order cannot be closed."""
        visit = self.leave(action)
        self._cashier.begin(visit.number)
        return visit

    def pay(self, number: str) -> Visit:
        """Pay an order that waits, by its number at the merchant."""
        visit = self._cashier.pay(number)
        self._settled()
        return visit

    def confirm(self, number: str) -> Visit:
        """Confirm on the phone what a scanned code asked (USERPAYING), or accept a transfer."""
        return self.pay(number)

    def cancel(self, number: str) -> None:
        """Give up. A code's payment has failed then; an opened order stays open until the merchant closes it."""
        self._cashier.cancel(number)
        self._settled()
