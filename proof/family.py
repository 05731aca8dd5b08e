"""A family of cases: one promise, tried many times, each time from a number, so that a failure can be played again."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that broke its promise. ``number``: of the unit it belongs to, which plays it again."""

    number: int
    what: str


@dataclass(slots=True)
class Tally:
    """What became of some units. ``cases``: how many were tried; ``notes``: what else was counted, by name."""

    cases: int = 0
    failures: list[Failure] = field(default_factory=list[Failure])
    notes: dict[str, int] = field(default_factory=dict[str, int])

    def fail(self, number: int, what: str) -> None:
        """Note a broken promise."""
        self.failures.append(Failure(number, what))

    def note(self, name: str, count: int = 1) -> None:
        """Count something that the table's reader wants to know."""
        self.notes[name] = self.notes.get(name, 0) + count

    def add(self, other: Tally) -> None:
        """Take another tally's counts along."""
        self.cases += other.cases
        self.failures += other.failures
        for name, count in other.notes.items():
            self.note(name, count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One family.

    ``title``: what holds, in a few words. ``run(first, count)``: tries the units ``first`` to ``first + count - 1`` in
    this process; a unit is one case, or several that share a number. ``gate``, ``long``: how many units each run tries.
    ``shard``: how many of them one process takes at a time. ``limit_s``: after which a shard is given up, as a failure.
    ``leads``: its shards take minutes, so they are begun first. ``busy_percent``: how much of a processor one of them
    keeps busy; those that wait for sockets, processes and disks share one. ``least``: so many units are tried in any
    case; the others come last, as far as a run's time goes. ``appendix``: what its notes come to, as a Markdown table
    of its own.
    """

    id: str
    title: str
    run: Callable[[int, int], Tally]
    gate: int
    long: int
    shard: int
    limit_s: float = 900.0
    leads: bool = False
    busy_percent: int = 100
    least: int | None = None
    appendix: Callable[[Tally], str] | None = None


def each(units: Iterable[int], body: Callable[[int, Tally], None]) -> Tally:
    """Try a body with each number; whatever it raises is a failure of that number."""
    tally = Tally()
    for number in units:
        try:
            body(number, tally)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown and the other cases go on
            tally.fail(number, told(error))
    return tally


def told(error: BaseException) -> str:
    """An error in one line: its class, what it says, its notes, and where it came from."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    notes = " ".join(getattr(error, "__notes__", ()))
    return " ".join(f"{type(error).__name__}: {error} {notes} ({place})".split())[:2000]


def shown(data: bytes) -> str:
    """Bytes for a failure's line, to be put into a file of the corpus by ``base64 -d``."""
    return f"base64 {base64.b64encode(data).decode()}"
