"""Incidents written down: each function is one transaction, and safe when many processes do it at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from secrets import randbelow
from time import sleep
from typing import TypeVar

from payport.sdk.audit.record import Entry, What
from payport.sdk.errors import JournalConflict
from payport.sdk.incidents import lifecycle
from payport.sdk.incidents.kinds import TARGETS, FaultClass, IncidentKind, Target
from payport.sdk.incidents.lifecycle import IncidentError
from payport.sdk.incidents.records import Cleared, Incident, Status, Trouble, from_trouble, one_line
from payport.sdk.incidents.store import IncidentSession, IncidentStore

T = TypeVar("T")

MAX_CONFLICTS = 40
MOST_PAUSE_MS = 25
MANY = 1000
"""How many incidents are looked at in one round; what is beyond waits for the next."""


def report(store: IncidentStore, trouble: Trouble, targets: Mapping[FaultClass, Target] = TARGETS) -> Incident:
    """Open an incident, or count this on the one there is."""

    def write(session: IncidentSession) -> Incident:
        latest = session.latest_incident(trouble.key)
        if latest is not None and lifecycle.goes_on(latest, trouble.at):
            return session.save_incident(lifecycle.found_again(latest, trouble))
        return session.add_incident(from_trouble(trouble, targets))

    return _decide(store, write)


def clear(store: IncidentStore, cleared: Cleared) -> Incident | None:
    """Resolve the incident of this key, whose trouble is over by itself; ``None`` when there was none."""

    def write(session: IncidentSession) -> Incident | None:
        latest = session.latest_incident(cleared.key)
        if latest is None or not latest.live:
            return None
        return session.save_incident(lifecycle.resolved(latest, lifecycle.ITSELF, cleared.at, cleared.why))

    known = store.read(lambda session: session.latest_incident(cleared.key))
    return _decide(store, write) if known is not None and known.live else None


def stand(
    store: IncidentStore,
    troubles: Sequence[Trouble],
    kinds: Collection[IncidentKind],
    at: datetime,
    targets: Mapping[FaultClass, Target] = TARGETS,
) -> None:
    """Trouble that lasts: ``troubles`` is everything of these ``kinds`` that was found in one look at all there is.

    What is found again is written only when there is something new to say. What is not found any more is over. What a
    person declared over, and still is found, is given the time of its class before it is opened anew.
    """
    names = {kind.name for kind in kinds}
    found = {trouble.key: trouble for trouble in troubles}

    def look(session: IncidentSession) -> tuple[dict[str, Incident | None], Sequence[Incident]]:
        known = {key: session.latest_incident(key) for key in found}
        return known, session.unsettled_incidents(MANY)

    known, live = store.read(look)
    for key, trouble in found.items():
        if _is_news(known[key], trouble):
            report(store, trouble, targets)
    for incident in live:
        if incident.live and incident.kind in names and incident.key not in found:
            change(store, incident.id, lambda now: _over(now, at))


def _is_news(known: Incident | None, trouble: Trouble) -> bool:
    if known is None:
        return True
    if known.live:
        return known.summary != one_line(trouble.summary)
    if known.resolved_by == lifecycle.ITSELF or known.resolved_at is None:
        return True
    return trouble.at > known.resolved_at + timedelta(seconds=known.recovery_s)


def _over(incident: Incident, at: datetime) -> Incident:
    return lifecycle.resolved(incident, lifecycle.ITSELF, at, "it is not found any more") if incident.live else incident


def acknowledge(store: IncidentStore, incident_id: int, by: str, at: datetime, *, actor: str = "") -> Incident:
    """A person takes it on. Raises :class:`IncidentError` for one that is not there, or over.

    ``actor``: who does it, for the audit trail, when that is another than ``by``: whoever is logged in, say.
    """
    return change(store, incident_id, lambda incident: lifecycle.acknowledged(incident, by, at), actor=actor)


def resolve(
    store: IncidentStore, incident_id: int, by: str, at: datetime, note: str = "", *, actor: str = ""
) -> Incident:
    """A person says that it is over. Raises :class:`IncidentError` for one that is not there, or over already.

    ``actor``: as for :func:`acknowledge`.
    """
    return change(store, incident_id, lambda incident: lifecycle.resolved(incident, by, at, note), actor=actor)


def change(
    store: IncidentStore, incident_id: int, decide: Callable[[Incident], Incident], *, actor: str = ""
) -> Incident:
    """Write what ``decide`` makes of an incident as it stands now. It may be asked twice.

    What a person decided is recorded in the audit trail, in the same transaction.
    """

    def write(session: IncidentSession) -> Incident:
        before = session.incident(incident_id)
        if before is None:
            raise IncidentError(f"there is no incident {incident_id}; payport incidents list shows what there is")
        after = decide(before)
        return before if after == before else _save(session, before, after, actor)

    return _decide(store, write)


def _save(session: IncidentSession, before: Incident, after: Incident, actor: str = "") -> Incident:
    saved = session.save_incident(after)
    if after.status is Status.ACKNOWLEDGED is not before.status:
        by, at, what = after.acknowledged_by, after.acknowledged_at, What.INCIDENT_ACKNOWLEDGED
    elif after.status is Status.RESOLVED is not before.status and after.resolved_by != lifecycle.ITSELF:
        by, at, what = after.resolved_by, after.resolved_at, What.INCIDENT_RESOLVED
    else:
        return saved
    detail: dict[str, str | int] = {"incident": saved.id, "kind": saved.kind, "about": saved.key, "by": by}
    if saved.note:
        detail["note"] = saved.note
    entry = Entry(
        what=what, result=after.status.value, at=at or after.last_at, ref=saved.ref, operation=saved.operation,
        partner=saved.partner, account=saved.account, detail=detail, who=actor or by,
    )  # fmt: skip
    session.note(entry)
    return saved


def unsettled(store: IncidentStore) -> Sequence[Incident]:
    """Those that somebody may have to be told something of."""
    return store.read(lambda session: session.unsettled_incidents(MANY))


def take_over(store: IncidentStore, incident: Incident) -> Incident:
    """Write down an incident that was opened elsewhere while this store could not be reached.

    Where it is known here already, it is counted there, and who was told of it is remembered.
    """

    def write(session: IncidentSession) -> Incident:
        latest = session.latest_incident(incident.key)
        if latest is None or not latest.live:
            return session.add_incident(replace(incident, id=0, version=0, claims={}))
        known = {**incident.told, **latest.told}
        counted = replace(
            latest, count=latest.count + incident.count, last_at=max(latest.last_at, incident.last_at), told=known
        )
        if incident.status is Status.ACKNOWLEDGED and latest.status is Status.OPEN:
            counted = replace(
                counted,
                status=Status.ACKNOWLEDGED,
                acknowledged_by=incident.acknowledged_by,
                acknowledged_at=incident.acknowledged_at,
            )
        return _save(session, latest, counted)

    return _decide(store, write)


def _decide(store: IncidentStore, write: Callable[[IncidentSession], T]) -> T:
    """Decide again where another process was first, after a moment that differs from theirs."""
    for tried in range(MAX_CONFLICTS - 1):
        try:
            return store.write(write)
        except JournalConflict:
            sleep(randbelow(1 + min(MOST_PAUSE_MS, tried)) / 1000)
    return store.write(write)
