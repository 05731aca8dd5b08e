"""A whole completion given back on its own clearing day is undone (33): the money comes back, and is held again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.conformance.subjects.unionpay import SUBJECT
from tests.simulate.unionpay.shop import AMOUNT, HOLD, REF, Shop, beijing

from payport.adapters.unionpay.beijing import stamp
from payport.adapters.unionpay.simulator import Fault
from payport.adapters.unionpay.wire import UnionPayTransaction
from payport.schemas import (
    CancelledBy,
    Declined,
    EventKind,
    Money,
    NotSent,
    NotSentKind,
    Pending,
    Reason,
    Refund,
    Succeeded,
    Unknown,
    Verified,
)
from payport.sdk.events import ForPerson
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.message import FailureKind, SendFailure, WireRequest
from payport.sdk.testing.conformance.world import World

UNDO = "backTransReq.do 33/00"
ASK = "queryTrans.do 00/00"
TAKEN = Money.of("5.00", "CNY")
NOTHING = Money.zero("CNY")


@pytest.fixture(name="hotel")
def a_hold_that_was_completed(shop: Shop) -> Shop:
    """At nine in the morning 12.34 were held and 5.00 of them taken; the journal knows both."""
    shop.gateway.pay(HOLD, shop.code(), deadline_s=1.0)
    shop.gateway.query(REF)
    complete(shop)
    return shop


def complete(shop: Shop, capture_ref: str = "") -> None:
    """Take the money, and learn that it was taken."""
    shop.gateway.capture(REF, TAKEN, capture_ref=capture_ref)
    shop.gateway.resolve(REF)
    assert shop.operations(Verb.CAPTURE)[-1].state is State.SUCCEEDED


def give_back(shop: Shop, refund_ref: str = "BACK10010001", amount: Money = TAKEN) -> object:
    """Ask for the money to be given back; what is said at once."""
    return shop.gateway.refund(REF, refund_ref, amount, deadline_s=5.0)


def given_back(shop: Shop, refund_ref: str = "BACK10010001") -> Refund[object]:
    """The refund, once UnionPay was asked."""
    told = shop.gateway.query_refund(REF, refund_ref).outcome
    assert isinstance(told, Succeeded), told
    return told.value


def refund_of(shop: Shop) -> Operation:
    """The newest refund in the journal."""
    return shop.operations(Verb.REFUND)[-1]


def back_minor(shop: Shop) -> int:
    """What the payer got back."""
    return shop.partner.ledger.refunded_total().amount_minor


# what it is, and what becomes of the hold


def test_a_whole_completion_is_undone_on_its_own_day(hotel: Shop) -> None:
    """33 under a number and time of its own; 00 is a receipt; the result says that it was an undo."""
    assert isinstance(give_back(hotel), Pending)
    back = given_back(hotel)
    assert (back.amount, back.restores_hold) == (TAKEN, True)
    assert isinstance(back.native, UnionPayTransaction)
    assert back.native.txn_type == "33"
    (request,) = hotel.sent("33/00")
    completion = hotel.operations(Verb.CAPTURE)[-1].partner_id
    assert (request["orderId"], request["origQryId"]) == ("BACK10010001R001", completion)
    assert (request["txnTime"], request["txnAmt"]) == (stamp(hotel.time.at), "500")
    assert hotel.sent("04/00") == []
    (row,) = hotel.partner.ledger.refunds(starting_with=REF)
    assert (row.amount, row.by) == (TAKEN, "BACK10010001R001")


def test_the_journal_says_what_it_was_without_the_wire(hotel: Shop) -> None:
    """Told by a notice, no record came with the answer: it is an undo all the same."""
    give_back(hotel)
    told = hotel.gateway.receive(hotel.partner.notices[-1])
    assert isinstance(told, Verified)
    assert told.event.kind is EventKind.REFUND
    again = give_back(hotel)
    assert isinstance(again, Succeeded)
    assert isinstance(again.value, Refund)
    assert (again.value.native, again.value.restores_hold) == (None, True)


def test_the_hold_is_in_force_again_and_cancel_releases_it(hotel: Shop) -> None:
    """The payer has the money back and cannot use it: nothing is held any more only after the release."""
    give_back(hotel)
    given_back(hotel)
    (hold,) = hotel.partner.ledger.holds()
    assert (hold.rest, hold.captured) == (AMOUNT, NOTHING)
    hotel.gateway.cancel(REF)
    released = hotel.gateway.cancel(REF)
    assert isinstance(released, Succeeded)
    assert released.value.by is CancelledBy.VOIDED
    (hold,) = hotel.partner.ledger.holds()
    assert hold.rest == NOTHING
    assert isinstance(hotel.gateway.capture(REF, TAKEN, capture_ref="AGAIN1001"), NotSent)


@pytest.mark.parametrize("reverse_paid", [False, True])
def test_a_hold_that_was_captured_is_not_released(hotel: Shop, reverse_paid: bool) -> None:
    """UnionPay has given the rest back and refuses a release (32): said before anything is sent."""
    told = hotel.gateway.cancel(REF, reverse_paid=reverse_paid)
    assert isinstance(told, NotSent)
    assert told.cause.kind is NotSentKind.INVALID
    assert "refund what was captured" in told.cause.detail
    assert hotel.sent("32/00") == []
    give_back(hotel)
    assert given_back(hotel).restores_hold
    assert isinstance(hotel.gateway.cancel(REF, reverse_paid=reverse_paid), Pending), "now there is a hold again"


def test_what_was_undone_can_be_captured_anew(hotel: Shop) -> None:
    """Under a reference of its own, up to the whole hold; and that one is given back in its turn."""
    give_back(hotel)
    given_back(hotel)
    hotel.gateway.capture(REF, AMOUNT, capture_ref="AGAIN1001")
    hotel.gateway.resolve(REF)
    assert hotel.operations(Verb.CAPTURE)[-1].state is State.SUCCEEDED
    assert isinstance(hotel.gateway.capture(REF, TAKEN, capture_ref="AGAIN1002"), NotSent)
    give_back(hotel, "BACK10010002", AMOUNT)
    assert given_back(hotel, "BACK10010002").restores_hold
    assert [fields["txnAmt"] for fields in hotel.sent("33/00")] == ["500", "1234"]
    assert hotel.partner.ledger.paid_total() == hotel.partner.ledger.refunded_total()


def test_while_an_undo_is_under_way_the_money_is_captured_still(hotel: Shop) -> None:
    """Neither captured anew nor refunded beside it: it may fail."""
    hotel.partner.faults.next(Fault.SLOW_PROCESSING, UNDO)
    assert isinstance(give_back(hotel), Pending)
    too_much = hotel.gateway.capture(REF, AMOUNT, capture_ref="AGAIN1001")
    assert isinstance(too_much, NotSent)
    for amount in (TAKEN, Money.of("0.01", "CNY")):
        refused = give_back(hotel, "BACK10010002", amount)
        assert isinstance(refused, NotSent)
        assert refused.cause.kind is NotSentKind.INVALID
    assert isinstance(hotel.gateway.cancel(REF), NotSent), "what is captured is not released"


# undo or refund


DAYS = {
    "the same afternoon": ("23T09:00:00", "23T18:00:00", "33"),
    "the last minute": ("23T09:00:00", "23T22:59:00", "33"),
    "after the cut-off, before midnight": ("23T09:00:00", "23T23:00:00", "04"),
    "across midnight, one clearing day": ("23T23:10:00", "24T00:30:00", "33"),
    "the next day": ("23T09:00:00", "24T09:00:00", "04"),
}


@pytest.mark.parametrize(("taken", "asked", "kind"), DAYS.values(), ids=DAYS)
def test_undo_or_refund_is_chosen_by_the_clearing_day_of_the_completion(
    shop: Shop, taken: str, asked: str, kind: str
) -> None:
    """The day on which the money was taken, whenever it was held. It is back either way, once."""
    shop.at(beijing("22T12:00:00"))
    shop.gateway.pay(HOLD, shop.code(), deadline_s=1.0)
    shop.gateway.query(REF)
    shop.at(beijing(taken))
    complete(shop)
    shop.at(beijing(asked))
    give_back(shop)
    back = given_back(shop)
    assert back.restores_hold is (kind == "33")
    assert isinstance(back.native, UnionPayTransaction)
    assert back.native.txn_type == kind
    assert shop.partner.ledger.refunded_total() == TAKEN
    (hold,) = shop.partner.ledger.holds()
    assert hold.rest == (AMOUNT if kind == "33" else NOTHING)


def test_a_part_is_refunded_and_so_is_the_rest(hotel: Shop) -> None:
    """33 is for the whole completion only, and for one of which nothing was given back."""
    for number, amount in enumerate(("2.00", "3.00")):
        give_back(hotel, f"BACK1001000{number}", Money.of(amount, "CNY"))
        assert not given_back(hotel, f"BACK1001000{number}").restores_hold
    assert (len(hotel.sent("04/00")), hotel.sent("33/00")) == (2, [])
    assert hotel.partner.ledger.refunded_total() == TAKEN


def test_a_payment_is_refunded_as_ever(shop: Shop) -> None:
    """Nothing was completed: taking a payment back as a whole is what ``cancel`` does."""
    shop.sell()
    give_back(shop, amount=AMOUNT)
    assert not given_back(shop).restores_hold
    assert (len(shop.sent("04/00")), shop.sent("33/00")) == (1, [])


def count_to_the_day_before(shop: Shop) -> None:
    """UnionPay counts the completion to another clearing day than the journal does."""
    for row in shop.partner._books.rows.values():
        if row.txn_type == "03":
            row.at = shop.time.at - timedelta(days=1)


@pytest.mark.parametrize("then", ["BACK10010001", "BACK10010002"])
def test_what_unionpay_does_not_undo_is_refunded_when_asked_again(hotel: Shop, then: str) -> None:
    """Refused on its own day, for whatever reason: the next refund is a 04, not a second 33 until the cut-off."""
    count_to_the_day_before(hotel)
    told = give_back(hotel)
    assert isinstance(told, Declined)
    assert (told.reason, told.partner_code) == (Reason.INVALID_STATE, "35")
    give_back(hotel, then)
    assert not given_back(hotel, then).restores_hold
    assert (len(hotel.sent("33/00")), len(hotel.sent("04/00"))) == (1, 1)
    assert hotel.partner.ledger.refunded_total() == TAKEN


def test_what_somebody_else_undid_is_refused(hotel: Shop) -> None:
    """45, and no undo of our own number: nothing was given back by this one."""
    from payport.adapters.unionpay import endpoints

    completion = hotel.operations(Verb.CAPTURE)[-1].partner_id or ""
    undo = endpoints.Undo(order_id="ELSEWHERE001", orig_qry_id=completion, txn_amt="500")
    assert isinstance(hotel.gateway.native(endpoints.PRE_AUTH_FINISH_UNDO, undo), Succeeded)
    told = give_back(hotel)
    assert isinstance(told, Declined)
    assert (told.reason, told.partner_code) == (Reason.ALREADY_DONE, "45")
    assert len(hotel.partner.ledger.refunds()) == 1


# doubt, and the end of the day


def test_an_undo_whose_answer_was_lost_is_found_by_asking(hotel: Shop) -> None:
    """Carried out, silent: asked about by its own number and time, never made twice."""
    hotel.partner.faults.next(Fault.COMMIT_THEN_SILENCE, UNDO, times=3)
    hotel.partner.faults.next(Fault.SILENCE, ASK, times=2)
    assert isinstance(give_back(hotel), Unknown)
    hotel.partner.faults.clear()
    hotel.later(30)
    assert refund_of(hotel).state is State.SUCCEEDED
    assert {fields["txnTime"] for fields in hotel.sent("33/00")} == {stamp(beijing("23T09:00:00"))}
    assert len(hotel.partner.ledger.refunds()) == 1


def test_an_undo_that_never_arrived_is_made_once_by_its_repetition(hotel: Shop) -> None:
    """The identical request, recognised by number and time."""
    hotel.partner.faults.next(Fault.SILENCE, UNDO, times=3)
    assert isinstance(give_back(hotel), Unknown)
    hotel.partner.faults.clear()
    for seconds in (5, 5, 30):
        hotel.later(seconds)
    assert refund_of(hotel).state is State.SUCCEEDED
    requests = [{**fields, "signature": ""} for fields in hotel.sent("33/00")]
    assert all(request == requests[0] for request in requests)
    assert len(hotel.partner.ledger.refunds()) == 1


EVES = {"the cut-off": "23T22:59:50", "midnight": "23T23:59:50"}


@pytest.mark.parametrize("eve", EVES.values(), ids=EVES)
@pytest.mark.parametrize("fault", [Fault.COMMIT_THEN_SILENCE, Fault.SILENCE, Fault.LATE_ARRIVAL, Fault.SYSTEM_ERROR])
def test_an_undo_never_crosses_the_end_of_a_day(shop: Shop, eve: str, fault: Fault) -> None:
    """In doubt across 23:00 or midnight: not sent again, no other time, one refund at most, and it ends by itself."""
    shop.at(beijing(eve) - timedelta(minutes=5))
    shop.gateway.pay(HOLD, shop.code(), deadline_s=1.0)
    shop.gateway.query(REF)
    complete(shop)
    shop.at(beijing(eve))
    shop.partner.faults.next(fault, UNDO, times=9, delay_s=45.0)
    assert isinstance(give_back(shop), Unknown)
    before = len(shop.sent("33/00"))
    shop.partner.faults.clear()
    for seconds in (5, 10, 20, 30, 60, 120, 300, 3600, 80_000):
        shop.later(seconds)
    assert {fields["txnTime"] for fields in shop.sent("33/00")} == {stamp(beijing(eve))}
    assert len(shop.sent("33/00")) == before, "so near to the end of a day not even at once"
    assert refund_of(shop).state.final
    assert (refund_of(shop).state is State.SUCCEEDED) is (back_minor(shop) == TAKEN.amount_minor)
    assert not any(isinstance(event, ForPerson) for event in shop.events)


def test_an_undo_that_the_cut_off_overtook_is_asked_for_again_as_a_refund(hotel: Shop) -> None:
    """Lost at 22:59:50. Until it is certain that it cannot arrive any more nothing else is sent; then a 04 is."""
    hotel.at(beijing("23T22:59:50"))
    hotel.partner.faults.next(Fault.SILENCE, UNDO, times=9)
    assert isinstance(give_back(hotel), Unknown)
    hotel.at(beijing("23T23:01:59"))
    assert isinstance(give_back(hotel), Unknown)
    assert isinstance(give_back(hotel, "BACK10010002"), NotSent)
    hotel.at(beijing("23T23:02:00"))
    over = give_back(hotel)
    assert isinstance(over, Declined)
    assert over.reason is Reason.EXPIRED
    assert "ask again" in over.message
    give_back(hotel)
    back = given_back(hotel)
    assert (back.partner_ref, back.restores_hold) == ("BACK10010001R002", False)
    assert hotel.partner.ledger.refunded_total() == TAKEN


def test_an_undo_that_arrives_after_the_cut_off_moves_nothing(hotel: Shop) -> None:
    """It was on its way for ten seconds too long: UnionPay refuses it, and the refund that follows is the only one."""
    hotel.at(beijing("23T22:59:55"))
    hotel.partner.faults.next(Fault.LATE_ARRIVAL, UNDO, times=9, delay_s=15.0)
    assert isinstance(give_back(hotel), Unknown)
    hotel.later(200)
    assert (refund_of(hotel).state, hotel.partner.ledger.refunds()) == (State.DECLINED, ())
    give_back(hotel)
    assert given_back(hotel).partner_ref == "BACK10010001R002"
    assert len(hotel.partner.ledger.refunds()) == 1


def test_an_undo_lost_in_the_morning_is_waited_for_until_the_evening(hotel: Shop) -> None:
    """Nobody has to look: it can be carried out until 23:00, so it counts until then, and ends afterwards."""
    hotel.partner.faults.next(Fault.SILENCE, UNDO, times=99)
    assert isinstance(give_back(hotel), Unknown)
    for _ in range(13):
        hotel.later(3600)
        assert refund_of(hotel).state is State.DOUBT
        assert isinstance(give_back(hotel, "BACK10010002"), NotSent)
    hotel.later(3600 + 120)
    assert (refund_of(hotel).state, refund_of(hotel).reason) == (State.DECLINED, Reason.EXPIRED)
    assert not any(isinstance(event, ForPerson) for event in hotel.events)
    assert hotel.partner.ledger.refunds() == ()


def test_an_undo_that_may_not_be_repeated_ends_by_itself_too(tmp_path: Path) -> None:
    """Without a sealing key no request is kept. Nobody is called: until 23:00 it counts, then it is asked for anew."""
    with World(SUBJECT, tmp_path, sealed=False) as world:
        ref = world.new_ref()
        world.hold(ref)
        world.capture(ref)
        world.partner.faults.next(Fault.SILENCE, UNDO, times=3)
        assert isinstance(world.worker.refund(ref, "BACK10010001", SUBJECT.part, deadline_s=1.0), Unknown)
        world.time.pass_by(14 * 3600 + 119)  # nine in the morning until a second before 23:02
        world.forget_leases()
        world.worker.resume()
        assert world.last(ref, Verb.REFUND).state is State.DOUBT
        world.settle()
        assert world.last(ref, Verb.REFUND).reason is Reason.EXPIRED
        assert not any(isinstance(event, ForPerson) for event in world.events)
        world.worker.refund(ref, "BACK10010001", SUBJECT.part)
        world.must_agree()
        assert (world.last(ref, Verb.REFUND).restores_hold, world.net_minor(ref)) == (False, 0)


def test_an_undo_that_was_accepted_is_not_ended_by_the_clock(hotel: Shop) -> None:
    """00, and from then on "no such transaction": that is for a person, and nothing is refunded beside it."""
    hotel.partner.faults.next(Fault.SLOW_PROCESSING, UNDO)
    assert isinstance(give_back(hotel), Pending)
    hotel.partner.faults.next(Fault.NOT_FOUND, ASK, times=999)
    for _ in range(30):
        hotel.later(3600)
    assert (refund_of(hotel).state, bool(refund_of(hotel).for_person)) == (State.PENDING, True)
    assert isinstance(give_back(hotel, "BACK10010002"), NotSent)


def test_what_could_not_leave_before_the_cut_off_is_refunded_after_it(hotel: Shop) -> None:
    """No road at 22:59: nothing was sent, so the same reference is asked for again, as what is right by then."""

    class NoRoad:
        def send(self, request: WireRequest, timeout_s: float) -> SendFailure:
            return SendFailure(FailureKind.UNREACHABLE, may_have_left=False, detail="down")

        def close(self) -> None:
            """Nothing is open."""

    road, hotel.tap._transport = hotel.tap._transport, NoRoad()
    hotel.at(beijing("23T22:59:00"))
    assert isinstance(give_back(hotel), NotSent)
    assert isinstance(give_back(hotel), NotSent)
    hotel.tap._transport = road
    hotel.tap.heard.clear()
    hotel.at(beijing("23T22:59:30"))
    assert isinstance(give_back(hotel), Pending), "what was never sent is no refusal: it is an undo still"
    assert given_back(hotel).restores_hold


# notices


def test_a_notice_before_the_reply_settles_an_undo(hotel: Shop) -> None:
    """Silent, but told: however often, it counts once."""
    hotel.partner.faults.next(Fault.COMMIT_THEN_SILENCE, UNDO, times=9)
    hotel.partner.on_commit = lambda name: tell_now(hotel) if name.endswith("33/00") else None
    told = give_back(hotel)
    hotel.partner.on_commit = None
    assert refund_of(hotel).state is State.SUCCEEDED
    assert isinstance(told, Succeeded | Unknown)
    before = hotel.gateway.history(REF)
    for raw in [*hotel.partner.notices, *hotel.partner.notices]:
        assert isinstance(hotel.gateway.receive(raw), Verified)
    assert hotel.gateway.history(REF) == before


def tell_now(shop: Shop) -> None:
    """Hand the newest notice over while the request is still being answered."""
    shop.partner._publish()
    shop.gateway.receive(shop.partner.notices[-1])


def test_a_notice_that_an_undo_failed_ends_it(hotel: Shop) -> None:
    """Accepted, then refused by the issuer: the capture stands, the hold does not come back, and a refund is next."""
    hotel.partner.faults.next(Fault.SLOW_PROCESSING, UNDO)
    assert isinstance(give_back(hotel), Pending)
    hotel.partner.process(succeed=False)
    hotel.gateway.receive(hotel.partner.notices[-1])
    assert refund_of(hotel).state is State.DECLINED
    (hold,) = hotel.partner.ledger.holds()
    assert (hold.captured, hold.rest) == (TAKEN, NOTHING)
    give_back(hotel)
    assert not given_back(hotel).restores_hold


MISLEADING = {
    "another amount": {"txnAmt": "1"},
    "another day's undo of the same number": {"txnTime": "20240101120000"},
    "a refund": {"txnType": "04"},
    "an undo of another completion": {"origQryId": "260101000000000000001"},
    "another currency": {"currencyCode": "840"},
}


@pytest.mark.parametrize("changes", MISLEADING.values(), ids=MISLEADING)
def test_a_notice_about_something_else_gives_nothing_back(hotel: Shop, changes: dict[str, str]) -> None:
    """Signed by UnionPay, and not about this undo."""
    hotel.partner.faults.next(Fault.SLOW_PROCESSING, UNDO)
    give_back(hotel)
    hotel.partner.process()
    hotel.gateway.receive(hotel.partner.notices.altered(hotel.partner.notices[-1], changes))
    assert refund_of(hotel).state is State.PENDING
    assert given_back(hotel).restores_hold, "asked, UnionPay says how it ended"
