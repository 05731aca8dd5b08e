"""What can go wrong at a partner and on the way to it, as a list, and a plan that says when it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from threading import Lock
from types import MappingProxyType


class Manner(Enum):
    """How an answer travels, or does not."""

    WHOLE = "whole"
    RESET = "reset"
    """The connection is reset instead of an answer."""
    SILENCE = "silence"
    """Nothing is ever said, the connection stays open."""
    DRIP = "drip"
    """One byte at a time, slower than anybody waits."""
    TRUNCATED = "truncated"
    """The connection ends in the middle of the body."""
    GARBAGE = "garbage"
    """Bytes that are not HTTP."""


class Fault(Enum):
    """One kind of misbehaviour. A simulator says in its own partner's words what the content faults look like."""

    # nothing is read
    RESET_BEFORE_TLS = "reset_before_tls"
    """The connection is reset before TLS is up: nothing of the request can have left."""
    RESET_BEFORE_READING = "reset_before_reading"
    """The connection is reset with the request unread. The sender cannot tell that it was not read."""

    # the request is read and nothing happens
    RESET = "reset"
    SILENCE = "silence"
    BAD_GATEWAY = "bad_gateway"
    """A 502 page in HTML."""
    SYSTEM_ERROR = "system_error"
    """The partner's own word for *something is wrong with us*."""
    FOREIGN_CHARSET = "foreign_charset"
    """An error in another charset than the one asked for."""
    RATE_LIMITED = "rate_limited"
    UNSIGNED_ERROR = "unsigned_error"
    """A refusal without a signature: nobody knows who said it."""
    ASK_RETRY = "ask_retry"
    """Authentic: not done, ask again."""
    NOT_FOUND = "not_found"
    """Authentic: no such order, although there is one (a query that lags behind)."""
    LATE_ARRIVAL = "late_arrival"
    """Silence now; the request is carried out later, after ``delay_s`` on the partner's clock."""

    # the request is carried out
    COMMIT_THEN_RESET = "commit_then_reset"
    COMMIT_THEN_SILENCE = "commit_then_silence"
    COMMIT_THEN_BAD_GATEWAY = "commit_then_bad_gateway"
    COMMIT_THEN_SYSTEM_ERROR = "commit_then_system_error"
    COMMIT_THEN_UNSIGNED_ERROR = "commit_then_unsigned_error"
    DRIP = "drip"
    TRUNCATED = "truncated"
    GARBAGE = "garbage"
    WRONG_AMOUNT = "wrong_amount"
    """An authentic answer with another amount."""
    OTHER_ORDER = "other_order"
    """An authentic answer about another order."""
    BAD_SIGNATURE = "bad_signature"
    NO_SIGNATURE = "no_signature"
    UNKNOWN_STATUS = "unknown_status"
    """An authentic answer with a status nobody has heard of."""
    SLOW_PROCESSING = "slow_processing"
    """Authentic: accepted, not final. The partner goes on by itself when told to."""

    @property
    def commits(self) -> bool:
        """Whether the partner carries the request out."""
        return self in _COMMITTING

    @property
    def manner(self) -> Manner:
        """How the answer travels."""
        return _MANNERS.get(self, Manner.WHOLE)


