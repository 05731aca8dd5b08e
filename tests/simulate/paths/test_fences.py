"""A scanned payment in doubt is given back by its own fence, and nobody is told meanwhile that it is theirs to keep."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.support.paths import World, order

from payport.schemas import (
    CancelledBy,
    CaptureMode,
    Declined,
    FactKind,
    Money,
    QrScanned,
    Succeeded,
    Unknown,
    Verified,
)
from payport.sdk.desk import Desk
from payport.sdk.exchange import Exchange, Load
from payport.sdk.journal.records import State, Verb
from payport.sdk.testing.faults import Fault, Planned

REF = "SHOP10010001"
PAY, QUERY, CANCEL = "alipay.trade.pay", "alipay.trade.query", "alipay.trade.cancel"
UNFREEZE = "alipay.fund.auth.order.unfreeze"


def fenced_in_silence(world: World, fault: Fault) -> None:
    """Charged, asked about and cancelled by the resolver, all without an answer."""
    world.partner.faults.next(Fault.COMMIT_THEN_SILENCE, PAY, times=9)
    world.partner.faults.next(Fault.RESET, QUERY, times=99)
    world.partner.faults.next(fault, CANCEL, times=99)
    code = QrScanned(auth_code=world.partner.payer.code())
    assert isinstance(world.worker.pay(order(REF), code, deadline_s=5.0), Unknown)
    for seconds in (5, 30, 40, 60):
        later(world, seconds)
    assert world.last(REF, Verb.CANCEL).state is State.DOUBT


def later(world: World, seconds: float) -> None:
    world.time.pass_by(seconds)
    world.forget_leases()
    world.worker.resume()


def told(world: World) -> object:
    return world.worker.query(REF).outcome


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.COMMIT_THEN_RESET])
def test_what_its_fence_may_yet_give_back_is_not_told_as_paid(world: World, fault: Fault) -> None:
    """Pain: told as paid, the goods handed over, then given back by a cancel that nobody had asked for."""
    fenced_in_silence(world, fault)
    world.partner.faults.clear()
    assert not isinstance(told(world), Succeeded)
    world.settle()
    assert isinstance(told(world), Declined)
    assert world.net_minor(REF) == 0
    assert world.wrong_with(REF) == []


def test_what_no_fence_can_give_back_any_more_is_told_and_kept(world: World) -> None:
    """Nothing of the fence is on its way any more, and Alipay says "paid": nothing is sent that reverses it."""
    fenced_in_silence(world, Fault.RESET)
    world.partner.faults.clear()
    world.partner.faults.next(Fault.RESET, CANCEL, times=99)
    world.time.pass_by(121)
    assert isinstance(told(world), Succeeded)
    world.partner.faults.clear()
    world.settle()
    assert world.net_minor(REF) == order(REF).amount.amount_minor
    assert world.last(REF, Verb.CANCEL).state is State.DECLINED
    assert not world.last(REF).facts


def test_a_notice_is_not_believed_while_a_fence_is_unanswered(world: World) -> None:
    """It may be older than the reversal, and Alipay cannot be asked just now: the next question tells."""
    fenced_in_silence(world, Fault.COMMIT_THEN_RESET)
    world.time.pass_by(3600)
    assert isinstance(world.worker.receive(world.partner.notices[0]), Verified)
    assert world.last(REF).state is State.DOUBT
    world.partner.faults.clear()
    world.settle()
    assert isinstance(told(world), Declined)
    assert world.wrong_with(REF) == []


def test_who_asks_for_it_may_give_back_what_a_fence_may_not(world: World) -> None:
    """A reversal that the shop asks for is not answered with the fence's own end."""
    fenced_in_silence(world, Fault.RESET)
    world.partner.faults.clear()
    world.time.pass_by(121)
    assert isinstance(told(world), Succeeded)
    assert isinstance(world.worker.cancel(REF, reverse_paid=True), Succeeded)
    assert [fact.kind for fact in world.last(REF).facts] == [FactKind.REFUNDED]
    assert world.net_minor(REF) == 0


