"""Families whose cases are tests already: they are run as they stand, and each test is a case."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from proof.family import Tally
from proof.state import ROOT


def passed(number: int, paths: Sequence[str]) -> Tally:
    """Run the tests of these files or ids in a process of their own. A skipped one proves nothing: it is a failure."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--junitxml={report}"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *paths], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if not report.exists():
            tally.fail(number, f"pytest ended with {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}")
            return tally
        for case in ET.parse(report).iter("testcase"):
            wrong = [child for child in case if child.tag in ("failure", "error", "skipped")]
            tally.cases += not wrong
            for child in wrong:
                name = f"{case.get('classname')}::{case.get('name')}"
                tally.fail(number, f"{name}: {child.tag}: {' '.join((child.get('message') or '').split())[:500]}")
    if not tally.cases and not tally.failures:
        tally.fail(number, f"no test was found in {', '.join(paths)}")
    return tally
