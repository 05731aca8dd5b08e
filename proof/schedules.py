"""T1: the seeded world. Payments of every partner under faults, deaths, clocks and notices, by the ten thousand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby

from payport.sdk.testing.world import run as run_schedules
from proof.family import Family, Tally
from proof.subjects import AnySubject, subjects

BLOCK = 1_000
"""So many seeds of one partner lie side by side; then come as many of the next one."""


@cache
def partners() -> Sequence[Sequence[AnySubject]]:
    """The partners in turn, each with its interfaces: WeChat Pay has two, which share its schedules."""
    return [list(faces) for _, faces in groupby(subjects(), key=lambda subject: subject.name.partition("_")[0])]


def place(number: int) -> tuple[AnySubject, int]:
    """The partner and the seed of a unit."""
    block, within = divmod(number, BLOCK)
    turn, which = divmod(block, len(partners()))
    faces = partners()[which]
    own_turn, face = divmod(turn, len(faces))
    return faces[face], own_turn * BLOCK + within + 1


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
    gate=20 * BLOCK * len(partners()),
    least=BLOCK * len(partners()),
    long=100 * BLOCK * len(partners()),
    shard=BLOCK,
)
