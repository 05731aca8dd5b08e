"""The commands of ``payport watch`` and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from payport.sdk.cli.acting import Actor, acting
from payport.sdk.cli.configured import open_journal
from payport.sdk.cli.console import new_console
from payport.sdk.cli.incident_commands import TELL_S
from payport.sdk.errors import ConfigurationError
from payport.sdk.host_clock import SystemClock
from payport.sdk.opening import open_alerts
from payport.sdk.settings import Settings
from payport.sdk.watch.releasing import held_orders
from payport.sdk.watch.releasing import release as let_go

app = typer.Typer(
    name="watch", help="Transactions that a rule found abnormal and holds until a person has looked.",
    no_args_is_help=True,
)  # fmt: skip

Config = Annotated[
    Path | None, typer.Option(help="The payport.toml to read; by default the one in this folder.", show_default=False)
]


@app.command()
def held(*, config: Config = None) -> None:
    """Show the orders that are held. Nothing was sent for any of them."""
    with open_journal(Settings.load(config)) as journal:
        found = held_orders(journal)
    console = new_console()
    if not found:
        console.print("No order is held.", style="green")
        return
    table = Table()
    for heading in ("order", "amount", "account", "since (UTC)", "rule", "why"):
        table.add_column(heading, overflow="fold")
    for hold in found:
        since = f"{hold.held_at:%Y-%m-%d %H:%M}"
        table.add_row(hold.ref, str(hold.amount), hold.account, since, hold.rule, hold.reason)
    console.print(table)


@app.command()
def release(
    ref: Annotated[str, typer.Argument(help="The order's own reference.")],
    *,
    by: Annotated[str, typer.Option(help="Who looked and decided: a name that colleagues know.")],
    note: Annotated[str, typer.Option(help="Why it is well.")] = "",
    actor: Actor = None,
    config: Config = None,
) -> None:
    """Let an order go that is held: the application's next call of pay sends it, for that amount."""
    settings = Settings.load(config)
    with open_journal(settings) as journal:
        alerts = open_alerts(settings, journal, background=False)
        try:
            event = let_go(journal, ref, by, SystemClock().moment().utc, note, actor=acting(actor))
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
        alerts(event)
        alerts.flush(TELL_S)
        alerts.close()
    new_console().print(f"{ref} may go: call pay again for it. Let go by {event.by}.", highlight=False, markup=False)
