"""Not every refusal is a record of its own: anybody can post rubbish, and must not fill the disk by it."""

from __future__ import annotations

from threading import Lock
from typing import Final

from payport.sdk.forks import follow_forks

BURST: Final = 60
PER_SECOND: Final = 1.0


class Flood:
    """Lets ``burst`` through at once and ``per_second`` after that, and counts what it held back. Thread-safe."""

    __slots__ = ("__weakref__", "_burst", "_held", "_lock", "_per_second", "_tokens", "_when_s")

    def __init__(self, burst: int = BURST, per_second: float = PER_SECOND) -> None:
        self._burst = float(burst)
        self._per_second = per_second
        self._tokens = self._burst
        self._when_s: float | None = None
        self._held = 0
        self._begin()
        follow_forks(in_child=self._begin)

    def _begin(self) -> None:
        self._lock = Lock()

    def admit(self, now_s: float) -> int | None:
        """How many were held back since the last that went through; ``None`` when this one is held back, too.

        ``now_s``: on the monotonic clock.
        """
        with self._lock:
            if self._when_s is not None:
                gained = max(0.0, now_s - self._when_s) * self._per_second
                self._tokens = min(self._burst, self._tokens + gained)
            self._when_s = now_s
            if self._tokens < 1:
                self._held += 1
                return None
            self._tokens -= 1
            held, self._held = self._held, 0
            return held
