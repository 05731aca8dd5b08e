"""Being admitted: refused, let through, or sent after a wait; and what those who decide hear of it afterwards."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import get_ident

import pytest
from tests.support.corner import Corner, Wink, order

from payport.schemas import NotSent, NotSentKind, Succeeded, Unknown
from payport.schemas.outcome import PayOutcome, UnknownKind
from payport.sdk.calling import call
from payport.sdk.events import (
    KeyLearned,
    Mismatch,
    ReplyJudged,
    RequestAbandoned,
    RequestFailed,
    RequestRefused,
    RequestSent,
    SdkEvent,
)
from payport.sdk.exchange import Exchange
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.hosting import Asked
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.journal.store import Journal
from payport.sdk.limits import Limiter
from payport.sdk.message import AskAgain, FailureKind, Purpose, SendFailure, WireReply, WireRequest
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.profile import CallLimit
from payport.sdk.retry import RetryPolicy
from payport.sdk.testing.stepping import Time, WorkerClock

REQUEST = WireRequest(endpoint="pay", moves_money=True, method="POST", url="https://corner/", headers={}, content=b"")
TOKEN = WireRequest(endpoint="token", moves_money=False, method="POST", url="https://corner/", headers={}, content=b"")
ONCE = RetryPolicy(max_attempts=1)


@dataclass
class Caller(Corner):
    """Sends a request for each step, and fetches a token after it. ``told``: what the reply amounts to."""

    told: Observation = field(default_factory=lambda: Observation(state=State.SUCCEEDED, source=Source.REPLY))
    request: WireRequest = REQUEST

    @property
    def profile(self):  # type: ignore[no-untyped-def]
        """With an errand."""

        return replace(super().profile, errands=frozenset({"token"}))

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Send it."""
        reply = yield from call(self, self.request, deadline_s)
        if isinstance(reply, Observation):
            return reply
        yield from call(self, TOKEN, deadline_s)
        return self.told


@dataclass
class Road:
    """Answers everything with 200, or with what it is told. Both colours."""

    answer: WireReply | SendFailure = field(default_factory=lambda: WireReply(200, (), b"{}"))
    at: list[float] = field(default_factory=list[float])
    time: Time = field(default_factory=Time)

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """The answer, whenever."""
        self.at.append(WorkerClock(self.time, "").moment().monotonic_s)
        return self.answer

    def close(self) -> None:
        """Nothing to close."""


class Gatekeeper:
    """Says what it is told to say, and hears what becomes of it."""

    def __init__(self, *says: SendFailure | AskAgain | float | None, blocks: bool = False) -> None:
        self.says = list(says)
        self.blocks = blocks
        self.asked: list[Asked] = []
        self.threads: list[int] = []
        self.heard: list[SdkEvent] = []

    def admit(self, asked: Asked) -> SendFailure | AskAgain | float | None:
        """Its words in order; the last one repeats."""
        self.asked.append(asked)
        self.threads.append(get_ident())
        return self.says.pop(0) if len(self.says) > 1 else self.says[0]

    def __call__(self, event: SdkEvent) -> None:
        """Listen."""
        self.heard.append(event)

    def of(self, kind: type[SdkEvent]) -> list[SdkEvent]:
        """What was heard of one kind."""
        return [event for event in self.heard if isinstance(event, kind)]


def pay(
    journal: Journal, time: Time, *gates: Gatekeeper, caller: Caller | None = None, road: Road | None = None
) -> PayOutcome[object]:
    """One payment of one step, past these gatekeepers."""
    caller = caller or Caller(steps=("create",))
    road = road or Road(time=time)
    gateway = Gateway(
        caller, journal=journal, transport=road, clock=WorkerClock(time, "till"), sinks=(), admissions=gates, retry=ONCE
    )
    return gateway.pay(order(), Wink(), deadline_s=10)


