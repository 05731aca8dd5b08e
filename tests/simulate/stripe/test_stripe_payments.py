"""Paying through Stripe, end to end: each way, each end, and money that comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.simulate.stripe.shop import EUROS, Shop, card

from payport.adapters.stripe import Stripe, StripeElements, StripePayee
from payport.adapters.stripe.simulator import CannotPay, StripeSimulator
from payport.schemas import (
    ActionRequired,
    AppParameters,
    Authorized,
    Declined,
    HostedPage,
    Money,
    NotSent,
    PayoutOrder,
    Pending,
    Redirect,
    Succeeded,
)
from payport.schemas.outcome import Reason
from payport.schemas.payment import CancelledBy, FactKind
from payport.schemas.references import PartnerId
from payport.sdk.events import Mismatch
from payport.sdk.journal.records import State, Verb
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.testing.openapi import RecordingTransport


def test_the_number_is_in_the_journal_before_money_can_move(shop: Shop) -> None:
    """While the confirmation is carried out, the journal knows which intent it is about."""
    known: list[str | None] = []

    def look(call: str) -> None:
        if call == "payment_intents.confirm":
            known.append(shop.last("SHOP00000001").ids.get("payment_intent"))

    shop.partner.on_commit = look
    _, outcome = shop.pay()
    assert isinstance(outcome, Succeeded)
    assert known == [outcome.value.partner_id and outcome.value.partner_id.value]


# Why and Stripe's code; the payment method.
DECLINES = [
    (Reason.DECLINED, "generic_decline", card("pm_card_chargeDeclined")),
    (Reason.INSUFFICIENT_FUNDS, "insufficient_funds", card("pm_card_chargeDeclinedInsufficientFunds")),
    (Reason.BLOCKED, "lost_card", card("pm_card_chargeDeclinedLostCard")),
    (Reason.DECLINED, "expired_card", card("pm_card_chargeDeclinedExpiredCard")),
    (Reason.LIMIT_EXCEEDED, "card_velocity_exceeded", card("pm_card_chargeDeclinedVelocityLimitExceeded")),
    (Reason.DECLINED, "authentication_required", card("pm_card_authenticationRequired", off_session=True)),
    (Reason.NOT_FOUND, "resource_missing", card("pm_card_ofNobody")),
]


@pytest.mark.parametrize(("reason", "code", "method"), DECLINES, ids=[row[1] for row in DECLINES])
def test_a_decline_and_another_card(shop: Shop, reason: Reason, code: str, method: object) -> None:
    """Stripe's published test methods. Nobody but us could try the intent again, so another attempt may open."""
    order = shop.order()
    outcome = shop.gateway.pay(order, method)  # type: ignore[arg-type]  # one of a table
    assert isinstance(outcome, Declined)
    assert (outcome.reason, outcome.partner_code) == (reason, code)
    assert isinstance(shop.gateway.pay(order, card()), Succeeded)
    assert shop.charged(order.ref) == 1


def test_a_decline_keeps_the_number_of_its_intent(shop: Shop) -> None:
    """So that it is found in Stripe's Dashboard."""
    ref, _ = shop.pay(card("pm_card_chargeDeclined"))
    assert (shop.last(ref).partner_id or "").startswith("pi_")


def test_a_bank_that_asks_who_one_is(shop: Shop) -> None:
    """3-D Secure: a redirect, and after it Stripe is asked; what the browser brings back proves nothing."""
    ref, action = shop.show(card("pm_card_authenticationRequired"))
    assert isinstance(action, Redirect)
    assert isinstance(shop.outcome(ref), ActionRequired)
    visit = shop.partner.payer.open(action)
    assert visit.return_url is not None
    assert "redirect_status=succeeded" in visit.return_url
    assert isinstance(shop.outcome(ref), Succeeded)


def test_a_failed_authentication_ends_the_intent_before_the_attempt(shop: Shop) -> None:
    """Stripe puts the client secret on the return address, so the payer's browser could confirm the intent again.

    The attempt is called over only once Stripe has canceled it.
    """
    ref, action = shop.show(card("pm_card_authenticationRequired"))
    number = shop.partner.payer.leave(action).number
    visit = shop.partner.payer.cancel(number)
    assert visit.return_url is not None
    secret = visit.return_url.partition("payment_intent_client_secret=")[2].partition("&")[0]
    outcome = shop.outcome(ref)
    assert isinstance(outcome, Declined)
    assert outcome.partner_code == "payment_intent_authentication_failure"
    with pytest.raises(CannotPay, match="canceled"):
        shop.partner.payer.confirm_with(secret)
    assert shop.charged(ref) == 0


