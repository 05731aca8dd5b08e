"""``payport resume``: rounds over everything that is open, with what came of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console

from payport.sdk.adapter import Adapter
from payport.sdk.cli.checking import Checks
from payport.sdk.cli.stopping import stopped_by_signals
from payport.sdk.errors import JournalError, PayportError
from payport.sdk.gateway import Gateway
from payport.sdk.host_clock import SystemClock
from payport.sdk.journal.store import Journal
from payport.sdk.opening import open_alerts, open_gateway, open_watch
from payport.sdk.operations.resuming import Resumed
from payport.sdk.settings import Settings


def resume_accounts(
    console: Console,
    settings: Settings,
    accounts: Sequence[str],
    journal: Journal,
    *,
    every_s: float | None,
    actor: str,
) -> None:
    """One round over each account, or with ``every_s`` rounds that many seconds apart until interrupted.

    ``actor``: on whose behalf, for the audit trail.

    Each round also looks for incidents, and tells what is due, unless ``[alerts]`` is switched off. Raises
    :class:`payport.sdk.ConfigurationError` for an account or a sink that cannot be opened, before anything is asked.
    """
    alerts = open_alerts(settings, journal) if settings.alerts.enabled else None
    gateways = {name: open_gateway(settings, name, journal, alerts=alerts, actor=actor) for name in accounts}
    checks = None if alerts is None else Checks(settings, journal, alerts, open_watch(settings, alerts))
    try:
        if every_s is None:
            for name, gateway in gateways.items():
                _tell(console, name, gateway, _resumed(console, name, gateway))
            _look(console, checks)
            return  # closing the journal signs
        _watch(console, gateways, idle=True)
        _look(console, checks)
        console.print(f"Watching, a round every {every_s:g} s; Ctrl-C stops.", highlight=False)
        with stopped_by_signals():
            while True:
                with console.status("waiting for the next round"):
                    SystemClock().sleep(every_s)
                _watch(console, gateways)
                _look(console, checks)
                _sign_heads(console, journal)
    except KeyboardInterrupt:
        console.print("Stopped.")
    finally:
        for gateway in gateways.values():
            gateway.close()
        if alerts is not None:
            alerts.close()


def _look(console: Console, checks: Checks | None) -> None:
    """See what stands too long and what is abnormal, and tell it. It must not keep the worker from settling."""
    if checks is None:
        return
    try:
        checks.look()
    except PayportError as error:
        _say(console, f"incidents could not be looked at: {error}", "red")


def _watch(console: Console, gateways: Mapping[str, Gateway[Adapter]], *, idle: bool = False) -> None:
    """One round that goes on when the journal fails: the next one may find it back.

    ``idle``: tell also that nothing happened.
    """
    for name, gateway in gateways.items():
        try:
            resumed = _resumed(console, name, gateway)
            if idle or resumed.settled or resumed.open:
                _tell(console, name, gateway, resumed)
        except JournalError as error:
            _say(console, f"{name}: {error}; the next round tries again", "red")


def _sign_heads(console: Console, journal: Journal) -> None:
    """Sign how far the audit trail has come, when that is due. The worker goes on when it fails, and says so."""
    try:
        journal.sign_heads(at_once=False)
    except PayportError as error:
        _say(console, f"audit trail: {error}", "red")


def _resumed(console: Console, name: str, gateway: Gateway[Adapter]) -> Resumed:
    with console.status(f"{name}: asking about what is open"):
        return gateway.resume()


def _tell(console: Console, name: str, gateway: Gateway[Adapter], resumed: Resumed) -> None:
    waiting = gateway.open_operations()
    for operation_id in resumed.settled:
        ref = operation_id.partition("/")[0]
        last = [each for each in gateway.history(ref) if each.operation == operation_id][-1]
        _say(console, f"{name}: {operation_id} is settled: {last.state.value}")
    for operation in waiting:
        if operation.for_person:
            _say(console, f"{name}: {operation.id} needs a person: {operation.for_person}", "red")
        elif operation.id in resumed.open:
            why = f" ({operation.unknown})" if operation.unknown else ""
            _say(console, f"{name}: {operation.id} is still open: {operation.state.value}{why}", "yellow")
    people = sum(1 for operation in waiting if operation.for_person)
    _say(
        console,
        f"{name}: {len(resumed.settled)} settled, {len(waiting) - people} open, {people} for a person to look at",
    )


def _say(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)
