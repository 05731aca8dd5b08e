"""Every place where a process can die, or its journal fail: after each effect of each verb. Then resume."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from payport.schemas.events import Rejected, RejectedKind
from payport.schemas.outcome import ActionRequired, NotSent, NotSentKind, Unknown, UnknownKind
from payport.sdk.errors import JournalError
from payport.sdk.exchange import Effect, Load, Record, Send
from payport.sdk.hosting import SyncHost
from payport.sdk.testing.conformance.case import AnySubject, AnyWay, AnyWorld, check
from payport.sdk.testing.conformance.verbs import pay_what_is_shown, prepare, start
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.stepping import Run

AFTERMATHS = ("resumed", "asked again", "arrives late")
"""What happens after the crash: only ``resume``; the same call again, and the payer pays what it shows; or what was
being sent at that moment arrives at the partner forty seconds later."""


@dataclass(frozen=True)
class Scenario:
    """A call whose every effect is a place to die. ``before``: what happened to the debt until then."""

    name: str
    before: Callable[[AnyWorld, str], None]
    start: Callable[[AnyWorld, str], Run[object]]


def _verb(name: str, verb: str, before: Callable[[AnyWorld, str], None], way: AnyWay | None = None) -> Scenario:
    return Scenario(name, before, lambda world, ref: start(world, verb, way, ref))


def _as_usual(verb: str) -> Callable[[AnyWorld, str], None]:
    return lambda world, ref: prepare(world, verb, ref)


def _offered(world: AnyWorld, ref: str) -> None:
    world.hand_out(ref)


def _paid_and_not_told(world: AnyWorld, ref: str) -> None:
    world.partner.payer.open(world.hand_out(ref))


def _paid_in_silence(world: AnyWorld, ref: str) -> None:
    way = world.subject.selling
    if way.door is not None and Fault.COMMIT_THEN_SILENCE in world.subject.plays - way.door.cannot:
        world.partner.faults.next(Fault.COMMIT_THEN_SILENCE, way.door.endpoint, times=3)
    world.pay(ref, way)
    world.partner.faults.clear()


def _prepared(world: AnyWorld, ref: str) -> None:
    """In a transaction of the application's, which is committed."""
    way, desk = world.subject.selling, world.desk()
    bought, method = world.order(ref, hold=way.hold), world.method(way)
    told = world.journal.write(lambda session: desk.prepare_in(session, world.adapter, bought, method))
    assert isinstance(told, str), told


def _then_later(before: Callable[[AnyWorld, str], None]) -> Callable[[AnyWorld, str], None]:
    def later(world: AnyWorld, ref: str) -> None:
        before(world, ref)
        world.forget_leases()
        world.time.pass_by(60)

    return later


def scenarios(subject: AnySubject) -> Iterator[Scenario]:
    """Every way to pay, every verb that the partner has, and the recoveries."""
    for way in subject.ways:
        yield _verb(f"pay, {way.name}", "pay", _as_usual("pay"), way)
    for verb in ("refund", "undo", "capture", "close", "reverse", "release", "payout", "complete"):
        if getattr(subject, verb) is not None:
            yield _verb(verb, verb, _as_usual(verb))
    if subject.cancels and subject.refund is not None:
        yield _verb("cancel, paid", "close", _as_usual("refund"))
    if subject.cancels and subject.handed_out:
        yield _verb("cancel, nobody opened it", "close", _offered)
    if subject.reverse is not None:
        yield _verb("reverse, in doubt", "reverse", _paid_in_silence)
    if subject.handed_out:
        yield _verb("query", "query", _paid_and_not_told)
        yield _verb("resume, handed out", "resume", _then_later(_offered))
        if subject.notifies:
            yield _verb("receive", "receive", _paid_and_not_told)
    yield _verb("resume, paid in silence", "resume", _then_later(_paid_in_silence))
    yield _verb("resume, prepared", "resume", _prepared)
    yield _verb("pay, prepared", "pay", _prepared, subject.selling)


def stop_after(world: AnyWorld, scenario: Scenario, effects: int, aftermath: str) -> str:
    """Run a scenario until that many effects are done, and let go of it. Answers the debt's reference."""
    ref = world.new_ref()
    scenario.before(world, ref)
    run = scenario.start(world, ref)
    for _ in range(effects):
        if not run.over:
            run.step()
    if aftermath == "arrives late" and isinstance(run.next_effect, Send) and Fault.LATE_ARRIVAL in world.subject.plays:
        world.partner.faults.next(Fault.LATE_ARRIVAL, delay_s=40.0)
        run.step()
        world.partner.faults.clear()
    run.crash()
    world.forget_leases()
    if aftermath == "asked again":
        outcome = scenario.start(world, ref).finish()
        if isinstance(outcome, ActionRequired):
            pay_what_is_shown(world, outcome)
    if scenario.name.startswith("resume"):
        world.settle()
    return ref


