"""What a caller is told: every outcome of every verb, and for every fault what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from payport.schemas.money import Money
from payport.schemas.outcome import (
    ActionRequired,
    Declined,
    NotSent,
    NotSentKind,
    Pending,
    Unknown,
    UnknownKind,
)
from payport.sdk.events import Mismatch
from payport.sdk.hosting import Asked
from payport.sdk.journal.records import State
from payport.sdk.message import FailureKind, SendFailure, WireRequest
from payport.sdk.testing.conformance.case import AnySubject, AnyWay, AnyWorld, always, check
from payport.sdk.testing.conformance.subject import Door
from payport.sdk.testing.conformance.verbs import acall, call, prepare, verb_of
from payport.sdk.testing.faults import Fault


def words(outcome: object) -> str:
    """An outcome's name and kind."""
    name = type(outcome).__name__
    match outcome:
        case NotSent(cause=cause):
            return f"{name} {cause.kind.value}"
        case Unknown(cause=doubt):
            return f"{name} {doubt.kind.value}"
        case Declined(reason=reason):
            return f"{name} {reason.value}"
        case _:
            return name


def _unknown(*kinds: UnknownKind) -> frozenset[str]:
    return frozenset(f"Unknown {kind.value}" for kind in kinds)


_NO_ANSWER = {
    **dict.fromkeys((Fault.RESET, Fault.COMMIT_THEN_RESET), _unknown(UnknownKind.CONNECTION_LOST)),
    **dict.fromkeys(
        (Fault.SILENCE, Fault.COMMIT_THEN_SILENCE, Fault.DRIP, Fault.LATE_ARRIVAL), _unknown(UnknownKind.TIMED_OUT)
    ),
    **dict.fromkeys((Fault.TRUNCATED, Fault.GARBAGE), _unknown(UnknownKind.UNREADABLE)),
}
_BROKEN = _unknown(UnknownKind.PARTNER_FAULT, UnknownKind.UNREADABLE, UnknownKind.UNVERIFIED)
_ANY_DOUBT = frozenset({"Unknown", "Pending"})
TELLS: dict[Fault, frozenset[str]] = {
    **_NO_ANSWER,
    **dict.fromkeys((Fault.BAD_GATEWAY, Fault.COMMIT_THEN_BAD_GATEWAY), _BROKEN),
    **dict.fromkeys(
        (Fault.BAD_SIGNATURE, Fault.NO_SIGNATURE, Fault.UNSIGNED_ERROR, Fault.COMMIT_THEN_UNSIGNED_ERROR),
        _unknown(UnknownKind.UNVERIFIED),
    ),
    **dict.fromkeys((Fault.WRONG_AMOUNT, Fault.OTHER_ORDER), _unknown(UnknownKind.MISMATCH)),
    Fault.UNKNOWN_STATUS: _unknown(UnknownKind.UNKNOWN_STATUS, UnknownKind.PARTNER_FAULT),
    Fault.SLOW_PROCESSING: frozenset({"Pending"}),
    **dict.fromkeys(
        (Fault.SYSTEM_ERROR, Fault.COMMIT_THEN_SYSTEM_ERROR, Fault.ASK_RETRY, Fault.FOREIGN_CHARSET), _ANY_DOUBT
    ),
    Fault.RATE_LIMITED: frozenset({"Unknown", "NotSent rate_limited", "Declined rate_limited"}),
    Fault.NOT_FOUND: frozenset({"Unknown", "Declined", "Pending"}),
    Fault.RESET_BEFORE_READING: frozenset({"Unknown connection_lost", "NotSent"}),
    Fault.RESET_BEFORE_TLS: frozenset({"NotSent tls"}),
}
"""What a caller may be told when every try meets a fault, before anybody asks. A first word stands for all of it."""
_ONCE = (Fault.COMMIT_THEN_SILENCE, Fault.RESET, Fault.RATE_LIMITED)
"""Faults that are also tried once: where a repetition is recognised, the next try gets over them."""
_UNREAD = (Fault.RESET_BEFORE_READING, Fault.RESET_BEFORE_TLS)


Each = tuple[str, AnyWay | None, Door]
"""A verb, its way when it is ``pay``, its endpoint."""


