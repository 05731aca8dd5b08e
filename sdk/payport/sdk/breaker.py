"""A circuit breaker: a partner that keeps failing is left alone, while finding out goes on.

New money and questions have a circuit each, so that an outage of one is not paid for by the other. What settles what is
under way (a cancel, a fence, the same step again from ``resume``) is never stopped. In this process only: another one
learns of an outage by itself, from a handful of calls.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from threading import Lock
from typing import TYPE_CHECKING

from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.events import (
    BreakerClosed,
    BreakerOpened,
    ReplyJudged,
    RequestAbandoned,
    RequestFailed,
    RequestRefused,
    RequestSent,
    SdkEvent,
)
from payport.sdk.forks import follow_forks
from payport.sdk.host_clock import SystemClock
from payport.sdk.message import FailureKind, Purpose, SendFailure, WireRequest

if TYPE_CHECKING:
    from payport.sdk.hosting import Asked, Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """When a partner is left alone, and for how long.

    Opens when at least ``share`` of the calls of the last ``window_s`` seconds failed, and there were ``sample`` of
    them. Then nothing new goes for ``rest_s``, twice as long each time that it fails again, at most ``longest_rest_s``.
    ``trials``: how many payments in a row must succeed before it counts as well. ``patience_s``: a time-out of a caller
    who had less time than this says nothing of the partner.
    """

    share: float = 0.5
    sample: int = 10
    window_s: float = 60.0
    rest_s: float = 15.0
    longest_rest_s: float = 120.0
    trials: int = 3
    patience_s: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or self.sample < 1 or self.trials < 1:
            raise ValueError(f"share must be in (0, 1], sample and trials at least 1, got {self}")
        if not 0 < self.rest_s <= self.longest_rest_s or self.window_s <= 0:
            raise ValueError(f"0 < rest_s <= longest_rest_s and window_s > 0 must hold, got {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings(BreakerPolicy):
    """The table ``[breaker]``: a policy, and whether there are breakers (``on``)."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic

    on: bool = True


