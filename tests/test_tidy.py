"""House rules that no linter checks: sizes, who may touch the outside world, what never stands in the source."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from tests.support.source import ROOT, Module, modules

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70

OUTSIDE_WORLD = {
    "clock": re.compile(r"time\.(time|monotonic|perf_counter|sleep)(_ns)?|(\w+\.)*(datetime|date)\.(now|utcnow|today)"),
    "random": re.compile(r"random\.\w+|os\.urandom|secrets\.(token_\w+|choice|randbelow)|uuid\.uuid[14]|uuid[14]"),
    "environment": re.compile(r"os\.(environ(\.\w+)?|getenv|putenv)"),
    "files": re.compile(r"open|os\.open|.*\.(read_text|read_bytes|write_text|write_bytes)"),
}

ALLOWED = {
    "sdk/payport/sdk/host_clock.py": "clock random environment: the one place that operations ask",
    "sdk/payport/sdk/settings_file.py": "files: reads payport.toml",
    "sdk/payport/sdk/lookup.py": "files: reads what payport.toml refers to",
    "sdk/payport/sdk/records_file.py": "files: reads partner records that stand in a file of their own",
    "sdk/payport/sdk/transport/": "clock: deadlines are checked with every chunk, below the effects",
    "sdk/payport/sdk/journal/": "clock random files: seals rows, waits for writers, looks at the disk",
    "sdk/payport/sdk/incidents/keeping.py": "clock random: waits when another process was first, off any payment",
    "sdk/payport/sdk/audit/": "random files: seals what is personal, writes signed heads and archives",
    "sdk/payport/sdk/tls.py": "clock files: certificates are read and their expiry is checked when an account is built",
    "adapters/payport/adapters/*/partner_keys.py": "clock: expiry is checked when an account is built",
    "sdk/payport/sdk/openapi.py": "files: reads a partner's document, for tests and the command line",
    "sdk/payport/sdk/report/html.py": "files: the style sheet lies beside it",
    "sdk/payport/sdk/testing/": "clock random environment files: tools for tests",
    "sdk/payport/sdk/cli/": "clock random environment files: a program, not the library",
    "adapters/payport/adapters/*/simulator/": "clock random files: plays the partner, which has its own clock",
}
"""Who may touch what, and why. Everybody else yields an effect."""

THIS_MACHINE = re.compile(r"/work/|/root/|/home/\w|/Users/\w")
REGISTRIES = re.compile(r"pypi\.org|pythonhosted|registry\.npmjs|(extra-)?index-url|\.\./shared")
HOUSEKEEPING = {".ci/run", "tests/test_tidy.py"}
"""The CI script knows where published vectors are kept; this file names what it looks for."""

TEXT = {".py", ".md", ".toml", ".txt", ".cfg", ".ini", ".json", ".yaml", ".yml", ""}
UNTRACKED = {".git", ".venv", ".hypothesis", "node_modules", "dist", "build"}

MONEY = re.compile(r"(^|_)(amount|price|fee|money|total|balance|minor)(_|$)")


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


CORPUS = ROOT / "tests" / "corpus"
"""Spoilt messages, kept byte by byte: nobody reads them as text."""


def texts() -> list[Path]:
    """Every text file of the project."""
    return [
        path
        for path in sorted(ROOT.rglob("*"))
        if path.suffix in TEXT
        and path.is_file()
        and not path.is_relative_to(CORPUS)
        and not any(part in UNTRACKED or part.endswith("_cache") for part in path.relative_to(ROOT).parts)
        and not path.name.startswith(".coverage")
    ]


def python_files() -> list[Path]:
    """Every Python file of the project, tests and examples included."""
    return [path for path in texts() if path.suffix == ".py"]


def place(path: Path, line: int = 0) -> str:
    """A position for a message."""
    return f"{path.relative_to(ROOT).as_posix()}:{line}" if line else path.relative_to(ROOT).as_posix()


def test_no_file_is_longer_than_the_wall() -> None:
    """Two hundred lines are the habit, five hundred the wall."""
    lengths = {place(path): len(path.read_text("utf-8").splitlines()) for path in python_files()}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_no_function_is_longer_than_the_wall() -> None:
    """A function fits a screen."""
    too_long = [
        f"{place(path, node.lineno)} {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for path in python_files()
        for node in functions(ast.parse(path.read_text("utf-8")))
        if node.end_lineno is not None and node.end_lineno - node.lineno >= MAX_FUNCTION_LINES
    ]
    assert too_long == []


@pytest.mark.parametrize("what", OUTSIDE_WORLD)
def test_the_outside_world_is_touched_in_known_places(what: str) -> None:
    """A body that reads a clock, random source, environment or file cannot be simulated: it yields an effect."""
    wrong = [
        f"{module.place}:{node.lineno} {ast.unparse(node)}"
        for module in modules()
        if not allowed(module, what)
        for node in touches(module, what)
    ]
    assert wrong == []


def allowed(module: Module, what: str) -> bool:
    """Whether :data:`ALLOWED` lets a module do this."""
    return any(
        fnmatchcase(module.place, f"{where}*") and what in reason.partition(":")[0].split()
        for where, reason in ALLOWED.items()
    )


def touches(module: Module, what: str) -> Iterator[ast.expr | ast.ImportFrom]:
    """The calls, attributes and imported names of a module that reach out."""
    called = {id(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom):
            if any(OUTSIDE_WORLD[what].fullmatch(f"{node.module}.{alias.name}") for alias in node.names):
                yield node
        elif (isinstance(node, ast.Attribute) or (isinstance(node, ast.Name) and id(node) in called)) and (
            OUTSIDE_WORLD[what].fullmatch(ast.unparse(node))
        ):
            yield node


@pytest.mark.parametrize("where", ALLOWED)
def test_every_allowance_is_about_something(where: str) -> None:
    """An allowance whose file is gone would hide the next one of that name."""
    assert list(ROOT.glob(where.rstrip("/")))


def test_no_comment_leaves_work_for_later() -> None:
    """What is not done is an issue, not a comment."""
    found = [
        f"{place(path, comment.start[0])} {comment.string}"
        for path in python_files()
        for comment in comments(path)
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", comment.string)
    ]
    assert found == []


def comments(path: Path) -> Iterator[tokenize.TokenInfo]:
    """The comments of a file."""
    with tokenize.open(path) as file:
        yield from (token for token in tokenize.generate_tokens(file.readline) if token.type == tokenize.COMMENT)


def test_the_project_speaks_of_itself_only() -> None:
    """No path of somebody's machine and no registry host: it must build anywhere."""
    found = [
        f"{place(path, number)} {line.strip()[:80]}"
        for path in texts()
        if place(path) not in HOUSEKEEPING
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if THIS_MACHINE.search(line) or REGISTRIES.search(line)
    ]
    assert found == []