def told_by(world: AnyWorld, verb: str, way: AnyWay | None, ref: str, turn: int) -> object:
    """The call, by the sync gateway on even turns and by the async one on odd turns."""
    if turn % 2 == 0:
        return world.tell(call(world.gateway(), world, verb, way, ref))
    gateway = world.async_gateway()

    async def go() -> object:
        return await acall(gateway, world, verb, way, ref)

    return world.tell(asyncio.run(go()))


def _fits(told: str, expected: Iterable[str]) -> bool:
    return any(told == each or told.partition(" ")[0] == each for each in expected)


@check(lambda subject: subject.doors(), name=lambda each: f"{each[0]}-{each[2].endpoint}")
def a_fault_is_told_for_what_it_is(world: AnyWorld, each: Each) -> None:
    """What may have happened is never told as a failure or a success, and resume finds out: the books agree."""
    verb, way, door = each
    trials = [
        (fault, times)
        for fault in sorted(world.subject.plays - door.cannot, key=lambda fault: fault.value)
        for times in ((3, 1) if fault in _ONCE else (3,))
    ]
    wrong: dict[str, list[str]] = {}
    refs: dict[str, str] = {}
    for turn, (fault, times) in enumerate(trials):
        ref = world.new_ref()
        refs[ref] = f"{fault.value} x {times}"
        prepare(world, verb, ref)
        world.partner.faults.next(fault, None if fault in _UNREAD else door.endpoint, times=times)
        told = words(told_by(world, verb, way, ref, turn))
        world.partner.faults.clear()
        wrong[refs[ref]] = list(_wrong_told(world, each, ref, fault, times, told))
    world.settle()
    for ref, trial in refs.items():
        wrong[trial] += world.wrong_with(ref)
    assert not any(wrong.values()), {trial: lines for trial, lines in wrong.items() if lines}


def _wrong_told(world: AnyWorld, each: Each, ref: str, fault: Fault, times: int, told: str) -> Iterable[str]:
    verb, way, door = each
    expected = door.tells.get(fault, TELLS[fault])
    if times == 1 or fault.name.startswith("COMMIT_THEN"):
        # a repetition that is recognised is answered as if nothing had been wrong
        expected = expected | {kind.__name__ for kind in (door.gives if way is None else (way.gives,))}
    if not _fits(told, expected):
        yield f"told {told}, expected {' or '.join(sorted(expected))}"
    if told == "Unknown mismatch" and not any(isinstance(event, Mismatch) for event in world.events):
        yield "a mismatch is an alert"
    if told.startswith("Unknown"):
        operation = world.last(ref, verb_of(verb))
        # what the payer approved stays what it is while the step that goes on from there has no answer
        going_on = operation.state is State.ACTION and operation.open_step is not None
        if operation.state is not State.DOUBT and not going_on:
            yield f"told {told}, and yet {operation.state.value} in the journal"


@check(lambda subject: subject.ways, name=lambda way: way.name)
def every_way_gives_what_it_says(world: AnyWorld, way: AnyWay) -> None:
    """Succeeded, Declined, ActionRequired, Authorized, Pending, by both gateways; it settles to books that agree."""
    for turn in range(2):
        ref = world.new_ref()
        told = told_by(world, "pay", way, ref, turn)
        assert type(told) is way.gives, f"{type(told).__name__} instead of {way.gives.__name__}: {told}"
        match told:
            case ActionRequired(action=action):
                world.payer_pays(ref, way, action)
                world.learn(ref)
                assert world.last(ref).state is (State.AUTHORIZED if way.hold else State.SUCCEEDED)
            case Pending() if way.confirm is not None:
                way.confirm(world.partner, world.last(ref).partner_ref)
                world.learn(ref)
                assert world.last(ref).state is (State.AUTHORIZED if way.hold else State.SUCCEEDED)
            case _:
                pass
        assert not way.hold or world.charged(ref) == 0, "a hold takes nothing"
    world.must_agree()


@check(lambda subject: [each for each in subject.doors() if each[0] != "pay"], name=lambda each: each[0])
def every_verb_gives_what_it_says(world: AnyWorld, each: tuple[str, AnyWay | None, Door]) -> None:
    """By both gateways."""
    verb, way, door = each
    for turn in range(2):
        ref = world.new_ref()
        prepare(world, verb, ref)
        told = told_by(world, verb, way, ref, turn)
        assert type(told) in door.gives, told
    world.must_agree()


