"""The partners that the shop can be paid through: each a simulator on loopback TLS, an adapter, and a way of paying."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Never, Protocol

from payport.adapters.adyen import Adyen
from payport.adapters.adyen.simulator import AdyenSimulator
from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.adapters.paypal import PayPal
from payport.adapters.paypal.simulator import PayPalSimulator
from payport.adapters.stripe import Stripe
from payport.adapters.stripe.simulator import StripeSimulator
from payport.adapters.unionpay import UnionPay
from payport.adapters.unionpay.simulator import UnionPaySimulator
from payport.adapters.wechatpay import WeChatPay
from payport.adapters.wechatpay.simulator import WeChatPaySimulator
from payport.adapters.wechatpay_v2 import WeChatPayV2
from payport.adapters.wechatpay_v2.simulator import WeChatPayV2Simulator
from payport.schemas import HostedPage, QrShown
from payport.sdk.testing.courier import Receiver

if TYPE_CHECKING:
    from payport.sdk.adapter import SupportsPay


class Served(Protocol):
    """What the shop needs of a simulator."""

    @property
    def url(self) -> str:
        """Where its pages are; ``/`` lists what waits to be paid."""
        ...

    def deliver_to(self, receiver: Receiver | None) -> None:
        """Hand its notices to ``receiver``."""
        ...

    def close(self) -> None:
        """Stop."""
        ...


@dataclass(frozen=True, slots=True)
class Partner:
    """One partner as the shop uses it. ``currency``: what the tea costs there."""

    title: str
    simulator: Served
    adapter: SupportsPay[Never, object]
    method: object
    currency: str


def alipay() -> Partner:
    """A page in the browser."""
    simulator = AlipaySimulator().serve()
    return Partner("Alipay", simulator, Alipay(simulator.account), HostedPage(), "CNY")


def wechatpay() -> Partner:
    """A code to scan."""
    simulator = WeChatPaySimulator().serve()
    return Partner("WeChat Pay", simulator, WeChatPay(simulator.account), QrShown(), "CNY")


def wechatpay_v2() -> Partner:
    """A code to scan, through the legacy interface."""
    simulator = WeChatPayV2Simulator().serve()
    return Partner("WeChat Pay (v2)", simulator, WeChatPayV2(simulator.account), QrShown(), "CNY")


def unionpay() -> Partner:
    """A form that the browser posts."""
    simulator = UnionPaySimulator().serve()
    return Partner("UnionPay", simulator, UnionPay(simulator.account), HostedPage(), "CNY")


def stripe() -> Partner:
    """A checkout page."""
    simulator = StripeSimulator().serve()
    return Partner("Stripe", simulator, Stripe(simulator.account), HostedPage(), "EUR")


def paypal() -> Partner:
    """A page to approve on; the shop captures when the payer is back."""
    simulator = PayPalSimulator().serve()
    return Partner("PayPal", simulator, PayPal(simulator.account), HostedPage(), "EUR")


def adyen() -> Partner:
    """A payment link."""
    simulator = AdyenSimulator().serve()
    return Partner("Adyen", simulator, Adyen(simulator.account), HostedPage(), "EUR")


PARTNERS: dict[str, Callable[[], Partner]] = {
    "alipay": alipay,
    "wechatpay": wechatpay,
    "wechatpay_v2": wechatpay_v2,
    "unionpay": unionpay,
    "stripe": stripe,
    "paypal": paypal,
    "adyen": adyen,
}
