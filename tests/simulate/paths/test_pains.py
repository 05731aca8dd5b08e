"""What went wrong in other libraries and shops with this partner, each as a test that names the pain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from tests.support.paths import World, action_of, order
from tests.support.scenarios import YUAN, pay_scanned

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import Quirks
from payport.adapters.alipay.simulator.keys import pair
from payport.adapters.alipay.simulator.rows import RefundRow, RefundStatus
from payport.schemas import (
    Authorized,
    CaptureMode,
    FactKind,
    Money,
    NotSent,
    QrScanned,
    QrShown,
    Rejected,
    Succeeded,
    Unknown,
    UnknownKind,
    Verified,
)
from payport.sdk.errors import ConfigurationError
from payport.sdk.events import Mismatch, Surplus
from payport.sdk.journal.records import State, Verb
from payport.sdk.testing.faults import Fault

REF = "SHOP10010001"


def code(world: World) -> QrScanned:
    return QrScanned(auth_code=world.partner.payer.code())


def paid_by_code(world: World, metadata: Mapping[str, str] | None = None) -> None:
    """A shown code, paid."""
    world.partner.payer.open(action_of(world.worker.pay(order(REF, metadata=metadata), QrShown())))


def test_a_brace_in_a_text_does_not_break_the_signature(world: World) -> None:
    """Pain: signed content cut out of the reply at the first ``}``, so that a shop's name made every payment fail."""
    world.partner.quirks = Quirks(hostile_texts=True, blanks=True, escaped_slashes=True, cert_sn_first=True)
    assert isinstance(world.worker.pay(order(REF), code(world)), Succeeded)


def test_a_literal_plus_in_a_notice_stays_a_plus(world: World) -> None:
    """Pain: a framework decoded ``+`` to a blank before the signature was checked."""
    paid_by_code(world, metadata={"cart": "1+1 = 2", "note": "a b"})
    answer = world.worker.receive(world.partner.notices[0])
    assert isinstance(answer, Verified)
    assert b"%2B" in world.partner.notices[0].body


@pytest.mark.parametrize("fault", [Fault.BAD_GATEWAY, Fault.COMMIT_THEN_BAD_GATEWAY])
def test_a_502_in_html_is_a_doubt_and_no_exception(world: World, fault: Fault) -> None:
    """Pain: ``JSONDecodeError`` out of the library, money taken, order lost."""
    world.partner.faults.next(fault, "alipay.trade.pay")
    outcome = world.worker.pay(order(REF), code(world), deadline_s=2)
    assert isinstance(outcome, Unknown)
    assert outcome.cause.kind is UnknownKind.PARTNER_FAULT


@pytest.mark.parametrize("fault", [Fault.UNSIGNED_ERROR, Fault.COMMIT_THEN_UNSIGNED_ERROR])
def test_an_unsigned_gateway_error_is_not_a_business_result(world: World, fault: Fault) -> None:
    """Pain: an error that anybody could have written was taken for a refusal, and the order was paid again."""
    world.partner.faults.next(fault, "alipay.trade.pay")
    outcome = world.worker.pay(order(REF), code(world), deadline_s=2)
    assert isinstance(outcome, Unknown)
    assert outcome.cause.kind is UnknownKind.UNVERIFIED
    world.settle()
    assert world.wrong_with(REF) == []


def test_the_own_key_configured_as_alipays_is_named(world: World) -> None:
    """Pain: the application's public key pasted where Alipay's belongs; every reply then fails without a word why."""
    own = replace(world.partner.account, alipay_public_key=pair("application").public_base64())
    with pytest.raises(ConfigurationError, match="the application's own key, not Alipay's"):
        Alipay(own)


def test_a_second_partial_refund_is_not_swallowed(world: World) -> None:
    """Pain: both refunds without a request number of their own, so Alipay took the second for a repetition."""
    pay_scanned(world, REF).finish()
    first, second = (world.worker.refund(REF, number, YUAN) for number in ("BACK0001", "BACK0002"))
    assert [first.unwrap().amount, second.unwrap().amount] == [YUAN, YUAN]
    assert len(world.partner.ledger.refunds(f"{REF}T001")) == 2


def test_fund_change_n_is_asked_about(world: World) -> None:
    """Pain: ``code=10000`` with ``fund_change=N`` booked as a refund of now, or as none."""
    pay_scanned(world, REF).finish()
    world.partner.faults.next(Fault.COMMIT_THEN_RESET, "alipay.trade.refund")
    assert isinstance(world.worker.refund(REF, "BACK0001", YUAN), Succeeded)
    assert world.calls()[-3:] == ["trade.refund", "trade.refund", "trade.fastpay.refund.query"]
    assert len(world.partner.ledger.refunds(f"{REF}T001")) == 1


