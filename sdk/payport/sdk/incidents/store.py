"""Where incidents are kept, so that all processes see one incident once: a port; in a journal, and in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import RLock
from typing import TYPE_CHECKING, Protocol, TypeVar

from payport.sdk.errors import JournalConflict
from payport.sdk.incidents.records import Incident

if TYPE_CHECKING:
    from payport.sdk.audit.record import Entry
    from payport.sdk.journal.store import Journal

T = TypeVar("T")


class IncidentSession(Protocol):
    """Reads and writes inside one transaction. May raise :class:`payport.sdk.errors.JournalError`."""

    def incident(self, incident_id: int) -> Incident | None:
        """One incident."""
        ...

    def latest_incident(self, key: str) -> Incident | None:
        """The newest incident of this key, over or not."""
        ...

    def unsettled_incidents(self, limit: int) -> Sequence[Incident]:
        """Those that are not settled, oldest first."""
        ...

    def recent_incidents(self, limit: int) -> Sequence[Incident]:
        """The newest ones, newest first."""
        ...

    def add_incident(self, incident: Incident) -> Incident:
        """Write a new one; answers it with its id.

        Raises :class:`payport.sdk.errors.JournalConflict` when another of its key is not resolved.
        """
        ...

    def save_incident(self, incident: Incident) -> Incident:
        """Write the successor of ``incident.version``; answers it with the new version.

        Raises :class:`payport.sdk.errors.JournalConflict` when another writer was first.
        """
        ...

    def note(self, entry: Entry) -> None:
        """Record what a person decided in the audit trail, where there is one."""
        ...


class IncidentStore(Protocol):
    """Keeps incidents. Safe to use from any thread."""

    def write(self, work: Callable[[IncidentSession], T]) -> T:
        """Run ``work`` in one transaction, perhaps twice. Raises what it raises, with nothing written."""
        ...

    def read(self, work: Callable[[IncidentSession], T]) -> T:
        """Run ``work`` on one unchanging view."""
        ...


class JournalIncidents:
    """Incidents in the journal's own database: every process of the journal sees one incident once."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def write(self, work: Callable[[IncidentSession], T]) -> T:
        """See :class:`IncidentStore`."""
        return self._journal.write(lambda session: work(session.operating))

    def read(self, work: Callable[[IncidentSession], T]) -> T:
        """See :class:`IncidentStore`."""
        return self._journal.read(lambda session: work(session.operating))


class MemoryIncidents:
    """Incidents of this process, forgotten when it ends: for tests, and while the database cannot be reached."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._kept: dict[int, Incident] = {}

    def write(self, work: Callable[[IncidentSession], T]) -> T:
        """See :class:`IncidentStore`."""
        with self._lock:
            before = dict(self._kept)
            try:
                return work(self)
            except BaseException:
                self._kept = before
                raise

    def read(self, work: Callable[[IncidentSession], T]) -> T:
        """See :class:`IncidentStore`."""
        return self.write(work)

    def incident(self, incident_id: int) -> Incident | None:
        """One incident."""
        return self._kept.get(incident_id)

    def latest_incident(self, key: str) -> Incident | None:
        """The newest incident of this key."""
        return next((each for each in reversed(self._kept.values()) if each.key == key), None)

    def unsettled_incidents(self, limit: int) -> Sequence[Incident]:
        """Those that are not settled, oldest first."""
        return [each for each in self._kept.values() if not each.settled][:limit]

    def recent_incidents(self, limit: int) -> Sequence[Incident]:
        """The newest ones, newest first."""
        return list(reversed(self._kept.values()))[:limit]

    def add_incident(self, incident: Incident) -> Incident:
        """Write a new one."""
        latest = self.latest_incident(incident.key)
        if latest is not None and latest.live:
            raise JournalConflict(f"incident {latest.id} of {incident.key} is not resolved")
        added = replace(incident, id=len(self._kept) + 1)
        self._kept[added.id] = added
        return added

    def save_incident(self, incident: Incident) -> Incident:
        """Write the successor of a version."""
        before = self._kept.get(incident.id)
        if before is None or before.version != incident.version:
            raise JournalConflict(f"incident {incident.id} was changed by another writer")
        after = replace(incident, version=incident.version + 1)
        self._kept[after.id] = after
        return after

    def note(self, entry: Entry) -> None:
        """Nothing: a process that keeps its incidents to itself has no trail."""
