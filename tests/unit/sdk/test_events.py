"""Events: typed, with a fixed list of fields, and never in the way of a payment."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass, field
from functools import partial
from typing import ClassVar

import anyio
import pytest
import structlog
from structlog.testing import LogCapture

from payport.schemas.classes import PERSONAL, SECRET
from payport.schemas.events import EventKind, RejectedKind
from payport.schemas.money import Money
from payport.schemas.outcome import UnknownKind
from payport.sdk import events
from payport.sdk.events import EventSink, Level, Plain, SdkEvent, StructlogSink, emit_safely, listeners
from payport.sdk.exchange import Emit, Send
from payport.sdk.hosting import AsyncHosting, Surroundings, SyncHost
from payport.sdk.journal.records import State, Verb
from payport.sdk.message import FailureKind, Purpose, SendFailure, WireReply, WireRequest
from payport.sdk.testing.stepping import Time, WorkerClock

ACCOUNT = {"partner": "alipay", "account": "alipay:2021"}
OPERATION = {**ACCOUNT, "ref": "SHOP10010001", "operation": "SHOP10010001/pay//1"}

TABLE: list[tuple[str, Level, dict[str, Plain], SdkEvent]] = [
    (
        "operation.started",
        Level.DEBUG,
        {**OPERATION, "verb": "pay"},
        events.OperationStarted(**OPERATION, verb=Verb.PAY),
    ),
    (
        "operation.changed",
        Level.INFO,
        {**OPERATION, "verb": "pay", "state": "succeeded", "source": "reply", "elapsed_s": 0.5},
        events.OperationChanged(**OPERATION, verb=Verb.PAY, state=State.SUCCEEDED, source="reply", elapsed_s=0.5),
    ),
    (
        "request.sent",
        Level.DEBUG,
        {
            **ACCOUNT,
            "endpoint": "trade.pay",
            "status": 429,
            "elapsed_s": 0.5,
            "moves_money": True,
            "purpose": "move",
            "retry_after_s": 2.0,
        },
        events.RequestSent(
            **ACCOUNT,
            endpoint="trade.pay",
            status=429,
            elapsed_s=0.5,
            moves_money=True,
            purpose=Purpose.MOVE,
            retry_after_s=2.0,
        ),
    ),
    (
        "request.failed",
        Level.WARNING,
        {
            **ACCOUNT,
            "endpoint": "x",
            "failure_kind": "tls",
            "may_have_left": False,
            "elapsed_s": 0.5,
            "moves_money": True,
            "purpose": "resolve",
        },
        events.RequestFailed(
            **ACCOUNT,
            endpoint="x",
            failure_kind=FailureKind.TLS,
            may_have_left=False,
            elapsed_s=0.5,
            moves_money=True,
            purpose=Purpose.RESOLVE,
        ),
    ),
    (
        "request.refused",
        Level.WARNING,
        {**ACCOUNT, "endpoint": "trade.pay", "kind": "rate_limited", "reason": "limit", "purpose": None},
        events.RequestRefused(
            **ACCOUNT, endpoint="trade.pay", kind=FailureKind.RATE_LIMITED, reason="limit", purpose=None
        ),
    ),
    (
        "request.abandoned",
        Level.INFO,
        {**ACCOUNT, "endpoint": "trade.pay", "moves_money": True, "purpose": "move"},
        events.RequestAbandoned(**ACCOUNT, endpoint="trade.pay", moves_money=True, purpose=Purpose.MOVE),
    ),
    (
        "reply.judged",
        Level.DEBUG,
        {
            **ACCOUNT,
            "endpoint": "trade.pay",
            "moves_money": True,
            "doubt": "mismatch",
            "refusal": None,
            "retry_after_s": None,
            "status": 200,
            "purpose": "move",
        },
        events.ReplyJudged(
            **ACCOUNT,
            endpoint="trade.pay",
            moves_money=True,
            doubt=UnknownKind.MISMATCH,
            refusal=None,
            retry_after_s=None,
            status=200,
            purpose=Purpose.MOVE,
        ),
    ),
    (
        "limits.slowed",
        Level.WARNING,
        {**ACCOUNT, "limit": "refunds", "rate_per_s": 2.5, "pause_s": 30.0},
        events.Slowed(**ACCOUNT, limit="refunds", rate_per_s=2.5, pause_s=30.0),
    ),
    (
        "limits.lost",
        Level.ERROR,
        {"place": "redis.example:6379", "error": "TimeoutError"},
        events.SharedLimitsLost(place="redis.example:6379", error="TimeoutError"),
    ),
    (
        "limits.back",
        Level.INFO,
        {"place": "redis.example:6379", "away_s": 4.0},
        events.SharedLimitsBack(place="redis.example:6379", away_s=4.0),
    ),
    (
        "breaker.opened",
        Level.ERROR,
        {**ACCOUNT, "operations": "money", "failures": 8, "calls": 10, "rest_s": 15.0},
        events.BreakerOpened(**ACCOUNT, operations="money", failures=8, calls=10, rest_s=15.0),
    ),
    (
        "breaker.closed",
        Level.INFO,
        {**ACCOUNT, "operations": "money", "open_s": 20.0},
        events.BreakerClosed(**ACCOUNT, operations="money", open_s=20.0),
    ),
    (
        "record.ending",
        Level.WARNING,
        {**ACCOUNT, "paper": "licence", "number": "Z1", "ended": False, "days_left": 9},
        events.RecordEnding(**ACCOUNT, paper="licence", number="Z1", ended=False, days_left=9),
    ),
    (
        "operation.retried",
        Level.INFO,
        {**OPERATION, "step": "pay", "attempt": 1, "wait_s": 0.25},
        events.Retried(**OPERATION, step="pay", attempt=1, wait_s=0.25),
    ),
    (
        "notice.received",
        Level.INFO,
        {**ACCOUNT, "kind": "payment", "first_seen": True},
        events.NoticeReceived(**ACCOUNT, kind=EventKind.PAYMENT, first_seen=True),
    ),
    (
        "notice.rejected",
        Level.WARNING,
        {**ACCOUNT, "kind": "bad_signature"},
        events.NoticeRejected(**ACCOUNT, kind=RejectedKind.BAD_SIGNATURE),
    ),
    (
        "operation.mismatch",
        Level.ALERT,
        {**OPERATION, "field": "amount"},
        events.Mismatch(**OPERATION, field="amount"),
    ),
    (
        "operation.surplus",
        Level.ALERT,
        {**OPERATION, "amount": "12.34 CNY"},
        events.Surplus(**OPERATION, amount=Money.of("12.34", "CNY")),
    ),
    ("operation.surplus", Level.ALERT, {**OPERATION, "amount": None}, events.Surplus(**OPERATION, amount=None)),
    (
        "operation.for_person",
        Level.ERROR,
        {**OPERATION, "reason": "asked 40 times"},
        events.ForPerson(**OPERATION, reason="asked 40 times"),
    ),
    (
        "order.held",
        Level.WARNING,
        {**ACCOUNT, "ref": "SHOP10010001", "rule": "amount_jump", "reason": "too much"},
        events.OrderHeld(**ACCOUNT, ref="SHOP10010001", rule="amount_jump", reason="too much"),
    ),
    (
        "order.released",
        Level.WARNING,
        {**ACCOUNT, "ref": "SHOP10010001", "by": "Wen", "note": "looked"},
        events.OrderReleased(**ACCOUNT, ref="SHOP10010001", by="Wen", note="looked"),
    ),
    (
        "permission.refused",
        Level.WARNING,
        {**ACCOUNT, "verb": "refund", "actor": "till-7"},
        events.PermissionRefused(**ACCOUNT, verb="refund", actor="till-7"),
    ),
    (
        "signature.failed",
        Level.ERROR,
        {**ACCOUNT, "endpoint": "trade.query"},
        events.SignatureFailed(**ACCOUNT, endpoint="trade.query"),
    ),
    ("key.learned", Level.INFO, {**ACCOUNT, "serial": "0ab1"}, events.KeyLearned(**ACCOUNT, serial="0ab1")),
    (
        "storage.failed",
        Level.ERROR,
        {**ACCOUNT, "work": "settle", "error": "JournalError"},
        events.StorageFailed(**ACCOUNT, work="settle", error="JournalError"),
    ),
    (
        "audit.head",
        Level.INFO,
        {
            "start": "2026-01-31",
            "chain": 0,
            "seq": 7,
            "hash": "ab",
            "at": "2026-01-31T12:00:00Z",
            "key_id": "k1",
            "signature": "sig",
        },
        events.AuditHeadSigned(
            start="2026-01-31", chain=0, seq=7, hash="ab", at="2026-01-31T12:00:00Z", key_id="k1", signature="sig"
        ),
    ),
    (
        "observer.failed",
        Level.WARNING,
        {"observer": "scorecards", "error": "JournalError", "waiting": 12, "dropped": 3},
        events.ObserverFailed(observer="scorecards", error="JournalError", waiting=12, dropped=3),
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerSeen(SdkEvent):
    """An event of an application's own adapter, with fields that must not be shown."""

    name: ClassVar[str] = "payer.seen"
    level: ClassVar[Level] = Level.INFO
    shop: str
    email: str = field(metadata=PERSONAL)
    token: str | None = field(default=None, metadata=SECRET)


