"""The one place that reads the clock, the random source and the environment."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime

import pytest

from payport.sdk.host_clock import SystemClock, environment


def test_a_moment_is_now_on_both_clocks() -> None:
    """Wall time carries its zone; durations come from the monotonic clock."""
    before_utc, before_s = datetime.now(UTC), time.monotonic()
    moment = SystemClock().moment()
    assert before_utc <= moment.utc <= datetime.now(UTC)
    assert before_s <= moment.monotonic_s <= time.monotonic()
    assert moment.utc.tzinfo is UTC


@pytest.mark.parametrize(("least_s", "seconds"), [(0.02, 0.02), (0.0, 0.0), (0.0, -5.0)])
def test_sleep_takes_its_time_and_no_negative_time(least_s: float, seconds: float) -> None:
    """A wait that is over already is no error."""
    before_s = time.monotonic()
    SystemClock().sleep(seconds)
    assert least_s <= time.monotonic() - before_s < least_s + 2.0


def test_nonces_are_32_hexadecimal_digits_and_never_the_same() -> None:
    """What partners take as request id, and what jitter is drawn from."""
    clock = SystemClock()
    nonces = {clock.nonce() for _ in range(1000)}
    assert len(nonces) == 1000
    assert all(re.fullmatch(r"[0-9a-f]{32}", nonce) for nonce in nonces)


def test_a_lease_owner_is_one_process() -> None:
    """The same for its life; a forked child and another clock are somebody else."""
    clock = SystemClock()
    owner = clock.owner()
    assert owner == clock.owner()
    assert f":{os.getpid()}:" in owner
    assert owner != SystemClock().owner()


def test_a_forked_child_is_another_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or two workers would share one right to send. A child inherits the clock, and has another process id."""
    clock = SystemClock()
    mine = clock.owner()
    monkeypatch.setattr(os, "getpid", lambda: 99_999_999)
    theirs = clock.owner()
    assert ":99999999:" in theirs
    assert mine.rpartition(":")[2] != theirs.rpartition(":")[2], "the random part is drawn again too"


def test_the_environment_is_a_picture_that_cannot_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads it twice in one decision sees the same twice."""
    monkeypatch.setenv("PAYPORT_PICTURE", "before")
    picture = environment()
    monkeypatch.setenv("PAYPORT_PICTURE", "after")
    assert picture["PAYPORT_PICTURE"] == "before"
    with pytest.raises(TypeError):
        picture["PAYPORT_PICTURE"] = "changed"  # type: ignore[index]  # that is the point
