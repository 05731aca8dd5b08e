"""The partners, as the conformance suite meets them."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TypeAlias, cast

from tests.conformance import subjects as folder

from payport.sdk.testing.conformance.subject import Subject, Way
from payport.sdk.testing.conformance.world import World
from payport.sdk.testing.simulated import SimulatedPartner

AnySubject: TypeAlias = Subject[SimulatedPartner]
AnyWay: TypeAlias = Way[SimulatedPartner]
AnyWorld: TypeAlias = World[SimulatedPartner]

NOT_A_PARTNER = frozenset({"kiosk"})
"""The example of a user's own adapter: the conformance suite covers it, the proof is about the partners."""


@cache
def subjects() -> tuple[AnySubject, ...]:
    """Every partner, by name."""
    names = sorted(each.name for each in iter_modules(folder.__path__) if each.name not in NOT_A_PARTNER)
    return tuple(cast("AnySubject", import_module(f"tests.conformance.subjects.{name}").SUBJECT) for name in names)


def subject_named(name: str) -> AnySubject:
    """One of them."""
    return next(subject for subject in subjects() if subject.name == name)
