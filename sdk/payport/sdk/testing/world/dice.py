"""Chance that depends on nothing but a seed: the same on every machine, whatever the hash seed and the clock say."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Draws for one schedule. ``name`` and ``seed`` together are the seed: partners do not share their luck."""

    def __init__(self, name: str, seed: int) -> None:
        self._random = Random(int.from_bytes(sha256(f"{name}/{seed}".encode()).digest()[:8], "big"))  # noqa: S311 - chance that is to be repeated
        self.number = self._random.random
        """A number from 0 up to 1."""

    def happens(self, probability: float) -> bool:
        """True as often as ``probability`` says. What cannot happen draws nothing."""
        return probability > 0 and self.number() < probability

    def pick(self, several: Sequence[T]) -> T:
        """One of them, each as likely as the others."""
        return several[int(self.number() * len(several))]

    def between(self, low: float, high: float) -> float:
        """A number between two others."""
        return low + self.number() * (high - low)

    def upto(self, most: int) -> int:
        """A whole number from 0 to ``most``, both included."""
        return int(self.number() * (most + 1))

    def while_(self, longest_s: float) -> float:
        """Some seconds: as likely a moment as minutes, since what races must meet, and what expires must be old."""
        scale = self.number()
        if scale < 0.4:
            return self.number() * min(2.0, longest_s)
        if scale < 0.7:
            return self.number() * min(60.0, longest_s)
        return self.number() * longest_s
