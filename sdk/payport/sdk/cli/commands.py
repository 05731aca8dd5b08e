"""The commands and their options. Each is a few lines over a module of its own."""

from __future__ import annotations

import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from payport.sdk.cli.acting import Actor, acting
from payport.sdk.cli.audit_commands import app as audit_app
from payport.sdk.cli.configured import chosen_accounts, new_audit_key, new_sealing_key, open_journal
from payport.sdk.cli.console import new_console as _console
from payport.sdk.cli.doctoring import examine_all, show_findings
from payport.sdk.cli.drifting import show_drift
from payport.sdk.cli.drill_commands import drill
from payport.sdk.cli.explaining import explain_order
from payport.sdk.cli.incident_commands import app as incidents_app
from payport.sdk.cli.limiting import show_limits
from payport.sdk.cli.moving import show_move
from payport.sdk.cli.partners import plays_of, simulator_of
from payport.sdk.cli.reporting import DAYS, Format, format_of, make_report, span_of, write_report
from payport.sdk.cli.resuming import resume_accounts
from payport.sdk.cli.serving import serve_until_stopped
from payport.sdk.cli.watch_commands import app as watch_app
from payport.sdk.errors import ConfigurationError, PayportError
from payport.sdk.settings import Settings
from payport.sdk.version import __version__


class KeyKind(StrEnum):
    """What ``payport keygen`` makes."""

    SEALING = "sealing"
    AUDIT = "audit"


app = typer.Typer(
    name="payport",
    help="Payments that are charged at most once, and an honest Unknown.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(incidents_app)
app.add_typer(watch_app)

app.add_typer(audit_app)

Config = Annotated[
    Path | None, typer.Option(help="The payport.toml to read; by default the one in this folder.", show_default=False)
]
Account = Annotated[
    str | None, typer.Option(help="One account by its name in payport.toml; by default all.", show_default=False)
]


def run(arguments: list[str] | None = None) -> NoReturn:
    """Run the command in ``arguments`` (by default ``sys.argv``) and end the process. No error shows a traceback."""
    try:
        app(arguments)
    except ConfigurationError as error:
        _stop(str(error), 2)
    except PayportError as error:
        _stop(str(error), 1)
    sys.exit(0)  # pragma: no cover - typer ends the process itself


def _stop(message: str, status: int) -> NoReturn:
    Console(stderr=True).print(f"payport: {message}", style="red", highlight=False, markup=False, soft_wrap=True)
    sys.exit(status)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        _console().print(f"payport {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,  # noqa: FBT002 - a flag on the command line
) -> None:
    """Options before any command."""


@app.command()
def demo(
    partner: Annotated[
        str | None, typer.Argument(help="Whose play; by default that of every partner.", show_default=False)
    ] = None,
) -> None:
    """Watch payments made, doubted, settled, refunded and notified, against simulators on this machine."""
    plays = plays_of(partner)
    from payport.sdk.cli.demo import perform  # noqa: PLC0415 - draws codes, which no other command does

    with tempfile.TemporaryDirectory(prefix="payport-demo-") as folder:
        agree = perform(_console(), Path(folder), plays)
    raise typer.Exit(0 if agree else 1)


@app.command()
def resume(
    *,
    config: Config = None,
    account: Account = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, round after round, until stopped.")] = False,
    every_s: Annotated[float, typer.Option(min=0.1, help="Seconds between two rounds of --watch.")] = 5.0,
    actor: Actor = None,
) -> None:
    """Settle what is open: ask the partners about every operation that is not final and due."""
    settings = Settings.load(config)
    names = chosen_accounts(settings, account)
    with open_journal(settings) as journal:
        resume_accounts(_console(), settings, names, journal, every_s=every_s if watch else None, actor=acting(actor))


@app.command()
def explain(
    ref: Annotated[str, typer.Argument(help="The order's own reference.")],
    *,
    config: Config = None,
) -> None:
    """Tell the story of one order from journal, notices and audit trail: what happened, what it means, what to do."""
    with open_journal(Settings.load(config)) as journal:
        found = explain_order(_console(), journal, ref)
    raise typer.Exit(0 if found else 1)


@app.command()
def doctor(
    *,
    config: Config = None,
    account: Account = None,
    offline: Annotated[bool, typer.Option("--offline", help="Look only at what needs no network.")] = False,
) -> None:
    """Look at keys, certificates, clock, journal and the partner's host. Ends with 1 when something is red."""
    settings = Settings.load(config)
    console = _console()
    findings = examine_all(console, settings, chosen_accounts(settings, account), offline=offline)
    raise typer.Exit(show_findings(console, findings))


@app.command()
def limits(*, config: Config = None, account: Account = None) -> None:
    """Show the call limits of each account, and what is left of them where all processes share them."""
    settings = Settings.load(config)
    show_limits(_console(), settings, chosen_accounts(settings, account))


@app.command()
def report(
    *,
    config: Config = None,
    account: Account = None,
    days: Annotated[int, typer.Option(min=1, help="So many days, up to --to.")] = DAYS,
    first: Annotated[
        str | None, typer.Option("--from", help="The first day, like 2026-11-01.", show_default=False)
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="The last day; by default today.", show_default=False)
    ] = None,
    section: Annotated[
        str | None, typer.Option(help="One section alone: scorecards, times, errors ...", show_default=False)
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="By default what the file's name asks for, or a table.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A file to write, in place of showing it.", show_default=False)
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="End with 1 when something misses a threshold.")] = False,
) -> None:
    """How well the partners work, against thresholds, and how sure that is. CSV is of one section."""
    settings = Settings.load(config)
    span = span_of(settings, days, first, last)
    console = _console()
    with open_journal(settings) as journal, console.status("counting"):
        found = make_report(settings, journal, span, account, section)
    write_report(console, found, format_of(form, out), out)
    raise typer.Exit(1 if check and found.misses else 0)


