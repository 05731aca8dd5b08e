"""Run schedules by the thousand, and one of them again for a person to read."""

from __future__ import annotations

import sys
import traceback
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import cast

from payport.sdk.testing.conformance import subject_named
from payport.sdk.testing.conformance.case import AnySubject
from payport.sdk.testing.conformance.subject import PartnerT, Subject
from payport.sdk.testing.world.coverage import coverage_of
from payport.sdk.testing.world.invariants import check
from payport.sdk.testing.world.quick_keys import quick_keys
from payport.sdk.testing.world.schedule import Options, Schedule

GENUINE_EVERY = 200
"""One schedule in so many signs with genuine keys, keeps its journal in a file, and is looked through for secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing that must not be. ``invariant``: ``I1`` to ``I12`` and others; ``command``: shows the whole story."""

    partner: str
    seed: int
    invariant: str
    text: str
    command: str

    def __str__(self) -> str:
        return f"{self.partner} seed {self.seed}: {self.invariant}: {self.text}\n  {self.command}"


@dataclass(slots=True, kw_only=True)
class Report:
    """What came of a range of seeds. ``coverage``: how often each kind of thing was met, see :mod:`.coverage`."""

    partner: str
    first_seed: int
    schedules: int = 0
    seconds: float = 0.0
    violations: list[Violation] = field(default_factory=list[Violation])
    coverage: Counter[str] = field(default_factory=Counter[str])

    @property
    def per_second(self) -> float:
        """How many schedules a second."""
        return self.schedules / self.seconds if self.seconds else 0.0


def run(
    subject: Subject[PartnerT] | str,
    first_seed: int,
    count: int,
    *,
    stop_at_first: bool = False,
    genuine_every: int = GENUINE_EVERY,
) -> Report:
    """Run the schedules ``first_seed`` to ``first_seed + count - 1`` of a partner, and check each history.

    ``subject``: as for :func:`payport.sdk.testing.conformance.subject_named`, or what it finds. ``stop_at_first``: stop
    after the first schedule with a violation: ``schedules`` says how many it took. ``genuine_every``: the share with
    genuine keys and a journal in a file, 0 for none. The same seeds give the same report on every machine.
    """
    where, found = _found(subject)
    report = Report(partner=found.name, first_seed=first_seed)
    began = perf_counter()
    with TemporaryDirectory() as folder:
        for seed in range(first_seed, first_seed + count):
            genuine = genuine_every > 0 and seed % genuine_every == 0
            report.schedules += 1
            report.violations += _run_one(found, where, seed, report.coverage, Path(folder) if genuine else None)
            if stop_at_first and report.violations:
                break
    report.seconds = perf_counter() - began
    return report


def replay(subject: Subject[PartnerT] | str, seed: int) -> tuple[str, list[Violation]]:
    """The whole story of one seed as text, and what is wrong with it.

    A seed that a run plays with genuine keys and a journal in a file is played so here: what only these show is seen.
    """
    where, found = _found(subject)
    with TemporaryDirectory() as folder:
        genuine = seed % GENUINE_EVERY == 0
        schedule, wrong = _play(found, where, seed, Options(place=Path(folder) if genuine else None, watched=True))
    return schedule.history.text(), wrong


def _run_one(
    subject: AnySubject, where: str, seed: int, coverage: Counter[str], folder: Path | None
) -> list[Violation]:
    """``folder``: for a journal in a file, with genuine keys."""
    schedule, wrong = _play(subject, where, seed, Options(place=folder, watched=folder is not None))
    coverage.update(coverage_of(schedule))
    return wrong


def _play(subject: AnySubject, where: str, seed: int, options: Options) -> tuple[Schedule, list[Violation]]:
    """One schedule, with genuine keys where its journal is in a file, and what is wrong with it."""
    with nullcontext() if options.place is not None else quick_keys():
        schedule = Schedule(subject, seed, options)
        try:
            schedule.play()
        except Exception as error:  # noqa: BLE001 - what breaks the world itself is a finding too
            return schedule, [_broken(subject, where, seed, error)]
    return schedule, _violations(subject, where, schedule)


def _violations(subject: AnySubject, where: str, schedule: Schedule) -> list[Violation]:
    command = _command(where, schedule.seed)
    return [
        Violation(partner=subject.name, seed=schedule.seed, invariant=name, text=text, command=command)
        for name, text in check(schedule.history)
    ]


def _broken(subject: AnySubject, where: str, seed: int, error: Exception) -> Violation:
    last = traceback.extract_tb(error.__traceback__)[-1]
    text = f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
    return Violation(partner=subject.name, seed=seed, invariant="World", text=text, command=_command(where, seed))


def _command(where: str, seed: int) -> str:
    return f"python -m payport.sdk.testing.world {where} --seed {seed}"


def _found(subject: Subject[PartnerT] | str) -> tuple[str, AnySubject]:
    if isinstance(subject, str):
        return subject, subject_named(subject)
    where = next((name for name, module in sys.modules.items() if getattr(module, "SUBJECT", None) is subject), None)
    return where or subject.name, cast("AnySubject", subject)
