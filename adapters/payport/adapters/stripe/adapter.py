"""The Stripe adapter: verbs to calls, calls to observations."""

from __future__ import annotations

import hashlib
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from payport.adapters.stripe.account import PRODUCTION_URL
from payport.adapters.stripe.limits import limits_of
from payport.adapters.stripe.money import CURRENCIES
from payport.sdk.profile import Ladder, Profile

if TYPE_CHECKING:
    from payport.adapters.stripe.account import StripeAccount
    from payport.adapters.stripe.methods import StripeMethod, StripePayee
    from payport.adapters.stripe.wire import StripeIntent, StripeSession
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
        "default": Ladder(ask_after_s=(2.0, 5.0, 15.0, 60.0, 300.0, 3600.0)),
        # a payer is at a page: webhooks tell, asking is what happens without them
        "page": Ladder(ask_after_s=(10.0, 20.0, 30.0, 60.0, 300.0, 900.0)),
        "refund": Ladder(ask_after_s=(10.0, 60.0, 600.0, 3600.0)),
        "payout": Ladder(ask_after_s=(60.0, 3600.0)),
    }
)


class Stripe:
    """Stripe for one account, live or test.

    Raises :class:`payport.sdk.ConfigurationError`, by way of
    :class:`~payport.adapters.stripe.account.StripeAccount`, for what cannot work.
    """

    def __init__(self, account: StripeAccount) -> None:
        self._config = account
        self._profile = Profile(
            partner="stripe",
            hosts=frozenset({account.host}),
            currencies=CURRENCIES,
            reference=re.compile(r"[0-9A-Za-z_-]{1,28}"),
            default_life_s=60 * 60.0,
            max_life_s=24 * 3600.0,
            max_amount_minor=10**10,
            in_flight_s=90.0,
            ladders=LADDERS,
            shows_cancels=True,
            limits=limits_of(live=account.live),
            sandbox=not account.live or account.api_url.rstrip("/") != PRODUCTION_URL,
        )

    def __repr__(self) -> str:
        return f"Stripe({self.account})"

    @classmethod
    def from_settings(cls, name: str, table: AccountTable) -> Self:  # noqa: ARG003 - every adapter is told the name
        """The adapter that a table of ``payport.toml`` describes. Raises :class:`payport.sdk.ConfigurationError`."""
        from payport.adapters.stripe.settings import account_from  # noqa: PLC0415 - for configured gateways only

        return cls(account_from(table))

    @property
    def partner(self) -> str:
        """``"stripe"``."""
        return "stripe"

    @property
    def config(self) -> StripeAccount:
        """The account as configured."""
        return self._config

    @property
    def account(self) -> str:
        """``"stripe:<account_id>:live"`` or ``"...:test"``: keys may change, whose money it is does not."""
        return f"stripe:{self._config.account_id}:{'live' if self._config.live else 'test'}"

    @property
    def trust(self) -> Trust | None:
        """How to trust Stripe's host."""
        return self._config.trust

    @property
    def profile(self) -> Profile:
        """Stripe's habits. References may be up to 28 of ``[0-9A-Za-z_-]``: they become part of a metadata key."""
        return self._profile

    def plan_pay(self, order: Order, method: StripeMethod, slot: Slot) -> Plan:
        """Create and confirm, or create what the payer's browser confirms."""
        from payport.adapters.stripe import planning  # noqa: PLC0415 - loaded with the first order

        return planning.plan_pay(self._config, order, method, slot)

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """Cancel the intent, expire the page, or refund."""
        from payport.adapters.stripe import planning  # noqa: PLC0415 - as above

        return planning.plan_cancel(payment, slot, reverse_paid=reverse_paid)

    def plan_capture(self, hold: Operation, amount: Money, slot: Slot, *, final: bool) -> Plan:
        """Take money from a hold."""
        from payport.adapters.stripe import planning  # noqa: PLC0415 - as above

        return planning.plan_capture(hold, amount, slot, final=final)

    def plan_refund(self, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
        """Give money back."""
        from payport.adapters.stripe import planning  # noqa: PLC0415 - as above

        return planning.plan_refund(payment, amount, slot, reason=reason)

    def plan_payout(self, order: PayoutOrder, payee: StripePayee, slot: Slot) -> Plan:
        """Send money from the balance to the account's own bank account or card."""
        from payport.adapters.stripe import planning  # noqa: PLC0415 - as above

        return planning.plan_payout(order, payee, slot)

    def payee_fingerprint(self, payee: StripePayee) -> str:
        """A digest of where the money goes."""
        return hashlib.sha256(
            f"{payee.method}\x1f{payee.destination or ''}".encode("utf-8", "surrogatepass")
        ).hexdigest()[:16]

    def native_payment(self, native: object) -> StripeIntent | StripeSession | None:
        """The intent or session that an observation carries."""
        from payport.adapters.stripe.wire import StripeIntent, StripeSession  # noqa: PLC0415 - pydantic

        return native if isinstance(native, StripeIntent | StripeSession) else None

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Send one step."""
        from payport.adapters.stripe import performing  # noqa: PLC0415 - pydantic, with the first call

        return performing.perform(self, operation, step, deadline_s)

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """Ask by the number that Stripe gave; without one, look for our reference."""
        from payport.adapters.stripe import asking  # noqa: PLC0415 - as above

        return asking.ask(self, operation, deadline_s)

    def find(self, partner_id: PartnerId, deadline_s: float) -> Exchange[Found]:
        """Ask about an intent (``pi_...``) or a Checkout Session (``cs_...``)."""
        from payport.adapters.stripe import asking  # noqa: PLC0415 - as above

        return asking.find(self, partner_id, deadline_s)

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        """Verify and read a webhook."""
        from payport.adapters.stripe import notices  # noqa: PLC0415 - with the first notice

        return notices.open_notice(self, raw)
