"""Effects and the two drivers: every operation is written once, for sync and async.

An operation is a generator that yields effects and returns its value. It never touches a socket, clock, random source,
file or environment variable: it asks. So each place where a process can die is a ``yield``, and the simulator drives
the very code that users run. Bodies never write a bare ``yield``: they go through the typed helpers below.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar, cast

from payport.sdk.message import AskAgain, Purpose, SendFailure, WireReply, WireRequest

if TYPE_CHECKING:
    from payport.sdk.events import SdkEvent
    from payport.sdk.journal.session import Session

T = TypeVar("T")


class Moment(NamedTuple):
    """One reading of the clocks: wall time in UTC, and monotonic seconds for durations and deadlines."""

    utc: datetime
    monotonic_s: float


class SigningKey(Protocol):
    """Signs bytes. RSA takes 0.7 ms and lets go of the GIL, so the async driver signs in a worker thread."""

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message``."""
        ...


@dataclass(frozen=True, slots=True)
class Load(Generic[T]):
    """Read the journal. ``name`` tells the simulator and traces which read it is."""

    name: str
    work: Callable[[Session], T]


@dataclass(frozen=True, slots=True)
class Record(Generic[T]):
    """Write the journal: ``work`` runs in one transaction and is durable when the effect answers."""

    name: str
    work: Callable[[Session], T]


@dataclass(frozen=True, slots=True)
class Admit:
    """May this request of an account go out: call limits, breaker, suspended partner.

    Answers ``None`` (now), seconds to wait first (its place is taken), when to ask again, or a refusal.
    ``purpose``: ``None`` when no operation of ours says (a native call): then ``moves_money`` of the request does.
    """

    request: WireRequest
    deadline_s: float
    partner: str = ""
    account: str = ""
    purpose: Purpose | None = None


