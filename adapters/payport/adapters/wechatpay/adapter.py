"""The WeChat Pay adapter: verbs to calls, calls to observations."""

from __future__ import annotations

import hashlib
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from payport.adapters.wechatpay.limits import limits_of
from payport.sdk.profile import Ladder, Profile

if TYPE_CHECKING:
    from payport.adapters.wechatpay.account import WeChatPayAccount
    from payport.adapters.wechatpay.methods import WeChatPayMethod, WeChatPayPayee
    from payport.adapters.wechatpay.partner_keys import AccountKeys
    from payport.adapters.wechatpay.wire import WeChatPayTransaction
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
        "default": Ladder(ask_after_s=(5.0, 15.0, 60.0, 300.0, 1800.0, 3600.0)),
        "shown": Ladder(ask_after_s=(5.0, 5.0, 10.0, 15.0, 30.0, 60.0, 300.0)),
        # wait 5 s, then ask every 5 to 10 s; when 30 to 45 s bring no end, reverse
        "scanned": Ladder(ask_after_s=(5.0, 5.0, 5.0, 10.0), fence_after_s=45.0, inline=True),
        # a refund is first asked about after a minute; wallet money takes 5 to 20 minutes, cards up to 3 days
        "refund": Ladder(ask_after_s=(60.0, 300.0, 900.0, 3600.0, 21600.0)),
        # the payee has a day to confirm
        "transfer": Ladder(ask_after_s=(10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)),
    }
)


class WeChatPay:
    """WeChat Pay (API v3, RSA) for one merchant, or for one sub-merchant of a service provider.

    Keys are parsed and checked here. Raises :class:`payport.sdk.ConfigurationError` for a key or certificate that
    cannot work, with what is wrong and how to mend it, and without showing it. Nothing is downloaded here.

    ``keys_checked``: this very private key passed the check before, when it was registered: skips its 40 ms, for
    processes that serve a thousand merchants.
    """

    def __init__(self, account: WeChatPayAccount, *, keys_checked: bool = False) -> None:
        from payport.adapters.wechatpay.partner_keys import load_keys  # noqa: PLC0415 - cryptography

        self._config = account
        self._keys = load_keys(account, keys_checked=keys_checked)
        self._profile = Profile(
            partner="wechatpay",
            hosts=frozenset(account.hosts),
            currencies=frozenset({"CNY"}),
            reference=re.compile(r"[0-9A-Za-z_-]{2,28}"),
            max_amount_minor=10_000_000_000,
            default_life_s=15 * 60.0,
            max_life_s=90 * 86_400.0,
            ladders=LADDERS,
            shows_cancels=True,
            close_may_reverse=True,
            errands=frozenset({"GET /v3/certificates"}),
            limits=limits_of(account.mchid, serves_others=account.sub_mchid is not None),
            sandbox=account.sandbox,
        )

    def __repr__(self) -> str:
        return f"WeChatPay({self.account})"

    @classmethod
    def from_settings(cls, name: str, table: AccountTable) -> Self:  # noqa: ARG003 - every adapter is told the name
        """The adapter that a table of ``payport.toml`` describes. Raises :class:`payport.sdk.ConfigurationError`."""
        from payport.adapters.wechatpay.settings import account_from  # noqa: PLC0415 - for configured gateways only

        return cls(account_from(table))

    @property
    def partner(self) -> str:
        """``"wechatpay"``."""
        return "wechatpay"

    @property
    def config(self) -> WeChatPayAccount:
        """The account as configured."""
        return self._config

    @property
    def keys(self) -> AccountKeys:
        """The parsed keys."""
        return self._keys

    @property
    def account(self) -> str:
        """``"wechatpay:<mchid>"``, with ``"/<sub_mchid>"`` behind it for a sub-merchant: numbers are unique in it."""
        sub = self._config.sub_mchid
        return f"wechatpay:{self._config.mchid}/{sub}" if sub else f"wechatpay:{self._config.mchid}"

    @property
    def trust(self) -> Trust | None:
        """How to trust WeChat's hosts."""
        return self._config.trust

    @property
    def profile(self) -> Profile:
        """WeChat Pay's habits. Numbers are 6 to 32 long at WeChat: four are kept for the attempt."""
        return self._profile

    def plan_pay(self, order: Order, method: WeChatPayMethod, slot: Slot) -> Plan:
        """The call that charges, or makes what the payer opens."""
        from payport.adapters.wechatpay import planning  # noqa: PLC0415 - loaded with the first order

        return planning.plan_pay(self._config, order, method, slot)

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """Close, or reverse what was paid by a scanned code."""
        from payport.adapters.wechatpay import planning  # noqa: PLC0415 - as above

        return planning.plan_cancel(self._config, payment, slot, reverse_paid=reverse_paid)

    def plan_refund(self, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
        """Give money back."""
        from payport.adapters.wechatpay import planning  # noqa: PLC0415 - as above

        return planning.plan_refund(self._config, payment, amount, slot, reason=reason)

    def plan_payout(self, order: PayoutOrder, payee: WeChatPayPayee, slot: Slot) -> Plan:
        """Send money to a user, who must confirm it."""
        from payport.adapters.wechatpay import planning  # noqa: PLC0415 - as above

        return planning.plan_payout(self._config, order, payee, slot)

    def payee_fingerprint(self, payee: WeChatPayPayee) -> str:
        """A digest of the payee's open id."""
        return payee_digest(payee.openid)

    def native_payment(self, native: object) -> WeChatPayTransaction | None:
        """The transaction that an observation carries."""
        from payport.adapters.wechatpay.wire import WeChatPayTransaction  # noqa: PLC0415 - pydantic

        return native if isinstance(native, WeChatPayTransaction) else None

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Send one step, and ask where its answer leaves open what happened."""
        from payport.adapters.wechatpay import performing  # noqa: PLC0415 - pydantic, with the first call

        return performing.perform(self, operation, step, deadline_s)

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """Query by our own number."""
        from payport.adapters.wechatpay import performing  # noqa: PLC0415 - as above

        return performing.ask(self, operation, deadline_s)

    def find(self, partner_id: PartnerId, deadline_s: float) -> Exchange[Found]:
        """Query a payment by WeChat's ``transaction_id``."""
        from payport.adapters.wechatpay import performing  # noqa: PLC0415 - as above

        return performing.find(self, partner_id, deadline_s)

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        """Verify, decrypt and read a notification."""
        from payport.adapters.wechatpay import notices  # noqa: PLC0415 - with the first notice

        return notices.open_notice(self, raw)

    def decrypt(self, ciphertext: str) -> str:
        """A text that WeChat encrypted for this merchant, such as the name in a transfer's record.

        Raises ``ValueError`` when it was not.
        """
        from payport.adapters.wechatpay.encryption import reveal  # noqa: PLC0415 - rarely used

        return reveal(ciphertext, self._keys.private)


def payee_digest(openid: str) -> str:
    """Tells payees apart in the journal without naming them."""
    return hashlib.sha256(openid.encode()).hexdigest()[:16]
