"""Response times in bins: what is read from them is at most 3 % off, and 2 s is exact."""

from __future__ import annotations

from collections import Counter
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payport.sdk.scorecards.histogram import FIRST, LAST, bin_of, ends_s, quantile_s, value_s, within

TIMES = st.floats(30e-6, 1800.0)


@given(TIMES)
def test_a_bin_stands_for_its_times(elapsed_s: float) -> None:
    """Wrong by 3 % at most."""
    number = bin_of(elapsed_s)
    assert elapsed_s == pytest.approx(value_s(number), rel=0.03)
    assert ends_s(number - 1) < elapsed_s * (1 + 1e-12)
    assert elapsed_s <= ends_s(number) * (1 + 1e-12)


@given(st.lists(TIMES, min_size=1, max_size=60), st.sampled_from([0.5, 0.95, 0.99]))
def test_percentiles_are_those_of_the_times(times: list[float], share: float) -> None:
    """Nearest rank: the smallest time that is not exceeded by this share of the calls, to 3 %."""
    exact = sorted(times)[ceil(share * len(times) - 1e-9) - 1]
    assert exact == pytest.approx(quantile_s(Counter(map(bin_of, times)), share), rel=0.03)


@given(st.lists(TIMES, max_size=60), st.sampled_from([0.5, 1.0, 2.0, 4.0]))
def test_the_share_within_two_seconds_is_exact(times: list[float], limit_s: float) -> None:
    """Its halves and doublings too: there is an edge."""
    assert sum(1 for each in times if each <= limit_s) == within(Counter(map(bin_of, times)), limit_s)


@given(st.floats(0.001, 100.0), st.floats(0.001, 100.0))
def test_another_limit_is_never_flattered(elapsed_s: float, limit_s: float) -> None:
    """A time above the limit is not counted as within it; one a bin below it is."""
    found = within({bin_of(elapsed_s): 1}, limit_s)
    if elapsed_s > limit_s * (1 + 1e-8):
        assert found == 0
    if elapsed_s < limit_s / 1.06:
        assert found == 1


def test_the_ends_of_the_scale() -> None:
    """No time is without a bin, and nothing counted has no percentile."""
    assert (bin_of(0.0), bin_of(-1.0), bin_of(1e9)) == (FIRST, FIRST, LAST)
    assert quantile_s({}, 0.5) is None
    assert (bin_of(2.0), bin_of(2.0000001)) == (0, 1)
