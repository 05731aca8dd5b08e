"""The journal beside a plain sqlite3 INSERT: ``python -m benchmarks.journal [folder]``.

Wall time, because waiting for the disk is what a journal costs. Raw and ours take turns in every round, so that a slow
moment of the machine falls on both; the figure is the median of the rounds' ratios.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from payport.schemas.money import Money
from payport.sdk.journal import Journal
from payport.sdk.journal.engine import Durability
from payport.sdk.journal.records import Debt, Operation, State, Step, Verb
from payport.sdk.journal.session import Session
from payport.sdk.secrets import Secret

ROUNDS = 7
ROWS = 320
CALLERS = 64
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)

DURABILITIES: tuple[Durability, ...] = ("full", "normal")

Work = Callable[[Session], object]


def debt(ref: str) -> Debt:
    """One row of about 300 bytes, as the raw INSERT writes it."""
    return Debt(ref=ref, verb=Verb.PAY, amount=Money(1234, "CNY"), payee="f" * 160, created_at=NOW)


def intend(ref: str) -> Work:
    """What ``pay`` writes before the first byte leaves: the debt, the operation, its sealed request, a transition."""
    step = Step(name="create", moves_money=True, digest="ab" * 32, request=b"x" * 400, replayable=True)
    operation = Operation(
        id=f"{ref}/pay//1",
        ref=ref,
        verb=Verb.PAY,
        partner="alipay",
        account="alipay:2021000000000000",
        partner_ref=ref,
        amount=Money(1234, "CNY"),
        created_at=NOW,
        steps=(step,),
    )

    def work(session: Session) -> None:
        session.add_debt(debt(ref))
        session.add(operation, source="intent", detail={}, now=NOW)
        session.lease(operation.id, "host:1:abc", 30.0)

    return work


def settle(ref: str) -> Work:
    """What ``pay`` writes after the answer: read, save, a transition, the lease given back."""

    def work(session: Session) -> None:
        operation = session.operation(f"{ref}/pay//1")
        assert operation is not None
        paid = replace(operation, state=State.SUCCEEDED, settled=operation.amount, settled_at=NOW)
        session.save(paid, source="reply", detail={"code": "10000"}, now=NOW)
        session.release(operation.id, "host:1:abc")

    return work


def one_row(ref: str) -> Work:
    """The smallest write there is."""
    return lambda session: session.add_debt(debt(ref))


class Raw:
    """A plain table, one autocommit INSERT for each row."""

    def __init__(self, folder: Path, synchronous: str) -> None:
        self.connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute(f"PRAGMA synchronous={synchronous}")
        self.connection.execute(
            "CREATE TABLE row (id INTEGER PRIMARY KEY, k TEXT UNIQUE, a TEXT, b TEXT, c INT, d INT, body TEXT)"
        )

    def rows(self, refs: list[str]) -> None:
        for ref in refs:
            self.connection.execute(
                "INSERT INTO row (k, a, b, c, d, body) VALUES (?, ?, ?, ?, ?, ?)",
                (ref, "pay", "CNY", 1234, 0, "x" * 300),
            )


def one_by_one(journal: Journal, make: Callable[[str], Work], refs: list[str]) -> None:
    """A single writer."""
    for ref in refs:
        journal.write(make(ref))


def from_tasks(journal: Journal, make: Callable[[str], Work], refs: list[str]) -> None:
    """64 tasks at once."""

    async def caller(mine: list[str]) -> None:
        for ref in mine:
            await journal.awrite(make(ref))

    async def main() -> None:
        await asyncio.gather(*(caller(refs[number::CALLERS]) for number in range(CALLERS)))

    asyncio.run(main())


def from_threads(journal: Journal, make: Callable[[str], Work], refs: list[str]) -> None:
    """64 threads at once."""
    with ThreadPoolExecutor(CALLERS) as threads:
        list(threads.map(lambda number: one_by_one(journal, make, refs[number::CALLERS]), range(CALLERS)))


CASES: dict[str, tuple[Callable[[Journal, Callable[[str], Work], list[str]], None], Callable[[str], Work], int]] = {
    "one writer, one row": (one_by_one, one_row, 1),
    "one writer, intend (3 rows, sealed)": (one_by_one, intend, 1),
    "one writer, settle (read, 2 rows)": (one_by_one, settle, 1),
    "64 tasks, one row": (from_tasks, one_row, 8),
    "64 tasks, intend": (from_tasks, intend, 4),
    "64 tasks, settle": (from_tasks, settle, 4),
    "64 threads, one row": (from_threads, one_row, 4),
    "64 threads, intend": (from_threads, intend, 4),
}
"""Name, how it is called, what it writes, and how many times as many rows as the raw INSERT makes."""


def rate(run: Callable[[list[str]], None], refs: list[str]) -> float:
    """Writes a second."""
    begin = perf_counter()
    run(refs)
    return len(refs) / (perf_counter() - begin)


def compare(folder: Path, durability: Durability) -> None:
    """Print one table."""
    synchronous = durability.upper()
    raw = Raw(folder, synchronous)
    key = Secret(base64.b64encode(secrets.token_bytes(32)).decode())
    with Journal.open(f"sqlite:///{folder / 'journal.db'}", sealing_key=key, durability=durability) as journal:
        ratios: dict[str, list[float]] = {name: [] for name in CASES}
        rates: dict[str, list[float]] = {name: [] for name in CASES}
        floor: list[float] = []
        for number in range(ROUNDS):
            for name, (how, make, times) in CASES.items():
                refs = [f"R{number}N{row}" + name.replace(" ", "").replace(",", "")[:12] for row in range(ROWS * times)]
                if make is settle:
                    refs = [f"S{ref}" + str(times) for ref in refs]
                    from_tasks(journal, intend, refs)
                plain = rate(raw.rows, [f"{name}{number}{row}" for row in range(ROWS)])
                ours = rate(lambda refs, how=how, make=make: how(journal, make, refs), refs)  # type: ignore[misc] # defaults bind now
                floor.append(plain)
                rates[name].append(ours)
                ratios[name].append(ours / plain)
    raw.connection.close()
    print(f"\nsynchronous={synchronous}: plain sqlite3 INSERT {median(floor):,.0f} rows/s")
    for name in CASES:
        print(f"  {name:38} {median(rates[name]):>9,.0f} writes/s   {median(ratios[name]):5.2f} of raw")


def main() -> None:
    """Both durabilities, in a new folder under the one that was named."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        for durability in DURABILITIES:
            place = Path(folder) / durability
            place.mkdir()
            compare(place, durability)


if __name__ == "__main__":
    main()
