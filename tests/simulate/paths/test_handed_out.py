"""Pages, forms, codes and app strings: what was handed out can be paid with no further call of ours."""

from __future__ import annotations

from datetime import timedelta

from tests.support.paths import World, action_of, order
from tests.support.scenarios import HELD

from payport.schemas import (
    Authorized,
    HostedPage,
    InApp,
    NotSent,
    NotSentKind,
    Pending,
    QrShown,
    Unknown,
)
from payport.sdk.hosting import Asked
from payport.sdk.journal.records import State, Verb
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.stepping import MORNING

REF = "SHOP10010001"
UNTIL = MORNING + timedelta(minutes=30)


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
    tried = len(world.calls())
    world.time.at = UNTIL - timedelta(minutes=2)
    world.worker.resume()
    assert "voucher" not in " ".join(world.calls()[tried:])


def test_a_voucher_that_was_only_prepared_is_not_asked_for_late_either(world: World) -> None:
    """It would live for as long again as the order had in all: a payer could agree to it beside the next attempt's."""
    held = order(REF, capture=HELD, payable_until=UNTIL)
    with world.application() as connection:
        world.worker.prepare(held, QrShown(), connection)
    world.time.at = UNTIL - timedelta(minutes=1)
    world.worker.resume()
    assert (world.last(REF).state, world.calls()) == (State.NOT_SENT, [])
    world.time.at = UNTIL + timedelta(minutes=5)
    world.worker.resume()
    later = order(REF, capture=HELD, payable_until=UNTIL + timedelta(hours=1))
    world.partner.payer.open(action_of(world.worker.pay(later, QrShown())))
    world.settle()
    assert world.wrong_with(REF) == []


def test_a_voucher_that_is_prepared_is_asked_for_within_a_minute(world: World) -> None:
    """What its life is longer by, a late payment is waited for anyway."""
    with world.application() as connection:
        world.worker.prepare(order(REF, capture=HELD, payable_until=UNTIL), QrShown(), connection)
    world.time.pass_by(59.0)
    world.worker.resume()
    world.partner.payer.open(action_of(world.worker.pay(order(REF, capture=HELD, payable_until=UNTIL), QrShown())))
    world.settle()
    assert world.last(REF).state is State.AUTHORIZED


def test_a_voucher_does_not_wait_for_its_turn_until_it_would_outlive_its_order(world: World) -> None:
    """A call limit makes it wait for minutes, and the call has them."""
    slow = world.gateway(admissions=(Turnstile(90.0),))
    told = slow.pay(order(REF, capture=HELD, payable_until=UNTIL), QrShown(), deadline_s=600.0)
    assert isinstance(told, NotSent)
    assert (told.cause.kind, world.calls()) == (NotSentKind.DEADLINE, [])


class Turnstile:
    """A call limit that makes everybody wait so long."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def admit(self, asked: Asked) -> float:
        """How long."""
        assert asked.request.endpoint
        return self.seconds
