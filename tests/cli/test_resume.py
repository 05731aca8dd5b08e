"""``payport resume``: settle what is open, say what came of it, call a person where asking ends."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from rich.console import Console
from tests.cli.conftest import Command, Shop
from tests.support.audit_journals import records

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import Fault, Wallet
from payport.schemas import Money, Order, QrScanned, Succeeded, Unknown
from payport.sdk import Gateway, JournalError
from payport.sdk.adapter import Adapter
from payport.sdk.cli import resuming
from payport.sdk.operations.resuming import Resumed

ORDER = Order(ref="SHOP10010001", amount=Money.of("12.34", "CNY"), subject="Tea")
PAY = "alipay.trade.pay"
REFUND = "alipay.trade.refund"


def pay(shop: Shop, gateway: Gateway[Alipay], wallet: Wallet = Wallet.PAYS) -> object:
    """Pay the order by a scanned code; wait for a second at most."""
    return gateway.pay(ORDER, QrScanned(auth_code=shop.partner.payer.code(wallet)), deadline_s=1.0)


def test_a_charge_without_an_answer_is_settled(shop: Shop, payport: Command) -> None:
    """The order timed out after the commit; one round later it is paid, charged once."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, PAY)
    with shop.gateway(by_s=60) as gateway:
        assert isinstance(pay(shop, gateway), Unknown)
    ran = payport("resume", "--config", shop.config)
    assert (ran.status, ran.err) == (0, "")
    assert "simulator: SHOP10010001/pay//1 is settled: succeeded" in ran.out
    assert "1 settled, 0 open, 0 for a person" in ran.out
    assert len(shop.partner.ledger.charges()) == 1


def test_the_audit_trail_says_who_resumed(shop: Shop, payport: Command) -> None:
    """The application paid; whoever runs the command found out."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, PAY)
    with shop.gateway(by_s=60) as gateway:
        pay(shop, gateway)
    payport("resume", "--config", shop.config, "--actor", "wen@desk")
    with shop.gateway() as gateway:
        found = records(gateway.journal)
    assert {(each.result, each.who) for each in found if each.what == "pay"} == {
        ("doubt", "application"), ("succeeded", "wen@desk"),
    }  # fmt: skip


def test_what_is_not_decided_stays_open(shop: Shop, payport: Command) -> None:
    """The payer has not confirmed yet."""
    with shop.gateway(by_s=10) as gateway:
        pay(shop, gateway, Wallet.CONFIRMS)
    ran = payport("resume", "--config", shop.config, "--account", "simulator")
    assert ran.status == 0
    assert "SHOP10010001/pay//1 is still open: pending" in ran.out
    assert "0 settled, 1 open" in ran.out


def test_an_unreachable_partner_leaves_it_open(shop: Shop, payport: Command) -> None:
    """Nothing is guessed: the reason is shown and the order stays open."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, PAY)
    with shop.gateway(by_s=20) as gateway:
        pay(shop, gateway)
    shop.partner.close()
    ran = payport("resume", "--config", shop.config)
    assert ran.status == 0
    assert "SHOP10010001/pay//1 is still open: doubt (" in ran.out


def refund_into_the_void(shop: Shop) -> None:
    """A refund that never arrived, written without a sealing key: it can be asked about, not sent again."""
    with shop.gateway(by_s=90, seals=False) as gateway:
        assert isinstance(pay(shop, gateway), Succeeded)
        shop.partner.faults.next(Fault.SILENCE, REFUND, times=9)
        gateway.refund(ORDER.ref, "BACK10010001", Money.of("1.00", "CNY"), deadline_s=1.0)
        shop.partner.faults.clear()


