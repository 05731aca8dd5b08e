"""Where limits are counted: in this process, or in a place that several processes share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Protocol, TypeAlias

from payport.sdk.forks import follow_forks
from payport.sdk.limits.bucket import Bucket, Turn
from payport.sdk.limits.rules import Full, LimitLeft, Refused, Rule

if TYPE_CHECKING:
    from payport.sdk.events import SdkEvent

Decision: TypeAlias = float | Refused | Full
"""Seconds to wait, the turn being taken; or why there is none, nothing being taken."""

Tell: TypeAlias = Callable[[Rule, float, float], None]
"""Is told that a limit was slowed: which, to how many a second, and for how many seconds nothing goes."""


class LimitStore(Protocol):
    """Counts. Several gateways of a process share one, and so what they may do together. Safe for threads and forks.

    ``blocks``: whether it may take so long that an event loop should not wait for it. ``news``: what it has to tell.
    """

    @property
    def blocks(self) -> bool:
        """Whether asking leaves the process."""
        ...

    @property
    def news(self) -> deque[SdkEvent]:
        """What it has to tell, until somebody takes it."""
        ...

    def take(self, rules: Sequence[Rule], lane: int, left_s: float, now_s: float) -> Decision:
        """The first turn that all of these limits have, if it comes within ``left_s``; all of them or none is taken."""
        ...

    def release(self, rules: Sequence[Rule], lane: int) -> None:
        """A request under these limits is over. Never waits."""
        ...

    def slow(self, rules: Sequence[Rule], pause_s: float, now_s: float, tell: Tell) -> None:
        """The partner complained about a request under these limits. Never waits."""
        ...

    def look(self, rules: Sequence[Rule], now_s: float) -> Sequence[LimitLeft]:
        """How much is left."""
        ...

    def close(self) -> None:
        """Let go of whatever is open."""
        ...


class LocalStore:
    """Counts in this process alone. After a fork each process goes on by itself."""

    blocks = False

    def __init__(self) -> None:
        self.news: deque[SdkEvent] = deque()
        self._buckets: dict[str, Bucket] = {}
        self._lock = Lock()
        follow_forks(in_child=self._after_fork)

    def take(self, rules: Sequence[Rule], lane: int, left_s: float, now_s: float) -> Decision:
        """See :meth:`LimitStore.take`."""
        with self._lock:
            at_s, last = now_s, None
            counting: list[Bucket] = []
            found: list[tuple[Bucket, Turn]] = []
            for rule in rules:
                bucket = self._buckets.get(rule.key) or self._bucket(rule)
                turn = bucket.first(lane, now_s)
                found.append((bucket, turn))
                if turn[0] > at_s:
                    at_s, last = turn[0], bucket
                if rule.limit.concurrency is not None:
                    counting.append(bucket)
            if last is not None and at_s > now_s + left_s:
                return Refused(last.rule, at_s - now_s, paused=last.paused(at_s))
            for bucket in counting:
                if bucket.full(lane, now_s):
                    return Full(bucket.rule)
            for bucket, turn in found:
                bucket.book(turn, at_s, now_s, now_s + left_s, lane)
            return at_s - now_s

    def release(self, rules: Sequence[Rule], lane: int) -> None:
        """See :meth:`LimitStore.release`."""
        with self._lock:
            for rule in rules:
                self._bucket(rule).release(lane)

    def slow(self, rules: Sequence[Rule], pause_s: float, now_s: float, tell: Tell) -> None:
        """See :meth:`LimitStore.slow`."""
        with self._lock:
            slowed = [(rule, self._bucket(rule).slow(pause_s, now_s)) for rule in rules]
        for rule, rate_per_s in slowed:
            if rate_per_s is not None:
                tell(rule, rate_per_s, pause_s)

    def look(self, rules: Sequence[Rule], now_s: float) -> Sequence[LimitLeft]:
        """See :meth:`LimitStore.look`."""
        with self._lock:
            return tuple(self._bucket(rule).look(now_s) for rule in rules)

    def close(self) -> None:
        """Nothing is open."""

    def _bucket(self, rule: Rule) -> Bucket:
        bucket = self._buckets.get(rule.key)
        if bucket is None:
            bucket = self._buckets[rule.key] = Bucket(rule)
        return bucket

    def _after_fork(self) -> None:
        self._lock = Lock()
