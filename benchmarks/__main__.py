"""All benchmarks, one table. Takes about two minutes."""

from __future__ import annotations

from collections.abc import Generator

from benchmarks import alerts, audit, calls, journal, lines, notices, starting, transport
from benchmarks.figures import Row, report


def rows() -> Generator[Row]:
    """Every row, as soon as its part is measured."""
    for part in (calls, audit, transport, notices, journal, starting, lines, alerts):
        yield from part.rows()


if __name__ == "__main__":  # child processes import this module as well
    report(rows())
