"""The Adyen adapter: verbs to calls, calls to observations."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from payport.adapters.adyen.money import CURRENCIES
from payport.schemas.outcome import UnknownKind
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.profile import Ladder, Profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from payport.adapters.adyen.account import AdyenAccount
    from payport.adapters.adyen.methods import AdyenMethod
    from payport.adapters.adyen.wire import AdyenLink, AdyenPayment
    from payport.schemas.events import RawNotification, Rejected
    from payport.schemas.money import Money
    from payport.schemas.order import Order
    from payport.sdk.adapter import Opened, Plan, Slot
    from payport.sdk.exchange import Exchange
    from payport.sdk.journal.records import Operation, Step
    from payport.sdk.settings import AccountTable
    from payport.sdk.tls import Trust

LADDERS = MappingProxyType(
    {
        # nobody can be asked: these are the times at which the same request may be sent again
        "default": Ladder(ask_after_s=(10.0, 30.0, 60.0, 300.0, 3600.0)),
        "page": Ladder(ask_after_s=(60.0, 300.0, 900.0)),
        "refund": Ladder(ask_after_s=(60.0, 600.0, 3600.0)),
    }
)


class Adyen:
    """Adyen for one merchant account, live or test.

    Raises :class:`payport.sdk.ConfigurationError`, by way of
    :class:`~payport.adapters.adyen.account.AdyenAccount`, for what cannot work.
    """

    def __init__(self, account: AdyenAccount) -> None:
        self._config = account
        self._profile = Profile(
            partner="adyen",
            hosts=frozenset({account.host, account.transfers_host}),
            currencies=CURRENCIES,
            reference=re.compile(r"[0-9A-Za-z_-]{1,28}"),
            default_life_s=60 * 60.0,
            max_life_s=24 * 3600.0,
            in_flight_s=90.0,
            settle_margin_s=15 * 60.0,  # a payer whom a page sent to the bank in time may come back after it
            ladders=LADDERS,
            answers_queries=False,
            sandbox=not account.live,
        )

    def __repr__(self) -> str:
        return f"Adyen({self.account})"

    @classmethod
    def from_settings(cls, name: str, table: AccountTable) -> Self:  # noqa: ARG003 - every adapter is told the name
        """The adapter that a table of ``payport.toml`` describes. Raises :class:`payport.sdk.ConfigurationError`."""
        from payport.adapters.adyen.settings import account_from  # noqa: PLC0415 - for configured gateways only

        return cls(account_from(table))

    @property
    def partner(self) -> str:
        """``"adyen"``."""
        return "adyen"

    @property
    def config(self) -> AdyenAccount:
        """The account as configured."""
        return self._config

    @property
    def account(self) -> str:
        """``"adyen:<merchant_account>:live"`` or ``"...:test"``: keys may change, whose money it is does not."""
        return f"adyen:{self._config.merchant_account}:{'live' if self._config.live else 'test'}"

    @property
    def trust(self) -> Trust | None:
        """How to trust Adyen's host."""
        return self._config.trust

    @property
    def profile(self) -> Profile:
        """Adyen's habits: it cannot be asked about a payment. No colon may stand in a reference."""
        return self._profile

    def plan_pay(self, order: Order, method: AdyenMethod, slot: Slot) -> Plan:
        """Charge or hold, make a session, or make a payment link."""
        from payport.adapters.adyen import planning  # noqa: PLC0415 - loaded with the first order

        return planning.plan_pay(self._config, order, method, slot)

    def plan_complete(self, payment: Operation, returned: Mapping[str, str], slot: Slot) -> Plan | None:
        """Hand in what the payer's browser brought back; a session's result is looked at."""
        from payport.adapters.adyen import planning  # noqa: PLC0415 - as above

        return planning.plan_complete(self._config, payment, returned, slot)

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """Expire the link, cancel, or reverse."""
        from payport.adapters.adyen import cancelling  # noqa: PLC0415 - as above

        return cancelling.plan_cancel(self._config, payment, slot, reverse_paid=reverse_paid)

    def plan_capture(self, hold: Operation, amount: Money, slot: Slot, *, final: bool) -> Plan:
        """Take money from a hold."""
        from payport.adapters.adyen import planning  # noqa: PLC0415 - as above

        return planning.plan_capture(self._config, hold, amount, slot, final=final)

    def plan_refund(self, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
        """Give money back."""
        from payport.adapters.adyen import planning  # noqa: PLC0415 - as above

        return planning.plan_refund(self._config, payment, amount, slot, reason=reason)

    def native_payment(self, native: object) -> AdyenPayment | AdyenLink | None:
        """The payment or link that an observation carries."""
        from payport.adapters.adyen.wire import AdyenLink, AdyenPayment  # noqa: PLC0415 - pydantic

        return native if isinstance(native, AdyenPayment | AdyenLink) else None

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Send one step."""
        from payport.adapters.adyen import performing  # noqa: PLC0415 - pydantic, with the first call

        return performing.perform(self, operation, step, deadline_s)

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:  # noqa: ARG002 - there is nobody to ask
        """Adyen has no query: nothing is sent, and that is the answer."""
        yield from ()
        return doubt(
            Source.LOCAL, UnknownKind.NO_QUERY, "Adyen has no query: its webhook or the same request again tells"
        )

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        """Verify and read a webhook."""
        from payport.adapters.adyen import notices  # noqa: PLC0415 - with the first notice

        return notices.open_notice(self, raw)
