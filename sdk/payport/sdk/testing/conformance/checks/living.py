"""Everything at once: schedules in which processes, the partner, the network and payers go wrong by seed."""

from __future__ import annotations

from collections.abc import Iterable

from payport.sdk.testing.conformance.case import AnySubject, AnyWorld, check

SCHEDULES = 200
"""How many for one partner: a second's worth. ``payport.sdk.testing.world`` runs them by the thousand."""
_ROWS = 4


def _seeds(_: AnySubject) -> Iterable[range]:
    each = SCHEDULES // _ROWS
    return [range(first, first + each) for first in range(1, SCHEDULES, each)]


@check(_seeds, name=lambda seeds: f"seeds {seeds.start} to {seeds.stop - 1}")
def a_world_of_mishaps_loses_nothing(world: AnyWorld, seeds: range) -> None:
    """Lost, late and doubled requests, deaths, a failing journal, payers and notices in any order: the books agree.

    A seed that fails prints the command that shows its whole story.
    """
    from payport.sdk.testing.world import run  # noqa: PLC0415 - it is built on this package

    report = run(world.subject, seeds.start, len(seeds))
    assert not report.violations, "\n".join(map(str, report.violations))
