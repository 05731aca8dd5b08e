"""Whole adapters as decoders: each conversation that the conformance subjects have with their simulators, once more,
with one answer spoilt. Every signature is believed: so the spoilt answer is an authentic one of any content.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
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
from proof.decoders.decoder import Decoder, Refused, Sample
from proof.mutating import Form
from proof.subjects import AnySubject, AnyWorld, subjects

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
_FORMS = {"unionpay": Form.FORM, "wechatpay_v2": Form.XML}
_NOTICE_FORMS = {**_FORMS, "alipay": Form.FORM}


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


def talks_of(subject: AnySubject) -> tuple[list[Talk], Adapter, list[tuple[RawNotification, Moment]]]:
    """Everything that is said when every verb is called, as it should go and with each fault that answers something."""
    talks: list[Talk] = []
    with tempfile.TemporaryDirectory() as folder, World(subject, Path(folder)) as world:
        world.adapter = recording(world.bare, world, talks)
        notices: list[tuple[RawNotification, Moment]] = []

        def listen() -> None:
            world.partner.process()
            notices.extend((raw, Moment(world.time.at, 0.0)) for raw in world.partner.notices[len(notices) :])
            world.deliver()  # whose certificate must be fetched is known from now on

        for way in subject.ways:
            ref = world.new_ref()
            outcome = world.pay(ref, way)
            if isinstance(outcome, ActionRequired):
                world.payer_pays(ref, way, outcome.action)
            elif way.confirm is not None:
                way.confirm(world.partner, world.last(ref).partner_ref)
            listen()
        for verb, way, door in subject.doors():
            for fault in (None, *(each for each in _CONTENT if each in subject.plays - door.cannot)):
                ref = world.new_ref()
                prepare(world, verb, ref)
                if fault is not None:
                    world.partner.faults.next(fault, door.endpoint)
                call(world.gateway(), world, verb, way, ref)
                world.partner.faults.clear()
                listen()
        return talks, world.bare, notices


def _told(observation: Observation) -> Observation:
    if not isinstance(observation, Observation):
        raise TypeError(f"an adapter answers observations, not {observation!r}")
    repr(observation)
    if observation.unknown is not None:
        raise Refused
    return observation


def _answered(talk: Talk, turn: int, reply: WireReply) -> Callable[[bytes], object]:
    before = [answer for _, answer in talk.replies[:turn]]

    def read(data: bytes) -> object:
        answers = iter([*before, replace(reply, content=data)])
        return _told(drive(talk.start(), Listener(talk.at, answers)))

    return read


def _answers(subject: AnySubject, talks: list[Talk]) -> Iterator[Sample]:
    """One sample for each endpoint and length of an answer: others of them differ in numbers only."""
    seen: set[tuple[str, int, int]] = set()
    for talk in talks:
        for turn, (endpoint, reply) in enumerate(talk.replies):
            if isinstance(reply, SendFailure) or endpoint in subject.aside:
                continue
            kind = (endpoint, reply.status, len(reply.content))
            if reply.content and kind not in seen:
                seen.add(kind)
                yield Sample(reply.content, _answered(talk, turn, reply))


def _notified(adapter: Adapter, raw: RawNotification, at: Moment) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        found = drive(adapter.open_notice(replace(raw, body=data)), Listener(at, iter(())))
        if isinstance(found, Rejected):
            raise Refused
        if not isinstance(found, Opened):
            raise TypeError(f"a notice is opened or rejected, not {found!r}")
        repr(found)
        return found

    return read


def _notices(adapter: Adapter, notices: list[tuple[RawNotification, Moment]]) -> Iterator[Sample]:
    seen: set[int] = set()
    for raw, at in notices:
        if len(raw.body) // 8 not in seen:
            seen.add(len(raw.body) // 8)
            yield Sample(raw.body, _notified(adapter, raw, at))


def _of(subject: AnySubject) -> Iterator[Decoder]:
    talks, adapter, notices = talks_of(subject)
    yield Decoder(
        name=f"{subject.name}: any authentic answer",
        samples=list(_answers(subject, talks)),
        declared=(Refused,),
        form=_FORMS.get(subject.name, Form.JSON),
        believing=True,
    )
    told = list(_notices(adapter, notices))
    if told:
        yield Decoder(
            name=f"{subject.name}: any authentic notice",
            samples=told,
            declared=(Refused,),
            form=_NOTICE_FORMS.get(subject.name, Form.JSON),
            believing=True,
        )


DECODERS = tuple(found for subject in subjects() for found in _of(subject))
