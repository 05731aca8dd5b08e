"""Gateways from configuration: one account of ``payport.toml``, its adapter found by the partner's name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from payport.sdk.events import EventSink, Level, StructlogSink
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.settings import Settings, open_adapter

if TYPE_CHECKING:
    from payport.sdk.adapter import AnyAdapter
    from payport.sdk.audit.policy import AuditPolicy
    from payport.sdk.journal.store import Journal


def open_journal(settings: Settings, *, create: bool = True) -> Journal:
    """The configured journal. Several gateways may share it; whoever opened it closes it.

    ``create``: as for :meth:`payport.sdk.journal.Journal.open`.
    """
    from payport.sdk.journal import Journal  # noqa: PLC0415 - SQLAlchemy, with the first journal only

    wanted = settings.journal
    return Journal.open(
        wanted.url,
        password=wanted.password,
        sealing_key=wanted.sealing_key,
        durability=wanted.durability,
        connections=wanted.connections,
        create=create,
        audit=audit_policy(settings) or False,
    )


def audit_policy(settings: Settings) -> AuditPolicy | None:
    """How the configured journal keeps its audit trail; ``None`` when it is switched off.

    Raises :class:`payport.sdk.ConfigurationError` for a key that is none.
    """
    from payport.sdk.audit.heads import HeadFile  # noqa: PLC0415 - with the first journal only
    from payport.sdk.audit.policy import AuditPolicy  # noqa: PLC0415 - see above
    from payport.sdk.audit.signing import AuditKey  # noqa: PLC0415 - see above

    found = settings.audit
    if not found.enabled:
        return None
    return AuditPolicy(
        payers=found.payers,
        key=None if found.key is None else AuditKey(found.key),
        sinks=[] if found.heads is None else [HeadFile(found.heads)],
    )


def open_gateway(settings: Settings, account: str, journal: Journal) -> Gateway[AnyAdapter]:
    """A gateway for one configured account on ``journal`` (see :func:`open_journal`).

    Raises :class:`payport.sdk.ConfigurationError`, which says what is missing or wrong in which table.
    """
    return Gateway(
        open_adapter(settings, account),
        journal=journal,
        sinks=open_sinks(settings, journal),
        deadline_s=settings.timeouts.deadline_s,
    )


def open_async_gateway(settings: Settings, account: str, journal: Journal) -> AsyncGateway[AnyAdapter]:
    """As :func:`open_gateway`, for event loops."""
    return AsyncGateway(
        open_adapter(settings, account),
        journal=journal,
        sinks=open_sinks(settings, journal),
        deadline_s=settings.timeouts.deadline_s,
    )


def open_sinks(settings: Settings, journal: Journal) -> Sequence[EventSink]:
    """What is configured to listen: warnings go to the log, calls are counted beside ``journal``, traces are shown.

    Raises :class:`payport.sdk.ConfigurationError` for tracing without the extra ``otel``.
    """
    log = StructlogSink(least=Level.WARNING)
    sinks: list[EventSink] = [log]
    if settings.scorecards.enabled:
        from payport.sdk.scorecards import JournalMeasures, Scorecards  # noqa: PLC0415 - for who is measured

        counts = settings.scorecards
        sinks.append(
            Scorecards(
                JournalMeasures(journal),
                every_s=counts.flush_s,
                time_zone=counts.time_zone,
                keep_days=counts.keep_days,
                sinks=[log],
            )
        )
    if settings.otel.enabled:
        from payport.sdk.otel import OpenTelemetry  # noqa: PLC0415 - the extra "otel"

        sinks.append(OpenTelemetry(sinks=[log]))
    return sinks