_COMMITTING = frozenset(list(Fault)[list(Fault).index(Fault.COMMIT_THEN_RESET) :])
_MANNERS: Mapping[Fault, Manner] = MappingProxyType(
    {
        Fault.RESET_BEFORE_TLS: Manner.RESET,
        Fault.RESET_BEFORE_READING: Manner.RESET,
        Fault.RESET: Manner.RESET,
        Fault.SILENCE: Manner.SILENCE,
        Fault.LATE_ARRIVAL: Manner.SILENCE,
        Fault.COMMIT_THEN_RESET: Manner.RESET,
        Fault.COMMIT_THEN_SILENCE: Manner.SILENCE,
        Fault.DRIP: Manner.DRIP,
        Fault.TRUNCATED: Manner.TRUNCATED,
        Fault.GARBAGE: Manner.GARBAGE,
    }
)
_UNREAD = frozenset({Fault.RESET_BEFORE_TLS, Fault.RESET_BEFORE_READING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A fault that is due. ``method``: the one call it waits for, ``None`` for any. ``delay_s``: of a late arrival."""

    fault: Fault
    method: str | None
    delay_s: float


@dataclass(slots=True)
class _Entry:
    planned: Planned
    left: int


@dataclass(slots=True)
class _Chance:
    planned: Planned
    probability: float
    seed: int
    drawn: int = 0


class FaultPlan:
    """Which faults come next. Safe to use from many threads; what is planned first happens first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: list[_Entry] = []
        self._chances: list[_Chance] = []
        self._watchers: list[Callable[[], None]] = []
        self._expired = False

    @property
    def certificate_expired(self) -> bool:
        """Whether the server shows a TLS certificate that ended yesterday, until this is false again."""
        return self._expired

    @certificate_expired.setter
    def certificate_expired(self, expired: bool, /) -> None:
        self._expired = expired
        for watcher in self._watchers:
            watcher()

    def next(self, fault: Fault, method: str | None = None, *, times: int = 1, delay_s: float = 30.0) -> None:
        """Let the next ``times`` requests (for ``method``, the partner's name of it, when given) meet ``fault``.

        Raises ``ValueError`` for a fault that strikes before the request is read together with a method.
        """
        if method is not None and fault in _UNREAD:
            raise ValueError(f"{fault.name} strikes before the request is read, so it cannot wait for {method}")
        if times < 1:
            raise ValueError(f"times must be at least 1, got {times}")
        with self._lock:
            self._entries.append(_Entry(Planned(fault=fault, method=method, delay_s=delay_s), times))
        for watcher in self._watchers:
            watcher()

    def chance(self, fault: Fault, probability: float, *, seed: int, method: str | None = None) -> None:
        """Let each request that is read (for ``method``, when given) meet ``fault`` with this probability, from 0 to 1.

        The same seed gives the same faults in the same order of requests.
        """
        if fault in _UNREAD:
            raise ValueError(f"{fault.name} strikes before the request is read; plan it with next()")
        with self._lock:
            self._chances.append(_Chance(Planned(fault=fault, method=method, delay_s=30.0), probability, seed))

    def clear(self) -> None:
        """Forget every planned fault."""
        with self._lock:
            self._entries.clear()
            self._chances.clear()

    @property
    def pending(self) -> int:
        """How many planned faults have not happened yet; chances do not count."""
        with self._lock:
            return sum(entry.left for entry in self._entries)

    def take(self, method: str) -> Planned | None:
        """The fault for a request that was read, used up by this call."""
        with self._lock:
            for entry in self._entries:
                if entry.planned.method in (None, method) and entry.planned.fault not in _UNREAD:
                    return self._use(entry)
            for chance in self._chances:
                if chance.planned.method in (None, method):
                    chance.drawn += 1
                    if draw(chance.seed, chance.drawn) < chance.probability:
                        return chance.planned
        return None

    def take_unread(self, fault: Fault) -> bool:
        """Whether a fault that strikes before reading is due; used up by this call when it is."""
        with self._lock:
            for entry in self._entries:
                if entry.planned.fault is fault:
                    self._use(entry)
                    return True
        return False

    def expects(self, fault: Fault) -> bool:
        """Whether ``fault`` is planned. Uses nothing up."""
        with self._lock:
            return any(entry.planned.fault is fault for entry in self._entries)

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have ``watcher`` called after every :meth:`next`, and when the certificate changes."""
        self._watchers.append(watcher)

    def _use(self, entry: _Entry) -> Planned:
        entry.left -= 1
        if not entry.left:
            self._entries.remove(entry)
        return entry.planned


def draw(seed: int, turn: int) -> float:
    """A number from 0 up to 1 that depends on nothing but the seed and the turn: the same on every machine."""
    return int.from_bytes(sha256(f"{seed}/{turn}".encode()).digest()[:7], "big") / 2**56
