"""The table of a run: family, cases, failures, seconds, bound; for the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proof.family import Tally


@dataclass(frozen=True, slots=True)
class Line:
    """One family's line. ``seconds``: of all its shards together, as a clock on the wall showed them."""

    id: str
    title: str
    tally: Tally
    seconds: float


HEADINGS = ("family", "what holds", "cases", "failures", "seconds", "bound")


def bound(cases: int, failures: int) -> str:
    """The chance of a bad case is below this with 95 % confidence, when none of ``cases`` was bad (rule of three)."""
    return "failed" if failures else "none" if cases == 0 else f"{3 / cases:.1e}"


def cells(line: Line) -> tuple[str, ...]:
    """One line's texts, in the order of :data:`HEADINGS`."""
    cases, failures = line.tally.cases, len(line.tally.failures)
    return (
        line.id,
        line.title,
        f"{cases:,}",
        f"{failures:,}",
        f"{line.seconds:,.0f}",
        bound(cases, failures),
    )


def plain(lines: Sequence[Line]) -> str:
    """For the terminal."""
    rows = [HEADINGS, *(cells(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column < 2 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def markdown(lines: Sequence[Line]) -> str:
    """For a page."""
    return "\n".join(
        [
            f"| {' | '.join(HEADINGS)} |",
            "| --- | --- | ---: | ---: | ---: | ---: |",
            *(f"| {' | '.join(cells(line))} |" for line in lines),
        ]
    )


def notes(lines: Iterable[Line]) -> str:
    """What the families counted besides, a line each."""
    return "\n".join(
        f"{line.id}: " + ", ".join(f"{name} {count:,}" for name, count in sorted(line.tally.notes.items()))
        for line in lines
        if line.tally.notes
    )