def test_a_payer_who_used_the_secret_first_has_paid(shop: Shop) -> None:
    """The other order of the same race: paid is paid."""
    ref, action = shop.show(card("pm_card_authenticationRequired"))
    visit = shop.partner.payer.cancel(shop.partner.payer.leave(action).number)
    assert visit.return_url is not None
    secret = visit.return_url.partition("payment_intent_client_secret=")[2].partition("&")[0]
    shop.partner.payer.confirm_with(secret)
    assert isinstance(shop.outcome(ref), Succeeded)


def test_a_notice_of_a_failed_authentication_takes_the_old_page_back(shop: Shop) -> None:
    """Asking for the payment again does not offer a page that is used up: it ends the attempt and opens another."""
    order = shop.order()
    outcome = shop.gateway.pay(order, card("pm_card_authenticationRequired"))
    assert isinstance(outcome, ActionRequired)
    shop.partner.payer.cancel(shop.partner.payer.leave(outcome.action).number)
    shop.receive_all()
    assert isinstance(shop.gateway.pay(order, card("pm_card_authenticationRequired")), Declined)
    again = shop.gateway.pay(order, card("pm_card_authenticationRequired"))
    assert isinstance(again, ActionRequired)
    assert again.action != outcome.action


def test_without_a_way_back_stripe_js_does_the_authentication(shop: Shop) -> None:
    """The client secret is handed out instead of a page."""
    shop.gateway.close()
    shop.partner = StripeSimulator(clock=shop.time, return_url=None)
    shop.wire.inner = shop.partner.transport()
    shop.gateway = shop.open()
    ref, action = shop.show(card("pm_card_authenticationRequired"))
    assert isinstance(action, AppParameters)
    shop.partner.payer.open(action)
    assert isinstance(shop.outcome(ref), Succeeded)


def test_elements_let_the_payer_try_again(shop: Shop) -> None:
    """The browser confirms. A refusal leaves the order payable, with the reason beside it; cancelling fences it."""
    ref, action = shop.show(StripeElements())
    assert isinstance(action, AppParameters)
    assert action.fields["publishable_key"] == shop.partner.account.publishable_key
    with pytest.raises(CannotPay):
        shop.partner.payer.open(action, "pm_card_chargeDeclinedInsufficientFunds")
    outcome = shop.outcome(ref)
    assert isinstance(outcome, ActionRequired)
    assert outcome.last_refusal is Reason.INSUFFICIENT_FUNDS
    shop.partner.payer.open(action)
    assert isinstance(shop.outcome(ref), Succeeded)


def test_elements_end_when_their_time_is_over(shop: Shop) -> None:
    """Stripe keeps an intent open for ever: resume cancels it."""
    ref, action = shop.show(StripeElements())
    shop.time.pass_by(3600 + 121)
    shop.gateway.resume()
    assert isinstance(shop.outcome(ref), Declined)
    with pytest.raises(CannotPay, match="canceled"):
        shop.partner.payer.open(action)


def test_a_page_is_paid_or_expires(shop: Shop) -> None:
    """Checkout ends by itself: its end stands on the wire."""
    paid, action = shop.show(HostedPage())
    with pytest.raises(CannotPay, match="insufficient"):
        shop.partner.payer.open(action, "pm_card_chargeDeclinedInsufficientFunds")
    assert isinstance(shop.outcome(paid), ActionRequired)
    shop.partner.payer.open(action)
    assert isinstance(shop.outcome(paid), Succeeded)
    left, action = shop.show(HostedPage())
    shop.time.pass_by(3601)
    with pytest.raises(CannotPay, match="expired"):
        shop.partner.payer.open(action)
    outcome = shop.outcome(left)
    assert isinstance(outcome, Declined)
    assert outcome.reason is Reason.EXPIRED


