"""What a run has done so far, one JSON line per shard, so that a long run can be stopped and taken up again."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proof.family import Failure, Tally

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Done:
    """A shard that was run. ``commit``: of the source it was run on, empty where that is not known."""

    family: str
    first: int
    count: int
    tally: Tally
    seconds: float
    commit: str


class State:
    """The shards done so far; kept in ``place`` when there is one."""

    def __init__(self, place: Path | None) -> None:
        self._place = place
        self.done: dict[tuple[str, int, int], Done] = {}
        if place is not None and place.exists():
            for found in _read(place):
                self.done[found.family, found.first, found.count] = found

    def has(self, family: str, first: int, count: int) -> bool:
        """Whether this shard was run, by this run or by the one before. One that failed is run again."""
        found = self.done.get((family, first, count))
        return found is not None and not found.tally.failures

    def add(self, done: Done) -> None:
        """Keep one more, durably."""
        self.done[done.family, done.first, done.count] = done
        if self._place is None:
            return
        with self._place.open("a", encoding="utf-8") as file:
            file.write(json.dumps(_plain(done)) + "\n")
            file.flush()

    def of(self, family: str) -> Iterator[Done]:
        """What was run of a family."""
        return (done for done in self.done.values() if done.family == family)


def commit() -> str:
    """The commit of the source, with a plus when files differ from it; empty without git."""
    try:
        head = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head.stdout.strip()


def _plain(done: Done) -> dict[str, Any]:
    return {
        "family": done.family,
        "first": done.first,
        "count": done.count,
        "cases": done.tally.cases,
        "failures": [[failure.number, failure.what] for failure in done.tally.failures],
        "notes": done.tally.notes,
        "seconds": done.seconds,
        "commit": done.commit,
    }


def _read(place: Path) -> Iterator[Done]:
    for text in place.read_text("utf-8").splitlines():
        try:
            found = json.loads(text)
        except ValueError:
            continue  # the machine went down in the middle of this line: its shard is run again
        failures = [Failure(number, what) for number, what in found["failures"]]
        yield Done(
            family=found["family"],
            first=found["first"],
            count=found["count"],
            tally=Tally(found["cases"], failures, found["notes"]),
            seconds=found["seconds"],
            commit=found["commit"],
        )
