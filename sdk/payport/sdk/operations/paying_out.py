"""Payout: send money once under the merchant's own reference."""

from __future__ import annotations

from typing import TypeVar

from payport.schemas.order import PayoutOrder
from payport.schemas.outcome import PayoutOutcome
from payport.sdk.adapter import SupportsPayout
from payport.sdk.checks import check_argument
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Verb
from payport.sdk.operations.carrying import Carried
from payport.sdk.operations.following import run
from payport.sdk.operations.intending import Intent
from payport.sdk.operations.setup import Setup
from payport.sdk.outcomes import payout_outcome

PayeeT = TypeVar("PayeeT")


def payout(
    setup: Setup, adapter: SupportsPayout[PayeeT], order: PayoutOrder, payee: PayeeT, deadline_s: float
) -> Exchange[PayoutOutcome[object]]:
    """Send money once under ``order.ref``."""
    check_argument("order", order, PayoutOrder, "a PayoutOrder")
    intent = Intent(
        ref=order.ref,
        verb=Verb.PAYOUT,
        amount=order.amount,
        plan=lambda _, slot: adapter.plan_payout(order, payee, slot),
        payee=adapter.payee_fingerprint(payee),
        opens_debt=True,
    )
    carried = yield from run(setup, intent, deadline_s)
    if not isinstance(carried, Carried):
        return carried
    return payout_outcome(carried.operation, setup.profile, carried.native)