def test_operations_yield_through_typed_helpers() -> None:
    """A bare ``yield`` of an effect loses its answer's type; only ``exchange`` has them, and only inside helpers."""
    found = [
        f"{module.place}:{node.lineno} in {function.name}"
        for module in modules()
        if module.name != "payport.sdk.exchange"
        for function in functions(module.tree)
        if function.returns is not None and "Exchange[" in ast.unparse(function.returns)
        for node in ast.walk(function)
        if isinstance(node, ast.Yield) and node.value is not None
    ]
    assert found == []


def test_nothing_prints_but_the_program() -> None:
    """A library speaks through events."""
    found = [
        f"{module.place}:{node.lineno}"
        for module in modules()
        if not module.name.startswith("payport.sdk.cli")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert found == []


def test_every_public_name_is_explained() -> None:
    """Every module, and every public class, function and method in it, has a docstring."""
    missing = [
        f"{module.place}:{getattr(node, 'lineno', 1)} {getattr(node, 'name', 'module')}"
        for module in modules()
        if not module.name.startswith("payport.sdk.journal.migrations.versions")
        for node in public(module.tree)
        if ast.get_docstring(node) is None
    ]
    assert missing == []


def public(
    tree: ast.Module | ast.ClassDef,
) -> Iterator[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """A module or class and the public names in it; overloads and settings of a property are explained elsewhere."""
    yield tree
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            marks = " ".join(ast.unparse(mark) for mark in node.decorator_list)
            if "overload" not in marks and ".setter" not in marks:
                yield node


def test_money_is_never_a_float() -> None:
    """0.1 + 0.2 is not 0.3: amounts are integers of minor units, or decimals where a partner writes them so."""
    found = [
        f"{module.place}:{node.lineno} {name}: {ast.unparse(annotation)}"
        for module in modules()
        for node, name, annotation in annotated(module.tree)
        if MONEY.search(name) and re.search(r"\bfloat\b", ast.unparse(annotation))
    ]
    assert found == []


def annotated(tree: ast.AST) -> Iterator[tuple[ast.arg | ast.AnnAssign, str, ast.expr]]:
    """Parameters, fields and variables with their annotations."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation is not None:
            yield node, node.arg, node.annotation
        elif isinstance(node, ast.AnnAssign):
            yield node, ast.unparse(node.target), node.annotation
