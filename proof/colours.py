"""T16: the same day driven by threads, by asyncio and by trio: the same effects, the same answers, the same order.

And a task that is cancelled while it awaits any effect, under asyncio and trio: nothing is claimed, the books agree.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from itertools import count
from pathlib import Path

import anyio
import trio

from payport.sdk.exchange import Effect, Emit, Exchange, Load, Nonce, Record, Send, Sleep, adrive, drive
from payport.sdk.hosting import AsyncHosting, SyncHost
from payport.sdk.message import WireReply
from payport.sdk.testing.conformance.subject import Door
from payport.sdk.testing.conformance.verbs import exchange_of, prepare
from payport.sdk.testing.conformance.world import World
from payport.sdk.testing.watching import AsyncWatchedTransport
from proof.family import Family, Tally, each
from proof.subjects import AnySubject, AnyWay, AnyWorld, subjects
from proof.walking import Walk

COLOURS = ("threads", "asyncio", "trio")
ACTS = 3


def _line(world: AnyWorld, effect: Effect, answer: object) -> str:
    """One effect and its answer, without what is secret or new in every world."""
    match effect:
        case Load(name, _) | Record(name, _):
            what = f"{name}: {type(answer).__name__}"
        case Send(request):
            asks = sha256(repr(world.subject.asks(request)).encode()).hexdigest()[:12]
            what = f"{request.endpoint} {asks}: {answer.status if isinstance(answer, WireReply) else answer}"
        case Sleep(seconds):
            what = str(seconds)
        case Emit(event):
            what = event.name
        case Nonce():
            what = str(answer)
        case _:
            what = type(answer).__name__
    return f"{type(effect).__name__} {what}"


@dataclass(frozen=True, kw_only=True)
class TracingHost(SyncHost):
    """Notes every effect."""

    world: AnyWorld
    lines: list[str]

    def perform(self, effect: Effect) -> object:
        """The answer to one effect."""
        try:
            answer = super().perform(effect)
        except Exception as error:
            self.lines.append(f"{type(effect).__name__} raised {type(error).__name__}")
            raise
        self.lines.append(_line(self.world, effect, answer))
        return answer


@dataclass(frozen=True, kw_only=True)
class TracingHosting(AsyncHosting):
    """The same, awaited. Nobody waits: time passes."""

    world: AnyWorld
    lines: list[str]

    async def perform(self, effect: Effect) -> object:
        """The answer to one effect."""
        try:
            if isinstance(effect, Sleep):
                self.world.time.pass_by(effect.seconds)
                await anyio.lowlevel.checkpoint()
                answer: object = None
            else:
                answer = await super().perform(effect)
        except Exception as error:
            self.lines.append(f"{type(effect).__name__} raised {type(error).__name__}")
            raise
        self.lines.append(_line(self.world, effect, answer))
        return answer


def trace(subject: AnySubject, colour: str, number: int) -> list[str]:
    """Everything that is done on one day."""
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder, World(subject, Path(folder)) as world:

        def do(verb: str, way: AnyWay | None, ref: str) -> object:
            desk = world.desk()
            work = exchange_of(desk, world, verb, way, ref)
            lines.append(f"-- {verb} {ref}")
            if colour == "threads":
                host = TracingHost(around=desk.around, transport=world.transport, world=world, lines=lines)
                return drive(work, host)
            road = AsyncWatchedTransport(world.transport)
            hosting = TracingHosting(around=desk.around, transport=road, world=world, lines=lines)
            return _run(colour, lambda: adrive(work, hosting))

        walk = Walk(world, random.Random(number), do)
        walk.acts(ACTS)
        lines += [repr(outcome) for outcome in walk.told]
        for ref in world.refs:
            lines += [f"{line.operation} {line.state} {line.source} {line.at}" for line in world.history(ref)]
    return lines


def _run(colour: str, work: Callable[[], Awaitable[object]]) -> object:
    async def go() -> object:
        return await work()

    return asyncio.run(go()) if colour == "asyncio" else trio.run(go)


@dataclass(frozen=True, kw_only=True)
class CancellingHosting(AsyncHosting):
    """Has its own task cancelled while effect number ``at`` is awaited. ``cancel``: how that is done here."""

    at: int
    cancel: Callable[[], object]
    turn: Iterator[int] = field(default_factory=count)

    async def perform(self, effect: Effect) -> object:
        """The answer to one effect, or the cancellation."""
        if next(self.turn) == self.at:
            self.cancel()
            await anyio.lowlevel.checkpoint()  # what waits for nothing is cancelled too
        return await super().perform(effect)


Cancelled = tuple[AnySubject, str, AnyWay | None, Door, str]


@cache
def cancelled() -> tuple[Cancelled, ...]:
    """Every verb of every partner, under asyncio and under trio."""
    return tuple(
        (subject, verb, way, door, colour)
        for subject in subjects()
        for verb, way, door in subject.doors()
        for colour in COLOURS[1:]
    )


def _cancel_everywhere(number: int, which: Cancelled, tally: Tally) -> None:
    """One verb, cancelled at each of its effects in turn."""
    subject, verb, way, _, colour = which
    with tempfile.TemporaryDirectory() as folder, World(subject, Path(folder)) as world:
        for at in range(200):
            ref = world.new_ref()
            prepare(world, verb, ref)
            tally.cases += 1
            if not _cancelled_at(world, exchange_of_verb(world, verb, way, ref), colour, at):
                break
        else:
            raise AssertionError("it does not end")
        world.settle(rounds=2_000)
        wrong = [line for ref in world.refs for line in world.wrong_with(ref)] + world.watch.problems()
        if wrong:
            tally.fail(number, f"{subject.name} {verb} cancelled under {colour}: {wrong}")


def exchange_of_verb(world: AnyWorld, verb: str, way: AnyWay | None, ref: str) -> Exchange[object]:
    """A verb of a new worker."""
    return exchange_of(world.desk(), world, verb, way, ref)


def _cancelled_at(world: AnyWorld, work: Exchange[object], colour: str, at: int) -> bool:
    """Drive it, and cancel at an effect; false when it was over before."""
    around, road = world.desk().around, AsyncWatchedTransport(world.transport)

    async def go() -> bool:
        with anyio.CancelScope() as scope:
            host = CancellingHosting(around=around, transport=road, at=at, cancel=scope.cancel)
            await adrive(work, host)
        return scope.cancelled_caught

    return bool(_run(colour, go))


def run(first: int, count: int) -> Tally:
    """Unit by unit: a day in all colours; from :data:`DAYS` on, one verb cancelled everywhere."""
    return each(range(first, first + count), _unit)


def _unit(number: int, tally: Tally) -> None:
    turn = number % (DAYS + len(cancelled()))
    if turn >= DAYS:
        _cancel_everywhere(number, cancelled()[turn - DAYS], tally)
        return
    every = subjects()
    subject = every[number % len(every)]
    traces = [trace(subject, colour, number) for colour in COLOURS]
    tally.cases += 1
    tally.note("effects compared", len(traces[0]))
    for colour, lines in zip(COLOURS[1:], traces[1:], strict=True):
        if lines != traces[0]:
            tally.fail(number, f"{subject.name} by {colour}: {_first_difference(traces[0], lines)}")


def _first_difference(one: Sequence[str], other: Sequence[str]) -> str:
    for turn, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return f"effect {turn}: {left!r} by threads, {right!r} here"
    return f"{len(one)} effects by threads, {len(other)} here"


DAYS = 3_000
FAMILY = Family(
    id="T16",
    title="threads, asyncio and trio do the same; a task cancelled at any await leaves books that agree",
    run=run,
    gate=DAYS + len(cancelled()),
    long=10 * (DAYS + len(cancelled())),
    shard=300,
)