def whole(world: AnyWorld, scenario: Scenario) -> list[str]:
    """The effects of a scenario that nobody interrupts."""
    ref = world.new_ref()
    scenario.before(world, ref)
    run = scenario.start(world, ref)
    run.finish()
    return run.effects


@check(scenarios, name=lambda scenario: scenario.name)
def a_crash_after_any_effect_loses_nothing(world: AnyWorld, scenario: Scenario) -> None:
    """At most one charge, the journal agrees with the partner's books, nothing final changes, nothing stays open.

    Only what writes or sends changes anything outside: to die between two others is to die after the one before.
    """
    effects = whole(world, scenario)
    assert {"Load", "Record"} & set(effects)
    turn = 0
    for stop in range(len(effects)):
        if effects[stop] == "Send":
            stop_after(world, scenario, stop, "arrives late")
        if stop == 0 or effects[stop - 1] in ("Record", "Send"):
            turn += 1
            stop_after(world, scenario, stop, AFTERMATHS[turn % 2])
    world.must_agree()


def crash_in_resume(world: AnyWorld, effects: int) -> None:
    """A minute later ``resume`` is at work, and dies after that many effects."""
    world.time.pass_by(60)
    run = world.run(lambda desk, _: desk.resume(60.0))
    for _ in range(effects):
        if not run.over:
            run.step()
    run.crash()
    world.forget_leases()


@check(scenarios, name=lambda scenario: scenario.name)
def a_crash_in_the_recovery_from_a_crash_loses_nothing(world: AnyWorld, scenario: Scenario) -> None:
    """Pairs of crashes, sampled: the second one while ``resume`` is at work on what the first one left."""
    for effects in range(3, len(whole(world, scenario)), 9):
        stop_after(world, scenario, effects, "resumed")
        crash_in_resume(world, effects * 2)
    world.must_agree()


@dataclass(frozen=True, kw_only=True)
class FailingHost(SyncHost):
    """Storage effect number ``fails_at`` fails, ``times`` in a row."""

    fails_at: int
    times: int
    turn: Iterator[int] = field(default_factory=count)
    failed: list[str] = field(default_factory=list[str])

    def perform(self, effect: Effect) -> object:
        """The answer to one effect, or the failure."""
        if isinstance(effect, Load | Record) and self.fails_at <= next(self.turn) < self.fails_at + self.times:
            self.failed.append(effect.name)
            raise JournalError("the disk is full")
        return super().perform(effect)


def _with_outcome(subject: AnySubject) -> list[Scenario]:
    """A question without a journal raises ``JournalError``."""
    return [each for each in scenarios(subject) if each.name.partition(",")[0] not in ("query", "resume")]


@check(_with_outcome, name=lambda scenario: scenario.name)
def a_journal_that_fails_at_any_time_loses_nothing(world: AnyWorld, scenario: Scenario) -> None:
    """Once, or from then on: no verb raises, and what may be acted on (NotSent, Declined) is what the books say."""
    for fails_at in range(100):
        times = 1 if fails_at % 2 else 1_000
        ref = world.new_ref()
        scenario.before(world, ref)
        run = scenario.start(world, ref)
        host = FailingHost(around=run.host.around, transport=run.host.transport, fails_at=fails_at, times=times)
        run.host = host
        sent = len(world.watch.requests)
        outcome = world.tell(run.finish())
        if not host.failed:
            break
        _check(outcome, times, sent=len(world.watch.requests) > sent)
    else:
        raise AssertionError("it does not end")
    world.must_agree()


def _check(outcome: object, times: int, *, sent: bool) -> None:
    match outcome:
        case NotSent(cause=cause):
            assert cause.kind is NotSentKind.STORAGE, outcome
            assert not sent, outcome
        case Unknown(cause=cause) if times > 1:
            assert cause.kind is UnknownKind.STORAGE, outcome
        case Rejected(kind=kind):
            assert kind is RejectedKind.NOT_STORED, outcome
        case _:
            pass  # the books are compared at the end
