"""How bad a schedule is: for each kind of mishap how likely it is, drawn anew for every schedule.

Some schedules see one kind of mishap often and no other, some see everything, some nothing: a mishap that hides
another one is absent often enough for the other one to be seen alone (swarm testing).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from payport.sdk.testing.faults import Fault
from payport.sdk.testing.world.dice import Dice

T = TypeVar("T")


class Mishap(Enum):
    """What can happen to a request between the two sides, besides the partner's own misbehaviour."""

    UNRESOLVED = "the name could not be resolved"
    UNREACHABLE = "no connection"
    BROKEN_TLS = "the handshake failed"
    LOST = "the request was lost"
    DELAYED = "the request arrives later, nobody waits for the answer"
    REPEATED = "the request arrives twice"
    RESET_BEFORE = "the connection broke before it arrived"
    RESET_AFTER = "the connection broke after it arrived"
    REPLY_LOST = "the reply was lost"
    SLOW = "the answer takes its time"


NOT_LEFT = frozenset({Mishap.UNRESOLVED, Mishap.UNREACHABLE, Mishap.BROKEN_TLS})
"""Of these the sender knows that no byte left."""

BY_THE_WAY = frozenset(
    {Fault.LATE_ARRIVAL, Fault.RESET_BEFORE_TLS, Fault.RESET_BEFORE_READING, Fault.RESET, Fault.SILENCE}
)
"""Faults that are the network's: a :class:`Mishap` plays them with their times."""


class Failure(Enum):
    """How the journal fails."""

    READ = "could not be read"
    WRITE = "could not be written"
    COMMIT = "wrote, and then could not say so"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How likely each mishap is, from 0 to 1, and how long the schedule goes on, in seconds.

    ``road``, ``partner``: of a request; ``refused``: of a request, by our own limits, or that it must wait. ``disk``:
    of an access to the journal. ``death``: of a call. ``doubled``, ``forged``, ``missed``: of a notice. ``jump``: of a
    process, that its clock is set while it runs. ``pause``: of an access to the journal, that others go first.
    ``away``: of a call, that its process stands still at one of its effects, for up to minutes. ``lasting``: of what
    befalls a request, that it befalls every request for a while: a limit, an outage, a road that is cut.
    """

    length_s: float = 600.0
    road: float = 0.0
    mishaps: Sequence[Mishap] = ()
    partner: float = 0.0
    faults: Sequence[Fault] = ()
    refused: float = 0.0
    disk: float = 0.0
    death: float = 0.0
    doubled: float = 0.0
    forged: float = 0.0
    missed: float = 0.0
    jump: float = 0.0
    pause: float = 0.3
    away: float = 0.0
    lasting: float = 0.0


CALM = Weather(pause=0.0)
"""Nothing goes wrong."""

_LEVELS = (0.0, 0.05, 0.2, 0.5)


def draw(dice: Dice, extra: Dice, plays: Sequence[Fault]) -> Weather:
    """The weather of one schedule. ``plays``: what the partner can be told to do, in a fixed order."""
    kinds = [fault for fault in plays if fault not in BY_THE_WAY]
    return Weather(
        length_s=dice.pick((60.0, 300.0, 1200.0, 4000.0)),
        road=dice.pick(_LEVELS),
        mishaps=_some(dice, tuple(Mishap)),
        partner=dice.pick(_LEVELS),
        faults=_some(dice, kinds),
        refused=dice.pick((0.0, 0.0, 0.0, 0.05, 0.4)),
        disk=dice.pick((0.0, 0.0, 0.02, 0.1)),
        death=dice.pick((0.0, 0.1, 0.3, 0.6)),
        doubled=dice.pick((0.0, 0.2, 0.6)),
        forged=dice.pick((0.0, 0.0, 0.5, 1.0)),
        missed=dice.pick((0.0, 0.2, 0.9)),
        jump=dice.pick((0.0, 0.0, 0.3)),
        pause=dice.pick((0.1, 0.4)),
        away=extra.pick((0.0, 0.0, 0.1, 0.4)),
        lasting=extra.pick((0.0, 0.0, 0.2, 0.7)),
    )


def _some(dice: Dice, kinds: Sequence[T]) -> tuple[T, ...]:
    """All of them, or a few."""
    if not kinds or dice.happens(0.3):
        return tuple(kinds)
    return tuple(dice.pick(kinds) for _ in range(1 + dice.upto(2)))
