"""The page about the proof: every test that it names exists, every family has its line, and its numbers add up."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache

import pytest
from proof.canary import FAMILY as CANARY
from proof.families import families
from proof.sabotage import MOST
from proof.sabotages import SABOTAGES
from proof.table import HEADINGS, bound
from tests.docs.test_claims import rows
from tests.support.source import ROOT

PAGE = ROOT / "docs" / "proof.md"
NODE = re.compile(r"`(tests/[^`]+)`")


def named() -> list[str]:
    """The tests that the page names."""
    return [node for part in ("Traps, each a test", "Defects of official") for node in _nodes(part)]


def _nodes(heading: str) -> list[str]:
    text = PAGE.read_text("utf-8")
    start = text.index(f"## {heading}")
    return NODE.findall(text[start:].partition("\n## ")[0])


@cache
def collected() -> frozenset[str]:
    """What pytest finds in the files of those tests, with parameters and without."""
    files = sorted({node.partition("::")[0] for node in named()})
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    nodes = {line for line in found.stdout.splitlines() if "::" in line}
    return frozenset(nodes | {node.partition("[")[0] for node in nodes} | {node.partition("::")[0] for node in nodes})


@pytest.mark.timeout(300)
def test_every_test_that_is_named_exists() -> None:
    """A trap whose test is gone is not watched any more."""
    assert [node for node in named() if node not in collected()] == []


def test_every_trap_and_defect_has_a_test() -> None:
    """Nine traps, and the defects of official libraries."""
    traps, defects = rows(PAGE, "Traps, each a test")[2:], rows(PAGE, "Defects of official")[2:]
    assert len(traps) == 9
    assert len(defects) >= 12
    assert all(NODE.search(row[1]) for row in traps + defects)


def test_every_family_is_explained() -> None:
    """What a case of it is."""
    explained = {row[0] for row in rows(PAGE, "How to read it")[2:]}
    assert {family.id for family in families()} <= explained
    assert CANARY.id not in explained


def test_every_sabotage_was_noticed() -> None:
    """The page lists them all, with what each breaks and when that was seen."""
    heading, _, *lines = rows(PAGE, "Would it find anything?")
    assert heading == ["sabotage", "breaks", "noticed at schedule"]
    assert [line[0] for line in lines] == [sabotage.what for sabotage in SABOTAGES]
    assert all(line[1] in sabotage.breaks for line, sabotage in zip(lines, SABOTAGES, strict=True))
    assert all(0 < int(line[2].replace(",", "")) <= MOST for line in lines)


def test_the_table_of_the_last_run_adds_up() -> None:
    """A bound is three over the cases; a run with failures is not shown, nor a family that is not there any more."""
    heading, _, *lines = rows(PAGE, "The last run")
    assert tuple(heading) == HEADINGS
    for family, _, cases, failures, _, told in lines:
        assert failures == "0", family
        assert bound(int(cases.replace(",", "")), 0) == told, family
    assert [line[0] for line in lines] == [family.id for family in families()]