class Circuit(Enum):
    """How a circuit stands."""

    CLOSED = "closed"
    """Everything goes."""
    OPEN = "open"
    """Nothing goes."""
    TRYING = "trying"
    """A few go, to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerState:
    """How one circuit stands. ``operations``: ``"money"`` or ``"questions"``.

    ``failures`` of ``calls`` in the window. ``retry_after_s``: how long nothing goes, 0 when something may.
    """

    operations: str
    circuit: Circuit
    calls: int
    failures: int
    retry_after_s: float


class Breaker:
    """Leaves one account's partner alone while it fails. Give it to all gateways of the account, in ``admissions``.

    Only technical failures count: no connection, no answer in time, an answer that is unreadable, not authentic or a
    fault of the partner's own. A refusal of the partner's business is a success, and "too many requests" says nothing.

    When money has rested, a *question* tries whether the partner works again; the first one that is answered lets a
    payment through, then two, until ``trials`` of them succeeded. When nobody asks for as long as it rested, one
    payment tries. ``asks``: false for a partner that cannot be asked: then a payment tries as soon as money has rested.
    ``errands``: endpoints that only fetch a token or a certificate: they try nothing, and are stopped with the rest.
    """

    hears = frozenset({RequestSent, RequestFailed, RequestRefused, RequestAbandoned, ReplyJudged})
    """The events that it hears."""

    def __init__(
        self,
        account: str,
        policy: BreakerPolicy | None = None,
        *,
        asks: bool = True,
        errands: frozenset[str] = frozenset(),
        clock: Clock | None = None,
    ) -> None:
        policy = policy or BreakerPolicy()
        self.news: deque[SdkEvent] = deque()
        self._account = account
        self._patience_s = policy.patience_s
        self._errands = errands
        self._asked_s = 0.0
        """When a request was last asked about: near enough to count a success by, without another look at the clock."""
        self._clock = clock or SystemClock()
        self._money = _Circuit("money", policy, trials=policy.trials, waits=asks)
        self._questions = _Circuit("questions", policy, trials=1, waits=False)
        self._begin()
        follow_forks(in_child=self._begin)

    def _begin(self) -> None:
        self._lock = Lock()

    def admit(self, asked: Asked) -> SendFailure | None:
        """``None``, or that the partner is left alone for now."""
        self._asked_s = asked.now_s
        if asked.purpose is Purpose.RESOLVE:
            return None
        circuit = self._money if asked.purpose is Purpose.MOVE else self._questions
        if circuit.state is Circuit.CLOSED:
            return None
        with self._lock:
            tries = asked.request.endpoint not in self._errands
            wait_s = circuit.admit(asked.request, asked.now_s, asked.left_s, tries=tries)
        if wait_s is None:
            return None
        detail = f"too many calls of {self._account} failed lately, so it is left alone for {wait_s:.3g} s more"
        return SendFailure(FailureKind.BREAKER_OPEN, may_have_left=False, detail=detail, retry_after_s=wait_s)

    def __call__(self, event: SdkEvent, /) -> None:
        """Hear what became of a request."""
        match event:
            case ReplyJudged():
                self._over(event.endpoint)
                good = _worth(event)
            case RequestFailed():
                self._over(event.endpoint)
                good = None if self._says_nothing(event) else False
            case (
                RequestSent() | RequestAbandoned() | RequestRefused(kind=FailureKind.RATE_LIMITED | FailureKind.REFUSED)
            ):
                return self._over(event.endpoint)
            case _:
                return None
        if good is not None:
            self._learn(event, event.purpose or (Purpose.MOVE if event.moves_money else Purpose.ASK), good=good)
        return None

    def state(self) -> Sequence[BreakerState]:
        """How both circuits stand."""
        now_s = self._clock.moment().monotonic_s
        with self._lock:
            return tuple(each.look(now_s) for each in (self._money, self._questions))

    def _says_nothing(self, event: RequestFailed) -> bool:
        hurried = event.failure_kind is FailureKind.TIMED_OUT and event.elapsed_s < self._patience_s
        return hurried or event.failure_kind is FailureKind.DEADLINE

    def _over(self, endpoint: str) -> None:
        if self._money.trying or self._questions.trying:
            with self._lock:
                self._money.over(endpoint)
                self._questions.over(endpoint)

    def _learn(self, event: RequestFailed | ReplyJudged, purpose: Purpose, *, good: bool) -> None:
        circuit = self._questions if purpose is Purpose.ASK else self._money
        if good and self._money.state is circuit.state is Circuit.CLOSED:
            circuit.count(self._asked_s)
            return
        now_s = self._clock.moment().monotonic_s
        with self._lock:
            if purpose is Purpose.ASK:
                self._tell(event, self._questions, self._questions.learn(now_s, good=good))
                self._money.hint(now_s, good=good)
            elif purpose is Purpose.RESOLVE and self._money.state is not Circuit.CLOSED:
                self._money.hint(now_s, good=good)
            else:
                self._tell(event, self._money, self._money.learn(now_s, good=good))

    def _tell(self, event: RequestFailed | ReplyJudged, circuit: _Circuit, change: _Change | None) -> None:
        if change is None:
            return
        whose = {"partner": event.partner, "account": event.account, "operations": circuit.operations}
        if change.opened:
            opened = BreakerOpened(**whose, calls=change.calls, failures=change.failures, rest_s=change.seconds)
            self.news.append(opened)
        else:
            self.news.append(BreakerClosed(**whose, open_s=change.seconds))


_FAULTS = frozenset({UnknownKind.PARTNER_FAULT, UnknownKind.UNREADABLE, UnknownKind.UNVERIFIED})
_TOO_MANY = 429


def _worth(event: ReplyJudged) -> bool | None:
    """Whether a reply shows that the partner works; ``None`` when it says nothing of that."""
    if event.status == _TOO_MANY or event.refusal is Reason.RATE_LIMITED:
        return None
    return event.doubt not in _FAULTS and event.refusal is not Reason.PARTNER_UNAVAILABLE


@dataclass(frozen=True, slots=True)
class _Change:
    """What a circuit has become. ``seconds``: how long it will rest, or was open."""

    opened: bool
    seconds: float
    calls: int = 0
    failures: int = 0


class _Circuit:
    """One circuit. Not safe for threads: the breaker holds a lock around it."""

    def __init__(self, operations: str, policy: BreakerPolicy, *, trials: int, waits: bool) -> None:
        self.operations = operations
        self.state = Circuit.CLOSED
        self._policy = policy
        self._trials = trials
        self._waits = waits
        self._window = _Window(policy.window_s)
        self._rest_s = policy.rest_s
        self._rests_until_s = 0.0
        self._opened_s = 0.0
        self._passed = 0
        self.trying: list[tuple[float, WireRequest]] = []
        """The requests under way that try, and until when each of them is waited for."""

    def admit(self, request: WireRequest, now_s: float, left_s: float, *, tries: bool) -> float | None:
        """``None``, or for how long not. A request that was let go and asks again is let go again.

        ``tries``: whether it shows anything of the partner; one that does not goes along with those that do.
        """
        if self.state is Circuit.OPEN:
            until_s = self._rests_until_s + (self._rest_s if self._waits else 0.0)
            if now_s < until_s:
                return (self._rests_until_s if now_s < self._rests_until_s else until_s) - now_s
            if tries:
                self._try()
        if self.state is Circuit.TRYING and tries:
            self.trying = [(end_s, each) for end_s, each in self.trying if end_s > now_s]
            if all(each is not request for _, each in self.trying):
                if len(self.trying) > self._passed:
                    return _WHILE_TRYING_S
                self.trying.append((now_s + left_s, request))
        return None

    def over(self, endpoint: str) -> None:
        """A request is not under way any more."""
        for number, (_, each) in enumerate(self.trying):
            if each.endpoint == endpoint:
                del self.trying[number]
                return

    def count(self, now_s: float) -> None:
        """Count a success while it is closed. Without a lock: two at once may count as one, and that is enough."""
        self._window.add(now_s, good=True)

    def learn(self, now_s: float, *, good: bool) -> _Change | None:
        """Count what became of a call of this circuit; what that changes."""
        if self.state is Circuit.OPEN:
            return None  # it was under way before
        if self.state is Circuit.TRYING:
            return self._pass(now_s) if good else self._open(now_s, 1 + self._passed, 1, self._rest_s * 2)
        self._window.add(now_s, good=good)
        if good:
            return None
        calls, failures = self._window.totals(now_s)
        if calls < self._policy.sample or failures < self._policy.share * calls:
            return None
        self._opened_s = now_s
        return self._open(now_s, calls, failures, self._policy.rest_s)

    def hint(self, now_s: float, *, good: bool) -> None:
        """What something else shows of the partner: whether it is time to try, or to rest some more."""
        if self.state is Circuit.OPEN and now_s >= self._rests_until_s:
            if good:
                self._try()
            else:
                self._rests_until_s = now_s + self._rest_s

    def look(self, now_s: float) -> BreakerState:
        """How it stands."""
        calls, failures = self._window.totals(now_s)
        wait_s = max(0.0, self._rests_until_s - now_s) if self.state is Circuit.OPEN else 0.0
        return BreakerState(
            operations=self.operations, circuit=self.state, calls=calls, failures=failures, retry_after_s=wait_s
        )

    def _try(self) -> None:
        self.state = Circuit.TRYING
        self._passed = 0
        self.trying = []

    def _pass(self, now_s: float) -> _Change | None:
        self._passed += 1
        if self._passed < self._trials:
            return None
        self.state = Circuit.CLOSED
        self.trying = []
        self._window = _Window(self._policy.window_s)
        return _Change(opened=False, seconds=now_s - self._opened_s)

    def _open(self, now_s: float, calls: int, failures: int, rest_s: float) -> _Change:
        self.state = Circuit.OPEN
        self.trying = []
        self._rest_s = min(rest_s, self._policy.longest_rest_s)
        self._rests_until_s = now_s + self._rest_s
        return _Change(opened=True, seconds=self._rest_s, calls=calls, failures=failures)


_WHILE_TRYING_S = 1.0
"""When to come back while others try."""


class _Window:
    """Calls and failures of the last seconds, in ten slices: the oldest is forgotten as a whole."""

    def __init__(self, window_s: float) -> None:
        self._slice_s = window_s / _SLICES
        self._slices = [(-_SLICES, 0, 0)] * _SLICES

    def add(self, now_s: float, *, good: bool) -> None:
        """Count one call."""
        number = int(now_s / self._slice_s)
        of, calls, failures = self._slices[number % _SLICES]
        if of != number:
            calls = failures = 0
        self._slices[number % _SLICES] = number, calls + 1, failures + (not good)

    def totals(self, now_s: float) -> tuple[int, int]:
        """Calls, and how many of them failed."""
        oldest = int(now_s / self._slice_s) - _SLICES
        lately = [(calls, failures) for of, calls, failures in self._slices if of > oldest]
        return sum(calls for calls, _ in lately), sum(failures for _, failures in lately)


_SLICES = 10
