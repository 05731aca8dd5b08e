"""A method of another partner."""

from __future__ import annotations

from dataclasses import dataclass

from payport.adapters.alipay import Alipay
from payport.schemas import Order
from payport.sdk import Gateway


@dataclass(frozen=True)
class Wink:
    """Taken by the shop around the corner only."""

    eye: str


def sell(gateway: Gateway[Alipay], order: Order) -> None:
    """Alipay takes no winks."""
    gateway.pay(order, Wink(eye="left"))  # expect: arg-type
