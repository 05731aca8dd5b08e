"""``payport simulate``: a partner on this machine until stopped, with settings that work."""

from __future__ import annotations

import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from tests.cli.conftest import Command

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import ActionRequired, Money, Order, QrShown
from payport.sdk import Gateway, Settings, open_adapter
from payport.sdk.cli import serving
from payport.sdk.cli.serving import serve_until_stopped

COMMAND = [sys.executable, "-m", "payport.sdk.cli", "simulate", "alipay"]


@pytest.fixture
def running() -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own."""
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def config_of(process: subprocess.Popen[str]) -> Path:
    """The settings that it says it wrote; read up to the last line of its greeting."""
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or "Ctrl-C stops" not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1]
    assert "PRIVATE KEY" not in "".join(lines)
    (line,) = [line for line in lines if line.startswith("The settings")]
    return Path(line.rpartition(": ")[2].strip())


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped(running: subprocess.Popen[str], stop: signal.Signals) -> None:
    """Another process pays with the settings it wrote; Ctrl-C or SIGTERM ends it cleanly, its folder goes with it."""
    config = config_of(running)
    assert stat.S_IMODE((config.parent / "private_key.pem").stat().st_mode) == 0o600
    settings = Settings.load(config, {})
    adapter = open_adapter(settings, "simulator")
    assert isinstance(adapter, Alipay)
    order = Order(ref="SHOP10010001", amount=Money.of("1.00", "CNY"), subject="Tea")
    with Gateway(adapter, journal=settings.journal.url, sealing_key=settings.journal.sealing_key) as gateway:
        assert isinstance(gateway.pay(order, QrShown()), ActionRequired)
    assert running.stdout is not None
    assert "POST /gateway.do" in running.stdout.readline()
    running.send_signal(stop)
    out, err = running.communicate(timeout=10)
    assert (running.returncode, err) == (0, "")
    assert "Stopped." in out
    assert not config.parent.exists()


def test_settings_are_never_overwritten(tmp_path: Path, payport: Command) -> None:
    """A folder with a payport.toml may hold real keys: refused, nothing changed."""
    (tmp_path / "payport.toml").write_text("# mine", encoding="utf-8")
    ran = payport("simulate", "alipay", "--folder", tmp_path)
    assert ran.status == 2
    assert "payport.toml cannot be written" in ran.err
    assert (tmp_path / "payport.toml").read_text("utf-8") == "# mine"


def test_a_port_that_is_taken_and_a_folder_that_cannot_be_made(tmp_path: Path, payport: Command) -> None:
    """Say so, and how to go on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = payport("simulate", "alipay", "--folder", tmp_path, "--port", str(port))
    assert ran.status == 2
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in ran.err
    assert "choose another --port" in ran.err
    (tmp_path / "file").touch()
    ran = payport("simulate", "alipay", "--folder", tmp_path / "file" / "below")
    assert ran.status == 2
    assert "cannot be made (Not a directory); choose another folder" in ran.err


def test_a_partner_that_is_not_installed(payport: Command) -> None:
    """The installed ones are named."""
    ran = payport("simulate", "nobody")
    assert ran.status == 2
    assert "no adapter for 'nobody' is installed (installed: adyen, alipay" in ran.err


def test_requests_are_shown_without_what_they_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line per request: time, path, size. Stopped from the keyboard, it stops listening."""
    monkeypatch.setattr(serving, "LOOK_S", 0.0)
    simulator = AlipaySimulator()

    class Rounds:
        """Visits the cashier in the first round, presses Ctrl-C in the third."""

        done = 0

        def sleep(self, _seconds: float) -> None:
            self.done += 1
            if self.done == 1:
                order = Order(ref="SHOP10010001", amount=Money.of("1.00", "CNY"), subject="Tea")
                with Gateway(Alipay(simulator.account), journal=f"sqlite:///{tmp_path / 'j.db'}") as gateway:
                    gateway.pay(order, QrShown())
            if self.done == 3:
                raise KeyboardInterrupt

        def moment(self) -> object:
            from payport.sdk.host_clock import SystemClock

            return SystemClock().moment()

    rounds = Rounds()
    monkeypatch.setattr(serving, "SystemClock", lambda: rounds)
    serve_until_stopped(Console(width=200), simulator, tmp_path / "settings", port=0)
    printed = capsys.readouterr().out
    assert printed.count("POST /gateway.do") == 1
    assert "SHOP10010001" not in printed
    assert printed.endswith("Stopped.\n")
    assert simulator.url == "https://alipay.simulator"
