"""``payport drill`` and its options."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from payport.sdk.cli.acting import login_name
from payport.sdk.cli.console import new_console
from payport.sdk.cli.partners import plays_of
from payport.sdk.errors import ConfigurationError
from payport.sdk.incidents.alert import Alert, AlertSink
from payport.sdk.incidents.records import Incident
from payport.sdk.settings import Settings

if TYPE_CHECKING:
    from payport.sdk.cli.drill.running import Plan
    from payport.sdk.cli.drill.scenarios import Scenario

DEFAULT_PARTNER = "alipay"
DRILL = "payport drill"
"""Who answers where no person does."""


def drill(  # each is an option of the command
    *,
    fault: Annotated[
        list[str] | None, typer.Option(help="A fault class; several times for several. Without one they are listed.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every fault class.")] = False,
    partner: Annotated[
        str | None, typer.Option(help="At which partner's simulator; alipay by default, or every one of --config.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Drill a shadow of this payport.toml: its partners, thresholds and sinks.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who holds the drill; your login name by default.")] = None,
    respond: Annotated[
        bool, typer.Option("--respond", help="Wait for a person to answer each alert, and time it.")
    ] = False,
    tell: Annotated[
        bool, typer.Option("--tell", help="Tell the sinks of --config too; the subject says DRILL.")
    ] = False,
    out: Annotated[Path, typer.Option(help="The folder that the record is written to.")] = Path(),
) -> None:
    """Inject faults against simulators, time detection, alert, response and recovery, and write the drill's record."""
    from payport.sdk.cli.drill.running import hold  # noqa: PLC0415 - starts simulators, which no other command does
    from payport.sdk.cli.drill.scenarios import NAMES, SCENARIOS  # noqa: PLC0415 - see above

    console = new_console()
    if not fault and not every:
        _list(console)
        return
    unknown = [name for name in fault or () if name not in NAMES]
    if unknown:
        raise ConfigurationError(f"there is no fault class {unknown[0]!r}; there are {', '.join(NAMES)}")
    chosen = [scenario for scenario in SCENARIOS if every or scenario.name in (fault or ())]
    plan = _plan(by or login_name(), chosen, partner, None if config is None else Settings.load(config), tell=tell)
    with tempfile.TemporaryDirectory(prefix="payport-drill-") as folder, console.status("") as status:

        def say(text: str) -> None:
            status.update(text)
            console.print(text, highlight=False, markup=False)

        responder = _person(console, status.stop, plan.by) if respond else _itself
        record = hold(plan, Path(folder), responder, say)
    text = record.as_markdown()
    _show(console, text)
    written = _write(console, out, record.began_at, text, record.as_json())
    raise typer.Exit(0 if record.passed and written else 1)


def _plan(
    by: str, scenarios: Sequence[Scenario], partner: str | None, settings: Settings | None, *, tell: bool
) -> Plan:
    from payport.sdk.cli.drill.running import Plan  # noqa: PLC0415 - see above

    if settings is None:
        return Plan(by=by, scenarios=scenarios, places=[(play, ()) for play in plays_of(partner or DEFAULT_PARTNER)])
    accounts: dict[str, list[str]] = {}
    for name, account in sorted(settings.accounts.items()):
        accounts.setdefault(account.partner, []).append(name)
    chosen = [partner] if partner else sorted(accounts)
    if not chosen or (partner is not None and partner not in accounts):
        raise ConfigurationError(
            f"no account of {partner or 'any partner'} is configured, so there is nothing to shadow"
        )
    places = [(play, accounts[name]) for name in chosen for play in plays_of(name)]
    others = [replace(route, sink=_marked(route.sink)) for route in settings.alerts.routes()] if tell else []
    return Plan(by=by, scenarios=scenarios, places=places, alerting=settings.alerts, others=others)


def _marked(sink: AlertSink) -> Callable[[Alert], None]:
    """The sink, told that it is a drill: nobody is to wake up for nothing."""

    def told(alert: Alert) -> None:
        sink(
            replace(
                alert, id=f"drill_{alert.id}", incident=replace(alert.incident, title=f"DRILL: {alert.incident.title}")
            )
        )

    return told


def _itself(_: Incident) -> str:
    return DRILL


def _person(console: Console, pause: Callable[[], None], by: str) -> Callable[[Incident], str]:
    """Whoever answers at this terminal."""

    def answer(incident: Incident) -> str:
        pause()
        console.print(f"ALERT {incident.fault_class.value}: {incident.title}: {incident.summary}", style="bold red")
        return console.input(f"Take it on, with your name ({by}): ").strip() or by

    return answer


def _list(console: Console) -> None:
    from payport.sdk.cli.drill.scenarios import SCENARIOS  # noqa: PLC0415 - see above

    table = Table()
    for heading in ("fault class", "what happens", "what must be noticed"):
        table.add_column(heading, overflow="fold")
    for each in SCENARIOS:
        expected = " or ".join(kind.name for kind in each.expects)
        table.add_row(each.name, each.title, expected or "nothing: it is absorbed")
    console.print(table)
    console.print("payport drill --fault CLASS plays one, payport drill --all every one.", highlight=False)


def _show(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _write(console: Console, folder: Path, at: datetime, text: str, data: str) -> bool:
    """Keep the record; where that fails it was shown at least, and the drill counts as not held."""
    stem = folder / f"drill-{at:%Y%m%d-%H%M%S}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stem.with_suffix(".md").write_text(text, "utf-8")
        stem.with_suffix(".json").write_text(data, "utf-8")
    except OSError as error:
        console.print(f"the record could not be written to {folder}: {error.strerror}; it stands above", style="red")
        return False
    console.print(f"The record: {stem}.md and {stem}.json", highlight=False, markup=False, soft_wrap=True)
    return True
