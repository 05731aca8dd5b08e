"""T14: eight processes with eight threads each pay one order at once: one charge, and all sixty-four are told of it."""

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

ROUNDS = 150
PROCESSES = 8
THREADS = 8

Crowd = Sequence[subprocess.Popen[str]]


def run(first: int, count: int) -> Tally:
    """One round per unit, on each database all with the same eight processes."""
    tally = Tally()
    for store, numbers in shares(range(first, first + count), ROUNDS):
        with tempfile.TemporaryDirectory() as folder, AlipaySimulator().serve() as partner:
            settings = write_settings(partner.account, Path(folder), store.url(Path(folder)))
            with open_till(settings):
                pass  # the tables are there before the crowd comes
            with crowd(settings) as tills:
                tally.add(each(numbers, partial(_round, partner, tills)))
            tally.note(f"rounds on {store.name}", len(numbers))
    return tally


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
    title="one order, 64 callers in 8 processes at once: one charge, 64 times the same answer",
    run=run,
    gate=units(ROUNDS),
    long=20 * units(ROUNDS),
    shard=100,  # eight interpreters are started for each
)
