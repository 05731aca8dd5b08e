"""Hosts: what performs effects for users. The sync one blocks, the async one awaits; nothing else differs."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from payport.sdk.events import (
    REQUEST_EVENTS,
    EventSink,
    RequestFailed,
    RequestRefused,
    RequestSent,
    SdkEvent,
    emit_safely,
    kinds_of,
    least_level,
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
    from payport.sdk.journal.store import Journal
    from payport.sdk.transport import AsyncTransport, Transport


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What both hosts share. ``actor``: on whose behalf, for the audit trail."""

    journal: Journal
    clock: Clock
    sinks: Sequence[EventSink] = field(default=(), repr=False)
    admissions: Sequence[Admission] = field(default=(), repr=False)
    actor: str = ""
    least: int = field(init=False)
    """The lowest level of events that anybody listens to who listens to all of them."""
    told: tuple[EventSink, ...] = field(init=False, repr=False)
    """Who is told of all events."""
    hearing: Mapping[type[SdkEvent], tuple[EventSink, ...]] = field(init=False, repr=False)
    """Who is told of some kinds of events alone."""
    hear_trouble: tuple[EventSink, ...] = field(init=False, repr=False)
    """Who of them is told of replies with a status of 400 or more."""
    blocks: bool = field(init=False)
    """Whether to be admitted may take so long that an event loop should not wait for it."""
    news: tuple[deque[SdkEvent], ...] = field(init=False, repr=False)
    """What admissions have to tell."""

    def __post_init__(self) -> None:
        kinds = [(each, kinds_of(each)) for each in self.sinks]
        told = tuple(each for each, some in kinds if some is None)
        hearing = {kind: tuple(each for each, some in kinds if some and kind in some) for kind in REQUEST_EVENTS}
        object.__setattr__(self, "told", told)
        object.__setattr__(self, "least", least_level(told))
        object.__setattr__(self, "hearing", {kind: heard for kind, heard in hearing.items() if heard})
        object.__setattr__(self, "hear_trouble", tuple(each for each, some in kinds if some))
        object.__setattr__(self, "blocks", any(getattr(each, "blocks", False) for each in self.admissions))
        waiting = [getattr(each, "news", None) for each in self.admissions]
        news = [cast("deque[SdkEvent]", each) for each in waiting if isinstance(each, deque)]
        object.__setattr__(self, "news", tuple(news))

    def emit(self, event: SdkEvent) -> None:
        """Tell the sinks, and what admissions have to tell since."""
        emit_safely(self.told, event)
        trouble = isinstance(event, RequestSent) and event.status >= _TROUBLE
        emit_safely(self.hear_trouble if trouble else self.hearing.get(type(event), ()), event)
        self.tell_news()

    def tell_news(self) -> None:
        """Tell the sinks what admissions have to tell; each piece is told once, by whichever gateway comes first."""
        for news in self.news:
            while news:
                try:
                    event = news.popleft()
                except IndexError:  # another thread was faster
                    break
                emit_safely(self.told, event)

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

    def tell(self, effect: Send, reply: WireReply | SendFailure, begun_s: float) -> None:
        """Tell the sinks how a request went that was begun at this moment."""
        if isinstance(reply, WireReply):
            wanted = self.hear_trouble if reply.status >= _TROUBLE else self.hearing.get(RequestSent)
            level = RequestSent.level
        else:
            wanted, level = self.hear_trouble, RequestFailed.level
        if wanted or level >= self.least:
            now = self.clock.moment()
            self.emit(_of_request(effect, reply, now, begun_s))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncHost:
    """Performs effects in the calling thread."""

    around: Surroundings
    transport: Transport

    def perform(self, effect: Effect) -> object:
        """The answer to one effect."""
        match effect:
            case Now():  # half of all effects, and each case costs a look
                return self.around.clock.moment()
            case Load(_, work):
                return self.around.journal.read(work)
            case Record(_, work):
                return self.around.journal.write(work)
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

    def _send(self, effect: Send, request: WireRequest) -> WireReply | SendFailure:
        begun_s = self.around.clock.moment().monotonic_s
        left_s = effect.deadline_s - begun_s
        reply = self.transport.send(request, left_s) if left_s > 0 else _LATE
        self.around.tell(effect, reply, begun_s)
        return reply


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncHosting:
    """Performs effects under asyncio or trio. Signing goes to a worker thread: the loop never waits for RSA."""

    around: Surroundings
    transport: AsyncTransport

    async def perform(self, effect: Effect) -> object:
        """The answer to one effect."""
        import anyio  # noqa: PLC0415 - brings asyncio, which a sync gateway never needs

        match effect:
            case Now():
                return self.around.clock.moment()
            case Load(_, work):
                return await self.around.journal.aread(work)
            case Record(_, work):
                return await self.around.journal.awrite(work)
            case Sign(key, message):
                return await anyio.to_thread.run_sync(key.sign, message)
            case Send(request):
                begun_s = self.around.clock.moment().monotonic_s
                left_s = effect.deadline_s - begun_s
                reply = await self.transport.send(request, left_s) if left_s > 0 else _LATE
                self.around.tell(effect, reply, begun_s)
                return reply
            case Sleep(seconds):
                await anyio.sleep(max(0.0, seconds))
                return None
            case Admit():
                if self.around.blocks:
                    return await anyio.to_thread.run_sync(self.around.admit, effect)
                return self.around.admit(effect)
            case Nonce() | Emit():
                return self.around.at_once(effect)
