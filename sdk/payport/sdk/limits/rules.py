"""A limit as it is counted: under which key, and how its turns are shared between payments and questions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from payport.sdk.message import Purpose
from payport.sdk.profile import WHOLE, CallLimit

RESERVE = 0.2
"""The share of every limit that finding out has for itself."""

MOVING, ASKING = 0, 1
"""The two lanes of a limit: what is new, and what finds out or settles what is under way."""


def lane_of(purpose: Purpose) -> int:
    """Which lane a request is in."""
    return MOVING if purpose is Purpose.MOVE else ASKING


class Lane(NamedTuple):
    """A part of a limit's turns: one every ``turn_s`` seconds, and as many at once as come in ``ahead_s`` and one."""

    turn_s: float
    ahead_s: float


@dataclass(frozen=True, slots=True)
class Rule:
    """A limit under the ``key`` by which it is counted. ``reserve``: the share that finding out has for itself.

    Both lanes together have never more turns than the limit. Each can be booked ahead by those whose lane it is; the
    others may take its next turn when nobody has, so that nothing is lost while only one of them is busy.
    """

    limit: CallLimit
    key: str
    reserve: float = RESERVE
    lanes: tuple[Lane, ...] = field(init=False, repr=False)
    """One lane for all where the burst is below two: then there is nothing to divide. None without a rate."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "lanes", self.lanes_at(self.limit.rate_per_s))

    @property
    def name(self) -> str:
        """The limit's name."""
        return self.limit.name

    @property
    def whole(self) -> bool:
        """Whether it is the limit on everything."""
        return self.limit.name == WHOLE

    def lanes_at(self, rate_per_s: float | None) -> tuple[Lane, ...]:
        """The lanes when the limit runs at this rate, which may be slower than its own, or one where it has none."""
        if rate_per_s is None:
            return ()
        burst = self.burst_at(rate_per_s)
        if burst < _DIVISIBLE or not self.reserve:
            return (Lane(1 / rate_per_s, (burst - 1) / rate_per_s),)
        asking = min(burst - 1, max(1.0, burst * self.reserve))
        share = 1 - self.reserve, self.reserve
        return tuple(
            Lane(1 / (rate_per_s * part), (some - 1) / (rate_per_s * part))
            for part, some in zip(share, (burst - asking, asking), strict=True)
        )

    def burst_at(self, rate_per_s: float) -> float:
        """How many may come at once when the limit runs at this rate: fewer when it is slower."""
        usual = self.limit.rate_per_s
        if usual is None:
            return max(_DIVISIBLE, rate_per_s)
        return max(min(_DIVISIBLE, self.limit.burst), self.limit.burst * min(1.0, rate_per_s / usual))

    def room(self, lane: int) -> tuple[int, int]:
        """How many requests may be under way at once: in this lane, and in both. Each leaves the other a place."""
        total = self.limit.concurrency or 0
        if total < _DIVISIBLE or not self.reserve:
            return total, total
        kept = 1 if lane == ASKING else max(1, int(total * self.reserve))
        return total - kept, total

    def shared_by(self, hosts: int) -> Rule:
        """The part of this limit that one of so many has when they cannot count together."""
        limit = self.limit
        rate = None if limit.rate_per_s is None else limit.rate_per_s / hosts
        burst = max(min(_DIVISIBLE, limit.burst), limit.burst / hosts)
        together = None if limit.concurrency is None else max(1, limit.concurrency // hosts)
        return Rule(replace(limit, rate_per_s=rate, burst=burst, concurrency=together), self.key, self.reserve)


_DIVISIBLE = 2.0


@dataclass(frozen=True, slots=True)
class Refused:
    """The next turn comes too late, so none was taken. ``paused``: the partner asked to be left alone."""

    rule: Rule
    retry_after_s: float
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Full:
    """As many requests are under way as may be."""

    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitLeft:
    """How much is left of a limit.

    ``rate_per_s``: now, below ``usual_per_s`` while the partner's complaint is heeded; ``None``: not limited.
    ``left``: how many calls of any kind could go at once. ``next_s``: how long a payment would wait for its turn.
    ``in_use`` of ``concurrency`` requests are under way. ``paused_s``: how long the partner wants to be left alone.
    ``shared``: whether it is counted over all processes.
    """

    name: str
    rate_per_s: float | None
    usual_per_s: float | None
    burst: float
    left: int | None
    next_s: float
    in_use: int
    concurrency: int | None
    paused_s: float
    shared: bool
