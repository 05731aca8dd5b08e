"""Turns of a limit: never more than it says, none lost under load, and finding out does not wait for charging."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payport.sdk.limits.rules import ASKING, MOVING, Full, Refused, Rule
from payport.sdk.limits.store import Decision, LocalStore
from payport.sdk.profile import CallLimit

ROUNDING = 1e-6


def rule(
    rate_per_s: float | None = 10.0,
    burst: float = 5.0,
    *,
    concurrency: int | None = None,
    name: str = "account",
    reserve: float = 0.2,
) -> Rule:
    """A limit."""
    limit = CallLimit(name=name, rate_per_s=rate_per_s, burst=burst, concurrency=concurrency)
    return Rule(limit, f"shop/{name}", reserve)


def most_above(sent: list[float], rate_per_s: float, burst: float) -> float:
    """By how many calls the worst of all windows is above the limit: below zero when none is.

    The worst window that ends with a call begins with one; looking for it from call to call needs one pass.
    """
    worst, least = -burst, float("inf")
    for number, at_s in enumerate(sorted(sent)):
        least = min(least, number - rate_per_s * at_s)
        worst = max(worst, number + 1 - rate_per_s * at_s - least - burst)
    return worst


@dataclass
class Crowd:
    """Callers who call again and again, in simulated time. The first ``asking`` of them only ask.

    ``took_s``: how long one call takes at most. ``late_s``: within what time they come at first; all at once by
    default, so that there is load from the very beginning. ``waits``: of both lanes.
    """

    rules: tuple[Rule, ...]
    callers: int
    asking: int = 0
    took_s: float = 0.1
    left_s: float = 10.0
    late_s: float = 0.0
    sent: list[float] = field(default_factory=list[float])
    waits: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))

    def run(self, seconds: float, seed: int = 1) -> Crowd:
        """Let them call for so long."""
        random, store = Random(seed), LocalStore()
        due = [(random.random() * self.late_s, caller) for caller in range(self.callers)]
        heapify(due)
        while due:
            now_s, caller = heappop(due)
            if now_s > seconds:
                continue
            lane = ASKING if caller < self.asking else MOVING
            decision = store.take(self.rules, lane, self.left_s, now_s)
            if isinstance(decision, float):
                self.waits[lane].append(decision)
                self.sent.append(now_s + decision)
                heappush(due, (now_s + decision + random.random() * self.took_s, caller))
            else:
                heappush(due, (now_s + random.random(), caller))
        self.sent = sorted(at_s for at_s in self.sent if at_s <= seconds + ROUNDING)
        return self


LOADED = [(100, 20), (100, 1), (20, 5), (7, 3), (3, 2), (1, 2), (1, 5), (0.5, 2)]
CROWDS = [(40, 0), (40, 20), (40, 40), (400, 8)]


@pytest.mark.parametrize(("rate_per_s", "burst"), LOADED)
@pytest.mark.parametrize(("callers", "asking"), CROWDS)
def test_a_minute_under_load_uses_the_limit_and_never_more(
    rate_per_s: float, burst: float, callers: int, asking: int
) -> None:
    """In no window of sixty seconds more than burst and rate, and 99 % of it used, whoever it is that calls."""
    crowd = Crowd((rule(rate_per_s, burst),), callers, asking).run(60)
    assert most_above(crowd.sent, rate_per_s, burst) <= ROUNDING
    assert len(crowd.sent) >= 0.99 * (burst + 60 * rate_per_s)


@pytest.mark.parametrize(("rate_per_s", "burst"), [each for each in LOADED if each[0] < 5])
@pytest.mark.parametrize("asking", [0, 20, 40])
@pytest.mark.parametrize("seconds", [60, 600])
def test_load_that_comes_late_costs_each_lane_one_turn_once(
    rate_per_s: float, burst: float, asking: int, seconds: int
) -> None:
    """A lane's turns count from its first one, so its last may fall behind the end; none is lost on the way.

    Of 182 calls in a minute two are 1.1 %; of 1802 in ten minutes they are the same two.
    """
    crowd = Crowd((rule(rate_per_s, burst),), 40, asking, late_s=0.1).run(seconds)
    lanes = len(rule(rate_per_s, burst).lanes)
    assert most_above(crowd.sent, rate_per_s, burst) <= ROUNDING
    assert burst + seconds * rate_per_s - lanes <= len(crowd.sent) <= burst + seconds * rate_per_s


def test_a_question_does_not_wait_for_payments() -> None:
    """Payments queue for seconds; one who asks now and then has a turn within two of those that are kept for asking."""
    crowd = Crowd((rule(100, 20),), callers=400, asking=1, took_s=0.5).run(60)
    assert max(crowd.waits[MOVING]) > 4
    assert len(crowd.waits[ASKING]) > 100
    assert max(crowd.waits[ASKING]) <= 2 / (100 * 0.2)


def test_questions_without_end_do_not_stop_payments() -> None:
    """``resume`` over ten thousand operations takes one turn of the payments' at most."""
    crowd = Crowd((rule(100, 20),), callers=400, asking=399, took_s=0.5).run(60)
    assert max(crowd.waits[ASKING]) > 4
    assert max(crowd.waits[MOVING]) <= 2 / (100 * 0.8)


