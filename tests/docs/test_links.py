"""Pages lead somewhere: every link between them, and every heading it names, is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.pages import PAGES, anchors, links, name_of
from tests.support.source import ROOT


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    """A file that is there, and when a heading is named, a heading of it."""
    broken = [f"{name_of(page)}:{line} {target}" for line, target in links(page) if not _leads(page, target)]
    assert broken == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent != ROOT], ids=name_of)
def test_every_page_is_reached_from_the_readme(page: Path) -> None:
    """A page that nobody links is a page that nobody reads."""
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        here = waiting.pop()
        if here in reached or here not in PAGES:
            continue
        reached.add(here)
        waiting += [
            (here.parent / target.partition("#")[0]).resolve() for _, target in links(here) if "://" not in target
        ]
    assert page in reached


def _leads(page: Path, target: str) -> bool:
    if "://" in target:
        # an address outside: only its form can be checked without a network
        return target.startswith("https://")
    path, _, anchor = target.partition("#")
    there = (page.parent / path).resolve() if path else page
    if not there.exists():
        return False
    return not anchor or (there.suffix == ".md" and anchor in anchors(there))
