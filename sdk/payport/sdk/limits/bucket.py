"""One limit being counted: turns, requests under way, and how the partner's complaints slow it down.

Turns are booked on a line of time (GCRA): each lane knows when its last booked turn is over, ``due_s``. A turn may be
used up to ``ahead_s`` before its place on the line, which is the burst. What is counted in another process is the same
in Lua, see :mod:`payport.sdk.limits.script`.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TypeAlias

from payport.sdk.limits.rules import MOVING, Lane, LimitLeft, Rule

RECOVER_S = 60.0
"""How long it takes from the half that a complaint leaves back to what went before; then on at the same pace."""
LEAST_PER_S = 2.0
"""A complaint slows no limit below this."""
LONGEST_PAUSE_S = 300.0
"""A partner is not left alone for longer than this by its own word: nothing signs that word."""
SAME_S = 1.0
"""Complaints so close to each other are one: those requests were under way before we slowed down."""
FORGET = 10.0
"""Where no limit is known, a complaint is forgotten at so many times the rate that it left."""


Turn: TypeAlias = tuple[float, int, float]
"""The first turn that can be had: when, in which lane (-1 where turns are not limited), and how long it is."""


class Bucket:
    """What is counted of one limit. Not safe for threads: its store holds a lock around it."""

    __slots__ = (
        "_count",
        "_due_s",
        "_last",
        "_slow_at_s",
        "_slow_per_s",
        "_under_way",
        "_until_s",
        "_window_s",
        "rule",
    )

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._due_s = [0.0, 0.0]
        self._under_way: tuple[list[float], list[float]] = ([], [])
        self._window_s = 0.0
        self._count = self._last = 0
        self._slow_per_s: float | None = None
        self._slow_at_s = -SAME_S
        self._until_s = 0.0

    def full(self, lane: int, now_s: float) -> bool:
        """Whether as many requests are under way as may be; the places of those whose deadline is over are free."""
        if self.rule.limit.concurrency is None:
            return False
        for held in self._under_way:
            while held and held[0] <= now_s:
                heappop(held)
        mine, total = self.rule.room(lane)
        return len(self._under_way[lane]) >= mine or sum(map(len, self._under_way)) >= total

    def first(self, lane: int, now_s: float) -> Turn:
        """The first turn for a request of this lane; its own, or the next one of the other lane when it is sooner."""
        lanes = self.rule.lanes if self._slow_per_s is None else self._lanes(now_s)
        if not lanes:
            return self._until_s, -1, 0.0
        which = lane if lane < len(lanes) else 0
        turn_s, ahead_s = lanes[which]
        at_s = self._due_s[which] - ahead_s
        if at_s > now_s and len(lanes) > 1:
            other_turn_s, ahead_s = lanes[1 - which]
            other_s = self._due_s[1 - which] - ahead_s
            if other_s < at_s and other_s <= now_s + other_turn_s:
                at_s, which, turn_s = other_s, 1 - which, other_turn_s
        return at_s if at_s >= self._until_s else self._until_s, which, turn_s

    def paused(self, at_s: float) -> bool:
        """Whether the partner wants to be left alone until this time."""
        return self._until_s >= at_s

    def book(self, turn: Turn, at_s: float, now_s: float, deadline_s: float, lane: int) -> None:
        """Take this turn, to be used at ``at_s`` by a request of this lane.

        Its place among those under way is held until ``deadline_s``, so that one that died never keeps it.
        """
        _, which, turn_s = turn
        if which >= 0:
            due_s = self._due_s[which]
            self._due_s[which] = (due_s if due_s > at_s else at_s) + turn_s
        if self.rule.limit.concurrency is not None:
            heappush(self._under_way[lane], deadline_s)
        if now_s - self._window_s >= 1.0:
            self._last = self._count if now_s - self._window_s < _TWO_WINDOWS_S else 0
            self._count, self._window_s = 0, now_s
        self._count += 1

    def release(self, lane: int) -> None:
        """A request is over. Of the places in its lane the one that would be free first: never one too many is."""
        if self._under_way[lane]:
            heappop(self._under_way[lane])

    def slow(self, pause_s: float, now_s: float) -> float | None:
        """Heed a complaint: half the rate at which we called, and no call for ``pause_s``.

        Answers the rate from now on, ``None`` when this complaint changes nothing.
        """
        until_s = now_s + min(pause_s, LONGEST_PAUSE_S)
        if now_s - self._slow_at_s < SAME_S:
            longer = until_s > self._until_s + SAME_S
            self._until_s = max(self._until_s, until_s)
            return self.rate_per_s(now_s) if longer else None
        self._until_s = max(self._until_s, until_s)
        usual = self.rule.limit.rate_per_s
        recent = self._count if now_s - self._window_s >= 1.0 else max(self._count, self._last)
        if now_s - self._window_s >= _TWO_WINDOWS_S:
            recent = 0
        rates = [rate for rate in (self.rate_per_s(now_s), float(recent)) if rate is not None]
        self._slow_per_s = max(min(LEAST_PER_S, usual or LEAST_PER_S), min(rates) / 2)
        self._slow_at_s = now_s
        return self._slow_per_s

    def rate_per_s(self, now_s: float) -> float | None:
        """How often it lets go now; ``None``: as often as one likes."""
        usual = self.rule.limit.rate_per_s
        if self._slow_per_s is None:
            return usual
        grown = 1 + (now_s - self._slow_at_s) / RECOVER_S
        rate = self._slow_per_s * grown
        if grown >= FORGET if usual is None else rate >= usual:
            self._slow_per_s = None
            return usual
        return rate

    def look(self, now_s: float) -> LimitLeft:
        """How much is left."""
        rate, lanes = self.rate_per_s(now_s), self._lanes(now_s)
        paused_s = max(0.0, self._until_s - now_s)
        turns = [
            1 + (lane.ahead_s - max(0.0, due_s - now_s)) / lane.turn_s
            for lane, due_s in zip(lanes, self._due_s, strict=False)  # one lane where there is nothing to divide
        ]
        left = 0 if paused_s else sum(max(0, int(some + _ROUNDING)) for some in turns)
        self.full(MOVING, now_s)
        return LimitLeft(
            name=self.rule.name,
            rate_per_s=rate,
            usual_per_s=self.rule.limit.rate_per_s,
            burst=self.rule.limit.burst,
            left=left if lanes or paused_s else None,
            next_s=max(0.0, self.first(MOVING, now_s)[0] - now_s),
            in_use=sum(map(len, self._under_way)),
            concurrency=self.rule.limit.concurrency,
            paused_s=paused_s,
            shared=False,
        )

    def _lanes(self, now_s: float) -> tuple[Lane, ...]:
        if self._slow_per_s is None:
            return self.rule.lanes
        return self.rule.lanes_at(self.rate_per_s(now_s))


_TWO_WINDOWS_S = 2.0
_ROUNDING = 1e-6
