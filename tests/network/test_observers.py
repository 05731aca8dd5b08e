"""What only watches may fail in any way: no payment fails for it, and none waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TypeVar

import pytest
from tests.support.loopback import Partner, Visit

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import ActionRequired, Money, Order, QrShown
from payport.sdk import Gateway, Journal
from payport.sdk.errors import JournalError
from payport.sdk.events import Mismatch
from payport.sdk.incidents.alert import Alert, AlertSink
from payport.sdk.incidents.alerts import Alerts
from payport.sdk.incidents.lifecycle import Contact
from payport.sdk.incidents.outlets import Route
from payport.sdk.incidents.sinks.webhook import Webhook
from payport.sdk.incidents.store import IncidentSession, JournalIncidents, MemoryIncidents
from payport.sdk.secrets import Secret
from payport.sdk.testing.certificates import loopback_certificates
from payport.sdk.testing.faults import Fault
from payport.sdk.tls import Trust

T = TypeVar("T")

SECRET = Secret("whsec_cGF5cG9ydC10ZXN0LXNlY3JldC1vZi0zMi1ieXRlcyE=")
CALLS = 30
MAY_COST_S = 0.002
"""CPU of the payment's own thread, which another process on the machine does not change. It takes microseconds."""


class Broken(MemoryIncidents):
    """A store on a disk that is full."""

    def write(self, work: Callable[[IncidentSession], T]) -> T:
        raise JournalError("no space left on device")

    def read(self, work: Callable[[IncidentSession], T]) -> T:
        raise JournalError("no space left on device")


@contextmanager
def nothing_there() -> Iterator[AlertSink]:
    """An address where nobody listens."""
    with Partner() as gone:
        host = gone.host
    yield Webhook(f"https://{host}/x", SECRET, timeout_s=30)


@contextmanager
def never_answers() -> Iterator[AlertSink]:
    """A receiver that takes the alert and says nothing."""
    over = Event()

    def silent(visit: Visit) -> None:
        visit.request()
        over.wait(60)

    with Partner(silent, loopback_certificates().server_context()) as partner:
        trust = Trust(ca_data=loopback_certificates().authority)
        yield Webhook(partner.url, SECRET, trust=trust, timeout_s=30)
        over.set()


@contextmanager
def raises() -> Iterator[AlertSink]:
    """A sink with a mistake in it."""

    def sink(alert: Alert) -> None:
        raise ZeroDivisionError

    yield sink


@contextmanager
def hangs() -> Iterator[AlertSink]:
    """A sink that never returns."""
    over = Event()

    def sink(alert: Alert) -> None:
        over.wait(60)

    yield sink
    over.set()


class Till:
    """A merchant who pays, with alerts beside him."""

    def __init__(self, folder: Path, partner: AlipaySimulator, *sinks: Alerts) -> None:
        self._numbers = iter(range(10**6))
        self._gateway = Gateway(
            Alipay(partner.account), journal=f"sqlite:///{folder / 'x.db'}", transport=partner.transport(), sinks=sinks
        )

    def pay(self) -> float:
        """Seconds of this thread's CPU for one payment, which must go well."""
        order = Order(ref=f"SHOP{next(self._numbers):08d}", amount=Money.of("1.00", "CNY"), subject="Tea")
        begun_s = time.thread_time()
        outcome = self._gateway.pay(order, QrShown())
        spent_s = time.thread_time() - begun_s
        assert isinstance(outcome, ActionRequired), outcome
        return spent_s


