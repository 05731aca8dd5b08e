"""A round over what is open: one failing operation does not hold up the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import Money, Order, QrScanned
from payport.sdk import Gateway, JournalError
from payport.sdk.events import SdkEvent, StorageFailed
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation
from payport.sdk.operations import resuming
from payport.sdk.operations.carrying import Carried
from payport.sdk.operations.resolver import resolve
from payport.sdk.operations.setup import Setup
from payport.sdk.testing.faults import Fault


def test_a_storage_failure_leaves_one_open_and_settles_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of two operations in doubt meets a broken disk: the second is settled all the same, and it is told."""
    told: list[SdkEvent] = []

    def breaking(setup: Setup, operation: Operation, deadline_s: float) -> Exchange[Carried]:
        if operation.ref == "RESUME0001":
            raise JournalError("disk full")
        return (yield from resolve(setup, operation, deadline_s))

    with (
        AlipaySimulator() as partner,
        Gateway(
            Alipay(partner.account),
            journal=f"sqlite:///{tmp_path}/payments.db",
            transport=partner.transport(),
            sinks=[told.append],
        ) as gateway,
    ):
        for ref in ("RESUME0001", "RESUME0002"):
            partner.faults.next(Fault.COMMIT_THEN_RESET, "alipay.trade.pay")
            order = Order(ref=ref, amount=Money.of("1.00", "CNY"), subject="Tea")
            gateway.pay(order, QrScanned(auth_code=partner.payer.code()), deadline_s=1)
        monkeypatch.setattr(resuming, "resolve", breaking)
        first, second = gateway.resolve("RESUME0001"), gateway.resolve("RESUME0002")
    assert (first.settled, second.settled) == ((), ("RESUME0002/pay//1",))
    assert [event.error for event in told if isinstance(event, StorageFailed)] == ["JournalError"]
