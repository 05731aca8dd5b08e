"""Call limits in front of a partner: a request waits for its turn, or is not sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from payport.schemas.outcome import Reason
from payport.sdk.events import (
    ReplyJudged,
    RequestAbandoned,
    RequestFailed,
    RequestRefused,
    RequestSent,
    SdkEvent,
    Slowed,
)
from payport.sdk.host_clock import SystemClock
from payport.sdk.limits.rules import RESERVE, Full, LimitLeft, Refused, Rule, lane_of
from payport.sdk.limits.store import LimitStore, LocalStore
from payport.sdk.message import AskAgain, FailureKind, Purpose, SendFailure
from payport.sdk.profile import WHOLE, CallLimit

if TYPE_CHECKING:
    from collections import deque

    from payport.sdk.hosting import Asked, Clock

LOOK_AGAIN_S = 0.02
"""How soon one who found every place taken looks again; over a shared store three times as long."""
_MOST_NAMES = 1000


class Limiter:
    """Keeps one account within its partner's limits. Give it to the account's gateways, as the last of ``admissions``.

    ``limits``: as the adapter's profile has them, or your own. ``store``: where they are counted; limiters that share
    one count together what has the same ``per``. ``reserve``: the share of each limit that finding out has for itself:
    questions, cancels, and what ``resume`` sends again. A turn that one side does not need goes to the other.

    A request waits for its turn inside its deadline; where that is not enough it is refused at once, and takes no turn.
    A partner that says "too many requests" is called half as often, then slowly more again, and is left alone for as
    long as it asks. Without a limit in ``limits`` only that happens.
    """

    hears = frozenset({RequestSent, RequestFailed, RequestRefused, RequestAbandoned, ReplyJudged})
    """The events that it hears."""

    def __init__(
        self,
        account: str,
        limits: Sequence[CallLimit] = (),
        *,
        store: LimitStore | None = None,
        reserve: float = RESERVE,
        clock: Clock | None = None,
    ) -> None:
        if not 0 <= reserve < 1:
            raise ValueError(f"reserve must be 0 or more and less than 1, got {reserve}")
        counted = any(limit.name == WHOLE for limit in limits)
        self._account = account
        self._limits = tuple(limits) if counted else (*limits, CallLimit(name=WHOLE))
        self._store = LocalStore() if store is None else store
        self._reserve = reserve
        self._clock = clock or SystemClock()
        self._look_again_s = LOOK_AGAIN_S * (3 if self._store.blocks else 1)
        self._seen: dict[str, tuple[str, tuple[Rule, ...]]] = {}
        """By endpoint: its method, and the limits that it counts under."""

    @property
    def limits(self) -> Sequence[CallLimit]:
        """The limits that it keeps."""
        return self._limits

    @property
    def blocks(self) -> bool:
        """Whether asking leaves the process."""
        return self._store.blocks

    @property
    def news(self) -> deque[SdkEvent]:
        """What there is to tell: see :class:`payport.sdk.hosting.Admission`."""
        return self._store.news

    def admit(self, asked: Asked) -> SendFailure | AskAgain | float | None:
        """``None``: go. Seconds: go after so long. Else when to ask again, or that there is no turn in time."""
        rules = self._rules(asked.request.endpoint, asked.request.method)
        decision = self._store.take(rules, lane_of(asked.purpose), asked.left_s, asked.now_s)
        if isinstance(decision, Refused):
            rule, wait_s = decision.rule, decision.retry_after_s
            if decision.paused:
                return self._refusal(f"the partner wants to be left alone for {wait_s:.3g} s more", wait_s)
            return self._refusal(f"the next turn of its limit {rule.name!r} is in {wait_s:.3g} s", wait_s)
        if isinstance(decision, Full):
            if self._look_again_s < asked.left_s:
                return AskAgain(self._look_again_s)
            rule = decision.rule
            return self._refusal(f"all {rule.limit.concurrency} places of its limit {rule.name!r} are taken", None)
        return decision or None

    def __call__(self, event: SdkEvent, /) -> None:
        """Hear what became of a request."""
        match event:
            case RequestSent():
                self._over(event.endpoint, event.purpose)
                if event.status == _TOO_MANY or event.retry_after_s is not None:
                    self._heed(event, event.retry_after_s)
            case RequestFailed() | RequestAbandoned() | RequestRefused(kind=FailureKind.REFUSED):
                self._over(event.endpoint, event.purpose)
            case ReplyJudged(refusal=Reason.RATE_LIMITED):
                self._heed(event, event.retry_after_s)
            case _:
                pass

    def left(self) -> Sequence[LimitLeft]:
        """How much is left of each limit; of those by endpoint, of the endpoints that were called. May block."""
        rules = {rule.key: rule for limit in self._limits if not limit.each for rule in (self._counted(limit, ""),)}
        rules |= {rule.key: rule for _, seen in list(self._seen.values()) for rule in seen}
        return self._store.look(tuple(rules.values()), self._clock.moment().monotonic_s)

    def _rules(self, endpoint: str, method: str) -> tuple[Rule, ...]:
        seen = self._seen.get(endpoint)
        if seen is not None and seen[0] == method:
            return seen[1]
        fitting = [limit for limit in self._limits if limit.covers(endpoint, method)]
        rules = tuple(self._counted(limit, endpoint) for limit in fitting)
        if len(self._seen) >= _MOST_NAMES:
            self._seen.clear()
        self._seen[endpoint] = method, rules
        return rules

    def _counted(self, limit: CallLimit, endpoint: str) -> Rule:
        name = f"{limit.name} {endpoint}" if limit.each else limit.name
        return Rule(replace(limit, name=name), f"{limit.per or self._account}/{name}", self._reserve)

    def _over(self, endpoint: str, purpose: Purpose | None) -> None:
        _, rules = self._seen.get(endpoint, ("", ()))
        held = [rule for rule in rules if rule.limit.concurrency is not None]
        if held:
            self._store.release(held, lane_of(purpose or Purpose.MOVE))

    def _heed(self, event: RequestSent | ReplyJudged, retry_after_s: float | None) -> None:
        """Slow down what the request counted under: its endpoint's own limits, or the whole account's."""
        _, rules = self._seen.get(event.endpoint, ("", ()))
        narrow = tuple(rule for rule in rules if not rule.whole) or rules

        def tell(rule: Rule, rate_per_s: float, pause_s: float) -> None:
            slowed = Slowed(
                partner=event.partner, account=event.account, limit=rule.name, rate_per_s=rate_per_s, pause_s=pause_s
            )
            self.news.append(slowed)

        self._store.slow(narrow, retry_after_s or 0.0, self._clock.moment().monotonic_s, tell)

    def _refusal(self, why: str, retry_after_s: float | None) -> SendFailure:
        detail = f"{self._account} is called too often: {why}, and this call has no time to wait for it"
        return SendFailure(FailureKind.RATE_LIMITED, may_have_left=False, detail=detail, retry_after_s=retry_after_s)


_TOO_MANY = 429
