"""Things that happen to money, for tests of the watch."""

from __future__ import annotations

from datetime import timedelta

from payport.schemas import Money
from payport.sdk.testing.stepping import MORNING
from payport.sdk.watch.moves import Moved, What


def moved(  # one setting for each thing that a rule may look at
    what: What = What.ORDERED,
    at_s: float = 0.0,
    *,
    amount: str = "10.00",
    payer: str = "p1",
    ref: str = "SHOP10010001",
    account: str = "alipay:2021",
    currency: str = "CNY",
    operation: str = "",
) -> Moved:
    """One thing that happened so many seconds after the morning."""
    return Moved(
        what=what,
        at=MORNING + timedelta(seconds=at_s),
        partner="alipay",
        account=account,
        ref=ref,
        operation=operation or f"{ref}/pay//1",
        amount=Money.of(amount, currency),
        payer=payer,
    )
