"""Chains of audit records to verify, and a store that holds them in memory."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from payport.sdk.audit.chain import Chain, Place, Row, link
from payport.sdk.audit.record import Entry, Origin, about
from payport.sdk.audit.signing import AuditKey
from payport.sdk.errors import AuditError
from payport.sdk.secrets import Secret

START = bytes(range(32))
BEGIN = Place(0, START)
ORIGIN = Origin("till-3", 4711, "1.0.0")
FIRST = datetime(2026, 1, 31, 12, tzinfo=UTC)
FIRST_US = 1_769_860_800_000_000
KEY = AuditKey(Secret(base64.b64encode(bytes(range(100, 132))).decode()))


def micros(at: datetime) -> int:
    """An instant as a row has it."""
    return FIRST_US + (at - FIRST) // timedelta(microseconds=1)


def entry(number: int) -> Entry:
    """A payment's first transition, one a second."""
    ref = f"SHOP{number:08d}"
    return Entry(
        what="pay",
        result="doubt",
        at=FIRST + timedelta(seconds=number),
        ref=ref,
        operation=f"{ref}/pay//1",
        version=0,
        partner="testpay",
        account="testpay:1001",
        detail={"source": "intent"},
    )


def row_after(before: Place, told: Entry, *, chain: int = 0, who: str = "till-3") -> Row:
    """The next row of a chain."""
    seq = before.seq + 1
    body = told.body(chain=chain, seq=seq, who=who, origin=ORIGIN)
    return Row(
        chain, seq, micros(told.at), about(told.operation, told.ref), told.version, body, link(before.hash, body)
    )


def chain_of(count: int, *, chain: int = 0, begin: Place = BEGIN) -> Iterator[Row]:
    """A chain of ``count`` records."""
    place = begin
    for number in range(1, count + 1):
        row = row_after(place, entry(number), chain=chain)
        place = Place(row.seq, row.hash)
        yield row


def end_of(rows: Sequence[Row]) -> Place:
    """The place that the newest of these has reached."""
    return Place(rows[-1].seq, rows[-1].hash) if rows else BEGIN


@dataclass
class MemoryTrail:
    """A trail of one chain, as a store keeps it. ``missing``, ``double``: what it says of the journal's transitions."""

    held: list[Row]
    chain: Chain = field(init=False)
    missing: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    double: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    def __post_init__(self) -> None:
        self.chain = Chain(chain=0, start=START, dropped=BEGIN, head=end_of(self.held))

    def chains(self) -> Sequence[Chain]:
        return [self.chain]

    def rows(self, chain: int, after: int, limit: int) -> Sequence[Row]:
        return [row for row in self.held if row.chain == chain and row.seq > after][:limit]

    def hash_at(self, chain: int, seq: int) -> bytes | None:
        return next((row.hash for row in self.held if (row.chain, row.seq) == (chain, seq)), None)

    def untold(self) -> Iterator[tuple[str, int]]:
        return iter(self.missing)

    def unfounded(self) -> Iterator[tuple[str, int]]:
        return iter(self.double)

    def between(self, begins: datetime, ends: datetime) -> Iterator[Row]:
        return (row for row in self.held if micros(begins) <= row.at_us < micros(ends))

    def of_debt(self, ref: str) -> Sequence[Row]:
        return [row for row in self.held if (row.about or "").startswith(f"{ref}/")]

    def note(self, entry: Entry) -> None:
        self.held.append(row_after(self.chain.head, entry))
        self.chain = replace(self.chain, head=end_of(self.held))

    def take_out(self, chain: int, through: Place, before: datetime, why: Entry) -> int:
        if through == self.chain.dropped:
            return 0
        if self.hash_at(chain, through.seq) != through.hash:
            raise AuditError("it is not there")
        count = len(self.held)
        self.held = [row for row in self.held if row.seq > through.seq]
        self.chain = replace(self.chain, dropped=through)
        taken = count - len(self.held)
        self.note(why)
        return taken
