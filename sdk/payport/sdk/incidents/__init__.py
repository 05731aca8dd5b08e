"""Incidents and alerts: what is wrong, in classes with response times, written down once and told until it is over.

Names load on first use, so that a settings file can be read without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from payport.sdk.lazy import lazily

if TYPE_CHECKING:
    from payport.sdk.incidents.alert import Alert, AlertSink, Gone, NotDelivered
    from payport.sdk.incidents.alerts import Alerts
    from payport.sdk.incidents.detecting import AtOnce, Ends, Rising
    from payport.sdk.incidents.detectors import Thresholds, usual_detectors
    from payport.sdk.incidents.kinds import TARGETS, FaultClass, IncidentKind, Target
    from payport.sdk.incidents.lifecycle import Contact
    from payport.sdk.incidents.outlets import Pace, Route
    from payport.sdk.incidents.records import Cleared, Incident, Trouble
    from payport.sdk.incidents.store import IncidentStore, JournalIncidents, MemoryIncidents

_HOME = {
    "Alert": "alert",
    "AlertSink": "alert",
    "Alerts": "alerts",
    "AtOnce": "detecting",
    "Cleared": "records",
    "Contact": "lifecycle",
    "Ends": "detecting",
    "FaultClass": "kinds",
    "Gone": "alert",
    "Incident": "records",
    "IncidentKind": "kinds",
    "IncidentStore": "store",
    "JournalIncidents": "store",
    "MemoryIncidents": "store",
    "NotDelivered": "alert",
    "Pace": "outlets",
    "Rising": "detecting",
    "Route": "outlets",
    "TARGETS": "kinds",
    "Target": "kinds",
    "Thresholds": "detectors",
    "Trouble": "records",
    "usual_detectors": "detectors",
}

__all__ = [
    "TARGETS",
    "Alert",
    "AlertSink",
    "Alerts",
    "AtOnce",
    "Cleared",
    "Contact",
    "Ends",
    "FaultClass",
    "Gone",
    "Incident",
    "IncidentKind",
    "IncidentStore",
    "JournalIncidents",
    "MemoryIncidents",
    "NotDelivered",
    "Pace",
    "Rising",
    "Route",
    "Target",
    "Thresholds",
    "Trouble",
    "usual_detectors",
]


__getattr__ = lazily(__name__, _HOME)
