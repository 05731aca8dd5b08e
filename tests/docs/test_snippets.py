"""The documents are true: every snippet of README and docs is run, loaded or looked up.

A page's ``python`` blocks run in order, in one namespace (see :mod:`tests.docs.prelude` for the names they are given).
``toml`` blocks are written to ``payport.toml`` beside them, read by ``Settings``, and each account is opened.
``sh`` blocks are checked word by word: the command, its options, the make target, the extra. ``text`` is for pictures.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
from tests.docs.pages import PAGES, Block, blocks, name_of
from tests.docs.prelude import SEALING_KEY, prelude
from tests.docs.stages import declarations_of
from tests.support.source import ROOT

from payport.sdk import Settings, open_adapter

LANGUAGES = {"python", "toml", "sh", "text"}
PLAIN_COMMANDS = {"createdb", "export", "pg_dump", "sqlite3"}
"""What the shell blocks may call that is not ours to check."""


def all_blocks(*languages: str) -> list[Block]:
    """The blocks of every page in these languages."""
    return [block for page in PAGES for block in blocks(page) if block.language in languages]


def pages_with(language: str) -> list[Path]:
    """The pages that have a block in this language."""
    return list(dict.fromkeys(block.page for block in all_blocks(language)))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_what_it_is(page: Path) -> None:
    """A block in a language that nobody checks would be skipped in silence."""
    assert [block.place for block in blocks(page) if block.language not in LANGUAGES] == []


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(b.language == "python" for b in blocks(page))], ids=name_of
)
def test_the_snippets_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, in one namespace, as they stand."""
    with prelude(name_of(page), tmp_path, monkeypatch) as names:
        for block in blocks(page):
            if block.language == "toml":
                (tmp_path / "payport.toml").write_text(block.text)
            elif block.language == "python":
                # the newlines in front make a traceback point at the line of the page
                exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec", dont_inherit=True), names)


def test_the_snippets_pass_the_type_check(tmp_path: Path) -> None:
    """A reader who copies a snippet into a program that is checked strictly is not stopped by it."""
    for page in pages_with("python"):
        given, declarations = declarations_of(name_of(page))
        (tmp_path / f"{given}.py").write_text(declarations)
        # every line stands where it stands in the page, so that an error names it
        lines = [f"from {given} import *", *[""] * len(page.read_text("utf-8").splitlines())]
        for block in blocks(page):
            if block.language == "python":
                code = block.text.splitlines()
                lines[block.line - 1 : block.line - 1 + len(code)] = code
        (tmp_path / (re.sub(r"\W", "_", name_of(page)) + ".py")).write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(tmp_path / "cache")]
    checked = subprocess.run(
        [*command, *map(str, sorted(tmp_path.glob("*.py")))],
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(tmp_path)},
    )
    assert checked.stdout + checked.stderr == ""


@pytest.mark.parametrize("block", all_blocks("toml"), ids=lambda block: block.place)
def test_settings_load_and_open(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key is known, every reference is looked up, every account opens."""
    (tmp_path / "payport.toml").write_text(block.text)
    env = dict.fromkeys(re.findall(r'"env:(\w+)"', block.text), SEALING_KEY)
    with prelude(name_of(block.page), tmp_path, monkeypatch):
        settings = Settings.load(tmp_path / "payport.toml", env)
        opened = [open_adapter(settings, name).partner for name in settings.accounts]
    assert [table["partner"] for table in tomllib.loads(block.text).get("account", {}).values()] == opened


@pytest.mark.parametrize("block", all_blocks("sh"), ids=lambda block: block.place)
def test_every_command_and_option_exists(block: Block) -> None:
    """A reader who copies a line gets what the page says."""
    wrong = [line for line in block.text.splitlines() if line.strip() and not runs(shlex.split(line, comments=True))]
    assert wrong == []


def runs(words: list[str]) -> bool:
    """Whether a command line names what there is. A line of comment has no words."""
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    match words:
        case []:
            return True
        case ["payport", *rest]:
            return ours(rest)
        case ["make", target]:
            return re.search(rf"^{re.escape(target)}:", (ROOT / "Makefile").read_text(), re.MULTILINE) is not None
        case ["pip", "install", *packages]:
            return all(installable(package) for package in packages)
        case ["python", "-m", "pytest", *rest]:
            return all((ROOT / path).exists() for path in rest if not path.startswith("-"))
        case _:
            return words[0] in PLAIN_COMMANDS


def installable(package: str) -> bool:
    """Whether this is our package, with extras that it has."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = re.fullmatch(r"payport(?:\[([\w,]+)\])?", package)
    return asked is not None and (asked[1] is None or set(asked[1].split(",")) <= set(extras))


def ours(words: list[str]) -> bool:
    """Whether ``payport`` has this command with these options; what follows the command are its arguments."""
    names = [word for word in words if not word.startswith("-")]
    told = help_of(names[0]) if names else None
    if told is not None and "COMMAND [ARGS]" in told:  # a command of commands
        told = help_of(*names[:2]) if len(names) > 1 else None
    options = {word.partition("=")[0] for word in words if word.startswith("-")}
    return told is not None and all(re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", told) for option in options)


@cache
def help_of(*command: str) -> str | None:
    """What ``payport <command> --help`` prints; ``None`` when there is no such command."""
    program = "import sys; from payport.sdk.cli import main; sys.argv[0] = 'payport'; main()"
    asked = subprocess.run(
        [sys.executable, "-c", program, *command, "--help"],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"},
    )
    return asked.stdout if asked.returncode == 0 else None
