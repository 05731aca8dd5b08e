"""The command itself: help, version, keys, missing extras, and partners of one's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from tests.cli.conftest import Command
from typer.main import get_command
from typer.testing import CliRunner

import payport.sdk.cli
from payport.sdk import Journal, JournalError, Secret
from payport.sdk.cli import commands
from payport.sdk.cli.configured import journal_file
from payport.sdk.cli.partners import doctor_of, partners, plays_of, simulator_of
from payport.sdk.errors import ConfigurationError
from payport.sdk.settings import JournalSettings, Settings
from payport.sdk.version import __version__


def test_the_installed_command() -> None:
    """``payport`` is on the path of the environment and knows its version."""
    ran = subprocess.run(
        [Path(sys.executable).parent / "payport", "--version"], capture_output=True, text=True, check=True
    )
    assert f"payport {__version__}\n" == ran.stdout


def test_help_names_every_command() -> None:
    """One line for each."""
    result = CliRunner().invoke(commands.app, ["--help"])
    assert result.exit_code == 0
    for name in ("demo", "resume", "explain", "doctor", "simulate", "keygen"):
        assert name in result.output


def helps(command: object, name: str = "payport") -> Iterator[tuple[list[str], str]]:
    """Each command as it is called, and what is said about it and its options."""
    for each in getattr(command, "params", ()):
        yield name.split()[1:], getattr(each, "help", None) or ""
    yield name.split()[1:], getattr(command, "help", None) or ""
    for word, within in getattr(command, "commands", {}).items():
        yield from helps(within, f"{name} {word}")


def test_no_help_loses_what_stands_in_square_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of payport.toml are named so, and the terminal's mark-up looks the same."""
    monkeypatch.setenv("COLUMNS", "250")
    named = [(words, text.replace("\\[", "[")) for words, text in helps(get_command(commands.app)) if "[" in text]
    assert {"verify", "move-journal"} <= {words[-1] for words, _ in named}
    for words, text in named:
        assert text in CliRunner().invoke(commands.app, [*words, "--help"]).output


def test_version(payport: Command) -> None:
    """And nothing else happens."""
    assert (0, f"payport {__version__}\n") == (payport("--version").status, payport("--version").out)


def test_a_new_key_seals(payport: Command, tmp_path: Path) -> None:
    """The printed key opens a journal, and no two are the same."""
    key = payport("keygen").out.strip()
    assert key != payport("keygen").out.strip()
    with Journal.open(f"sqlite:///{tmp_path / 'j.db'}", sealing_key=Secret(key)) as journal:
        assert journal.seals


def test_without_the_extra(capsys: pytest.CaptureFixture[str]) -> None:
    """It says how to install it, with status 2."""
    with patch.dict(sys.modules, {"typer": None}):
        sys.modules.pop("payport.sdk.cli.commands")
        with pytest.raises(SystemExit) as ended:
            payport.sdk.cli.main()
    assert ended.value.code == 2
    assert 'run: pip install "payport[cli]"' in capsys.readouterr().err


def test_without_a_part_of_the_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the demo draws codes; what it lacks is said when it is asked for."""
    monkeypatch.setattr(sys, "argv", ["payport", "demo"])
    loaded = [name for name in sys.modules if name.startswith("payport.sdk.cli.demo") or name.endswith(".demo")]
    with patch.dict(sys.modules, {"segno": None}):
        for name in loaded:
            sys.modules.pop(name)
        with pytest.raises(SystemExit) as ended:
            payport.sdk.cli.main()
    assert ended.value.code == 2
    assert "segno is not installed" in capsys.readouterr().err


def test_a_terminal_without_block_characters() -> None:
    """What it cannot show becomes a question mark, never an error."""
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", "from payport.sdk.cli.console import new_console; new_console().print('█ paid')"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert ran.stdout == "? paid\n"


def test_a_missing_module_of_our_own_is_not_hidden() -> None:
    """Another missing module is a fault of the installation, not of the extra."""
    with patch.dict(sys.modules, {"payport.sdk.cli.commands": None}), pytest.raises(ModuleNotFoundError):
        payport.sdk.cli.main()


def test_main_runs_what_was_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The arguments come from the command line."""
    monkeypatch.setattr(sys, "argv", ["payport", "keygen"])
    with pytest.raises(SystemExit) as ended:
        payport.sdk.cli.main()
    assert ended.value.code == 0
    assert len(capsys.readouterr().out.strip()) == 44


def test_a_storage_failure_is_a_sentence(payport: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 1, no traceback."""

    def fail(_: object) -> Journal:
        raise JournalError("the disk is full")

    monkeypatch.setattr(commands, "open_journal", fail)
    ran = payport("explain", "SHOP10010001")
    assert (ran.status, ran.out, ran.err) == (1, "", "payport: the disk is full\n")


@pytest.mark.parametrize(
    ("path", "url"),
    [
        (Path("payments.db"), "sqlite:///payments.db"),
        (Path("/srv/p.db"), "sqlite:////srv/p.db?busy=1"),
        (None, "sqlite:///:memory:?durable=no"),
        (None, "postgresql://host/db"),
    ],
)
def test_where_a_journal_is(path: Path | None, url: str) -> None:
    """Only a file can be missing."""
    assert path == journal_file(Settings(journal=JournalSettings(url=url)))


OWN = """
from payport.sdk.cli.findings import green
class OwnSimulator:
    url = "https://127.0.0.1:1"
class OwnPartner: ...
"""


@pytest.fixture
def own_partner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's own distribution with an adapter of its own, beside ours."""
    package = tmp_path / "ownpartner"
    package.mkdir()
    (package / "__init__.py").write_text(OWN, encoding="utf-8")
    (package / "simulator.py").write_text('from ownpartner import OwnSimulator\n__all__ = ["OwnSimulator"]', "utf-8")
    (tmp_path / "flatpartner.py").write_text("class Flat: ...", encoding="utf-8")
    info = tmp_path / "ownpartner-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ownpartner\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[payport.adapters]\nown = ownpartner:OwnPartner\nflat = flatpartner:Flat\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return package


def test_a_partner_of_ones_own(own_partner: Path) -> None:
    """Modules of fixed names beside the adapter are all it takes; what is missing is said."""
    assert {"alipay", "flat", "own"} <= set(partners())
    assert simulator_of("own").url == "https://127.0.0.1:1"
    assert doctor_of("own") is None
    assert doctor_of("alipay") is not None
    with pytest.raises(ConfigurationError, match=r"'own' brings no demo: ownpartner\.demo is not there"):
        plays_of("own")
    with pytest.raises(ConfigurationError, match="'flat' brings no simulator"):
        simulator_of("flat")
    (own_partner / "simulator.py").write_text("__all__ = ()", encoding="utf-8")
    sys.modules.pop("ownpartner.simulator")
    with pytest.raises(ConfigurationError, match="lists 0 classes whose names end in Simulator"):
        simulator_of("own")


def test_no_demo_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no adapter is installed there is nothing to play."""
    monkeypatch.setattr("payport.sdk.cli.partners.partners", lambda: ())
    with pytest.raises(ConfigurationError, match="none of the installed adapters brings a demo"):
        plays_of(None)
