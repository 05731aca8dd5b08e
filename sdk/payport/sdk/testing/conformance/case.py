"""Checks and cases: one check is one promise about any partner, one case is one check of one row of one partner."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

from payport.sdk.testing.conformance.secrecy import leaks
from payport.sdk.testing.conformance.subject import Subject, Way
from payport.sdk.testing.conformance.world import World
from payport.sdk.testing.simulated import SimulatedPartner

AnySubject: TypeAlias = Subject[SimulatedPartner]
AnyWay: TypeAlias = Way[SimulatedPartner]
AnyWorld: TypeAlias = World[SimulatedPartner]
RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to try with one partner. ``run`` raises ``AssertionError`` when the promise is not kept."""

    subject: AnySubject
    name: str
    promise: str
    """What holds, in a sentence."""
    _body: Callable[[AnyWorld], None]
    in_file: bool = False
    """Whether it needs the journal in a file, because it copies it."""

    def __str__(self) -> str:
        """How it is named in a list of tests: partner, check, row."""
        return f"{self.subject.name}-{self.name}"

    def run(self, folder: Path, url: str | None = None) -> None:
        """Try it, with files in the empty ``folder``; then look for secrets in everything that came out.

        ``url``: of an empty journal elsewhere, on a database server for example. By default it is a file.
        """
        try:
            with World(self.subject, folder, url=url) as world:
                self._body(world)
                wrong = [*world.watch.problems(), *leaks(world)]
            assert not wrong, wrong
        except Exception as error:
            error.add_note(f"{self}: {self.promise}")
            raise


@dataclass(frozen=True, slots=True)
class Check:
    """One promise. ``rows``: what it is tried with, for one partner; none when it does not concern it."""

    name: str
    promise: str
    rows: Callable[[AnySubject], Iterable[tuple[str, Callable[[AnyWorld], None]]]]
    in_file: bool = False

    def cases(self, subject: AnySubject) -> list[Case]:
        """What is to be tried with a partner."""
        return [
            Case(subject, f"{self.name}[{row}]" if row else self.name, self.promise, body, self.in_file)
            for row, body in self.rows(subject)
        ]


CHECKS: list[Check] = []
"""Every check, in the order in which the modules of :mod:`payport.sdk.testing.conformance.checks` define them."""


def check(
    rows: Callable[[AnySubject], Iterable[RowT]], name: Callable[[RowT], str] = str, *, in_file: bool = False
) -> Callable[[Callable[[AnyWorld, RowT], None]], Check]:
    """Make a check of a function that tries one row. Its docstring is the promise."""

    def decorate(body: Callable[[AnyWorld, RowT], None]) -> Check:
        def bound(row: RowT) -> Callable[[AnyWorld], None]:
            return lambda world: body(world, row)

        made = Check(
            body.__name__,
            " ".join((body.__doc__ or "").split()),
            lambda subject: [(name(row), bound(row)) for row in rows(subject)],
            in_file,
        )
        CHECKS.append(made)
        return made

    return decorate


def always(_: AnySubject) -> Iterable[str]:
    """One case, for every partner."""
    return ("",)


def when(holds: Callable[[AnySubject], object]) -> Callable[[AnySubject], Iterable[str]]:
    """One case, for partners of which this is true."""
    return lambda subject: ("",) if holds(subject) else ()
