"""Numbers as people read them: precise enough, and rounded to the side that claims less."""

from __future__ import annotations

from datetime import date
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payport.sdk.report import words


@pytest.mark.parametrize(
    ("text", "share", "towards"),
    [
        ("100 %", 1.0, "near"),
        ("99.988 %", 0.99988, "near"),
        ("99.90 %", 0.999, "down"),
        ("99.90 %", 0.99899, "near"),
        ("99.89 %", 0.998999, "down"),
        ("95.0 %", 0.95, "near"),
        ("93.7 %", 0.93794, "down"),
        ("97.0 %", 0.96910, "up"),
        ("0.0 %", 0.0, "near"),
        ("–", None, "near"),
    ],
)
def test_shares(text: str, share: float | None, towards: Literal["near", "down", "up"]) -> None:
    """As many digits as tell its nines apart."""
    assert text == words.percent(share, towards)


@given(st.floats(0.0, 1.0, exclude_max=True))
def test_a_bound_is_never_rounded_in_its_own_favour(share: float) -> None:
    """What is at least so much is not made more, what is at most so much not less."""
    low = float(words.percent(share, "down").removesuffix(" %"))
    high = float(words.percent(share, "up").removesuffix(" %"))
    assert low <= share * 100 + 1e-6
    assert high >= share * 100 - 1e-6


@given(st.floats(0.0, 0.999_999_9))
def test_what_failed_once_is_never_shown_as_perfect(share: float) -> None:
    """99.99996 % is not 100 %."""
    assert words.percent(share) != "100 %"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("–", None), ("0.25 ms", 0.00025), ("9 ms", 0.009), ("123 ms", 0.1234), ("1.00 s", 0.9999), ("2.41 s", 2.406),
        ("12.3 s", 12.34),
    ],
)  # fmt: skip
def test_times(text: str, value: float | None) -> None:
    """Milliseconds below a second."""
    assert text == words.seconds(value)


def test_what_somebody_set_is_shown_as_it_was_set() -> None:
    """Without noughts at the end."""
    assert [
        words.threshold(0.999), words.threshold(0.9999), words.threshold(0.95), words.limit(2.0), words.limit(0.3)
    ] == ["99.9 %", "99.99 %", "95 %", "2 s", "300 ms"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("23 Nov 2026", "2026-11-23", "2026-11-23"),
        ("1 to 30 Nov 2026", "2026-11-01", "2026-11-30"),
        ("25 Oct to 23 Nov 2026", "2026-10-25", "2026-11-23"),
        ("25 Dec 2026 to 23 Jan 2027", "2026-12-25", "2027-01-23"),
    ],
)
def test_days(text: str, first: str, last: str) -> None:
    """As short as it can be said."""
    assert text == words.days(date.fromisoformat(first), date.fromisoformat(last))


def test_counts() -> None:
    """One is one."""
    assert [words.counted(number, "call") for number in (1, 0, 12_345)] == ["1 call", "0 calls", "12,345 calls"]
