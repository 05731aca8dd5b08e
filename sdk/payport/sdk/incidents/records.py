"""Incidents as values: what was found, what became of it, who was told. No storage, no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from payport.sdk.incidents.kinds import TARGETS, FaultClass, IncidentKind, Target

MAX_KEY = 200

MAX_SUMMARY = 500
"""A summary is one line for a person; what is longer is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What a detector found at ``at``.

    ``about``: what it is about, in one word: an account, an operation's id. Trouble of one kind about one thing is one
    incident, however often it is found. ``count``: how often it was found since it was last reported. ``summary``: one
    line in words, without personal data.
    """

    kind: IncidentKind
    about: str
    summary: str
    at: datetime
    partner: str = ""
    account: str = ""
    ref: str = ""
    operation: str = ""
    count: int = 1

    @property
    def key(self) -> str:
        """What one incident is known by."""
        return key_of(self.kind, self.about)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """Trouble that is over by itself: the breaker closed, the operation became final. ``why``: in words."""

    kind: IncidentKind
    about: str
    why: str
    at: datetime

    @property
    def key(self) -> str:
        """What one incident is known by."""
        return key_of(self.kind, self.about)


def key_of(kind: IncidentKind, about: str) -> str:
    """What one incident is known by: its kind and what it is about, cut so that a store can keep it."""
    key = f"{kind.name}/{one_line(about)}"
    if len(key) <= MAX_KEY:
        return key
    return f"{key[: MAX_KEY - 33]}/{hashlib.sha256(key.encode()).hexdigest()[:32]}"


class Status(Enum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """Somebody works on it."""
    RESOLVED = "resolved"


class Stage(Enum):
    """What a sink is told of an incident, each at most once and in this order."""

    OPENED = "opened"
    ESCALATED = "escalated"
    """Nobody acknowledged it in time: told to the next contact."""
    OVERDUE = "overdue"
    """It is not over within the time of its class."""
    RESOLVED = "resolved"


def _nobody() -> Mapping[str, Stage]:
    return {}


def _no_claims() -> Mapping[str, datetime]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident with its whole life.

    ``id``: given by the store, 0 before. ``count``: how often it was found. ``told``: sinks by name, and what they were
    told last. ``claims``: sinks that some process is telling right now, and until when that is its task alone.
    ``version``: counts the writes, so that two processes cannot overwrite each other.
    """

    id: int = 0
    version: int = 0
    kind: str
    fault_class: FaultClass
    title: str
    runbook: str
    key: str
    summary: str
    partner: str = ""
    account: str = ""
    ref: str = ""
    operation: str = ""
    status: Status = Status.OPEN
    count: int = 1
    opened_at: datetime
    last_at: datetime
    response_s: float
    recovery_s: float
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    resolved_at: datetime | None = None
    resolved_by: str = ""
    note: str = ""
    told: Mapping[str, Stage] = field(default_factory=_nobody)
    claims: Mapping[str, datetime] = field(default_factory=_no_claims)
    settled: bool = False
    """Whether it is resolved and everybody who was told of it knows that."""

    @property
    def respond_by(self) -> datetime:
        """Until when somebody must acknowledge it."""
        return self.opened_at + timedelta(seconds=self.response_s)

    @property
    def recover_by(self) -> datetime:
        """Until when it must be over."""
        return self.opened_at + timedelta(seconds=self.recovery_s)

    @property
    def live(self) -> bool:
        """Whether it is not resolved."""
        return self.status is not Status.RESOLVED


def from_trouble(trouble: Trouble, targets: Mapping[FaultClass, Target] = TARGETS) -> Incident:
    """The incident that a first finding opens."""
    kind, target = trouble.kind, targets[trouble.kind.fault_class]
    return Incident(
        kind=kind.name,
        fault_class=kind.fault_class,
        title=kind.title,
        runbook=kind.runbook,
        key=trouble.key,
        summary=one_line(trouble.summary),
        partner=trouble.partner,
        account=trouble.account,
        ref=trouble.ref,
        operation=trouble.operation,
        count=trouble.count,
        opened_at=trouble.at,
        last_at=trouble.at,
        response_s=target.response_s,
        recovery_s=target.recovery_s,
    )


def one_line(text: str) -> str:
    """``text`` without line breaks and control characters, cut to what a message holds."""
    plain = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return plain if len(plain) <= MAX_SUMMARY else f"{plain[: MAX_SUMMARY - 3]}..."
