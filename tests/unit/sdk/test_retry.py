"""When a step is tried again: at most so often, with full jitter, inside the deadline and the partner's budget."""

from __future__ import annotations

import subprocess
import sys
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payport.sdk.retry import RetryBudget, RetryPolicy, jitter_of

POLICY = RetryPolicy(max_attempts=6, base_s=0.5, cap_s=4.0)


@pytest.mark.parametrize(
    ("wait_s", "attempts", "jitter", "retry_after_s", "deadline_s"),
    [
        # the cap doubles with every failure, up to the policy's own
        (0.25, 1, 0.5, None, 100.0),
        (0.5, 2, 0.5, None, 100.0),
        (1.0, 3, 0.5, None, 100.0),
        (2.0, 4, 0.5, None, 100.0),
        (2.0, 5, 0.5, None, 100.0),
        # full jitter: anything from at once
        (0.0, 3, 0.0, None, 100.0),
        # the last attempt was the last
        (None, 6, 0.5, None, 100.0),
        (None, 7, 0.5, None, 100.0),
        # Retry-After is waited out, and jitter may make it longer but not shorter
        (3.0, 1, 0.5, 3.0, 100.0),
        (2.0, 4, 0.5, 1.0, 100.0),
        (0.25, 1, 0.5, 0.0, 100.0),
        # nothing is tried at or after the deadline (it is 10.0 now)
        (1.0, 3, 0.5, None, 11.1),
        (None, 3, 0.5, None, 11.0),
        (3.0, 1, 0.5, 3.0, 13.1),
        (None, 1, 0.5, 3.0, 13.0),
        (None, 1, 0.5, float("inf"), 100.0),
        (None, 1, 0.0, None, 9.0),
    ],
)
def test_the_wait_before_the_next_try(
    wait_s: float | None, attempts: int, jitter: float, retry_after_s: float | None, deadline_s: float
) -> None:
    """One table: attempts made, jitter drawn, what the partner asked for, and when time is up."""
    assert wait_s == POLICY.next_wait_s(
        attempts, now_monotonic_s=10.0, deadline_s=deadline_s, jitter=jitter, retry_after_s=retry_after_s
    )


@settings(deadline=None)  # the first example imports tenacity
@given(
    attempts=st.integers(1, 8),
    now_s=st.floats(0, 1e6),
    left_s=st.floats(0, 100),
    jitter=st.floats(0, 1, exclude_max=True),
    retry_after_s=st.none() | st.floats(0, 200),
)
def test_a_further_try_always_starts_before_the_deadline(
    attempts: int, now_s: float, left_s: float, jitter: float, retry_after_s: float | None
) -> None:
    """Whatever the numbers: inside the deadline, not before Retry-After, not more often than allowed."""
    wait_s = POLICY.next_wait_s(
        attempts, now_monotonic_s=now_s, deadline_s=now_s + left_s, jitter=jitter, retry_after_s=retry_after_s
    )
    if wait_s is not None:
        assert now_s + wait_s < now_s + left_s
        assert (retry_after_s or 0.0) <= wait_s <= max(POLICY.cap_s, retry_after_s or 0.0)
        assert attempts < POLICY.max_attempts


def test_one_attempt_means_no_retry() -> None:
    """For steps that a partner would not recognise again."""
    assert RetryPolicy(max_attempts=1).next_wait_s(1, now_monotonic_s=0.0, deadline_s=9.0, jitter=0.5) is None


@pytest.mark.parametrize("wrong", [{"max_attempts": 0}, {"base_s": -1.0}, {"base_s": 9.0, "cap_s": 8.0}])
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    """At construction, with the numbers."""
    with pytest.raises(ValueError, match="max_attempts must be at least 1 and 0 <= base_s <= cap_s"):
        RetryPolicy(**wrong)  # type: ignore[arg-type]  # a table of one number each


def test_a_call_that_succeeds_never_imports_tenacity() -> None:
    """Its import costs more than a signed request."""
    look = "import sys, payport.sdk.retry as retry; retry.RetryPolicy(); print('tenacity' in sys.modules)"
    assert subprocess.run([sys.executable, "-I", "-c", look], capture_output=True, check=True).stdout == b"False\n"


@pytest.mark.parametrize(
    ("jitter", "nonce"), [(0.0, "0" * 32), (0.5, "8" + "0" * 31), (1 - 16**-13, "f" * 32), (0.0, "0" * 13 + "f" * 19)]
)
def test_jitter_is_drawn_from_a_nonce(jitter: float, nonce: str) -> None:
    """From zero to just under one."""
    assert jitter == jitter_of(nonce)


def test_an_outage_empties_the_budget_and_successes_fill_it() -> None:
    """Of 500 tokens a retry costs 5, after a time-out 10; a success gives 1 back, up to what there was."""
    budget = RetryBudget()
    assert sum(budget.spend(timed_out=False) for _ in range(200)) == 100
    assert budget.tokens == 0
    for _ in range(9):
        budget.succeeded()
    assert not budget.spend(timed_out=True)
    assert budget.tokens == 9, "a refusal takes nothing"
    budget.succeeded()
    assert budget.spend(timed_out=True)
    assert budget.tokens == 0
    for _ in range(600):
        budget.succeeded()
    assert budget.tokens == 500


def test_a_budget_is_one_for_all_threads() -> None:
    """No more is spent than there is, however many ask."""
    budget, spent = RetryBudget(1000), []

    def ask() -> None:
        spent.append(sum(budget.spend(timed_out=True) for _ in range(50)))

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(spent) == 100
