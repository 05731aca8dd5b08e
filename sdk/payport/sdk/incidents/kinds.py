"""What can go wrong, in classes: how fast somebody must answer, how fast it must be over, which page says what to do.

The set of kinds is open. Whoever finds trouble of another kind makes an :class:`IncidentKind` of their own and reports
it; a stored incident carries everything that is shown of it, so no process needs to know the kinds of another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S


class FaultClass(Enum):
    """How bad a fault is, the worst first."""

    CRITICAL = "critical"
    """Money may be wrong, or nothing can be paid."""
    MAJOR = "major"
    """Payments fail or stay in doubt, or somebody may be abusing them."""
    MINOR = "minor"
    """Nothing fails yet: a date comes near, a guard is weaker than it should be."""

    def covers(self, other: FaultClass) -> bool:
        """Whether ``other`` is at least as bad: who wants to hear of this class hears of that one too."""
        return _RANK[other] <= _RANK[self]


_RANK = {member: at for at, member in enumerate(FaultClass)}


@dataclass(frozen=True, slots=True)
class Target:
    """``response_s``: until somebody has acknowledged it. ``recovery_s``: until it is over."""

    response_s: float
    recovery_s: float


TARGETS: Mapping[FaultClass, Target] = MappingProxyType(
    {
        FaultClass.CRITICAL: Target(0.5 * HOUR_S, 4 * HOUR_S),
        FaultClass.MAJOR: Target(2 * HOUR_S, 4 * HOUR_S),
        FaultClass.MINOR: Target(DAY_S, 14 * DAY_S),
    }
)
"""A fault is answered within two hours and over within four; what is critical is answered faster.

``MINOR`` is no fault yet: a certificate that ends in a month is renewed within two weeks, and is another, ``MAJOR``
incident once it has ended.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentKind:
    """One kind of incident. ``name``: lower case with underscores, stable, for rules of receivers. ``title``: in words.

    ``runbook``: where it stands what to do, in the documents of this library or an address of your own.
    """

    name: str
    fault_class: FaultClass
    title: str
    runbook: str


def _kind(name: str, fault_class: FaultClass, title: str) -> IncidentKind:
    return IncidentKind(
        name=name, fault_class=fault_class, title=title, runbook=f"docs/alerts.md#{name.replace('_', '-')}"
    )


MISMATCH = _kind("mismatch", FaultClass.CRITICAL, "A partner answered about something else than was asked")
SURPLUS_PAYMENT = _kind("surplus_payment", FaultClass.CRITICAL, "A debt was paid more than once")
SIGNATURE_FAILURES = _kind("signature_failures", FaultClass.CRITICAL, "A partner's replies are not authentic")
STORAGE_FAILED = _kind("storage_failed", FaultClass.CRITICAL, "The journal cannot be read or written")
FORGED_NOTICES = _kind("forged_notices", FaultClass.MAJOR, "Notifications arrive that are not authentic")
UNKNOWN_AGEING = _kind("unknown_ageing", FaultClass.MAJOR, "Payments have been in doubt for too long")
OPERATION_FOR_PERSON = _kind("operation_for_person", FaultClass.MAJOR, "An operation waits for a person")
BREAKER_OPEN = _kind("breaker_open", FaultClass.MAJOR, "A partner is left alone because it failed too often")
BUDGET_BURNT = _kind("budget_burnt", FaultClass.MAJOR, "A partner misses its targets")
ABNORMAL_TRANSACTION = _kind("abnormal_transaction", FaultClass.MAJOR, "A transaction looks abnormal")
PERMISSION_REFUSED = _kind("permission_refused", FaultClass.MAJOR, "Somebody keeps trying what they may not do")
CERTIFICATE_EXPIRED = _kind("certificate_expired", FaultClass.MAJOR, "A certificate or key has run out")
RECORD_EXPIRED = _kind("record_expired", FaultClass.MAJOR, "A partner's licence or agreement has run out")
ALERT_SINK_FAILED = _kind("alert_sink_failed", FaultClass.MAJOR, "Alerts do not arrive")
CERTIFICATE_EXPIRING = _kind("certificate_expiring", FaultClass.MINOR, "A certificate or key will run out")
RECORD_EXPIRING = _kind("record_expiring", FaultClass.MINOR, "A partner's licence or agreement will run out")
LIMITS_DEGRADED = _kind("limits_degraded", FaultClass.MINOR, "Call limits are kept per process, not over all")
EVENTS_DROPPED = _kind("events_dropped", FaultClass.MINOR, "Events came faster than they were looked at")

KINDS = (
    MISMATCH, SURPLUS_PAYMENT, SIGNATURE_FAILURES, STORAGE_FAILED, FORGED_NOTICES, UNKNOWN_AGEING, OPERATION_FOR_PERSON,
    BREAKER_OPEN, BUDGET_BURNT, ABNORMAL_TRANSACTION, PERMISSION_REFUSED, CERTIFICATE_EXPIRED, RECORD_EXPIRED,
    ALERT_SINK_FAILED, CERTIFICATE_EXPIRING, RECORD_EXPIRING, LIMITS_DEGRADED, EVENTS_DROPPED,
)  # fmt: skip
"""The kinds that this library raises by itself."""