@pytest.mark.parametrize(("name", "level", "plain", "event"), TABLE)
def test_what_each_event_says(name: str, level: Level, plain: dict[str, Plain], event: SdkEvent) -> None:
    """Dashboards and alert rules are built on these names, levels and fields."""
    assert name == event.name
    assert level == event.level
    assert plain == event.plain()


def test_the_table_knows_every_event() -> None:
    """A new event is written into the table above."""
    kinds = {kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, SdkEvent)}
    assert {kind for kind in kinds if "name" in vars(kind)} == {type(event) for *_, event in TABLE}


def test_an_event_cannot_be_changed() -> None:
    """Every sink sees the same."""
    with pytest.raises(FrozenInstanceError):
        events.KeyLearned(**ACCOUNT, serial="0ab1").serial = "other"  # type: ignore[misc]  # that is the point


def test_personal_and_secret_fields_are_masked() -> None:
    """By the class of the field, whether it is set or not."""
    assert PayerSeen(shop="Tea", email="a@b.example").plain() == {"shop": "Tea", "email": "***", "token": "***"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(SdkEvent):
    """An event of one field, whose value has more than one character."""

    name: ClassVar[str] = "shop.opened"
    level: ClassVar[Level] = Level.INFO
    shop: str


def test_an_event_of_your_own_may_have_one_field_or_none() -> None:
    """As many as it needs."""
    assert (Opened(shop="Tea").plain(), SdkEvent().plain()) == ({"shop": "Tea"}, {})


def test_a_sink_that_fails_fails_nothing_else() -> None:
    """The payment goes on, the other sinks are told, and the failures are counted."""
    told: list[SdkEvent] = []

    def broken(event: SdkEvent) -> None:
        raise OSError("disk full")

    event = events.KeyLearned(**ACCOUNT, serial="0ab1")
    assert emit_safely([broken, told.append, broken], event) == 2
    assert told == [event]


class Quiet:
    """A sink that says what it listens to."""

    def __init__(self, least: object) -> None:
        self.least = least
        self.told: list[SdkEvent] = []

    def __call__(self, event: SdkEvent, /) -> None:
        self.told.append(event)


def hear_all(event: SdkEvent, /) -> None:
    """A sink that does not say."""


class Choosy(Quiet):
    """A sink that names what it hears."""

    def __init__(self, *hears: type[SdkEvent]) -> None:
        super().__init__(Level.DEBUG)
        self.hears = frozenset(hears)


@pytest.mark.parametrize(
    ("heard", "sink"),
    [
        ({10, 20, 30, 40, 50}, hear_all),  # a plain function listens to everything
        ({30, 40, 50}, StructlogSink(least=Level.WARNING)),
        ({20, 30, 40, 50}, StructlogSink()),
        ({40, 50}, Quiet(Level.ERROR)),
        ({10, 20, 30, 40, 50}, Quiet("loud")),  # not a level: an attribute of its own that happens to have this name
        ({10}, Choosy(events.RequestSent)),
        (set(), Choosy()),
    ],
)
def test_sinks_say_what_they_listen_to(heard: set[int], sink: EventSink) -> None:
    """From a level on, or certain kinds. What nobody hears need not be made."""
    kinds: dict[int, type[SdkEvent]] = {
        10: events.RequestSent, 20: events.KeyLearned, 30: events.RequestFailed, 40: events.SignatureFailed,
        50: events.Mismatch,
    }  # fmt: skip
    assert heard == {level for level, kind in kinds.items() if sink in listeners([sink], kind)}
    around = Surroundings(journal=None, clock=WorkerClock(Time(), "w"), sinks=(sink,))  # type: ignore[arg-type]  # none is read
    assert heard == {level for level, kind in kinds.items() if around.hears(kind)}


def test_nobody_is_told_what_he_does_not_hear() -> None:
    """Each sink by itself, not by what another one wants."""
    sinks = [Quiet(Level.DEBUG), Quiet(Level.ERROR), Choosy(events.RequestSent)]
    around = Surroundings(journal=None, clock=WorkerClock(Time(), "w"), sinks=sinks)  # type: ignore[arg-type]  # none is read
    event = events.KeyLearned(**ACCOUNT, serial="0ab1")
    around.at_once(Emit(event))
    assert [[event], [], []] == [sink.told for sink in sinks]


REQUEST = WireRequest(
    endpoint="trade.pay", moves_money=True, method="POST", url="https://pay.example/", headers={}, content=b""
)
LOST = SendFailure(FailureKind.CONNECTION_LOST, True, "gone")
CLOSED = SendFailure(FailureKind.REFUSED, False, "the transport is closed")
SENT = partial(
    events.RequestSent,
    partner="alipay",
    account="alipay:2021",
    endpoint="trade.pay",
    elapsed_s=2.0,
    moves_money=True,
    purpose=Purpose.MOVE,
)
TOLD: list[tuple[SdkEvent, WireReply | SendFailure]] = [
    (SENT(status=503), WireReply(503, (), b"")),
    (SENT(status=200), WireReply(200, (("retry-after", "5"),), b"")),
    (SENT(status=429, retry_after_s=5.0), WireReply(429, (("retry-after", "5"),), b"")),
    (
        events.RequestFailed(
            **ACCOUNT,
            endpoint="trade.pay",
            failure_kind=LOST.kind,
            may_have_left=True,
            elapsed_s=2.0,
            moves_money=True,
            purpose=Purpose.MOVE,
        ),
        LOST,
    ),
    (
        events.RequestRefused(
            **ACCOUNT, endpoint="trade.pay", kind=CLOSED.kind, reason=CLOSED.detail, purpose=Purpose.MOVE
        ),
        CLOSED,
    ),
]


class Slow:
    """A transport that takes two seconds and then answers this, blocking and not."""

    def __init__(self, time: Time, answer: WireReply | SendFailure) -> None:
        self.time = time
        self.answer = answer

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """The answer."""
        self.time.pass_by(2.0)
        return self.answer

    def close(self) -> None:
        """Nothing to close."""


class AsyncSlow(Slow):
    """The same for tasks."""

    async def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:  # type: ignore[override]  # async
        """The answer."""
        return super().send(request, timeout_s)

    async def aclose(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize(("event", "answer"), TOLD)
def test_the_host_times_a_request_and_tells_who_listens(event: SdkEvent, answer: WireReply | SendFailure) -> None:
    """Blocking and not, the same event; a sink that listens from above its level is not called."""
    time = Time()
    all_of_it, alerts = Quiet(Level.DEBUG), Quiet(Level.ALERT)

    def around(sink: Quiet) -> Surroundings:
        return Surroundings(journal=None, clock=WorkerClock(time, "w"), sinks=(sink,))  # type: ignore[arg-type]  # none is read

    def effect() -> Send:
        return Send(REQUEST, WorkerClock(time, "w").moment().monotonic_s + 10.0, ACCOUNT["partner"], ACCOUNT["account"])

    for sink in (all_of_it, alerts):
        assert SyncHost(around=around(sink), transport=Slow(time, answer)).perform(effect()) is answer
        hosting = AsyncHosting(around=around(sink), transport=AsyncSlow(time, answer))
        assert anyio.run(hosting.perform, effect()) is answer
    assert all_of_it.told == [event, event]
    assert alerts.told == []


def test_an_interrupt_is_not_swallowed() -> None:
    """Ctrl-C ends the program, also while a sink runs."""

    def interrupted(event: SdkEvent) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        emit_safely([interrupted], events.KeyLearned(**ACCOUNT, serial="0ab1"))


def test_structlog_gets_one_line_with_the_fields() -> None:
    """At the event's level, by its name; an alert is critical."""
    capture = LogCapture()
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        None, processors=[capture], wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    sink = StructlogSink(logger)
    sink(events.Mismatch(**OPERATION, field="amount"))
    sink(events.KeyLearned(**ACCOUNT, serial="0ab1"))
    sink(events.OperationStarted(**OPERATION, verb=Verb.PAY))
    assert capture.entries == [
        {"event": "operation.mismatch", "log_level": "critical", **OPERATION, "field": "amount"},
        {"event": "key.learned", "log_level": "info", **ACCOUNT, "serial": "0ab1"},
    ], "debug is below the sink's least level"


QUIET = """
import sys
from payport.sdk.events import KeyLearned, Level, SignatureFailed, StructlogSink
StructlogSink(least=Level.ALERT)(SignatureFailed(partner="p", account="a", endpoint="e"))
print("structlog" in sys.modules)
sink = StructlogSink()
sink(KeyLearned(partner="p", account="a", serial="1"))
sink(SignatureFailed(partner="p", account="a", endpoint="e"))
"""


def test_who_configured_no_logging_hears_warnings_only() -> None:
    """Nothing on the standard output, and structlog is not even imported before there is something to say."""
    run = subprocess.run([sys.executable, "-I", "-c", QUIET], capture_output=True, check=True, text=True)
    assert run.stdout == "False\n"
    assert len(run.stderr.splitlines()) == 1
    assert '"event":"signature.failed"' in run.stderr
