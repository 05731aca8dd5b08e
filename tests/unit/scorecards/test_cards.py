"""Scorecards: what counts as what, and the three verdicts."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from payport.sdk.errors import ConfigurationError
from payport.sdk.scorecards import MeasureRow, Share, Thresholds, Verdict, grouped, scorecard

DAY = date(2026, 11, 23)
SURE = 0.95


def rows(**counts: int) -> list[MeasureRow]:
    """Counts of one endpoint: ``time_0=3`` is ``time.0``, ``doubt_5xx_unreadable=1`` is ``doubt_5xx.unreadable``."""
    return [MeasureRow(DAY, "p", "p:1", "pay", _measure(name), count) for name, count in counts.items()]


def _measure(name: str) -> str:
    kind = "doubt_5xx" if name.startswith("doubt_5xx_") else name.partition("_")[0]
    return f"{kind}.{name.removeprefix(kind)[1:]}".rstrip(".")


@pytest.mark.parametrize(
    ("expected", "good", "total", "threshold"),
    [
        (Verdict.MEETS, 29_956, 29_956, 0.9999),
        (Verdict.NOT_ENOUGH, 29_955, 29_955, 0.9999),
        (Verdict.NOT_ENOUGH, 0, 0, 0.999),
        (Verdict.NOT_ENOUGH, 1_998, 2_000, 0.999),
        (Verdict.MISSES, 1_990, 2_000, 0.999),
        (Verdict.MISSES, 0, 1, 0.999),
        (Verdict.NOT_ENOUGH, 99_900, 100_000, 0.999),
        (Verdict.MEETS, 99_920, 100_000, 0.999),
        (Verdict.MISSES, 99_880, 100_000, 0.999),
    ],
)
def test_a_verdict_is_given_only_where_the_numbers_carry_it(
    expected: Verdict, good: int, total: int, threshold: float
) -> None:
    """Two failures in two thousand calls look like 99.9 % and show nothing."""
    share = Share(good, total, threshold, SURE)
    assert expected is share.verdict
    assert (share.lower >= threshold) is (expected is Verdict.MEETS)
    assert (share.upper < threshold) is (expected is Verdict.MISSES)


def test_it_says_how_many_would_be_enough() -> None:
    """With the failures that there were, and no more of them."""
    assert Share(1_998, 2_000, 0.999, SURE).enough == 6_294
    assert Verdict.MEETS is Share(6_292, 6_294, 0.999, SURE).verdict


@pytest.mark.parametrize(
    ("success", "accuracy", "counts"),
    [
        ((10, 10), (10, 10), {"time_0": 10, "judged": 10}),
        ((10, 10), (10, 10), {"time_0": 10, "judged": 10, "refusal_insufficient_funds": 10}),
        ((9, 10), (9, 9), {"time_0": 10, "judged": 9, "status_5xx": 1, "doubt_5xx_partner_fault": 1}),
        ((9, 10), (9, 9), {"time_0": 10, "judged": 9, "status_5xx": 1, "doubt_5xx_unreadable": 1}),
        ((9, 10), (9, 9), {"time_0": 10, "judged": 9, "doubt_partner_fault": 1}),
        ((9, 10), (9, 10), {"time_0": 10, "judged": 9, "doubt_unreadable": 1}),
        ((9, 10), (9, 10), {"time_0": 10, "judged": 9, "doubt_unverified": 1}),
        ((10, 10), (9, 10), {"time_0": 10, "judged": 9, "doubt_mismatch": 1}),
        ((10, 10), (10, 10), {"time_0": 10, "judged": 9, "doubt_unknown_status": 1}),
        ((10, 10), (10, 10), {"time_0": 10, "judged": 9, "doubt_not_found": 1}),
        ((10, 10), (9, 9), {"time_0": 10, "judged": 9, "doubt_timed_out": 1}),
        ((9, 10), (9, 9), {"time_0": 9, "judged": 9, "failed_timed_out": 1, "late_30": 1}),
        ((9, 10), (9, 9), {"time_0": 9, "judged": 9, "failed_unresolved": 1}),
        ((9, 9), (9, 9), {"time_0": 9, "judged": 9, "held_rate_limited": 5, "held_deadline": 1}),
    ],
)
def test_what_counts_as_a_failure_and_what_as_a_mistake(
    success: tuple[int, int], accuracy: tuple[int, int], counts: dict[str, int]
) -> None:
    """A refusal is an answer, a fault carries no data, an unknown word is no mistake, what was held back is no call."""
    card = scorecard(rows(**counts), Thresholds(), partner="p")
    assert success == (card.success.good, card.success.total)
    assert accuracy == (card.accuracy.good, card.accuracy.total)


def test_error_classes_and_what_stands_beside_them() -> None:
    """Each failure in one class, most first; drift, uncovered, refusals and what was held back on their own."""
    card = scorecard(
        rows(
            time_0=100, judged=80, status_5xx=3, doubt_5xx_partner_fault=3, doubt_mismatch=1, doubt_unknown_status=2,
            failed_timed_out=5, late_28=5, held_breaker_open=7, refusal_declined=4, doubt_not_found=6,
        ),
        Thresholds(), partner="p",
    )  # fmt: skip
    assert list(card.failures) == ["timed_out", "http_5xx", "unknown_status", "mismatch"]
    assert card.failures == {"timed_out": 5, "http_5xx": 3, "unknown_status": 2, "mismatch": 1}
    assert (card.calls, card.replies, card.drift, card.uncovered) == (105, 100, 2, 100 - 89)
    assert (card.held, card.refusals) == ({"breaker_open": 7}, {"declined": 4})


def test_a_call_that_timed_out_is_a_slow_call() -> None:
    """Else an outage would make response times look better."""
    card = scorecard(rows(**{"time_-12": 90, "late_28": 10, "failed_timed_out": 10}), Thresholds(), partner="p")
    assert (card.response.good, card.response.total) == (90, 100)
    assert [card.p50_s, card.p95_s] == pytest.approx([1.0, 10.0], rel=0.03)


def test_a_wait_of_one_second_that_led_to_nothing_was_not_quick() -> None:
    """A short deadline does not make a partner fast."""
    card = scorecard(rows(**{"late_-12": 10, "failed_timed_out": 10}), Thresholds(), partner="p")
    assert (card.response.good, card.response.total) == (0, 10)


def test_the_whole_is_as_good_as_its_worst_part() -> None:
    """One miss is a miss; without one, all three must meet."""
    many = {"time_-12": 100_000, "judged": 100_000}
    assert Verdict.MEETS is scorecard(rows(**many), Thresholds(), partner="p").verdict
    assert Verdict.MISSES is scorecard(rows(**many, time_20=50_000), Thresholds(), partner="p").verdict
    assert Verdict.NOT_ENOUGH is scorecard(rows(**{"time_-12": 100, "judged": 100}), Thresholds(), partner="p").verdict
    assert Verdict.NOT_ENOUGH is scorecard([], Thresholds(), partner="p").verdict


def test_judged_after_midnight_what_came_before_it() -> None:
    """A day may have more judged replies than replies: nothing turns negative."""
    card = scorecard(rows(judged=1, doubt_unverified=1), Thresholds(), partner="p")
    assert (card.success.good, card.success.total, card.uncovered) == (0, 0, 0)


def test_rows_are_grouped_in_order() -> None:
    """By any of their fields."""
    other = [row._replace(day=DAY - timedelta(days=1), endpoint="ask") for row in rows(time_0=1)]
    found = grouped([*rows(time_0=2, judged=2), *other], "day", "endpoint")
    assert [(DAY - timedelta(days=1), "ask"), (DAY, "pay")] == list(found)
    assert [len(each) for each in found.values()] == [1, 2]


@pytest.mark.parametrize(
    ("name", "value"),
    [("success", 1.0), ("accuracy", 0.0), ("response_share", 99.9), ("confidence", 1.0), ("response_s", 0.0)],
)
def test_thresholds_that_nothing_can_meet_are_refused(name: str, value: float) -> None:
    """99.9 in place of 0.999 is found at once."""
    with pytest.raises(ConfigurationError, match=name):
        Thresholds(**{name: value})
