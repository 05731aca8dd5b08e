"""What a sink is told: one incident at one stage, as words for people and as fields for machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payport.schemas.encoding import instant_text
from payport.sdk.events import Plain
from payport.sdk.incidents.records import Incident, Stage, Status

_LATE = {Stage.ESCALATED: "nobody has acknowledged", Stage.OVERDUE: "still not over"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One message about one incident.

    ``id``: the same for every try to deliver it, another for every stage. ``waiting``: how many more messages wait for
    this sink because it may only be told so many at once. ``runbook``: where it stands what to do.
    """

    id: str
    stage: Stage
    incident: Incident
    at: datetime
    runbook: str
    waiting: int = 0

    @property
    def subject(self) -> str:
        """One short line: how bad, what, about whom."""
        incident = self.incident
        words = "resolved" if self.stage is Stage.RESOLVED else incident.fault_class.value
        late = f", {_LATE[self.stage]}" if self.stage in _LATE else ""
        about = incident.account or incident.key.partition("/")[2]
        return f"[payport] {words}{late}: {incident.title} ({about})"

    def text(self) -> str:
        """The whole message in words."""
        incident = self.incident
        lines = [
            f"{incident.title}.",
            incident.summary,
            "",
            f"Incident:  {incident.id} ({incident.kind}, {incident.fault_class.value}), found {incident.count} times",
            f"Opened:    {_when(incident.opened_at)}; last seen {_when(incident.last_at)}",
        ]
        if incident.ref:
            lines.append(f"Order:     {incident.ref}   (payport explain {incident.ref})")
        lines += self._standing()
        if self.stage is not Stage.RESOLVED:
            lines.append(f"What to do: {self.runbook}")
        if self.waiting:
            lines.append(f"{self.waiting} more messages wait; all of them: payport incidents list")
        return "\n".join(lines) + "\n"

    def _standing(self) -> list[str]:
        incident = self.incident
        match incident.status:
            case Status.RESOLVED:
                by = f"by {incident.resolved_by}" + (f": {incident.note}" if incident.note else "")
                return [f"Resolved:  {_when(incident.resolved_at)} {by}"]
            case Status.ACKNOWLEDGED:
                taken = f"Taken on:  {_when(incident.acknowledged_at)} by {incident.acknowledged_by}"
                return [taken, f"Recover by {_when(incident.recover_by)}"]
            case Status.OPEN:
                take = f"Take it on by {_when(incident.respond_by)}: payport incidents ack {incident.id} --by NAME"
                return [take, f"Recover by {_when(incident.recover_by)}"]

    def plain(self) -> dict[str, Plain]:
        """Its fields, for machines: the names are stable."""
        incident = self.incident
        return {
            "incident": incident.id,
            "kind": incident.kind,
            "fault_class": incident.fault_class.value,
            "title": incident.title,
            "summary": incident.summary,
            "status": incident.status.value,
            "partner": incident.partner,
            "account": incident.account,
            "ref": incident.ref,
            "operation": incident.operation,
            "count": incident.count,
            "opened_at": instant_text(incident.opened_at),
            "last_at": instant_text(incident.last_at),
            "respond_by": instant_text(incident.respond_by),
            "recover_by": instant_text(incident.recover_by),
            "acknowledged_by": incident.acknowledged_by,
            "resolved_by": incident.resolved_by,
            "note": incident.note,
            "runbook": self.runbook,
            "waiting": self.waiting,
        }


def alert_of(incident: Incident, stage: Stage, at: datetime, *, runbooks: str = "", waiting: int = 0) -> Alert:
    """The message that tells this stage. ``runbooks``: what an address begins with that stands there without host."""
    runbook = incident.runbook if "://" in incident.runbook else f"{runbooks}{incident.runbook}"
    started_us = int(incident.opened_at.timestamp() * 1_000_000)
    return Alert(
        # the number alone would be the same in another journal's life; no dots, which separate what is signed
        id=f"incident_{incident.id}_{started_us}_{stage.value}",
        stage=stage,
        incident=incident,
        at=at,
        runbook=runbook,
        waiting=waiting,
    )


class AlertSink(Protocol):
    """Tells somebody. Called on a thread of its own, one alert at a time; raises when it could not be told.

    What raises is tried again later, with longer and longer waits. It may be told the same twice, with the same ``id``.
    """

    def __call__(self, alert: Alert, /) -> None:
        """Tell it."""
        ...


class NotDelivered(Exception):
    """A sink did not take an alert. Says why, without address or secret."""


class Gone(NotDelivered):
    """The receiver does not want to be told any more: it is not tried again."""


def _when(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def as_payload(alert: Alert) -> Mapping[str, object]:
    """An alert as the body of a webhook: its type, when it was so, and the fields."""
    return {"type": f"incident.{alert.stage.value}", "timestamp": instant_text(alert.at), "data": alert.plain()}
