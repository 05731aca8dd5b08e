"""The silent double charge: UnionPay takes a number again on another day, so nothing crosses midnight or 23:00."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.simulate.unionpay.shop import AMOUNT, ORDER, REF, Shop, beijing, minutes

from payport.adapters.unionpay.beijing import stamp
from payport.adapters.unionpay.simulator import Fault, Wallet
from payport.schemas import CancelledBy, Declined, NotSent, NotSentKind, Pending, Reason, Succeeded, Unknown
from payport.sdk.hosting import Asked
from payport.sdk.journal.records import State, Verb

SCAN = "backTransReq.do 01/06"
ASK = "queryTrans.do 00/00"
EVES = {"the cut-off": "23T22:59:50", "midnight": "23T23:59:50", "an ordinary minute": "23T12:00:00"}


@pytest.mark.parametrize("eve", EVES.values(), ids=EVES)
@pytest.mark.parametrize(
    "fault", [Fault.COMMIT_THEN_SILENCE, Fault.COMMIT_THEN_RESET, Fault.LATE_ARRIVAL, Fault.SILENCE, Fault.SYSTEM_ERROR]
)
def test_an_order_in_doubt_is_never_made_again_with_a_new_time(shop: Shop, eve: str, fault: Fault) -> None:
    """In doubt across the end of a day: every request bears the frozen ``txnTime``, and there is at most one charge."""
    shop.at(beijing(eve))
    frozen = stamp(beijing(eve))
    shop.partner.query_lag_s = 90.0
    shop.partner.faults.next(fault, SCAN, times=9, delay_s=45.0)
    method = shop.code()
    told = shop.gateway.pay(ORDER, method, deadline_s=5.0)
    assert isinstance(told, Unknown | Pending)
    for seconds in (1, 2, 4, 8, 16, 32, 60, 120, 300, 600, 1800):
        shop.later(seconds)
        if shop.operations()[0].state.final:
            break
        shop.gateway.pay(ORDER, method, deadline_s=1.0)
        assert len(shop.operations()) == 1, "while the first is in doubt, no other is opened"
    assert {fields["txnTime"] for fields in shop.sent("01/06") if fields["orderId"].endswith("T001")} == {frozen}
    assert {fields["txnTime"] for fields in shop.sent("99/01")} <= {frozen}
    first = shop.operations()[0]
    assert first.state.final
    net = len(shop.partner.ledger.charges(f"{REF}T001")) - len(shop.partner.ledger.refunds(f"{REF}T001"))
    assert net == (1 if first.state is State.SUCCEEDED else 0)


@pytest.mark.parametrize("eve", ["23T22:59:50", "23T23:59:50"])
def test_nothing_is_sent_again_on_the_other_day(shop: Shop, eve: str) -> None:
    """Lost just before the end of a day: afterwards it is asked about, and never repeated."""
    shop.at(beijing(eve))
    shop.partner.faults.next(Fault.SILENCE, SCAN, times=9)
    shop.gateway.pay(ORDER, shop.code(), deadline_s=1.0)
    before = len(shop.sent("01/06"))
    assert before == 1, "so near to the end of the day not even at once"
    for seconds in (11, 20, 30):
        shop.later(seconds)
    assert len(shop.sent("01/06")) == before
    assert shop.sent("00/00")


class Turnstile:
    """A call limit that makes everybody wait so long."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def admit(self, asked: Asked) -> float:
        """How long."""
        assert asked.request.endpoint
        return self.seconds


@pytest.mark.parametrize("eve", ["23T22:59:50", "23T23:59:50"])
def test_no_wait_for_a_turn_carries_a_request_into_the_other_day(shop: Shop, eve: str) -> None:
    """Admitted after thirty seconds, when its frozen ``txnTime`` is of another day: it does not leave any more."""
    shop.at(beijing(eve))
    told = shop.worker(admissions=(Turnstile(30.0),)).pay(ORDER, shop.code(), deadline_s=120.0)
    assert isinstance(told, NotSent)
    assert told.cause.kind is NotSentKind.DEADLINE
    assert shop.sent("01/06") == []


def test_a_question_may_wait_as_long_as_it_likes(shop: Shop) -> None:
    """It bears the order's time, however old that is."""
    shop.at(beijing("23T22:00:00"))
    shop.sell()
    shop.at(beijing("23T22:59:50"))
    asked = shop.worker(admissions=(Turnstile(30.0),)).query(REF, deadline_s=120.0)
    assert isinstance(asked.outcome, Succeeded)


