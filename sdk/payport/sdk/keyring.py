"""A partner's keys by serial number, while they change: which to use, and when to fetch another.

The ring does no I/O and reads no clock. It answers what to do, and the caller does it::

    match ring.find(serial, now_s):
        case Known(key=key):    verify with it
        case Fetch():           fetch the key, authenticate it, then learn(...), or failed(...)
        case Wait(seconds=s):   somebody else is fetching: ask again after at most that long
        case Missing():         there is no such key: the message cannot be believed

A flood of made-up serials costs the partner at most ``fetches_a_minute`` requests, and this process as many entries.
Keys are never dropped because a fetch failed: the old ones serve until they expire or are retired. ``now_s`` is in
seconds on one clock for all calls (Unix time where keys expire). Safe for threads.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeAlias, TypeVar

from payport.sdk.forks import follow_forks

K = TypeVar("K")

_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Known(Generic[K]):
    """Here it is."""

    key: K


@dataclass(frozen=True, slots=True)
class Fetch:
    """You are the one who fetches it. Report with ``learn`` or ``failed``; silence counts as failure."""

    serial: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody else is fetching it. ``seconds``: after that it is known or missing."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Missing:
    """Not known, and not to be fetched now. ``seconds``: when a fetch may be tried again."""

    seconds: float


Finding: TypeAlias = Known[K] | Fetch | Wait | Missing


@dataclass(frozen=True, slots=True)
class _Held(Generic[K]):
    key: K
    expires_at_s: float | None
    order: int

    def serves(self, now_s: float) -> bool:
        return self.expires_at_s is None or now_s < self.expires_at_s


@dataclass(slots=True)
class _Fetching:
    since_s: float
    pending: bool = True


@dataclass(slots=True)
class _State(Generic[K]):
    held: dict[str, _Held[K]] = field(default_factory=dict[str, "_Held[K]"])
    fetching: dict[str, _Fetching] = field(default_factory=dict[str, _Fetching])
    learnt: int = 0
    refreshed_at_s: float | None = None


class KeyRing(Generic[K]):
    """Several keys of one partner, valid at once."""

    def __init__(
        self,
        keys: Mapping[str, K] | None = None,
        *,
        fetches_a_minute: int = 10,
        fetch_timeout_s: float = 30.0,
        refresh_margin_s: float = 30 * 86_400.0,
    ) -> None:
        """``keys``: configured ones, by serial, the one to prefer last; they do not expire by themselves.

        ``fetches_a_minute``: over all unknown serials; each single one is fetched at most once a minute.
        ``fetch_timeout_s``: when a fetcher that never reports is given up, at most a minute.
        ``refresh_margin_s``: how long before a key expires a new one should be looked for.
        """
        if not 0 < fetch_timeout_s <= _MINUTE_S or fetches_a_minute < 1:
            raise ValueError("fetch_timeout_s: up to 60 seconds; fetches_a_minute: at least 1")
        self._fetches_a_minute = fetches_a_minute
        self._fetch_timeout_s = fetch_timeout_s
        self._refresh_margin_s = refresh_margin_s
        self._state = _State[K]()
        self._begin()
        follow_forks(in_child=self._begin)
        for serial, key in (keys or {}).items():
            self.learn(serial, key)

    def _begin(self) -> None:
        """After a fork: whoever held the lock or was fetching did so in the parent, and reports nothing here."""
        self._lock = Lock()
        self._state.fetching = {name: entry for name, entry in self._state.fetching.items() if not entry.pending}

    def find(self, serial: str, now_s: float) -> Finding[K]:
        """The key of ``serial``, or what to do to get it."""
        with self._lock:
            held = self._state.held.get(serial)
            if held is not None and held.serves(now_s):
                return Known(held.key)
            return self._fetch_or_wait(serial, now_s)

    def learn(self, serial: str, key: K, *, expires_at_s: float | None = None) -> None:
        """Keep an authentic key: from now on it is the one to prefer. The caller has checked where it came from."""
        with self._lock:
            self._state.learnt += 1
            self._state.held[serial] = _Held(key, expires_at_s, self._state.learnt)
            self._state.fetching.pop(serial, None)

    def failed(self, serial: str, now_s: float) -> None:
        """The fetch of ``serial`` brought nothing that could be authenticated. Nobody tries again for a minute."""
        with self._lock:
            fetching = self._state.fetching.get(serial)
            if fetching is not None:
                # The minute counts from this failure, so that a slow failure is not followed by a try at once.
                fetching.since_s = max(fetching.since_s, now_s)
                fetching.pending = False

    @contextmanager
    def fetching(self, serial: str) -> Generator[None]:
        """Around a fetch: when whoever fetches is stopped meanwhile, the next one fetches at once.

        A web request that its client gave up takes its task along, and everybody else would wait for nobody.
        """
        try:
            yield
        except BaseException:
            self.unsent(serial)
            raise

    def unsent(self, serial: str) -> None:
        """The fetch of ``serial`` never left this process: it counts for nothing, and anybody may try again at once."""
        with self._lock:
            self._state.fetching.pop(serial, None)

    def retire(self, serial: str) -> None:
        """Forget a key that the partner took back. What it signed is not believed any more."""
        with self._lock:
            self._state.held.pop(serial, None)

    def current(self, now_s: float) -> tuple[K, ...]:
        """The keys that serve now, the newest first: for messages that name no serial."""
        with self._lock:
            serving = [held for held in self._state.held.values() if held.serves(now_s)]
        return tuple(held.key for held in sorted(serving, key=lambda held: -held.order))

    @property
    def remembered(self) -> int:
        """How many unknown serials are being fetched or were refused lately; never more than ``fetches_a_minute``."""
        return len(self._state.fetching)

    def due_for_refresh(self, now_s: float) -> bool:
        """Whether to look for new keys now: the key to prefer is about to expire. ``True`` to one caller a minute."""
        with self._lock:
            state = self._state
            if state.refreshed_at_s is not None and abs(now_s - state.refreshed_at_s) < _MINUTE_S:
                return False
            newest = max(state.held.values(), key=lambda held: held.order, default=None)
            if newest is not None and newest.serves(now_s + self._refresh_margin_s):
                return False
            state.refreshed_at_s = now_s
            return True

    def _fetch_or_wait(self, serial: str, now_s: float) -> Fetch | Wait | Missing:
        known = self._state.fetching
        fetching = known.get(serial)
        # what was begun more than a minute from now was begun before the clock was set right: it counts no more
        if fetching is not None and abs(now_s - fetching.since_s) < _MINUTE_S:
            age_s = max(0.0, now_s - fetching.since_s)
            if fetching.pending and age_s < self._fetch_timeout_s:
                return Wait(self._fetch_timeout_s - age_s)
            return Missing(_MINUTE_S - age_s)
        for old in [name for name, entry in known.items() if abs(now_s - entry.since_s) >= _MINUTE_S]:
            del known[old]
        if len(known) >= self._fetches_a_minute:
            # Every entry stands for a fetch of the last minute: the number of entries is the rate.
            return Missing(min(entry.since_s for entry in known.values()) + _MINUTE_S - now_s)
        known[serial] = _Fetching(now_s)
        return Fetch(serial)
