"""The pages written for users, as blocks of code and as links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from tests.support.source import ROOT

PAGES = tuple(
    sorted(
        [
            *(path for name in ("README", "CONTRIBUTING", "CHANGELOG", "SECURITY") if (path := ROOT / f"{name}.md")),
            *(ROOT / "docs").rglob("*.md"),
        ]
    )
)

_FENCE = re.compile(r"^\s*(`{3,}|~{3,})(.*)$")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`[^`\n]*`")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block. ``line``: of its first line of code, from 1."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"{name_of(self.page)}:{self.line}"


def name_of(page: Path) -> str:
    """A page's name from the project's folder: ``docs/recover.md``."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page in order. Raises ``ValueError`` for a fence that is never closed."""
    found: list[Block] = []
    opened: tuple[str, str, int] | None = None
    inside: list[str] = []
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None and fence:
            opened, inside = (fence[1], fence[2].strip(), number + 1), []
        elif opened is not None and line.strip() == opened[0]:
            found.append(Block(page, opened[2], opened[1], dedent("\n".join(inside)) + "\n"))
            opened = None
        elif opened is not None:
            inside.append(line)
    if opened is not None:
        raise ValueError(f"{name_of(page)}:{opened[2]}: this block is never closed")
    return found


def prose(page: Path) -> list[tuple[int, str]]:
    """The lines of a page outside its blocks, with their numbers; code in backticks left out."""
    lines: list[tuple[int, str]] = []
    fence = ""
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif fence:
            fence = "" if line.strip() == fence else fence
        else:
            lines.append((number, _CODE.sub("``", line)))
    return lines


def links(page: Path) -> list[tuple[int, str]]:
    """The targets of a page's links, with their lines."""
    return [(number, target) for number, line in prose(page) for target in _LINK.findall(line)]


def anchors(page: Path) -> set[str]:
    """What a link into a page may name after ``#``: its headings, lower case, blanks as hyphens."""
    outside = {number for number, _ in prose(page)}
    found: set[str] = set()
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        heading = _HEADING.match(line)
        if heading and number in outside:
            plain = re.sub(r"[^\w\- ]", "", heading[1].lower())
            found.add(plain.replace(" ", "-"))
    return found
