"""T14: eight processes with eight threads each pay one order at once: one charge, and all sixty-four are told of it.

And what many callers share: a call limit that eight processes use and keep, a circuit breaker that one of them tries.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from tests.support.till import open_till, write_settings

from payport.adapters.alipay.simulator import AlipaySimulator
from proof.family import Family, Tally, each
from proof.killing import start_till
from proof.stores import shares, units
from proof.suites import passed

ROUNDS = 150
SHARED = (
    "tests/unit/limits/test_limit_turns.py",
    "tests/network/test_shared_limits.py",
    "tests/unit/breaker/test_breaker.py",
)
"""Tests of what callers share; they run in each turn's last unit."""
PROCESSES = 8
THREADS = 8

Crowd = Sequence[subprocess.Popen[str]]


def run(first: int, count: int) -> Tally:
    """One round per unit, on each database all with the same eight processes; of each turn the last are the tests."""
    tally = Tally()
    for number in range(first, first + count):
        if number % turn() == turn() - 1:
            tally.add(passed(number, SHARED))
    for store, numbers in shares((one for one in range(first, first + count) if (one + 1) % turn()), ROUNDS):
        with tempfile.TemporaryDirectory() as folder, AlipaySimulator().serve() as partner:
            settings = write_settings(partner.account, Path(folder), store.url(Path(folder)))
            with open_till(settings):
                pass  # the tables are there before the crowd comes
            with crowd(settings) as tills:
                tally.add(each(numbers, partial(_round, partner, tills)))
            tally.note(f"rounds on {store.name}", len(numbers))
    return tally


def turn() -> int:
    """So many units are every round and the tests once."""
    return units(ROUNDS) + 1


@contextmanager
def crowd(settings: Path) -> Iterator[Crowd]:
    """Eight tills that wait for an order."""
    with ExitStack() as stack:
        tills = [stack.enter_context(start_till(settings, "crowd", str(THREADS))) for _ in range(PROCESSES)]
        for till in tills:
            stack.callback(till.kill)
            assert till.stdout is not None
            assert till.stdout.readline() == "ready\n"
        yield tills


def paid_at_once(tills: Crowd, ref: str, code: str) -> list[str]:
    """What all of them are told when they pay one order with one code."""
    for till in tills:
        assert till.stdin is not None
        till.stdin.write(f"{ref} {code}\n")
        till.stdin.flush()
    told: list[str] = []
    for till in tills:
        assert till.stdout is not None
        told += json.loads(till.stdout.readline())
    return told


def _round(partner: AlipaySimulator, tills: Crowd, number: int, tally: Tally) -> None:
    ref = f"CROWD{number:07d}"
    told = paid_at_once(tills, ref, partner.payer.code())
    tally.cases += 1
    tally.note("callers", len(told))
    charges = partner.ledger.charges(starting_with=ref)
    assert len(charges) == 1, f"{ref} was charged {len(charges)} times"
    assert told == [f"Succeeded {charges[0].trade_no}"] * (PROCESSES * THREADS), told


FAMILY = Family(
    id="T14",
    title="one order, 64 callers in 8 processes at once: one charge, 64 times the same answer; shared limits are kept",
    run=run,
    gate=turn(),
    long=20 * turn(),
    shard=100,  # eight interpreters are started for each
    busy_percent=50,
)
