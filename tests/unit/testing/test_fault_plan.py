"""The plan of faults: first planned, first met; for one method or any; by chance, the same on every machine."""

from __future__ import annotations

from threading import Thread

import pytest

from payport.sdk.testing import Fault, FaultPlan, Manner
from payport.sdk.testing.faults import draw


def faults(plan: FaultPlan, *methods: str) -> list[Fault | None]:
    """What requests for these methods meet."""
    taken = [plan.take(method) for method in methods]
    return [None if planned is None else planned.fault for planned in taken]


def test_what_is_planned_first_happens_first() -> None:
    """Each is used up; then all is well again."""
    plan = FaultPlan()
    plan.next(Fault.RESET)
    plan.next(Fault.SILENCE, times=2)
    assert plan.pending == 3
    assert faults(plan, "a", "b", "c", "d") == [Fault.RESET, Fault.SILENCE, Fault.SILENCE, None]
    assert plan.pending == 0


def test_a_fault_may_wait_for_its_method() -> None:
    """Other methods pass it by, and meet what is planned for anybody."""
    plan = FaultPlan()
    plan.next(Fault.RESET, "pay", delay_s=5.0)
    plan.next(Fault.SILENCE)
    assert faults(plan, "query", "query", "pay") == [Fault.SILENCE, None, Fault.RESET]


def test_what_strikes_before_reading_knows_no_method() -> None:
    """Refused when planned, and never met by a request that was read."""
    plan = FaultPlan()
    with pytest.raises(ValueError, match="before the request is read"):
        plan.next(Fault.RESET_BEFORE_TLS, "pay")
    with pytest.raises(ValueError, match="before the request is read"):
        plan.chance(Fault.RESET_BEFORE_READING, 0.5, seed=1)
    plan.next(Fault.RESET_BEFORE_READING)
    assert plan.expects(Fault.RESET_BEFORE_READING)
    assert faults(plan, "pay") == [None]
    assert not plan.take_unread(Fault.RESET_BEFORE_TLS)
    assert plan.take_unread(Fault.RESET_BEFORE_READING)
    assert not plan.take_unread(Fault.RESET_BEFORE_READING)


def test_a_plan_wants_at_least_one_time() -> None:
    """Never is no plan."""
    with pytest.raises(ValueError, match="at least 1"):
        FaultPlan().next(Fault.RESET, times=0)


def test_chance_is_the_same_for_the_same_seed() -> None:
    """Half of many, in the same order; another seed gives another order; never and always are exact."""

    def run(seed: int, probability: float) -> list[Fault | None]:
        plan = FaultPlan()
        plan.chance(Fault.RESET, probability, seed=seed, method="pay")
        assert faults(plan, "query") == [None]
        return faults(plan, *["pay"] * 400)

    assert run(1, 0.5) == run(1, 0.5) != run(2, 0.5)
    assert 150 < sum(fault is not None for fault in run(1, 0.5)) < 250
    assert set(run(1, 0.0)) == {None}
    assert set(run(1, 1.0)) == {Fault.RESET}


def test_clearing_forgets_everything() -> None:
    """Planned ones and chances."""
    plan = FaultPlan()
    plan.next(Fault.RESET)
    plan.chance(Fault.RESET, 1.0, seed=1)
    plan.clear()
    assert faults(plan, "pay") == [None]


def test_watchers_hear_of_every_plan() -> None:
    """A server can end kept-open connections before a fault that needs a new one."""
    plan, heard = FaultPlan(), list[bool]()
    plan.watch(lambda: heard.append(plan.expects(Fault.RESET_BEFORE_TLS)))
    plan.next(Fault.RESET)
    plan.next(Fault.RESET_BEFORE_TLS)
    assert heard == [False, True]


def test_many_threads_share_one_plan() -> None:
    """A hundred planned, a hundred met, none twice."""
    plan, met = FaultPlan(), list[object]()
    plan.next(Fault.RESET, times=100)

    def work() -> None:
        for _ in range(50):
            met.append(plan.take("pay"))

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(planned is not None for planned in met) == 100


def test_every_fault_says_whether_it_commits_and_how_it_travels() -> None:
    """Names and behaviour agree."""
    assert {fault for fault in Fault if fault.name.startswith("COMMIT_")} <= {f for f in Fault if f.commits}
    assert not any(fault.commits for fault in (Fault.SILENCE, Fault.RESET, Fault.LATE_ARRIVAL, Fault.SYSTEM_ERROR))
    assert (Fault.SILENCE.manner, Fault.RATE_LIMITED.manner) == (Manner.SILENCE, Manner.WHOLE)


def test_a_draw_depends_on_seed_and_turn_alone() -> None:
    """Pinned values: a stored seed must mean the same for good."""
    assert [round(draw(1, turn), 6) for turn in range(3)] == [0.097029, 0.145471, 0.848535]
    assert all(0 <= draw(seed, 0) < 1 for seed in range(1000))
