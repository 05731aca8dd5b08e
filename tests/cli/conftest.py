"""What the tests of the command line share: a served simulator, its settings, a shop, and the command itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.sdk import Gateway, Settings
from payport.sdk.cli.commands import run
from payport.sdk.cli.configured import write_settings
from payport.sdk.exchange import Moment
from payport.sdk.host_clock import SystemClock
from payport.sdk.journal.store import Journal


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command printed and how it ended."""

    status: int
    out: str
    err: str


Command = Callable[..., Ran]


class EarlierClock(SystemClock):
    """Lives in the past, so that what it writes is due by now."""

    def __init__(self, by_s: float) -> None:
        super().__init__()
        self.by_s = by_s

    def moment(self) -> Moment:
        """The real moment, earlier."""
        real = super().moment()
        return Moment(real.utc - timedelta(seconds=self.by_s), real.monotonic_s)


@dataclass(frozen=True, slots=True)
class Shop:
    """A simulator, and the ``payport.toml`` of an application that uses it."""

    partner: AlipaySimulator
    config: Path

    @contextmanager
    def gateway(self, *, by_s: float = 0.0, seals: bool = True) -> Iterator[Gateway[Alipay]]:
        """The application's gateway on the configured journal, its clock ``by_s`` seconds in the past."""
        settings = Settings.load(self.config, {}).journal
        with (
            Journal.open(
                settings.url, password=settings.password, sealing_key=settings.sealing_key if seals else None
            ) as journal,
            Gateway(Alipay(self.partner.account), journal=journal, sinks=(), clock=EarlierClock(by_s)) as gateway,
        ):
            yield gateway


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """An application with one account at a simulator on loopback TLS."""
    with AlipaySimulator().serve() as partner:
        yield Shop(partner, write_settings(tmp_path / "shop", partner.settings_files()))


@pytest.fixture
def payport(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Ran]:
    """The command, run in this process, in an empty folder, on a wide terminal."""
    monkeypatch.setenv("COLUMNS", "250")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")

    def command(*arguments: str | Path) -> Ran:
        with pytest.raises(SystemExit) as ended:
            run([str(each) for each in arguments])
        printed = capsys.readouterr()
        return Ran(int(ended.value.code or 0), printed.out, printed.err)

    return command
