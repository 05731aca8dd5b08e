"""What is handed out can be paid with no further call of ours: only the partner's word or time ends it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from payport.schemas.actions import Action
from payport.schemas.outcome import ActionRequired, Declined, Pending, Succeeded, Unknown
from payport.schemas.payment import CancelledBy
from payport.sdk.journal.records import State, Verb
from payport.sdk.testing.conformance.case import AnySubject, AnyWay, AnyWorld, check
from payport.sdk.testing.conformance.checks.raising import raises
from payport.sdk.testing.conformance.subject import Closes
from payport.sdk.testing.conformance.world import DEADLINE_S
from payport.sdk.testing.stepping import MORNING


def _handed_out(subject: AnySubject) -> list[AnyWay]:
    return list(subject.handed_out)


def _cancelled(subject: AnySubject) -> list[AnyWay]:
    return list(subject.handed_out) if subject.cancels else []


def _name(way: AnyWay) -> str:
    return way.name


@check(_handed_out, name=_name)
def nothing_but_time_ends_what_nobody_opened(world: AnyWorld, way: AnyWay) -> None:
    """However often asked, it stays open until its time and the margin are over; then it is over, or a person told."""
    life_s, profile, ref = world.subject.life_s, world.bare.profile, world.new_ref()
    world.hand_out(ref, way, life_s=life_s)
    until = world.until(ref)
    for share in (0.03, 0.3, 0.97):
        world.time.at = MORNING + share * (until - MORNING)
        world.worker.resume()
        assert not world.last(ref).state.final, f"over after {share:.0%} of its time"
    for late_s in (300.0, 900.0, 3600.0):
        world.time.at = until + timedelta(seconds=profile.settle_margin_s + late_s)
        world.worker.resume()
        if not profile.answers_queries:  # its notices are all that there is
            world.partner.process()
            world.deliver()
    ended = world.last(ref)
    if way.expires and profile.answers_queries:
        assert ended.state is State.DECLINED, ended
    else:
        assert ended.state is State.DECLINED or ended.for_person, ended
    world.must_agree()


@check(lambda subject: [way for way in subject.handed_out if way.expires], name=_name)
def the_end_is_on_the_wire(world: AnyWorld, way: AnyWay) -> None:
    """After its time nobody can pay it any more, and we do not hand it out again."""
    ref = world.new_ref()
    action = world.hand_out(ref, way, life_s=world.subject.life_s)
    world.time.at = world.until(ref) + timedelta(seconds=61)
    told = world.tell(world.worker.pay(world.order(ref), world.methods[-1], deadline_s=1.0))
    assert not (isinstance(told, ActionRequired) and told.action == action), "handed out again after its time"
    turned_away(world, ref, way, action)


def turned_away(world: AnyWorld, ref: str, way: AnyWay, action: Action) -> None:
    """The payer cannot pay this: the partner turns them away, or, where ``complete`` must follow, we do."""
    if way.comes_back is None:
        raises(Exception, lambda: world.partner.payer.open(action))
    else:
        with suppress(Exception):  # approving takes nothing; it may still be possible
            world.payer_pays(ref, way, action)
    assert world.charged(ref) == 0


@check(_cancelled, name=_name)
def cancelling_what_nobody_opened_is_honest(world: AnyWorld, way: AnyWay) -> None:
    """Closed for good where the partner can; else Pending until when it can still be paid, and paid when it is paid."""
    ref, life_s = world.new_ref(), world.subject.life_s
    action = world.hand_out(ref, way, life_s=life_s)
    cancelled = world.tell(world.worker.cancel(ref))
    if way.closes is Closes.AT_ONCE:
        closed_for_good(world, ref, way, action)
        return
    assert isinstance(cancelled, Pending), cancelled
    if way.expires:
        assert cancelled.payable_until == world.until(ref)
    assert world.last(ref).state is not State.DECLINED
    world.payer_pays(ref, way, action)
    world.learn(ref)
    assert world.last(ref).state is State.SUCCEEDED
    assert isinstance(world.tell(world.worker.cancel(ref)), Declined)
    world.must_agree()


def closed_for_good(world: AnyWorld, ref: str, way: AnyWay, action: Action) -> None:
    """The cancel says how, the payer is turned away, and another attempt may open."""
    if world.last(ref, Verb.CANCEL).state is State.PENDING:  # accepted only: the partner's word follows
        world.partner.process()
        world.deliver()
        world.time.pass_by(30)
        world.worker.resolve(ref)
    again = world.tell(world.worker.cancel(ref))
    assert isinstance(again, Succeeded), again
    assert again.value.by in (CancelledBy.CLOSED, CancelledBy.VOIDED), again
    turned_away(world, ref, way, action)
    assert world.hand_out(ref, way) != action
    assert world.last(ref).attempt == 2
    world.must_agree()


@check(lambda subject: [way for way in subject.handed_out if way.closes is Closes.ONCE_OPENED], name=_name)
def what_the_payer_opened_is_closed_for_good(world: AnyWorld, way: AnyWay) -> None:
    """Once the partner knows it, closing it is a fence."""
    ref = world.new_ref()
    action = world.hand_out(ref, way)
    world.partner.payer.leave(action)
    world.tell(world.worker.cancel(ref))
    closed_for_good(world, ref, way, action)


@check(lambda subject: [way for way in _cancelled(subject) if way.closes is not Closes.AT_ONCE], name=_name)
def a_cancel_that_could_not_fence_succeeds_when_time_is_over(world: AnyWorld, way: AnyWay) -> None:
    """Then it says so: expired."""
    ref = world.new_ref()
    world.hand_out(ref, way, life_s=world.subject.life_s)
    world.tell(world.worker.cancel(ref))
    world.must_agree()
    if way.expires and world.bare.profile.answers_queries:
        assert world.last(ref, Verb.CANCEL).cancelled_by in (CancelledBy.EXPIRED, CancelledBy.CLOSED)
        assert isinstance(world.tell(world.worker.cancel(ref)), Succeeded)


@check(_cancelled, name=_name)
def a_close_that_races_a_late_payment_tells_the_truth(world: AnyWorld, way: AnyWay) -> None:
    """Paid before the close arrives, after our last look: not cancelled, and the money is accounted for."""
    ref = world.new_ref()
    action = world.hand_out(ref, way)
    run = world.run(lambda desk, _: desk.cancel(ref, DEADLINE_S, reverse_paid=False))
    while not run.over and type(run.next_effect).__name__ != "Send":
        run.step()
    world.payer_pays(ref, way, action)
    told = world.tell(run.finish())
    paid = world.charged(ref) > 0
    assert isinstance(told, Declined | Unknown | Pending) or not paid, told
    world.must_agree()
    assert not paid or world.last(ref).state is State.SUCCEEDED


@check(lambda subject: [way for way in subject.handed_out if subject.notifies and way.notifies], name=_name)
def a_notice_that_overtakes_the_end_of_time_wins(world: AnyWorld, way: AnyWay) -> None:
    """Paid in time; its notice comes while the resolver is about to end it."""
    ref = world.new_ref()
    action = world.hand_out(ref, way, life_s=world.subject.life_s)
    world.payer_pays(ref, way, action)
    world.time.at = world.until(ref) + timedelta(seconds=600)
    run = world.run(lambda desk, _: desk.resolve(ref, DEADLINE_S))
    while not run.over and type(run.next_effect).__name__ != "Send":
        run.step()
    world.deliver()
    run.finish()
    world.must_agree()
    assert world.last(ref).state is State.SUCCEEDED


@check(_handed_out, name=_name)
def a_crash_after_recording_an_action_loses_nothing(world: AnyWorld, way: AnyWay) -> None:
    """The next call hands out the action that was recorded."""
    ref = world.new_ref()
    run = world.start_pay(ref, way)
    while not run.over and world_action(world, ref) is None:
        run.step()
    run.crash()
    recorded = world_action(world, ref)
    world.forget_leases()
    told = world.tell(world.gateway().pay(world.order(ref), world.methods[-1]))
    assert isinstance(told, ActionRequired), told
    assert told.action == recorded
    world.payer_pays(ref, way, told.action)
    world.learn(ref)
    assert world.last(ref).state is State.SUCCEEDED
    world.must_agree()


def world_action(world: AnyWorld, ref: str) -> Action | None:
    """The action that the journal holds."""
    return next((operation.action for operation in world.operations(ref) if operation.action is not None), None)


@check(_handed_out, name=_name)
def another_way_never_lets_both_be_paid(world: AnyWorld, way: AnyWay) -> None:
    """Asked for another way, the first is fenced or stays the only one: a payer who tries everything pays once."""
    ref = world.new_ref()
    ways = [way, *(other for other in world.subject.ways if not other.hold and other.name != way.name)]
    actions: list[Action] = []
    for other in ways[:3]:
        told = world.pay(ref, other, deadline_s=DEADLINE_S)
        if isinstance(told, ActionRequired) and told.action not in actions:
            actions.append(told.action)
    for action in actions:
        try:
            world.partner.payer.open(action)
        except Exception:  # noqa: BLE001, S112 - turned away, in whatever words of this partner
            continue
    world.must_agree()
    assert world.charged(ref) <= 1
