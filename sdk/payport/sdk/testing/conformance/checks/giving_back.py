"""Refunds, reversals, releases, captures: money moves back and forth once, and never more than there is."""

from __future__ import annotations

from payport.schemas.money import Money
from payport.schemas.outcome import Declined, NotSent, NotSentKind, Pending, Reason, Succeeded, Unknown
from payport.schemas.payment import CancelledBy
from payport.sdk.journal.records import State, Verb
from payport.sdk.testing.conformance.case import AnySubject, AnyWorld, check, when
from payport.sdk.testing.conformance.subject import Door
from payport.sdk.testing.conformance.verbs import back_ref
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.simulated import KeepsHolds

refunds = when(lambda subject: subject.refund)


def _door(door: Door | None) -> Door:
    assert door is not None
    return door


def _all_but(world: AnyWorld, part: Money) -> Money:
    return Money(world.subject.order.amount.amount_minor - part.amount_minor, part.currency)


def _refused(told: object) -> None:
    assert isinstance(told, NotSent), told
    assert told.cause.kind is NotSentKind.INVALID, told


@check(refunds)
def refunds_in_parts_are_each_made_once(world: AnyWorld, _: str) -> None:
    """Two parts of the same amount are two refunds; asked for again they stay two; the rest is the ceiling."""
    ref, part = world.new_ref(), world.subject.part
    world.sell(ref)
    for _again in range(2):
        for number in ("1", "2"):
            told = world.tell(world.worker.refund(ref, number + back_ref(ref), part))
            assert isinstance(told, Succeeded | Pending), told
    world.settle()
    assert [row.amount for row in world.partner.ledger.refunds(starting_with=ref)] == [part, part]
    left = len(world.watch.requests)
    _refused(world.tell(world.worker.refund(ref, f"3{back_ref(ref)}", _all_but(world, part))))
    assert len(world.watch.requests) == left
    rest = _all_but(world, Money(part.amount_minor * 2, part.currency))
    assert isinstance(world.tell(world.worker.refund(ref, f"4{back_ref(ref)}", rest)), Succeeded | Pending)
    world.must_agree()
    assert world.net_minor(ref) == 0


@check(refunds)
def what_was_not_paid_is_not_refunded(world: AnyWorld, _: str) -> None:
    """Handed out only, or declined: refused here."""
    ref = world.new_ref()
    way = world.subject.handing_out() if world.subject.handed_out else world.subject.way(Declined)
    if way is not None:
        world.pay(ref, way)
        _refused(world.tell(world.worker.refund(ref, back_ref(ref), world.subject.part)))
        world.must_agree()


def _lost(subject: AnySubject) -> list[Fault]:
    door = subject.refund
    faults = (Fault.SILENCE, Fault.COMMIT_THEN_SILENCE, Fault.COMMIT_THEN_RESET, Fault.LATE_ARRIVAL)
    return [] if door is None else [fault for fault in faults if fault in subject.plays - door.cannot]


@check(_lost, name=lambda fault: fault.value)
def a_refund_in_doubt_counts_and_is_never_doubled(world: AnyWorld, fault: Fault) -> None:
    """Until the partner says otherwise that money may be gone; however often it is asked for, one refund."""
    ref, part = world.new_ref(), world.subject.part
    world.sell(ref)
    world.partner.faults.next(fault, _door(world.subject.refund).endpoint, times=3)
    told = world.tell(world.worker.refund(ref, back_ref(ref), part, deadline_s=1.0))
    assert isinstance(told, Unknown), told
    more = Money(_all_but(world, part).amount_minor + 1, part.currency)
    _refused(world.tell(world.worker.refund(ref, f"2{back_ref(ref)}", more)))
    for _again in range(3):
        world.forget_leases()
        world.time.pass_by(10)
        world.tell(world.worker.refund(ref, back_ref(ref), part, deadline_s=1.0))
    world.must_agree()
    assert len(world.partner.ledger.refunds(starting_with=ref)) <= 1


