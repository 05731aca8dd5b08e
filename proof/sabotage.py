"""T17: the tests of the tests. The library with one guard taken out, until the seeded world notices."""

from __future__ import annotations

from itertools import count as from_here

from payport.sdk.testing.world import run as run_schedules
from proof.family import Family, Tally, each
from proof.sabotages import SABOTAGES
from proof.sabotages.cut import without
from proof.sabotages.sabotage import Sabotage
from proof.subjects import subject_named, subjects

MOST = 4_000
"""A sabotage that was not noticed in so many schedules was not noticed."""
_BY = ": breaks "


def run(first: int, count: int) -> Tally:
    """The unit ``n`` is sabotage ``n`` of the list; a case is a schedule that was played."""
    return each(range(first, first + count), _until_noticed)


def _until_noticed(number: int, tally: Tally) -> None:
    found = SABOTAGES[number]
    played, noticed = schedules_until_noticed(found, MOST)
    tally.cases += played
    if noticed is None:
        tally.fail(number, f"nobody noticed in {played:,} schedules: {found.what}")
    else:
        tally.note(f"{found.what}{_BY}{noticed}", played)


def appendix(tally: Tally) -> str:
    """Every sabotage with the invariant that was broken, and the schedule at which it was noticed."""
    at = {tuple(name.split(_BY)): played for name, played in tally.notes.items()}
    order = {sabotage.what: number for number, sabotage in enumerate(SABOTAGES)}
    rows = sorted(at, key=lambda row: order[row[0]])
    return "\n".join(
        [
            "| sabotage | breaks | noticed at schedule |",
            "| --- | --- | ---: |",
            *(f"| {what} | {noticed} | {at[what, noticed]:,} |" for what, noticed in rows),
        ]
    )


def schedules_until_noticed(sabotage: Sabotage, most: int) -> tuple[int, str | None]:
    """How many schedules it took, and the invariant that was broken; ``None`` when it was not noticed in ``most``.

    The partners take turns: everybody's first seed, everybody's second. No seed is chosen.
    """
    playing = [subject_named(name) for name in sabotage.partners] or subjects()
    played = 0
    with without(sabotage.cuts):
        for seed in from_here(1):
            for subject in playing:
                if played == most:
                    return played, None
                played += 1
                broken = {each.invariant for each in run_schedules(subject, seed, 1).violations}
                if broken & sabotage.breaks:
                    return played, min(broken & sabotage.breaks)
    raise AssertionError("seeds do not end")


FAMILY = Family(
    id="T17",
    title="every sabotage of the library, its twin guards off, is noticed by the seeded world",
    run=run,
    gate=len(SABOTAGES),
    long=len(SABOTAGES),
    shard=1,
    appendix=appendix,
)
