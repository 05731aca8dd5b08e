"""The audit trail of a journal, for who verifies, exports, reports, archives and erases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar, cast

from payport.sdk.audit.chain import Chain, Place, Row
from payport.sdk.audit.heads import SignedHead
from payport.sdk.audit.record import Entry, What
from payport.sdk.audit.trail import BATCH
from payport.sdk.errors import AuditError
from payport.sdk.journal import rows

if TYPE_CHECKING:
    from payport.sdk.audit.policy import AuditPolicy
    from payport.sdk.journal.audit_part import AuditPart
    from payport.sdk.journal.session import Session
    from payport.sdk.journal.sql_session import SqlSession
    from payport.sdk.journal.store import Journal

T = TypeVar("T")

OUT: Final = 5000
"""So many records are taken out in one transaction: writers wait that long."""


class JournalTrail:
    """See :class:`payport.sdk.audit.trail.Trail`. ``actor``: on whose behalf it writes."""

    def __init__(self, journal: Journal, actor: str = "") -> None:
        self._journal = journal
        self._actor = actor

    def chains(self) -> Sequence[Chain]:
        """Every chain."""
        return [chain for chain, _ in self._read(lambda part: part.chains())]

    def rows(self, chain: int, after: int, limit: int) -> Sequence[Row]:
        """The next records of a chain."""
        return self._read(lambda part: part.records(chain, after, limit))

    def hash_at(self, chain: int, seq: int) -> bytes | None:
        """The hash at one place."""
        return self._read(lambda part: part.hash_at(chain, seq))

    def untold(self) -> Iterator[tuple[str, int]]:
        """Transitions with no record."""
        yield from self._read(lambda part: part.untold())

    def unfounded(self) -> Iterator[tuple[str, int]]:
        """Records with no transition, or with one that has others too."""
        yield from self._read(lambda part: part.unfounded())

    def between(self, begins: datetime, ends: datetime) -> Iterator[Row]:
        """Every record that was written in a time."""
        begins_us, ends_us = rows.micros(begins), rows.micros(ends)
        for chain in self.chains():
            after = chain.dropped.seq

            while found := self._batch(chain.chain, after, begins_us, ends_us):
                yield from found
                after = found[-1].seq

    def _batch(self, chain: int, after: int, begins_us: int, ends_us: int) -> Sequence[Row]:
        return self._read(lambda part: part.records_between(chain, after, begins_us, ends_us, BATCH))

    def of_debt(self, ref: str) -> Sequence[Row]:
        """Every record about a debt."""
        return self._read(lambda part: part.records_of_debt(ref))

    def personal(self, ref: str, sealed: str) -> Mapping[str, str] | None:
        """What a record of a debt tells of a person; ``None`` after it was erased."""
        return self._read(lambda part: part.personal(ref, sealed))

    def exchange(self, digest: str) -> bytes | None:
        """What an exchange held, by the digest in its record; that it was opened is recorded. ``None``: it is gone."""
        found = self._read(lambda part: part.exchange(digest))
        result = "opened" if found else "nothing_there"
        self.note(Entry(what=What.EXCHANGE_OPENED, result=result, at=datetime.now(UTC), detail={"sha256": digest}))
        return found

    def drop_exchanges(self, before: datetime) -> int:
        """Delete what was kept of exchanges before an instant; answers how many."""
        return self._write(lambda part: part.drop_exchanges(rows.micros(before)))

    def note(self, entry: Entry) -> None:
        """Record something."""
        self._write(lambda part: part.note(entry))

    def erase(self, ref: str, reason: str) -> bool:
        """Make what the records of a debt tell of a person unreadable for good, and record that; false if nothing did.

        Every record stays, and the chain verifies as before: what is thrown away is the key, and with it whatever was
        kept of the debt's exchanges.
        """
        now = datetime.now(UTC)

        def work(part: AuditPart) -> bool:
            had, exchanges = part.erase(ref, now), part.erase_exchanges(ref)
            result = "erased" if had or exchanges else "nothing_there"
            detail: dict[str, str | int] = {"reason": reason, "exchanges": exchanges}
            part.note(Entry(what=What.ERASED, result=result, at=now, ref=ref, detail=detail))
            return had or exchanges > 0

        return self._write(work)

    def take_out(self, chain: int, through: Place, before: datetime, why: Entry) -> int:
        """Take records out: the chain goes on from the last of them at once, and they leave a part at a time."""
        begins = next(each for each in self.chains() if each.chain == chain).dropped.seq
        if begins < through.seq:
            told = self._read(lambda part: part.newest_told(chain, begins, through.seq))

            def work(part: AuditPart) -> None:
                part.note(why)
                part.drop(chain, begins, through, rows.micros(before), told)

            self._write(work)
        taken = 0
        while left := self._write(lambda part: part.sweep(chain, OUT)):
            taken += left
        return taken

    def sign_heads(self, policy: AuditPolicy, *, at_once: bool = True) -> Sequence[SignedHead]:
        """Sign how far each chain has come since its last head, hand that to the sinks, and record it.

        ``at_once``: not only when a head is due. Raises :class:`payport.sdk.errors.AuditError` when a sink fails, and
        :class:`payport.sdk.errors.JournalError` when the storage does.
        """
        if policy.key is None:
            raise AuditError("heads are signed with a key: make one with payport keygen --kind audit, and configure it")
        now = datetime.now(UTC)
        signed: list[SignedHead] = []
        for chain, at_us in self._read(lambda part: part.chains()):
            new = chain.head.seq - chain.signed
            waited_s = (rows.micros(now) - at_us) / 1_000_000
            due = at_once or new >= policy.head_every or waited_s >= policy.head_every_s
            if new > 0 and due:
                head = SignedHead.sign(chain, now, policy.key)
                _hand_out(head, policy)
                self._note_signed(chain, head, now)
                signed.append(head)
        return signed

    def _note_signed(self, chain: Chain, head: SignedHead, now: datetime) -> None:
        detail: dict[str, str | int] = {"key": head.key, "seq": head.head.seq}
        entry = Entry(what=What.HEAD, result="signed", at=now, detail=detail)

        def work(part: AuditPart) -> None:
            # the record of a head needs no head of its own; where others wrote meanwhile, they do
            own = part.note_in(chain, entry)
            if own is None:
                part.note(entry)
            part.signed(chain.chain, own or chain.head.seq, now)

        self._write(work)

    def _read(self, work: Callable[[AuditPart], T]) -> T:
        return self._journal.read(lambda session: work(_part(session)))

    def _write(self, work: Callable[[AuditPart], T]) -> T:
        return self._journal.write(lambda session: work(_part(session)), actor=self._actor)


def _hand_out(head: SignedHead, policy: AuditPolicy) -> None:
    for sink in policy.sinks:
        try:
            sink(head)
        except AuditError:
            raise
        except Exception as error:
            raise AuditError(f"a head of the audit trail was not taken: {type(error).__name__}") from error


def _part(session: Session) -> AuditPart:
    return cast("SqlSession", session).audit
