"""The commands of ``payport audit`` and their options."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from payport.sdk.audit.keeping import Archiving, drop_archives
from payport.sdk.audit.keeping import drop as drop_records
from payport.sdk.audit.retention import Retention
from payport.sdk.audit.signing import AuditKey
from payport.sdk.cli.acting import Actor, acting
from payport.sdk.cli.auditing import Against, trusted_keys
from payport.sdk.cli.auditing import export as export_order
from payport.sdk.cli.auditing import report as report_time
from payport.sdk.cli.auditing import verify as verify_trail
from payport.sdk.cli.configured import open_journal
from payport.sdk.cli.console import new_console
from payport.sdk.errors import ConfigurationError
from payport.sdk.journal.trail import JournalTrail
from payport.sdk.opening import audit_policy
from payport.sdk.settings import Settings
from payport.sdk.version import __version__

Config = Annotated[
    Path | None, typer.Option(help="The payport.toml to read; by default the one in this folder.", show_default=False)
]
Keys = Annotated[
    list[str] | None,
    typer.Option("--public-key", help="A public key to trust, or a file with it; several times for several."),
]
Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="A day or an instant, in UTC.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


app = typer.Typer(name="audit", help="Who did what, when, and that nobody changed it since.", no_args_is_help=True)


@app.command()
def verify(
    *,
    config: Config = None,
    heads: Annotated[
        Path | None, typer.Option(help="A file of signed heads; by default that of \\[audit].", show_default=False)
    ] = None,
    archive: Annotated[list[Path] | None, typer.Option(help="A folder of archives; several times for several.")] = None,
    public_key: Keys = None,
) -> None:
    """Look for records that were changed, moved, put in or taken away. Ends with 1 when there are any."""
    settings = Settings.load(config)
    against = Against(
        heads=heads or settings.audit.heads, archives=archive or [], keys=trusted_keys(settings, public_key or [])
    )
    raise typer.Exit(0 if verify_trail(new_console(), settings, against) else 1)


@app.command()
def export(
    order: Annotated[str, typer.Option(help="The order's own reference.")],
    *,
    actor: Actor = None,
    config: Config = None,
    as_json: Json = False,
    personal: Annotated[bool, typer.Option("--personal", help="Open what is sealed about the payer.")] = False,
) -> None:
    """Show every record about one order. That it was shown is recorded. Ends with 1 when there is none."""
    with _trail(Settings.load(config), actor) as trail:
        found = export_order(new_console(), trail, order, datetime.now(UTC), as_json=as_json, personal=personal)
    raise typer.Exit(0 if found else 1)


@app.command()
def report(
    begins: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, in UTC.")],
    ends: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day, in UTC.")],
    *,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Count what was done in a time: by actor, kind, result, day and partner; what was refused; what is missing."""
    if begins > ends:
        raise ConfigurationError(f"--from {begins:%Y-%m-%d} is after --to {ends:%Y-%m-%d}; change one of them")
    with _trail(Settings.load(config)) as trail:
        after = ends.replace(tzinfo=UTC) + timedelta(days=1)
        report_time(new_console(), trail, begins.replace(tzinfo=UTC), after, as_json=as_json)


@app.command()
def head(*, actor: Actor = None, config: Config = None) -> None:
    """Sign how far the trail has come, and write it to the configured file. Run it every minute, or by a worker."""
    settings = Settings.load(config)
    policy = audit_policy(settings)
    if policy is None or policy.key is None:
        raise ConfigurationError("set key and heads in [audit] first; payport keygen --kind audit makes a key")
    with _trail(settings, actor) as trail:
        signed = trail.sign_heads(policy)
    for each in signed:
        typer.echo(each.line())
    if not signed:
        typer.echo("nothing was recorded since the last head", err=True)


@app.command()
def archive(
    before: Day,
    to: Annotated[Path, typer.Option(help="The folder; what it holds of this trail is gone on from.")],
    *,
    actor: Actor = None,
    config: Config = None,
    move: Annotated[bool, typer.Option("--move", help="Take out of the journal what is archived.")] = False,
) -> None:
    """Write old records to compressed, signed files, and verify those. The newest three months cannot be moved."""
    settings = Settings.load(config)
    key = _key(settings)
    until, now = before.replace(tzinfo=UTC), datetime.now(UTC)
    retention = Retention(settings.audit.retention_days)
    if move:
        retention.check_move(until, now)
    console = new_console()
    with _trail(settings, actor) as trail:
        keys = trusted_keys(settings)
        archiving = Archiving(trail=trail, folder=to, key=key, keys=keys, library=__version__, now=now)
        with console.status("archiving"):
            made = archiving.archive(until)
        for each in made:
            typer.echo(f"{each.file}: {each.count:,} records, {each.begins} to {each.ends}")
        if not made:
            typer.echo("nothing from before that is not archived yet", err=True)
        if move:
            with console.status("verifying the archives, and taking out what they hold"):
                moved = archiving.move(until, retention)
            typer.echo(f"{moved:,} records left the journal")


@app.command()
def drop(
    before: Day,
    *,
    actor: Actor = None,
    config: Config = None,
    archive: Annotated[Path | None, typer.Option(help="Delete the archives of this folder, too.")] = None,
) -> None:
    """Delete for good what is older than three years, or than retention_days. Anything younger is refused."""
    settings = Settings.load(config)
    until, now = before.replace(tzinfo=UTC), datetime.now(UTC)
    retention = Retention(settings.audit.retention_days)
    retention.check_drop(until, now)
    console = new_console()
    with _trail(settings, actor) as trail:
        with console.status("deleting"):
            dropped = drop_records(trail, until, retention, now)
            trail.drop_exchanges(until)
        typer.echo(f"{dropped:,} records of the journal were deleted")
        if archive is not None:
            with console.status("verifying the archives, and deleting the old ones"):
                gone = drop_archives(trail, archive, until, retention, trusted_keys(settings), now)
            typer.echo(f"{len(gone)} archives with {sum(each.count for each in gone):,} records were deleted")


@app.command()
def exchange(
    digest: Annotated[str, typer.Option("--sha256", help="The digest in the record of the exchange.")],
    *,
    actor: Actor = None,
    config: Config = None,
) -> None:
    """Open what went over the wire, as JSON. That it was opened is recorded. Ends with 1 when it is not kept."""
    with _trail(Settings.load(config), actor) as trail:
        found = trail.exchange(digest)
    if found is None:
        typer.echo("it is not kept: it was erased, or never was", err=True)
        raise typer.Exit(1)
    typer.echo(found.decode())


@app.command()
def erase(
    order: Annotated[str, typer.Option(help="The order's own reference.")],
    reason: Annotated[str, typer.Option(help="Why; recorded, so name no person.")],
    *,
    actor: Actor = None,
    config: Config = None,
) -> None:
    """Make what the records of an order tell of its payer unreadable for good. The trail still verifies."""
    with _trail(Settings.load(config), actor) as trail:
        erased = trail.erase(order, reason)
    typer.echo("erased" if erased else "nothing was sealed about it; nothing will be from now on")


def _key(settings: Settings) -> AuditKey:
    if settings.audit.key is None:
        raise ConfigurationError("archives are signed: set key in [audit]; payport keygen --kind audit makes one")
    return AuditKey(settings.audit.key)


@contextmanager
def _trail(settings: Settings, actor: str | None = None) -> Generator[JournalTrail]:
    with open_journal(settings) as journal:
        yield JournalTrail(journal, acting(actor))