@pytest.mark.parametrize(
    ("expected", "kind"),
    [
        (NotSentKind.RATE_LIMITED, FailureKind.RATE_LIMITED),
        (NotSentKind.BREAKER_OPEN, FailureKind.BREAKER_OPEN),
        (NotSentKind.PARTNER_SUSPENDED, FailureKind.SUSPENDED),
    ],
)
def test_a_refusal_sends_nothing_and_says_when_to_come_back(
    journal: Journal, time: Time, expected: NotSentKind, kind: FailureKind
) -> None:
    """The cause is kept apart, and the event tells which of them it was."""
    gate, road = Gatekeeper(SendFailure(kind, may_have_left=False, detail="later", retry_after_s=30.0)), Road(time=time)
    told = pay(journal, time, gate, road=road)
    assert isinstance(told, NotSent)
    assert (expected, "later", 30.0) == (told.cause.kind, told.cause.detail, told.cause.retry_after_s)
    assert road.at == []
    (refused,) = gate.of(RequestRefused)
    assert isinstance(refused, RequestRefused)
    assert (refused.kind, refused.endpoint) == (kind, "pay")
    assert gate.of(ReplyJudged) == []


def test_the_longest_wait_counts_and_is_waited_out_before_sending(journal: Journal, time: Time) -> None:
    """On the operation's own clock; the gatekeepers see how long there is."""
    gates = Gatekeeper(2.0), Gatekeeper(None), Gatekeeper(3.0)
    road = Road(time=time)
    assert isinstance(pay(journal, time, *gates, road=road), Succeeded)
    assert road.at[0] == 3.0
    assert [gates[0].asked[0].left_s, gates[0].asked[0].partner, gates[0].asked[0].account] == [
        10.0, "corner", "corner:1",
    ]  # fmt: skip


@pytest.mark.parametrize(("wait_s", "leaves"), [(None, True), (4.0, True), (5.0, False)])
def test_a_request_that_waited_until_it_was_too_old_does_not_leave(
    journal: Journal, time: Time, wait_s: float | None, *, leaves: bool
) -> None:
    """Some partners take a frozen time for so long only; what did not leave is not sent, and may be asked for anew."""
    caller = Caller(steps=("create",), request=replace(REQUEST, not_after=time.at + timedelta(seconds=5)))
    road = Road(time=time)
    told = pay(journal, time, Gatekeeper(wait_s), caller=caller, road=road)
    assert leaves == isinstance(told, Succeeded)
    assert leaves == bool(road.at)
    if isinstance(told, NotSent):
        assert told.cause.kind is NotSentKind.DEADLINE


@pytest.mark.parametrize(("last", "leaves"), [(0.5, True), (2.0, False)])
def test_a_request_that_asked_for_a_place_until_it_was_too_old_does_not_leave(
    journal: Journal, time: Time, last: float, *, leaves: bool
) -> None:
    """Every place was taken: the wait for one makes it as old as the wait for a turn."""
    caller = Caller(steps=("create",), request=replace(REQUEST, not_after=time.at + timedelta(seconds=5)))
    gate, road = Gatekeeper(AskAgain(4.0), AskAgain(last), None), Road(time=time)
    told = pay(journal, time, gate, caller=caller, road=road)
    assert leaves == isinstance(told, Succeeded)
    assert leaves == bool(road.at)
    assert len(gate.of(RequestFailed)) == (not leaves), "and its place is free again"