def test_a_person_is_called(shop: Shop, payport: Command) -> None:
    """Where asking comes to its end, resume says so with the reason, and so do explain and doctor."""
    refund_into_the_void(shop)
    ran = payport("resume", "--config", shop.config)
    assert "SHOP10010001/refund/BACK10010001/1 needs a person: alipay does not know this refund" in ran.out
    assert "0 settled, 0 open, 1 for a person" in ran.out
    told = payport("explain", ORDER.ref, "--config", shop.config)
    assert "asking has come to its end" in told.out
    assert "Open: SHOP10010001/refund/BACK10010001/1: a person must look" in told.out
    seen = payport("doctor", "--config", shop.config, "--offline")
    assert "a person must look at SHOP10010001/refund/BACK10010001/1" in seen.out


def test_nothing_to_resume(payport: Command, shop: Shop) -> None:
    """No settings, no journal, no such account: one sentence and status 2, never a traceback or an empty journal."""
    for arguments, message in (
        (["resume"], "no account is configured"),
        (["resume", "--config", "not-there.toml"], "there is no such file"),
        (["resume", "--config", str(shop.config)], "there is no journal at"),
        (["resume", "--config", str(shop.config), "--account", "other"], "no account 'other' is configured"),
    ):
        ran = payport(*arguments)
        assert (ran.status, ran.out) == (2, "")
        assert message in ran.err
    assert not (shop.config.parent / "payments.db").exists()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_watching_goes_on_until_it_is_stopped(shop: Shop, stop: signal.Signals) -> None:
    """The first round shows everything, later ones only news; Ctrl-C and a service manager's stop end it cleanly."""
    with shop.gateway(by_s=20) as gateway:
        pay(shop, gateway, Wallet.CONFIRMS)
    command = [sys.executable, "-m", "payport.sdk.cli", "resume", "--watch", "--every-s", "0.2"]
    watching = subprocess.Popen(
        [*command, "--config", str(shop.config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert watching.stdout is not None
    seen = [watching.stdout.readline() for _ in range(3)]
    assert "still open: pending" in seen[0]
    assert "Watching" in seen[2]
    shop.partner.payer.confirm(f"{ORDER.ref}T001")
    assert "SHOP10010001/pay//1 is settled: succeeded" in watching.stdout.readline()
    watching.send_signal(stop)
    rest, _ = watching.communicate(timeout=10)
    assert "Stopped." in rest
    assert "Traceback" not in rest
    assert watching.returncode == 0


def test_later_rounds_tell_news_only(shop: Shop, payport: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round in which nothing was due says nothing; what is waiting for its time is counted, not asked about."""
    with shop.gateway() as gateway:
        pay(shop, gateway, Wallet.CONFIRMS)
    naps: list[float] = []

    class Naps:
        """Presses Ctrl-C during the third nap."""

        def sleep(self, seconds: float) -> None:
            naps.append(seconds)
            if len(naps) == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(resuming, "SystemClock", Naps)
    ran = payport("resume", "--config", shop.config, "--watch", "--every-s", "7")
    assert (ran.status, naps) == (0, [7, 7, 7])
    assert ran.out.splitlines() == [
        "simulator: 0 settled, 1 open, 0 for a person to look at",
        "Watching, a round every 7 s; Ctrl-C stops.",
        "Stopped.",
    ]


def test_a_watch_outlives_a_journal_that_fails_at_first(
    shop: Shop, payport: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever starts it with the machine must not have to start it again."""
    with shop.gateway() as gateway:
        pay(shop, gateway, Wallet.CONFIRMS)
    rounds: list[str] = []
    resumed = resuming._resumed

    def failing_at_first(console: Console, name: str, gateway: Gateway[Adapter]) -> Resumed:
        rounds.append(name)
        if len(rounds) == 1:
            raise JournalError("the server is away")
        return resumed(console, name, gateway)

    class Naps:
        """Presses Ctrl-C during the second nap."""

        def sleep(self, _: float) -> None:
            if len(rounds) == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(resuming, "_resumed", failing_at_first)
    monkeypatch.setattr(resuming, "SystemClock", Naps)
    ran = payport("resume", "--config", shop.config, "--watch", "--every-s", "7")
    assert (ran.status, len(rounds)) == (0, 2)
    assert "the server is away; the next round tries again" in ran.out
