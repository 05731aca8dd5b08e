"""What ``payport doctor`` finds: green, yellow or red, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Light(Enum):
    """How bad a finding is. The value is the colour it is shown in."""

    GREEN = "green"
    YELLOW = "yellow"
    """It works, or could not be looked at; somebody should know."""
    RED = "red"
    """Payments fail, or will."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``mend``: what to do, empty when there is nothing to do. Neither shows a secret."""

    light: Light
    what: str
    mend: str = ""


def green(what: str) -> Finding:
    """All is well."""
    return Finding(Light.GREEN, what)


def yellow(what: str, mend: str) -> Finding:
    """It works, or could not be looked at."""
    return Finding(Light.YELLOW, what, mend)


def red(what: str, mend: str) -> Finding:
    """Payments fail, or will."""
    return Finding(Light.RED, what, mend)
