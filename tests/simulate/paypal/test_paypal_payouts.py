"""Payouts: a batch of one item, unclaimed money, money that comes back."""

from __future__ import annotations

import pytest
from tests.simulate.paypal.shop import Shop

from payport.adapters.paypal import PayeeKind, PayPalPayee
from payport.adapters.paypal.endpoints import PAYOUT_ITEM_CANCEL, PayoutItemCancel
from payport.schemas import Declined, FactKind, Money, PayoutOrder, Pending, Reason, Succeeded, Unknown
from payport.sdk import ReferenceConflict
from payport.sdk.journal.records import Verb
from payport.sdk.testing import Fault

REF = "WAGES0000001"
FIVE = Money.of("5.00", "USD")
WORKER = PayPalPayee(kind=PayeeKind.EMAIL, receiver="worker@example.com", note="November")
STRANGER = PayPalPayee(kind=PayeeKind.EMAIL, receiver="stranger@example.com")


def pay_out(shop: Shop, payee: PayPalPayee = WORKER, amount: Money = FIVE) -> object:
    """Ask to send money."""
    return shop.gateway.payout(PayoutOrder(ref=REF, amount=amount, subject="Wages"), payee)


@pytest.mark.parametrize("kind", PayeeKind, ids=str)
def test_money_is_sent_once(shop: Shop, kind: PayeeKind) -> None:
    """Accepted, then arrived; asking again sends nothing more."""
    payee = PayPalPayee(kind=kind, receiver="QYR5Z8XDVJNXQ" if kind is PayeeKind.PAYPAL_ID else "+14085551212")
    assert isinstance(pay_out(shop, payee), Pending)
    assert isinstance(pay_out(shop, payee), Pending)
    shop.partner.process()
    told = shop.gateway.query_payout(REF).outcome
    assert isinstance(told, Succeeded)
    assert told.value.amount == FIVE
    assert len(shop.partner.ledger.transfers(f"{REF}P001")) == 1


def test_another_payee_under_the_same_reference_is_a_conflict(shop: Shop) -> None:
    """Before anything is sent."""
    pay_out(shop)
    with pytest.raises(ReferenceConflict):
        pay_out(shop, STRANGER)


def test_unclaimed_money_is_on_its_way_for_thirty_days(shop: Shop) -> None:
    """It left the merchant and nobody has it: pending, with the reason; claimed, it arrived."""
    pay_out(shop, STRANGER)
    shop.partner.process()
    assert isinstance(shop.gateway.query_payout(REF).outcome, Pending)
    assert shop.last(REF, Verb.PAYOUT).message.startswith("unclaimed")
    shop.partner.move_payout(f"{REF}P001", "SUCCESS")
    assert isinstance(shop.gateway.query_payout(REF).outcome, Succeeded)


def test_money_that_nobody_claimed_comes_back(shop: Shop) -> None:
    """After 30 days by itself: declined, so that it may be sent another way."""
    pay_out(shop, STRANGER)
    shop.partner.process()
    shop.gateway.query_payout(REF)
    shop.time.pass_by(31 * 86_400)
    told = shop.gateway.query_payout(REF).outcome
    assert isinstance(told, Declined)
    assert told.message == "the money came back: RETURNED"


def test_unclaimed_money_is_taken_back_by_a_native_call(shop: Shop) -> None:
    """Typed, and the next question tells."""
    pay_out(shop, STRANGER)
    shop.partner.process()
    shop.gateway.query_payout(REF)
    number = shop.last(REF, Verb.PAYOUT).ids["item_id"]
    back = shop.gateway.native(PAYOUT_ITEM_CANCEL, PayoutItemCancel(payout_item_id=number))
    assert isinstance(back, Succeeded)
    assert back.value.transaction_status == "RETURNED"
    assert isinstance(shop.gateway.query_payout(REF).outcome, Declined)


@pytest.mark.parametrize("status", ["RETURNED", "REFUNDED", "REVERSED"])
def test_money_that_comes_back_after_it_arrived_is_a_fact(shop: Shop, status: str) -> None:
    """The answer stays; what happened later stands beside it."""
    pay_out(shop)
    shop.partner.process()
    shop.gateway.query_payout(REF)
    shop.partner.move_payout(f"{REF}P001", status)
    told = shop.gateway.query_payout(REF).outcome
    assert isinstance(told, Succeeded)
    assert [fact.kind for fact in told.value.facts] == [FactKind.TRANSFER_RETURNED]


def test_too_little_money_is_said(shop: Shop) -> None:
    """PayPal accepts the batch and fails its item."""
    shop.partner.fund(Money.of("1.00", "USD"))
    pay_out(shop)
    shop.partner.process()
    told = shop.gateway.query_payout(REF).outcome
    assert isinstance(told, Declined)
    assert (told.reason, told.partner_code) == (Reason.MERCHANT_FUNDS, "INSUFFICIENT_FUNDS")


def test_a_payee_is_named_within_paypals_bounds() -> None:
    """And shows itself nowhere."""
    with pytest.raises(ValueError, match="receiver"):
        PayPalPayee(kind=PayeeKind.EMAIL, receiver="")
    with pytest.raises(ValueError, match="note"):
        PayPalPayee(kind=PayeeKind.EMAIL, receiver="a@example.com", note="x" * 4001)
    assert "worker@" not in repr(WORKER)


@pytest.mark.parametrize("again", ["resume", "payout"])
def test_a_refused_repetition_says_nothing_of_the_batch_before(shop: Shop, again: str) -> None:
    """Pain: carried out without an answer, repeated, refused for too many calls, told as declined, and sent twice."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="payouts.post", times=3)
    order = PayoutOrder(ref=REF, amount=FIVE, subject="Wages")
    assert isinstance(shop.gateway.payout(order, WORKER, deadline_s=1.0), Unknown)
    shop.time.pass_by(120)
    shop.partner.faults.clear()
    shop.partner.faults.next(Fault.RATE_LIMITED, method="payouts.post", times=3)
    if again == "resume":
        shop.gateway.resume()
    else:
        assert isinstance(shop.gateway.payout(order, WORKER, deadline_s=1.0), Unknown | Pending)
    assert not shop.last(REF, Verb.PAYOUT).state.final
    shop.partner.faults.clear()
    shop.time.pass_by(3600)
    shop.gateway.payout(order, WORKER)
    shop.partner.process()
    assert isinstance(shop.gateway.query_payout(REF).outcome, Succeeded)
    assert len(shop.partner.ledger.transfers()) == 1
