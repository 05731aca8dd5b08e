"""The world of the conformance suite with Alipay in it, for what is Alipay's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from tests.conformance.subjects.alipay import SUBJECT

from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import ActionRequired, CaptureMode, Money, Order, Payer, PayoutOrder
from payport.schemas.actions import Action
from payport.sdk.testing import conformance


class World(conformance.World[AlipaySimulator]):
    """A merchant at Alipay. ``mode``: payouts need ``certificate``."""

    def __init__(self, folder: Path, mode: Literal["key", "certificate"] = "key", *, sealed: bool = True) -> None:
        subject = replace(SUBJECT, simulator=lambda clock: AlipaySimulator(mode, clock=clock))
        super().__init__(subject, folder, sealed)

    def calls(self) -> list[str]:
        """The names of what was sent, without ``alipay.``."""
        return [request.endpoint.removeprefix("alipay.") for request in self.watch.requests]


def order(
    ref: str,
    amount: str = "12.34",
    *,
    payer: Payer | None = None,
    capture: CaptureMode = CaptureMode.AUTOMATIC,
    payable_until: datetime | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Order:
    """An order for tea."""
    return Order(
        ref=ref,
        amount=Money.of(amount, "CNY"),
        subject="Tea",
        payer=payer or Payer(),
        capture=capture,
        payable_until=payable_until,
        metadata=metadata or {},
    )


def payout_order(ref: str, amount: str = "5.00") -> PayoutOrder:
    """Wages."""
    return PayoutOrder(ref=ref, amount=Money.of(amount, "CNY"), subject="Wages")


def action_of(outcome: object) -> Action:
    """The action that an outcome asks for."""
    assert isinstance(outcome, ActionRequired), outcome
    return outcome.action
