"""T1: the seeded world. Payments of every partner under faults, deaths, clocks and notices, by the ten thousand."""

from __future__ import annotations

from payport.sdk.testing.world import run as run_schedules
from proof.family import Family, Tally
from proof.subjects import AnySubject, subjects

BLOCK = 1_000
"""So many seeds of one partner lie side by side; then come as many of the next partner."""


def place(number: int) -> tuple[AnySubject, int]:
    """The partner and the seed of a unit."""
    block, within = divmod(number, BLOCK)
    turn, partner = divmod(block, len(subjects()))
    return subjects()[partner], turn * BLOCK + within + 1


def run(first: int, count: int) -> Tally:
    """One schedule a unit."""
    tally, at, end = Tally(), first, first + count
    while at < end:
        size = min(BLOCK - at % BLOCK, end - at)
        subject, seed = place(at)
        report = run_schedules(subject, seed, size)
        tally.cases += report.schedules
        tally.note(f"schedules of {subject.name}", report.schedules)
        for violation in report.violations:
            tally.fail(at + violation.seed - seed, f"{violation.invariant}: {violation.text}; {violation.command}")
        at += size
    return tally


FAMILY = Family(
    id="T1",
    title="schedules of the seeded world: none of the invariants I1 to I12 is broken",
    run=run,
    gate=20 * BLOCK * len(subjects()),
    least=BLOCK * len(subjects()),
    long=100 * BLOCK * len(subjects()),
    shard=BLOCK,
)