def test_a_page_with_a_debit_that_comes_back(shop: Shop) -> None:
    """Used, and pending for days; then the bank says no."""
    ref, action = shop.show(HostedPage())
    shop.partner.payer.open(action, "pm_usBankAccount_insufficientFunds")
    assert isinstance(shop.outcome(ref), Pending)
    shop.partner.process()
    shop.receive_all()
    assert isinstance(shop.outcome(ref), Declined)


def test_a_hold_is_captured_in_parts(shop: Shop) -> None:
    """Each capture proves itself; together never more than was held."""
    ref, outcome = shop.pay(card(multicapture=True), hold=True)
    assert isinstance(outcome, Authorized)
    first = shop.gateway.capture(ref, Money.of("5.00", "EUR"), capture_ref="PART0001", final=False)
    assert isinstance(first, Succeeded)
    assert first.value.amount == Money.of("5.00", "EUR")
    last = shop.gateway.capture(ref, Money.of("4.00", "EUR"), capture_ref="PART0002")
    assert isinstance(last, Succeeded)
    (hold,) = shop.partner.ledger.holds()
    assert (hold.captured, hold.rest) == (Money.of("9.00", "EUR"), Money.zero("EUR"))
    assert isinstance(shop.gateway.refund(ref, "BACK0001", Money.of("4.00", "EUR")), Succeeded)


def test_a_hold_that_was_not_made_for_parts_is_captured_once(shop: Shop) -> None:
    """Stripe says so; the rest can still be captured as a whole."""
    ref, _ = shop.pay(hold=True)
    assert isinstance(shop.gateway.capture(ref, Money.of("5.00", "EUR"), capture_ref="PART0001", final=False), Declined)
    assert isinstance(shop.gateway.capture(ref, capture_ref="PART0002"), Succeeded)


def test_a_hold_ends_after_seven_days(shop: Shop) -> None:
    """Stripe lets it go by itself: a fact beside what was authorized."""
    ref, _ = shop.pay(hold=True)
    shop.time.pass_by(7 * 86_400 + 1)
    shop.partner.advance(0)
    shop.receive_all()
    assert [fact.kind for fact in shop.facts(ref)] == [FactKind.RELEASED]


@pytest.mark.parametrize(("by", "hold"), [(CancelledBy.CLOSED, False), (CancelledBy.VOIDED, True)])
def test_a_page_with_a_hold_is_ended_by_what_it_became(shop: Shop, by: CancelledBy, hold: bool) -> None:
    """Open: expired. Used for a hold: released, though the journal did not know yet."""
    ref, action = shop.show(HostedPage(), hold=hold)
    if hold:
        shop.partner.payer.open(action)
    ended = shop.gateway.cancel(ref)
    assert isinstance(ended, Succeeded)
    assert ended.value.by is by
    assert shop.charged(ref) == 0


def test_what_is_paid_is_not_cancelled_unless_it_is_to_be_given_back(shop: Shop) -> None:
    """Refused, then reversed; the reversal is not a second refund when it is asked for again."""
    ref, _ = shop.pay()
    assert isinstance(shop.gateway.cancel(ref), Declined)
    reversed_ = shop.gateway.cancel(ref, reverse_paid=True)
    assert isinstance(reversed_, Succeeded)
    assert reversed_.value.by is CancelledBy.REVERSED
    shop.gateway.cancel(ref, reverse_paid=True)
    assert len(shop.partner.ledger.refunds(starting_with=ref)) == 1


def test_a_reversal_that_takes_its_time(shop: Shop) -> None:
    """Pending under its key for a day; its number tells when it is done."""
    ref, _ = shop.pay(card("pm_card_pendingRefund"))
    assert isinstance(shop.gateway.cancel(ref, reverse_paid=True), Pending)
    shop.partner.process()
    assert isinstance(shop.gateway.cancel(ref, reverse_paid=True), Succeeded)


