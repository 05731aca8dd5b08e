"""Hosts: what performs effects for users. The sync one blocks, the async one awaits; nothing else differs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar, cast

from payport.sdk.errors import JournalError
from payport.sdk.events import (
    EventSink,
    RequestFailed,
    RequestRefused,
    RequestSent,
    SdkEvent,
    emit_safely,
    listeners,
)
from payport.sdk.exchange import (
    Admit,
    Effect,
    Emit,
    Load,
    Moment,
    Nonce,
    Now,
    Record,
    Send,
    Sign,
    Sleep,
    purpose_of,
)
from payport.sdk.message import AskAgain, FailureKind, Purpose, SendFailure, WireReply, WireRequest

if TYPE_CHECKING:
    from payport.sdk.adapter import Adapter
    from payport.sdk.audit.exchanges import Evidence
    from payport.sdk.exchange import Exchange
    from payport.sdk.journal.session import Session
    from payport.sdk.journal.store import Journal
    from payport.sdk.operations.screening import TransactionWatch
    from payport.sdk.transport import AsyncTransport, Transport

T = TypeVar("T")


class Clock(Protocol):
    """Reads the clocks and the random source; see :class:`payport.sdk.host_clock.SystemClock`."""

    def moment(self) -> Moment:
        """Wall time in UTC, and monotonic seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        ...

    def nonce(self) -> str:
        """An unguessable value of 32 hexadecimal digits."""
        ...

    def owner(self) -> str:
        """A name for leases, unique to this process."""
        ...


class Asked(NamedTuple):
    """A request that wants to go out. ``left_s``: how long it could wait for its turn.

    ``now_s``: the time, on the monotonic clock.
    """

    partner: str
    account: str
    request: WireRequest
    left_s: float
    purpose: Purpose
    now_s: float


class Admission(Protocol):
    """Decides whether a request may go out: a call limit, a breaker, a suspended partner.

    They are asked in order, so the cheap one that refuses most goes first. One that can be called is told of the events
    too, as an :class:`payport.sdk.events.EventSink`, and so hears what became of the request. One that has a true
    attribute ``blocks`` (it asks another host, say) is kept off the event loop. What one has to tell itself, it puts
    into an attribute ``news``, a ``deque`` of events: the sinks are told after the next request or event.
    """

    def admit(self, asked: Asked) -> SendFailure | AskAgain | float | None:
        """``None``: go. Seconds: go after so long, the place is taken. Else when to ask again, or why not.

        Where it is not let go, nothing was counted.
        """
        ...


class Exchanged(NamedTuple):
    """One request and what came of it, between two instants on the monotonic clock."""

    request: WireRequest
    reply: WireReply | SendFailure
    begun_s: float
    ended_s: float


