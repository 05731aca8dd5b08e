"""What operating reads and writes inside a transaction: incidents, holds, and the stream of transitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, cast

from payport.schemas.sparse import sparse_text
from payport.sdk.errors import JournalConflict, JournalError
from payport.sdk.incidents.records import Incident
from payport.sdk.journal import rows
from payport.sdk.journal.driver import Row
from payport.sdk.journal.records import Operation, State
from payport.sdk.watch.holds import Hold
from payport.sdk.watch.tail import Streamed

if TYPE_CHECKING:
    from payport.sdk.audit.record import Entry
    from payport.sdk.journal.operating_statements import OperatingStatements
    from payport.sdk.journal.statements import Statement

Read = Callable[[str, "Statement", Mapping[str, object]], list[Row]]
Write = Callable[[str, "Statement", Mapping[str, object]], int]


class OperatingPart:
    """One transaction's view of what is operated. ``read``, ``write``: how it speaks to the database.

    ``note``: how it records something in the audit trail.
    """

    __slots__ = ("_note", "_read", "_sql", "_write")

    def __init__(
        self, statements: OperatingStatements, *, read: Read, write: Write, note: Callable[[Entry], None]
    ) -> None:
        self._sql = statements
        self._read = read
        self._write = write
        self._note = note

    # incidents: what the methods promise stands in payport.sdk.incidents.store

    def incident(self, incident_id: int) -> Incident | None:
        """One incident."""
        found = self._incidents(self._sql.incident, {"id": incident_id})
        return found[0] if found else None

    def latest_incident(self, key: str) -> Incident | None:
        """The newest incident of this key."""
        found = self._incidents(self._sql.latest_incident, {"key": key})
        return found[0] if found else None

    def unsettled_incidents(self, limit: int) -> Sequence[Incident]:
        """Those that are not settled, oldest first."""
        return self._incidents(self._sql.unsettled_incidents, {"limit": limit})

    def recent_incidents(self, limit: int) -> Sequence[Incident]:
        """The newest ones, newest first."""
        return self._incidents(self._sql.recent_incidents, {"limit": limit})

    def add_incident(self, incident: Incident) -> Incident:
        """Write a new one; answers it with its id."""
        added = replace(incident, id=0, version=0)
        self._write("open an incident", self._sql.add_incident, {"key": added.key, **_incident_row(added)})
        found = self.latest_incident(added.key)
        if found is None:
            raise JournalError(f"incident {added.key} is not there after it was written")
        return found

    def save_incident(self, incident: Incident) -> Incident:
        """Write the successor of a version."""
        after = replace(incident, version=incident.version + 1)
        values = {**_incident_row(after), "p_id": incident.id, "p_version": incident.version}
        if self._write(f"save incident {incident.id}", self._sql.save_incident, values) != 1:
            raise JournalConflict(f"incident {incident.id} was changed by another writer")
        return after

    def note(self, entry: Entry) -> None:
        """Record something in the audit trail."""
        self._note(entry)

    def _incidents(self, statement: Statement, values: Mapping[str, object]) -> list[Incident]:
        return [_read_incident(row) for row in self._read("read incidents", statement, values)]

    # holds

    def hold(self, ref: str) -> Hold | None:
        """How an order is held, or was."""
        found = self._read("read a hold", self._sql.hold, {"ref": ref})
        return _read_hold(found[0]) if found else None

    def holds(self, limit: int) -> Sequence[Hold]:
        """The orders that are held, by their references."""
        return [_read_hold(row) for row in self._read("read holds", self._sql.holds, {"limit": limit})]

    def keep_hold(self, hold: Hold) -> None:
        """Write a hold, or what became of it."""
        row = {"released": int(hold.released), "body": _text(hold)}
        if self._write(f"hold {hold.ref}", self._sql.add_hold, {"ref": hold.ref, **row}) == 0:
            self._write(f"save the hold of {hold.ref}", self._sql.save_hold, {"p_ref": hold.ref, **row})

    # the stream

    def place(self, reader: str) -> int | None:
        """Up to which number a reader has read; ``None`` when it never did."""
        found = self._read("read a cursor", self._sql.cursor, {"name": reader})
        return cast("int", found[0][0]) if found else None

    def keep_place(self, reader: str, number: int) -> None:
        """Remember it; never turned back."""
        if self._write("keep a cursor", self._sql.add_cursor, {"name": reader, "place": number}) == 0:
            self._write("move a cursor", self._sql.move_cursor, {"p_name": reader, "place": number})

    def streamed(self, after: int, limit: int) -> Sequence[Streamed]:
        """Transitions with larger numbers, in their order."""
        found = self._read("read the stream", self._sql.streamed, {"after": after, "limit": limit})
        return [_read_streamed(row) for row in found]

    def streamed_ids(self, first: int, last: int) -> Sequence[int]:
        """The numbers that are there, from ``first`` to ``last``."""
        found = self._read("read the stream", self._sql.streamed_ids, {"first": first, "last": last})
        return [cast("int", row[0]) for row in found]

    def newest(self) -> int:
        """The largest number of a transition, 0 when there is none."""
        return cast("int | None", self._read("read the stream", self._sql.newest, {})[0][0]) or 0

    def before(self, at: datetime) -> int:
        """A number after which everything since ``at`` lies: instants rise with the numbers, but for a few seconds."""
        low, high, wanted = 0, self.newest(), rows.micros(at)
        while low < high:
            middle = (low + high) // 2
            found = self._read("read the stream", self._sql.first_at, {"first": middle + 1})
            if found and cast("int", found[0][1]) < wanted:
                low = cast("int", found[0][0])
            else:
                high = middle
        return low


def _incident_row(incident: Incident) -> dict[str, object]:
    return {
        "live": incident.key if incident.live else None,
        "settled": int(incident.settled),
        "version": incident.version,
        "body": _text(incident),
    }


def _text(record: Incident | Hold) -> str:
    return rows.with_version(sparse_text(record))


def _read_incident(row: Row) -> Incident:
    name = f"incident {row[0]}"
    # its number is given by the database, after the body was written
    incident = replace(rows.decode(row[5], Incident, name), id=cast("int", row[0]))
    live = incident.key if incident.live else None
    if (incident.key, live, int(incident.settled), incident.version) != tuple(row[1:5]):
        raise JournalError(f"{name} in the journal contradicts itself: its columns and its body differ")
    return incident


def _read_hold(row: Row) -> Hold:
    name = f"the hold of {row[0]}"
    hold = rows.decode(row[2], Hold, name)
    if (hold.ref, int(hold.released)) != tuple(row[:2]):
        raise JournalError(f"{name} in the journal contradicts itself: its columns and its body differ")
    return hold


def _read_streamed(row: Row) -> Streamed:
    transition = rows.read_transition(row[:8])
    operation = rows.decode(row[9], Operation, rows.operation_name(transition.operation))
    before = None if row[8] is None else State(cast("str", row[8]))
    return Streamed(transition, before, operation)
