"""The PayPal adapter: verbs to calls, calls to observations."""

from __future__ import annotations

import hashlib
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from payport.sdk.profile import Ladder, Profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from payport.adapters.paypal.account import PayPalAccount
    from payport.adapters.paypal.certificates import Signers
    from payport.adapters.paypal.methods import PayPalMethod, PayPalPayee
    from payport.adapters.paypal.tokens import TokenCache
    from payport.adapters.paypal.wire import PayPalOrder
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
        "approving": Ladder(ask_after_s=(5.0, 10.0, 15.0, 30.0, 60.0, 300.0)),
        "refund": Ladder(ask_after_s=(10.0, 30.0, 120.0, 600.0, 3600.0)),
        # a batch is worked on for seconds to minutes, unclaimed money for days
        "payout": Ladder(ask_after_s=(5.0, 15.0, 60.0, 300.0, 3600.0, 6 * 3600.0)),
    }
)


class PayPal:
    """PayPal's REST API (Orders v2, Payments v2, Payouts v1) for one application of one merchant.

    Raises :class:`payport.sdk.ConfigurationError` for an account that cannot work.
    """

    def __init__(self, account: PayPalAccount) -> None:
        from payport.adapters.paypal.certificates import Signers  # noqa: PLC0415 - cryptography
        from payport.adapters.paypal.money import CURRENCIES  # noqa: PLC0415 - with its user only
        from payport.adapters.paypal.planning import LONGEST_LIFE_S, ORDER_LIFE_S  # noqa: PLC0415 - pydantic
        from payport.adapters.paypal.tokens import TokenCache  # noqa: PLC0415 - pydantic

        self._config = account
        self._tokens = TokenCache()
        self._signers = Signers(account.webhook_roots)
        self._profile = Profile(
            partner="paypal",
            hosts=frozenset({account.host}) | account.certificate_hosts,
            currencies=CURRENCIES,
            reference=re.compile(r"[0-9A-Za-z_-]{1,59}"),
            max_amount_minor=1_000_000_000_00,
            default_life_s=ORDER_LIFE_S,
            max_life_s=LONGEST_LIFE_S,
            ladders=LADDERS,
            shows_cancels=True,
            errands=frozenset({"oauth2.token", "notifications.certs"}),
            sandbox=account.sandbox,
        )

    def __repr__(self) -> str:
        return f"PayPal({self.account})"

    @classmethod
    def from_settings(cls, name: str, table: AccountTable) -> Self:  # noqa: ARG003 - every adapter is told the name
        """The adapter that a table of ``payport.toml`` describes. Raises :class:`payport.sdk.ConfigurationError`."""
        from payport.adapters.paypal.settings import account_from  # noqa: PLC0415 - for configured gateways only

        return cls(account_from(table))

    @property
    def partner(self) -> str:
        """``"paypal"``."""
        return "paypal"

    @property
    def config(self) -> PayPalAccount:
        """The account as configured."""
        return self._config

    @property
    def tokens(self) -> TokenCache:
        """The access token, in memory only."""
        return self._tokens

    @property
    def signers(self) -> Signers:
        """The certificates that sign webhooks, as far as they were fetched."""
        return self._signers

    @property
    def account(self) -> str:
        """``"paypal:<merchant_id>"``."""
        return f"paypal:{self._config.merchant_id}"

    @property
    def trust(self) -> Trust | None:
        """How to trust PayPal's hosts."""
        return self._config.trust

    @property
    def profile(self) -> Profile:
        """PayPal's habits. References may be up to 59 of ``[0-9A-Za-z_-]``: four are kept for the attempt."""
        return self._profile

    def plan_pay(self, order: Order, method: PayPalMethod, slot: Slot) -> Plan:
        """The order that the payer approves; with ``capture=MANUAL`` one that will hold."""
        from payport.adapters.paypal import planning  # noqa: PLC0415 - loaded with the first order

        return planning.plan_pay(self._config, order, method, slot)

    def plan_complete(self, payment: Operation, returned: Mapping[str, str], slot: Slot) -> Plan | None:
        """Capture or authorize what the payer approved."""
        from payport.adapters.paypal import planning  # noqa: PLC0415 - as above

        return planning.plan_complete(payment, returned, slot)

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """Forgo, void or reverse."""
        from payport.adapters.paypal import planning  # noqa: PLC0415 - as above

        return planning.plan_cancel(payment, slot, reverse_paid=reverse_paid)

    def plan_capture(self, hold: Operation, amount: Money, slot: Slot, *, final: bool) -> Plan:
        """Take money from a hold."""
        from payport.adapters.paypal import planning  # noqa: PLC0415 - as above

        return planning.plan_capture(hold, amount, slot, final=final)

    def plan_refund(self, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
        """Give money back."""
        from payport.adapters.paypal import planning  # noqa: PLC0415 - as above

        return planning.plan_refund(payment, amount, slot, reason=reason)

    def plan_payout(self, order: PayoutOrder, payee: PayPalPayee, slot: Slot) -> Plan:
        """Send money to somebody's PayPal account, address or phone."""
        from payport.adapters.paypal import planning  # noqa: PLC0415 - as above

        return planning.plan_payout(order, payee, slot)

    def payee_fingerprint(self, payee: PayPalPayee) -> str:
        """A digest of kind and receiver."""
        return hashlib.sha256(f"{payee.kind.value}\x1f{payee.receiver}".encode("utf-8", "surrogatepass")).hexdigest()[
            :16
        ]

    def native_payment(self, native: object) -> PayPalOrder | None:
        """The order that an observation carries."""
        from payport.adapters.paypal.wire import PayPalOrder  # noqa: PLC0415 - pydantic

        return native if isinstance(native, PayPalOrder) else None

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Send one step."""
        from payport.adapters.paypal import performing  # noqa: PLC0415 - pydantic, with the first call

        return performing.perform(self, operation, step, deadline_s)

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """Query an operation."""
        from payport.adapters.paypal import performing  # noqa: PLC0415 - as above

        return performing.ask(self, operation, deadline_s)

    def find(self, partner_id: PartnerId, deadline_s: float) -> Exchange[Found]:
        """Query a payment by the number of its order or capture."""
        from payport.adapters.paypal import performing  # noqa: PLC0415 - as above

        return performing.find(self, partner_id, deadline_s)

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        """Verify and read a webhook event."""
        from payport.adapters.paypal import notices  # noqa: PLC0415 - with the first event

        return notices.open_notice(self, raw)