def test_without_a_reserve_all_wait_in_one_line() -> None:
    """First come, first served."""
    crowd = Crowd((rule(100, 20, reserve=0.0),), callers=400, asking=1, took_s=0.5).run(60)
    assert max(crowd.waits[ASKING]) > 3


RATES = st.sampled_from([0.3, 1.0, 7.0, 50.0])
BURSTS = st.sampled_from([1.0, 1.5, 2.0, 5.0, 20.0])
RULES = st.builds(rule, st.one_of(st.none(), RATES), BURSTS, concurrency=st.one_of(st.none(), st.integers(1, 5)))
CALLS = st.lists(
    st.tuples(st.floats(0, 3), st.sampled_from([MOVING, ASKING]), st.floats(0, 20)), min_size=1, max_size=120
)


@given(rate_per_s=RATES, burst=BURSTS, reserve=st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9]), calls=CALLS)
def test_no_window_has_more_than_burst_and_rate(
    rate_per_s: float, burst: float, reserve: float, calls: list[tuple[float, int, float]]
) -> None:
    """Whoever calls when, and whatever time they have."""
    one, store, now_s, sent = rule(rate_per_s, burst, reserve=reserve), LocalStore(), 0.0, []
    for pause_s, lane, left_s in calls:
        now_s += pause_s
        decision = store.take((one,), lane, left_s, now_s)
        if isinstance(decision, float):
            assert decision <= left_s
            sent.append(now_s + decision)
        else:
            assert isinstance(decision, Refused)
            assert decision.retry_after_s > left_s
    assert most_above(sent, rate_per_s, burst) <= ROUNDING


@given(calls=CALLS, rates=st.tuples(RATES, RATES), bursts=st.tuples(BURSTS, BURSTS))
def test_of_two_limits_both_hold(
    calls: list[tuple[float, int, float]], rates: tuple[float, float], bursts: tuple[float, float]
) -> None:
    """A call counts under all that cover it, at the time at which it goes."""
    both = rule(rates[0], bursts[0]), rule(rates[1], bursts[1], name="refunds")
    store, now_s, all_sent, refunds = LocalStore(), 0.0, list[float](), list[float]()
    for number, (pause_s, lane, left_s) in enumerate(calls):
        now_s += pause_s
        decision = store.take(both if number % 2 else both[:1], lane, left_s, now_s)
        if isinstance(decision, float):
            all_sent.append(now_s + decision)
            refunds += [now_s + decision] if number % 2 else []
    assert most_above(all_sent, rates[0], bursts[0]) <= ROUNDING
    assert most_above(refunds, rates[1], bursts[1]) <= ROUNDING


def answers(store: LocalStore, rules: tuple[Rule, ...], count: int) -> list[Decision]:
    """What so many get at the same time."""
    return [store.take(rules, MOVING, 0.05, 1.0) for _ in range(count)]


def test_who_is_refused_takes_nothing() -> None:
    """Neither a turn nor a place: what one limit refuses is not counted by the other."""
    wide, narrow = rule(10, 10, reserve=0), rule(10, 2, name="refunds", concurrency=2, reserve=0)
    store = LocalStore()
    told = answers(store, (wide, narrow), 5)
    assert [type(each) for each in told] == [float, float, *[Refused] * 3]
    assert len({each.retry_after_s for each in told if isinstance(each, Refused)}) == 1
    left = store.look((wide, narrow), 1.0)
    assert [(each.left, each.in_use) for each in left] == [(8, 0), (0, 2)]


def test_places_are_given_back_or_run_out() -> None:
    """A dead caller keeps its place no longer than its deadline; the earliest goes first, so that none is doubled."""
    one, store = rule(None, concurrency=2, reserve=0), LocalStore()
    assert [store.take((one,), MOVING, left_s, 0.0) for left_s in (3.0, 5.0)] == [0.0, 0.0]
    assert isinstance(store.take((one,), MOVING, 3.0, 2.9), Full)
    assert store.take((one,), MOVING, 3.0, 3.0) == 0.0, "the first one's deadline is over"
    assert isinstance(store.take((one,), MOVING, 3.0, 3.0), Full)
    store.release((one,), MOVING)
    assert store.take((one,), MOVING, 1.0, 3.0) == 0.0
    assert isinstance(store.take((one,), MOVING, 3.0, 3.9), Full), "the place until 6 s was kept, that until 5 s given"


