"""Eight worker processes on one journal of a database server, killed at random: nothing is lost, nothing is double."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.databases import SERVERS, by_hand
from tests.support.fleet import ref_of
from tests.support.till import open_till, write_settings

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator, Fault
from payport.sdk.exchange import Moment
from payport.sdk.gateway import Gateway
from payport.sdk.host_clock import SystemClock
from payport.sdk.testing.conformance.agreement import disagreements

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

ROOT = Path(__file__).parent.parent.parent
ORDERS = 60


class LaterClock(SystemClock):
    """The partner's clock and the last worker's: ``later`` is added when everything that can be paid is to be over."""

    __slots__ = ("later",)

    def __init__(self) -> None:
        super().__init__()
        self.later = timedelta()

    def moment(self) -> Moment:
        """The real moment, or later."""
        real = super().moment()
        return Moment(real.utc + self.later, real.monotonic_s)


@pytest.fixture
def clock() -> LaterClock:
    return LaterClock()


@pytest.fixture
def partner(clock: LaterClock) -> Iterator[AlipaySimulator]:
    with AlipaySimulator(clock=lambda: clock.moment().utc).serve() as served:
        yield served


def run_fleet(place: Path, *options: str) -> dict[str, int]:
    """Let a fleet work, and answer what became of it."""
    roots = [ROOT, *(ROOT / name for name in ("schemas", "sdk", "adapters"))]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.support.fleet", str(place), *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, roots))},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    did: dict[str, int] = json.loads(ran.stdout)
    return did


def settle(till: Gateway[Alipay]) -> None:
    """Bring everything to its end that the dead left open."""
    for _ in range(10):
        waiting = till.open_operations()
        if not waiting:
            return
        for ref in {operation.ref for operation in waiting}:
            till.resolve(ref, deadline_s=10.0)
    raise AssertionError(f"still open: {till.open_operations()}")


def must_agree(partner: AlipaySimulator, till: Gateway[Alipay]) -> None:
    """Journal, history and the partner's books tell the same of every order."""
    wrong: list[str] = []
    for number in range(ORDERS):
        ref = ref_of(number)
        operations = till.journal.read(lambda session, ref=ref: session.operations(ref))  # type: ignore[misc] # bound now
        history = till.history(ref)
        wrong += disagreements(ref, operations, history, partner.ledger, arrived=frozenset())
    assert wrong == []


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("kind", "lines", "breaking"), [("postgresql", 200, ""), ("mariadb", 120, "breaking")])
def test_a_fleet_that_is_killed_at_random(
    partner: AlipaySimulator, clock: LaterClock, tmp_path: Path, kind: str, lines: int, breaking: str
) -> None:
    """Whoever dies between two lines, another worker goes on from what the journal says."""
    url = SERVERS[kind].url("fleet")
    codes = [partner.payer.code() for _ in range(ORDERS)]
    place = write_settings(partner.account, tmp_path, url, codes)
    with open_till(place) as till:  # the tables are there before the crowd comes
        for fault in (Fault.COMMIT_THEN_RESET, Fault.RESET):
            partner.faults.next(fault, "alipay.trade.pay", times=3)
            partner.faults.next(fault, "alipay.trade.refund", times=3)
        did = run_fleet(place, str(lines), "8", "20260131", *([breaking] if breaking else []))
        partner.faults.clear()
        assert did.get("failed", 0) == 0
        assert did["killed"] > 10
        with by_hand(kind, url) as cursor:  # as if their leases had run out, which takes half a minute
            cursor.execute("UPDATE payport_operation SET lease_owner = NULL, lease_until = NULL")
        clock.later = timedelta(minutes=10)
        settle(Gateway(till.adapter, journal=till.journal, sinks=(), clock=clock))
        must_agree(partner, till)
        paid = [row for row in partner.ledger.charges() if row.amount.amount_minor]
        assert len(paid) > 20, "they had work to do"