class Tracer(Protocol):
    """Runs operations in place of the plain drivers, and shows them and their requests somewhere.

    A sink that has these two methods is one; of several the first counts. See :class:`payport.sdk.otel.OpenTelemetry`.
    """

    def drive(self, work: Exchange[T], host: SyncHost, adapter: Adapter) -> T:
        """As :func:`payport.sdk.exchange.drive`. ``host.exchanged`` has the requests afterwards."""
        ...

    async def adrive(self, work: Exchange[T], host: AsyncHosting, adapter: Adapter) -> T:
        """As :func:`payport.sdk.exchange.adrive`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What both hosts share. ``actor``: on whose behalf, for the audit trail. ``watch``: who looks at new attempts."""

    journal: Journal
    clock: Clock
    sinks: Sequence[EventSink] = field(default=(), repr=False)
    admissions: Sequence[Admission] = field(default=(), repr=False)
    watch: TransactionWatch | None = field(default=None, repr=False)
    actor: str = ""
    blocks: bool = field(init=False)
    """Whether to be admitted may take so long that an event loop should not wait for it."""
    news: tuple[deque[SdkEvent], ...] = field(init=False, repr=False)
    """What admissions have to tell."""
    tracer: Tracer | None = field(init=False)
    """Who shows operations, when somebody does."""
    _told: dict[type[SdkEvent], tuple[EventSink, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tracer = next((sink for sink in self.sinks if hasattr(sink, "drive") and hasattr(sink, "adrive")), None)
        object.__setattr__(self, "tracer", tracer)
        object.__setattr__(self, "_told", {})
        object.__setattr__(self, "blocks", any(getattr(each, "blocks", False) for each in self.admissions))
        waiting = [getattr(each, "news", None) for each in self.admissions]
        news = [cast("deque[SdkEvent]", each) for each in waiting if isinstance(each, deque)]
        object.__setattr__(self, "news", tuple(news))

    def emit(self, event: SdkEvent) -> None:
        """Tell the sinks, and what admissions have to tell since."""
        emit_safely(self._listeners(type(event)), event)
        self.tell_news()

    def tell_news(self) -> None:
        """Tell the sinks what admissions have to tell; each piece is told once, by whichever gateway comes first."""
        for news in self.news:
            while news:
                try:
                    event = news.popleft()
                except IndexError:  # another thread was faster
                    break
                emit_safely(self._listeners(type(event)), event)

    def hears(self, kind: type[SdkEvent]) -> bool:
        """Whether anybody listens to events of this kind: those that nobody hears need not be made."""
        return bool(self._listeners(kind))

    def _listeners(self, kind: type[SdkEvent]) -> tuple[EventSink, ...]:
        found = self._told.get(kind)
        if found is None:
            found = self._told[kind] = listeners(self.sinks, kind)
        return found

    def at_once(self, effect: Nonce | Emit) -> object:
        """The answer to an effect that neither blocks nor waits."""
        match effect:
            case Emit(event):
                self.emit(event)
                return None
            case Nonce():
                return self.clock.nonce()

    def admit(self, effect: Admit) -> SendFailure | AskAgain | float | None:
        """What all admissions together say: the first that does not let it go, or the longest wait."""
        if not self.admissions:
            return None
        now_s = self.clock.moment().monotonic_s
        left_s = effect.deadline_s - now_s
        asked = Asked(effect.partner, effect.account, effect.request, left_s, purpose_of(effect), now_s)
        wait_s = 0.0
        for admission in self.admissions:
            answer = admission.admit(asked)
            if answer is None:
                continue
            if isinstance(answer, SendFailure | AskAgain):
                self.tell_news()
                return answer
            wait_s = max(wait_s, answer)
        self.tell_news()
        return wait_s or None

    def tell(
        self, effect: Send, reply: WireReply | SendFailure, begun_s: float, exchanged: list[Exchanged] | None
    ) -> None:
        """Tell the sinks how a request went that was begun at this moment, and note it where a tracer wants it."""
        told = self._listeners(_kind_of(reply))
        if not told and exchanged is None:
            return
        ended = self.clock.moment()
        if exchanged is not None:
            exchanged.append(Exchanged(effect.request, reply, begun_s, ended.monotonic_s))
        if told:
            emit_safely(told, _of_request(effect, reply, ended, begun_s))
            self.tell_news()


def _kind_of(reply: WireReply | SendFailure) -> type[SdkEvent]:
    if isinstance(reply, WireReply):
        return RequestSent
    return RequestRefused if reply.kind is FailureKind.REFUSED else RequestFailed


def _of_request(effect: Send, reply: WireReply | SendFailure, now: Moment, begun_s: float) -> SdkEvent:
    partner, account, elapsed_s = effect.partner, effect.account, now.monotonic_s - begun_s
    endpoint, moves_money = effect.request.endpoint, effect.request.moves_money
    if isinstance(reply, WireReply):
        wait_s = reply.retry_after_s(now.utc) if reply.status in _ASKS_TO_WAIT else None
        return RequestSent(
            partner=partner, account=account, endpoint=endpoint, moves_money=moves_money,
            status=reply.status, elapsed_s=elapsed_s, purpose=purpose_of(effect), retry_after_s=wait_s,
        )  # fmt: skip
    if reply.kind is FailureKind.REFUSED:
        return RequestRefused(
            partner=partner, account=account, endpoint=endpoint, kind=reply.kind, reason=reply.detail,
            purpose=purpose_of(effect),
        )  # fmt: skip
    return RequestFailed(
        partner=partner, account=account, endpoint=endpoint, moves_money=moves_money, failure_kind=reply.kind,
        may_have_left=reply.may_have_left, elapsed_s=elapsed_s, purpose=purpose_of(effect),
    )  # fmt: skip


_TROUBLE = 400
_ASKS_TO_WAIT = (429, 503)


_LATE = SendFailure(FailureKind.DEADLINE, may_have_left=False, detail="time was up before anything was sent")
_OVER = SendFailure(FailureKind.DEADLINE, may_have_left=False, detail="the time in which it may be sent was over")


def too_late(effect: Send, now: Moment) -> SendFailure | None:
    """Why a request may not leave any more."""
    if effect.request.not_after is not None and now.utc >= effect.request.not_after:
        return _OVER
    return None if effect.deadline_s > now.monotonic_s else _LATE


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncHost:
    """Performs effects in the calling thread."""

    around: Surroundings
    transport: Transport
    exchanged: list[Exchanged] | None = field(default=None, repr=False)
    """Where requests are noted for a tracer."""
    evidence: Evidence | None = field(default=None, repr=False)
    """Where requests are noted for the audit trail, when that keeps them."""

    def perform(self, effect: Effect) -> object:
        """The answer to one effect."""
        match effect:
            case Now():  # half of all effects, and each case costs a look
                return self.around.clock.moment()
            case Load(_, work):
                return self.around.journal.read(work)
            case Record(_, work):
                return self._record(work)
            case Sign(key, message):
                return key.sign(message)
            case Send(request):
                return self._send(effect, request)
            case Sleep(seconds):
                self.around.clock.sleep(seconds)
                return None
            case Admit():
                return self.around.admit(effect)
            case Nonce() | Emit():
                return self.around.at_once(effect)

    def _record(self, work: Callable[[Session], T]) -> T:
        journal, actor = self.around.journal, self.around.actor
        if self.evidence is None or not self.evidence.pending:
            return journal.write(work, actor=actor)
        answer = journal.write(self.evidence.along(work), actor=actor)
        self.evidence.kept()
        return answer

    def keep_evidence(self) -> None:
        """At the end of a call: keep what no write took along. That it failed is told, and changes no answer."""
        if self.evidence is not None and self.evidence.pending:
            try:
                self._record(_nothing)
            except JournalError as error:
                self.around.at_once(Emit(self.evidence.lost(error)))

    def _send(self, effect: Send, request: WireRequest) -> WireReply | SendFailure:
        begun = self.around.clock.moment()
        reply = too_late(effect, begun) or self.transport.send(request, effect.deadline_s - begun.monotonic_s)
        self.around.tell(effect, reply, begun.monotonic_s, self.exchanged)
        if self.evidence is not None:
            self.evidence.add(request, reply, self.around.clock.moment().utc)
        return reply


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncHosting:
    """Performs effects under asyncio or trio. Signing goes to a worker thread: the loop never waits for RSA."""

    around: Surroundings
    transport: AsyncTransport
    exchanged: list[Exchanged] | None = field(default=None, repr=False)
    """Where requests are noted for a tracer."""
    evidence: Evidence | None = field(default=None, repr=False)
    """Where requests are noted for the audit trail, when that keeps them."""

    async def perform(self, effect: Effect) -> object:
        """The answer to one effect."""
        import anyio  # noqa: PLC0415 - brings asyncio, which a sync gateway never needs

        match effect:
            case Now():
                return self.around.clock.moment()
            case Load(_, work):
                return await self.around.journal.aread(work)
            case Record(_, work):
                return await self._record(work)
            case Sign(key, message):
                return await anyio.to_thread.run_sync(key.sign, message)
            case Send(request):
                return await self._send(effect, request)
            case Sleep(seconds):
                await anyio.sleep(max(0.0, seconds))
                return None
            case Admit():
                if self.around.blocks:
                    return await anyio.to_thread.run_sync(self.around.admit, effect)
                return self.around.admit(effect)
            case Nonce() | Emit():
                return self.around.at_once(effect)

    async def _send(self, effect: Send, request: WireRequest) -> WireReply | SendFailure:
        begun = self.around.clock.moment()
        reply = too_late(effect, begun) or await self.transport.send(request, effect.deadline_s - begun.monotonic_s)
        self.around.tell(effect, reply, begun.monotonic_s, self.exchanged)
        if self.evidence is not None:
            self.evidence.add(request, reply, self.around.clock.moment().utc)
        return reply

    async def _record(self, work: Callable[[Session], T]) -> T:
        journal, actor = self.around.journal, self.around.actor
        if self.evidence is None or not self.evidence.pending:
            return await journal.awrite(work, actor=actor)
        answer = await journal.awrite(self.evidence.along(work), actor=actor)
        self.evidence.kept()
        return answer

    async def keep_evidence(self) -> None:
        """As :meth:`SyncHost.keep_evidence`."""
        if self.evidence is not None and self.evidence.pending:
            try:
                await self._record(_nothing)
            except JournalError as error:
                self.around.at_once(Emit(self.evidence.lost(error)))


def _nothing(_: Session) -> None:
    """No work of its own: what goes along with it is what is written."""
