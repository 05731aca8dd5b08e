"""One transaction on the journal, in SQL. What the methods promise stands in :mod:`payport.sdk.journal.session`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

from payport.sdk.errors import JournalConflict, JournalError
from payport.sdk.journal import rows
from payport.sdk.journal.audit_entries import acknowledged, notice_kept, transition
from payport.sdk.journal.audit_part import AuditPart
from payport.sdk.journal.driver import Row
from payport.sdk.journal.engine import STORAGE_ERRORS, storage_error
from payport.sdk.journal.recent import Image
from payport.sdk.journal.records import Debt, Notice, Operation, Transition, evolve
from payport.sdk.journal.rules import check_history, check_new, check_successor

if TYPE_CHECKING:
    from payport.sdk.audit.record import Entry
    from payport.sdk.journal.audit_part import Auditing
    from payport.sdk.journal.driver import Cursor
    from payport.sdk.journal.engine import Database
    from payport.sdk.journal.sealing import SealingKeys
    from payport.sdk.journal.session import Lease
    from payport.sdk.journal.statements import Statement


class SqlSession:
    """Reads and writes through one cursor, inside a transaction that somebody else begins and ends."""

    __slots__ = ("_cursor", "_keys", "_recent", "_seen", "_sql", "audit")

    def __init__(
        self,
        cursor: Cursor,
        database: Database,
        keys: SealingKeys | None,
        auditing: Auditing,
        *,
        actor: str = "",
        at_once: bool = False,
    ) -> None:
        self._cursor: Cursor | None = cursor
        self._sql = database.statements
        self._recent = database.recent
        self._keys = keys
        # what this transaction read of an operation stays true until it ends: nobody else can write meanwhile
        self._seen: dict[str, Image] = {}
        self.audit = AuditPart(
            auditing, database.audit_statements, keys,
            read=self._read, write=self._write, actor=actor, at_once=at_once,
        )  # fmt: skip
        """The audit trail, as this transaction sees it."""

    def end(self) -> None:
        """Refuse everything from now on: the transaction is over."""
        self._cursor = None

    def debt(self, ref: str) -> Debt | None:
        """The debt of this reference, locked until the transaction ends."""
        found = self._read("read a debt", self._sql.debt, {"ref": ref})
        return rows.read_debt(found[0]) if found else None

    def add_debt(self, debt: Debt) -> None:
        """Write a debt."""
        self._write(f"add debt {debt.ref}", self._sql.add_debt, {"ref": debt.ref, "body": rows.encode(debt)})

    def open_debt(self, debt: Debt) -> Debt | None:
        """The debt that had this reference before; ``None`` when there was none, and this one is written."""
        values = {"ref": debt.ref, "body": rows.encode(debt)}
        return None if self._write(f"add debt {debt.ref}", self._sql.open_debt, values) == 1 else self.debt(debt.ref)

    def operation(self, operation_id: str) -> Operation | None:
        """One operation with its steps."""
        found = self._operations(self._sql.operation, {"id": operation_id})
        return found[0] if found else None

    def latest(self, operation: Operation) -> Operation:
        """An operation as it stands now, without reading it where this process wrote or read it last."""
        image = self._recent.image(operation) if operation.id not in self._seen else None
        if image is not None:
            self._seen[operation.id] = image
            return operation
        found = self.operation(operation.id)
        if found is None:
            raise JournalError(f"operation {operation.id} is not in the journal any more")
        return found

    def operations(self, ref: str) -> Sequence[Operation]:
        """Every operation of a debt, oldest first."""
        return self._operations(self._sql.operations, rows.ids_of_debt(ref))

    def by_partner_ref(self, account: str, partner_ref: str) -> Sequence[Operation]:
        """The operations that the partner knows under this reference, oldest first."""
        return self._operations(self._sql.by_partner_ref, {"account": account, "partner_ref": partner_ref})

    def add(
        self,
        operation: Operation,
        *,
        source: str,
        detail: Mapping[str, str],
        now: datetime,
        lease: Lease | None = None,
        personal: Mapping[str, str] | None = None,
    ) -> None:
        """Write a new operation, its first lease and its first transition."""
        check_new(operation)
        sealed = rows.seal_secrets(operation, self._keys)
        row = rows.operation_row(operation, sealed)
        row["owner"], row["ttl_us"] = (None, None) if lease is None else (lease.owner, _micros(lease.ttl_s))
        self._write(f"add operation {operation.id}", self._sql.add_operation, row)
        self._tell(operation, None, source, detail, now, personal)
        self._wrote(operation, row, sealed)

    def save(
        self,
        operation: Operation,
        *,
        source: str,
        detail: Mapping[str, str],
        now: datetime,
        release: str | None = None,
    ) -> Operation:
        """Write the successor of an operation and its transition, and give a lease back."""
        stored = self._stored(operation.id)
        before = stored.operation
        if before.version != operation.version:
            raise JournalConflict(f"operation {operation.id} is at version {before.version}, not {operation.version}")
        check_successor(before, operation)
        after = evolve(operation, version=operation.version + 1)
        if operation.state.final:  # nothing that it needed to go on is kept
            after = evolve(after, steps=rows.without_requests(operation.steps), action=None)
        sealed = rows.seal_secrets(after, self._keys, (before, stored.sealed))
        row = rows.operation_row(after, sealed)
        row["p_id"], row["p_version"], row["owner"] = operation.id, operation.version, release
        statement = self._sql.save if release is None else self._sql.save_and_release
        if self._write(f"save operation {operation.id}", statement, row) != 1:
            raise JournalConflict(f"operation {operation.id} was changed by another writer")
        self._tell(after, before, source, detail, now)
        self._wrote(after, row, sealed)
        return after

    def lease(self, operation_id: str, owner: str, ttl_s: float) -> bool:
        """Take or renew the right to send, on the database's clock."""
        values = {"p_id": operation_id, "owner": owner, "ttl_us": _micros(ttl_s)}
        return self._write("lease an operation", self._sql.lease, values) == 1

    def release(self, operation_id: str, owner: str) -> None:
        """Give the right back, if it is still ours."""
        self._write("release an operation", self._sql.release, {"p_id": operation_id, "owner": owner})

    def due(self, account: str, now: datetime, limit: int) -> Sequence[Operation]:
        """Operations of an account to be driven now; one without ``next_at`` is due from its creation."""
        values = {"standing": rows.DRIVEN, "account": account, "now": rows.micros(now), "limit": limit}
        return self._operations(self._sql.due, values)

    def open_operations(self, account: str | None = None) -> Sequence[Operation]:
        """Every operation that is not final, oldest first."""
        if account is None:
            return self._operations(self._sql.open_all, {})
        return self._operations(self._sql.open_account, {"account": account})

    def history(self, ref: str) -> Sequence[Transition]:
        """Every transition of a debt's operations in order, checked for gaps and steps back."""
        lines = self._read("read a history", self._sql.history, rows.ids_of_debt(ref))
        found = [rows.read_transition(row) for row in lines]
        check_history(found)
        return found

    def undelivered(self, limit: int) -> Sequence[Transition]:
        """Transitions not yet acknowledged by the caller, oldest first."""
        found = self._read("read changes", self._sql.undelivered, {"limit": limit})
        return [rows.read_transition(row) for row in found]

    def delivered(self, ids: Sequence[int]) -> None:
        """Mark transitions as acknowledged."""
        for number in ids:
            self._write("acknowledge a change", self._sql.delivered, {"p_id": number})
        if ids:
            self.audit.note(acknowledged(ids))

    def add_notice(self, notice: Notice) -> bool:
        """Keep a verified notification; false when it was kept before."""
        row = rows.notice_row(notice, self._keys)
        if self._read("look for a notice", self._sql.notice, row)[0][0]:
            return False
        self._write("keep a notice", self._sql.add_notice, row)
        self.audit.note(notice_kept(notice))
        return True

    def notices(self, account: str, *, applied: bool | None = None, partner_ref: str | None = None) -> Sequence[Notice]:
        """Kept notifications, oldest first."""
        values: dict[str, object] = {
            "account": account,
            "this": int(bool(applied)),
            "or": int(applied is not False),
            "partner_ref": partner_ref,
        }
        statement = self._sql.notices if partner_ref is None else self._sql.notices_by_partner_ref
        return [rows.read_notice(row, self._keys) for row in self._read("read notices", statement, values)]

    def notice_applied(self, account: str, event_id: str) -> None:
        """Mark a notification as applied."""
        values = {"p_account": account, "p_event_id": event_id}
        self._write("mark a notice as applied", self._sql.notice_applied, values)

    def note(self, entry: Entry) -> None:
        """Record something in the audit trail that is no transition."""
        self.audit.note(entry)

    def _tell(
        self,
        operation: Operation,
        before: Operation | None,
        source: str,
        detail: Mapping[str, str],
        now: datetime,
        personal: Mapping[str, str] | None = None,
    ) -> None:
        values: dict[str, object] = {
            "operation": operation.id,
            "version": operation.version,
            "state": operation.state.value,
            "at": rows.micros(now),
            "delivered": 0,
            "body": rows.encode_lesson(source, detail),
        }
        self._write(f"tell of operation {operation.id}", self._sql.add_transition, values)
        self.audit.note(transition(operation, before, source, detail, now, personal))

    def _wrote(self, operation: Operation, row: Mapping[str, object], sealed: bytes | None) -> None:
        as_read = rows.as_read(operation, self._keys, sealed)
        self._saw(Image(operation, as_read, row["body"], sealed))

    def _operations(self, statement: Statement, values: Mapping[str, object]) -> list[Operation]:
        found: list[Operation] = []
        for row in self._read("read operations", statement, values):
            operation = rows.read_operation(row, self._keys, self._recent)
            self._saw(Image(operation, operation, row[8], row[9] if isinstance(row[9], bytes) else None))
            found.append(operation)
        return found

    def _saw(self, image: Image) -> None:
        self._seen[image.operation.id] = image
        self._recent.keep(image)

    def _stored(self, operation_id: str) -> Image:
        if operation_id not in self._seen and self.operation(operation_id) is None:
            raise JournalError(f"operation {operation_id} is not in the journal")
        return self._seen[operation_id]

    def _read(self, doing: str, statement: Statement, values: Mapping[str, object]) -> list[Row]:
        cursor = self._cursor or _over()
        try:
            cursor.execute(statement.sql, statement.bound(values))
            return cursor.fetchall()
        except STORAGE_ERRORS as error:
            raise storage_error(error, doing) from error

    def _write(self, doing: str, statement: Statement, values: Mapping[str, object]) -> int:
        cursor = self._cursor or _over()
        try:
            cursor.execute(statement.sql, statement.bound(values))
        except STORAGE_ERRORS as error:
            raise storage_error(error, doing) from error
        return cursor.rowcount


def _micros(seconds: float) -> int:
    return round(seconds * 1_000_000)


def _over() -> NoReturn:
    raise JournalError("this transaction is over: use the session only inside the work it was given to")
