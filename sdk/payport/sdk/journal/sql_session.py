"""One transaction on the journal, in SQL. What the methods promise stands in :mod:`payport.sdk.journal.session`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn, TypeVar

from payport.sdk.errors import JournalConflict, JournalError
from payport.sdk.journal import rows
from payport.sdk.journal.audit_entries import acknowledged, notice_kept, transition
from payport.sdk.journal.audit_part import AuditPart
from payport.sdk.journal.driver import Row
from payport.sdk.journal.measure_part import MeasurePart
from payport.sdk.journal.operating_part import OperatingPart
from payport.sdk.journal.recent import Image
from payport.sdk.journal.records import Debt, Notice, Operation, Transition, evolve
from payport.sdk.journal.rules import check_history, check_new, check_postponed, check_successor
from payport.sdk.journal.session import Unreadable
from payport.sdk.journal.statements import Statement

if TYPE_CHECKING:
    from payport.sdk.audit.exchanges import RawExchange
    from payport.sdk.audit.record import Entry
    from payport.sdk.journal.driver import Cursor
    from payport.sdk.journal.engine import Database
    from payport.sdk.journal.sealing import SealingKeys
    from payport.sdk.journal.session import Lease

T = TypeVar("T")

CANDIDATES = 20
"""So many due operations are tried in turn when others are at them at this moment: more than workers usually are."""

_SAVEPOINT, _UNDO, _RELEASE = (
    Statement(f"{what} payport_part", (), {}) for what in ("SAVEPOINT", "ROLLBACK TO SAVEPOINT", "RELEASE SAVEPOINT")
)


class SqlSession:
    """Reads and writes through one cursor, inside a transaction that somebody else begins and ends.

    ``locks``: where others write at the same moment, the debt's row is locked before anything of the debt is touched.
    So what a transaction read of a debt stays true until it ends, as it does where there is one writer. ``actor``: on
    whose behalf, for the audit trail. ``at_once``: record there at once, because nobody will say when the work is done.
    """

    __slots__ = (
        "_actor", "_at_once", "_audit", "_cursor", "_database", "_keys", "_locked", "_recent", "_seen", "_sql",
        "failure",
    )  # fmt: skip

    def __init__(
        self,
        cursor: Cursor,
        database: Database,
        keys: SealingKeys | None,
        *,
        locks: bool = False,
        actor: str = "",
        at_once: bool = False,
    ) -> None:
        self._cursor: Cursor | None = cursor
        self._database = database
        self._sql = database.spoken.payments
        self._recent = database.recent
        self._keys = keys
        self._seen: dict[str, Image] = {}
        self._locked: set[str] | None = set() if locks else None
        self._actor = actor
        self._at_once = at_once
        self._audit: AuditPart | None = None
        self.failure: JournalError | None = None
        """What the storage failed with. The transaction must be rolled back then, whatever its work made of it."""

    @property
    def operating(self) -> OperatingPart:
        """What is kept for operating."""
        return OperatingPart(self._database.spoken.operating, read=self._read, write=self._write, note=self.note)

    @property
    def measures(self) -> MeasurePart:
        """Counts for scorecards."""
        return MeasurePart(self._database.spoken.measures, read=self._read, write=self._write)

    def end(self) -> None:
        """Refuse everything from now on: the transaction is over."""
        self._cursor = None

    @property
    def audit(self) -> AuditPart:
        """The audit trail, as this transaction sees it."""
        if self._audit is None:
            self._audit = AuditPart(
                self._database, self._keys, read=self._read, write=self._write, actor=self._actor, at_once=self._at_once
            )
        return self._audit

    @property
    def tells(self) -> bool:
        """Whether anything was done that is to be recorded."""
        return self._audit is not None and self._audit.told

    def note(self, entry: Entry) -> None:
        """Record something in the audit trail that is no transition."""
        self.audit.note(entry)

    def keep_exchange(self, exchange: RawExchange) -> None:
        """Keep what went over the wire, sealed, where the journal does that."""
        self.audit.keep_exchange(exchange, next(iter(self._seen), ""))

    def debt(self, ref: str) -> Debt | None:
        """The debt of this reference, locked until the transaction ends."""
        found = self._debt(ref)
        return rows.read_debt(found[0]) if found else None

    def add_debt(self, debt: Debt) -> None:
        """Write a debt."""
        self._write(f"add debt {debt.ref}", self._sql.add_debt, {"ref": debt.ref, "body": rows.encode(debt)})

    def open_debt(self, debt: Debt) -> Debt | None:
        """The debt that had this reference before; ``None`` when there was none, and this one is written."""
        values = {"ref": debt.ref, "body": rows.encode(debt)}
        if self._write(f"add debt {debt.ref}", self._sql.open_debt, values) != 1:
            return self.debt(debt.ref)
        if self._locked is not None:
            self._locked.add(debt.ref)  # nobody else sees it before the transaction ends
        return None

    def whole(self, work: Callable[[], T]) -> T:
        """Do this part of the work whole, or none of it."""
        locked = None if self._locked is None else set(self._locked)
        self._write("begin a part", _SAVEPOINT, {})
        try:
            done = work()
        except Exception:
            if self.failure is None:
                self._write("undo a part", _UNDO, {})
                self._locked = locked  # what it locked, or made, is free again, or gone
            raise
        self._write("end a part", _RELEASE, {})
        return done

    def operation(self, operation_id: str) -> Operation | None:
        """One operation with its steps."""
        self._lock(_ref_of(operation_id))
        found = self._operations(self._sql.operation, {"id": operation_id})
        return found[0] if found else None

    def latest(self, operation: Operation) -> Operation:
        """An operation as it stands now, without reading it where this process wrote or read it last."""
        self._lock(operation.ref)
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
        self._lock(ref)
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
        self._lock(operation.ref)
        sealed = rows.seal_secrets(operation, self._keys)
        row = rows.operation_row(operation, sealed)
        row["owner"], row["ttl_us"] = (None, None) if lease is None else (lease.owner, _micros(lease.ttl_s))
        self._write(f"add operation {operation.id}", self._sql.add_operation, row)
        self._tell(operation, source, detail, now)
        self.audit.note(transition(operation, None, source, detail, now, personal))
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
        stored = self._stored(operation)
        before = stored.operation
        check_successor(before, operation)
        after = evolve(operation, version=operation.version + 1)
        if operation.state.final:  # nothing that it needed to go on is kept
            after = evolve(after, steps=rows.without_requests(operation.steps), action=None)
        self._overwrite(stored, after, release)
        self._tell(after, source, detail, now, news=not before.state.final or after.facts != before.facts)
        self.audit.note(transition(after, before, source, detail, now))
        return after

    def postpone(self, operation: Operation, *, release: str | None = None) -> None:
        """Write when an operation is looked at next and how often it was asked about, and give a lease back."""
        stored = self._stored(operation)
        check_postponed(stored.operation, operation)
        self._overwrite(stored, operation, release)

    def _overwrite(self, stored: Image, after: Operation, release: str | None) -> None:
        before = stored.operation
        sealed = rows.seal_secrets(after, self._keys, (before, stored.sealed))
        row = rows.operation_row(after, sealed)
        row["p_id"], row["p_version"], row["owner"] = before.id, before.version, release
        statement = self._sql.save if release is None else self._sql.save_and_release
        if self._write(f"save operation {before.id}", statement, row) != 1:
            raise JournalConflict(f"operation {before.id} was changed by another writer")
        self._wrote(after, row, sealed)

    def lease(self, operation_id: str, owner: str, ttl_s: float) -> bool:
        """Take or renew the right to send, on the database's clock."""
        self._lock(_ref_of(operation_id))
        values = {"p_id": operation_id, "owner": owner, "ttl_us": _micros(ttl_s)}
        return self._write("lease an operation", self._sql.lease, values) == 1

    def release(self, operation_id: str, owner: str) -> None:
        """Give the right back, if it is still ours."""
        self._write("release an operation", self._sql.release, {"p_id": operation_id, "owner": owner})

    def claim(
        self, account: str, now: datetime, *, owner: str, ttl_s: float, passing: Collection[str] = ()
    ) -> Operation | None:
        """What is due the longest, leased; an operation without ``next_at`` is due from its creation."""
        limit = CANDIDATES + len(passing)
        for standing in rows.DRIVEN_IN_ORDER:
            values = {"standing": standing, "account": account, "now": rows.micros(now), "limit": limit}
            for row in self._read("look for what is due", self._sql.due, values):
                name = str(row[0])
                if name in passing or not self._lock_if_free(_ref_of(name)):
                    continue
                found = self._readable(name)
                # looked for before it was locked: another may have settled or moved it
                if found is not None and rows.is_due(found, now) and self.lease(name, owner, ttl_s):
                    return found
        return None

    def _readable(self, operation_id: str) -> Operation | None:
        try:
            return self.operation(operation_id)
        except JournalError as error:
            if self.failure is not None:
                raise
            raise Unreadable(operation_id, str(error)) from error

    def open_operations(self, account: str | None = None) -> Sequence[Operation]:
        """Every operation that is not final, oldest first."""
        if account is None:
            return self._operations(self._sql.open_all, {})
        return self._operations(self._sql.open_account, {"account": account})

    def history(self, ref: str) -> Sequence[Transition]:
        """Every transition of a debt's operations in order, checked for gaps and steps back."""
        self._lock(ref)
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
        for number in sorted(ids):  # two that acknowledge the same take turns
            self._write("acknowledge a change", self._sql.delivered, {"p_id": number})
        if ids:
            self.audit.note(acknowledged(ids))

    def add_notice(self, notice: Notice) -> bool:
        """Keep a verified notification; false when it was kept before."""
        new = self._write("keep a notice", self._sql.add_notice, rows.notice_row(notice, self._keys)) == 1
        if new:
            self.audit.note(notice_kept(notice))
        return new

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
        values = {"p_account": account, "p_event_id": rows.event_column(event_id)}
        self._write("mark a notice as applied", self._sql.notice_applied, values)

    def _tell(
        self, operation: Operation, source: str, detail: Mapping[str, str], now: datetime, *, news: bool = True
    ) -> None:
        """``news``: whether the application is to hear of it, not of numbers alone that a final answer got."""
        values: dict[str, object] = {
            "operation": operation.id,
            "version": operation.version,
            "state": operation.state.value,
            "at": rows.micros(now),
            "delivered": 0 if news else 1,
            "body": rows.encode_lesson(source, detail),
        }
        self._write(f"tell of operation {operation.id}", self._sql.add_transition, values)

    def _wrote(self, operation: Operation, row: Mapping[str, object], sealed: bytes | None) -> None:
        as_read = rows.as_read(operation, self._keys, sealed)
        self._saw(Image(operation, as_read, row["body"], sealed))

    def _operations(self, statement: Statement, values: Mapping[str, object]) -> list[Operation]:
        found: list[Operation] = []
        for row in self._rows_of_locked_debts(statement, values):
            operation = rows.read_operation(row, self._keys, self._recent)
            self._saw(Image(operation, operation, row[8], row[9] if isinstance(row[9], bytes) else None))
            found.append(operation)
        return found

    def _rows_of_locked_debts(self, statement: Statement, values: Mapping[str, object]) -> list[Row]:
        found = self._read("read operations", statement, values)
        while self._locked is not None:
            unlocked = {str(row[1]) for row in found} - self._locked
            if not unlocked:
                break
            for ref in sorted(unlocked):
                if not self._debt(ref):
                    raise JournalError(f"{ref} has operations in the journal, but no debt")
            found = self._read("read operations", statement, values)
        return found

    def _debt(self, ref: str) -> list[Row]:
        if self._locked is None:
            return self._read("read a debt", self._sql.debt, {"ref": ref})
        found = self._read("lock a debt", self._sql.lock_debt, {"ref": ref})
        if found:
            self._locked.add(ref)
        return found

    def _lock(self, ref: str) -> None:
        """Take the lock of a payment, always before anything else of it: so nobody waits for one in a circle."""
        if self._locked is not None and ref not in self._locked:
            self._debt(ref)

    def _lock_if_free(self, ref: str) -> bool:
        """Take the lock of a payment unless somebody has it."""
        if self._locked is None or ref in self._locked:
            return True
        if not self._read("lock a debt", self._sql.lock_free_debt, {"ref": ref}):
            return False
        self._locked.add(ref)
        return True

    def _saw(self, image: Image) -> None:
        self._seen[image.operation.id] = image
        self._recent.keep(image)

    def _stored(self, operation: Operation) -> Image:
        """The row that this version of an operation is; a conflict when it is another one."""
        if operation.id not in self._seen and self.operation(operation.id) is None:
            raise JournalError(f"operation {operation.id} is not in the journal")
        stored = self._seen[operation.id]
        if stored.operation.version != operation.version:
            version = stored.operation.version
            raise JournalConflict(f"operation {operation.id} is at version {version}, not {operation.version}")
        return stored

    def _read(self, doing: str, statement: Statement, values: Mapping[str, object]) -> list[Row]:
        cursor = self._cursor or _over()
        try:
            cursor.execute(statement.sql, statement.bound(values))
            return cursor.fetchall()
        except self._database.backend.errors as error:
            raise self._failed(error, doing) from error

    def _write(self, doing: str, statement: Statement, values: Mapping[str, object]) -> int:
        cursor = self._cursor or _over()
        try:
            cursor.execute(statement.sql, statement.bound(values))
        except self._database.backend.errors as error:
            raise self._failed(error, doing) from error
        return cursor.rowcount

    def _failed(self, error: BaseException, doing: str) -> JournalError:
        """The transaction is over with the first error: a server undoes it, or refuses what follows."""
        self._cursor = None
        self.failure = self._database.error(error, doing)
        return self.failure


def _micros(seconds: float) -> int:
    return round(seconds * 1_000_000)


def _ref_of(operation_id: str) -> str:
    return operation_id.partition("/")[0]


def _over() -> NoReturn:
    raise JournalError(
        "this transaction is over: use the session only inside the work it was given to, and not after it failed"
    )
