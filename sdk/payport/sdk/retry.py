"""When to try again, and when to stop: policy and budget. Nothing here reads a clock or a random source.

An operation runs its first try in a plain ``try``; only a failure asks :meth:`RetryPolicy.next_wait_s`, so a call that
succeeds at once never pays for (or even imports) tenacity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from payport.sdk.forks import follow_forks

if TYPE_CHECKING:
    from tenacity import Retrying


def jitter_of(nonce: str) -> float:
    """A number in [0, 1) from a nonce of at least 13 hexadecimal digits (the effect ``Nonce``)."""
    return int(nonce[:13], 16) / 16**13


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a step is tried and how long to wait between tries, by tenacity's strategies.

    The wait before try ``n + 1`` is drawn from zero to ``base_s * 2 ** (n - 1)``, at most ``cap_s`` ("full jitter"),
    so that callers who failed together do not come back together. ``max_attempts`` counts the first try.
    """

    max_attempts: int = 3
    base_s: float = 0.5
    cap_s: float = 8.0

    def __post_init__(self) -> None:
        if self.max_attempts < 1 or not 0 <= self.base_s <= self.cap_s:
            raise ValueError(f"max_attempts must be at least 1 and 0 <= base_s <= cap_s, got {self}")

    def next_wait_s(
        self,
        attempts: int,
        *,
        now_monotonic_s: float,
        deadline_s: float,
        jitter: float,
        retry_after_s: float | None = None,
    ) -> float | None:
        """Seconds to wait after ``attempts`` failed tries; ``None`` when there must be no further one.

        ``jitter``: in [0, 1), from the caller. ``retry_after_s``: what the partner asked for; it is waited out in
        full, and when it ends at or after ``deadline_s`` (monotonic) there is no further try.
        """
        from tenacity import RetryCallState  # noqa: PLC0415 - 40 ms of import, needed after a failure only

        retrying = _retrying(self)
        state = RetryCallState(retrying, None, (), {})
        state.attempt_number = attempts
        if retrying.stop(state):
            return None
        wait_s = max(jitter * retrying.wait(state), retry_after_s or 0.0)
        return wait_s if now_monotonic_s + wait_s < deadline_s else None


@cache
def _retrying(policy: RetryPolicy) -> Retrying:
    from tenacity import Retrying, stop_after_attempt, wait_exponential  # noqa: PLC0415 - as above

    return Retrying(
        stop=stop_after_attempt(policy.max_attempts), wait=wait_exponential(multiplier=policy.base_s, max=policy.cap_s)
    )


class RetryBudget:
    """A partner's allowance of retries, shared by all its operations, so that an outage is not multiplied.

    A bucket of ``capacity`` tokens, full at the start. A retry costs 5 tokens, one after a time-out 10; a success
    gives 1 back. In memory, one per partner and process, safe across threads. Queries keep a budget of their own:
    finding out what happened must not starve because charging does.
    """

    __slots__ = ("__weakref__", "_capacity", "_lock", "_tokens")

    RETRY_TOKENS = 5
    TIMEOUT_TOKENS = 10
    SUCCESS_TOKENS = 1

    def __init__(self, capacity: int = 500) -> None:
        self._capacity = capacity
        self._tokens = capacity
        self._begin()
        follow_forks(in_child=self._begin)

    def _begin(self) -> None:
        self._lock = Lock()

    @property
    def tokens(self) -> int:
        """What is left."""
        return self._tokens

    def spend(self, *, timed_out: bool) -> bool:
        """Take what one retry costs; false, with nothing taken, when there is not enough: then do not retry."""
        cost = self.TIMEOUT_TOKENS if timed_out else self.RETRY_TOKENS
        with self._lock:
            if self._tokens < cost:
                return False
            self._tokens -= cost
            return True

    def succeeded(self) -> None:
        """Give back what a success earns."""
        with self._lock:
            self._tokens = min(self._capacity, self._tokens + self.SUCCESS_TOKENS)
