"""One reference, one debt: asking again is always safe, and asking for something else is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from payport.schemas.money import Money
from payport.schemas.outcome import ActionRequired, Declined, Pending, Succeeded
from payport.sdk.errors import ReferenceConflict
from payport.sdk.journal.records import State, Verb
from payport.sdk.testing.conformance.case import AnySubject, AnyWay, AnyWorld, always, check, when
from payport.sdk.testing.conformance.checks.raising import raises
from payport.sdk.testing.conformance.verbs import back_ref, pay_what_is_shown
from payport.sdk.testing.conformance.world import DEADLINE_S
from payport.sdk.testing.faults import Fault


@check(lambda subject: subject.ways, name=lambda way: way.name)
def asked_twice_is_one_attempt(world: AnyWorld, way: AnyWay) -> None:
    """The same call again, by another worker: the same action, or how the attempt stands, no request, one charge."""
    ref = world.new_ref()
    bought, method = world.order(ref, hold=way.hold), world.method(way)
    first = world.tell(world.worker.pay(bought, method, deadline_s=1.0))
    money = len(world.watch.steps)
    again = world.tell(world.gateway().pay(bought, method, deadline_s=1.0))
    if isinstance(first, ActionRequired):
        assert again == first
        pay_what_is_shown(world, again)
    if not isinstance(first, Declined):
        # what was only accepted may have come to its end by now
        assert type(again) is type(first) or isinstance(first, Pending), again
        assert len(world.watch.steps) == money, "asked again, it sent again"
        assert len(world.operations(ref)) == 1
    world.must_agree()
    assert world.charged(ref) <= 1


def _more(amount: Money) -> Money:
    return Money(amount.amount_minor + 1, amount.currency)


@check(always)
def another_amount_is_a_conflict(world: AnyWorld, _: str) -> None:
    """Of a payment, a refund, a payout, and another kind of debt: raised before anything is sent."""
    subject = world.subject
    ref = world.new_ref()
    world.hand_out(ref) if subject.handed_out else world.pay(ref, subject.selling)
    asked: list[Callable[[], object]] = [
        lambda: world.worker.pay(replace(world.order(ref), amount=_more(subject.order.amount)), _method(world))
    ]
    if subject.refund is not None:
        sold = world.new_ref()
        world.sell(sold)
        world.worker.refund(sold, back_ref(sold), subject.part)
        asked.append(lambda: world.worker.refund(sold, back_ref(sold), _more(subject.part)))
    if subject.payout is not None:
        payout, payee = subject.payout, subject.payout.payee
        sent = world.new_ref()
        world.worker.payout(world.payout_order(sent), payee)
        larger = replace(world.payout_order(sent), amount=_more(payout.order.amount))
        asked += [
            lambda: world.worker.payout(larger, payee),
            lambda: world.worker.payout(replace(world.payout_order(ref), amount=subject.order.amount), payee),
        ]
    for each in asked:
        left = len(world.watch.requests)
        raises(ReferenceConflict, each, saying="nothing was sent")
        assert len(world.watch.requests) == left, "a request left before the conflict was seen"
    world.must_agree()


def _method(world: AnyWorld) -> object:
    return world.method(world.subject.selling)


@check(lambda subject: [way for way in subject.ways if way.gives is Declined], name=lambda way: way.name)
def after_a_decline_another_attempt_opens(world: AnyWorld, way: AnyWay) -> None:
    """The first one stays declined, the second has a reference of its own at the partner."""
    ref = world.new_ref()
    assert isinstance(world.pay(ref, way), Declined)
    outcome = world.pay(ref, world.subject.selling)
    assert type(outcome) in (Succeeded, ActionRequired), outcome
    first, second = world.operations(ref)
    assert (first.attempt, first.state, second.attempt) == (1, State.DECLINED, 2)
    assert first.partner_ref != second.partner_ref
    pay_what_is_shown(world, outcome)
    world.must_agree()


_OPEN = (Fault.COMMIT_THEN_SILENCE, Fault.SILENCE, Fault.LATE_ARRIVAL, Fault.COMMIT_THEN_BAD_GATEWAY)


def _unfinished(subject: AnySubject) -> Iterable[tuple[AnyWay, Fault | None]]:
    way = subject.selling
    yield from ((way, fault) for fault in _OPEN if way.door is not None and fault in subject.plays - way.door.cannot)
    yield from ((way, None) for way in subject.ways if way.gives is Pending)


@check(_unfinished, name=lambda each: f"{each[0].name}-{each[1].value if each[1] else 'pending'}")
def after_anything_else_no_other_attempt_opens(world: AnyWorld, each: tuple[AnyWay, Fault | None]) -> None:
    """In doubt, or waiting: however often it is asked for, the one attempt is asked about, and is paid once."""
    way, fault = each
    ref = world.new_ref()
    if fault is not None:
        assert way.door is not None
        world.partner.faults.next(fault, way.door.endpoint, times=3)
    bought, method = world.order(ref, hold=way.hold), world.method(way)
    shown: list[object] = []
    for _ in range(3):
        told = world.tell(world.gateway().pay(bought, method, deadline_s=1.0))
        if told not in shown:
            pay_what_is_shown(world, told)
        shown.append(told)
    assert len([each for each in world.operations(ref) if each.verb is Verb.PAY]) == 1
    world.must_agree()
    assert world.charged(ref) <= 1


@check(when(lambda subject: subject.payout))
def a_payout_is_sent_once(world: AnyWorld, _: str) -> None:
    """Charged without an answer, asked for again, resumed: one transfer."""
    payout = world.subject.payout
    assert payout is not None
    ref = world.new_ref()
    if Fault.COMMIT_THEN_SILENCE in world.subject.plays - payout.door.cannot:
        world.partner.faults.next(Fault.COMMIT_THEN_SILENCE, payout.door.endpoint)
    for _again in range(3):
        world.tell(world.worker.payout(world.payout_order(ref), payout.payee, deadline_s=DEADLINE_S))
    world.must_agree()
