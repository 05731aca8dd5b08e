"""What Alipay's own words amount to. What holds for any partner is told by the conformance suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tests.support.paths import World, order, payout_order
from tests.support.scenarios import HELD, PAYEE, YUAN, hold_scanned, pay_scanned

from payport.adapters.alipay.simulator import Wallet
from payport.schemas import QrScanned
from payport.sdk.testing.conformance.checks.telling import words
from payport.sdk.testing.faults import Fault

REF = "TABLE0001"
SOON_S = 2.0
"""A deadline before the first question of the counter's ladder."""
FULL, REST = 1234, 1134
PAY = "alipay.trade.pay"


@dataclass(frozen=True)
class Row:
    """``told``: the outcome and its kind. ``kept``: what Alipay keeps of the debt after the call, in fen."""

    verb: str
    why: str
    told: str
    kept: int
    arrange: Callable[[World], object] = lambda world: None
    wallet: Wallet = Wallet.PAYS


def fault(kind: Fault, method: str | None = None, times: int = 1) -> Callable[[World], object]:
    return lambda world: world.partner.faults.next(kind, method, times=times)


def poor(world: World) -> None:
    world.partner.fund(0)


TABLE = [
    Row("pay", "no money", "Declined insufficient_funds", 0, wallet=Wallet.NO_MONEY),
    Row("pay", "stale code", "Declined code_invalid", 0, wallet=Wallet.STALE),
    Row("pay", "risky", "Declined declined", 0, wallet=Wallet.RISKY),
    Row("pay", "rate limited once", "Succeeded", FULL, fault(Fault.RATE_LIMITED, PAY)),
    Row("pay", "always rate limited", "Declined rate_limited", 0, fault(Fault.RATE_LIMITED, times=3)),
    Row("pay", "denied", "Unknown not_found", 0, fault(Fault.NOT_FOUND, PAY)),
    Row("pay", "retry_flag", "Unknown partner_fault", 0, fault(Fault.ASK_RETRY, PAY)),
    Row("hold", "new word", "Unknown unknown_status", 0, fault(Fault.UNKNOWN_STATUS, "alipay.fund.auth.order.freeze")),
    Row("refund", "no balance", "Declined merchant_funds", FULL, poor),
    Row("refund", "lost answer", "Succeeded", REST, fault(Fault.COMMIT_THEN_SILENCE, "alipay.trade.refund")),
    Row("reverse", "retry_flag", "Succeeded", 0, fault(Fault.ASK_RETRY, "alipay.trade.cancel")),
    # the repetition is told that it was done before: whether by us, the next question tells
    Row("capture", "lost answer", "Succeeded", 100, fault(Fault.COMMIT_THEN_SILENCE, PAY)),
    Row("payout", "no balance", "Declined merchant_funds", 0, poor),
    Row("payout", "new word", "Unknown unknown_status", 0, fault(Fault.UNKNOWN_STATUS)),
]  # fmt: skip


def call(world: World, row: Row) -> object:
    """The row's call."""
    gateway, code = world.worker, QrScanned(auth_code=world.partner.payer.code(row.wallet))
    calls: dict[str, Callable[[], object]] = {
        "pay": lambda: gateway.pay(order(REF), code, deadline_s=SOON_S),
        "hold": lambda: gateway.pay(order(REF, capture=HELD), code, deadline_s=SOON_S),
        "refund": lambda: gateway.refund(REF, "BACK0001", YUAN, deadline_s=SOON_S),
        "reverse": lambda: gateway.cancel(REF, reverse_paid=True, deadline_s=SOON_S),
        "capture": lambda: gateway.capture(REF, YUAN, deadline_s=SOON_S),
        "payout": lambda: gateway.payout(payout_order(REF), PAYEE, deadline_s=SOON_S),
    }
    return calls[row.verb]()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.verb}-{row.why}")
def test_alipays_words_in_ours(certified: World, row: Row) -> None:
    """What the caller is told, and what Alipay charged; then everything settles to books that agree."""
    if row.verb in ("refund", "reverse"):
        pay_scanned(certified, REF).finish()
    if row.verb == "capture":
        hold_scanned(certified, REF).finish()
    row.arrange(certified)
    assert (row.told, row.kept) == (words(call(certified, row)), certified.net_minor(REF))
    certified.settle()
    assert certified.wrong_with(REF) == []
