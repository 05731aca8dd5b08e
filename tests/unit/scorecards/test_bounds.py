"""How sure a share is: the bounds of Clopper and Pearson, against exact sums and published figures."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payport.sdk.scorecards.bounds import enough, lower_bound, upper_bound


def at_least(good: int, total: int, share: float) -> float:
    """The chance of ``good`` or more out of ``total``, summed without rounding."""
    each = Fraction(share)
    return float(sum(comb(total, k) * each**k * (1 - each) ** (total - k) for k in range(good, total + 1)))


@pytest.mark.parametrize(
    ("lower", "upper", "good", "total"),
    [
        (0.7411, 1.0, 10, 10),
        (0.6058, 0.9949, 9, 10),
        (0.2224, 0.7776, 5, 10),
        (0.0051, 0.3942, 1, 10),
        (0.0, 0.2589, 0, 10),
        (0.0253, 0.9747, 1, 2),
    ],
)
def test_published_bounds(lower: float, upper: float, good: int, total: int) -> None:
    """One-sided, 95 %: the figures that every table of exact binomial limits has."""
    assert (lower, upper) == (round(lower_bound(good, total), 4), round(upper_bound(good, total), 4))


@pytest.mark.parametrize(("needed", "wrong"), [(29_956, 0), (47_437, 1), (62_956, 2)])
def test_how_many_values_show_four_nines(needed: int, wrong: int) -> None:
    """99.99 % at 95 %: one fewer is not enough."""
    assert needed == enough(wrong, 0.9999)
    assert lower_bound(needed - wrong, needed) >= 0.9999 > lower_bound(needed - 1 - wrong, needed - 1)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 120), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_a_bound_is_where_the_tail_is_as_light_as_the_doubt(total: int, data: st.DataObject, sure: float) -> None:
    """By definition: at the lower bound so many good ones, or more, have a chance of 1 - confidence."""
    good = data.draw(st.integers(0, total))
    lower, upper = lower_bound(good, total, sure), upper_bound(good, total, sure)
    assert 0.0 <= lower <= good / total <= upper <= 1.0
    if good:
        assert 1 - sure == pytest.approx(at_least(good, total, lower), rel=1e-6)
    if good < total:
        assert 1 - sure == pytest.approx(1.0 - at_least(good + 1, total, upper), rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 10_000_000), st.data())
def test_the_two_bounds_mirror_each_other(total: int, data: st.DataObject) -> None:
    """What is a success and what a failure is a name."""
    good = data.draw(st.integers(0, total))
    assert lower_bound(good, total) == pytest.approx(1.0 - upper_bound(total - good, total), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5_000), st.floats(0.5, 0.99999))
def test_enough_is_enough_and_no_more(bad: int, threshold: float) -> None:
    """The smallest number whose lower bound reaches the threshold."""
    needed = enough(bad, threshold)
    assert lower_bound(needed - bad, needed) >= threshold - 1e-12
    if needed - 1 > bad:
        assert lower_bound(needed - 1 - bad, needed - 1) < threshold


def test_a_thousand_million_calls_are_counted_in_a_moment() -> None:
    """A big partner's year: the width of the bound is that of the normal law, which holds there."""
    total, bad = 1_000_000_000, 1_000_000
    width = 1.6449 * (bad * (1 - bad / total)) ** 0.5 / total
    assert width == pytest.approx(1 - bad / total - lower_bound(total - bad, total), rel=2e-3)
    assert width == pytest.approx(upper_bound(total - bad, total) - (1 - bad / total), rel=2e-3)


def test_nothing_counted_shows_nothing() -> None:
    """From no calls at all no share can be excluded."""
    assert (lower_bound(0, 0), upper_bound(0, 0)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("good", "total", "sure"), [(2, 1, 0.95), (-1, 1, 0.95), (1, 1, 1.0), (1, 1, 0.05), (1, 1, float("nan"))]
)
def test_what_is_no_share_is_refused(good: int, total: int, sure: float) -> None:
    """Neither more successes than calls, nor a confidence of 0.05 where 0.95 was meant."""
    with pytest.raises(ValueError, match=r"share|confidence"):
        lower_bound(good, total, sure)


@pytest.mark.parametrize("threshold", [0.0, 1.0, 1.5])
def test_no_number_of_calls_shows_perfection(threshold: float) -> None:
    """A threshold of 100 % cannot be shown."""
    with pytest.raises(ValueError, match="threshold"):
        enough(0, threshold)
