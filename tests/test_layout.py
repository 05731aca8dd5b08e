"""The layout: three packages under one open namespace, imports in one direction, dear libraries loaded late."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points

import pytest
from tests.support.source import LAYERS, ROOT, Module, imports, modules

MAY_IMPORT = {
    "schemas": {"schemas"},
    "sdk": {"schemas", "sdk"},
    "adapters": {"schemas", "sdk", "adapters"},
}

GROUND_UP = (
    (
        "values",
        (
            "lazy errors version message profile secrets checks compact_json card_numbers strict_json strict_xml "
            "journal.records observation lattice outcomes forks background scorecards.measures "
            "incidents.kinds incidents.records watch.moves watch.holds watch.tail verbs partner_records"
        ),
    ),
    ("effects", "journal.session exchange"),
    ("adapter contract", "adapter"),
    ("safety", "host_clock events redaction keys keyring tls retry"),
    ("audit", "audit"),
    ("storage", "journal"),
    ("wire", "transport"),
    ("money path", "calling hints authoring operations"),
    ("guards", "hosting limits breaker suspension guards"),
    (
        "hosts and gateway",
        (
            "scorecards otel desk front gateway settings settings_file lookup records_file opening routing router "
            "openapi drift incidents watch"
        ),
    ),
    ("front door", ""),
    ("tools", "report testing cli web"),
)
"""The modules of ``payport.sdk`` from the ground up (the longest name that fits counts). A new one needs its place."""

PACKAGES = (
    "payport.schemas",
    "payport.sdk",
    *sorted(
        f"payport.adapters.{path.parent.name}" for path in (ROOT / "adapters/payport/adapters").glob("*/__init__.py")
    ),
)
"""What an application imports."""

DEAR = ("httpx", "httpcore", "pydantic", "cryptography", "sqlalchemy", "structlog", "tenacity", "asyncio", "anyio")


def height(name: str) -> int:
    """Where a module of the sdk stands in :data:`GROUND_UP`."""
    inner = name.removeprefix("payport.sdk").removeprefix(".")
    fitting = [
        (len(module), at)
        for at, (_, listed) in enumerate(GROUND_UP)
        for module in (listed.split() or [""])
        if inner == module or (module and inner.startswith(f"{module}."))
    ]
    assert fitting, f"{name} has no place yet: name it in GROUND_UP"
    return max(fitting)[1]


def ours(layer: str) -> list[Module]:
    """The modules of one layer."""
    return [module for module in modules() if module.layer == layer]


def importers(*libraries: str) -> set[str]:
    """The modules that import one of ``libraries``, early or late."""
    return {module.name for module in modules() for each in imports(module) if each.target.split(".")[0] in libraries}


def test_the_namespace_stays_open() -> None:
    """One stray ``payport/__init__.py`` would hide the other two packages."""
    closed = [layer for layer in LAYERS if (ROOT / layer / "payport" / "__init__.py").exists()]
    assert closed == []


@pytest.mark.parametrize("layer", LAYERS)
def test_every_package_says_that_it_is_typed(layer: str) -> None:
    """Without ``py.typed`` a type checker ignores all annotations of an installed package."""
    assert (ROOT / layer / "payport" / layer / "py.typed").is_file()


@pytest.mark.parametrize("layer", LAYERS)
def test_layers_import_one_way(layer: str) -> None:
    """schemas <- sdk <- adapters: nobody imports upwards, not even late."""
    wrong = [
        f"{module.place}:{each.line} imports {each.target}"
        for module in ours(layer)
        for each in imports(module)
        if each.target.startswith("payport.") and each.target.split(".")[1] not in MAY_IMPORT[layer]
    ]
    assert wrong == []


def test_inside_the_sdk_lower_never_imports_higher() -> None:
    """Values know nothing of storage, storage nothing of operations, operations nothing of gateways."""
    wrong = [
        f"{module.place}:{each.line} imports {each.target}, which stands higher"
        for module in ours("sdk")
        for each in imports(module)
        if each.target.startswith("payport.sdk") and height(each.target) > height(module.name)
    ]
    assert wrong == []


def test_partners_do_not_know_each_other() -> None:
    """What two adapters share belongs into the sdk."""
    wrong = [
        f"{module.place}:{each.line} imports {each.target}"
        for module in ours("adapters")
        for each in imports(module)
        if each.target.startswith("payport.adapters.") and each.target.split(".")[2] != module.name.split(".")[2]
    ]
    assert wrong == []


@pytest.mark.parametrize("name", PACKAGES)
def test_the_public_names_are_real_and_sorted(name: str) -> None:
    """``__all__`` is the promise: constants, classes, functions, each in alphabetical order; every name is there."""
    package = import_module(name)
    promised: list[str] = list(package.__all__)
    assert promised == sorted(set(promised), key=lambda each: (not each.isupper(), not each[0].isupper(), each))
    assert [each for each in promised if not hasattr(package, each)] == []


@pytest.mark.parametrize(
    ("libraries", "module"),
    [
        (("httpx", "httpcore"), "payport.sdk.transport.http"),
        (("redis",), "payport.sdk.limits.shared"),
    ],
)
def test_one_module_knows_a_library(libraries: tuple[str, ...], module: str) -> None:
    """Moving to another one is one file."""
    assert importers(*libraries) == {module}


def test_only_the_journal_knows_sqlalchemy() -> None:
    """And one module of it sets the engine up."""
    assert [name for name in sorted(importers("sqlalchemy", "alembic")) if ".sdk.journal" not in name] == []
    makers = [module.name for module in ours("sdk") if "create_engine(" in module.path.read_text("utf-8")]
    assert len(makers) == 1, makers


def test_every_partner_is_found_by_its_entry_point() -> None:
    """The sdk never imports an adapter, so an adapter of a user is found the same way as ours."""
    folders = {path.parent.name for path in (ROOT / "adapters/payport/adapters").glob("*/__init__.py")}
    found = entry_points(group="payport.adapters")
    assert folders <= found.names
    for folder in folders:
        adapter = found[folder].load()
        assert adapter.__module__.startswith(f"payport.adapters.{folder}")


@pytest.mark.parametrize("name", PACKAGES)
def test_importing_a_package_loads_nothing_dear(name: str) -> None:
    """Libraries that cost tens of milliseconds are loaded with the first call that needs them."""
    look = f"import sys, json, {name}; print(json.dumps([each for each in {DEAR!r} if each in sys.modules]))"
    run = subprocess.run([sys.executable, "-I", "-c", look], capture_output=True, check=True, text=True)
    assert json.loads(run.stdout) == []
