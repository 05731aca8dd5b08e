"""Real processes on one SQLite file and one partner over loopback TLS: many at once, killed, forked."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from proof.concurrency import crowd, paid_at_once
from proof.killing import start_till
from tests.support.paths import order
from tests.support.till import forget_leases, open_till, write_settings

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import ActionRequired, HostedPage, QrScanned, Succeeded
from payport.sdk.gateway import Gateway
from payport.sdk.journal.records import State

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def partner() -> Iterator[AlipaySimulator]:
    with AlipaySimulator().serve() as served:
        yield served


@pytest.fixture
def settings(partner: AlipaySimulator, tmp_path: Path) -> Path:
    return write_settings(partner.account, tmp_path)


@pytest.fixture
def till(settings: Path) -> Iterator[Gateway[Alipay]]:
    with open_till(settings) as gateway:
        yield gateway


@pytest.mark.timeout(120)
def test_sixty_four_callers_in_eight_processes_make_one_charge(partner: AlipaySimulator, settings: Path) -> None:
    """All of them are told of the same payment."""
    with open_till(settings):
        pass  # the tables are there before the crowd comes
    with crowd(settings) as tills:
        told = paid_at_once(tills, "CROWD0000001", partner.payer.code())
    (charge,) = partner.ledger.charges()
    assert len(told) == 64
    assert set(told) == {f"Succeeded {charge.trade_no}"}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("verb", ["scanned", "shown", "refund"])
def test_a_process_killed_between_commit_and_answer_loses_nothing(
    partner: AlipaySimulator, settings: Path, till: Gateway[Alipay], verb: str
) -> None:
    """SIGKILL while the partner has carried the request out and not answered yet; another process settles it."""
    ref = "KILLED000001"
    if verb == "refund":
        assert isinstance(till.pay(order(ref), QrScanned(auth_code=partner.payer.code())), Succeeded)
    with start_till(settings, verb, ref, partner.payer.code()) as child:

        def kill(_: str) -> None:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()

        partner.on_commit = kill
        assert child.wait(60) == -signal.SIGKILL
    partner.on_commit = None
    forget_leases(settings)
    till.resolve(ref)
    last = till.journal.read(lambda session: session.operations(ref))[-1]
    assert last.state is (State.ACTION if verb == "shown" else State.SUCCEEDED)
    assert len(partner.ledger.charges()) == (0 if verb == "shown" else 1)
    assert len(partner.ledger.refunds()) == (1 if verb == "refund" else 0)


def test_a_gateway_is_used_on_both_sides_of_a_fork(partner: AlipaySimulator, settings: Path) -> None:
    """Connections, journal and the name for leases are each process's own."""
    codes = [partner.payer.code() for _ in range(3)]
    child = start_till(settings, "fork", "FORKED000001", *codes)
    child.communicate(timeout=40)
    assert child.returncode == 0
    assert len(partner.ledger.charges()) == 3


def test_threads_of_one_gateway_share_one_attempt(till: Gateway[Alipay]) -> None:
    """Thirty-two threads ask for one page at once: no request, one attempt, one page for all."""
    told: list[object] = []
    threads = [
        Thread(target=lambda: told.append(till.pay(order("THREADS00001"), HostedPage(), deadline_s=20)))
        for _ in range(32)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pages = {str(outcome.action) for outcome in told if isinstance(outcome, ActionRequired)}
    assert len(told) == 32
    assert len(pages) == 1
    assert len(till.journal.read(lambda session: session.operations("THREADS00001"))) == 1
