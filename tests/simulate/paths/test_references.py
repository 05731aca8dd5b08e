"""One reference stands for one debt, and one debt has one live attempt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.paths import World, order, payout_order
from tests.support.scenarios import HELD, PAYEE, YUAN, pay_scanned

from payport.adapters.alipay import AlipayPayee, PayeeKind, planning
from payport.adapters.alipay.simulator import Wallet
from payport.schemas import (
    ActionRequired,
    CancelledBy,
    Money,
    NotSent,
    NotSentKind,
    Order,
    Pending,
    QrScanned,
    QrShown,
    Reason,
    Succeeded,
    Unknown,
)
from payport.sdk.errors import ReferenceConflict
from payport.sdk.events import ForPerson
from payport.sdk.journal.records import State, Verb
from payport.sdk.message import FailureKind, SendFailure, WireReply, WireRequest
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.stepping import MORNING

REF = "SHOP10010001"
DOLLARS = Order(ref=REF, amount=Money.of("12.34", "USD"), subject="Tea")
OTHER_PAYEE = AlipayPayee(kind=PayeeKind.USER_ID, identity="2088102100000010")


def code(world: World, wallet: Wallet = Wallet.PAYS) -> QrScanned:
    return QrScanned(auth_code=world.partner.payer.code(wallet))


CONFLICTS: dict[str, tuple[Callable[[World], object], Callable[[World], object]]] = {
    "another currency": (
        lambda world: world.worker.pay(order(REF), QrShown()),
        lambda world: world.worker.pay(DOLLARS, QrShown()),
    ),
    "another payee": (
        lambda world: world.worker.payout(payout_order(REF), PAYEE),
        lambda world: world.worker.payout(payout_order(REF), OTHER_PAYEE),
    ),
    "a refund reference of another order": (
        lambda world: (
            pay_scanned(world, REF).finish(),
            pay_scanned(world, "SHOP10010002").finish(),
            world.worker.refund(REF, "BACK0001", YUAN),
        ),
        lambda world: world.worker.refund("SHOP10010002", "BACK0001", YUAN),
    ),
}


@pytest.mark.parametrize("conflict", CONFLICTS)
def test_a_reference_that_stands_for_something_else_raises_before_any_request(certified: World, conflict: str) -> None:
    """The partner never hears of it."""
    before, after = CONFLICTS[conflict]
    before(certified)
    sent = len(certified.watch.requests)
    with pytest.raises(ReferenceConflict, match="nothing was sent"):
        after(certified)
    assert len(certified.watch.requests) == sent


def test_a_new_scanned_code_closes_the_first_attempt_before_it_is_charged(world: World) -> None:
    """The payer never confirmed the first code: it is cancelled at the partner, then the second code is charged."""
    world.worker.pay(order(REF), code(world, Wallet.CONFIRMS), deadline_s=2)
    assert isinstance(world.worker.pay(order(REF), code(world), deadline_s=4), Succeeded)
    assert world.calls() == ["trade.pay", "trade.query", "trade.cancel", "trade.pay"]
    assert [item.state for item in world.operations(REF) if item.verb is Verb.PAY] == [State.DECLINED, State.SUCCEEDED]
    assert world.wrong_with(REF) == []


def test_a_new_scanned_code_is_not_charged_while_the_first_may_still_be(world: World) -> None:
    """The first request is under way and nothing can close it: no second attempt; the late payment is the charge."""
    world.partner.faults.next(Fault.LATE_ARRIVAL, "alipay.trade.pay", delay_s=40)
    world.worker.pay(order(REF), code(world), deadline_s=2)
    world.worker.pay(order(REF), code(world), deadline_s=2)
    assert world.calls().count("trade.pay") == 1
    world.settle()
    assert len(world.partner.ledger.charges(starting_with=REF)) == 1
    assert world.wrong_with(REF) == []


def test_an_action_whose_time_is_over_is_not_handed_out_again(world: World) -> None:
    """After ``payable_until`` the caller is told to ask again, never to show a dead code."""
    bought = order(REF, payable_until=MORNING + timedelta(minutes=5))
    assert isinstance(world.worker.pay(bought, QrShown()), ActionRequired)
    world.time.pass_by(301)
    assert isinstance(world.worker.pay(bought, QrShown()), Pending)
    world.settle()
    assert world.last(REF).cancelled_by is CancelledBy.EXPIRED


def planned_again(*_: object) -> None:
    """The planning of a newer library."""
    pytest.fail("planned again")


def test_a_library_that_plans_otherwise_repeats_the_sealed_request(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upgraded between sending and resuming: what goes out again is the identical request, not the new plan."""
    world.partner.faults.next(Fault.RESET, "alipay.trade.precreate", times=3)
    assert isinstance(world.worker.pay(order(REF), QrShown()), Unknown)
    monkeypatch.setattr(planning, "plan_pay", planned_again)
    world.forget_leases()
    world.time.pass_by(30)
    world.gateway().resume()
    assert world.last(REF).state is State.ACTION
    assert len({sent.content for sent in world.watch.requests if sent.moves_money}) == 1


def test_a_request_that_is_not_kept_is_only_asked_about(tmp_path: Path) -> None:
    """Without a sealing key nothing is repeated; the order ends by time."""
    with World(tmp_path, sealed=False) as bare:
        bare.partner.faults.next(Fault.RESET, "alipay.trade.precreate", times=3)
        assert isinstance(bare.worker.pay(order("SHOP10010009"), QrShown()), Unknown)
        bare.settle()
        assert bare.calls().count("trade.precreate") == 3
        assert bare.last("SHOP10010009").reason is Reason.EXPIRED


