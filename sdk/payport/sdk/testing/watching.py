"""What an adapter sends, watched: nothing leaves before its intent is durable, and repetitions are identical."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Protocol, TypeVar, cast

from payport.sdk.adapter import (
    Adapter,
    SupportsAdopt,
    SupportsCancel,
    SupportsCapture,
    SupportsComplete,
    SupportsPay,
    SupportsPayout,
    SupportsRefund,
)
from payport.sdk.exchange import Effect, Send
from payport.sdk.journal.records import Operation, Step, Verb
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.observation import Observation
from payport.sdk.transport import Transport

T = TypeVar("T")


class EveryVerb(
    SupportsPay[object, object],
    SupportsCancel,
    SupportsCapture,
    SupportsRefund,
    SupportsPayout[object],
    SupportsAdopt[object],
    SupportsComplete[object],
    Protocol,
):
    """An adapter of which nothing is known: it may lack any of these verbs, and then says so when it is called."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request of a step, as it left. ``step``: operation, step and digest; ``asks``: all that it asks for."""

    step: tuple[str, str, str]
    endpoint: str
    asks: object


@dataclass(slots=True)
class Watch:
    """What left so far. ``asks``: what a request asks for, without what is new on every try (time, nonce, signature).

    ``known``: the operation as another process would find it in the journal at this moment. ``aside``: endpoints that
    tokens and certificates are fetched from: such a request is part of no step. Nor is what a step that moves money
    asks before it sends: that may be one thing now and another later.
    """

    asks: Callable[[WireRequest], object]
    known: Callable[[str], Operation | None]
    aside: frozenset[str] = frozenset()
    steps: list[Sent] = field(default_factory=list[Sent])
    requests: list[WireRequest] = field(default_factory=list[WireRequest])
    """Every request, questions included, in the order in which they left."""
    wrong: list[str] = field(default_factory=list[str])
    """Steps that left before they were written down, or are not what was written down."""

    def left(self, operation: Operation, step: Step, request: WireRequest) -> None:
        """A request of a step is about to leave."""
        if request.endpoint in self.aside or (step.moves_money and not request.moves_money):
            return
        sent = Sent((operation.id, step.name, step.digest), request.endpoint, self.asks(request))
        self.steps.append(sent)
        written = self.known(operation.id)
        if written is None:
            self.wrong.append(f"{request.endpoint} of {operation.id} left before it was written down")
        elif operation.verb is not Verb.CANCEL and step.digest not in {known.digest for known in written.steps}:
            self.wrong.append(f"{request.endpoint} of {operation.id} is not the step that was written down")

    def asking(self, operation: Operation) -> None:
        """A request that asks about an operation is about to leave."""

    def problems(self) -> list[str]:
        """What is wrong with what left: the above, and repetitions that differed from the first time."""
        contents: dict[tuple[tuple[str, str, str], str], list[object]] = {}
        for sent in self.steps:
            seen = contents.setdefault((sent.step, sent.endpoint), [])
            if sent.asks not in seen:
                seen.append(sent.asks)
        differing = [f"{key}: repeated with another content: {seen}" for key, seen in contents.items() if len(seen) > 1]
        return [*self.wrong, *differing]


class WatchedTransport:
    """A way to the partner that notes each request. ``road`` may be exchanged while the test goes on."""

    def __init__(self, road: Transport, watch: Watch) -> None:
        self.road = road
        self._watch = watch

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """Pass a request on."""
        self._watch.requests.append(request)
        return self.road.send(request, timeout_s)

    def close(self) -> None:
        """Nothing is held open."""


class AsyncWatchedTransport:
    """The same for the async gateway."""

    def __init__(self, transport: WatchedTransport) -> None:
        self._transport = transport

    async def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """Pass a request on."""
        return self._transport.send(request, timeout_s)

    async def aclose(self) -> None:
        """Nothing is held open."""


def watched(adapter: Adapter, watch: Watch) -> EveryVerb:
    """The adapter itself, with a watch on what its steps send. It has the verbs that the adapter has, and no others."""
    names = tuple(name for name in dir(adapter) if not name.startswith("_"))
    return cast("EveryVerb", _watched_type(type(adapter).__name__, names)(adapter, watch))


class _Watched:
    """What every watched adapter has of its own."""

    def __init__(self, adapter: Adapter, watch: Watch) -> None:
        self._adapter = adapter
        self._watch = watch

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Generator[Effect, object, object]:
        """A step, watched."""
        leaving = partial(self._watch.left, operation, step)
        return _passing(leaving, self._adapter.perform(operation, step, deadline_s))

    def ask(self, operation: Operation, deadline_s: float) -> Generator[Effect, object, object]:
        """A question, watched."""
        return _passing(lambda _: self._watch.asking(operation), self._adapter.ask(operation, deadline_s))


@lru_cache(maxsize=64)
def _watched_type(kind: str, names: tuple[str, ...]) -> type[_Watched]:
    """A type with these names, each of which gives what the adapter gives."""

    def forwarded(name: str) -> property:
        return property(lambda self: getattr(self._adapter, name))  # pyright: ignore[reportUnknownLambdaType, reportUnknownMemberType] - any

    return type(kind, (_Watched,), {name: forwarded(name) for name in names if name not in ("perform", "ask")})


def _passing(
    leaving: Callable[[WireRequest], None], inner: Generator[Effect, object, Observation]
) -> Generator[Effect, object, Observation]:
    """Every effect of ``inner`` and every answer to it, passed on as it is. ``leaving``: told of each request."""
    try:
        effect = next(inner)
        while True:
            if isinstance(effect, Send):
                leaving(effect.request)
            try:
                answer = yield effect
            except BaseException as error:  # noqa: BLE001 - handed to the adapter, as the drivers do
                effect = inner.throw(error)
            else:
                effect = inner.send(answer)
    except StopIteration as end:
        return cast("Observation", end.value)