_PLANS: dict[str, Callable[[AnySubject], object]] = {
    "plan_refund": lambda subject: subject.refund,
    "plan_capture": lambda subject: subject.capture,
    "plan_payout": lambda subject: subject.payout,
    "find": lambda subject: subject.adopts,
    "plan_complete": lambda subject: subject.complete,
    "plan_cancel": lambda subject: subject.cancels,
}


@check(always)
def the_adapter_has_the_verbs_that_it_says(world: AnyWorld, _: str) -> None:
    """What the subject names is there, and what is there is named, so that nothing goes untested."""
    for plan, named in _PLANS.items():
        assert hasattr(world.bare, plan) is bool(named(world.subject)), plan


class _Closed:
    """A network that never opens."""

    def __init__(self, kind: FailureKind) -> None:
        self._failure = SendFailure(kind, may_have_left=False, detail="the network is down")

    def send(self, request: WireRequest, timeout_s: float) -> SendFailure:  # noqa: ARG002 - whatever it is
        return self._failure

    def close(self) -> None:
        """Nothing is open."""


class _Full:
    """A call limit that is used up."""

    def admit(self, asked: Asked) -> SendFailure:  # noqa: ARG002 - whatever it is
        return SendFailure(FailureKind.RATE_LIMITED, may_have_left=False, detail="too many calls")


_UNSENT = {
    FailureKind.UNREACHABLE: NotSentKind.UNREACHABLE,
    FailureKind.UNRESOLVED: NotSentKind.UNRESOLVED,
    FailureKind.TLS: NotSentKind.TLS,
}


def _unsent(subject: AnySubject) -> Iterable[tuple[str, AnyWay | None, Door]]:
    """Cancelling is left out: it may end without any request."""
    return [each for each in subject.doors() if each[0] in ("pay", "refund", "undo", "capture", "payout", "reverse")]


@check(_unsent, name=lambda each: f"{each[0]}-{each[2].endpoint}")
def what_cannot_have_left_is_not_sent(world: AnyWorld, each: tuple[str, AnyWay | None, Door]) -> None:
    """No road, no name, no TLS, no place under the limit, no time: NotSent, and the partner's books are untouched."""
    verb, way, _ = each
    for kind, expected in _UNSENT.items():
        ref = world.new_ref()
        prepare(world, verb, ref)
        kept = world.net_minor(ref)
        world.transport.road = _Closed(kind)
        told = told_by(world, verb, way, ref, len(world.refs))
        assert isinstance(told, NotSent), told
        assert told.cause.kind is expected, told
        world.transport.road = world.partner.transport()
        assert world.net_minor(ref) == kept
    for what, expected in (("limit", NotSentKind.RATE_LIMITED), ("deadline", NotSentKind.DEADLINE)):
        ref = world.new_ref()
        prepare(world, verb, ref)
        left = len(world.watch.steps)
        gateway = world.gateway(admissions=(_Full(),) if what == "limit" else ())
        told = call(gateway, world, verb, way, ref, deadline_s=0.0 if what == "deadline" else 1.0)
        assert isinstance(told, NotSent), told
        assert told.cause.kind is expected, told
        assert what == "limit" or len(world.watch.steps) == left
    world.must_agree()


@check(always)
def what_the_partner_cannot_take_is_refused_here(world: AnyWorld, _: str) -> None:
    """A currency that the profile does not have, an amount that is too much: NotSent(invalid), and no debt opens."""
    way, profile = world.subject.selling, world.bare.profile
    good = world.order(world.new_ref())
    foreign = [each for each in ("CNY", "EUR", "USD", "XAF", "CLF", "UYW", "KPW") if each not in profile.currencies]
    amounts = [Money(good.amount.amount_minor, each) for each in foreign[:1]]
    for amount in (*amounts, Money(profile.max_amount_minor + 1, good.amount.currency)):
        told = world.tell(world.worker.pay(replace(good, amount=amount), world.method(way)))
        assert isinstance(told, NotSent), told
        assert told.cause.kind is NotSentKind.INVALID
    assert not world.watch.requests
    assert not world.operations(good.ref)
