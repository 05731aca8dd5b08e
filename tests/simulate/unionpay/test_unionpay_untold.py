"""What UnionPay goes on refusing to tell is left to a person in the end, with the reason."""

from __future__ import annotations

import pytest
from tests.simulate.unionpay.shop import AMOUNT, ORDER, REF, Shop

from payport.adapters.unionpay.simulator import Fault
from payport.schemas import Money, NotSent, Pending, Unknown
from payport.sdk.events import ForPerson
from payport.sdk.journal.records import State, Verb

ASK = "queryTrans.do 00/00"
UNDO = "backTransReq.do 31/00"
REFUND = "backTransReq.do 04/00"
HOUR_S = 3600.0


def people(shop: Shop) -> list[str]:
    """Who was called, and why."""
    return [event.reason for event in shop.events if isinstance(event, ForPerson)]


def refund_in_silence(shop: Shop, fault: Fault = Fault.COMMIT_THEN_SILENCE) -> None:
    """Given back, or received only; the answer to the first question is still to come."""
    shop.sell()
    shop.partner.faults.next(fault, REFUND, times=9)
    told = shop.gateway.refund(REF, "BACK10010001", Money.of("1.00", "CNY"), deadline_s=5.0)
    assert isinstance(told, Unknown | Pending)
    shop.partner.faults.clear()


@pytest.mark.parametrize("fault", [Fault.COMMIT_THEN_SILENCE, Fault.SLOW_PROCESSING])
def test_a_refund_that_unionpay_does_not_tell_of_is_left_to_a_person(shop: Shop, fault: Fault) -> None:
    """Refused for a day, whether it was received or not: the reason is told once, and asking ends it when mended."""
    refund_in_silence(shop, fault)
    shop.partner.faults.next(Fault.SYSTEM_ERROR, ASK, times=999)
    for _ in range(24):
        shop.later(HOUR_S)
        assert people(shop) == []
    for _ in range(5):
        shop.later(HOUR_S)
    (reason,) = people(shop)
    assert "how this refund stands" in reason
    assert "the query was refused: 06" in reason
    assert shop.operations(Verb.REFUND)[-1].for_person == reason
    beside = shop.gateway.refund(REF, "BACK10010002", AMOUNT)
    assert isinstance(beside, NotSent), "it counts as given back"
    shop.partner.faults.clear()
    shop.partner.process()
    shop.gateway.resolve(REF)
    assert shop.operations(Verb.REFUND)[-1].state is State.SUCCEEDED
    assert len(shop.partner.ledger.refunds()) == 1


def test_an_undo_that_unionpay_does_not_tell_of_is_left_to_a_person(shop: Shop) -> None:
    """The same of a cancel, which is planned anew in each round."""
    shop.sell()
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, UNDO, times=9)
    assert isinstance(shop.gateway.cancel(REF, reverse_paid=True, deadline_s=5.0), Unknown)
    shop.partner.faults.clear()
    shop.partner.faults.next(Fault.SYSTEM_ERROR, ASK, times=999)
    for _ in range(30):
        shop.later(HOUR_S)
    (reason,) = people(shop)
    assert "how this cancel ended" in reason
    assert "the query was refused: 06" in reason
    shop.partner.faults.clear()
    shop.gateway.resolve(REF)
    assert shop.operations(Verb.CANCEL)[-1].state is State.SUCCEEDED
    assert len(shop.partner.ledger.refunds()) == 1


def test_what_is_merely_slow_or_silent_is_asked_about_and_nobody_is_called(shop: Shop) -> None:
    """Accepted and not final for days, or a line that is down: waiting is right, and needs nobody."""
    refund_in_silence(shop, Fault.SLOW_PROCESSING)
    for hour in range(72):
        if hour % 3:
            shop.partner.faults.next(Fault.SYSTEM_ERROR, ASK)
        shop.later(HOUR_S)
    assert people(shop) == []
    shop.partner.faults.next(Fault.SILENCE, ASK, times=999)
    for _ in range(48):
        shop.later(HOUR_S)
    assert people(shop) == []
    shop.partner.faults.clear()
    shop.partner.process()
    shop.later(HOUR_S)
    assert shop.operations(Verb.REFUND)[-1].state is State.SUCCEEDED


def test_a_payment_is_not_left_to_a_person_by_refused_questions(shop: Shop) -> None:
    """Its cancel is: the payment itself goes on being asked about, so that nothing is missed when UnionPay is back."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "backTransReq.do 01/06", times=9)
    assert isinstance(shop.gateway.pay(ORDER, shop.code(), deadline_s=1.0), Unknown)
    shop.partner.faults.clear()
    shop.partner.faults.next(Fault.SYSTEM_ERROR, times=9999)
    for _ in range(30):
        shop.later(HOUR_S)
    (payment,) = shop.operations()
    assert payment.for_person is None
    assert not payment.state.final
    shop.partner.faults.clear()
    shop.later(HOUR_S)
    assert shop.operations()[0].state.final


def test_a_refund_outlives_four_minutes_in_which_unionpay_is_away(shop: Shop) -> None:
    """It may be sent again for five: towards their end it is looked at more often, not at the timetable's next time."""
    shop.sell()
    for endpoint in (REFUND, ASK):
        shop.partner.faults.next(Fault.RESET, endpoint, times=999)
    assert isinstance(shop.gateway.refund(REF, "BACK0001", AMOUNT, deadline_s=1.0), Unknown)
    for _ in range(48):
        shop.later(5.0)
    shop.partner.faults.clear()
    for _ in range(10):
        shop.later(5.0)
    (refund,) = shop.operations(Verb.REFUND)
    assert refund.for_person is None
    assert refund.state in (State.PENDING, State.SUCCEEDED)
    assert len(shop.partner.ledger.refunds()) == 1
