"""The UnionPay adapter: verbs to calls, calls to observations."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from payport.sdk.profile import Ladder, Profile

if TYPE_CHECKING:
    from payport.adapters.unionpay.account import UnionPayAccount
    from payport.adapters.unionpay.methods import UnionPayMethod
    from payport.adapters.unionpay.partner_keys import AccountKeys
    from payport.adapters.unionpay.wire import UnionPayTransaction
    from payport.schemas.events import RawNotification, Rejected
    from payport.schemas.money import Money
    from payport.schemas.order import Order
    from payport.sdk.adapter import Opened, Plan, Slot
    from payport.sdk.exchange import Exchange
    from payport.sdk.journal.records import Operation, Step
    from payport.sdk.observation import Observation
    from payport.sdk.settings import AccountTable
    from payport.sdk.tls import Trust

_BACK_END_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""UnionPay's timetable for back-end transactions; six questions at most, then far apart (code 37: asked too often)."""

LADDERS = MappingProxyType(
    {
        "default": Ladder(ask_after_s=(*_BACK_END_S, 300.0, 1800.0, 3600.0)),
        # UnionPay's timetable for pages is 5, 10, 30, 60 and 120 minutes after sending; a payer who sits before the
        # screen is worth five earlier looks
        "shown": Ladder(ask_after_s=(5.0, 10.0, 15.0, 30.0, 60.0, 180.0, 300.0, 1200.0, 1800.0, 3600.0)),
        # the payer stands at the counter: after the sixth question without an end, reverse at once
        "scanned": Ladder(ask_after_s=(*_BACK_END_S, 60.0, 300.0), fence_after_s=60.0, inline=True),
        # a hold in doubt cannot be reversed: it is asked about until it is known, then released
        "held": Ladder(ask_after_s=(*_BACK_END_S, 60.0, 300.0), inline=True),
    }
)


class UnionPay:
    """UnionPay's all-channel platform (ACP 5.1.0) for one merchant number.

    Keys are parsed and checked here. Raises :class:`payport.sdk.ConfigurationError` for a key or certificate that
    cannot work, with what is wrong and how to mend it, and without showing it.

    ``keys_checked``: this very private key passed the check before, when it was registered: skips its 40 ms, for
    processes that serve a thousand merchants.
    """

    def __init__(self, account: UnionPayAccount, *, keys_checked: bool = False) -> None:
        from payport.adapters.unionpay.partner_keys import load_keys  # noqa: PLC0415 - cryptography

        self._config = account
        self._keys = load_keys(account, keys_checked=keys_checked)
        self._profile = Profile(
            partner="unionpay",
            hosts=account.hosts,
            currencies=frozenset({"CNY"}),
            reference=re.compile(r"[0-9A-Za-z]{8,36}"),
            max_amount_minor=10**12 - 1,
            default_life_s=15 * 60.0,
            max_life_s=86_400.0,
            ladders=LADDERS,
            captures_once=True,
            sandbox=account.sandbox,
        )

    def __repr__(self) -> str:
        return f"UnionPay({self.account})"

    @classmethod
    def from_settings(cls, name: str, table: AccountTable) -> Self:  # noqa: ARG003 - every adapter is told the name
        """The adapter that a table of ``payport.toml`` describes. Raises :class:`payport.sdk.ConfigurationError`."""
        from payport.adapters.unionpay.settings import account_from  # noqa: PLC0415 - for configured gateways only

        return cls(account_from(table))

    @property
    def partner(self) -> str:
        """``"unionpay"``."""
        return "unionpay"

    @property
    def config(self) -> UnionPayAccount:
        """The account as configured."""
        return self._config

    @property
    def keys(self) -> AccountKeys:
        """The parsed keys."""
        return self._keys

    @property
    def account(self) -> str:
        """``"unionpay:<mer_id>"``, with ``"/<sub_mer_id>"`` behind it for a platform's merchant."""
        sub = self._config.sub_mer_id
        return f"unionpay:{self._config.mer_id}/{sub}" if sub else f"unionpay:{self._config.mer_id}"

    @property
    def trust(self) -> Trust | None:
        """How to trust UnionPay's hosts."""
        return self._config.trust

    @property
    def profile(self) -> Profile:
        """UnionPay's habits. References are 8 to 36 letters and digits: four more are kept for the attempt."""
        return self._profile

    def plan_pay(self, order: Order, method: UnionPayMethod, slot: Slot) -> Plan:
        """The call that charges or, with ``capture=MANUAL``, holds."""
        from payport.adapters.unionpay import planning  # noqa: PLC0415 - loaded with the first order

        return planning.plan_pay(self._config, order, method, slot)

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """Undo, refund, release or reverse; without steps where there is nothing but to wait."""
        from payport.adapters.unionpay import planning  # noqa: PLC0415 - as above

        return planning.plan_cancel(self._config, payment, slot, reverse_paid=reverse_paid)

    def plan_capture(self, hold: Operation, amount: Money, slot: Slot, *, final: bool) -> Plan:
        """Complete a hold."""
        from payport.adapters.unionpay import planning  # noqa: PLC0415 - as above

        return planning.plan_capture(self._config, hold, amount, slot, final=final)

    def plan_refund(
        self,
        payment: Operation,
        amount: Money,
        slot: Slot,
        *,
        reason: str,  # noqa: ARG002 - UnionPay has no field for it
    ) -> Plan:
        """Give money back: refund, or undo a whole completion."""
        from payport.adapters.unionpay import planning  # noqa: PLC0415 - as above

        return planning.plan_refund(self._config, payment, amount, slot)

    def native_payment(self, native: object) -> UnionPayTransaction | None:
        """The transaction that an observation carries."""
        from payport.adapters.unionpay.wire import UnionPayTransaction  # noqa: PLC0415 - pydantic

        return native if isinstance(native, UnionPayTransaction) else None

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Send one step, or sign a page that needs no call."""
        from payport.adapters.unionpay import performing  # noqa: PLC0415 - pydantic, with the first call

        return performing.perform(self, operation, step, deadline_s)

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """Query by our own number and the frozen ``txnTime``."""
        from payport.adapters.unionpay import performing  # noqa: PLC0415 - as above

        return performing.ask(self, operation, deadline_s)

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        """Verify and read a notification."""
        from payport.adapters.unionpay import notices  # noqa: PLC0415 - with the first notice

        return notices.open_notice(self, raw)