def test_refunds_never_exceed_the_payment_those_in_doubt_counted(world: World) -> None:
    """Pain: two refunds of the whole amount, each checked before the other was booked."""
    pay_scanned(world, REF).finish()
    world.partner.faults.next(Fault.SILENCE, "alipay.trade.refund", times=3)
    assert isinstance(world.worker.refund(REF, "BACK0001", YUAN * 12), Unknown)
    refused = world.worker.refund(REF, "BACK0002", YUAN)
    assert isinstance(refused, NotSent)
    assert "refunds in doubt counted" in refused.cause.detail
    world.settle()
    assert world.wrong_with(REF) == []


def test_a_wrong_amount_in_an_authentic_reply_is_a_doubt_and_an_alert(world: World) -> None:
    """Pain: ``trade_status`` read, ``total_amount`` not: one fen paid for a phone."""
    world.partner.faults.next(Fault.WRONG_AMOUNT, "alipay.trade.pay")
    outcome = world.worker.pay(order(REF), code(world), deadline_s=2)
    assert isinstance(outcome, Unknown)
    assert outcome.cause.kind is UnknownKind.MISMATCH
    assert [event.field for event in world.events if isinstance(event, Mismatch)] == ["amount"]


def test_a_wrong_amount_in_an_authentic_notice_pays_nothing(world: World) -> None:
    """Pain: the notice's status believed without its amount."""
    action = world.worker.pay(order(REF), QrShown())
    world.partner.payer.open(action_of(action))
    raw = world.partner.notices.altered(world.partner.notices[0], {"total_amount": "0.01"})
    assert isinstance(world.worker.receive(raw), Verified)
    assert world.last(REF).state is State.ACTION
    assert [event.field for event in world.events if isinstance(event, Mismatch)] == ["amount"]


def test_a_forged_notice_changes_nothing(world: World) -> None:
    """Pain: notices believed without their signature."""
    paid_by_code(world)
    for raw in (
        world.partner.notices.forged(world.partner.notices[0], {"out_trade_no": f"{REF}T001", "total_amount": "0.01"}),
        world.partner.notices.unsigned(world.partner.notices[0]),
    ):
        assert isinstance(world.worker.receive(raw), Rejected)
    assert world.last(REF).state is State.ACTION


def test_a_notice_of_a_year_ago_is_applied_once_and_undoes_nothing(world: World) -> None:
    """Pain: a replayed notice set a refunded order to paid. Alipay signs no time that could be checked."""
    paid_by_code(world)
    old = world.partner.notices[0]
    world.worker.receive(old)
    world.worker.refund(REF, "BACK0001", YUAN * 12)
    world.time.pass_by(365 * 86_400)
    before = world.history(REF)
    again = world.worker.receive(old)
    assert isinstance(again, Verified)
    assert not again.first_seen
    assert world.history(REF) == before


def test_a_timeout_after_the_commit_is_one_charge(world: World) -> None:
    """Pain: time-out taken for failure, charged again."""
    world.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "alipay.trade.pay")
    assert isinstance(world.worker.pay(order(REF), code(world), deadline_s=30), Succeeded)
    assert len(world.partner.ledger.charges(starting_with=REF)) == 1


def test_notices_in_any_order_and_number_end_the_same(tmp_path: Path) -> None:
    """Pain: a late *waiting* notice after *paid*, a refund's notice before the payment's."""
    ends: set[tuple[object, ...]] = set()
    rest = order(REF).amount - YUAN * 3
    for number, turns in enumerate(permutations(range(4))):
        folder = tmp_path / str(number)
        folder.mkdir()
        with World(folder) as world:
            world.partner.notices.statuses = frozenset({"WAIT_BUYER_PAY", "TRADE_SUCCESS", "TRADE_CLOSED"})
            paid_by_code(world)
            for refund_ref, amount in (("BACK0001", YUAN), ("BACK0002", YUAN * 2), ("BACK0003", rest)):
                refund(world, refund_ref, amount)
            assert len(world.partner.notices) == 4
            for turn in (*turns, *reversed(turns)):
                assert isinstance(world.worker.receive(world.partner.notices[turn]), Verified)
            last = world.last(REF)
            ends.add((last.state, last.settled, last.partner_id, frozenset(fact.amount for fact in last.facts)))
    assert len(ends) == 1


def refund(world: World, out_request_no: str, amount: Money) -> None:
    """A refund made in the partner's console, of which this journal knows nothing."""
    books = world.partner._books  # pyright: ignore[reportPrivateUsage]  # nobody but Alipay's staff can do this
    with books.lock:
        row = books.trades[f"{REF}T001"]
        back = RefundRow(
            out_request_no=out_request_no,
            amount_minor=amount.amount_minor,
            at=world.time.at,
            status=RefundStatus.PROCESSING,
        )
        row.refunds[out_request_no] = back
        books.give_back(row, back, world.time.at)
    world.partner.ledger.entries()


