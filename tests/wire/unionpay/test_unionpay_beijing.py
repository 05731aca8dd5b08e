"""UnionPay's times: Beijing time, no year in ``traceTime``, and a clearing day that ends at 23:00."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payport.adapters.unionpay.beijing import (
    clearing_day,
    end_of_both_days,
    from_stamp,
    near,
    same_clearing_day,
    stamp,
)

MOMENTS = st.integers(1_000_000_000, 3_800_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def beijing(text: str) -> datetime:
    """A time as a clock in Beijing shows it."""
    return datetime.fromisoformat(f"{text}+08:00")


def test_times_are_beijings_whatever_the_clock_here_says() -> None:
    """A host clock in another zone is one of the commonest reasons why ``txnTime`` is refused."""
    noon = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    assert stamp(noon) == "20261123120000"
    assert stamp(noon.astimezone(timezone(timedelta(hours=-8)))) == "20261123120000"
    assert from_stamp("20261123120000") == noon


@given(MOMENTS)
def test_a_stamp_and_its_instant_are_the_same(moment: datetime) -> None:
    """A law, to the second."""
    assert from_stamp(stamp(moment)) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "20261323120000",
        "2026-11-23 12:00",
        "２０２６１１２３１２００００",
        "2026112312000 ",
        "00010101000000",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """Two million is no month."""
    with pytest.raises(ValueError, match=r"not a time|a time before|does not match|unconverted|month"):
        from_stamp(text)


@pytest.mark.parametrize(
    ("short", "txn_time", "expected"),
    [
        ("1123120105", "20261123120000", "2026-11-23T12:01:05"),
        ("0101000010", "20261231235955", "2027-01-01T00:00:10"),
        ("1231235959", "20270101000001", "2026-12-31T23:59:59"),
        ("0229120000", "20240229115900", "2024-02-29T12:00:00"),
    ],
)
def test_a_time_without_a_year_is_the_nearest(short: str, txn_time: str, expected: str) -> None:
    """Across New Year as well."""
    assert near(short, txn_time) == beijing(expected)


@pytest.mark.parametrize(
    ("short", "txn_time"), [("", "20261123120000"), ("1399000000", "20261123120000"), ("1123120105", "x")]
)
def test_a_time_that_is_none_decides_nothing(short: str, txn_time: str) -> None:
    """``None`` instead of a guess."""
    assert near(short, txn_time) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2026-11-23T00:00:00", "2026-11-23T22:59:59", True),
        ("2026-11-23T22:59:59", "2026-11-23T23:00:00", False),
        ("2026-11-23T23:00:00", "2026-11-24T00:30:00", True),
        ("2026-11-22T23:00:00", "2026-11-23T22:59:59", True),
        ("2026-11-22T22:59:59", "2026-11-23T12:00:00", False),
        ("2026-12-31T23:30:00", "2027-01-01T22:00:00", True),
    ],
)
def test_a_clearing_day_ends_at_23(one: str, other: str, *, same: bool) -> None:
    """Not at midnight: who compares calendar days undoes too late, and refunds too early."""
    assert same_clearing_day(beijing(one), beijing(other)) is same


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-11-23T12:00:00", "2026-11-23T23:00:00"),
        ("2026-11-23T22:59:59", "2026-11-23T23:00:00"),
        ("2026-11-23T23:00:00", "2026-11-24T00:00:00"),
        ("2026-11-23T23:59:59", "2026-11-24T00:00:00"),
        ("2026-11-24T00:00:00", "2026-11-24T23:00:00"),
    ],
)
def test_nothing_is_repeated_across_either_end(now: str, end: str) -> None:
    """The clearing day's and the calendar day's, whichever comes first."""
    assert end_of_both_days(beijing(now)) == beijing(end)


@given(MOMENTS, st.integers(0, 2 * 86_400).map(lambda seconds: timedelta(seconds=seconds)))
def test_until_the_end_it_is_one_clearing_day(moment: datetime, later: timedelta) -> None:
    """A law: before the end nothing has changed."""
    if moment + later < end_of_both_days(moment):
        assert clearing_day(moment) == clearing_day(moment + later)