def test_a_reversal_is_told_by_its_webhook_as_one(shop: Shop) -> None:
    """The refund that ends it says which payment it gives back: both end together, and part of it went back before."""
    ref, _ = shop.pay(card("pm_card_pendingRefund"))
    assert isinstance(shop.gateway.refund(ref, "BACK0001", Money.of("1.00", "EUR")), Pending)
    told_early = shop.gateway.cancel(ref, reverse_paid=True)
    assert isinstance(told_early, NotSent)  # whatever comes of the refund decides how much there is to give back
    shop.partner.process()
    shop.receive_all()
    assert isinstance(shop.gateway.cancel(ref, reverse_paid=True), Pending)
    shop.partner.process()
    shop.receive_all()
    assert shop.last(ref, Verb.CANCEL).state is State.SUCCEEDED
    told = shop.gateway.cancel(ref, reverse_paid=True)
    assert isinstance(told, Succeeded)
    assert told.value.by is CancelledBy.REVERSED
    assert (FactKind.REFUNDED, EUROS) in [(fact.kind, fact.amount) for fact in shop.facts(ref)]
    assert not [event for event in shop.events if isinstance(event, Mismatch)]


def test_the_refund_of_a_reversal_that_fails_later(shop: Shop) -> None:
    """The money is back here, and the payer has none: a fact says so."""
    ref, _ = shop.pay(card("pm_card_refundFail"))
    assert isinstance(shop.gateway.cancel(ref, reverse_paid=True), Succeeded)
    shop.partner.process()
    shop.receive_all()
    assert [fact.kind for fact in shop.facts(ref, Verb.CANCEL)] == [FactKind.REFUND_BOUNCED]


def test_a_refund_that_fails_after_it_succeeded(shop: Shop) -> None:
    """Stripe's word changes: the refund's own answer stays, and a fact stands beside it."""
    ref, _ = shop.pay(card("pm_card_refundFail"))
    assert isinstance(shop.gateway.refund(ref, "BACK0001", EUROS), Succeeded)
    shop.partner.process()
    shop.receive_all()
    assert [fact.kind for fact in shop.facts(ref, Verb.REFUND)] == [FactKind.REFUND_BOUNCED]
    assert shop.partner.ledger.refunded_total() == Money.zero("EUR")


def test_a_refund_that_takes_its_time(shop: Shop) -> None:
    """Pending, then done."""
    ref, _ = shop.pay(card("pm_card_pendingRefund"))
    assert isinstance(shop.gateway.refund(ref, "BACK0001", EUROS), Pending)
    shop.partner.process()
    assert isinstance(shop.gateway.query_refund(ref, "BACK0001").outcome, Succeeded)


def test_a_payout_and_one_that_comes_back(shop: Shop) -> None:
    """Pending until the bank has it; returned days later it is a fact. Without money it is refused."""
    order = PayoutOrder(ref="PAYOUT0001", amount=Money.of("9.00", "EUR"), subject="To the bank")
    refused = shop.gateway.payout(order, StripePayee())
    assert isinstance(refused, Declined)
    assert refused.reason is Reason.MERCHANT_FUNDS
    shop.partner.fund(Money.of("10.00", "EUR"))
    assert isinstance(shop.gateway.payout(order, StripePayee()), Pending)
    shop.partner.process()
    assert isinstance(shop.gateway.query_payout(order.ref).outcome, Succeeded)
    shop.partner.fail_payout("PAYOUT0001P002")
    shop.receive_all()
    assert [fact.kind for fact in shop.facts(order.ref, Verb.PAYOUT)] == [FactKind.TRANSFER_RETURNED]


def test_a_dispute_is_a_fact_and_an_event(shop: Shop) -> None:
    """The event names Stripe's number; the fact is on our payment."""
    ref, _ = shop.pay()
    shop.partner.dispute(f"{ref}T001")
    shop.receive_all()
    (fact,) = [fact for fact in shop.facts(ref) if fact.kind is FactKind.DISPUTED]
    assert fact.amount == EUROS
    outcome = shop.outcome(ref)
    assert isinstance(outcome, Succeeded), "its own answer stays"
    assert isinstance(shop.gateway.refund(ref, "BACK0001", EUROS), Declined), "Stripe took it back already"


