"""The adapter of WeChat Pay's API v2: verbs to calls, calls to observations."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from payport.sdk.profile import Ladder, Profile

if TYPE_CHECKING:
    from payport.adapters.wechatpay_v2.account import WeChatPayV2Account
    from payport.adapters.wechatpay_v2.methods import WeChatPayV2Method
    from payport.adapters.wechatpay_v2.wire import WeChatPayV2Trade
    from payport.schemas.events import RawNotification, Rejected
    from payport.schemas.money import Money
    from payport.schemas.order import Order
    from payport.schemas.references import PartnerId
    from payport.sdk.adapter import Found, Opened, Plan, Slot
    from payport.sdk.exchange import Exchange
    from payport.sdk.journal.records import Operation, Step
    from payport.sdk.observation import Observation
    from payport.sdk.settings import AccountTable
    from payport.sdk.tls import Trust

LADDERS = MappingProxyType(
    {
        "default": Ladder(ask_after_s=(5.0, 10.0, 30.0, 120.0, 600.0, 3600.0)),
        "shown": Ladder(ask_after_s=(5.0, 5.0, 10.0, 15.0, 30.0, 60.0, 300.0)),
        # USERPAYING and SYSTEMERROR: query every 5 s, up to 45 s, then reverse
        "scanned": Ladder(ask_after_s=(5.0, 5.0, 5.0, 5.0, 10.0), fence_after_s=45.0, inline=True),
        # a refund is to be asked about no sooner than a minute after it was made; cards take days
        "refund": Ladder(ask_after_s=(60.0, 60.0, 300.0, 900.0, 3600.0)),
    }
)


class WeChatPayV2:
    """WeChat Pay by API v2 (XML, shared key) for one merchant and application.

    New merchants get API v3 only. What API v2 proves is less: a signature says that somebody who knows the shared key
    made the message, and refund notices are not signed at all, so each is confirmed by a query.

    A client certificate is read and checked here. Raises :class:`payport.sdk.ConfigurationError`.
    """

    def __init__(self, account: WeChatPayV2Account) -> None:
        self._config = account
        self._profile = Profile(
            partner="wechatpay_v2",
            hosts=frozenset({account.host}),
            currencies=frozenset({"CNY"}),
            reference=re.compile(r"[0-9A-Za-z_-]{1,28}"),
            max_amount_minor=100_000_000_000,
            default_life_s=30 * 60.0,
            max_life_s=15 * 86_400.0,
            ladders=LADDERS,
            shows_cancels=True,
            close_may_reverse=True,
            sandbox=account.sandbox,
        )
        if account.trust is not None:
            from payport.sdk.tls import context  # noqa: PLC0415 - ssl, and cryptography for the certificate's dates

            context(account.trust)

    def __repr__(self) -> str:
        return f"WeChatPayV2({self.account})"

    @classmethod
    def from_settings(cls, name: str, table: AccountTable) -> Self:  # noqa: ARG003 - every adapter is told the name
        """The adapter that a table of ``payport.toml`` describes. Raises :class:`payport.sdk.ConfigurationError`."""
        from payport.adapters.wechatpay_v2.settings import account_from  # noqa: PLC0415 - configured gateways only

        return cls(account_from(table))

    @property
    def partner(self) -> str:
        """``"wechatpay_v2"``."""
        return "wechatpay_v2"

    @property
    def config(self) -> WeChatPayV2Account:
        """The account as configured."""
        return self._config

    @property
    def account(self) -> str:
        """``"wechatpay_v2:<mch_id>:<appid>"``, or ``"wechatpay_v2:<mch_id>/<sub_mch_id>:<sub_appid>"``."""
        config = self._config
        merchant = f"{config.mch_id}/{config.sub_mch_id}" if config.sub_mch_id else config.mch_id
        return f"wechatpay_v2:{merchant}:{config.paying_appid}"

    @property
    def trust(self) -> Trust | None:
        """How to trust WeChat's host, and who we are in mutual TLS."""
        return self._config.trust

    @property
    def profile(self) -> Profile:
        """WeChat's habits. Order numbers have 32 characters at most: four are kept for the attempt."""
        return self._profile

    def plan_pay(self, order: Order, method: WeChatPayV2Method, slot: Slot) -> Plan:
        """The call that charges or opens the order."""
        from payport.adapters.wechatpay_v2 import planning  # noqa: PLC0415 - loaded with the first order

        return planning.plan_pay(self._config, order, method, slot)

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:  # noqa: ARG002 - the contract
        """Close, or reverse what was scanned."""
        from payport.adapters.wechatpay_v2 import planning  # noqa: PLC0415 - as above

        return planning.plan_cancel(payment, reverse_paid=reverse_paid)

    def plan_refund(self, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
        """Give money back."""
        from payport.adapters.wechatpay_v2 import planning  # noqa: PLC0415 - as above

        return planning.plan_refund(self._config, payment, amount, slot, reason=reason)

    def native_payment(self, native: object) -> WeChatPayV2Trade | None:
        """The order that an observation carries."""
        from payport.adapters.wechatpay_v2.wire import WeChatPayV2Trade  # noqa: PLC0415 - pydantic

        return native if isinstance(native, WeChatPayV2Trade) else None

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Send one step."""
        from payport.adapters.wechatpay_v2 import performing  # noqa: PLC0415 - pydantic, with the first call

        return performing.perform(self, operation, step, deadline_s)

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """Query by our own reference."""
        from payport.adapters.wechatpay_v2 import performing  # noqa: PLC0415 - as above

        return performing.ask(self, operation, deadline_s)

    def find(self, partner_id: PartnerId, deadline_s: float) -> Exchange[Found]:
        """Query an order by WeChat's number."""
        from payport.adapters.wechatpay_v2 import performing  # noqa: PLC0415 - as above

        return performing.find(self, partner_id, deadline_s)

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        """Authenticate and read a notice; a refund's is confirmed by asking."""
        from payport.adapters.wechatpay_v2 import notices  # noqa: PLC0415 - with the first notice

        return notices.open_notice(self, raw)
