"""The project's own source, read as syntax trees: what the layout and tidiness tests look at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("schemas", "sdk", "adapters")


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file of the three packages. ``name``: as it is imported, ``payport.sdk.exchange``."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def layer(self) -> str:
        """``schemas``, ``sdk`` or ``adapters``."""
        return self.name.split(".")[1]

    @property
    def place(self) -> str:
        """The path from the project's folder, for messages."""
        return self.path.relative_to(ROOT).as_posix()


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module. ``eager``: at the top level, so that importing the importer imports it."""

    target: str
    line: int
    eager: bool


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the three packages."""
    found: list[Module] = []
    for layer in LAYERS:
        for path in sorted((ROOT / layer / "payport").rglob("*.py")):
            parts = path.relative_to(ROOT / layer).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found.append(Module(name, path, ast.parse(path.read_text("utf-8"), str(path))))
    return tuple(found)


def imports(module: Module) -> Iterator[Import]:
    """What a module imports when it runs; what stands under ``if TYPE_CHECKING`` does not count."""
    names = {each.name for each in modules()}
    for node, eager in _running(module.tree.body, eager=True):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, eager) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield Import(inner if inner in names else node.module, node.lineno, eager)


def _running(body: list[ast.stmt], *, eager: bool) -> Iterator[tuple[ast.stmt, bool]]:
    for statement in body:
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
            yield from _running(statement.orelse, eager=eager)
            continue
        yield statement, eager
        inside = eager and not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.stmt):
                yield from _running([child], eager=inside)
            elif isinstance(child, ast.ExceptHandler | ast.match_case):
                yield from _running(child.body, eager=inside)
