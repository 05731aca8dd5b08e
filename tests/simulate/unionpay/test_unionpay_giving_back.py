"""What a cancel may give back, and what is said of money that was given back although no answer ever came."""

from __future__ import annotations

from tests.simulate.unionpay.shop import AMOUNT, ORDER, REF, Shop, beijing, minutes

from payport.adapters.unionpay.simulator import Fault, Wallet
from payport.schemas import Declined, Pending, Reason, Succeeded, Unknown
from payport.schemas.outcome import UnknownKind
from payport.schemas.payment import CancelledBy, FactKind
from payport.sdk.events import ForPerson
from payport.sdk.journal.records import State, Verb

SCAN = "backTransReq.do 01/06"
ASK = "queryTrans.do 00/00"
REVERSAL = "backTransReq.do 99/01"


def charged_in_silence(shop: Shop) -> None:
    """The payer was charged, and the journal knows nothing of it."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, SCAN, times=3)
    assert isinstance(shop.gateway.pay(ORDER, shop.code(), deadline_s=1.0), Unknown | Pending)
    shop.partner.faults.clear()
    shop.forget_leases()


def test_a_cancel_that_may_not_reverse_leaves_a_paid_order_paid(shop: Shop) -> None:
    """The journal did not know that it was paid: UnionPay is asked before anything is reversed."""
    charged_in_silence(shop)
    told = shop.gateway.cancel(REF, deadline_s=5.0)
    assert isinstance(told, Declined)
    assert told.reason is Reason.INVALID_STATE
    assert (shop.sent("99/01"), shop.partner.ledger.refunds()) == ([], ())
    assert isinstance(shop.gateway.query(REF).outcome, Succeeded)


def test_a_cancel_that_may_not_reverse_does_nothing_unseen(shop: Shop) -> None:
    """The look went unanswered: the order may be paid, so it is left alone until UnionPay answers."""
    charged_in_silence(shop)
    shop.partner.faults.next(Fault.SILENCE, ASK, times=9)
    assert isinstance(shop.gateway.cancel(REF, deadline_s=5.0), Unknown)
    assert (shop.sent("99/01"), shop.partner.ledger.refunds()) == ([], ())


def test_a_cancel_reverses_what_is_not_paid_yet(shop: Shop) -> None:
    """The payer was to confirm on the phone and did not: nothing was taken, and nothing can be any more."""
    shop.gateway.pay(ORDER, shop.code(Wallet.CONFIRMS), deadline_s=1.0)
    told = shop.gateway.cancel(REF, deadline_s=5.0)
    assert isinstance(told, Succeeded)
    assert told.value.by is CancelledBy.CLOSED
    assert shop.partner.ledger.charges() == ()


def test_a_reversal_whose_answer_was_lost_is_told(shop: Shop) -> None:
    """Charged, reversed, and both answers lost: UnionPay goes on saying 00 of the payment, and 46 to an undo of it."""
    charged_in_silence(shop)
    shop.partner.faults.next(Fault.SILENCE, ASK, times=99)
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, REVERSAL, times=9)
    shop.later(70)
    assert len(shop.partner.ledger.refunds()) == 1
    shop.partner.faults.clear()
    for seconds in (5, 30, 60, 300, 1800):
        shop.later(seconds)
    (payment,), cancel = shop.operations(), shop.operations(Verb.CANCEL)[-1]
    assert (cancel.state, cancel.cancelled_by) == (State.SUCCEEDED, CancelledBy.REVERSED)
    given_back = [fact for fact in payment.facts if fact.kind is FactKind.REFUNDED and fact.amount == AMOUNT]
    assert payment.state is State.DECLINED or given_back
    assert len(shop.partner.ledger.refunds()) == 1


def test_a_lost_reversal_that_may_not_reverse_paid_is_left_to_a_person(shop: Shop) -> None:
    """Not found when it was looked at, then charged and reversed in silence: "paid" is not claimed, and a day later
    somebody is told what to compare, and by what UnionPay shows it.
    """
    shop.partner.query_lag_s = 30.0
    charged_in_silence(shop)
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, REVERSAL, times=9)
    assert isinstance(shop.gateway.cancel(REF, deadline_s=5.0), Unknown)
    assert len(shop.partner.ledger.refunds()) == 1
    shop.partner.faults.clear()
    for seconds in (40, 30, 60, 300, 1800):
        shop.later(seconds)
        again = shop.gateway.cancel(REF, deadline_s=5.0)
        assert isinstance(again, Unknown), "the payment shows as paid, and its reversal may have been done"
        assert again.cause.kind is UnknownKind.INTERRUPTED
    assert [event for event in shop.events if isinstance(event, ForPerson)] == []
    for _ in range(26):
        shop.later(minutes(60))
    (called,) = [event for event in shop.events if isinstance(event, ForPerson)]
    assert called.operation == shop.operations(Verb.CANCEL)[-1].id
    assert "a refund is refused there when it was" in called.reason
    assert isinstance(shop.gateway.cancel(REF, deadline_s=5.0), Unknown), "it is no more certain than before"
    shown = shop.gateway.refund(REF, "BACK10010001", AMOUNT, deadline_s=5.0)
    assert isinstance(shown, Declined)
    assert (shown.reason, shown.partner_code) == (Reason.ALREADY_DONE, "46")
    assert len(shop.partner.ledger.refunds()) == 1


def test_an_original_in_another_state_is_no_missing_one(shop: Shop) -> None:
    """35 to a reversal after 23:00: the payment stands. Its time is over, and still it is not called unpaid."""
    shop.at(beijing("23T22:58:30"))
    charged_in_silence(shop)
    shop.partner.faults.next(Fault.SILENCE, ASK, times=99)
    shop.partner.faults.next(Fault.SILENCE, REVERSAL, times=9)
    shop.at(beijing("23T22:59:40"))
    shop.gateway.resume()
    assert shop.sent("99/01")
    shop.at(beijing("23T23:06:00"))
    shop.forget_leases()
    shop.partner.faults.clear()
    shop.partner.faults.next(Fault.SILENCE, ASK, times=99)
    told = shop.gateway.cancel(REF, reverse_paid=True, deadline_s=5.0)
    assert not isinstance(told, Succeeded)
    assert not shop.operations()[-1].state.over
    shop.partner.faults.clear()
    shop.later(minutes(60))
    assert shop.operations()[-1].state is State.SUCCEEDED