def test_a_refusal_of_a_repetition_is_the_end_once_nothing_is_under_way(world: World) -> None:
    """The merchant's account is empty and the first request never arrived: declined, after the time of flight."""
    pay_scanned(world, REF).finish()
    world.partner.faults.next(Fault.RESET, "alipay.trade.refund", times=3)
    world.partner.fund(0)
    assert isinstance(world.worker.refund(REF, "BACK0001", YUAN), Unknown)
    world.settle()
    refund = world.last(REF, Verb.REFUND)
    assert (refund.state, refund.reason) == (State.DECLINED, Reason.MERCHANT_FUNDS)


def test_a_refund_waits_for_a_reversal_that_is_in_doubt(world: World) -> None:
    """The reversal counts as a refund of everything."""
    pay_scanned(world, REF).finish()
    world.partner.faults.next(Fault.SILENCE, "alipay.trade.cancel", times=3)
    assert isinstance(world.worker.cancel(REF, reverse_paid=True), Unknown)
    outcome = world.worker.refund(REF, "BACK0001", YUAN)
    assert isinstance(outcome, NotSent)
    assert outcome.cause.kind is NotSentKind.INVALID


def test_a_refund_that_may_not_be_repeated_is_left_to_a_person_who_is_told(tmp_path: Path) -> None:
    """Without its sealed request: one alert, then no more questions, unless it is asked for by name."""
    with World(tmp_path, sealed=False) as bare:
        pay_scanned(bare, REF).finish()
        bare.partner.faults.next(Fault.LATE_ARRIVAL, "alipay.trade.refund", times=3, delay_s=300)
        assert isinstance(bare.worker.refund(REF, "BACK0001", YUAN), Unknown)
        for _ in range(3):
            bare.forget_leases()
            bare.time.pass_by(61)
            bare.worker.resume()
        assert len([event for event in bare.events if isinstance(event, ForPerson)]) == 1
        assert bare.last(REF, Verb.REFUND).for_person
        asked = len(bare.watch.requests)
        bare.worker.resume()
        assert len(bare.watch.requests) == asked
        bare.time.pass_by(300)
        bare.worker.resolve(REF)
        assert bare.last(REF, Verb.REFUND).state is State.SUCCEEDED
        assert bare.wrong_with(REF) == []


def test_a_reversal_is_made_although_a_weaker_cancel_was_under_way(world: World) -> None:
    """Asked to reverse, while a cancel that may only close is in doubt: the one call does both."""
    pay_scanned(world, REF).finish()
    world.partner.faults.next(Fault.SILENCE, "alipay.trade.close", times=3)
    assert isinstance(world.worker.cancel(REF), Unknown)
    assert world.worker.cancel(REF, reverse_paid=True).unwrap().by is CancelledBy.REVERSED
    assert world.net_minor(REF) == 0
    assert world.wrong_with(REF) == []


def test_captures_never_exceed_the_hold_those_in_doubt_counted(world: World) -> None:
    """And one that is asked for again without an amount is the one that was made."""
    world.worker.pay(order(REF, capture=HELD), code(world))
    world.partner.faults.next(Fault.SILENCE, "alipay.trade.pay", times=3)
    assert isinstance(world.worker.capture(REF, YUAN * 10, capture_ref="PART0001", final=False), Unknown)
    more = world.worker.capture(REF, YUAN * 3, capture_ref="PART0002")
    assert isinstance(more, NotSent)
    assert "more than what is left of the hold" in more.cause.detail
    world.settle()
    assert world.worker.capture(REF, capture_ref="PART0001").unwrap().amount == YUAN * 10
    rest = world.worker.capture(REF, capture_ref="PART0003").unwrap()
    assert rest.amount == Money.of("2.34", "CNY")
    nothing = world.worker.capture(REF, capture_ref="PART0004")
    assert isinstance(nothing, NotSent)
    assert world.wrong_with(REF) == []


class Questions:
    """A road that only questions can take."""

    def __init__(self, world: World) -> None:
        self._road = world.transport.road

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        if request.moves_money:
            return SendFailure(FailureKind.UNREACHABLE, may_have_left=False, detail="no road")
        return self._road.send(request, timeout_s)

    def close(self) -> None:
        """Nothing is open."""


def test_what_a_dead_process_may_have_sent_is_never_called_not_sent(world: World) -> None:
    """Its refund is under way, the partner does not know it yet, and repeating it failed before the first byte."""
    pay_scanned(world, REF).finish()
    run = world.run(lambda desk, alipay: desk.refund(alipay, REF, "BACK0001", YUAN, "", 10))
    world.partner.faults.next(Fault.LATE_ARRIVAL, "alipay.trade.refund", delay_s=30)
    while "Send" not in run.effects:
        run.step()
    run.crash()
    world.forget_leases()
    world.time.pass_by(12)
    world.transport.road = Questions(world)
    world.worker.resume()
    assert world.calls()[-1] == "trade.refund"
    assert world.last(REF, Verb.REFUND).state is State.DOUBT
    world.settle()
    assert world.last(REF, Verb.REFUND).state is State.SUCCEEDED
    assert len(world.partner.ledger.refunds(f"{REF}T001")) == 1
