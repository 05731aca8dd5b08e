"""Gateways from configuration: one account of ``payport.toml``, its adapter found by the partner's name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from payport.sdk.errors import ConfigurationError
from payport.sdk.events import EventSink, Level, StructlogSink
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.host_clock import SystemClock
from payport.sdk.partner_records import PartnerRecord, describe
from payport.sdk.settings import Settings, open_adapter

if TYPE_CHECKING:
    from payport.sdk.adapter import AnyAdapter
    from payport.sdk.audit.policy import AuditPolicy
    from payport.sdk.audit.record import Entry
    from payport.sdk.guards import Guards
    from payport.sdk.hosting import Admission
    from payport.sdk.incidents.alerts import Alerts
    from payport.sdk.journal.store import Journal
    from payport.sdk.operations.screening import TransactionWatch
    from payport.sdk.verbs import GatewayVerb
    from payport.sdk.watch.watching import Watch


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
        exchange_key=found.exchange_key,
        key=None if found.key is None else AuditKey(found.key),
        sinks=[] if found.heads is None else [HeadFile(found.heads)],
    )


def open_alerts(settings: Settings, journal: Journal, *, background: bool = True) -> Alerts:
    """Incidents of this journal, told as ``[alerts]`` says, to be shared by several gateways of the journal.

    Whoever opened it closes it, before the journal. Raises :class:`payport.sdk.ConfigurationError` for a sink that
    cannot work, naming its table.
    """
    from payport.sdk.incidents.alerts import Alerts  # noqa: PLC0415 - with the first gateway that is watched
    from payport.sdk.incidents.budgets import Targets  # noqa: PLC0415 - see above
    from payport.sdk.incidents.store import JournalIncidents  # noqa: PLC0415 - see above

    wanted = settings.scorecards
    targets = Targets(
        success=wanted.success, accuracy=wanted.accuracy, speed=wanted.response_share, limit_s=wanted.response_s
    )
    return Alerts(
        JournalIncidents(journal),
        settings.alerts.routes(),
        thresholds=settings.alerts.thresholds(targets),
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


def open_guards(settings: Settings) -> Guards:
    """Suspensions, breakers and call limits as configured. Whoever opened them closes them."""
    from payport.sdk.guards import Guards  # noqa: PLC0415 - with the first gateway only

    return Guards(
        limits=settings.limits,
        breaker=settings.breaker,
        records=settings.partners,
        ahead_days=settings.alerts.expiry_days,
    )


def open_gateway(
    settings: Settings,
    account: str,
    journal: Journal,
    *,
    alerts: Alerts | None = None,
    watch: TransactionWatch | None = None,
    guards: Guards | None = None,
    role: str | None = None,
    actor: str = "",
) -> Gateway[AnyAdapter]:
    """A gateway for one configured account on ``journal`` (see :func:`open_journal`).

    ``alerts``, ``watch``: see :func:`open_alerts` and :func:`open_watch`. ``guards``: what gateways of one account
    share, see :func:`open_guards`; by default those on one journal share. ``role``: the name of a table
    ``[role.NAME]``, whose verbs alone it will have; ``actor``: who uses it, for the audit trail. Raises
    :class:`payport.sdk.ConfigurationError`, which says what is missing or wrong in which table.
    """
    parts = _parts(settings, account, journal, alerts, watch, guards, role)
    return Gateway(**parts, actor=actor)


def open_async_gateway(
    settings: Settings,
    account: str,
    journal: Journal,
    *,
    alerts: Alerts | None = None,
    watch: TransactionWatch | None = None,
    guards: Guards | None = None,
    role: str | None = None,
    actor: str = "",
) -> AsyncGateway[AnyAdapter]:
    """As :func:`open_gateway`, for event loops."""
    parts = _parts(settings, account, journal, alerts, watch, guards, role)
    return AsyncGateway(**parts, actor=actor)


class _Parts(TypedDict):
    adapter: AnyAdapter
    journal: Journal
    sinks: Sequence[EventSink]
    admissions: Sequence[Admission]
    watch: TransactionWatch | None
    permitted: Sequence[GatewayVerb] | None
    deadline_s: float


def _parts(
    settings: Settings,
    account: str,
    journal: Journal,
    alerts: Alerts | None,
    watch: TransactionWatch | None,
    guards: Guards | None,
    role: str | None,
) -> _Parts:
    """What both kinds of gateway are made of."""
    adapter = open_adapter(settings, account)
    return {
        "adapter": adapter,
        "journal": journal,
        "sinks": open_sinks(settings, journal, alerts),
        "admissions": _admissions(settings, account, adapter, journal, guards),
        "watch": watch,
        "permitted": _verbs(settings, role),
        "deadline_s": settings.timeouts.deadline_s,
    }


def open_sinks(settings: Settings, journal: Journal, alerts: Alerts | None = None) -> Sequence[EventSink]:
    """What is configured to listen: warnings go to the log, calls are counted beside ``journal``, trouble is told.

    Gateways of one journal share what counts and what tells. ``alerts``: those of :func:`open_alerts`, by default
    the journal's, closed with it. Raises
    :class:`payport.sdk.ConfigurationError` for a sink of alerts that cannot work, and for tracing without the extra
    ``otel``.
    """
    log = StructlogSink(least=Level.WARNING)
    sinks: list[EventSink] = [log]
    if settings.scorecards.enabled:
        from payport.sdk.scorecards import JournalMeasures, Scorecards  # noqa: PLC0415 - for who is measured

        counts = settings.scorecards
        sinks.append(
            journal.companions.get(
                Scorecards,
                lambda: Scorecards(
                    JournalMeasures(journal),
                    every_s=counts.flush_s,
                    time_zone=counts.time_zone,
                    keep_days=counts.keep_days,
                    sinks=[log],
                ),
            )
        )
    if settings.alerts.enabled:
        from payport.sdk.incidents.alerts import Alerts  # noqa: PLC0415 - with the first gateway that is watched

        sinks.append(alerts or journal.companions.get(Alerts, lambda: open_alerts(settings, journal)))
    if settings.otel.enabled:
        from payport.sdk.otel import OpenTelemetry  # noqa: PLC0415 - the extra "otel"

        sinks.append(OpenTelemetry(sinks=[log], one_in=settings.otel.one_in))
    return sinks


def _verbs(settings: Settings, role: str | None) -> Sequence[GatewayVerb] | None:
    if role is None:
        return None
    found = settings.roles.get(role)
    if found is None:
        known = ", ".join(sorted(settings.roles)) or "none"
        raise ConfigurationError(f"no role {role!r} is configured; add [role.{role}] (configured: {known})")
    return found.verbs


def _recorded(partner: str, record: PartnerRecord) -> Entry:
    """What is on file about a partner, for the audit trail: nothing of a person."""
    from payport.sdk.audit.record import Entry, What  # noqa: PLC0415 - for who keeps records of partners

    now = SystemClock().moment().utc
    (state,) = describe({partner: record}, now.date())
    result = "blocked" if state.blocked else "in order" if state.in_order else "incomplete"
    return Entry(what=What.PARTNER_RECORD, result=result, at=now, partner=partner, detail=state.detail())


def _admissions(
    settings: Settings, account: str, adapter: AnyAdapter, journal: Journal, guards: Guards | None
) -> tuple[Admission, ...]:
    from payport.sdk.guards import Guards  # noqa: PLC0415 - with the first gateway only

    record = settings.partners.get(adapter.partner)
    if record is not None:
        journal.announce(_recorded(adapter.partner, record))
    shared = guards or journal.companions.get(Guards, lambda: open_guards(settings))
    changes = settings.accounts[account].limits
    return shared.of(adapter, changes, where=f"[account.{account}] limits")