@pytest.mark.parametrize("store", [MemoryIncidents, Broken])
@pytest.mark.parametrize("broken", [nothing_there, never_answers, raises, hangs])
def test_no_alert_fails_or_delays_a_payment(
    tmp_path: Path, broken: Callable[[], Iterator[AlertSink]], store: type[MemoryIncidents]
) -> None:
    """A receiver that is gone, that is stuck, a sink that raises or hangs, and a store that cannot be written to.

    While incidents are raised with every payment, each payment goes well, and costs its own thread as much as without.
    """
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    with broken() as sink, AlipaySimulator() as partner:  # type: ignore[attr-defined]  # context managers
        alerts = Alerts(store(), [Route(contact=Contact(name="broken"), sink=sink)])
        beside, alone = Till(tmp_path / "with", partner, alerts), Till(tmp_path / "without", partner)
        costs: list[float] = []
        begun_s = time.monotonic()
        for number in range(CALLS):
            ref = f"SHOP1001{number:04d}"
            alerts(Mismatch(partner="alipay", account="x", ref=ref, operation=f"{ref}/pay//1", field="amount"))
            costs.append(beside.pay() - alone.pay())
        taken_s = time.monotonic() - begun_s
        alerts.close(0.1)
    assert sorted(costs)[CALLS // 2] < MAY_COST_S
    assert taken_s < 25, "a payment waited for a sink, which takes thirty seconds"


def test_the_journal_and_the_incidents_share_a_database(tmp_path: Path) -> None:
    """Incidents are written beside payments that many threads make, and neither is in the other's way."""
    with AlipaySimulator() as partner, Journal.open(f"sqlite:///{tmp_path / 'x.db'}") as journal:
        told: list[Alert] = []
        alerts = Alerts(JournalIncidents(journal), [Route(contact=Contact(name="duty"), sink=told.append)])
        gateway = Gateway(Alipay(partner.account), journal=journal, transport=partner.transport(), sinks=[alerts])
        partner.faults.chance(Fault.OTHER_ORDER, 0.3, seed=7)
        for number in range(20):
            gateway.pay(Order(ref=f"SHOP{number:08d}", amount=Money.of("1.00", "CNY"), subject="Tea"), QrShown())
        alerts.close(10)
        kept = journal.read(lambda session: session.operating.recent_incidents(100))
    assert "mismatch" in {each.kind for each in kept} <= {"mismatch", "budget_burnt"}
    assert len(told) == len(kept)


KILLED = """
import os, sys, time
from pathlib import Path
from payport.sdk.events import Mismatch
from payport.sdk.incidents.alerts import Alerts
from payport.sdk.incidents.lifecycle import Contact
from payport.sdk.incidents.outlets import Route
from payport.sdk.incidents.store import JournalIncidents
from payport.sdk.journal.store import Journal

journal = Journal.open(sys.argv[1])

told = []

def sink(alert):
    print(os.getpid() == first, alert.incident.ref, flush=True)
    told.append(alert)

first = os.getpid()
alerts = Alerts(JournalIncidents(journal), [Route(contact=Contact(name="duty"), sink=sink)])
def tell(ref):
    alerts(Mismatch(partner="p", account="p:1", ref=ref, operation=ref + "/pay//1", field="amount"))
tell("BEFORE000001")
while not told:
    time.sleep(0.01)
child = os.fork()
tell("CHILD0000001" if child == 0 else "PARENT000001")
if child:
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_tells_for_itself(tmp_path: Path) -> None:
    """Its thread is gone, so it begins another; and a process that ends has told what it had to tell."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED, f"sqlite:///{tmp_path / 'x.db'}"], capture_output=True,
        text=True, env=environment, timeout=50, check=True,
    )  # fmt: skip
    assert sorted(ran.stdout.split()) == sorted(
        ["True", "BEFORE000001", "False", "CHILD0000001", "True", "PARENT000001"]
    )


def test_a_process_that_is_killed_leaves_its_incidents_to_others(tmp_path: Path) -> None:
    """What was written and not told is told by the next process that looks."""
    url = f"sqlite:///{tmp_path / 'x.db'}"
    stuck = KILLED.replace("print(os.getpid() == first, alert.incident.ref, flush=True)", "time.sleep(60)")
    stuck = stuck[: stuck.index("while not told:")] + "print('told', flush=True)\ntime.sleep(60)\n"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", stuck, url], stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with Journal.open(url) as journal:
            for _ in range(500):
                found = journal.read(lambda session: session.operating.recent_incidents(9))
                if found and found[0].claims:
                    break
                time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert [(each.ref, list(each.claims)) for each in found] == [("BEFORE000001", ["duty"])]
    assert found[0].told == {}
