"""Reading the journal's stream of transitions without losing one: numbers are given out in order, commits are not.

On a shared database a transition with a smaller number may be committed after one with a larger. So a reader that goes
on from the largest number it saw would miss it. This one remembers which numbers it has not seen and looks for them
again, until they are older than any transaction lives; a number that stays away belonged to a transaction that was
rolled back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from payport.sdk.journal.records import Operation, State, Transition

PATIENCE_S = 600.0
"""How long a number that was not seen is looked for: an application's own transaction may hold a prepared intent."""

MANY_GAPS = 10_000
BATCH = 500


@dataclass(frozen=True, slots=True)
class Streamed:
    """A transition, the state before it (``None``: it is the first), and the operation as it stands by now."""

    transition: Transition
    before: State | None
    operation: Operation


class Stream(Protocol):
    """What is read of a journal inside one transaction."""

    def streamed(self, after: int, limit: int) -> Sequence[Streamed]:
        """Transitions with larger numbers, in their order."""
        ...

    def streamed_ids(self, first: int, last: int) -> Sequence[int]:
        """The numbers that are there, from ``first`` to ``last``, both included."""
        ...


@dataclass(slots=True)
class Tail:
    """Where a reader stands. ``high``: the largest number seen; ``gaps``: smaller ones that were not, since when."""

    high: int
    gaps: dict[int, float] = field(default_factory=dict[int, float])
    given_up: int = 0
    """How many numbers were looked for in vain."""

    @property
    def done(self) -> int:
        """Everything up to here was read: a reader that begins anew begins after it."""
        return min(self.gaps) - 1 if self.gaps else self.high

    def read(self, stream: Stream, now_s: float) -> Sequence[Streamed]:
        """What is new, each transition once: late ones first, then the next ones in order, :data:`BATCH` at most.

        Where the stream raises, nothing counts as read.
        """
        late = self._late(stream)
        fresh = stream.streamed(self.high, BATCH)
        found = {each.transition.id for each in late}
        gaps = {number: since_s for number, since_s in self.gaps.items() if number not in found}
        high = self.high
        for each in fresh:
            number = each.transition.id
            gaps |= dict.fromkeys(range(max(high + 1, number - MANY_GAPS), number), now_s)
            high = number
        kept = {number: since_s for number, since_s in gaps.items() if now_s - since_s <= PATIENCE_S}
        while len(kept) > MANY_GAPS:
            del kept[next(iter(kept))]
        self.given_up += len(gaps) - len(kept)
        self.high, self.gaps = high, kept
        return [*late, *fresh]

    def _late(self, stream: Stream) -> list[Streamed]:
        if not self.gaps:
            return []
        there = stream.streamed_ids(min(self.gaps), max(self.gaps))
        return [each for number in there if number in self.gaps for each in stream.streamed(number - 1, 1)]