def test_a_payment_that_this_journal_never_saw_is_adopted(shop: Shop) -> None:
    """By Stripe's number; ours by our reference, others by Stripe's. It can then be refunded."""
    _, outcome = shop.pay()
    assert isinstance(outcome, Succeeded)
    assert outcome.value.partner_id is not None
    with shop.open() as other:
        found = other.adopt("ADOPTED0001", outcome.value.partner_id)
        assert isinstance(found, Succeeded)
        assert (found.value.amount, found.value.partner_ref) == (EUROS, outcome.value.partner_ref)
        assert isinstance(other.refund("ADOPTED0001", "BACK0001", EUROS), Succeeded)
        _, _, foreign = shop.by_hand(
            "POST", "/v1/payment_intents",
            {"amount": 500, "currency": "jpy", "payment_method": "pm_card_visa", "confirm": True, "return_url": "https://a"},
        )  # fmt: skip
        adopted = other.adopt("ADOPTED0002", PartnerId(foreign["id"]))
        assert isinstance(adopted, Succeeded)
        assert adopted.value.amount == Money.of("500", "JPY")
        assert isinstance(other.query("ADOPTED0002").outcome, Succeeded)


def test_an_answer_about_another_payment_is_not_adopted(shop: Shop) -> None:
    """A proxy that mixes answers up would have a stranger's payment written down under this order's reference."""
    numbers: list[PartnerId] = []
    for _ in range(2):
        _, outcome = shop.pay()
        assert isinstance(outcome, Succeeded)
        assert outcome.value.partner_id is not None
        numbers.append(outcome.value.partner_id)
    mine, others = numbers

    class Mixed(RecordingTransport):
        def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
            url = request.url.replace(mine.value, others.value)
            return super().send(replace(request, url=url), timeout_s)

    shop.wire = Mixed(shop.partner.transport())
    with shop.open() as other:
        found = other.adopt("ADOPTED0001", mine)
        assert isinstance(found, NotSent)
        assert others.value in found.cause.detail
        assert not other.open_operations()


@pytest.mark.parametrize(
    ("wire", "amount"),
    [(1234, Money.of("12.34", "EUR")), (500, Money.of("500", "JPY")), (5120, Money.of("5.120", "KWD")),
     (50000, Money.of("500", "ISK"))],
)  # fmt: skip
def test_money_arrives_as_it_was_meant(shop: Shop, wire: int, amount: Money) -> None:
    """Peers charge yen a hundredfold."""
    ref, outcome = shop.pay(amount=amount)
    assert isinstance(outcome, Succeeded)
    (charge,) = shop.partner.ledger.charges(starting_with=ref)
    assert charge.amount == outcome.value.amount == amount
    assert f"amount={wire}&" in shop.wire.seen[0][0].content.decode()


def test_a_connected_account_has_its_own_journal_name() -> None:
    """Calls carry its number, events name it."""
    shop = Shop(connected=True)
    ref, outcome = shop.pay()
    assert isinstance(outcome, Succeeded)
    assert all(type(each).__name__ == "Verified" for each in shop.receive_all())
    assert shop.last(ref).account == Stripe(shop.partner.account).account
    shop.gateway.close()


def test_a_reversal_that_bounced_can_be_refunded(shop: Shop) -> None:
    """The money is here again: what the payer is owed can be given back another way."""
    ref, _ = shop.pay(card("pm_card_refundFail"))
    assert isinstance(shop.gateway.cancel(ref, reverse_paid=True), Succeeded)
    shop.partner.process()
    shop.receive_all()
    assert [fact.kind for fact in shop.facts(ref, Verb.CANCEL)] == [FactKind.REFUND_BOUNCED]
    assert shop.partner.ledger.refunded_total() == Money.zero("EUR")
    assert isinstance(shop.gateway.refund(ref, "BACK0001", EUROS), Succeeded)


def test_a_reversal_that_bounced_after_it_closed_the_order(shop: Shop) -> None:
    """Pain: the payer's money is here again, and the next attempt charges the payer a second time."""
    order = shop.order()
    shown = shop.gateway.pay(order, HostedPage())
    assert isinstance(shown, ActionRequired)
    shop.partner.payer.open(shown.action, "pm_card_refundFail")
    assert isinstance(shop.gateway.cancel(order.ref, reverse_paid=True), Succeeded)
    assert shop.last(order.ref).state is State.DECLINED
    shop.partner.process()
    shop.receive_all()
    assert isinstance(shop.gateway.pay(order, card()), NotSent)
    assert shop.charged(order.ref) == 1
    assert isinstance(shop.gateway.refund(order.ref, "BACK0001", EUROS), Succeeded)
    assert isinstance(shop.gateway.pay(order, card()), Succeeded)
