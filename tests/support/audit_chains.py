"""Chains of audit records to verify, and what can be done to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from payport.sdk.audit.chain import Place, Row, link
from payport.sdk.audit.record import Entry, Origin, about

START = bytes(range(32))
BEGIN = Place(0, START)
ORIGIN = Origin("till-3", 4711, "1.0.0")
FIRST = datetime(2026, 1, 31, 12, tzinfo=UTC)
FIRST_US = 1_769_860_800_000_000


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
    at_us = FIRST_US + (told.at - FIRST) // timedelta(microseconds=1)
    return Row(chain, seq, at_us, about(told.operation, told.ref), told.version, body, link(before.hash, body))


def chain_of(count: int) -> Iterator[Row]:
    """A chain of ``count`` records."""
    place = BEGIN
    for number in range(1, count + 1):
        row = row_after(place, entry(number))
        place = Place(row.seq, row.hash)
        yield row
