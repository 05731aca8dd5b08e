"""Gateways from configuration: one account of ``payport.toml``, its adapter found by the partner's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payport.sdk.errors import ConfigurationError
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.settings import Settings, open_adapter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from payport.sdk.adapter import AnyAdapter
    from payport.sdk.events import EventSink
    from payport.sdk.incidents.alerts import Alerts
    from payport.sdk.journal.store import Journal
    from payport.sdk.operations.screening import TransactionWatch
    from payport.sdk.watch.watching import Watch


def open_journal(settings: Settings) -> Journal:
    """The configured journal. Several gateways may share it; whoever opened it closes it."""
    from payport.sdk.journal import Journal  # noqa: PLC0415 - SQLAlchemy, with the first journal only

    return Journal.open(
        settings.journal.url, sealing_key=settings.journal.sealing_key, durability=settings.journal.durability
    )


def open_alerts(settings: Settings, journal: Journal, *, background: bool = True) -> Alerts:
    """Incidents of this journal, told as ``[alerts]`` says; pass it in the ``sinks`` of every gateway of the journal.

    Whoever opened it closes it, before the journal. Raises :class:`payport.sdk.ConfigurationError` for a sink that
    cannot work, naming its table.
    """
    from payport.sdk.incidents.alerts import Alerts  # noqa: PLC0415 - with the first gateway that is watched
    from payport.sdk.incidents.store import JournalIncidents  # noqa: PLC0415 - see above

    return Alerts(
        JournalIncidents(journal),
        settings.alerts.routes(),
        thresholds=settings.alerts.thresholds(),
        runbooks=settings.alerts.runbooks,
        background=background,
    )


def open_watch(settings: Settings, alerts: Alerts | None) -> Watch | None:
    """The rules on abnormal transactions as ``[watch]`` says, ``None`` when none is in force.

    Pass it as ``watch`` to every gateway of the journal, and ``start`` it there. ``alerts``: who is told of what it
    finds. Raises :class:`payport.sdk.ConfigurationError` for thresholds that make no sense.
    """
    from payport.sdk.watch.payers import PayerKey  # noqa: PLC0415 - with the first gateway that is watched
    from payport.sdk.watch.watching import Watch  # noqa: PLC0415 - see above

    rules = settings.watch.rules()
    if not rules:
        return None
    key = settings.watch.payer_key
    blind = [rule.name for rule in rules if rule.payer_s and key is None]
    if blind:
        raise ConfigurationError(
            f"[watch] payer_key: missing; {', '.join(blind)} cannot tell payers apart without it; "
            'give a reference: payer_key = "env:PAYER_KEY", and make one with payport keygen'
        )
    return Watch(
        rules,
        payer_key=None if key is None else PayerKey(key),
        report=None if alerts is None else alerts.report,
    )


def open_gateway(
    settings: Settings,
    account: str,
    journal: Journal,
    *,
    sinks: Sequence[EventSink] | None = None,
    watch: TransactionWatch | None = None,
) -> Gateway[AnyAdapter]:
    """A gateway for one configured account on ``journal`` (see :func:`open_journal`).

    ``sinks``, ``watch``: as in :class:`payport.sdk.Gateway`; see :func:`open_alerts` and :func:`open_watch`.
    Raises :class:`payport.sdk.ConfigurationError`, which says what is missing or wrong in which table.
    """
    adapter, deadline_s = open_adapter(settings, account), settings.timeouts.deadline_s
    return Gateway(adapter, journal=journal, sinks=sinks, watch=watch, deadline_s=deadline_s)


def open_async_gateway(
    settings: Settings,
    account: str,
    journal: Journal,
    *,
    sinks: Sequence[EventSink] | None = None,
    watch: TransactionWatch | None = None,
) -> AsyncGateway[AnyAdapter]:
    """As :func:`open_gateway`, for event loops."""
    adapter, deadline_s = open_adapter(settings, account), settings.timeouts.deadline_s
    return AsyncGateway(adapter, journal=journal, sinks=sinks, watch=watch, deadline_s=deadline_s)
