"""Gateways from configuration: one account of ``payport.toml``, its adapter found by the partner's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payport.sdk.errors import ConfigurationError
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.settings import Settings, open_adapter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from payport.sdk.adapter import AnyAdapter
    from payport.sdk.guards import Guards
    from payport.sdk.hosting import Admission
    from payport.sdk.journal.store import Journal
    from payport.sdk.verbs import GatewayVerb


def open_journal(settings: Settings) -> Journal:
    """The configured journal. Several gateways may share it; whoever opened it closes it."""
    from payport.sdk.journal import Journal  # noqa: PLC0415 - SQLAlchemy, with the first journal only

    return Journal.open(
        settings.journal.url, sealing_key=settings.journal.sealing_key, durability=settings.journal.durability
    )


def open_guards(settings: Settings) -> Guards:
    """Breakers and call limits as configured. Whoever opened them closes them."""
    from payport.sdk.guards import Guards  # noqa: PLC0415 - with the first gateway only

    return Guards(limits=settings.limits, breaker=settings.breaker)


def open_gateway(
    settings: Settings,
    account: str,
    journal: Journal,
    *,
    guards: Guards | None = None,
    role: str | None = None,
    actor: str = "",
) -> Gateway[AnyAdapter]:
    """A gateway for one configured account on ``journal`` (see :func:`open_journal`).

    ``guards``: what gateways of one account share, see :func:`open_guards`; by default those on one journal share.
    ``role``: the name of a table ``[role.NAME]``, whose verbs alone it will have; ``actor``: who uses it, for the
    audit trail. Raises :class:`payport.sdk.ConfigurationError`, which says what is missing or wrong in which table.
    """
    adapter = open_adapter(settings, account)
    return Gateway(
        adapter,
        journal=journal,
        admissions=_admissions(settings, account, adapter, journal, guards),
        permitted=_verbs(settings, role),
        actor=actor,
        deadline_s=settings.timeouts.deadline_s,
    )


def open_async_gateway(
    settings: Settings,
    account: str,
    journal: Journal,
    *,
    guards: Guards | None = None,
    role: str | None = None,
    actor: str = "",
) -> AsyncGateway[AnyAdapter]:
    """As :func:`open_gateway`, for event loops."""
    adapter = open_adapter(settings, account)
    return AsyncGateway(
        adapter,
        journal=journal,
        admissions=_admissions(settings, account, adapter, journal, guards),
        permitted=_verbs(settings, role),
        actor=actor,
        deadline_s=settings.timeouts.deadline_s,
    )


def _verbs(settings: Settings, role: str | None) -> Sequence[GatewayVerb] | None:
    if role is None:
        return None
    found = settings.roles.get(role)
    if found is None:
        known = ", ".join(sorted(settings.roles)) or "none"
        raise ConfigurationError(f"no role {role!r} is configured; add [role.{role}] (configured: {known})")
    return found.verbs


def _admissions(
    settings: Settings, account: str, adapter: AnyAdapter, journal: Journal, guards: Guards | None
) -> tuple[Admission, ...]:
    from payport.sdk.guards import Guards  # noqa: PLC0415 - with the first gateway only

    shared = guards or journal.companions.get(Guards, lambda: open_guards(settings))
    changes = settings.accounts[account].limits
    return shared.of(adapter, changes, where=f"[account.{account}] limits")
