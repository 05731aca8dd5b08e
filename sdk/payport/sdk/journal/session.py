"""One transaction on the journal, as operations see it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from payport.sdk.errors import JournalError
from payport.sdk.journal.records import Debt, Notice, Operation, Transition

if TYPE_CHECKING:
    from payport.sdk.audit.exchanges import RawExchange
    from payport.sdk.audit.record import Entry
    from payport.sdk.journal.measure_part import MeasurePart
    from payport.sdk.journal.operating_part import OperatingPart

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to send for an operation, for so many seconds on the database's clock."""

    owner: str
    ttl_s: float


class Unreadable(JournalError):
    """A row of an operation is damaged, or sealed with a key that was not given. ``operation``: its id."""

    def __init__(self, operation: str, why: str) -> None:
        super().__init__(why)
        self.operation = operation


class Session(Protocol):
    """Reads and writes inside one transaction. Nothing is durable until the transaction is, and then all of it is.

    What a writing transaction reads of a debt stays as it is until it ends: it holds the payment's lock, the row of the
    debt, from the first touch on. Every method may raise :class:`payport.sdk.errors.JournalError` when the storage
    fails; nothing of the transaction is kept then.
    """

    @property
    def operating(self) -> OperatingPart:
        """What is kept for operating: incidents, holds, and the stream of transitions."""
        ...

    @property
    def measures(self) -> MeasurePart:
        """Counts for scorecards."""
        ...

    def debt(self, ref: str) -> Debt | None:
        """The debt of this reference, its row locked until the transaction ends (the payment's lock)."""
        ...

    def add_debt(self, debt: Debt) -> None:
        """Write a debt. Raises :class:`payport.sdk.errors.JournalConflict` when the reference is taken."""
        ...

    def open_debt(self, debt: Debt) -> Debt | None:
        """The debt that has this reference, as by :meth:`debt`; ``None`` when none had, and this one is written."""
        ...

    def whole(self, work: Callable[[], T]) -> T:
        """Do this part of the work whole, or, when it raises, none of it: the transaction may go on without it."""
        ...

    def operation(self, operation_id: str) -> Operation | None:
        """One operation with its steps; sealed requests opened where the key is at hand."""
        ...

    def latest(self, operation: Operation) -> Operation:
        """An operation as it stands now, given how this process saw it last, without reading it where that was so.

        What is decided on it must be saved in this transaction: :meth:`save` compares the versions, and raises
        :class:`payport.sdk.errors.JournalConflict` where another process was here meanwhile. Read it then.
        """
        ...

    def operations(self, ref: str) -> Sequence[Operation]:
        """Every operation of a debt, oldest first."""
        ...

    def by_partner_ref(self, account: str, partner_ref: str) -> Sequence[Operation]:
        """The operations that the partner knows under this reference, oldest first."""
        ...

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
        """Write a new operation at version 0 and its first transition, with ``lease`` taken from the beginning.

        ``personal``: what the audit trail may tell of the payer, where the journal records that at all.

        Raises :class:`payport.sdk.errors.JournalConflict` when the id or (account, verb, partner reference) is taken.
        """
        ...

    def save(
        self,
        operation: Operation,
        *,
        source: str,
        detail: Mapping[str, str],
        now: datetime,
        release: str | None = None,
    ) -> Operation:
        """Write the successor of ``operation.version`` and its transition; answers it with the new version.

        ``release``: whose lease is given back with it, if they still hold it.

        Raises :class:`payport.sdk.errors.JournalConflict` when another writer was first, and
        :class:`payport.sdk.errors.JournalError` when a state would move backwards or a final one would change.
        Drops the steps' sealed requests when the state is final.
        """
        ...

    def postpone(self, operation: Operation, *, release: str | None = None) -> None:
        """Write when an operation of this version is looked at next, and how often it was asked about: no transition.

        ``release``: as of :meth:`save`, and so are the errors; one more when anything else changed.
        """
        ...

    def lease(self, operation_id: str, owner: str, ttl_s: float) -> bool:
        """Take or renew the right to send for an operation, on the database's clock; false while another holds it."""
        ...

    def release(self, operation_id: str, owner: str) -> None:
        """Give the right back, if it is still ours."""
        ...

    def claim(
        self, account: str, now: datetime, *, owner: str, ttl_s: float, passing: Collection[str] = ()
    ) -> Operation | None:
        """Lease what is due the longest, or ``None`` when nothing is: any number of workers share the work so.

        Due is an operation of the account that is not final, not leased, not left to a person, and whose time has come
        by ``now``. What is in doubt and may be sent again for minutes only goes before everything else. Those that
        somebody is writing at this moment, and those in ``passing``, are passed over. Raises :class:`Unreadable` for
        one that cannot be read: whoever passes it over gets the next.
        """
        ...

    def open_operations(self, account: str | None = None) -> Sequence[Operation]:
        """Every operation that is not final, those left to a person included, oldest first."""
        ...

    def history(self, ref: str) -> Sequence[Transition]:
        """Every transition of a debt's operations in order."""
        ...

    def undelivered(self, limit: int) -> Sequence[Transition]:
        """Transitions not yet acknowledged by the caller, oldest first."""
        ...

    def delivered(self, ids: Sequence[int]) -> None:
        """Mark transitions as acknowledged."""
        ...

    def add_notice(self, notice: Notice) -> bool:
        """Keep a verified notification; false when it was kept before."""
        ...

    def notices(self, account: str, *, applied: bool | None = None, partner_ref: str | None = None) -> Sequence[Notice]:
        """Kept notifications, oldest first."""
        ...

    def note(self, entry: Entry) -> None:
        """Record something in the audit trail that is no transition; those are recorded by themselves."""
        ...

    def keep_exchange(self, exchange: RawExchange) -> None:
        """Keep what went over the wire, sealed, where the journal does that, and record its digest."""
        ...

    def notice_applied(self, account: str, event_id: str) -> None:
        """Mark a notification as applied."""
        ...
