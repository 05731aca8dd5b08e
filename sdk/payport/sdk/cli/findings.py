"""What ``payport doctor`` finds: green, yellow or red, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
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
    """One thing that was looked at. ``mend``: what to do, empty when there is nothing to do. Neither shows a secret.

    ``term``: when it is about something of ours that ends, and that nobody renews but a person.
    """

    light: Light
    what: str
    mend: str = ""
    term: Term | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """Something that ends: an incident before it does. ``item``: its name, and its number where it has one."""

    item: str
    ends: datetime


def green(what: str, term: Term | None = None) -> Finding:
    """All is well."""
    return Finding(Light.GREEN, what, term=term)


def yellow(what: str, mend: str, term: Term | None = None) -> Finding:
    """It works, or could not be looked at."""
    return Finding(Light.YELLOW, what, mend, term)


def red(what: str, mend: str, term: Term | None = None) -> Finding:
    """Payments fail, or will."""
    return Finding(Light.RED, what, mend, term)
