"""The partners that the shop can be paid through: each a simulator on loopback TLS, an adapter, and a way of paying."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Never, Protocol

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import HostedPage
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


PARTNERS: dict[str, Callable[[], Partner]] = {"alipay": alipay}
