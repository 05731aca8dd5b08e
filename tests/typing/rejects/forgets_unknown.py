"""A caller who forgets ``Unknown``."""

from __future__ import annotations

from typing import assert_never

from payport.adapters.alipay import Alipay
from payport.schemas import ActionRequired, Authorized, Declined, NotSent, Order, Pending, QrShown, Succeeded
from payport.sdk import Gateway


def sell(gateway: Gateway[Alipay], order: Order) -> str:
    """One outcome is missing."""
    outcome = gateway.pay(order, QrShown())
    match outcome:
        case ActionRequired() | Succeeded() | Authorized() | Pending() | Declined() | NotSent():
            return "handled"
        case _:
            assert_never(outcome)  # expect: arg-type
