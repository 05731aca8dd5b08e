"""Every partner keeps the same promises: each check of the suite, with each row, for each subject."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from tests.conformance import subjects

from payport.sdk.testing.conformance import Case, cases

FOUND = sorted(each.name for each in iter_modules(subjects.__path__))
CASES = [case for name in FOUND for case in cases(import_module(f"tests.conformance.subjects.{name}").SUBJECT)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_holds_for_any_partner(tmp_path: Path, case: Case) -> None:
    """The promise stands in the check's docstring."""
    case.run(tmp_path)
