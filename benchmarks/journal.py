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
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Protocol, TypeVar

from benchmarks.figures import Row, report
from payport.schemas.money import Money
from payport.sdk.journal import Journal
from payport.sdk.journal.engine import Durability
from payport.sdk.journal.records import Debt, Operation, State, Step, Verb
from payport.sdk.journal.session import Lease, Session
from payport.sdk.secrets import Secret

ROUNDS = 5
ROWS = 320
CALLERS = 64
WARM = 8
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)

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

    record, lease = debt(ref), Lease("host:1:abc", 30.0)

    def work(session: Session) -> None:
        session.add_debt(record)
        session.add(operation, source="intent", detail={}, now=NOW, lease=lease)

    return work


def settle(ref: str) -> Work:
    """What ``pay`` writes after the answer: read, save, a transition, the lease given back."""

    def work(session: Session) -> None:
        operation = session.operation(f"{ref}/pay//1")
        assert operation is not None
        paid = replace(operation, state=State.SUCCEEDED, settled=operation.amount, settled_at=NOW)
        session.save(paid, source="reply", detail={"code": "10000"}, now=NOW, release="host:1:abc")

    return work


def one_row(ref: str) -> Work:
    """The smallest write there is."""
    record = debt(ref)
    return lambda session: session.add_debt(record)


class Rows(Protocol):
    """Writes rows without a journal."""

    def rows(self, refs: list[str]) -> None:
        """Each by itself, durable on return."""
        ...


class Raw:
    """A plain table, one autocommit INSERT for each row."""

    def __init__(self, folder: Path, synchronous: str) -> None:
        self.connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute(f"PRAGMA synchronous={synchronous}")
        self.connection.execute(
            "CREATE TABLE row (id INTEGER PRIMARY KEY, k TEXT UNIQUE, a TEXT, b TEXT, c INT, d INT, body TEXT)"
        )

    def close(self) -> None:
        """Close it."""
        self.connection.close()

    def rows(self, refs: list[str]) -> None:
        for ref in refs:
            self.connection.execute(
                "INSERT INTO row (k, a, b, c, d, body) VALUES (?, ?, ?, ?, ?, ?)",
                (ref, "pay", "CNY", 1234, 0, "x" * 300),
            )


def one_by_one(journal: Journal, works: list[Work]) -> None:
    """A single writer."""
    for work in works:
        journal.write(work)


def from_tasks(journal: Journal, works: list[Work]) -> None:
    """64 tasks at once."""

    async def caller(mine: list[Work]) -> None:
        for work in mine:
            await journal.awrite(work)

    async def main() -> None:
        await asyncio.gather(*(caller(works[number::CALLERS]) for number in range(CALLERS)))

    asyncio.run(main())


def from_threads(journal: Journal, works: list[Work]) -> None:
    """64 threads at once."""
    with ThreadPoolExecutor(CALLERS) as threads:
        list(threads.map(lambda number: one_by_one(journal, works[number::CALLERS]), range(CALLERS)))


How = Callable[[Journal, list[Work]], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of the table. ``times``: how many times as many writes as the raw INSERT makes."""

    name: str
    how: How
    make: Callable[[str], Work]
    times: int = 1
    must: dict[Durability, float]
    ambitious: dict[Durability, float]


CASES = (
    Case(name="one writer, one row", how=one_by_one, make=one_row, must={"full": 0.85, "normal": 0.5},
         ambitious={"full": 0.95, "normal": 0.8}),
    Case(name="one writer, a payment's intent", how=one_by_one, make=intend, must={}, ambitious={}),
    Case(name="one writer, a payment's settlement", how=one_by_one, make=settle, must={}, ambitious={}),
    Case(name="64 tasks, one row", how=from_tasks, make=one_row, times=8, must={"full": 8}, ambitious={"full": 13}),
    Case(name="64 threads, one row", how=from_threads, make=one_row, times=4, must={"full": 8}, ambitious={"full": 13}),
    Case(name="64 tasks, a payment's intent", how=from_tasks, make=intend, times=4, must={}, ambitious={}),
)  # fmt: skip
"""The intent is three rows and a sealed request; the settlement reads it and writes two rows."""


def rate(run: Callable[[list[T]], None], items: list[T]) -> float:
    """Writes a second."""
    begin_s = perf_counter()
    run(items)
    return len(items) / (perf_counter() - begin_s)


def sealing_key() -> Secret:
    """A new one."""
    return Secret(base64.b64encode(secrets.token_bytes(32)).decode())


def measure(raw: Rows, journal: Journal, case: Case, label: str, writes: int) -> tuple[float, float]:
    """Writes a second of ours and of the raw INSERT. ``label`` keeps references apart."""
    refs = [f"{label}X{number:06d}" for number in range(writes * case.times)]
    if case.make is settle:
        from_tasks(journal, [intend(ref) for ref in refs])
    works = [case.make(ref) for ref in refs]
    plain = rate(raw.rows, refs[:writes])
    return rate(partial(case.how, journal), works), plain


def compare(folder: Path, durability: Durability, rounds: int, writes: int) -> list[Row]:
    """One durability."""
    found: dict[str, list[tuple[float, float]]] = {case.name: [] for case in CASES}
    with (
        closing(Raw(folder, durability.upper())) as raw,
        Journal.open(f"sqlite:///{folder / 'journal.db'}", sealing_key=sealing_key(), durability=durability) as journal,
    ):
        # a log that still grows makes the disk slower: let both logs reach their length and begin again
        warm = [f"WARM{number:06d}" for number in range(WARM * writes)]
        raw.rows(warm)
        one_by_one(journal, [one_row(ref) for ref in warm])
        for number in range(rounds):
            for place, case in enumerate(CASES):
                found[case.name].append(measure(raw, journal, case, f"R{number}C{place}", writes))
    return [
        Row(
            name=f"journal {durability.upper()}, {case.name} / raw INSERT",
            figure=median(ours / plain for ours, plain in found[case.name]),
            must=case.must.get(durability),
            ambitious=case.ambitious.get(durability),
            higher=True,
            ours=f"{median(ours for ours, _ in found[case.name]):,.0f}/s",
            beside=f"{median(plain for _, plain in found[case.name]):,.0f}/s",
        )
        for case in CASES
    ]


def rows(rounds: int = ROUNDS, writes: int = ROWS, place: str | None = None) -> list[Row]:
    """Both durabilities, in a new folder under ``place``."""
    found: list[Row] = []
    durabilities: tuple[Durability, ...] = ("full", "normal")
    with tempfile.TemporaryDirectory(dir=place) as folder:
        for durability in durabilities:
            under = Path(folder) / durability
            under.mkdir()
            found += compare(under, durability, rounds, writes)
    return found


if __name__ == "__main__":
    report(rows(place=sys.argv[1] if len(sys.argv) > 1 else None))