@pytest.mark.parametrize("eve", ["23T22:57:30", "23T23:57:30"])
def test_a_try_that_hung_is_not_repeated_close_to_the_end_of_a_day(shop: Shop, eve: str) -> None:
    """The call has time left, and UnionPay recognises a repetition; but it might arrive on the other day."""
    shop.at(beijing(eve))
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, SCAN, times=9)
    shop.partner.faults.next(Fault.SILENCE, ASK, times=9)
    left_at: list[datetime] = []
    shop.partner.on_commit = lambda name: left_at.append(shop.time.at) if name.endswith("01/06") else None
    shop.worker(admissions=(Turnstile(50.0),)).pay(ORDER, shop.code(), deadline_s=140.0)
    assert left_at == [beijing(eve) + timedelta(seconds=50)]
    assert len(shop.sent("01/06")) == 1


def test_on_an_ordinary_minute_the_identical_request_is_repeated(shop: Shop) -> None:
    """The first was lost on its way: asked about, repeated under the same number and time, and paid once."""
    shop.partner.faults.next(Fault.SILENCE, SCAN, times=3)
    assert isinstance(shop.gateway.pay(ORDER, shop.code(), deadline_s=1.0), Unknown)
    shop.later(5)
    shop.later(5)
    assert isinstance(shop.gateway.query(REF).outcome, Succeeded)
    requests = [{**fields, "signature": ""} for fields in shop.sent("01/06")]
    assert len(requests) == 4
    assert all(request == requests[0] for request in requests)
    assert len(shop.partner.ledger.charges()) == 1


def test_what_never_arrived_ends_by_time_and_only_then_another_is_opened(shop: Shop) -> None:
    """Its code was given three minutes; after two more nobody knows of it, and the next attempt has its own time."""
    shop.at(beijing("23T22:59:50"))
    shop.partner.faults.next(Fault.SILENCE, SCAN, times=9)
    shop.gateway.pay(ORDER, shop.code(), deadline_s=1.0)
    shop.later(minutes(3))
    assert shop.operations()[-1].state is State.DOUBT
    shop.later(minutes(2))
    shop.partner.faults.clear()
    shop.later(minutes(1))
    assert (shop.operations()[-1].state, shop.operations()[-1].reason) == (State.DECLINED, Reason.EXPIRED)
    shop.gateway.pay(ORDER, shop.code(), deadline_s=5.0)
    first, second = shop.sent("01/06")
    assert (first["orderId"], second["orderId"]) == (f"{REF}T001", f"{REF}T002")
    assert first["txnTime"] != second["txnTime"]
    assert len(shop.partner.ledger.charges()) == 1


def test_a_prepared_order_that_is_sent_too_late_is_not_sent(shop: Shop) -> None:
    """Its ``txnTime`` was frozen with the intent: an hour later UnionPay would refuse it, so a new attempt is made."""
    import sqlalchemy

    with sqlalchemy.create_engine(f"sqlite:///{shop.place}").begin() as connection:
        shop.gateway.prepare(replace(ORDER, payable_until=shop.time.at + timedelta(hours=6)), shop.code(), connection)
    shop.later(minutes(60))
    assert shop.operations()[0].state is State.NOT_SENT
    assert shop.sent("01/06") == []
    shop.gateway.pay(ORDER, shop.code(), deadline_s=5.0)
    assert shop.sent("01/06")[0]["orderId"] == f"{REF}T002"


# undo or refund, by the clearing day of the cancel


DAYS = {
    "the same afternoon": ("23T12:00:00", "23T18:00:00", "31/00"),
    "the last minute": ("23T12:00:00", "23T22:59:00", "31/00"),
    "after the cut-off, before midnight": ("23T12:00:00", "23T23:00:00", "04/00"),
    "across midnight, one clearing day": ("23T23:10:00", "24T00:30:00", "31/00"),
    "the next day": ("23T12:00:00", "24T12:00:00", "04/00"),
}


