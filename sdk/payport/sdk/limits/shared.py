"""Limits that several processes share, through Redis; and what each keeps to while Redis does not answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import cache, partial
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import urlsplit

from payport.sdk.errors import ConfigurationError
from payport.sdk.events import SharedLimitsBack, SharedLimitsLost
from payport.sdk.forks import follow_forks
from payport.sdk.host_clock import SystemClock
from payport.sdk.limits import script
from payport.sdk.limits.rules import Full, LimitLeft, Refused, Rule
from payport.sdk.limits.store import Decision, LocalStore, Tell
from payport.sdk.profile import CallLimit

if TYPE_CHECKING:
    from payport.sdk.events import SdkEvent
    from payport.sdk.hosting import Clock
    from payport.sdk.secrets import Secret

HOSTS = 4
TIMEOUT_S = 0.2
LOOK_FOR_IT_S = 1.0
"""How often it is tried whether Redis is back."""

_PATIENCE_S = 2.0
"""How long closing waits for what is being told to Redis."""
_SCHEMES = ("redis", "rediss", "unix")
_TAKEN, _LATE = 0, 1


class _Script(Protocol):
    def __call__(self, *, keys: Sequence[str], args: Sequence[str | float]) -> object: ...


class Client(Protocol):
    """What is used of redis-py, whose own types say too little."""

    def register_script(self, script: str) -> _Script:
        """A script that is sent once and then called by its digest."""
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


class SharedStore:
    """Counts in Redis, so that all processes and hosts with the same ``url`` and ``prefix`` keep one limit together.

    ``url``: ``redis://host:6379/0``, ``rediss://`` for TLS, ``unix:///path``. Every decision is one script, which Redis
    runs by itself on its own clock. ``timeout_s``: how long an answer may take. When none comes, every process goes on
    with a limit of its own, a ``hosts``-th part of each: stricter, never none. That is told as
    :class:`payport.sdk.events.SharedLimitsLost`, once, and :class:`payport.sdk.events.SharedLimitsBack` when Redis
    answers again, for which it is asked once a second.

    Needs the extra ``redis``. Raises :class:`payport.sdk.ConfigurationError` for a URL that cannot work; that Redis can
    be reached is not asked here.
    """

    blocks = True

    def __init__(
        self,
        url: Secret,
        *,
        hosts: int = HOSTS,
        timeout_s: float = TIMEOUT_S,
        prefix: str = "payport",
        clock: Clock | None = None,
    ) -> None:
        self.news: deque[SdkEvent] = deque()
        self.place = _place(url.reveal())
        self._redis = _client(url.reveal(), timeout_s)
        self._take = self._redis.register_script(script.TAKE)
        self._release = self._redis.register_script(script.RELEASE)
        self._slow = self._redis.register_script(script.SLOW)
        self._look = self._redis.register_script(script.LOOK)
        self._hosts = hosts
        self._prefix = prefix
        self._clock = clock or SystemClock()
        self._local = LocalStore()
        self._stricter = cache(partial(Rule.shared_by, hosts=hosts))
        self._begin()
        follow_forks(in_child=self._begin)

    def _begin(self) -> None:
        self._lock = Lock()
        self._lost_at_s: float | None = None
        self._errands: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._runner: Thread | None = None
        self._closed = Event()
        self._held: dict[tuple[str, int], int] = {}
        """How many places were taken without Redis, by limit and lane."""

    @property
    def lost(self) -> bool:
        """Whether Redis does not answer at the moment."""
        return self._lost_at_s is not None

    def take(self, rules: Sequence[Rule], lane: int, left_s: float, now_s: float) -> Decision:
        """See :meth:`payport.sdk.limits.store.LimitStore.take`."""
        if self._lost_at_s is None:
            try:
                answer = self._run(self._take, rules, f"{left_s:.6f}", str(lane + 1))
            except Exception as error:  # noqa: BLE001 - whatever it is, limits fail no payment
                self._lose(error)
            else:
                what, seconds, which, paused = cast("tuple[int, bytes, int, int]", answer)
                if what == _TAKEN:
                    return float(seconds)
                rule = rules[which - 1]
                return Refused(rule, float(seconds), bool(paused)) if what == _LATE else Full(rule)
        return self._take_alone(rules, lane, left_s, now_s)

    def _take_alone(self, rules: Sequence[Rule], lane: int, left_s: float, now_s: float) -> Decision:
        decision = self._local.take([self._stricter(rule) for rule in rules], lane, left_s, now_s)
        if not isinstance(decision, Refused | Full):
            with self._lock:
                for rule in rules:
                    if rule.limit.concurrency is not None:
                        self._held[rule.key, lane] = self._held.get((rule.key, lane), 0) + 1
        return decision

    def release(self, rules: Sequence[Rule], lane: int) -> None:
        """See :meth:`payport.sdk.limits.store.LimitStore.release`. Redis is told by a thread of its own."""
        with self._lock:
            alone = [rule for rule in rules if self._held.get((rule.key, lane))]
            for rule in alone:
                self._held[rule.key, lane] -= 1
        if alone:
            self._local.release([self._stricter(rule) for rule in alone], lane)
        shared = [rule for rule in rules if rule not in alone]
        if shared and self._lost_at_s is None:
            self._later(partial(self._run, self._release, shared, "", str(lane + 1)))

    def slow(self, rules: Sequence[Rule], pause_s: float, now_s: float, tell: Tell) -> None:
        """See :meth:`payport.sdk.limits.store.LimitStore.slow`. Redis is told by a thread of its own."""
        if self._lost_at_s is not None:
            self._local.slow([self._stricter(rule) for rule in rules], pause_s, now_s, tell)
            return

        def heed() -> None:
            answer = self._run(self._slow, rules, f"{pause_s:.6f}", "")
            for rule, rate in zip(rules, cast("list[bytes]", answer), strict=True):
                if rate:
                    tell(rule, float(rate), pause_s)

        self._later(heed)

    def look(self, rules: Sequence[Rule], now_s: float) -> Sequence[LimitLeft]:
        """See :meth:`payport.sdk.limits.store.LimitStore.look`. What this process keeps to, while Redis is lost."""
        if self._lost_at_s is None:
            try:
                answer = cast("list[bytes]", self._run(self._look, rules, "", ""))
            except Exception as error:  # noqa: BLE001 - whatever it is, limits fail no payment
                self._lose(error)
            else:
                figures = [float(each) for each in answer]
                return tuple(_left(rule, *figures[i * 5 : i * 5 + 5]) for i, rule in enumerate(rules))
        return self._local.look([self._stricter(rule) for rule in rules], now_s)

    def close(self) -> None:
        """Let go of the connections."""
        self._closed.set()
        self._errands.put(None)
        if self._runner is not None:
            self._runner.join(_PATIENCE_S)
        self._redis.close()

    def _run(self, script: _Script, rules: Sequence[Rule], first: str, second: str, at: str = "") -> object:
        keys: list[str] = []
        told: list[str | float] = [at, first, second]
        for rule in rules:
            # the braces keep what is decided together on one node of a cluster
            account, _, name = rule.key.partition("/")
            key = f"{{{self._prefix}:{account}}}:{name}"
            keys += key, f"{key}:moving", f"{key}:asking"
            limit = rule.limit
            told += limit.rate_per_s or 0, limit.burst, limit.concurrency or 0, rule.reserve
        return script(keys=keys, args=told)

    def _lose(self, error: Exception) -> None:
        with self._lock:
            if self._lost_at_s is not None:
                return
            self._lost_at_s = self._clock.moment().monotonic_s
        self.news.append(SharedLimitsLost(place=self.place, error=type(error).__name__))
        self._later(self._probe)

    def _find(self) -> None:
        with self._lock:
            lost_at_s, self._lost_at_s = self._lost_at_s, None
        if lost_at_s is not None:
            away_s = self._clock.moment().monotonic_s - lost_at_s
            self.news.append(SharedLimitsBack(place=self.place, away_s=away_s))

    def _later(self, errand: Callable[[], object]) -> None:
        """Have this done by a thread that nobody waits for."""
        with self._lock:
            if self._runner is None and not self._closed.is_set():
                self._runner = Thread(target=self._run_errands, name="payport-limits", daemon=True)
                self._runner.start()
        self._errands.put(errand)

    def _run_errands(self) -> None:
        while (errand := self._errands.get()) is not None:
            try:
                errand()
            except Exception as error:  # noqa: BLE001 - whatever it is, limits fail no payment
                self._lose(error)
                if not self._look_for_it():
                    return
            self._find()

    def _probe(self) -> None:
        """Take a turn that nobody else wants: one that answers a ping may still refuse to write."""
        self._run(self._take, (_PROBE,), "1", "1")

    def _look_for_it(self) -> bool:
        """Return when Redis works; false when this was closed meanwhile.

        What was to be told is dropped: the places that it would give back run out anyway.
        """
        while not self._closed.wait(LOOK_FOR_IT_S):
            try:
                self._probe()
            except Exception:  # noqa: BLE001, S112 - it was told that Redis is lost
                continue
            break
        while not self._closed.is_set():
            try:
                self._errands.get_nowait()
            except Empty:
                return True
        return False


_PROBE = Rule(CallLimit(name="probe", rate_per_s=1e6), "probe/probe")


def _left(rule: Rule, rate: float, left: float, next_s: float, in_use: float, paused_s: float) -> LimitLeft:
    return LimitLeft(
        name=rule.name,
        rate_per_s=rate or None,
        usual_per_s=rule.limit.rate_per_s,
        burst=rule.limit.burst,
        left=None if left < 0 else int(left),
        next_s=next_s,
        in_use=int(in_use),
        concurrency=rule.limit.concurrency,
        paused_s=paused_s,
        shared=True,
    )


def _place(url: str) -> str:
    """Where Redis is, without user and password. Raises :class:`payport.sdk.ConfigurationError` for another URL."""
    try:
        parts, port = urlsplit(url), urlsplit(url).port
    except ValueError:
        raise ConfigurationError(_UNREADABLE) from None
    if parts.scheme not in _SCHEMES:
        raise ConfigurationError("the URL of Redis must begin with redis://, rediss:// or unix://")
    if "ssl_" in parts.query:
        raise ConfigurationError("the URL of Redis sets TLS options, which would weaken it; leave them out")
    return parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{port or 6379}"


_UNREADABLE = "the URL of Redis cannot be read: write redis://host:6379/0"


def _client(url: str, timeout_s: float) -> Client:
    try:
        from redis import Redis  # noqa: PLC0415 - the extra "redis"
        from redis.backoff import NoBackoff  # noqa: PLC0415 - as above
        from redis.retry import Retry  # noqa: PLC0415 - as above
    except ImportError as error:
        raise ConfigurationError('redis is not installed; run: pip install "payport[redis]"') from error
    try:
        client = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]  # its options have no types
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0),
            max_connections=_MOST_CONNECTIONS,
        )  # fmt: skip
    except ValueError:
        # not chained: what it says may hold the password
        raise ConfigurationError(_UNREADABLE) from None
    return cast("Client", client)


_MOST_CONNECTIONS = 10_000
