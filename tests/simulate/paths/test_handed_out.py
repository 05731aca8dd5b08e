"""Pages, forms, codes and app strings: what was handed out can be paid with no further call of ours."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.paths import MORNING, World, action_of, order
from tests.support.scenarios import HELD

from payport.adapters.alipay.simulator import CannotPay
from payport.schemas import (
    Authorized,
    CancelledBy,
    Declined,
    HostedPage,
    InApp,
    MobileWeb,
    Pending,
    QrShown,
    Reason,
    Succeeded,
    Unknown,
)
from payport.sdk.journal.records import State, Verb
from payport.sdk.testing.faults import Fault

REF = "SHOP10010001"
UNTIL = MORNING + timedelta(minutes=30)
LOCAL = [HostedPage(), MobileWeb(), InApp()]
METHODS = [*LOCAL, QrShown()]
Handed = HostedPage | MobileWeb | InApp | QrShown


def name(method: object) -> str:
    return type(method).__name__


@pytest.mark.parametrize("method", METHODS, ids=name)
def test_nothing_but_time_ends_what_nobody_opened(world: World, method: Handed) -> None:
    """The partner knows no such trade, question after question; it is closed after ``payable_until`` and the margin."""
    world.worker.pay(order(REF, payable_until=UNTIL), method)
    for minutes in (1, 10, 29, 31):
        world.time.at = MORNING + timedelta(minutes=minutes)
        world.worker.resume()
        assert world.last(REF).state is State.ACTION, f"after {minutes} minutes"
    world.time.at = UNTIL + timedelta(seconds=world.adapter.profile.settle_margin_s + 300)
    world.worker.resume()
    assert (world.last(REF).state, world.last(REF).reason) == (State.DECLINED, Reason.EXPIRED)


@pytest.mark.parametrize("method", METHODS, ids=name)
def test_the_end_is_on_the_wire(world: World, method: Handed) -> None:
    """After ``payable_until`` the partner itself turns the payer away."""
    action = action_of(world.worker.pay(order(REF, payable_until=UNTIL), method))
    world.time.at = UNTIL + timedelta(seconds=1)
    from payport.adapters.alipay.simulator.calls import Refusal

    with pytest.raises((CannotPay, Refusal)):
        world.partner.payer.open(action)


@pytest.mark.parametrize("method", METHODS, ids=name)
def test_does_not_exist_is_no_fence(world: World, method: Handed) -> None:
    """Cancelled, says ``Pending`` until when it can still be paid; the payer pays; so it is paid."""
    action = action_of(world.worker.pay(order(REF, payable_until=UNTIL), method))
    cancelled = world.worker.cancel(REF)
    assert isinstance(cancelled, Pending)
    assert cancelled.payable_until == UNTIL
    assert world.last(REF).state is State.ACTION
    world.partner.payer.open(action)
    assert isinstance(world.worker.query(REF).outcome, Succeeded)
    assert isinstance(world.worker.cancel(REF), Declined)
    world.settle()
    assert world.wrong_with(REF) == []


@pytest.mark.parametrize("method", METHODS, ids=name)
def test_a_cancel_that_could_not_fence_succeeds_when_the_time_is_over(world: World, method: Handed) -> None:
    """Then it says so: expired."""
    world.worker.pay(order(REF, payable_until=UNTIL), method)
    world.worker.cancel(REF)
    world.settle()
    assert world.last(REF, Verb.CANCEL).cancelled_by is CancelledBy.EXPIRED
    cancelled = world.worker.cancel(REF)
    assert cancelled.unwrap().by is CancelledBy.EXPIRED


def test_what_the_payer_opened_is_closed_for_good(world: World) -> None:
    """Once the trade exists, closing it is a fence: the payer is turned away and a second attempt may open."""
    action = action_of(world.worker.pay(order(REF), QrShown()))
    visit = world.partner.payer.leave(action)
    assert world.worker.cancel(REF).unwrap().by is CancelledBy.CLOSED
    with pytest.raises(CannotPay):
        world.partner.payer.pay(visit.number)
    assert action_of(world.worker.pay(order(REF), HostedPage())) != action


def test_a_close_that_races_a_late_payment_tells_the_truth(world: World) -> None:
    """Paid at the last moment: not cancelled, and the money is accounted for."""
    action = action_of(world.worker.pay(order(REF), QrShown()))
    run = world.run(lambda desk, _: desk.cancel(REF, 10, reverse_paid=False))
    while "Sign" not in run.effects:
        run.step()
    world.partner.payer.open(action)
    assert isinstance(run.finish(), Declined)
    world.settle()
    assert world.wrong_with(REF) == []
    assert world.last(REF).state is State.SUCCEEDED


def test_a_notice_that_overtakes_the_end_of_time_wins(world: World) -> None:
    """The partner's question lags, the order's time is over, and the notice of the payment comes in between."""
    action = action_of(world.worker.pay(order(REF, payable_until=UNTIL), HostedPage()))
    world.partner.payer.open(action)
    world.time.at = UNTIL + timedelta(minutes=10)
    world.partner.faults.next(Fault.NOT_FOUND, "alipay.trade.close")
    run = world.run(lambda desk, _: desk.cancel(REF, 10, reverse_paid=False))
    while "Send" not in run.effects:
        run.step()
    world.worker.receive(world.partner.notices[0])
    assert isinstance(run.finish(), Unknown)
    world.settle()
    assert world.last(REF).state is State.SUCCEEDED
    assert world.last(REF, Verb.CANCEL).state is State.DECLINED
    assert world.wrong_with(REF) == []


def test_a_hold_in_the_app_is_never_over_by_time_alone(world: World) -> None:
    """Its life begins when the payer opens it: nothing is opened beside it, a person is told, and agreeing counts."""
    held = order(REF, capture=HELD, payable_until=UNTIL)
    action = action_of(world.worker.pay(held, InApp()))
    world.time.at = UNTIL + timedelta(minutes=10)
    world.worker.resume()
    assert world.last(REF).state is State.ACTION
    assert "no time limit" in (world.last(REF).for_person or "")
    assert isinstance(world.worker.pay(held, InApp()), Pending)
    cancelled = world.worker.cancel(REF)
    assert isinstance(cancelled, Pending)
    assert cancelled.payable_until is None
    world.partner.payer.open(action)
    assert isinstance(world.worker.query(REF).outcome, Authorized)


def test_a_voucher_is_not_asked_for_again_late(world: World) -> None:
    """Alipay counts its life from when it gets the request: a late repetition would outlive what we said."""
    world.partner.faults.next(Fault.SILENCE, times=3)
    assert isinstance(world.worker.pay(order(REF, capture=HELD, payable_until=UNTIL), QrShown(), deadline_s=3), Unknown)
    tried = len(world.wire.methods())
    world.time.at = UNTIL - timedelta(minutes=2)
    world.worker.resume()
    assert "voucher" not in " ".join(world.wire.methods()[tried:])
