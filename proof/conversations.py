"""The conversations of whole adapters with their simulators, recorded, so that they can be had again with one answer
changed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import cast

from payport.schemas import ActionRequired
from payport.schemas.events import RawNotification, Rejected
from payport.sdk.adapter import Adapter, Opened
from payport.sdk.exchange import Admit, Effect, Emit, Exchange, Moment, Nonce, Now, Send, Sign, Sleep, drive
from payport.sdk.journal.records import Operation, Step
from payport.sdk.message import FailureKind, SendFailure, WireReply
from payport.sdk.observation import Observation
from payport.sdk.testing.conformance.verbs import call, prepare
from payport.sdk.testing.conformance.world import World
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.watching import EveryVerb
from proof.subjects import AnyWorld, subject_named

_CONTENT = (
    Fault.SYSTEM_ERROR,
    Fault.ASK_RETRY,
    Fault.NOT_FOUND,
    Fault.RATE_LIMITED,
    Fault.UNKNOWN_STATUS,
    Fault.SLOW_PROCESSING,
    Fault.UNSIGNED_ERROR,
)
"""Faults that answer something of their own."""
_LOST = SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="nobody was recorded answering this")


@dataclass
class Talk:
    """One exchange of an adapter, and what it was answered. ``start``: begins it once more."""

    start: Callable[[], Exchange[Observation]]
    at: Moment
    replies: list[tuple[str, WireReply | SendFailure]] = field(
        default_factory=list[tuple[str, "WireReply | SendFailure"]]
    )


@dataclass
class Listener:
    """The answers once more, one of them another. Signatures are not made: nobody checks them."""

    at: Moment
    answers: Iterator[WireReply | SendFailure]

    def perform(self, effect: Effect) -> object:
        """The answer to one effect."""
        match effect:
            case Now():
                return self.at
            case Nonce():
                return "5d2b6c2a8db53831f7eda20af46e531c"
            case Sign():
                return b"s" * 256
            case Send():
                return next(self.answers, _LOST)
            case Emit(event):
                return event.plain()  # what a log would show must be there, whatever was read
            case Admit() | Sleep():
                return None
            case _:
                raise AssertionError(f"an adapter does not ask for {effect}")


def recording(adapter: Adapter, world: AnyWorld, talks: list[Talk]) -> EveryVerb:
    """The adapter itself, with every step and every question noted."""

    def now() -> Moment:
        return Moment(world.time.at, 0.0)

    def perform(
        _: object, operation: Operation, step: Step, deadline_s: float
    ) -> Generator[Effect, object, Observation]:
        talk = Talk(lambda: adapter.perform(operation, step, 60.0), now())
        talks.append(talk)
        return _listening(talk, adapter.perform(operation, step, deadline_s))

    def ask(_: object, operation: Operation, deadline_s: float) -> Generator[Effect, object, Observation]:
        talk = Talk(lambda: adapter.ask(operation, 60.0), now())
        talks.append(talk)
        return _listening(talk, adapter.ask(operation, deadline_s))

    names = [name for name in dir(adapter) if not name.startswith("_")]
    members: dict[str, object] = {name: property(lambda _, name=name: getattr(adapter, name)) for name in names}  # type: ignore[misc] # bound now
    return cast("EveryVerb", type(type(adapter).__name__, (), {**members, "perform": perform, "ask": ask})())


def _listening(talk: Talk, inner: Generator[Effect, object, Observation]) -> Generator[Effect, object, Observation]:
    try:
        effect = next(inner)
        while True:
            answer = yield effect
            if isinstance(effect, Send):
                talk.replies.append((effect.request.endpoint, cast("WireReply | SendFailure", answer)))
            effect = inner.send(answer)
    except StopIteration as end:
        return cast("Observation", end.value)


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification as it was posted, and when."""

    raw: RawNotification
    at: Moment


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was said between an adapter and its partner."""

    adapter: Adapter
    talks: list[Talk]
    notices: list[Notice]
    forged: list[Notice]
    """Notices of another account, without a signature, too old: whatever the subject names as forged."""

    def asked_again(self, talk: Talk, turn: int, reply: WireReply) -> Observation:
        """The same exchange with another answer number ``turn``; those before it as they were."""
        before = [answer for _, answer in talk.replies[:turn]]
        told = drive(talk.start(), Listener(talk.at, iter([*before, reply])))
        if not isinstance(told, Observation):
            raise TypeError(f"an adapter answers observations, not {told!r}")
        return told

    def told_again(self, notice: Notice, raw: RawNotification) -> Opened | Rejected:
        """Another notification at the same time."""
        found = drive(self.adapter.open_notice(raw), Listener(notice.at, iter(())))
        if not isinstance(found, Opened | Rejected):
            raise TypeError(f"a notice is opened or rejected, not {found!r}")
        return found


@cache
def recorded(name: str) -> Recorded:
    """What is said with a partner when it is paid every way, and when every verb is called, as it should go and with
    each fault that answers something of its own.
    """
    talks: list[Talk] = []
    subject = subject_named(name)
    with tempfile.TemporaryDirectory() as folder, World(subject, Path(folder)) as world:
        world.adapter = recording(world.bare, world, talks)
        notices, forged = list[Notice](), list[Notice]()

        def now() -> Moment:
            return Moment(world.time.at, 0.0)

        def listen() -> None:
            world.partner.process()
            for raw in world.partner.notices[len(notices) : 5]:
                forged.extend(Notice(forge(world.partner, raw), now()) for forge in subject.forged.values())
            notices.extend(Notice(raw, now()) for raw in world.partner.notices[len(notices) :])
            world.deliver()  # whose certificate must be fetched is known from now on

        for way in subject.ways:
            ref = world.new_ref()
            outcome = world.pay(ref, way)
            if isinstance(outcome, ActionRequired):
                world.payer_pays(ref, way, outcome.action)
            elif way.confirm is not None:
                way.confirm(world.partner, world.last(ref).partner_ref)
            listen()
        for verb, by, door in subject.doors():
            for fault in (None, *(each for each in _CONTENT if each in subject.plays - door.cannot)):
                ref = world.new_ref()
                prepare(world, verb, ref)
                if fault is not None:
                    world.partner.faults.next(fault, door.endpoint)
                call(world.gateway(), world, verb, by, ref)
                world.partner.faults.clear()
                listen()
        return Recorded(world.bare, talks, notices, forged)