def test_a_notice_before_the_reply_is_not_lost(world: World) -> None:
    """Pain: the notice finds no order yet, or the reply overwrites what the notice said."""
    run = world.run(lambda desk, alipay: desk.pay(alipay, order(REF), code(world), 10))
    while run.effects[-1:] != ["Send"]:
        run.step()
    answer = world.worker.receive(world.partner.notices[0])
    assert isinstance(answer, Verified)
    assert answer.event.ref == REF
    assert isinstance(run.finish(), Succeeded)
    assert [line.source for line in world.history(REF)][:2] == ["intent", "notice"]
    assert world.wrong_with(REF) == []


def test_a_notice_of_an_order_that_nobody_knows_is_kept(world: World) -> None:
    """Pain: *unknown order* answered with an error, and Alipay gave up after a day."""
    paid_by_code(world)
    raw = world.partner.notices.altered(world.partner.notices[0], {"out_trade_no": "SOMEBODYELSE"})
    answer = world.worker.receive(raw)
    assert isinstance(answer, Verified)
    assert answer.acknowledgement.body == b"success"
    assert answer.event.ref is None


def test_a_reversed_order_raises_no_alarm_when_its_notice_comes_late(world: World) -> None:
    """Pain: the notice of the payment arrives after the counter gave up and gave the money back."""
    world.partner.hold_notices()
    world.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "alipay.trade.pay")
    world.worker.pay(order(REF), code(world), deadline_s=2)
    assert isinstance(world.worker.cancel(REF, reverse_paid=True), Succeeded)
    for raw in world.partner.release_notices(copies=2, shuffle_seed=1):
        world.worker.receive(raw)
    world.worker.query(REF)
    assert world.last(REF).state is State.DECLINED
    assert not [event for event in world.events if isinstance(event, Surplus)]


def test_a_payment_that_was_told_is_not_given_back_by_the_counter(world: World) -> None:
    """Pain: the cancel of a scanned code that nobody answered reverses the payment that the shop had meanwhile seen."""
    world.partner.faults.next(Fault.LATE_ARRIVAL, "alipay.trade.pay", delay_s=55)
    world.worker.pay(order(REF), code(world), deadline_s=2)
    world.time.pass_by(46)
    world.forget_leases()
    world.worker.resume()
    assert world.last(REF, Verb.CANCEL).state is State.PENDING
    world.time.pass_by(10)
    world.partner.ledger.charges()  # the late request arrives
    world.worker.receive(world.partner.notices[0])
    assert world.last(REF).state is State.SUCCEEDED
    world.settle()
    assert world.net_minor(REF) == order(REF).amount.amount_minor
    assert world.last(REF, Verb.CANCEL).state is State.DECLINED


def test_a_paid_order_that_the_partner_denies_is_not_called_cancelled(world: World) -> None:
    """A query that lags behind after the order's time: the journal knows better than *does not exist*."""
    pay_scanned(world, REF).finish()
    world.time.pass_by(3 * 3600)
    world.partner.faults.next(Fault.NOT_FOUND, "alipay.trade.cancel")
    outcome = world.worker.cancel(REF, reverse_paid=True)
    assert isinstance(outcome, Unknown)
    assert not world.last(REF).facts
    world.settle()
    assert [fact.kind for fact in world.last(REF).facts] == [FactKind.REFUNDED]
    assert world.wrong_with(REF) == []


def test_a_refusal_that_nobody_explains_ends_no_cancel(world: World) -> None:
    """Pain: "cannot be closed" was taken for "paid", and the order stayed open for good. It is looked at again."""
    world.partner.payer.leave(action_of(world.worker.pay(order(REF), QrShown())))
    world.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "alipay.trade.close", times=3)
    assert isinstance(world.worker.cancel(REF), Unknown)
    world.partner.faults.next(Fault.RESET, "alipay.trade.query", times=3)
    assert isinstance(world.worker.cancel(REF), Unknown), "the close is refused, and the question is not answered"
    world.partner.faults.clear()
    assert isinstance(world.worker.cancel(REF), Succeeded)


def test_a_hold_that_was_released_before_is_no_refusal(world: World) -> None:
    """Pain: the release got no answer, the next one was refused, and a hold that is gone was shown as held."""
    held = world.worker.pay(order(REF, capture=CaptureMode.MANUAL), code(world))
    assert isinstance(held, Authorized)
    release, question = "alipay.fund.auth.order.unfreeze", "alipay.fund.auth.operation.detail.query"
    world.partner.faults.next(Fault.COMMIT_THEN_RESET, release)
    world.partner.faults.next(Fault.RESET, question)
    assert isinstance(world.worker.cancel(REF), Unknown | Succeeded)
    world.partner.faults.clear()
    world.partner.faults.next(Fault.RESET, question)
    world.worker.cancel(REF)
    world.partner.faults.clear()
    assert isinstance(world.worker.cancel(REF), Succeeded)
    world.must_agree()
