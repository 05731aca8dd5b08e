"""All benchmarks, one table. Takes about two minutes."""

from __future__ import annotations

from collections.abc import Generator

from benchmarks import alerts, audit, calls, guards, journal, lines, notices, observers, starting, transport
from benchmarks.figures import Row, report


def rows() -> Generator[Row]:
    """Every row, as soon as its part is measured."""
    for part in (calls, audit, guards, transport, notices, journal, starting, lines, alerts, observers):
        yield from part.rows()


if __name__ == "__main__":  # child processes import this module as well
    report(rows())