class Dawdler(Gatekeeper):
    """Lets everybody go, after a while."""

    def __init__(self, time: Time, seconds: float) -> None:
        super().__init__(None)
        self.time, self.seconds = time, seconds

    def admit(self, asked: Asked) -> SendFailure | AskAgain | float | None:
        """The time passes here."""
        self.time.pass_by(self.seconds)
        return super().admit(asked)


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(("seconds", "leaves"), [(3_599.0, True), (3_600.0, False)])
def test_nothing_of_a_payment_leaves_once_its_time_is_over(
    journal: Journal, time: Time, seconds: float, *, leaves: bool, asynchronous: bool
) -> None:
    """The call has hours yet. Whoever ends the order by time, or opens the next, counts on it."""
    gate, road, caller = Dawdler(time, seconds), Road(time=time), Caller(steps=("create",))

    class AsyncRoad:
        async def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
            """As the other one."""
            return road.send(request, timeout_s)

        async def aclose(self) -> None:
            """Nothing to close."""

    clock = WorkerClock(time, "till")
    if asynchronous:
        open_till = AsyncGateway(
            caller, journal=journal, transport=AsyncRoad(), clock=clock, sinks=(), admissions=(gate,), retry=ONCE
        )
        told = asyncio.run(open_till.pay(order(), Wink(), deadline_s=20_000))
    else:
        till = Gateway(caller, journal=journal, transport=road, clock=clock, sinks=(), admissions=(gate,), retry=ONCE)
        told = till.pay(order(), Wink(), deadline_s=20_000)
    assert leaves == isinstance(told, Succeeded)
    assert len(road.at) == (2 if leaves else 0), "the token after it moves no money, and may leave at any time"
    if isinstance(told, NotSent):
        assert told.cause.kind is NotSentKind.DEADLINE
        assert len(gate.of(RequestFailed)) == 1, "so its place under a limit is free again"


def test_one_who_is_told_to_ask_again_does_so_until_there_is_room(journal: Journal, time: Time) -> None:
    """Every gatekeeper is asked again, about the very same request."""
    first, second = Gatekeeper(None), Gatekeeper(AskAgain(2.0), AskAgain(1.0), 0.5)
    road = Road(time=time)
    assert isinstance(pay(journal, time, first, second, road=road), Succeeded)
    assert road.at[0] == 3.5
    about = [asked.request for asked in second.asked if asked.request.endpoint == "pay"]
    assert [
        len(about), len(first.asked) - 1, *(asked.left_s for asked in second.asked[:3])
    ] == [3, 3, 10.0, 8.0, 7.0]  # fmt: skip
    assert all(request is about[0] for request in about)


def test_what_a_gatekeeper_has_to_tell_is_told_once(journal: Journal, time: Time) -> None:
    """To the sinks of whichever gateway comes first, whether it refuses or lets go."""
    told: list[SdkEvent] = []
    gate = Gatekeeper(None)
    news = deque[SdkEvent]([KeyLearned(partner="corner", account="corner:1", serial="1")])
    vars(gate)["news"] = news
    for ref in ("CORNER000001", "CORNER000002"):
        gateway = Gateway(
            Caller(steps=("create",)), journal=journal, transport=Road(time=time), clock=WorkerClock(time, "till"),
            sinks=(told.append,), admissions=(gate,), retry=ONCE,
        )  # fmt: skip
        gateway.pay(order(ref), Wink(), deadline_s=10)
    assert [event for event in told if isinstance(event, KeyLearned)] == [
        KeyLearned(partner="corner", account="corner:1", serial="1")
    ]


def test_a_gatekeeper_hears_what_became_of_the_request(journal: Journal, time: Time) -> None:
    """Sent, then judged; the errand for a token is sent too and judged as nothing."""
    gate = Gatekeeper(None)
    pay(journal, time, gate)
    sent = [event.endpoint for event in gate.of(RequestSent) if isinstance(event, RequestSent)]
    judged = [event for event in gate.of(ReplyJudged) if isinstance(event, ReplyJudged)]
    assert (sent, [(event.endpoint, event.doubt, event.moves_money) for event in judged]) == (
        ["pay", "token"], [("pay", None, True)],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        (UnknownKind.UNVERIFIED, doubt(Source.REPLY, UnknownKind.UNVERIFIED, "no signature")),
        (UnknownKind.MISMATCH, Observation(state=State.SUCCEEDED, source=Source.REPLY, partner_ref="another")),
    ],
)
def test_a_reply_is_judged_by_what_it_is_worth(
    journal: Journal, time: Time, expected: UnknownKind, told: Observation
) -> None:
    """One about something else is found out by holding it against what was asked."""
    gate = Gatekeeper(None)
    assert isinstance(pay(journal, time, gate, caller=Caller(steps=("create",), told=told)), Unknown)
    (judged,) = gate.of(ReplyJudged)
    assert isinstance(judged, ReplyJudged)
    assert judged.doubt is expected
    assert (expected is UnknownKind.MISMATCH) == bool(gate.of(Mismatch))


