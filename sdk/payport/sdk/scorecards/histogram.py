"""Response times counted in bins of a fixed logarithmic scale, so that the counts of many processes simply add up.

Twelve bins for each doubling: what is read from a bin is wrong by 2.9 % at most. One edge is exactly 2 s, so the share
of calls within 2 s is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, exp2, log2

EDGE_S = 2.0
STEPS = 12
FIRST, LAST = -200, 120
"""Bins below 20 us and above 34 minutes are counted with these."""

_GROWTH = exp2(1.0 / STEPS)


def bin_of(elapsed_s: float) -> int:
    """The bin of a time. An edge belongs to the bin that ends there."""
    if elapsed_s <= 0.0:
        return FIRST
    number = ceil(STEPS * log2(elapsed_s / EDGE_S))
    return FIRST if number < FIRST else LAST if number > LAST else number


def ends_s(number: int) -> float:
    """The longest time in a bin, in seconds."""
    return EDGE_S * exp2(number / STEPS)


def value_s(number: int) -> float:
    """The time that stands for a bin, in seconds: equally far from both of its ends, in proportion."""
    return ends_s(number) * 2.0 / (_GROWTH + 1.0)


def quantile_s(counts: Mapping[int, int], share: float) -> float | None:
    """The time within which this share of the calls was answered; ``None`` when nothing was counted."""
    wanted = share * sum(counts.values())
    seen = 0
    for number in sorted(counts):
        seen += counts[number]
        if counts[number] and seen >= wanted:
            return value_s(number)
    return None


def within(counts: Mapping[int, int], limit_s: float) -> int:
    """How many took at most ``limit_s``: exact for 2 s, its doublings and halves.

    For another limit those of its own bin are left out: as for a limit that is lower by up to 5.6 %.
    """
    return sum(count for number, count in counts.items() if ends_s(number) <= limit_s * (1.0 + 1e-9))