@app.command()
def simulate(
    partner: Annotated[str, typer.Argument(help="Whose side to play: alipay, wechatpay, unionpay ...")],
    *,
    folder: Annotated[
        Path | None, typer.Option(help="Where to write the settings; by default a folder removed at the end.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on 127.0.0.1; 0 for any free one.")] = 0,
) -> None:
    """Serve a partner's simulator on this machine until stopped, and write the settings to use with it."""
    simulator = simulator_of(partner)
    with tempfile.TemporaryDirectory(prefix=f"payport-{partner}-") as spare:
        serve_until_stopped(_console(), simulator, folder or Path(spare), port=port)


@app.command()
def drift(
    partner: Annotated[str, typer.Argument(help="Whose document it is: stripe, paypal, adyen.")],
    *,
    spec: Annotated[
        list[Path], typer.Option(help="The partner's OpenAPI document, in JSON; several times for several.")
    ],
) -> None:
    """Compare a newer document of a partner with what its adapter uses. Ends with 1 when something breaks."""
    raise typer.Exit(0 if show_drift(_console(), partner, spec) else 1)


app.command()(drill)


@app.command("move-journal")
def move_journal(
    *,
    config: Config = None,
    to: Annotated[Path, typer.Option(help="A payport.toml whose \\[journal] is an empty database on a server.")],
) -> None:
    """Move the journal out of its SQLite file into a database server. Stop everything that uses it before."""
    show_move(_console(), Settings.load(config), Settings.load(to))


@app.command()
def keygen(
    *,
    kind: Annotated[
        KeyKind, typer.Option(help="What it is for: sealing requests in the journal, or signing the audit trail.")
    ] = KeyKind.SEALING,
) -> None:
    """Print a new key. Keep it where your secrets are: nobody else has it.

    For audit, the public half, which whoever verifies needs, goes to the standard error.
    """
    if kind is KeyKind.SEALING:
        typer.echo(new_sealing_key())
        return
    key, public = new_audit_key()
    typer.echo(key)
    typer.echo(f"public key, for whoever verifies: {public}", err=True)
