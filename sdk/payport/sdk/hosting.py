"""Hosts: what performs effects for users. The sync one blocks, the async one awaits; nothing else differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from payport.sdk.events import EventSink, emit_safely
from payport.sdk.exchange import Admit, Effect, Emit, Load, Moment, Nonce, Now, Record, Send, Sign, Sleep
from payport.sdk.message import FailureKind, SendFailure, WireReply, WireRequest

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


class Admission(Protocol):
    """Decides whether a request may go out now: a call limit, a breaker, a suspended partner."""

    def admit(self, request: WireRequest) -> SendFailure | None:
        """``None`` to let it pass, else why not. Must not block."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What both hosts share."""

    journal: Journal
    clock: Clock
    sinks: Sequence[EventSink] = field(default=(), repr=False)
    admissions: Sequence[Admission] = field(default=(), repr=False)

    def at_once(self, effect: Admit | Nonce | Emit) -> object:
        """The answer to an effect that neither blocks nor waits."""
        match effect:
            case Emit(event):
                return emit_safely(self.sinks, event)
            case Nonce():
                return self.clock.nonce()
            case Admit(request):
                for admission in self.admissions:
                    refusal = admission.admit(request)
                    if refusal is not None:
                        return refusal
                return None

    def time_left(self, effect: Send) -> float:
        """Seconds until the deadline of a request; zero or less when it has passed."""
        return effect.deadline_s - self.clock.moment().monotonic_s


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
            case Admit() | Nonce() | Emit():
                return self.around.at_once(effect)

    def _send(self, effect: Send, request: WireRequest) -> WireReply | SendFailure:
        left_s = self.around.time_left(effect)
        return self.transport.send(request, left_s) if left_s > 0 else _LATE


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
                left_s = self.around.time_left(effect)
                return await self.transport.send(request, left_s) if left_s > 0 else _LATE
            case Sleep(seconds):
                await anyio.sleep(max(0.0, seconds))
                return None
            case Admit() | Nonce() | Emit():
                return self.around.at_once(effect)
