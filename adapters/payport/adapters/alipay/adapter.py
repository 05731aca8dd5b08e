"""The Alipay adapter: verbs to calls, calls to observations."""

from __future__ import annotations

import hashlib
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from payport.sdk.profile import Ladder, Profile

if TYPE_CHECKING:
    from payport.adapters.alipay.account import AlipayAccount
    from payport.adapters.alipay.methods import AlipayMethod, AlipayPayee
    from payport.adapters.alipay.partner_keys import AccountKeys
    from payport.adapters.alipay.wire import AlipayHold, AlipayTrade
    from payport.schemas.events import RawNotification, Rejected
    from payport.schemas.money import Money
    from payport.schemas.order import Order, PayoutOrder
    from payport.schemas.references import PartnerId
    from payport.sdk.adapter import Found, Opened, Plan, Slot
    from payport.sdk.exchange import Exchange
    from payport.sdk.journal.records import Operation, Step
    from payport.sdk.observation import Observation
    from payport.sdk.settings import AccountTable
    from payport.sdk.tls import Trust

LADDERS = MappingProxyType(
    {
        "default": Ladder(ask_after_s=(3.0, 10.0, 30.0, 120.0, 600.0, 3600.0)),
        "shown": Ladder(ask_after_s=(5.0, 5.0, 10.0, 15.0, 30.0, 60.0, 300.0)),
        # wait about 5 s, then query every 3 to 5 s; after 30 to 60 s without an end, cancel at once
        "scanned": Ladder(ask_after_s=(5.0, 3.0, 3.0, 3.0, 5.0), fence_after_s=45.0, inline=True),
        # a refund is to be asked about no sooner than 10 s after it was made
        "refund": Ladder(ask_after_s=(10.0, 10.0, 30.0, 120.0, 600.0, 3600.0)),
    }
)


class Alipay:
    """Alipay's open platform (``gateway.do``, RSA2) for one application.

    Keys are parsed and checked here. Raises :class:`payport.sdk.ConfigurationError` for a key or certificate that
    cannot work, with what is wrong and how to mend it, and without showing it.

    ``keys_checked``: this very private key passed the check before, when it was registered: skips its 40 ms, for
    processes that serve a thousand merchants.
    """

    def __init__(self, account: AlipayAccount, *, keys_checked: bool = False) -> None:
        from payport.adapters.alipay.partner_keys import load_keys  # noqa: PLC0415 - cryptography

        self._config = account
        self._keys = load_keys(account, keys_checked=keys_checked)
        self._profile = Profile(
            partner="alipay",
            hosts=frozenset({account.host}),
            currencies=frozenset({"CNY"}),
            reference=re.compile(r"[0-9A-Za-z_]{1,60}"),
            max_amount_minor=10_000_000_000,
            default_life_s=30 * 60.0,
            max_life_s=15 * 86_400.0,
            ladders=LADDERS,
            shows_cancels=True,
            errands=frozenset({"alipay.open.app.alipaycert.download"}),
            sandbox=account.sandbox,
        )
        if account.encryption_key is not None:
            from payport.adapters.alipay.encryption import check_content_key  # noqa: PLC0415 - rarely used

            check_content_key(account.encryption_key.reveal())

    def __repr__(self) -> str:
        return f"Alipay({self.account})"

    @classmethod
    def from_settings(cls, name: str, table: AccountTable) -> Self:  # noqa: ARG003 - every adapter is told the name
        """The adapter that a table of ``payport.toml`` describes. Raises :class:`payport.sdk.ConfigurationError`."""
        from payport.adapters.alipay.settings import account_from  # noqa: PLC0415 - for configured gateways only

        return cls(account_from(table))

    @property
    def partner(self) -> str:
        """``"alipay"``."""
        return "alipay"

    @property
    def config(self) -> AlipayAccount:
        """The account as configured."""
        return self._config

    @property
    def keys(self) -> AccountKeys:
        """The parsed keys."""
        return self._keys

    @property
    def account(self) -> str:
        """``"alipay:<app_id>"``."""
        return f"alipay:{self._config.app_id}"

    @property
    def trust(self) -> Trust | None:
        """How to trust Alipay's host."""
        return self._config.trust

    @property
    def profile(self) -> Profile:
        """Alipay's habits. References may be up to 60 of ``[0-9A-Za-z_]``: four are kept for the attempt."""
        return self._profile

    def plan_pay(self, order: Order, method: AlipayMethod, slot: Slot) -> Plan:
        """The call that charges or, with ``capture=MANUAL``, holds."""
        from payport.adapters.alipay import planning  # noqa: PLC0415 - loaded with the first order

        return planning.plan_pay(self._config, order, method, slot)

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """Close, reverse or release."""
        from payport.adapters.alipay import planning  # noqa: PLC0415 - as above

        return planning.plan_cancel(payment, slot, reverse_paid=reverse_paid)

    def plan_capture(self, hold: Operation, amount: Money, slot: Slot, *, final: bool) -> Plan:
        """Take money from a hold."""
        from payport.adapters.alipay import planning  # noqa: PLC0415 - as above

        return planning.plan_capture(hold, amount, slot, final=final)

    def plan_refund(self, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
        """Give money back."""
        from payport.adapters.alipay import planning  # noqa: PLC0415 - as above

        return planning.plan_refund(self._config, payment, amount, slot, reason=reason)

    def plan_payout(self, order: PayoutOrder, payee: AlipayPayee, slot: Slot) -> Plan:
        """Send money to an Alipay account."""
        from payport.adapters.alipay import planning  # noqa: PLC0415 - as above

        return planning.plan_payout(self._config, order, payee, slot)

    def payee_fingerprint(self, payee: AlipayPayee) -> str:
        """A digest of kind and identity."""
        return hashlib.sha256(f"{payee.kind.value}\x1f{payee.identity}".encode()).hexdigest()[:16]

    def native_payment(self, native: object) -> AlipayTrade | AlipayHold | None:
        """The trade or hold that an observation carries."""
        from payport.adapters.alipay.wire import AlipayHold, AlipayTrade  # noqa: PLC0415 - pydantic

        return native if isinstance(native, AlipayTrade | AlipayHold) else None

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Send one step, or sign an action that needs no call."""
        from payport.adapters.alipay import performing  # noqa: PLC0415 - pydantic, with the first call

        return performing.perform(self, operation, step, deadline_s)

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """Query by our own reference."""
        from payport.adapters.alipay import performing  # noqa: PLC0415 - as above

        return performing.ask(self, operation, deadline_s)

    def find(self, partner_id: PartnerId, deadline_s: float) -> Exchange[Found]:
        """Query a trade by Alipay's number."""
        from payport.adapters.alipay import performing  # noqa: PLC0415 - as above

        return performing.find(self, partner_id, deadline_s)

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        """Verify and read a notification."""
        from payport.adapters.alipay import notices  # noqa: PLC0415 - with the first notice

        return notices.open_notice(self, raw)