def test_a_fence_that_is_over_does_not_hold_up_a_refund(world: World) -> None:
    """Also before anybody has looked at it again."""
    fenced_in_silence(world, Fault.RESET)
    world.partner.faults.clear()
    world.time.pass_by(121)
    assert isinstance(told(world), Succeeded)
    assert not world.last(REF, Verb.CANCEL).state.final
    assert isinstance(world.worker.refund(REF, "BACK0001", order(REF).amount), Succeeded)
    world.settle()
    assert world.wrong_with(REF) == []


@pytest.mark.parametrize("how", ["query", "pay", "wait", "resume"])
def test_what_its_fence_gave_back_is_never_told_as_paid(world: World, how: str) -> None:
    """Long after the fence, which was carried out without an answer: Alipay shows that it was paid and went back."""
    fenced_in_silence(world, Fault.COMMIT_THEN_RESET)
    world.partner.faults.clear()
    world.time.pass_by(121)
    world.forget_leases()
    asking: dict[str, Callable[[], object]] = {
        "query": lambda: told(world),
        "pay": lambda: world.worker.pay(order(REF), QrScanned(auth_code=world.partner.payer.code()), deadline_s=8.0),
        "wait": lambda: world.worker.wait(REF, 20.0),
        "resume": lambda: world.worker.resume() and told(world),
    }
    outcome = asking[how]()
    if isinstance(outcome, Succeeded):  # by the code that was scanned just now
        assert outcome.value.partner_ref == f"{REF}T002"
    world.settle()
    first = next(each for each in world.operations(REF) if each.verb is Verb.PAY)
    assert first.state is State.DECLINED
    assert world.wrong_with(REF) == []


@pytest.mark.parametrize("asked", ["by resume", "by the shop"])
def test_a_fence_looks_again_before_it_is_repeated(world: World, asked: str) -> None:
    """Another worker asked and told that it is paid, between this one's look and its repetition of the fence."""
    fenced_in_silence(world, Fault.RESET)
    world.partner.faults.clear()
    world.time.pass_by(121)
    world.forget_leases()
    if asked == "by resume":
        world.partner.faults.next(Fault.RESET, QUERY)

    def repeat(desk: Desk, _: object) -> Exchange[object]:
        return desk.resume(60.0) if asked == "by resume" else desk.cancel(REF, 10.0, reverse_paid=False)

    run = world.run(repeat)
    looked = False
    while not looked:
        effect = run.next_effect
        looked = isinstance(effect, Load) and effect.name == "cancelled payment"
        run.step()
    assert isinstance(told(world), Succeeded)
    run.finish()
    world.settle()
    assert world.net_minor(REF) == order(REF).amount.amount_minor
    assert world.last(REF, Verb.CANCEL).state is State.DECLINED


def test_a_release_of_the_rest_whose_answer_is_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pain: what a capture left of a hold is released under the number of the whole, and asked for whole for ever."""
    world.worker.pay(order(REF, capture=CaptureMode.MANUAL), QrScanned(auth_code=world.partner.payer.code()))
    part = Money.of("2.34", "CNY")
    assert isinstance(world.worker.capture(REF, part, capture_ref="PART0001", final=False), Succeeded)
    lost, faults = iter([False, True]), world.partner.faults

    def take(method: str) -> Planned | None:
        silent = method == UNFREEZE and next(lost, False)
        return Planned(fault=Fault.COMMIT_THEN_SILENCE, method=method, delay_s=1.0) if silent else None

    monkeypatch.setattr(faults, "take", take)
    world.worker.cancel(REF, deadline_s=5.0)
    world.settle()
    told = world.last(REF, Verb.CANCEL)
    assert (told.state, told.cancelled_by) == (State.SUCCEEDED, CancelledBy.VOIDED)
    assert world.wrong_with(REF) == []
