"""Every family, in the order of the table."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from proof.family import Family

MODULES: tuple[str, ...] = (
    "schedules",
    "crash_points",
    "killing",
    "power",
    "network",
    "tls",
    "retrying",
    "signatures",
    "fuzzing",
    "rotation",
    "storms",
    "clocks",
    "secrecy",
    "concurrency",
    "books",
    "colours",
    "sabotage",
    "soak",
    "standing_still",
    "two_partners",
)
"""One module per family, each with a ``FAMILY``."""


@cache
def families() -> tuple[Family, ...]:
    """All of them. Importing them costs a second or two: they need every adapter and simulator."""
    return tuple(import_module(f"proof.{name}").FAMILY for name in MODULES)
