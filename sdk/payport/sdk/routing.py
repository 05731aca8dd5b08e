"""Choose among gateways for one debt, and fail over where that is safe: after ``NotSent`` and ``Declined`` alone.

What makes it safe is not here: every gateway writes into one journal, which opens an attempt only when the last one, at
whichever partner, is certainly over. Here it is decided who is asked first, and whether another one may be asked next.
One body for both colours: :func:`route` yields what it wants done.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeAlias, TypeVar, assert_never

from payport.schemas.order import Order
from payport.schemas.outcome import (
    ActionRequired,
    Authorized,
    Declined,
    NotSent,
    NotSentCause,
    NotSentKind,
    PayOutcome,
    Pending,
    Reason,
    Retriable,
    Succeeded,
    Unknown,
)
from payport.sdk.forks import follow_forks
from payport.sdk.journal.records import Operation, Verb

GatewayT = TypeVar("GatewayT")

_ELSEWHERE_NOT_SENT = frozenset(NotSentKind) - {NotSentKind.STORAGE, NotSentKind.DEADLINE, NotSentKind.HELD}
_AT_ONCE = (NotSentKind.BREAKER_OPEN, NotSentKind.PARTNER_SUSPENDED)
_ELSEWHERE_DECLINED = frozenset(
    {
        Reason.PARTNER_UNAVAILABLE,
        Reason.RATE_LIMITED,
        Reason.NOT_PERMITTED,
        Reason.UNAUTHENTICATED,
        Reason.BAD_SIGNATURE,
        Reason.MERCHANT_BLOCKED,
    }
)


def worth_trying_elsewhere(outcome: Retriable) -> bool:
    """The usual rule: what lies with the partner or the way to it is tried elsewhere, what lies with the payer is not.

    A payer's refusal (no money, limit, risk), a request that breaks a rule, or one that is held for a person to look at
    is told to the caller, who knows whether another partner may be asked.
    """
    match outcome:
        case NotSent(cause=cause):
            return cause.kind in _ELSEWHERE_NOT_SENT
        case Declined(reason=reason):
            return reason in _ELSEWHERE_DECLINED
        case _:
            assert_never(outcome)


@dataclass(slots=True, weakref_slot=True)
class Health:
    """Puts a gateway behind the others for a while when it keeps failing. In memory, safe for threads.

    ``failures``: how many in a row until it rests; ``rest_s``: for how long, in seconds. An outcome in doubt counts as
    a failure here, though it is never failed over. One whose breaker is open, or whose partner is suspended, rests at
    once, for as long as it says: each order that is tried there first costs two writes to the journal.
    """

    failures: int = 3
    rest_s: float = 30.0
    _lock: Lock = field(init=False, repr=False, compare=False)
    _row: int = 0
    _resting_until_s: float = 0.0

    def __post_init__(self) -> None:
        self._begin()
        follow_forks(in_child=self._begin)

    def _begin(self) -> None:
        self._lock = Lock()

    def rests(self, now_s: float) -> bool:
        """Whether others should be asked first."""
        with self._lock:
            return now_s < self._resting_until_s

    def note(self, outcome: PayOutcome[object], now_s: float) -> None:
        """Learn from an outcome; the payer's own refusals say nothing of the partner's health."""
        failed = isinstance(outcome, Unknown) or (
            isinstance(outcome, NotSent | Declined) and worth_trying_elsewhere(outcome)
        )
        cause = outcome.cause if isinstance(outcome, NotSent) else None
        shut = cause is not None and cause.kind in _AT_ONCE
        with self._lock:
            self._row = self._row + 1 if failed else 0
            if shut or self._row >= self.failures:
                self._row = 0
                stated_s = cause.retry_after_s if shut and cause is not None else None
                self._resting_until_s = now_s + (self.rest_s if stated_s is None else stated_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Generic[GatewayT]):
    """One gateway and what it is for. Routes are asked in the order in which they are given.

    ``methods``: classes of methods that it takes; empty for any. ``when``: a rule of your own (currency, amount,
    country in the metadata ...), asked with the order. ``health``: rested gateways are asked last.
    """

    gateway: GatewayT
    account: str
    partner: str
    currencies: frozenset[str]
    methods: tuple[type, ...] = ()
    when: Callable[[Order], bool] | None = None
    health: Health = field(default_factory=Health)

    def takes(self, order: Order, method: object) -> bool:
        """Whether this order could be paid here."""
        return (
            order.amount.currency in self.currencies
            and (not self.methods or isinstance(method, self.methods))
            and (self.when is None or self.when(order))
        )


@dataclass(frozen=True, slots=True)
class Look:
    """Read a debt's operations from the journal."""

    ref: str


@dataclass(frozen=True, slots=True)
class Try(Generic[GatewayT]):
    """Pay through this gateway."""

    route: Route[GatewayT]


Wish: TypeAlias = Look | Try[GatewayT]


def route(
    routes: Sequence[Route[GatewayT]],
    order: Order,
    method: object,
    elsewhere: Callable[[Retriable], bool],
    now_s: Callable[[], float],
) -> Generator[Wish[GatewayT], Sequence[Operation] | PayOutcome[object], PayOutcome[object]]:
    """The outcome of the debt's live attempt, wherever it lives, or of the first route that brings one."""
    known = yield Look(order.ref)
    assert not isinstance(known, ActionRequired | Authorized | Declined | NotSent | Pending | Succeeded | Unknown)
    home = _home(routes, known)
    suitable = [each for each in routes if each.takes(order, method)]
    suitable.sort(key=lambda each: each.health.rests(now_s()))
    # where it lives comes first: only once it is over there, and certainly so, it may go on elsewhere
    candidates = suitable if home is None else [home, *(each for each in suitable if each is not home)]
    outcome: PayOutcome[object] = NotSent(
        cause=NotSentCause(
            NotSentKind.UNSUPPORTED, f"no route takes {order.amount.currency} by {type(method).__name__}"
        )
    )
    for candidate in candidates or ([routes[0]] if _is_live(known) else []):
        told = yield Try(candidate)
        assert isinstance(told, ActionRequired | Authorized | Declined | NotSent | Pending | Succeeded | Unknown)
        outcome = told
        candidate.health.note(outcome, now_s())
        if not isinstance(outcome, NotSent | Declined) or not elsewhere(outcome):
            break
    return outcome


def _payment(known: Sequence[Operation]) -> Operation | None:
    return next((operation for operation in reversed(known) if operation.verb is Verb.PAY), None)


def _is_live(known: Sequence[Operation]) -> bool:
    last = _payment(known)
    return last is not None and not last.state.over


def _home(routes: Sequence[Route[GatewayT]], known: Sequence[Operation]) -> Route[GatewayT] | None:
    """Where the live attempt is: only there can it be asked about, closed, or brought on."""
    last = _payment(known)
    if last is None or last.state.over:
        return None
    return next((each for each in routes if each.account == last.account), None)
