"""The audit trail's part of a transaction: what is to be recorded is kept until its end, and appended to a chain then.

Taking a chain is the last thing that a transaction does, so whoever waits for one holds nothing that others wait for
in turn. Where several write at the same moment, each takes a chain that is free. SQLite has one writer and one chain.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast

from payport.sdk.audit.chain import Chain, Place, Row, link
from payport.sdk.audit.personal import new_data_key, open_personal, seal_personal
from payport.sdk.audit.record import Entry, What, about
from payport.sdk.errors import AuditError, ConfigurationError, JournalConflict, JournalError
from payport.sdk.journal import rows
from payport.sdk.journal.audit_statements import PLACES
from payport.sdk.journal.auditing import Tail

if TYPE_CHECKING:
    from payport.sdk.audit.exchanges import RawExchange
    from payport.sdk.journal import driver
    from payport.sdk.journal.engine import Database
    from payport.sdk.journal.sealing import SealingKeys
    from payport.sdk.journal.statements import Statement

Read = Callable[[str, "Statement", Mapping[str, object]], "list[driver.Row]"]
Write = Callable[[str, "Statement", Mapping[str, object]], int]

UNNAMED: Final = "application"
"""Who acted, where the application did not say."""
MOST_FLAWS: Final = 1000
"""So many transitions without a record, or records without a transition, are named at most."""


class AuditPart:
    """The audit trail, as one transaction sees it. ``actor``: on whose behalf it writes."""

    __slots__ = ("_actor", "_at_once", "_auditing", "_entries", "_keys", "_read", "_sql", "_told", "_write")

    def __init__(
        self,
        database: Database,
        keys: SealingKeys | None,
        *,
        read: Read,
        write: Write,
        actor: str,
        at_once: bool,
    ) -> None:
        self._auditing = database.auditing
        self._sql = database.spoken.audit
        self._keys = keys
        self._read = read
        self._write = write
        self._actor = actor
        self._at_once = at_once
        self._entries: list[Entry] = []
        self._told = False

    def note(self, entry: Entry) -> None:
        """Record something: with the end of this transaction, or at once where nobody tells us of its end."""
        self._told = True
        if self._auditing.policy is None:
            return
        if self._at_once:
            self._append([entry])
        else:
            self._entries.append(entry)

    def touch(self) -> None:
        """Have recorded what was announced, though nothing else is."""
        self._told = True

    @property
    def told(self) -> bool:
        """Whether there was anything to record, be the trail on or off."""
        return self._told

    def finish(self, announced: Sequence[Entry]) -> None:
        """Append what was noted, as the last thing that this transaction does; ``announced`` goes before it."""
        if self._entries or announced:
            self._append([*announced, *self._entries])
            self._entries.clear()

    def _append(self, entries: Sequence[Entry]) -> None:
        sealed = [self._sealed(entry) if entry.personal else "" for entry in entries]
        tail = self._auditing.tail
        if tail is not None and self._extend(tail, entries, sealed):
            return
        if not self._extend(self._free_chain(), entries, sealed):
            raise JournalConflict("the journal could not append to the audit trail: another writer was first")

    def _extend(self, tail: Tail, entries: Sequence[Entry], sealed: Sequence[str]) -> bool:
        """Append to a chain whose newest record is this; false when it is not."""
        chain, place = tail
        new: list[dict[str, object]] = []
        who, origin = self._actor or UNNAMED, self._auditing.origin
        for entry, personal in zip(entries, sealed, strict=True):
            seq = place.seq + 1
            body = entry.body(chain=chain, seq=seq, who=who, origin=origin, sealed=personal)
            place = Place(seq, link(place.hash, body))
            new.append(
                {
                    "id": chain * PLACES + seq,
                    "at": rows.micros(entry.at),
                    "about": about(entry.operation, entry.ref),
                    "version": entry.version,
                    "body": body,
                    "hash": place.hash,
                }
            )
        moved = {
            "p_chain": chain, "p_seq": tail.place.seq, "p_hash": tail.place.hash, "seq": place.seq, "hash": place.hash,
        }  # fmt: skip
        if self._write("move the head of the audit trail", self._sql.move_head, moved) != 1:
            return False
        for row in new:
            self._write("append to the audit trail", self._sql.add_record, row)
        if not self._auditing.shared:
            # where this transaction is rolled back after all, moving the head will tell
            self._auditing.tail = Tail(chain, place)
        return True

    def _free_chain(self) -> Tail:
        found = self._read("look for a chain of the audit trail", self._sql.free_chain, {})
        if not found:  # others are at all of them: stand in line for one
            count = len(self.chains())
            this = {"chain": os.getpid() % max(count, 1)}
            found = self._read("wait for a chain of the audit trail", self._sql.lock_chain, this)
        if not found:
            raise JournalError("the journal has lost the chains of its audit trail")
        number, seq, newest = cast("tuple[int, int, bytes]", tuple(found[0]))
        return Tail(number, Place(seq, bytes(newest)))

    def _sealed(self, entry: Entry) -> str:
        policy, keys = self._auditing.policy, self._keys
        if policy is None or not policy.payers or keys is None or not entry.ref:
            return ""
        key = self._data_key(entry.ref, keys)
        return "" if key is None else seal_personal(key, entry.personal, entry.ref)

    def _data_key(self, ref: str, keys: SealingKeys) -> bytes | None:
        """The key of a debt, made when there is none.

        ``None`` after it was erased, and where it is sealed under a key that was replaced: no payment waits for that.
        """
        found = self._key_row(ref)
        if not found:
            key = new_data_key()
            values = {"ref": ref, "sealed": keys.seal(key, _key_name(ref))}
            self._write("keep a key of the audit trail", self._sql.add_data_key, values)
            found = self._key_row(ref)  # another's, where another was first
        sealed = cast("bytes | None", found[0][0])
        return keys.open(bytes(sealed), _key_name(ref)) if sealed is not None and keys.know(bytes(sealed)) else None

    def _key_row(self, ref: str) -> list[driver.Row]:
        return self._read("read a key of the audit trail", self._sql.data_key, {"ref": ref})

    def personal(self, ref: str, sealed: str) -> Mapping[str, str] | None:
        """What a record tells of a person; ``None`` after it was erased.

        Raises :class:`payport.sdk.errors.ConfigurationError` without the sealing key.
        """
        if self._keys is None:
            raise ConfigurationError("what is sealed in the audit trail needs the journal's sealing key")
        found = self._key_row(ref)
        key = cast("bytes | None", found[0][0]) if found else None
        return None if key is None else open_personal(self._keys.open(bytes(key), _key_name(ref)), sealed, ref)

    def erase(self, ref: str, now: datetime) -> bool:
        """Throw the key of a debt away, for good; false when there was none. No other will be made for it."""
        had = any(row[0] is not None for row in self._key_row(ref))
        if not had:
            self._write("note an erasure", self._sql.add_data_key, {"ref": ref, "sealed": None})
        self._write("erase a key of the audit trail", self._sql.erase_data_key, {"p_ref": ref, "at": rows.micros(now)})
        return had

    def keep_exchange(self, exchange: RawExchange, looked_at: str) -> None:
        """Keep what went over the wire, sealed, and record its digest; about the operation that was noted last.

        ``looked_at``: the one that it is about where none was noted, because nothing was learnt; empty where none was.
        """
        keys = self._auditing.exchange_keys
        if keys is None:
            return
        operation = next((entry.operation for entry in reversed(self._entries) if entry.operation), looked_at)
        endpoint = exchange.request.endpoint
        sealed = keys.seal(exchange.content(), _exchange_name(endpoint))
        digest = hashlib.sha256(sealed).hexdigest()
        row = {
            "at": rows.micros(exchange.at),
            "about": operation or None,
            "endpoint": endpoint,
            "digest": digest,
            "sealed": sealed,
        }
        self._write("keep an exchange", self._sql.add_exchange, row)
        self.note(
            Entry(
                what=What.EXCHANGE, result=exchange.result, at=exchange.at, ref=operation.partition("/")[0],
                operation=operation, partner=exchange.partner, account=exchange.account,
                detail={"endpoint": endpoint, "sha256": digest},
            )
        )  # fmt: skip

    def exchange(self, digest: str) -> bytes | None:
        """What an exchange holds, by the digest in its record; ``None`` after it was erased or dropped.

        Raises :class:`payport.sdk.errors.ConfigurationError` without the key.
        """
        keys = self._auditing.exchange_keys
        if keys is None:
            raise ConfigurationError("exchanges open with the key that sealed them: give it as exchange_key")
        found = self._read("read an exchange", self._sql.exchange, {"digest": digest})
        if not found:
            return None
        endpoint, sealed = cast("tuple[str, bytes]", tuple(found[0]))
        if hashlib.sha256(bytes(sealed)).hexdigest() != digest:
            raise AuditError(f"the exchange {digest} is not the one that was recorded")
        return keys.open(bytes(sealed), _exchange_name(endpoint))

    def erase_exchanges(self, ref: str) -> int:
        """Delete what was kept of a debt's exchanges; their records stay, with the digests."""
        values = {"first": f"{ref}/", "last": f"{ref}0"}
        return self._write("erase exchanges", self._sql.erase_exchanges, values)

    def drop_exchanges(self, before_us: int) -> int:
        """Delete what was kept of exchanges before an instant."""
        return self._write("drop exchanges", self._sql.drop_exchanges, {"before": before_us})

    def chains(self) -> Sequence[tuple[Chain, int]]:
        """Every chain, and when a head of it was signed last (microseconds since 1970)."""
        found: list[tuple[Chain, int]] = []
        for row in self._read("read the chains of the audit trail", self._sql.chains, {}):
            number, start, dropped_seq, dropped_hash, seq, newest, signed_seq, signed_at = cast(
                "tuple[int, bytes, int, bytes, int, bytes, int, int]", tuple(row)
            )
            chain = Chain(
                chain=number,
                start=bytes(start),
                dropped=Place(dropped_seq, bytes(dropped_hash)),
                head=Place(seq, bytes(newest)),
                signed=signed_seq,
            )
            found.append((chain, signed_at))
        return found

    def records(self, chain: int, after: int, limit: int) -> Sequence[Row]:
        """The next records of a chain behind a place."""
        values = {**_places(chain, after), "limit": limit}
        return [read_row(row) for row in self._read("read the audit trail", self._sql.records, values)]

    def records_between(self, chain: int, after: int, begins_us: int, ends_us: int, limit: int) -> Sequence[Row]:
        """The next records of a chain behind a place that were written in a time."""
        values = {**_places(chain, after), "begins": begins_us, "ends": ends_us, "limit": limit}
        return [read_row(row) for row in self._read("read the audit trail", self._sql.records_between, values)]

    def records_of_debt(self, ref: str) -> Sequence[Row]:
        """Every record about a debt, in the order of time."""
        values = {"first": f"{ref}/", "last": f"{ref}0"}
        return [read_row(row) for row in self._read("read the audit trail", self._sql.records_of_debt, values)]

    def hash_at(self, chain: int, seq: int) -> bytes | None:
        """The hash of one record."""
        found = self._read("read the audit trail", self._sql.record_hash, {"id": chain * PLACES + seq})
        return bytes(cast("bytes", found[0][0])) if found else None

    def untold(self) -> Sequence[tuple[str, int]]:
        """Transitions with no record."""
        return self._pairs(self._sql.untold)

    def unfounded(self) -> Sequence[tuple[str, int]]:
        """Transitions that are not there although a record tells of them, or that several tell of."""
        return [*self._pairs(self._sql.unfounded), *self._pairs(self._sql.told_twice)]

    def _pairs(self, statement: Statement) -> Sequence[tuple[str, int]]:
        found = self._read("compare the audit trail with the journal", statement, {"limit": MOST_FLAWS})
        return [cast("tuple[str, int]", tuple(row)) for row in found]

    def newest_told(self, chain: int, after: int, through: int) -> int:
        """The number of the newest transition that the records of these places tell of; 0 when they tell of none."""
        values = {"after": chain * PLACES + after, "last": chain * PLACES + through}
        found = self._read("compare the audit trail with the journal", self._sql.newest_told, values)
        return cast("int | None", found[0][0]) or 0

    def drop(self, chain: int, after: int, through: Place, before_us: int, told: int) -> None:
        """Have the chain go on from this record: those up to it are out, and :meth:`sweep` deletes them.

        ``told``: the newest transition that they tell of; no record of it, or of an older one, is missed from now on.
        Raises :class:`payport.sdk.errors.AuditError` when that is not the record that stands there.
        """
        if self.hash_at(chain, through.seq) != through.hash:
            raise AuditError(
                f"record {through.seq} of chain {chain} is not the one that was archived; nothing was done"
            )
        moved = {"p_chain": chain, "p_seq": after, "seq": through.seq, "hash": through.hash, "at": before_us}
        moved["told"] = told
        if self._write("move the beginning of the audit trail", self._sql.move_dropped, moved) != 1:
            raise AuditError("somebody else is taking records out of the journal; try again when that is done")

    def sweep(self, chain: int, most: int) -> int:
        """Delete so many records at most that the chain does not begin before any more; how many there were."""
        dropped = next(each.dropped.seq for each, _ in self.chains() if each.chain == chain)
        oldest = self.records(chain, 0, 1)
        if not oldest or oldest[0].seq > dropped:
            return 0
        last = min(oldest[0].seq + most - 1, dropped)
        values = {"after": chain * PLACES, "last": chain * PLACES + last}
        return self._write("take records out of the audit trail", self._sql.drop_records, values)

    def signed(self, chain: int, seq: int, at: datetime) -> None:
        """Note up to which place a head was signed."""
        values = {"p_chain": chain, "seq": seq, "at": rows.micros(at)}
        self._write("note a signed head", self._sql.move_signed, values)

    def note_in(self, chain: Chain, entry: Entry) -> int | None:
        """Append to this very chain if its head is still the newest record; the new place, or ``None``."""
        if self._auditing.policy is None:
            return None
        if self._extend(Tail(chain.chain, chain.head), [entry], [""]):
            return chain.head.seq + 1
        return None


def read_row(row: driver.Row) -> Row:
    """The record of a row: id, at, about, version, body, hash."""
    number, at_us, what, version, body, newest = cast("tuple[int, int, str | None, int | None, str, bytes]", tuple(row))
    chain, seq = divmod(number, PLACES)
    return Row(chain, seq, at_us, what, version, body, bytes(newest))


def _places(chain: int, after: int) -> dict[str, object]:
    return {"after": chain * PLACES + after, "last": (chain + 1) * PLACES - 1}


def _exchange_name(endpoint: str) -> str:
    return f"exchange with {endpoint}"


def _key_name(ref: str) -> str:
    return f"audit key of {ref}"
