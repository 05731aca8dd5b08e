"""The person at the browser: opens, approves, goes away, comes back, gives up."""

from __future__ import annotations

from payport.adapters.paypal.simulator.cashier import Cashier, Visit
from payport.adapters.paypal.simulator.rows import Wallet
from payport.schemas.actions import Action


class Payer:
    """What a payer can do. Everything raises :class:`CannotPay` where PayPal would show an error page."""

    def __init__(self, cashier: Cashier) -> None:
        self._cashier = cashier

    def open(self, action: Action, wallet: Wallet = Wallet.PAYS) -> Visit:
        """Open the page, and approve. The money moves when the merchant captures."""
        return self._cashier.approve(self._cashier.open(action), wallet)

    def leave(self, action: Action) -> Visit:
        """Open the page, and go away without approving."""
        return self._cashier.look(self._cashier.open(action))

    def pay(self, number: str, wallet: Wallet = Wallet.PAYS) -> Visit:
        """Approve an order that was opened, by the merchant's reference."""
        return self._cashier.approve(self._cashier.by_reference(number), wallet)

    def confirm(self, number: str) -> Visit:
        """The same as :meth:`pay`: PayPal asks for nothing else."""
        return self.pay(number)

    def cancel(self, number: str) -> Visit:
        """Go back to the shop. The order stays open: PayPal closes none."""
        return self._cashier.give_up(self._cashier.by_reference(number))
