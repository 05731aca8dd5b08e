"""The partner's number where the merchant's reference belongs."""

from __future__ import annotations

from payport.adapters.alipay import Alipay
from payport.schemas import Money, PartnerId
from payport.sdk import Gateway


def back(gateway: Gateway[Alipay], number: PartnerId) -> None:
    """It is not a ``str``."""
    gateway.query(number)  # expect: arg-type
    gateway.refund(number, "BACK0001", Money.of("1.00", "CNY"))  # expect: arg-type
