"""Money given back: in parts, in doubt, by somebody else, and taken back by PayPal."""

from __future__ import annotations

import pytest
from tests.simulate.paypal.shop import PRICE, Shop

from payport.schemas import Declined, FactKind, Money, NotSent, Pending, Reason, Succeeded
from payport.sdk.journal.records import State, Verb
from payport.sdk.testing import Fault

REF = "SHOP10010001"
PART = Money.of("2.00", "USD")


def test_each_part_goes_back_under_its_own_reference(shop: Shop) -> None:
    """Never more than was paid, in this journal and at PayPal."""
    shop.sell(REF)
    for ref, value in (("BACK00000001", "2.00"), ("BACK00000002", "10.34")):
        told = shop.gateway.refund(REF, ref, Money.of(value, "USD"), reason="too cold")
        assert isinstance(told, Succeeded)
        assert Money.of(value, "USD") == told.value.amount
    assert isinstance(shop.gateway.refund(REF, "BACK00000003", Money.of("0.01", "USD")), NotSent)
    assert shop.partner.ledger.refunded_total() == PRICE
    refs = [row.refund_ref for row in shop.partner.ledger.refunds(f"{REF}T001")]
    assert refs == ["BACK00000001R001", "BACK00000002R001"]


def test_our_own_refunds_are_told_by_their_own_operations(shop: Shop) -> None:
    """A question about the payment adds no fact for them; for one made on PayPal's pages it does."""
    shop.sell(REF)
    shop.gateway.refund(REF, "BACK00000001", PART)
    number = shop.partner.refund_by_hand(f"{REF}T001", Money.of("1.00", "USD"))
    paid = shop.gateway.query(REF).outcome
    assert isinstance(paid, Succeeded)
    facts = [(fact.kind, fact.amount, str(fact.partner_id)) for fact in paid.value.facts]
    assert [(FactKind.REFUNDED, Money.of("1.00", "USD"), number)] == facts


def test_a_refund_in_doubt_is_found_in_the_order(shop: Shop) -> None:
    """PayPal shows every refund of an order with our own reference: it is found without its number."""
    shop.sell(REF)
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="captures.refund", times=3)
    shop.gateway.refund(REF, "BACK00000001", PART, deadline_s=1.0)
    shop.partner.forget_request_ids()
    found = shop.gateway.query_refund(REF, "BACK00000001").outcome
    assert isinstance(found, Succeeded)
    assert found.value.amount == PART


def test_a_refund_that_never_arrived_is_sent_again_for_a_day(shop: Shop) -> None:
    """PayPal knows the request's id for 45: to send the identical refund again is safe."""
    shop.sell(REF)
    shop.partner.faults.next(Fault.SILENCE, method="captures.refund", times=3)
    shop.gateway.refund(REF, "BACK00000001", PART, deadline_s=1.0)
    shop.time.pass_by(20 * 3_600)
    shop.gateway.resolve(REF)
    assert State.SUCCEEDED is shop.last(REF, Verb.REFUND).state
    assert shop.partner.ledger.refunded_total() == PART


def test_a_refund_that_was_not_taken_for_a_day_is_for_a_person(shop: Shop) -> None:
    """Whatever keeps it from arriving, sending it for weeks would not mend it."""
    shop.sell(REF)
    shop.partner.faults.next(Fault.SILENCE, method="captures.refund", times=3)
    shop.gateway.refund(REF, "BACK00000001", PART, deadline_s=1.0)
    shop.time.pass_by(7 * 86_400)
    shop.gateway.resolve(REF)
    left = shop.last(REF, Verb.REFUND)
    assert left.state is State.DOUBT
    assert "the same request may not be sent again" in (left.for_person or "")


def test_too_little_money_is_the_merchants_own_trouble(shop: Shop) -> None:
    """REFUND_FAILED_INSUFFICIENT_FUNDS: top up, then ask again under the same reference."""
    shop.sell(REF)
    shop.partner.fund(Money.of("1.00", "USD"))
    told = shop.gateway.refund(REF, "BACK00000001", PART)
    assert isinstance(told, Declined)
    assert Reason.MERCHANT_FUNDS is told.reason
    shop.partner.fund(Money.of("100.00", "USD"))
    assert isinstance(shop.gateway.refund(REF, "BACK00000001", PART), Succeeded)


@pytest.mark.parametrize(("succeed", "ends"), [(True, Succeeded), (False, Declined)])
def test_a_refund_to_a_bank_account_is_pending(shop: Shop, succeed: bool, ends: type) -> None:
    """And may still fail."""
    shop.sell(REF)
    shop.partner.faults.next(Fault.SLOW_PROCESSING, method="captures.refund")
    assert isinstance(shop.gateway.refund(REF, "BACK00000001", PART), Pending)
    shop.partner.process(succeed=succeed)
    assert isinstance(shop.gateway.query_refund(REF, "BACK00000001").outcome, ends)


def test_a_payment_given_back_by_hand_is_not_given_back_again(shop: Shop) -> None:
    """The event tells; a refund of ours is then refused here, and a cancel finds nothing left."""
    shop.sell(REF)
    shop.partner.refund_by_hand(f"{REF}T001")
    shop.receive_all()
    assert isinstance(shop.gateway.refund(REF, "BACK00000001", PART), NotSent)
    told = shop.gateway.cancel(REF, reverse_paid=True)
    assert isinstance(told, Succeeded)
    assert shop.partner.ledger.refunded_total() == PRICE


def test_a_reversal_whose_answer_was_lost_is_recognised_as_ours(shop: Shop) -> None:
    """CAPTURE_FULLY_REFUNDED, and PayPal's order shows the refund with the cancel's own reference."""
    shop.sell(REF)
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="captures.refund", times=3)
    shop.gateway.cancel(REF, reverse_paid=True, deadline_s=1.0)
    shop.partner.forget_request_ids()
    shop.gateway.resolve(REF)
    cancel = shop.last(REF, Verb.CANCEL)
    assert (cancel.state, cancel.cancelled_by.value if cancel.cancelled_by else "") == (State.SUCCEEDED, "reversed")
    assert shop.partner.ledger.refunded_total() == PRICE
