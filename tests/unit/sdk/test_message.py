"""Replies as they came: headers, and how long the partner asks to be left alone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payport.sdk.message import WireReply
from payport.sdk.testing.stepping import MORNING


@pytest.mark.parametrize(
    ("expected", "headers"),
    [
        (None, ()),
        (0.0, ("0",)),
        (120.0, ("120",)),
        (7.0, ("Mon, 23 Nov 2026 01:00:07 GMT",)),
        (0.0, ("Sun, 22 Nov 2026 01:00:07 GMT",)),
        (None, ("Mon, 23 Nov 2026 01:00:07 -0000",)),
        (None, ("soon",)),
        (None, ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT",)),
        (None, ("Mon, 23 Nov 2026 01:00:07 +99999999999999999999",)),
        (None, ("1.5",)),
        (None, ("-1",)),
        (None, ("٣",)),
        (None, ("1", "2")),
    ],
)
def test_retry_after_is_seconds_or_a_date(expected: float | None, headers: tuple[str, ...]) -> None:
    """A date alone is held against our own clock; what cannot be read, or stands there twice, asks for nothing."""
    reply = WireReply(429, tuple(("retry-after", value) for value in headers), b"")
    assert expected == reply.retry_after_s(MORNING)


@pytest.mark.parametrize("off", [timedelta(0), timedelta(hours=8), timedelta(days=-1)])
def test_a_date_to_come_back_at_is_counted_by_the_clock_that_named_it(off: timedelta) -> None:
    """Ours, behind, would wait until no call has time left; ahead, it would come back at once."""
    headers = (("date", "Mon, 23 Nov 2026 01:00:00 GMT"), ("retry-after", "Mon, 23 Nov 2026 01:00:07 GMT"))
    assert WireReply(429, headers, b"").retry_after_s(MORNING + off) == 7.0


@given(st.text(max_size=40))
def test_any_text_as_retry_after_is_a_time_or_nothing(text: str) -> None:
    """Whatever the partner, or somebody between, puts there."""
    wait_s = WireReply(429, (("retry-after", text),), b"").retry_after_s(MORNING)
    assert wait_s is None or 0 <= wait_s < 1e12


@pytest.mark.parametrize(
    ("expected", "headers"),
    [
        (MORNING, ("Mon, 23 Nov 2026 01:00:00 GMT",)),
        (MORNING, ("Mon, 23 Nov 2026 09:00:00 +0800",)),
        (None, ()),
        (None, ("yesterday",)),
        (None, ("Mon, 23 Nov 2026 01:00:00 -0000",)),
        (None, ("Mon, 23 Nov 2026 01:00:00 GMT", "Mon, 23 Nov 2026 01:00:00 GMT")),
    ],
)
def test_the_date_of_a_reply_is_the_servers_time(expected: datetime | None, headers: tuple[str, ...]) -> None:
    """What cannot be read, stands there twice, or names no zone is no date."""
    assert expected == WireReply(200, tuple(("date", value) for value in headers), b"").date


@given(st.text(max_size=40))
def test_any_text_as_date_is_a_time_or_nothing(text: str) -> None:
    """Whatever the partner, or somebody between, puts there."""
    date = WireReply(200, (("date", text),), b"").date
    assert date is None or date.tzinfo is not None


def test_a_header_that_stands_twice_is_no_header() -> None:
    """Whoever reads one of the two may be led astray."""
    reply = WireReply(200, (("a", "1"), ("b", "2"), ("b", "3")), b"")
    assert reply.header("a") == "1"
    assert reply.header("c") is None
    with pytest.raises(ValueError, match="b stands 2 times"):
        reply.header("b")
