"""The types keep what they promise: right programs pass mypy, wrong ones fail at the very line that says so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ACCEPTED = sorted((HERE / "accepts").glob("*.py"))
REJECTED = sorted((HERE / "rejects").glob("*.py"))
_ERROR = re.compile(r"^(.+?):(\d+): error: .*\[([a-z-]+)\]$", re.MULTILINE)
_EXPECT = re.compile(r"# expect: ([a-z-]+)")


def expected(program: Path) -> set[tuple[str, int, str]]:
    """File, line and code of each error that a program announces."""
    lines = enumerate(program.read_text().splitlines(), start=1)
    return {(program.name, number, found[1]) for number, line in lines if (found := _EXPECT.search(line))}


@pytest.mark.timeout(180)
def test_mypy_accepts_right_programs_and_rejects_wrong_ones(tmp_path: Path) -> None:
    """Forgetting ``Unknown``, failing over on it, another partner's method, a capture where there is none, a partner's
    number as a reference: each is an error, and nothing else is."""
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path), "--no-error-summary", "--show-error-codes"]
    told = subprocess.run(
        [*command, *map(str, ACCEPTED + REJECTED)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    errors = {(Path(file).name, int(line), code) for file, line, code in _ERROR.findall(told.stdout)}
    assert len(REJECTED) >= 5
    assert errors == {line for program in REJECTED for line in expected(program)}, told.stdout + told.stderr
    assert all(expected(program) for program in REJECTED)
    assert not any(expected(program) for program in ACCEPTED)
