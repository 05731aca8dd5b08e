"""The circuit breaker: a partner that fails is left alone, finding out goes on, and a question brings it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.corner import ABSENT, PAID
from tests.support.pier import CLOSED, LOST, Bell, Calling, Shop, request

from payport.schemas import NotSent, NotSentKind, Succeeded, Unknown
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.breaker import Breaker, BreakerPolicy, Circuit
from payport.sdk.events import BreakerClosed, BreakerOpened, ReplyJudged, RequestFailed, RequestSent
from payport.sdk.hosting import Asked
from payport.sdk.journal.records import State
from payport.sdk.journal.store import Journal
from payport.sdk.limits import Limiter
from payport.sdk.message import AskAgain, FailureKind, Purpose, SendFailure, WireReply
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.profile import CallLimit
from payport.sdk.testing.stepping import Time, WorkerClock

POLICY = BreakerPolicy(share=0.5, sample=4, window_s=60, rest_s=15, longest_rest_s=40, trials=2)
NO_ROAD = SendFailure(FailureKind.UNREACHABLE, may_have_left=False, detail="no road")
FAULT = doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, "500")
ABSENT_YET = doubt(Source.QUERY, UnknownKind.NOT_FOUND, "not here")
NUMBERS = count(1)


def refusal(reason: Reason) -> Observation:
    """The partner says no."""
    return Observation(state=State.DECLINED, source=Source.REPLY, reason=reason)


def circuit(breaker: Breaker) -> Circuit:
    """How it stands for payments."""
    return breaker.state()[0].circuit


class Counter(Shop):
    """A shop with a breaker."""

    def __init__(self, journal: Journal, time: Time, *, asks: bool = True, policy: BreakerPolicy = POLICY) -> None:
        self.breaker = Breaker("corner:1", policy, asks=asks, clock=WorkerClock(time, "breaker"))
        super().__init__(journal, time, Calling(steps=("create",)), admissions=[self.breaker])

    def charge(self, *says: Observation) -> object:
        """A payment of its own order: what comes of it, ``NotSentKind`` when nothing was sent."""
        outcome = self.pay(*says, ref=f"CORNER{next(NUMBERS):06d}")
        return outcome.cause.kind if isinstance(outcome, NotSent) else type(outcome)

    def fail(self, times: int = 4) -> None:
        """So many payments find no road, or as many as it takes to open."""
        for _ in range(times):
            if self.money is not Circuit.OPEN or times == 1:
                self.pier.answers.append(NO_ROAD)
                assert self.charge() is NotSentKind.UNREACHABLE

    def ask(self, says: Observation = ABSENT_YET) -> str:
        """Ask about an order that is in doubt: ``"query"`` when the partner answered."""
        self.corner.says[:] = [says]
        return self.gateway.query("INDOUBT00001").source

    def leave_in_doubt(self) -> None:
        """An order that nobody knows the end of."""
        assert isinstance(self.pay(LOST, ref="INDOUBT00001"), Unknown)

    @property
    def money(self) -> Circuit:
        """How it stands for payments."""
        return circuit(self.breaker)

    @property
    def opened(self) -> list[BreakerOpened]:
        """How often it was told that it opened."""
        return [event for event in self.pier.news if isinstance(event, BreakerOpened)]


@pytest.fixture
def counter(journal: Journal, time: Time) -> Counter:
    return Counter(journal, time)


def test_a_partner_that_fails_is_left_alone(counter: Counter) -> None:
    """Nothing leaves, the caller is told for how long, and who listens is told once."""
    counter.fail()
    before = len(counter.pier.sent_at)
    refused = counter.pay(PAID)
    assert isinstance(refused, NotSent)
    assert (refused.cause.kind, refused.cause.retry_after_s) == (NotSentKind.BREAKER_OPEN, 15.0)
    assert "too many calls of corner:1 failed lately, so it is left alone for 15 s more" in str(refused)
    assert len(counter.pier.sent_at) == before
    assert counter.opened == [
        BreakerOpened(partner="corner", account="corner:1", operations="money", failures=4, calls=4, rest_s=15.0)
    ]
    state, questions = counter.breaker.state()
    assert (state.circuit, state.calls, state.failures, state.retry_after_s) == (Circuit.OPEN, 4, 4, 15.0)
    assert questions.circuit is Circuit.CLOSED


@pytest.mark.parametrize(
    ("expected", "answer", "says"),
    [
        (Circuit.OPEN, SendFailure(FailureKind.UNRESOLVED, may_have_left=False, detail=""), PAID),
        (Circuit.OPEN, SendFailure(FailureKind.TLS, may_have_left=False, detail=""), PAID),
        (Circuit.OPEN, SendFailure(FailureKind.CONNECTION_LOST, may_have_left=True, detail=""), PAID),
        (Circuit.OPEN, WireReply(500, (), b""), FAULT),
        (Circuit.OPEN, WireReply(200, (), b""), doubt(Source.REPLY, UnknownKind.UNREADABLE, "no JSON")),
        (Circuit.OPEN, WireReply(200, (), b""), doubt(Source.REPLY, UnknownKind.UNVERIFIED, "no signature")),
        (Circuit.OPEN, WireReply(200, (), b""), refusal(Reason.PARTNER_UNAVAILABLE)),
        (Circuit.CLOSED, WireReply(200, (), b""), refusal(Reason.INSUFFICIENT_FUNDS)),
        (Circuit.CLOSED, WireReply(401, (), b""), refusal(Reason.UNAUTHENTICATED)),
        (Circuit.CLOSED, WireReply(200, (), b""), refusal(Reason.RATE_LIMITED)),
        (Circuit.CLOSED, WireReply(429, (), b""), FAULT),
        (Circuit.CLOSED, WireReply(200, (), b""), doubt(Source.REPLY, UnknownKind.MISMATCH, "another order")),
        (Circuit.CLOSED, SendFailure(FailureKind.DEADLINE, may_have_left=False, detail=""), PAID),
        (Circuit.CLOSED, SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail=""), PAID),
    ],
)
def test_only_technical_failures_count(
    counter: Counter, expected: Circuit, answer: WireReply | SendFailure, says: Observation
) -> None:
    """A refusal is an answer; too many calls, and a caller without patience, say nothing."""
    for _ in range(6):
        counter.pier.answers[:] = [answer]
        counter.charge(says)
    assert expected is circuit(counter.breaker)


def test_a_time_out_counts_when_the_partner_had_time(counter: Counter) -> None:
    """A second and more."""
    counter.pier.took_s = 1.0
    for _ in range(4):
        counter.pier.answers[:] = [SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="")]
        counter.charge(PAID)
    assert circuit(counter.breaker) is Circuit.OPEN


def test_a_share_of_failures_is_needed_and_a_sample(counter: Counter, time: Time) -> None:
    """Two of five are too few, three of six enough; what is older than the window is forgotten."""
    counter.fail(3)
    time.pass_by(61.0)
    counter.fail(2)
    for _ in range(3):
        counter.charge(PAID)
    assert circuit(counter.breaker) is Circuit.CLOSED
    counter.fail(1)
    assert circuit(counter.breaker) is Circuit.OPEN
    assert (counter.opened[0].failures, counter.opened[0].calls) == (3, 6)


def test_a_question_that_is_answered_lets_money_flow_again(counter: Counter, time: Time) -> None:
    """Not before it has rested; then one payment goes, and when enough have succeeded it is over."""
    counter.leave_in_doubt()
    counter.fail()
    assert counter.ask() == "query"
    assert circuit(counter.breaker) is Circuit.OPEN, "it has not rested"
    time.pass_by(15.0)
    assert counter.charge(PAID) is NotSentKind.BREAKER_OPEN, "nobody has asked yet"
    assert counter.ask() == "query"
    assert circuit(counter.breaker) is Circuit.TRYING
    assert [Succeeded, Succeeded] == [counter.charge(PAID), counter.charge(PAID)]
    assert circuit(counter.breaker) is Circuit.CLOSED
    assert [event.open_s for event in counter.pier.news if isinstance(event, BreakerClosed)] == [15.0]
    counter.fail(3)
    assert circuit(counter.breaker) is Circuit.CLOSED, "what failed before is forgotten"


def test_a_question_that_fails_lets_it_rest_longer(counter: Counter, time: Time) -> None:
    """Before any payment is risked."""
    counter.leave_in_doubt()
    counter.fail()
    time.pass_by(20.0)
    assert counter.ask(FAULT) == "journal"
    time.pass_by(14.0)
    assert counter.charge(PAID) is NotSentKind.BREAKER_OPEN
    assert pytest.approx(1.0) == counter.breaker.state()[0].retry_after_s


@pytest.mark.parametrize(("asks", "alone_after_s"), [(True, 30.0), (False, 15.0)])
def test_when_nobody_asks_a_payment_tries(journal: Journal, time: Time, *, asks: bool, alone_after_s: float) -> None:
    """After another rest; at once where the partner cannot be asked."""
    counter = Counter(journal, time, asks=asks)
    counter.fail()
    time.pass_by(alone_after_s - 1.0)
    refused = counter.pay(PAID)
    assert isinstance(refused, NotSent)
    assert pytest.approx(1.0) == refused.cause.retry_after_s
    time.pass_by(1.0)
    assert counter.charge(PAID) is Succeeded


def test_each_failed_try_doubles_the_rest(journal: Journal, time: Time) -> None:
    """Up to a longest one."""
    counter = Counter(journal, time, asks=False)
    counter.fail()
    for _ in range(3):
        time.pass_by(counter.opened[-1].rest_s)
        counter.fail(1)
    assert [event.rest_s for event in counter.opened] == [15.0, 30.0, 40.0, 40.0]


def ask_for(time: Time, breaker: Breaker, purpose: Purpose) -> SendFailure | None:
    """Whether one request may go."""
    now_s = WorkerClock(time, "").moment().monotonic_s
    return breaker.admit(Asked("corner", "corner:1", request("pay", moves_money=True), 10.0, purpose, now_s))


class Whose(TypedDict):
    """Which request of whom."""

    partner: str
    account: str
    endpoint: str


def arrived(breaker: Breaker, endpoint: str = "pay", *, good: bool = True) -> None:
    """One request was answered."""
    whose: Whose = {"partner": "corner", "account": "corner:1", "endpoint": endpoint}
    doubted = None if good else UnknownKind.PARTNER_FAULT
    breaker(RequestSent(**whose, status=200, elapsed_s=0.1, moves_money=True, purpose=Purpose.MOVE))
    breaker(
        ReplyJudged(
            **whose, moves_money=True, doubt=doubted, refusal=None, retry_after_s=None, status=200, purpose=Purpose.MOVE
        )
    )


@pytest.fixture
def tried(time: Time) -> Breaker:
    """A breaker that is being tried, with three payments to pass."""
    policy = BreakerPolicy(sample=1, trials=3, rest_s=15)
    breaker = Breaker("corner:1", policy, asks=False, clock=WorkerClock(time, "breaker"))
    arrived(breaker, good=False)
    time.pass_by(15.0)
    return breaker


def test_a_crowd_does_not_storm_a_partner_that_comes_back(tried: Breaker, time: Time) -> None:
    """One payment at a time, then two, then all."""
    for most in (1, 2, 3):
        let_go = [ask_for(time, tried, Purpose.MOVE) for _ in range(10)]
        assert [most, 1.0] == [let_go.count(None), let_go[-1].retry_after_s if let_go[-1] else None]
        for _ in range(most - 1):
            tried(RequestSent(partner="", account="", endpoint="pay", status=200, elapsed_s=0.1, moves_money=True))
        arrived(tried)
    assert [ask_for(time, tried, Purpose.MOVE) for _ in range(10)] == [None] * 10


def test_who_tries_and_dies_does_not_stop_the_others(tried: Breaker, time: Time) -> None:
    """Its place is free at its deadline."""
    assert ask_for(time, tried, Purpose.MOVE) is None
    assert ask_for(time, tried, Purpose.MOVE) is not None
    time.pass_by(10.0)
    assert ask_for(time, tried, Purpose.MOVE) is None


def test_who_tries_and_must_wait_for_a_limit_keeps_its_place(journal: Journal, time: Time) -> None:
    """Asking again is the same request; one that the limit refuses gives its place back."""
    counter = Counter(journal, time, asks=False)
    limits = Limiter(
        "corner:1", [CallLimit(name="account", concurrency=1), CallLimit(name="steps", rate_per_s=1)],
        clock=WorkerClock(time, "limits"),
    )  # fmt: skip
    shop = Shop(journal, time, admissions=[counter.breaker, limits])
    counter.fail()
    time.pass_by(15.0)
    assert isinstance(shop.pay(PAID, ref="CORNER100001"), Succeeded)
    first_s = WorkerClock(time, "").moment().monotonic_s
    asked = Asked("corner", "corner:1", request("other", moves_money=True), 0.5, Purpose.MOVE, first_s)
    assert limits.admit(asked) is not None, "the turn is too late"
    time.pass_by(1.0)
    asked = asked._replace(now_s=first_s + 1.0)
    assert limits.admit(asked) is None, "it holds the only place for half a second"
    assert isinstance(limits.admit(asked), AskAgain | SendFailure)
    assert isinstance(shop.pay(PAID, ref="CORNER100002"), Succeeded), "it waited for place and turn, and tried"
    assert circuit(counter.breaker) is Circuit.CLOSED


SETTLING: list[tuple[Callable[[Counter], object], int]] = [
    (lambda counter: counter.resume(ABSENT, PAID, after_s=0.0), 2),
    (lambda counter: counter.gateway.cancel("INDOUBT00001"), 1),
]


@pytest.mark.parametrize(("settle", "requests"), SETTLING)
def test_what_is_under_way_is_settled_while_money_is_stopped(
    counter: Counter, time: Time, settle: Callable[[Counter], object], requests: int
) -> None:
    """``resume`` asks and sends the same step again; a cancel closes."""
    counter.leave_in_doubt()
    time.pass_by(60.0)
    counter.fail()
    counter.corner.says[:] = [CLOSED]
    before = len(counter.pier.sent_at)
    settle(counter)
    assert requests == len(counter.pier.sent_at) - before
    assert tuple(counter.gateway.open_operations()) == ()
    assert circuit(counter.breaker) is Circuit.OPEN


def test_a_fence_goes_while_everything_is_stopped(journal: Journal, time: Time) -> None:
    """Of a partner that cannot be asked: only a fence can settle it."""
    counter = Counter(journal, time, asks=False)
    counter.corner.fence_after_s, counter.corner.answers_queries = 30.0, False
    counter.leave_in_doubt()
    time.pass_by(31.0)
    counter.fail()
    resumed = counter.resume(CLOSED, after_s=1.0)
    assert circuit(counter.breaker) is Circuit.OPEN
    assert resumed.settled == ("INDOUBT00001/pay//1",)


def test_questions_have_a_circuit_of_their_own(counter: Counter, time: Time) -> None:
    """When they fail they are stopped, payments are not; after a rest one of them tries."""
    counter.leave_in_doubt()
    for _ in range(4):
        assert counter.ask(FAULT) == "journal"
    before = len(counter.pier.sent_at)
    assert counter.ask() == "journal"
    assert len(counter.pier.sent_at) == before
    assert [each.circuit for each in counter.breaker.state()] == [Circuit.CLOSED, Circuit.OPEN]
    assert counter.charge(PAID) is Succeeded
    assert [event.operations for event in counter.opened] == ["questions"]
    time.pass_by(15.0)
    assert counter.ask() == "query"
    assert [each.circuit for each in counter.breaker.state()] == [Circuit.CLOSED] * 2


def test_a_question_that_was_held_back_was_not_asked(counter: Counter, time: Time) -> None:
    """It is asked again as soon as if it had not been tried: nobody has said that it is not known yet."""
    counter.leave_in_doubt()
    for _ in range(4):
        counter.ask(FAULT)
    (before,) = counter.gateway.open_operations()
    assert counter.resume(after_s=7.0).open == ("INDOUBT00001/pay//1",)
    (after,) = counter.gateway.open_operations()
    assert (before.asked, time.at) == (after.asked, (after.next_at or time.at) - timedelta(seconds=7.0))


def test_a_native_call_counts_by_whether_it_moves_money(counter: Counter) -> None:
    """It belongs to no operation."""
    for _ in range(4):
        counter.pier.answers[:] = [NO_ROAD]
        counter.gateway.native(Bell(moves_money=True), None)
    assert [each.circuit for each in counter.breaker.state()] == [Circuit.OPEN, Circuit.CLOSED]
    refused = counter.gateway.native(Bell(moves_money=True), None)
    assert isinstance(refused, Succeeded), "the bell does not look at its reply"
    assert len(counter.pier.sent_at) == 4
    counter.gateway.native(Bell(moves_money=False), None)
    assert len(counter.pier.sent_at) == 5


@given(
    acts=st.lists(
        st.tuples(
            st.floats(0, 30), st.sampled_from(list(Purpose)), st.sampled_from(["good", "bad", "lost", "nothing"])
        ),
        max_size=80,
    )
)
def test_whatever_happens_settling_goes_and_the_partner_comes_back(
    acts: list[tuple[float, Purpose, str]],
) -> None:
    """No fence is ever refused, and a partner that works again is at work after its rests."""
    time = Time()
    breaker = Breaker("corner:1", POLICY, clock=WorkerClock(time, "breaker"))
    for pause_s, purpose, end in acts:
        time.pass_by(pause_s)
        assert ask_for(time, breaker, Purpose.RESOLVE) is None
        if ask_for(time, breaker, purpose) is not None or end == "nothing":
            continue
        if end == "lost":
            breaker(
                RequestFailed(
                    partner="corner", account="corner:1", endpoint="pay", failure_kind=FailureKind.UNREACHABLE,
                    may_have_left=False, elapsed_s=1.0, moves_money=True, purpose=purpose,
                )
            )  # fmt: skip
        else:
            arrived(breaker, good=end == "good")
    time.pass_by(2 * POLICY.longest_rest_s + 10.0)
    for _ in range(POLICY.trials):
        assert ask_for(time, breaker, Purpose.MOVE) is None
        arrived(breaker)
    assert circuit(breaker) is Circuit.CLOSED


@pytest.mark.parametrize("wrong", [{"share": 0}, {"sample": 0}, {"trials": 0}, {"rest_s": 0}, {"rest_s": 999}])
def test_a_policy_that_cannot_work_is_refused(wrong: dict[str, float]) -> None:
    """When it is written down, not with the outage."""
    with pytest.raises(ValueError, match="must"):
        BreakerPolicy(**wrong)  # type: ignore[arg-type]  # that is the point
