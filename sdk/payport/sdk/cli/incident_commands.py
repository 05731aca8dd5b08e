"""The commands of ``payport incidents`` and their options."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from payport.sdk.cli.acting import Actor, acting
from payport.sdk.cli.checking import Checks
from payport.sdk.cli.configured import open_journal
from payport.sdk.cli.console import new_console
from payport.sdk.errors import ConfigurationError
from payport.sdk.host_clock import SystemClock
from payport.sdk.incidents import keeping
from payport.sdk.incidents.alert import alert_of
from payport.sdk.incidents.alerts import Alerts
from payport.sdk.incidents.kinds import FaultClass
from payport.sdk.incidents.lifecycle import IncidentError
from payport.sdk.incidents.records import Incident, Stage, Status
from payport.sdk.incidents.store import JournalIncidents
from payport.sdk.journal.store import Journal
from payport.sdk.opening import open_alerts, open_watch
from payport.sdk.settings import Settings

app = typer.Typer(name="incidents", help="What is wrong, who works on it, and until when.", no_args_is_help=True)

Config = Annotated[
    Path | None, typer.Option(help="The payport.toml to read; by default the one in this folder.", show_default=False)
]
Number = Annotated[int, typer.Argument(min=1, help="The incident's number.")]
By = Annotated[str, typer.Option(help="Who you are: a name that colleagues know.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]

TELL_S = 15.0
"""How long a command waits until its alerts are told; the worker tells what is left."""

_STYLES = {FaultClass.CRITICAL: "bold red", FaultClass.MAJOR: "yellow", FaultClass.MINOR: None}


@app.command("list")
def list_incidents(
    *,
    config: Config = None,
    every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """Show incidents, the newest first: those that are not over, or all."""
    with _journal(config) as (journal, _):
        found = _recent(journal, limit, every=every)
    if as_json:
        typer.echo(json.dumps([_plain(each) for each in found], indent=2))
        return
    console = new_console()
    if not found:
        console.print("No incident is open." if not every else "There was no incident.", style="green")
        return
    table = Table()
    for heading in ("no.", "class", "what", "about", "status", "times", "opened (UTC)", "recover by"):
        table.add_column(heading, overflow="fold")
    for each in found:
        table.add_row(*_cells(each), style=_STYLES[each.fault_class] if each.live else "dim")
    console.print(table)


@app.command()
def show(number: Number, *, config: Config = None, as_json: Json = False) -> None:
    """Show one incident: what it is, who was told, and what to do."""
    with _journal(config) as (journal, settings):
        found = JournalIncidents(journal).read(lambda session: session.incident(number))
    if found is None:
        raise ConfigurationError(f"there is no incident {number}; payport incidents list shows what there is")
    if as_json:
        typer.echo(json.dumps(_plain(found), indent=2))
        return
    stage = Stage.RESOLVED if not found.live else Stage.OPENED
    text = alert_of(found, stage, found.last_at, runbooks=settings.alerts.runbooks).text()
    told = ", ".join(f"{name} ({stage.value})" for name, stage in sorted(found.told.items())) or "nobody"
    new_console().print(f"{text}Told:      {told}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def ack(number: Number, *, by: By, actor: Actor = None, config: Config = None) -> None:
    """Take an incident on: nobody else is called."""
    with _alerts(config) as (journal, alerts):
        done = keeping.acknowledge(
            JournalIncidents(journal), number, by, SystemClock().moment().utc, actor=acting(actor)
        )
        alerts.flush(TELL_S)
    _say(f"Incident {done.id} is taken on by {done.acknowledged_by}; recover by {done.recover_by:%Y-%m-%d %H:%M} UTC.")


@app.command()
def resolve(
    number: Number, *, by: By, note: Annotated[str, typer.Option(help="What was wrong, and what helped.")] = "",
    actor: Actor = None, config: Config = None,
) -> None:  # fmt: skip
    """Say that an incident is over; whoever was told of it is told that."""
    with _alerts(config) as (journal, alerts):
        done = keeping.resolve(
            JournalIncidents(journal), number, by, SystemClock().moment().utc, note, actor=acting(actor)
        )
        alerts.flush(TELL_S)
    _say(f"Incident {done.id} is resolved.")


@app.command()
def check(*, config: Config = None) -> None:
    """Look at everything that can stand too long or run out, and tell what is due. Ends with 1 when a fault is open."""
    settings = Settings.load(config)
    with open_journal(settings) as journal:
        alerts = open_alerts(settings, journal, background=False)
        Checks(settings, journal, alerts, open_watch(settings, alerts)).look()
        told = alerts.flush(TELL_S)
        alerts.close()
        found = [each for each in _recent(journal, keeping.MANY) if each.fault_class is not FaultClass.MINOR]
    _say(
        f"{len(found)} faults are open." + ("" if told else " Not everybody could be told in time; the worker goes on.")
    )
    for each in found:
        _say(f"  {each.id}: {each.title}: {each.summary}")
    raise typer.Exit(1 if found else 0)


def _recent(journal: Journal, limit: int, *, every: bool = False) -> list[Incident]:
    store = JournalIncidents(journal)
    if every:
        return list(store.read(lambda session: session.recent_incidents(limit)))
    live = [each for each in keeping.unsettled(store) if each.live]
    return live[::-1][:limit]


def _cells(incident: Incident) -> tuple[str, ...]:
    about = incident.ref or incident.account or incident.key.partition("/")[2]
    status = incident.status.value
    if incident.status is Status.ACKNOWLEDGED:
        status = f"taken on by {incident.acknowledged_by}"
    elif incident.status is Status.RESOLVED:
        status = f"resolved by {incident.resolved_by}"
    return (
        str(incident.id), incident.fault_class.value, incident.title, about, status, str(incident.count),
        f"{incident.opened_at:%Y-%m-%d %H:%M}", f"{incident.recover_by:%Y-%m-%d %H:%M}",
    )  # fmt: skip


def _plain(incident: Incident) -> dict[str, object]:
    plain: dict[str, object] = dict(alert_of(incident, Stage.OPENED, incident.last_at).plain())
    del plain["waiting"]
    return {**plain, "told": {name: stage.value for name, stage in sorted(incident.told.items())}}


def _say(text: str) -> None:
    new_console().print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def _journal(config: Path | None) -> Generator[tuple[Journal, Settings]]:
    settings = Settings.load(config)
    with open_journal(settings) as journal:
        yield journal, settings


@contextmanager
def _alerts(config: Path | None) -> Generator[tuple[Journal, Alerts]]:
    settings = Settings.load(config)
    with open_journal(settings) as journal:
        alerts = open_alerts(settings, journal, background=False)
        try:
            yield journal, alerts
        except IncidentError as error:
            raise ConfigurationError(str(error)) from error
        finally:
            alerts.close()
