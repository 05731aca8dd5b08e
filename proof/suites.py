"""Families whose cases are tests already: they are run as they stand, and each test is a case."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence

import pytest

from proof.family import Tally
from proof.state import ROOT


class _Counter:
    """Counts what becomes of tests. A skipped one proves nothing, so it is a failure."""

    def __init__(self, tally: Tally, number: int) -> None:
        self._tally = tally
        self._number = number

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test is over."""
        if report.when == "call" and report.passed:
            self._tally.cases += 1
        elif report.failed or report.skipped:
            last = str(report.longrepr).strip().splitlines()[-1:]
            self._tally.fail(self._number, f"{report.nodeid}: {report.outcome}: {' '.join(last)}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file was read."""
        if report.failed:
            self._tally.fail(self._number, f"{report.nodeid}: cannot be read: {report.longrepr}")


def passed(number: int, paths: Sequence[str]) -> Tally:
    """Run the tests of these files or ids, in this process."""
    tally = Tally()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(io.StringIO()):
        pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", *paths], plugins=[_Counter(tally, number)])
    if not tally.cases and not tally.failures:
        tally.fail(number, f"no test was found in {', '.join(paths)}")
    return tally