def test_each_lane_leaves_the_other_a_place() -> None:
    """Five places: payments leave one to questions, questions one to payments."""
    one, store = rule(None, concurrency=5), LocalStore()
    assert [store.take((one,), MOVING, 9.0, 0.0) for _ in range(4)] == [0.0] * 4
    assert isinstance(store.take((one,), MOVING, 9.0, 0.0), Full)
    assert store.take((one,), ASKING, 9.0, 0.0) == 0.0
    assert isinstance(store.take((one,), ASKING, 9.0, 0.0), Full)


@given(one=RULES, calls=CALLS)
def test_never_more_under_way_than_may_be(one: Rule, calls: list[tuple[float, int, float]]) -> None:
    """Each call ends at its deadline, or is over before."""
    store, now_s, ends = LocalStore(), 0.0, list[tuple[float, int]]()
    for number, (pause_s, lane, left_s) in enumerate(calls):
        now_s += pause_s
        ends = [(end_s, of) for end_s, of in ends if end_s > now_s]
        if ends and number % 3 == 0:
            store.release((one,), ends.pop()[1])
        if isinstance(store.take((one,), lane, left_s, now_s), float):
            ends.append((now_s + left_s, lane))
        under_way = [end_s for end_s, _ in ends if end_s > now_s]
        assert one.limit.concurrency is None or len(under_way) <= one.limit.concurrency


def slowed(store: LocalStore, one: Rule, pause_s: float, now_s: float) -> list[float]:
    """A complaint: the rates that come of it."""
    rates: list[float] = []
    store.slow((one,), pause_s, now_s, lambda _, rate_per_s, __: rates.append(rate_per_s))
    return rates


def test_a_complaint_halves_what_was_called_and_wears_off_slowly() -> None:
    """From what we really did, if that is less than the limit; back after a minute, and on to the full rate."""
    one, store = rule(100, 20), LocalStore()
    for number in range(80):
        assert store.take((one,), MOVING, 9.0, 10 + number / 80) == 0.0
    assert slowed(store, one, 0.0, 11.0) == [40.0]
    assert slowed(store, one, 0.0, 11.5) == [], "those were under way before we slowed down"
    rates = [store.look((one,), now_s)[0].rate_per_s for now_s in (11.0, 41.0, 71.0, 101.0, 101.1)]
    assert pytest.approx([40, 60, 80, 100, 100]) == rates


def test_a_complaint_is_heeded_where_no_limit_is_known() -> None:
    """Half of what was called, then more and more, until it is forgotten at ten times as much."""
    one, store = rule(None), LocalStore()
    for number in range(50):
        assert store.take((one,), MOVING, 9.0, 10 + number / 50) == 0.0
    assert slowed(store, one, 0.0, 11.0) == [25.0]
    told = [store.take((one,), MOVING, 9.0, 11.0) for _ in range(50)]
    waited = max(each for each in told if isinstance(each, float))
    assert 0.5 < waited < 2
    assert [store.look((one,), now_s)[0].rate_per_s for now_s in (71.0, 11.0 + 9 * 60)] == [50.0, None]


@given(pauses=st.lists(st.tuples(st.floats(0, 5), st.floats(0, 1000)), min_size=1, max_size=40), usual=RULES)
def test_complaints_never_stop_an_account_for_good(pauses: list[tuple[float, float]], usual: Rule) -> None:
    """However many and however long they are: five minutes after the last one there is a turn again."""
    store, now_s = LocalStore(), 0.0
    for gap_s, pause_s in pauses:
        now_s += gap_s
        store.take((usual,), MOVING, 0.0, now_s)
        slowed(store, usual, pause_s, now_s)
    assert store.take((usual,), MOVING, 0.0, now_s + 300.1) == 0.0


def test_a_pause_is_waited_out() -> None:
    """Who can wait does; who cannot is told for how long. Longer ones count, shorter ones do not."""
    one, store = rule(100, 20), LocalStore()
    slowed(store, one, 5.0, 1.0)
    assert slowed(store, one, 8.0, 1.5), "it asks for more time, though the rate is slow enough"
    assert store.take((one,), MOVING, 9.0, 2.0) == 7.5
    late = store.take((one,), ASKING, 7.0, 2.0)
    assert (late.retry_after_s, late.paused) == (7.5, True) if isinstance(late, Refused) else late
    assert (store.look((one,), 2.0)[0].left, store.look((one,), 2.0)[0].paused_s) == (0, 7.5)
