"""The command on a journal that many hosts share: a URL in ``payport.toml``, and nothing else is different."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from tests.cli.conftest import Command, Shop
from tests.support.databases import SERVERS

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator, Fault
from payport.schemas import Money, Order, QrScanned, Unknown
from payport.sdk import Gateway, JournalError
from payport.sdk.cli import resuming
from payport.sdk.cli.configured import write_settings

ORDER = Order(ref="SHOP10010001", amount=Money.of("12.34", "CNY"), subject="Tea")


@pytest.fixture(params=sorted(SERVERS))
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """An application whose journal is in an empty database of a server; the password comes from the environment."""
    url = make_url(SERVERS[request.param].url("command", bare=True))
    monkeypatch.setenv("DB_PASSWORD", str(url.password or "hunter2"))
    bare = url.set(password="").render_as_string(hide_password=False).replace(":@", "@")
    with AlipaySimulator().serve() as partner:
        config = write_settings(tmp_path / "shop", partner.settings_files())
        lines = [line for line in config.read_text("utf-8").splitlines() if not line.startswith("url")]
        lines.append(f'url = "{bare}"')
        lines.extend(['password = "env:DB_PASSWORD"'] if url.password else [])
        config.write_text("\n".join(lines), "utf-8")
        yield Shop(partner, config)


def test_from_nothing_to_a_settled_order(shop: Shop, payport: Command) -> None:
    """The doctor makes no tables, the gateway does; any host with this URL settles what another one left."""
    seen = payport("doctor", "--config", shop.config, "--offline")
    assert (seen.status, seen.err) == (0, "")
    assert "ok   there is no journal in" in seen.out
    ran = payport("resume", "--config", shop.config)
    assert (ran.status, ran.out) == (2, "")
    assert "there is no journal in" in ran.err

    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "alipay.trade.pay")
    with shop.gateway(by_s=60) as gateway:
        outcome = gateway.pay(ORDER, QrScanned(auth_code=shop.partner.payer.code()), deadline_s=1.0)
        assert isinstance(outcome, Unknown)
    ran = payport("resume", "--config", shop.config)
    assert (ran.status, ran.err) == (0, "")
    assert "simulator: SHOP10010001/pay//1 is settled: succeeded" in ran.out
    assert len(shop.partner.ledger.charges()) == 1
    assert "Now: paid" in payport("explain", ORDER.ref, "--config", shop.config).out


def test_the_doctor_reads_what_durability_hangs_on(shop: Shop, payport: Command) -> None:
    """As it is in force on the server."""
    with shop.gateway():
        pass
    seen = payport("doctor", "--config", shop.config, "--offline").out
    assert "ok   the journal opens; 0 operations are open" in seen
    said = next(line for line in seen.splitlines() if "its database says" in line)
    assert "fsync on" in said or "innodb_flush_log_at_trx_commit 1" in said
    assert "connection" in said


def test_a_worker_outlives_its_database(shop: Shop, payport: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round that cannot read the journal is told of, and the next one goes on."""
    with shop.gateway():
        pass
    naps: list[float] = []
    resume = Gateway.resume

    class Naps:
        """Presses Ctrl-C during the third nap."""

        def sleep(self, seconds: float) -> None:
            naps.append(seconds)
            if len(naps) == 3:
                raise KeyboardInterrupt

    def failing(self: Gateway[Alipay], *, deadline_s: float = 60.0) -> object:
        if len(naps) == 1:
            raise JournalError("the server is gone")
        return resume(self, deadline_s=deadline_s)

    monkeypatch.setattr(resuming, "SystemClock", Naps)
    monkeypatch.setattr(Gateway, "resume", failing)
    ran = payport("resume", "--config", shop.config, "--watch", "--every-s", "7")
    assert ran.status == 0
    assert ran.out.splitlines() == [
        "simulator: 0 settled, 0 open, 0 for a person to look at",
        "Watching, a round every 7 s; Ctrl-C stops.",
        "simulator: the server is gone; the next round tries again",
        "Stopped.",
    ]


def test_a_journal_is_moved_out_of_its_file(shop: Shop, payport: Command, tmp_path: Path) -> None:
    """What was open in the file is settled from the server, by the same order and the same charge."""
    with AlipaySimulator().serve() as partner:
        config = write_settings(tmp_path / "old", partner.settings_files())
        old = Shop(partner, config)
        partner.faults.next(Fault.COMMIT_THEN_SILENCE, "alipay.trade.pay")
        with old.gateway(by_s=60) as gateway:
            outcome = gateway.pay(ORDER, QrScanned(auth_code=partner.payer.code()), deadline_s=1.0)
            assert isinstance(outcome, Unknown)
        new = config.with_name("new.toml")
        wanted = [line for line in shop.config.read_text("utf-8").splitlines() if line.startswith(("url", "password"))]
        kept = [line for line in config.read_text("utf-8").splitlines() if not line.startswith("url")]
        new.write_text("\n".join([*kept, *wanted]), "utf-8")

        ran = payport("move-journal", "--config", config, "--to", new)
        assert (ran.status, ran.err) == (0, "")
        assert "Moved: 1 operations are open and go on there." in ran.out
        assert "payport_operation" in ran.out
        assert "SHOP10010001/pay//1 is settled: succeeded" in payport("resume", "--config", new).out
        assert len(partner.ledger.charges()) == 1
        assert payport("audit", "verify", "--config", new).status == 0
        refused = payport("resume", "--config", config)
        assert (refused.status, "was moved into another database" in refused.err) == (2, True)
