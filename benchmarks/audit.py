"""What the audit trail costs: a payment's writes with it and without it, and verifying: ``python -m benchmarks.audit``.

Both journals take turns in every round. CPU time, because the disk waits once for both: a record goes into the commit
of what it tells of.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from benchmarks.figures import Measure, Row, cpu_us, interleaved, ratio, report, us
from benchmarks.journal import Work, intend, sealing_key, settle
from payport.sdk.audit.chain import Place, link
from payport.sdk.audit.chain import Row as Record
from payport.sdk.audit.record import Entry, Origin, about
from payport.sdk.audit.walking import check_chain
from payport.sdk.journal import Journal

ROUNDS = 9
WRITES = 300
RECORDS = 2000
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Till:
    """Payments on one journal."""

    def __init__(self, journal: Journal, label: str) -> None:
        self._journal = journal
        self._refs = (f"{label}{number:08d}" for number in count(1))

    def intends(self, writes: int) -> float:
        """Microseconds of CPU for a payment's first write."""
        works = [intend(next(self._refs)) for _ in range(writes)]
        return cpu_us(self._each(works), 1) / writes

    def settles(self, writes: int) -> float:
        """Microseconds of CPU for its second one."""
        refs = [next(self._refs) for _ in range(writes)]
        self._each([intend(ref) for ref in refs])()
        return cpu_us(self._each([settle(ref) for ref in refs]), 1) / writes

    def _each(self, works: list[Work]) -> Callable[[], None]:
        def run() -> None:
            for work in works:
                self._journal.write(work)

        return run


def chain(length: int) -> list[Record]:
    """A chain of records as the journal writes them."""
    found: list[Record] = []
    place, origin = Place(0, bytes(32)), Origin("till-3", 4711, "1.0.0")
    for number in range(1, length + 1):
        ref = f"BENCH{number:08d}"
        told = Entry(
            what="pay", result="succeeded", at=AT, ref=ref, operation=f"{ref}/pay//1", version=1, partner="alipay",
            account="alipay:2021000000000000", detail={"code": "10000", "from": "doubt", "source": "reply"},
        )  # fmt: skip
        body = told.body(chain=0, seq=number, who="application", origin=origin)
        place = Place(number, link(place.hash, body))
        at_us = round(AT.timestamp()) * 1_000_000
        found.append(Record(0, number, at_us, about(told.operation, ref), 1, body, place.hash))
    return found


def rows(rounds: int = ROUNDS, writes: int = WRITES, records: int = RECORDS) -> list[Row]:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:

        def till(name: str, *, audit: bool) -> Till:
            url = f"sqlite:///{Path(folder, name)}.db"
            opened = Journal.open(url, sealing_key=sealing_key(), durability="normal", audit=audit)
            return Till(stack.enter_context(opened), name.upper())

        on, off = till("on", audit=True), till("off", audit=False)
        trail = chain(records)

        def verify() -> None:
            if list(check_chain(Place(0, bytes(32)), trail)):
                raise AssertionError("the benchmark's chain does not verify")

        def bare() -> None:
            before = bytes(32)
            for record in trail:
                before = hashlib.sha256(before + record.body.encode()).digest()
                json.loads(record.body)

        cases: dict[str, Measure] = {
            "intend on": lambda: on.intends(writes),
            "intend off": lambda: off.intends(writes),
            "settle on": lambda: on.settles(writes),
            "settle off": lambda: off.settles(writes),
            "verify": lambda: cpu_us(verify, 1) / records,
            "bare": lambda: cpu_us(bare, 1) / records,
        }
        found = interleaved(cases, rounds)

    def row(name: str, ours: str, theirs: str) -> Row:
        mine, other = found[ours], found[theirs]
        return Row(name=name, figure=ratio(mine, other), ours=us(mine), beside=us(other))

    return [
        row("a payment's intent, audited / not: CPU", "intend on", "intend off"),
        row("a payment's settlement, audited / not: CPU", "settle on", "settle off"),
        row("verifying a record / its SHA-256 and json.loads: CPU", "verify", "bare"),
    ]


if __name__ == "__main__":
    report(rows())