@pytest.mark.parametrize(("sold", "cancelled", "kind"), DAYS.values(), ids=DAYS)
def test_a_paid_order_is_undone_or_refunded(shop: Shop, sold: str, cancelled: str, kind: str) -> None:
    """Whichever the clearing day allows; the money is back either way, once."""
    shop.at(beijing(sold))
    shop.sell()
    shop.at(beijing(cancelled))
    assert isinstance(shop.gateway.cancel(REF, reverse_paid=True), Pending)
    done = shop.gateway.cancel(REF, reverse_paid=True)
    assert isinstance(done, Succeeded)
    assert done.value.by is CancelledBy.REVERSED
    (request,) = shop.sent(kind)
    assert (request["orderId"], request["txnTime"]) == (f"{REF}X001", stamp(beijing(cancelled)))
    (back,) = shop.partner.ledger.refunds(starting_with=REF)
    assert (back.amount, back.by) == (AMOUNT, f"{REF}X001")
    from payport.adapters.unionpay.wire import UnionPayTransaction

    assert done.value.native is None or isinstance(done.value.native, UnionPayTransaction)


def test_an_undo_that_the_cut_off_overtook_is_cancelled_again_as_a_refund(shop: Shop) -> None:
    """Asked for at 22:59:50, lost, and not sent again after 23:00: the next cancel refunds."""
    shop.at(beijing("23T12:00:00"))
    shop.sell()
    shop.at(beijing("23T22:59:50"))
    shop.partner.faults.next(Fault.SILENCE, "backTransReq.do 31/00", times=9)
    assert isinstance(shop.gateway.cancel(REF, reverse_paid=True, deadline_s=5.0), Unknown)
    shop.at(beijing("23T23:00:30"))
    assert isinstance(shop.gateway.cancel(REF, reverse_paid=True, deadline_s=5.0), Unknown)
    shop.at(beijing("23T23:02:00"))
    over = shop.gateway.cancel(REF, reverse_paid=True, deadline_s=5.0)
    assert isinstance(over, Declined)
    assert "cancel again" in over.message
    shop.gateway.cancel(REF, reverse_paid=True, deadline_s=5.0)
    assert isinstance(shop.gateway.cancel(REF, reverse_paid=True, deadline_s=5.0), Succeeded)
    assert [fields["orderId"] for fields in shop.sent("04/00")] == [f"{REF}X002"]
    assert len(shop.partner.ledger.refunds()) == 1


def test_an_undo_whose_answer_was_lost_is_found_by_asking(shop: Shop) -> None:
    """Carried out, silent: asked about by its own number and time, never made twice."""
    shop.sell()
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "backTransReq.do 31/00", times=1)
    shop.partner.faults.next(Fault.SILENCE, ASK, times=1)
    shop.gateway.cancel(REF, reverse_paid=True, deadline_s=5.0)
    shop.later(30)
    assert isinstance(shop.gateway.cancel(REF, reverse_paid=True), Succeeded)
    assert len(shop.partner.ledger.refunds()) == 1
    assert {fields["txnTime"] for fields in shop.sent("31/00")} == {stamp(beijing("23T09:00:00"))}


def test_who_never_confirms_is_reversed_at_the_counter(shop: Shop) -> None:
    """Asked six times in a minute, then reversed by its own number and time; the payer can confirm no more."""
    told = shop.gateway.pay(ORDER, shop.code(Wallet.CONFIRMS), deadline_s=75.0)
    assert isinstance(told, Declined)
    (first, again) = shop.sent("99/01")
    assert first == again
    assert first["orderId"] == f"{REF}T001"
    assert shop.partner.ledger.charges() == ()
    from payport.adapters.unionpay.simulator import CannotPay

    with pytest.raises(CannotPay):
        shop.partner.payer.confirm(f"{REF}T001")


def test_a_payment_in_doubt_that_came_through_is_reversed_once(shop: Shop) -> None:
    """Charged, silent, and no question is answered: after a minute the reversal gives it back."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, SCAN, times=3)
    shop.partner.faults.next(Fault.SILENCE, ASK, times=99)
    told = shop.gateway.pay(ORDER, shop.code(), deadline_s=90.0)
    assert isinstance(told, Declined)
    (charge,) = shop.partner.ledger.charges()
    (back,) = shop.partner.ledger.refunds()
    assert charge.amount == back.amount == AMOUNT
    assert shop.operations(Verb.CANCEL)[-1].cancelled_by is CancelledBy.REVERSED


def test_a_host_clock_in_another_zone_changes_nothing(tmp_path: Path) -> None:
    """Pain: ``txnTime`` of a host in another time zone was refused."""
    from datetime import timezone

    with Shop(tmp_path) as shop:
        shop.at(datetime(2026, 11, 22, 17, 0, tzinfo=timezone(timedelta(hours=-8))))
        shop.sell()
        assert shop.sent("01/06")[0]["txnTime"] == "20261123090000"
        assert not isinstance(shop.gateway.query(REF).outcome, NotSent)
