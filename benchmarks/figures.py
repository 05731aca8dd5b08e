"""What all benchmarks share: interleaved rounds, CPU time, and the row that is printed."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    ``figure``: what is held against the goals, a ratio unless ``name`` gives a unit. ``higher``: more is better.
    ``ours``, ``beside``: both sides in absolute terms, which mean nothing on another machine.
    """

    name: str
    figure: float
    must: float | None = None
    ambitious: float | None = None
    higher: bool = False
    ours: str = ""
    beside: str = ""

    def reached(self) -> str:
        """``ambitious``, ``must``, ``NO``, or nothing where there is no goal."""
        for goal, word in ((self.ambitious, "ambitious"), (self.must, "must")):
            if goal is not None and (self.figure >= goal if self.higher else self.figure <= goal):
                return word
        return "" if self.must is None else "NO"

    def line(self) -> str:
        """The row as printed."""
        sign = ">=" if self.higher else "<="
        goals = [f"{sign} {goal:g}" if goal is not None else "" for goal in (self.must, self.ambitious)]
        return f"{self.name:<58} {self.figure:>8.3f} {goals[0]:>9} {goals[1]:>9} {self.reached():<10} {self.sides()}"

    def sides(self) -> str:
        """Both sides in absolute terms."""
        return " / ".join(side for side in (self.ours, self.beside) if side)


HEAD = f"{'':<58} {'figure':>8} {'must':>9} {'ambitious':>9} {'reached':<10} ours / beside"

Measure = Callable[[], float]


def cpu_us(work: Callable[[], object], count: int) -> float:
    """Microseconds of this process's CPU for each of ``count`` calls, the garbage collector's share included."""
    gc.collect()
    begun_s = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - begun_s) / count * 1e6


def interleaved(cases: Mapping[str, Measure], rounds: int) -> dict[str, list[float]]:
    """Take every case once a round, in an order that turns, so that a busy machine is busy for all of them.

    One round before them warms up and does not count.
    """
    names = list(cases)
    figures: dict[str, list[float]] = {name: [] for name in names}
    for number in range(-1, rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            figure = cases[name]()
            if number >= 0:
                figures[name].append(figure)
    return figures


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the rounds' ratios."""
    return median(mine / other for mine, other in zip(ours, theirs, strict=True))


def us(figures: list[float]) -> str:
    """A median in microseconds, or in milliseconds when it is long."""
    middle = median(figures)
    return f"{middle:.0f} us" if middle < 10_000 else f"{middle / 1000:.1f} ms"


def report(rows: Iterable[Row]) -> None:
    """Print the table."""
    print(HEAD)
    for row in rows:
        print(row.line(), flush=True)