@check(refunds)
def a_refund_whose_request_is_under_way_is_not_called_refused(world: AnyWorld, _: str) -> None:
    """A repetition is turned away while the first request is still to arrive: not the end."""
    door = _door(world.subject.refund)
    if not {Fault.LATE_ARRIVAL, Fault.RATE_LIMITED} <= world.subject.plays - door.cannot:
        return
    ref, part = world.new_ref(), world.subject.part
    world.sell(ref)
    world.partner.faults.next(Fault.LATE_ARRIVAL, door.endpoint, delay_s=20)
    world.partner.faults.next(Fault.RATE_LIMITED, door.endpoint, times=5)
    told = world.tell(world.worker.refund(ref, back_ref(ref), part, deadline_s=5.0))
    assert isinstance(told, Unknown), told
    world.time.pass_by(10)
    world.forget_leases()
    world.worker.resume()
    assert not world.last(ref, Verb.REFUND).state.over
    world.time.pass_by(15)
    world.must_agree()
    assert world.last(ref, Verb.REFUND).state is State.SUCCEEDED


@check(when(lambda subject: subject.cancels))
def a_paid_order_is_cancelled_only_by_reversing_it(world: AnyWorld, _: str) -> None:
    """Without the caller's word it stays paid; with it the money goes back whole, and the result says how."""
    ref = world.new_ref()
    world.sell(ref)
    told = world.tell(world.worker.cancel(ref))
    assert isinstance(told, Declined), told
    assert told.reason is Reason.INVALID_STATE
    assert world.net_minor(ref) == world.subject.order.amount.amount_minor
    told = world.tell(world.worker.cancel(ref, reverse_paid=True))
    world.settle()
    if world.subject.reverse is None:
        assert isinstance(told, Declined | NotSent), told
    else:
        assert isinstance(told, Succeeded | Pending), told
        assert world.last(ref, Verb.CANCEL).cancelled_by in (CancelledBy.REVERSED, CancelledBy.VOIDED)
        assert world.net_minor(ref) == 0
        if world.subject.refund is not None:
            _refused(world.tell(world.worker.refund(ref, back_ref(ref), world.subject.part)))
    world.must_agree()


@check(when(lambda subject: subject.release))
def a_hold_is_released_once_and_then_not_captured(world: AnyWorld, _: str) -> None:
    """The result says how: voided. Nothing stays held."""
    ref = world.new_ref()
    world.hold(ref)
    told = world.tell(world.worker.cancel(ref))
    world.settle()
    assert isinstance(told, Succeeded | Pending), told
    assert world.last(ref, Verb.CANCEL).cancelled_by is CancelledBy.VOIDED
    if world.subject.capture is not None:
        assert isinstance(world.tell(world.worker.capture(ref, world.subject.part)), NotSent)
    world.must_agree()


@check(when(lambda subject: subject.capture))
def a_hold_is_captured_once_and_never_beyond_it(world: AnyWorld, _: str) -> None:
    """Asked for again it is the same capture; more than was held is refused here."""
    ref, part = world.new_ref(), world.subject.part
    world.hold(ref)
    more = Money(world.subject.order.amount.amount_minor + 1, part.currency)
    _refused(world.tell(world.worker.capture(ref, more)))
    for _again in range(2):
        assert isinstance(world.tell(world.worker.capture(ref, part)), Succeeded | Pending)
    world.must_agree()
    assert world.net_minor(ref) == part.amount_minor


@check(when(lambda subject: subject.capture and subject.refund))
def what_was_captured_is_given_back_whole(world: AnyWorld, _: str) -> None:
    """Once, and the result says whether the hold is in force again: then it can be captured once more."""
    ref, part = world.new_ref(), world.subject.part
    world.hold(ref)
    world.capture(ref)
    told = world.tell(world.worker.refund(ref, back_ref(ref), part))
    assert isinstance(told, Succeeded | Pending), told
    world.settle()
    back = world.last(ref, Verb.REFUND)
    assert (back.state, world.net_minor(ref)) == (State.SUCCEEDED, 0)
    again = world.tell(world.worker.refund(ref, back_ref(ref), part))
    assert isinstance(again, Succeeded), again
    assert again.value.restores_hold is back.restores_hold
    _refused(world.tell(world.worker.refund(ref, f"2{back_ref(ref)}", part)))
    if isinstance(world.partner.ledger, KeepsHolds):
        (hold,) = world.partner.ledger.holds(world.last(ref).partner_ref)
        assert back.restores_hold is bool(hold.rest.amount_minor), hold
    if back.restores_hold:
        anew = f"{ref}ANEW"
        more = Money(world.subject.order.amount.amount_minor + 1, part.currency)
        _refused(world.tell(world.worker.capture(ref, more, capture_ref=anew)))
        assert isinstance(world.tell(world.worker.capture(ref, part, capture_ref=anew)), Succeeded | Pending)
        world.settle()
        assert world.net_minor(ref) == part.amount_minor
    world.must_agree()