@dataclass(frozen=True, slots=True)
class Sign:
    """Sign ``message`` with ``key``."""

    key: SigningKey
    message: bytes


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request and read the whole reply before ``deadline_s`` on the monotonic clock.

    The host times it and tells the sinks that listen, in the name of ``partner`` and ``account``. ``purpose``: as of
    :class:`Admit`. A request that may not leave any more (``not_after``) does not, however much time there is yet.
    """

    request: WireRequest
    deadline_s: float
    partner: str = ""
    account: str = ""
    purpose: Purpose | None = None


def purpose_of(effect: Admit | Send) -> Purpose:
    """What a request is for: as marked, or as it says of itself."""
    return effect.purpose or (Purpose.MOVE if effect.request.moves_money else Purpose.ASK)


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Now:
    """Read the clocks."""


_NOW = Now()


@dataclass(frozen=True, slots=True)
class Nonce:
    """An unguessable value of 32 hexadecimal digits."""


_NONCE = Nonce()


@dataclass(frozen=True, slots=True)
class Emit:
    """Tell logs, counters and sinks. Never fails the operation."""

    event: SdkEvent


Effect: TypeAlias = Load[Any] | Record[Any] | Admit | Sign | Send | Sleep | Now | Nonce | Emit
Exchange: TypeAlias = Generator[Effect, object, T]


def load(name: str, work: Callable[[Session], T]) -> Exchange[T]:
    """Read the journal."""
    answer = yield Load(name, work)
    return cast("T", answer)


def record(name: str, work: Callable[[Session], T]) -> Exchange[T]:
    """Write the journal in one transaction; durable on return. Raises what ``work`` raises, with nothing written."""
    answer = yield Record(name, work)
    return cast("T", answer)


def sign(key: SigningKey, message: bytes) -> Exchange[bytes]:
    """The signature over ``message``."""
    answer = yield Sign(key, message)
    return cast("bytes", answer)


def admit(
    request: WireRequest, deadline_s: float, partner: str, account: str
) -> Exchange[SendFailure | AskAgain | float | None]:
    """``None`` when this request may go out now, the seconds after which it may, when to ask, or why it may not."""
    answer = yield Admit(request, deadline_s, partner, account)
    return cast("SendFailure | AskAgain | float | None", answer)


def send(request: WireRequest, deadline_s: float, partner: str, account: str) -> Exchange[WireReply | SendFailure]:
    """Send what was admitted. Only :func:`payport.sdk.calling.call` does: nothing passes by the limits."""
    answer = yield Send(request, deadline_s, partner, account)
    return cast("WireReply | SendFailure", answer)


def sleep(seconds: float) -> Exchange[None]:
    """Wait."""
    yield Sleep(seconds)


def now() -> Exchange[Moment]:
    """Read the clocks."""
    answer = yield _NOW
    return cast("Moment", answer)


def nonce() -> Exchange[str]:
    """An unguessable value of 32 hexadecimal digits."""
    answer = yield _NONCE
    return cast("str", answer)


def emit(event: SdkEvent) -> Exchange[None]:
    """Tell logs, counters and sinks."""
    yield Emit(event)


def overheard(
    exchange: Exchange[T],
    hear: Callable[[Effect, object], None],
    purpose: Purpose | None = None,
    not_after: datetime | None = None,
) -> Exchange[T]:
    """Carry out an exchange as ``yield from`` does, and show every effect with its answer to ``hear``.

    Its requests are marked with their ``purpose``, where that is not what they say of themselves, and so are the events
    that tell of them. Those that move money may not leave from ``not_after`` on.
    """
    try:
        effect = next(exchange)
        while True:
            try:
                if purpose is not None:
                    effect = _for(purpose, effect, not_after)
                answer = yield effect
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001 - the exchange decides, as it would have done
                effect = exchange.throw(error)
            else:
                hear(effect, answer)
                effect = exchange.send(answer)
    except StopIteration as end:
        return cast("T", end.value)
    finally:
        exchange.close()


def _for(purpose: Purpose, effect: Effect, not_after: datetime | None) -> Effect:
    """The effect with its purpose, and a request that moves money with the instant from which on it may not leave."""
    if isinstance(effect, _REQUESTS):
        request = effect.request
        if not_after is not None and isinstance(effect, Send) and request.moves_money:
            request = request.leaving_before(not_after)
        if request is not effect.request or purpose_of(effect) is not purpose:
            return type(effect)(request, effect.deadline_s, effect.partner, effect.account, purpose)
    elif isinstance(effect, Emit) and getattr(effect.event, "purpose", purpose) is None:
        return Emit(replace(effect.event, purpose=purpose))  # type: ignore[call-arg]  # it has one
    return effect


_REQUESTS = (Admit, Send)
"""A tuple that is made once: what is written with ``|`` is made anew for each effect."""


class Host(Protocol):
    """Performs effects for the sync driver."""

    def perform(self, effect: Effect) -> object:
        """The answer to one effect."""
        ...


class AsyncHost(Protocol):
    """Performs effects for the async driver."""

    async def perform(self, effect: Effect) -> object:
        """The answer to one effect."""
        ...


def drive(exchange: Exchange[T], host: Host) -> T:
    """Run an operation to its end. What an effect raises is thrown into the operation at its ``yield``."""
    try:
        effect = next(exchange)
        while True:
            try:
                answer = host.perform(effect)
            except BaseException as error:  # noqa: BLE001 - handed to the operation, which decides
                effect = exchange.throw(error)
            else:
                effect = exchange.send(answer)
    except StopIteration as end:
        return cast("T", end.value)
    finally:
        exchange.close()


async def adrive(exchange: Exchange[T], host: AsyncHost) -> T:
    """Run an operation to its end under asyncio or trio. The only twin of :func:`drive`."""
    try:
        effect = next(exchange)
        while True:
            try:
                answer = await host.perform(effect)
            except BaseException as error:  # noqa: BLE001 - handed to the operation, which decides
                effect = exchange.throw(error)
            else:
                effect = exchange.send(answer)
    except StopIteration as end:
        return cast("T", end.value)
    finally:
        exchange.close()