def test_without_a_reply_there_is_nothing_to_judge(journal: Journal, time: Time) -> None:
    """The failure itself is heard."""
    gate = Gatekeeper(None)
    lost = SendFailure(FailureKind.CONNECTION_LOST, may_have_left=True, detail="gone")
    assert isinstance(pay(journal, time, gate, road=Road(answer=lost, time=time)), Unknown)
    assert (len(gate.of(RequestFailed)), gate.of(ReplyJudged)) == (1, [])


@pytest.mark.parametrize("blocks", [False, True])
def test_a_gatekeeper_that_blocks_is_kept_off_the_event_loop(journal: Journal, time: Time, *, blocks: bool) -> None:
    """It is asked in a worker thread."""
    gate = Gatekeeper(None, blocks=blocks)

    class AsyncRoad(Road):
        """For tasks."""

        async def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:  # type: ignore[override]
            """The answer."""
            return self.answer

        async def aclose(self) -> None:
            """Nothing to close."""

    async def main() -> PayOutcome[object]:
        gateway = AsyncGateway(
            Caller(steps=("create",)), journal=journal, transport=AsyncRoad(), clock=WorkerClock(time, "till"),
            sinks=(), admissions=(gate,), retry=ONCE,
        )  # fmt: skip
        return await gateway.pay(order(), Wink(), deadline_s=10)

    assert isinstance(asyncio.run(main()), Succeeded)
    assert blocks == (gate.threads[0] != get_ident())


class Silent(Road):
    """Never answers a task."""

    async def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:  # type: ignore[override]
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits for it")

    async def aclose(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize("turn", [None, 5.0], ids=["while it was out", "while it waited for its turn"])
def test_who_gives_up_gives_the_place_back(journal: Journal, time: Time, turn: float | None) -> None:
    """A task that is cancelled says so to whoever counts: its place is free at once, not when its time is over."""
    gate = Gatekeeper(turn)
    limits = Limiter("corner:1", [CallLimit(name="account", concurrency=1)], clock=WorkerClock(time, "till"))

    async def give_up() -> None:
        gateway = AsyncGateway(
            Caller(steps=("create",)), journal=journal, transport=Silent(time=time), sinks=(),
            admissions=[gate, limits], clock=WorkerClock(time, "till"), retry=ONCE,
        )  # fmt: skip
        async with asyncio.timeout(0.3):
            await gateway.pay(order(), Wink(), deadline_s=10)

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())
    (abandoned,) = gate.of(RequestAbandoned)
    assert isinstance(abandoned, RequestAbandoned)
    assert (abandoned.endpoint, abandoned.moves_money, abandoned.purpose) == ("pay", True, Purpose.MOVE)
    assert [left.in_use for left in limits.left()] == [0]


def test_a_turn_that_came_too_late_is_given_back(journal: Journal, time: Time) -> None:
    """Nothing left, so nothing is under way."""
    late = replace(REQUEST, not_after=time.at + timedelta(seconds=1))
    gate, road = Gatekeeper(2.0), Road(time=time)
    told = pay(journal, time, gate, caller=Caller(steps=("create",), request=late), road=road)
    assert isinstance(told, NotSent)
    assert road.at == []
    assert len(gate.of(RequestFailed)) == 1
