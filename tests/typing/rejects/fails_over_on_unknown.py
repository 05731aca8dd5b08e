"""A caller who tries another partner while the first may have charged."""

from __future__ import annotations

from payport.adapters.alipay import Alipay
from payport.schemas import Declined, NotSent, Order, QrShown, Retriable, Unknown
from payport.sdk import Gateway


def elsewhere(outcome: Retriable) -> None:
    """Try another partner."""


def sell(gateway: Gateway[Alipay], order: Order) -> None:
    """Unknown is not retriable."""
    outcome = gateway.pay(order, QrShown())
    if isinstance(outcome, Declined | NotSent | Unknown):
        elsewhere(outcome)  # expect: arg-type
