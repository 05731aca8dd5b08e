"""What becomes of an incident: found again, acknowledged, resolved, and who is to be told what of it, when.

Pure: values in, values out, the time is given. :mod:`payport.sdk.incidents.keeping` writes down what is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from payport.sdk.incidents.kinds import FaultClass
from payport.sdk.incidents.records import Incident, Stage, Status, Trouble, one_line

ITSELF = "payport"
"""Who resolved an incident whose trouble was over by itself."""

QUIET_S = 60.0
"""How long trouble that is over by itself must stay away before its end is told: a flapping breaker is one incident."""

TELL_FOR_S = 86_400.0
"""How long the end of an incident is tried to be told."""

_RANK = {Stage.OPENED: 1, Stage.ESCALATED: 1, Stage.OVERDUE: 2, Stage.RESOLVED: 3}


class IncidentError(ValueError):
    """A person asked for what cannot be: acknowledging what is over, resolving twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom to tell. ``step``: 0 is told at once; n, when nobody acknowledged it within n response times of its class.

    ``name``: of the sink, unique. ``least``: the mildest class that it is told of.
    """

    name: str
    step: int = 0
    least: FaultClass = FaultClass.MINOR


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to tell one sink. ``due_at``: since when."""

    sink: str
    stage: Stage
    due_at: datetime


def found_again(incident: Incident, trouble: Trouble) -> Incident:
    """The same trouble once more: counted, the newest words kept. One that had just ended by itself goes on."""
    if not incident.live:
        status = Status.OPEN if incident.acknowledged_at is None else Status.ACKNOWLEDGED
        incident = replace(incident, status=status, resolved_at=None, resolved_by="", note="", settled=False)
    return replace(
        incident,
        count=incident.count + trouble.count,
        last_at=max(incident.last_at, trouble.at),
        summary=one_line(trouble.summary),
    )


def goes_on(incident: Incident, at: datetime) -> bool:
    """Whether trouble found ``at`` is this incident: one that is not resolved, or ended by itself a moment ago."""
    return incident.live or (
        incident.resolved_by == ITSELF and at < _end_is_told_at(incident) and not _end_told(incident)
    )


def acknowledged(incident: Incident, by: str, at: datetime) -> Incident:
    """Somebody works on it: nobody else is called. Raises :class:`IncidentError` when it is over."""
    if not incident.live:
        raise IncidentError(
            f"incident {incident.id} was resolved by {incident.resolved_by}; there is nothing to take on"
        )
    if incident.status is Status.ACKNOWLEDGED:
        return incident
    return replace(incident, status=Status.ACKNOWLEDGED, acknowledged_by=_who(by), acknowledged_at=at)


def resolved(incident: Incident, by: str, at: datetime, note: str = "") -> Incident:
    """It is over. Raises :class:`IncidentError` when it was already."""
    if not incident.live:
        raise IncidentError(f"incident {incident.id} was resolved by {incident.resolved_by} already")
    return settle(replace(incident, status=Status.RESOLVED, resolved_by=_who(by), resolved_at=at, note=one_line(note)))


def _who(by: str) -> str:
    name = one_line(by)
    if not name:
        raise IncidentError("say who does it: a name that colleagues know")
    return name


def due(incident: Incident, contacts: Sequence[Contact], now: datetime) -> tuple[Message, ...]:
    """What is to be told now and nobody is telling yet, the longest due first."""
    found = [
        message
        for message in _messages(incident, contacts)
        if message.due_at <= now and not _is_claimed(incident, message.sink, now)
    ]
    return tuple(sorted(found, key=lambda message: message.due_at))


def next_due_at(incident: Incident, contacts: Sequence[Contact]) -> datetime | None:
    """When something is to be told next if nothing else happens; ``None``: never."""
    return min((message.due_at for message in _messages(incident, contacts)), default=None)


def _messages(incident: Incident, contacts: Sequence[Contact]) -> Iterator[Message]:
    for contact in contacts:
        last = incident.told.get(contact.name)
        rank = 0 if last is None else _RANK[last]
        if not contact.least.covers(incident.fault_class):
            continue
        match incident.status:
            case Status.RESOLVED:
                if 0 < rank < _RANK[Stage.RESOLVED]:  # who heard of nothing need not hear that it is over
                    yield Message(contact.name, Stage.RESOLVED, _end_is_told_at(incident))
            case Status.OPEN | Status.ACKNOWLEDGED:
                if rank == 0:
                    yield from _first(incident, contact)
                elif rank < _RANK[Stage.OVERDUE]:
                    yield Message(contact.name, Stage.OVERDUE, incident.recover_by)
            case _:
                assert_never(incident.status)


def _first(incident: Incident, contact: Contact) -> Iterator[Message]:
    """The first word to a contact: at once to the first step, and later to the others while nobody answers."""
    if contact.step == 0:
        yield Message(contact.name, Stage.OPENED, incident.opened_at)
    elif incident.status is Status.OPEN:
        late_s = incident.response_s * contact.step
        yield Message(contact.name, Stage.ESCALATED, incident.opened_at + timedelta(seconds=late_s))


def _end_is_told_at(incident: Incident) -> datetime:
    at = incident.resolved_at or incident.last_at
    return at + timedelta(seconds=QUIET_S) if incident.resolved_by == ITSELF else at


def _end_told(incident: Incident) -> bool:
    return any(stage is Stage.RESOLVED for stage in incident.told.values())


def _is_claimed(incident: Incident, sink: str, now: datetime) -> bool:
    until = incident.claims.get(sink)
    return until is not None and until > now


def claimed(incident: Incident, sink: str, until: datetime) -> Incident:
    """Some process tells this sink, until then alone."""
    return replace(incident, claims={**incident.claims, sink: until})


def told(incident: Incident, sink: str, stage: Stage) -> Incident:
    """The sink has it."""
    last = incident.told.get(sink)
    if last is not None and _RANK[last] > _RANK[stage]:
        stage = last  # a slower process told an older stage meanwhile
    return settle(replace(incident, told={**incident.told, sink: stage}, claims=_without(incident.claims, sink)))


def not_told(incident: Incident, sink: str) -> Incident:
    """The sink did not take it: somebody is to try again."""
    return replace(incident, claims=_without(incident.claims, sink))


def settle(incident: Incident) -> Incident:
    """Mark one that is resolved, and whose end everybody knows who knew of it: nobody looks at it again."""
    unaware = any(stage is not Stage.RESOLVED for stage in incident.told.values())
    return incident if incident.live else replace(incident, settled=not unaware)


def given_up(incident: Incident, now: datetime) -> bool:
    """Whether nobody need try any more to tell its end: a sink that knew of it is gone for long."""
    return incident.resolved_at is not None and now > incident.resolved_at + timedelta(seconds=TELL_FOR_S)


def _without(claims: Mapping[str, datetime], sink: str) -> Mapping[str, datetime]:
    return {name: until for name, until in claims.items() if name != sink}
