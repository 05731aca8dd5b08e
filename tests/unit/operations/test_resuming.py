"""A round over what is open: one failing operation does not hold up the others."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.corner import ABSENT, GO_ON, PAID, SILENCE, Corner, NoRoad, Wink, order
from tests.support.journal_records import sealing_key

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import Money, Order, QrScanned, Unknown
from payport.sdk import Gateway, JournalError
from payport.sdk.events import SdkEvent, StorageFailed
from payport.sdk.exchange import Exchange
from payport.sdk.journal import Journal
from payport.sdk.journal.records import Operation
from payport.sdk.operations import resuming
from payport.sdk.operations.carrying import Carried
from payport.sdk.operations.resolver import resolve
from payport.sdk.operations.setup import Setup
from payport.sdk.testing.conformance.world import AT_ONCE
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.stepping import Time, WorkerClock


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
            tea = Order(ref=ref, amount=Money.of("1.00", "CNY"), subject="Tea")
            gateway.pay(tea, QrScanned(auth_code=partner.payer.code()), deadline_s=1)
        monkeypatch.setattr(resuming, "resolve", breaking)
        first, second = gateway.resolve("RESUME0001"), gateway.resolve("RESUME0002")
    assert (first.settled, second.settled) == ((), ("RESUME0002/pay//1",))
    assert [event.error for event in told if isinstance(event, StorageFailed)] == ["JournalError"]


@pytest.mark.parametrize(
    "damage",
    ["body = 'torn'", "sealed = substr(sealed, 1, 30)", "partner_ref = 'another'"],
)
def test_an_operation_that_cannot_be_read_does_not_hold_up_the_others(tmp_path: Path, time: Time, damage: str) -> None:
    """However early it is due. Each round tells of it once, and leaves its row as it is."""
    told: list[SdkEvent] = []
    place = tmp_path / "payments.db"
    corner = Corner(says=[SILENCE] * 9)
    with Journal.open(f"sqlite:///{place}", sealing_key=sealing_key()) as journal:
        till = Gateway(
            corner, journal=journal, transport=NoRoad(), sinks=[told.append], retry=AT_ONCE,
            clock=WorkerClock(time, "till"),
        )  # fmt: skip
        for number in (1, 2, 3):
            assert isinstance(till.pay(order(f"RESUME000{number}"), Wink()), Unknown)
        with closing(sqlite3.connect(place)) as file, file:
            file.execute(f"UPDATE payport_operation SET {damage} WHERE ref = 'RESUME0001'")
            before = file.execute("SELECT * FROM payport_operation WHERE ref = 'RESUME0001'").fetchall()
        time.pass_by(20)
        corner.says = [ABSENT, GO_ON, PAID] * 2
        for settled in (("RESUME0002/pay//1", "RESUME0003/pay//1"), ()):
            told.clear()
            assert till.resume().settled == settled
            failed = [(event.work, event.error) for event in told if isinstance(event, StorageFailed)]
            assert failed == [("resume RESUME0001/pay//1", "Unreadable")]
        with closing(sqlite3.connect(place)) as file:
            assert file.execute("SELECT * FROM payport_operation WHERE ref = 'RESUME0001'").fetchall() == before
