"""What logs, counters and alerts are told: typed events, each with a fixed list of fields.

There is no free-form mapping and no place for a request, a reply or a header, so nothing can be logged that was not
meant to be. A sink is any callable that takes an event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias, cast

from payport.schemas.classes import FieldClass, field_classes
from payport.schemas.events import EventKind, RejectedKind
from payport.schemas.money import Money
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.sparse import values_getter
from payport.sdk.journal.records import State, Verb
from payport.sdk.message import FailureKind, Purpose
from payport.sdk.secrets import MASK

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

Plain: TypeAlias = str | int | float | bool | None
"""What a field looks like in a log line."""

HIDDEN_CLASSES = (FieldClass.PERSONAL, FieldClass.SECRET)
"""Classes of fields that are masked wherever they are logged."""

_PLAIN = frozenset({str, int, float, bool, type(None)})


class Level(IntEnum):
    """How much attention an event wants; the numbers are those of the standard ``logging`` module."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    ALERT = 50
    """Money may be wrong: wake somebody. Logged as ``critical``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkEvent:
    """The base of all events. ``name`` is stable, for dashboards and alert rules."""

    name: ClassVar[str]
    level: ClassVar[Level]

    def plain(self) -> dict[str, Plain]:
        """The fields as they may be logged: enums by value, money as text, personal and secret fields masked."""
        names, values, hidden = _shape(type(self))  # type: ignore[arg-type]  # mypy takes our __hash__ for type's own
        found = zip(names, values(self), strict=True)
        line = {name: cast("Plain", value) if type(value) in _PLAIN else _plain(value) for name, value in found}
        for name in hidden:
            line[name] = MASK
        return line


@cache
def _shape(kind: type[SdkEvent]) -> tuple[tuple[str, ...], Callable[[SdkEvent], tuple[object, ...]], tuple[str, ...]]:
    classes = field_classes(kind)
    return (
        tuple(classes),
        values_getter(tuple(classes)),
        tuple(name for name in classes if classes[name] in HIDDEN_CLASSES),
    )


def _plain(value: object) -> Plain:
    return str(value.value) if isinstance(value, Enum) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfAccount(SdkEvent):
    partner: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfOperation(_OfAccount):
    ref: str
    operation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationStarted(_OfOperation):
    """An operation was written to the journal; nothing has left yet."""

    name: ClassVar[str] = "operation.started"
    level: ClassVar[Level] = Level.DEBUG
    verb: Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationChanged(_OfOperation):
    """An operation is in a new state. ``elapsed_s``: since it was created or taken up again."""

    name: ClassVar[str] = "operation.changed"
    level: ClassVar[Level] = Level.INFO
    verb: Verb
    state: State
    source: str
    elapsed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSent(_OfAccount):
    """A request got a whole reply, whatever it says. ``status``: of HTTP.

    ``retry_after_s``: how long a reply with 429 or 503 asks to be left alone. ``purpose``: always given by a gateway.
    """

    name: ClassVar[str] = "request.sent"
    level: ClassVar[Level] = Level.DEBUG
    endpoint: str
    status: int
    elapsed_s: float
    moves_money: bool
    purpose: Purpose | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFailed(_OfAccount):
    """A request got no reply that can be read. ``may_have_left``: whether the partner can have seen a byte of it."""

    name: ClassVar[str] = "request.failed"
    level: ClassVar[Level] = Level.WARNING
    endpoint: str
    failure_kind: FailureKind
    may_have_left: bool
    elapsed_s: float
    moves_money: bool
    purpose: Purpose | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused(_OfAccount):
    """A request was held back here, by a limit, the breaker or a rule. ``reason``: which, in words."""

    name: ClassVar[str] = "request.refused"
    level: ClassVar[Level] = Level.WARNING
    endpoint: str
    kind: FailureKind
    reason: str
    purpose: Purpose | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAbandoned(_OfAccount):
    """A request had its turn, and its caller gave up before a reply: its task was cancelled, or the turn came too late.

    Whether it left is not known, and what it was for goes on by itself.
    """

    name: ClassVar[str] = "request.abandoned"
    level: ClassVar[Level] = Level.INFO
    endpoint: str
    moves_money: bool
    purpose: Purpose | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyJudged(_OfAccount):
    """What a whole reply amounts to, once it was authenticated, read and held against what was asked.

    ``doubt``: why nothing can be learnt from it, ``None`` when it says something. ``refusal``: the partner's reason
    when it refused. ``retry_after_s``: how long it asks to be left alone. ``status``: of HTTP.
    """

    name: ClassVar[str] = "reply.judged"
    level: ClassVar[Level] = Level.DEBUG
    endpoint: str
    moves_money: bool
    doubt: UnknownKind | None
    refusal: Reason | None
    retry_after_s: float | None
    status: int = 0
    purpose: Purpose | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowed(_OfAccount):
    """The partner said that it is called too often, so it is called less often for a while.

    ``limit``: which one, by its name; ``rate_per_s``: how often from now on; ``pause_s``: how long not at all.
    """

    name: ClassVar[str] = "limits.slowed"
    level: ClassVar[Level] = Level.WARNING
    limit: str
    rate_per_s: float
    pause_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedLimitsLost(SdkEvent):
    """The store that shares limits between processes does not answer: each keeps to a stricter limit of its own.

    ``place``: host and port; ``error``: the class of the error.
    """

    name: ClassVar[str] = "limits.lost"
    level: ClassVar[Level] = Level.ERROR
    place: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedLimitsBack(SdkEvent):
    """The store that shares limits answers again. ``away_s``: how long it did not."""

    name: ClassVar[str] = "limits.back"
    level: ClassVar[Level] = Level.INFO
    place: str
    away_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOpened(_OfAccount):
    """The partner failed too often, so it is left alone. ``operations``: ``"money"`` or ``"questions"``.

    ``failures`` of ``calls`` in the window; ``rest_s``: how long until it is tried again.
    """

    name: ClassVar[str] = "breaker.opened"
    level: ClassVar[Level] = Level.ERROR
    operations: str
    failures: int
    calls: int
    rest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerClosed(_OfAccount):
    """The partner works again. ``open_s``: for how long it was left alone."""

    name: ClassVar[str] = "breaker.closed"
    level: ClassVar[Level] = Level.INFO
    operations: str
    open_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEnding(_OfAccount):
    """A licence, an agreement or a certification of a partner has ended, or will soon. Told once a day.

    ``paper``: which of them; ``number``: its own; ``days_left``: until its last day, below zero after it.
    """

    name: ClassVar[str] = "record.ending"
    level: ClassVar[Level] = Level.WARNING
    paper: str
    number: str
    ended: bool
    days_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried(_OfOperation):
    """A step will be tried again. ``attempt``: how many tries were made; ``wait_s``: until the next."""

    name: ClassVar[str] = "operation.retried"
    level: ClassVar[Level] = Level.INFO
    step: str
    attempt: int
    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeReceived(_OfAccount):
    """An authentic notification was kept. ``first_seen``: false for a resend."""

    name: ClassVar[str] = "notice.received"
    level: ClassVar[Level] = Level.INFO
    kind: EventKind
    first_seen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRejected(_OfAccount):
    """A notification was refused."""

    name: ClassVar[str] = "notice.rejected"
    level: ClassVar[Level] = Level.WARNING
    kind: RejectedKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch(_OfOperation):
    """An authentic answer is about something else than what was asked. ``field``: what differs, never the values."""

    name: ClassVar[str] = "operation.mismatch"
    level: ClassVar[Level] = Level.ALERT
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surplus(_OfOperation):
    """A debt was paid more than once: money to give back. ``amount``: the surplus, when the partner stated it."""

    name: ClassVar[str] = "operation.surplus"
    level: ClassVar[Level] = Level.ALERT
    amount: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForPerson(_OfOperation):
    """Resolving came to its end: a person must look. ``reason``: why, in words of this library."""

    name: ClassVar[str] = "operation.for_person"
    level: ClassVar[Level] = Level.ERROR
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHeld(_OfAccount):
    """A rule on abnormal transactions holds an order back: nothing was sent, and nothing is until a person lets it go.

    ``rule``: its name; ``reason``: what is abnormal, in words and without personal data.
    """

    name: ClassVar[str] = "order.held"
    level: ClassVar[Level] = Level.WARNING
    ref: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReleased(_OfAccount):
    """A person let an order go that a rule had held: calling ``pay`` again sends it. ``by``: who; ``note``: why."""

    name: ClassVar[str] = "order.released"
    level: ClassVar[Level] = Level.WARNING
    ref: str
    by: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionRefused(_OfAccount):
    """Somebody wanted to do what their view of the gateway does not permit. ``actor``: who, as the view was told."""

    name: ClassVar[str] = "permission.refused"
    level: ClassVar[Level] = Level.WARNING
    verb: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFailed(_OfAccount):
    """Something that claims to come from the partner is not authentic."""

    name: ClassVar[str] = "signature.failed"
    level: ClassVar[Level] = Level.ERROR
    endpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLearned(_OfAccount):
    """A new key or certificate of the partner was fetched and found authentic. ``serial``: its number."""

    name: ClassVar[str] = "key.learned"
    level: ClassVar[Level] = Level.INFO
    serial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageFailed(_OfAccount):
    """The journal could not be read or written. ``work``: the read or write; ``error``: the class of the error."""

    name: ClassVar[str] = "storage.failed"
    level: ClassVar[Level] = Level.ERROR
    work: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserverFailed(SdkEvent):
    """Something that only watches could not do its work; no payment was harmed. Told once until it works again.

    ``observer``: which; ``error``: the class of the error; ``waiting``: how much it keeps for later; ``dropped``: how
    much was lost since the process began.
    """

    name: ClassVar[str] = "observer.failed"
    level: ClassVar[Level] = Level.WARNING
    observer: str
    error: str
    waiting: int
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHeadSigned(SdkEvent):
    """How far a chain of the audit trail had come, signed: see :class:`payport.sdk.audit.heads.SignedHead`."""

    name: ClassVar[str] = "audit.head"
    level: ClassVar[Level] = Level.INFO
    start: str
    chain: int
    seq: int
    hash: str
    at: str
    key_id: str
    signature: str


class EventSink(Protocol):
    """Takes events: a logger, a counter, an alert. Called in the thread or loop of the payment, so be quick.

    One that has an attribute ``least``, a :class:`Level`, is told of no event below it; one that has an attribute
    ``hears``, a frozen set of classes of events, of these alone. One that has a method ``flush`` is asked to write what
    it kept when a gateway closes.
    """

    def __call__(self, event: SdkEvent, /) -> None:
        """Take one event."""
        ...


def emit_safely(sinks: Iterable[EventSink], event: SdkEvent) -> int:
    """Tell every sink; answers how many of them failed. A sink that fails never fails a payment or another sink."""
    failed = 0
    for sink in sinks:
        try:
            sink(event)
        except Exception:  # noqa: BLE001 - whatever a sink raises, the payment goes on
            failed += 1
    return failed


def flush_safely(sinks: Iterable[EventSink]) -> None:
    """Have every sink that has a ``flush`` write what it kept: a gateway is closing. None that fails does harm."""
    for sink in sinks:
        flush = getattr(sink, "flush", None)
        with suppress(Exception):
            if callable(flush):
                flush()


def listeners(sinks: Iterable[EventSink], kind: type[SdkEvent]) -> tuple[EventSink, ...]:
    """Those of these that want events of this kind. Without any, such an event need not be made."""
    return tuple(sink for sink in sinks if _listens(sink, kind))


def _listens(sink: EventSink, kind: type[SdkEvent]) -> bool:
    hears = getattr(sink, "hears", None)
    if isinstance(hears, frozenset):
        return kind in hears
    least = getattr(sink, "least", Level.DEBUG)
    return not isinstance(least, int) or kind.level >= least


class StructlogSink:
    """Writes events as log lines through structlog, at and above ``least``.

    ``logger``: a structlog logger; by default the one called ``payport`` of the application's own configuration
    (see :func:`payport.sdk.redaction.configure_logging`), and where structlog was never configured, warnings and above
    on the standard error. structlog is imported with the first line that is written.
    """

    __slots__ = ("_least", "_logger")

    def __init__(self, logger: FilteringBoundLogger | None = None, *, least: Level = Level.INFO) -> None:
        self._logger = logger
        self._least = int(least)

    @property
    def least(self) -> int:
        """The level from which on lines are written."""
        return self._least

    def __call__(self, event: SdkEvent, /) -> None:
        """Write one line, or nothing when the event's level is below ``least``."""
        if event.level < self._least:
            return
        if self._logger is None:
            from payport.sdk.redaction import default_logger  # noqa: PLC0415 - structlog: 70 ms, not for a quiet process

            self._logger = default_logger()
        self._logger.log(int(event.level), event.name, **event.plain())
