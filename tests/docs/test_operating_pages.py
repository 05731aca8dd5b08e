"""What the pages on operating say is complete, and the guide's page names only what there is."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from dataclasses import fields

import pytest
from tests.docs.pages import anchors
from tests.docs.test_claims import rows
from tests.docs.test_snippets import runs
from tests.support.source import ROOT

from payport.sdk.cli.drill.scenarios import NAMES
from payport.sdk.incidents import TARGETS
from payport.sdk.incidents.kinds import KINDS
from payport.sdk.incidents.settings import COMMON, AlertSettings
from payport.sdk.watch import RULES

DOCS = ROOT / "docs"
NODE = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
HEAD = "the guide asks"
GUIDE = [cells for cells in rows(DOCS / "guide.md") if len(cells) == 4 and not cells[0].startswith(("---", HEAD))]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_of_incident_says_what_to_do(kind: object) -> None:
    """An alert leads to a heading that is there."""
    page, _, anchor = str(getattr(kind, "runbook", "")).partition("#")
    assert anchor in anchors(ROOT / page)


def test_classes_have_the_times_that_the_page_says() -> None:
    """In the units that people read."""
    said = {
        row[0].strip("`"): (row[2], row[3]) for row in rows(DOCS / "alerts.md", "Classes and times") if "`" in row[0]
    }
    assert said == {each.value: (_time(t.response_s), _time(t.recovery_s)) for each, t in TARGETS.items()}


def _time(seconds: float) -> str:
    for unit_s, unit in ((86_400, "day"), (3600, "h"), (60, "min")):
        if seconds >= unit_s:
            number = seconds / unit_s
            return f"{number:g} {unit}{'s' if unit == 'day' and number > 1 else ''}"
    return f"{seconds:g} s"


def test_every_key_of_alerts_is_explained() -> None:
    """With its default."""
    told = [row for row in rows(DOCS / "configure.md", "Alerts") if "`" in row[0]]
    names = {name for row in told for name in re.findall(r"`(\w+)`", row[0])}
    assert {each.name for each in fields(AlertSettings)} - {"sinks"} | set(COMMON) <= names
    said = {row[0].strip("`"): row[1].strip("`") for row in told}
    assert {name: tomllib.loads(f"x = {said[name]}")["x"] for name in said if hasattr(AlertSettings(), name)} == {
        each.name: each.default for each in fields(AlertSettings) if each.name != "sinks"
    }


def test_every_rule_is_explained_with_its_thresholds() -> None:
    """What a table of a rule may hold, and which value it has when it is not given."""
    said = {
        row[0].strip("`"): row[2] for row in rows(DOCS / "watch-transactions.md", "Configure rules") if "`" in row[0]
    }
    assert {name: re.findall(r"`(\w+)`", takes) for name, takes in said.items()} == {
        name: list(inspect.signature(rule).parameters) for name, rule in RULES.items()
    }


def test_every_fault_of_a_drill_is_explained() -> None:
    """By its name, in the order in which they are played."""
    assert [row[0].strip("`") for row in rows(DOCS / "drill.md") if row[0].strip("`") in NAMES] == list(NAMES)


@pytest.mark.parametrize("cells", GUIDE, ids=lambda cells: cells[0])
def test_the_guide_s_page_names_what_there_is(cells: list[str]) -> None:
    """Each row names a test, all of them exist, and every command runs."""
    named = NODE.findall(cells[2])
    assert named != []
    assert [f"{path}::{name}" for path, name in named if name not in _tests_of(path)] == []
    assert re.sub(NODE, "", cells[2]).strip() == ""
    commands = re.findall(r"`(payport [a-z][^`]*)`", cells[1])
    assert [each for each in commands if not runs(each.split())] == []


def test_the_guide_s_rules_all_have_rows() -> None:
    """No table lost its form."""
    lines = [line for line in (DOCS / "guide.md").read_text("utf-8").splitlines() if line.startswith("|")]
    heads = [line for line in lines if line.startswith(f"| {HEAD} |")]
    assert (len(GUIDE), len(heads)) == (len(lines) - 2 * len(heads), 12)


def _tests_of(path: str) -> set[str]:
    there = ROOT / path
    if not there.is_file():
        return set()
    return {node.name for node in ast.walk(ast.parse(there.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)}
