"""Payments end to end: what the caller is told, what Adyen's books say, and what only a webhook can tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.simulate.adyen.shop import EUROS, Shop

from payport.adapters.adyen import Adyen, AdyenPaymentMethod, AdyenSession
from payport.adapters.adyen.simulator import CHALLENGED_CARD, CannotPay, Fault
from payport.schemas import (
    ActionRequired,
    AppParameters,
    Authorized,
    Declined,
    FactKind,
    HostedPage,
    Money,
    NotSent,
    Pending,
    QrCode,
    Redirect,
    Succeeded,
    Unknown,
    Verified,
)
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk.journal.records import State, Verb

PART = Money.of("1.00", "EUR")


def test_a_card_pays_at_once(shop: Shop) -> None:
    """The answer is enough; its webhook changes nothing."""
    ref, told = shop.pay()
    assert isinstance(told, Succeeded)
    shop.hear()
    assert isinstance(shop.outcome(ref), Succeeded)
    assert shop.charged(ref) == 1


@pytest.mark.parametrize(
    ("expected", "holder", "code"),
    [
        (Reason.INSUFFICIENT_FUNDS, "NOT_ENOUGH_BALANCE", "12"),
        (Reason.DECLINED, "CARD_EXPIRED", "6"),
        (Reason.CLOSED, "CANCELLED", "15"),
        (Reason.PARTNER_UNAVAILABLE, "ERROR", "4"),
    ],
)
def test_a_refusal_says_why_and_another_card_may_be_tried(shop: Shop, expected: Reason, holder: str, code: str) -> None:
    """Adyen's own code stands beside it; the webhook of the refusal, late, does not undo the second attempt."""
    order = shop.order()
    told = shop.gateway.pay(order, shop.card(holder=holder))
    assert isinstance(told, Declined)
    assert (told.reason, told.partner_code) == (expected, code)
    assert isinstance(shop.gateway.pay(order, shop.card()), Succeeded)
    shop.hear()
    assert isinstance(shop.outcome(order.ref), Succeeded)


@pytest.mark.parametrize("origin", [None, "https://shop.example"])
def test_three_d_secure_goes_on_when_the_payer_is_back(shop: Shop, origin: str | None) -> None:
    """By redirect, or in Adyen's component where the page's origin is known; what came back is posted once."""
    ref, action = shop.show(shop.card(CHALLENGED_CARD, origin=origin))
    assert isinstance(action, Redirect if origin is None else AppParameters)
    visit = shop.partner.payer.open(action)
    assert shop.charged(ref) == 0
    assert isinstance(shop.gateway.complete(ref, visit.returned), Succeeded)
    assert isinstance(shop.gateway.complete(ref, visit.returned), Succeeded)
    assert (shop.charged(ref), shop.sent("payments.details")) == (1, 1)


def test_an_authentication_that_failed_is_a_refusal(shop: Shop) -> None:
    """And giving up ends the attempt."""
    for result, reason in (("failed", Reason.DECLINED), ("cancelled", Reason.CLOSED)):
        ref, action = shop.show(shop.card(CHALLENGED_CARD))
        token = action.url.rpartition("/")[2]
        told = shop.gateway.complete(ref, {"redirectResult": f"{token}!{result}"})
        assert isinstance(told, Declined)
        assert told.reason is reason


def test_what_the_browser_made_up_says_nothing_of_the_payment(shop: Shop) -> None:
    """A false redirectResult is no refusal: the payer may still come back with the true one's webhook."""
    ref, action = shop.show(AdyenPaymentMethod(data={"type": "ideal"}))
    assert isinstance(shop.gateway.complete(ref, {"redirectResult": "made up"}), ActionRequired)
    shop.partner.payer.open(action)
    shop.hear()
    assert isinstance(shop.outcome(ref), Succeeded)


def test_what_was_made_up_does_not_stand_in_the_way_of_the_genuine(shop: Shop) -> None:
    """Another visit brings it, and it is posted."""
    ref, action = shop.show(shop.card(CHALLENGED_CARD))
    assert isinstance(shop.gateway.complete(ref, {"redirectResult": "made up"}), ActionRequired)
    assert isinstance(shop.gateway.complete(ref, shop.partner.payer.open(action).returned), Succeeded)


def test_a_bank_redirect_is_told_by_its_webhook_when_nobody_comes_back(shop: Shop) -> None:
    """The payer closed the browser."""
    ref, action = shop.show(AdyenPaymentMethod(data={"type": "ideal"}))
    shop.partner.payer.open(action)
    assert isinstance(shop.outcome(ref), ActionRequired)
    shop.hear()
    assert isinstance(shop.outcome(ref), Succeeded)


@pytest.mark.parametrize(("kind", "shown"), [("multibanco", AppParameters), ("wechatpayQR", QrCode)])
def test_what_is_shown_to_the_payer(shop: Shop, kind: str, shown: type) -> None:
    """Vouchers go to Adyen's component, codes are drawn."""
    ref, action = shop.show(AdyenPaymentMethod(data={"type": kind}))
    assert isinstance(action, shown)
    shop.partner.payer.pay(shop.last(ref).partner_ref)
    shop.hear()
    assert isinstance(shop.outcome(ref), Succeeded)


def test_a_debit_is_pending_until_its_webhook(shop: Shop) -> None:
    """And may still be refused."""
    for succeed, expected in ((True, Succeeded), (False, Declined)):
        ref, told = shop.pay(AdyenPaymentMethod(data={"type": "sepadirectdebit"}))
        assert isinstance(told, Pending)
        shop.process(succeed=succeed)
        assert isinstance(shop.outcome(ref), expected)


def test_a_link_stays_open_after_a_refusal(shop: Shop) -> None:
    """The payer tries another card; only the end of its time closes it."""
    ref, _ = shop.show(HostedPage())
    trade = shop.last(ref).partner_ref
    shop.partner.payer.pay(trade, "NOT_ENOUGH_BALANCE")
    shop.hear()
    told = shop.outcome(ref)
    assert isinstance(told, ActionRequired)
    assert told.last_refusal is Reason.DECLINED
    shop.partner.payer.pay(trade)
    shop.hear()
    assert isinstance(shop.outcome(ref), Succeeded)


def test_a_session_is_paid_in_the_page(shop: Shop) -> None:
    """Its result confirms it without a webhook; a result that is made up does not."""
    ref, action = shop.show(AdyenSession())
    assert set(action.fields) == {"id", "sessionData", "clientKey", "environment"}
    visit = shop.partner.payer.open(action)
    assert not isinstance(shop.gateway.complete(ref, {"sessionResult": "made up"}), Succeeded)
    shop.hear()
    assert isinstance(shop.gateway.complete(ref, visit.returned), Succeeded)
    other, action = shop.show(AdyenSession())
    visit = shop.partner.payer.open(action)
    assert isinstance(shop.gateway.complete(other, visit.returned), Succeeded)


def test_a_hold_is_captured_when_the_webhook_says_so(shop: Shop) -> None:
    """Received is not captured."""
    ref, told = shop.pay(hold=True)
    assert isinstance(told, Authorized)
    assert isinstance(shop.gateway.capture(ref, PART), Pending)
    assert shop.charged(ref) == 0
    shop.process()
    assert shop.last(ref, Verb.CAPTURE).state is State.SUCCEEDED
    (charge,) = shop.partner.ledger.charges(starting_with=ref)
    assert charge.amount == PART


def test_a_hold_is_captured_in_parts_where_adyen_allows_it() -> None:
    """Each by its own reference."""
    shop = Shop(multiple=True)
    ref, _ = shop.pay(hold=True)
    for number, final in enumerate((False, True), 1):
        shop.gateway.capture(ref, PART, capture_ref=f"PART000{number}", final=final)
        shop.process()
    assert [each.amount for each in shop.partner.ledger.charges(starting_with=ref)] == [PART, PART]
    shop.gateway.close()


def test_a_capture_that_fails_later_is_a_fact(shop: Shop) -> None:
    """Days after; on the capture of a hold, on the payment where Adyen captured by itself."""
    held, _ = shop.pay(hold=True)
    shop.gateway.capture(held, PART)
    paid, _ = shop.pay()
    shop.process()
    shop.partner.fail_capture(shop.last(held, Verb.CAPTURE).partner_ref)
    shop.partner.fail_capture(shop.last(paid).partner_ref)
    shop.hear()
    assert [fact.kind for fact in shop.facts(held, Verb.CAPTURE)] == [FactKind.CAPTURE_REVERSED]
    assert [fact.kind for fact in shop.facts(paid)] == [FactKind.CAPTURE_REVERSED]
    assert isinstance(shop.outcome(paid), Succeeded)


def test_pain_a_refund_was_taken_for_done_when_it_was_received(shop: Shop) -> None:
    """Pending until the webhook; the second part is its own refund; one that bounces is a fact."""
    ref, _ = shop.pay()
    for name in ("BACK0001", "BACK0002"):
        assert isinstance(shop.gateway.refund(ref, name, PART), Pending)
    assert shop.partner.ledger.refunds() == ()
    shop.process()
    assert len(shop.partner.ledger.refunds()) == 2
    for name in ("BACK0001", "BACK0002"):
        assert isinstance(shop.gateway.query_refund(ref, name).outcome, Succeeded)
    own = shop.partner.ledger.refunds()[0].own_reference
    shop.partner.bounce_refund(own)
    shop.hear()
    bounced = [each for each in _refunds(shop, ref) if each.facts]
    assert [fact.kind for each in bounced for fact in each.facts] == [FactKind.REFUND_BOUNCED]


def _refunds(shop: Shop, ref: str) -> list[Any]:
    operations = shop.gateway.journal.read(lambda session: session.operations(ref))
    return [operation for operation in operations if operation.verb is Verb.REFUND]


def test_a_refund_that_adyen_refuses_by_webhook_is_declined(shop: Shop) -> None:
    """Received first, refused later."""
    ref, _ = shop.pay()
    shop.gateway.refund(ref, "BACK0001", PART)
    shop.process(succeed=False)
    assert isinstance(shop.gateway.query_refund(ref, "BACK0001").outcome, Declined)
    assert shop.partner.ledger.refunds() == ()


def test_a_dispute_is_a_fact(shop: Shop) -> None:
    """Beside the payment, once."""
    ref, _ = shop.pay()
    shop.partner.dispute(shop.last(ref).partner_ref)
    shop.hear()
    shop.hear()
    assert [fact.kind for fact in shop.facts(ref)] == [FactKind.DISPUTED]


# cancelling


def test_trap_received_is_no_fence(shop: Shop) -> None:
    """Adyen has only received the cancel: the payer can still pay, and the order is not told as cancelled."""
    ref, action = shop.show(AdyenPaymentMethod(data={"type": "ideal"}))
    assert isinstance(shop.gateway.cancel(ref), Pending)
    shop.partner.payer.open(action)
    shop.hear()
    assert isinstance(shop.outcome(ref), Succeeded)
    shop.process()
    assert isinstance(shop.gateway.cancel(ref), Declined)
    assert shop.charged(ref) == 1


def test_a_cancel_is_a_fence_once_its_webhook_came(shop: Shop) -> None:
    """By our own reference, because a redirect has no number yet."""
    order = shop.order()
    told = shop.gateway.pay(order, AdyenPaymentMethod(data={"type": "ideal"}))
    assert isinstance(told, ActionRequired)
    assert isinstance(shop.gateway.cancel(order.ref), Pending)
    shop.process()
    cancelled = shop.gateway.cancel(order.ref)
    assert isinstance(cancelled, Succeeded)
    assert cancelled.value.by is CancelledBy.CLOSED
    with pytest.raises(CannotPay):
        shop.partner.payer.open(told.action)
    assert isinstance(shop.gateway.pay(order, shop.card()), Succeeded)


def test_a_hold_is_released_and_a_payment_reversed_by_webhook(shop: Shop) -> None:
    """Each by Adyen's number."""
    held, _ = shop.pay(hold=True)
    paid, _ = shop.pay()
    assert isinstance(shop.gateway.cancel(held), Pending)
    assert isinstance(shop.gateway.cancel(paid), Declined)
    assert isinstance(shop.gateway.cancel(paid, reverse_paid=True), Pending)
    assert shop.sent("payments.reversals") == 1
    shop.process()
    for ref, by in ((held, FactKind.RELEASED), (paid, FactKind.REFUNDED)):
        assert [fact.kind for fact in shop.facts(ref)] == [by]
    assert shop.partner.ledger.refunded_total() == EUROS


def test_a_link_is_closed_at_once(shop: Shop) -> None:
    """It can be expired; one that was used says so."""
    ref, action = shop.show(HostedPage())
    assert isinstance(shop.gateway.cancel(ref), Succeeded)
    with pytest.raises(CannotPay):
        shop.partner.payer.open(action)
    used, action = shop.show(HostedPage())
    shop.partner.payer.open(action)
    assert isinstance(shop.gateway.cancel(used), Declined)
    shop.hear()
    assert isinstance(shop.outcome(used), Succeeded)


# when an answer is missing


def test_an_answer_that_never_came_is_had_by_the_same_key(shop: Shop) -> None:
    """There is nobody to ask: the identical request with the identical key is played back."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "payments", times=3)
    ref, told = shop.pay()
    assert isinstance(told, Unknown)
    assert shop.charged(ref) == 1
    shop.gateway.resolve(ref)
    assert isinstance(shop.outcome(ref), Succeeded)
    assert shop.charged(ref) == 1
    keys = {request.headers["idempotency-key"] for request, _ in shop.wire.seen if request.endpoint == "payments"}
    assert len(keys) == 1


def test_without_a_sealed_request_only_a_webhook_or_a_fence_tells() -> None:
    """And the outcome says so: Adyen has no query."""
    shop = Shop(seals=False)
    shop.partner.faults.next(Fault.SILENCE, "payments", times=3)
    ref, told = shop.pay()
    assert isinstance(told, Unknown)
    shop.gateway.resolve(ref)
    told = shop.outcome(ref)
    assert isinstance(told, Unknown)
    assert told.cause.kind is UnknownKind.NO_QUERY
    for _ in range(6):
        shop.time.pass_by(4000)
        shop.gateway.resume()
        shop.process()
    last = shop.last(ref)
    assert (last.state, last.cancelled_by) == (State.DECLINED, CancelledBy.EXPIRED)
    assert shop.sent("payments") == 3
    shop.gateway.close()


def test_an_absence_that_was_told_too_early_ends_nothing() -> None:
    """Adyen knew of no payment, and then the request arrived: asked again under another key, the cancel finds it."""
    shop = Shop(seals=False)
    shop.partner.faults.next(Fault.LATE_ARRIVAL, "payments", delay_s=600.0)
    shop.partner.faults.next(Fault.SILENCE, "payments", times=2)
    ref, _ = shop.pay(hold=True)
    assert isinstance(shop.gateway.cancel(ref), Pending | Unknown)
    shop.process()
    shop.time.pass_by(700)
    shop.partner.advance(0)
    shop.gateway.resume()
    shop.gateway.resume()
    keys = [request.headers["idempotency-key"] for request, _ in shop.wire.seen if request.endpoint == "cancels"]
    assert len(set(keys)) == 2
    for _ in range(3):
        shop.process()
        shop.time.pass_by(4000)
        shop.gateway.resume()
    assert not any(hold.rest.amount_minor for hold in shop.partner.ledger.holds())
    assert shop.charged(ref) == 0
    shop.gateway.close()


def test_a_final_error_is_never_told_as_a_refusal(shop: Shop) -> None:
    """Carried out, and the key answers 500 for good: the webhook tells."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SYSTEM_ERROR, "payments")
    ref, told = shop.pay()
    assert isinstance(told, Unknown)
    shop.gateway.resolve(ref)
    assert isinstance(shop.outcome(ref), Unknown)
    shop.hear()
    assert isinstance(shop.outcome(ref), Succeeded)
    assert shop.charged(ref) == 1


def test_trap_another_region_is_never_asked_to_repeat(shop: Shop, tmp_path: Any) -> None:
    """The journal is opened with another host configured: nothing is sent there, the payment stays in doubt."""
    place = f"sqlite:///{tmp_path / 'payments.db'}"
    first = shop.open(place)
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "payments", times=3)
    order = shop.order()
    assert isinstance(first.pay(order, shop.card()), Unknown)
    first.close()
    before = len(shop.wire.seen)
    moved = Adyen(replace(shop.partner.account, api_url="https://checkout-test-us.adyen.example/v71"))
    second = shop.open(place, moved)
    second.resolve(order.ref)
    assert isinstance(second.query(order.ref).outcome, Unknown)
    assert len(shop.wire.seen) == before
    second.close()
    third = shop.open(place)
    third.resolve(order.ref)
    assert isinstance(third.query(order.ref).outcome, Succeeded)
    assert shop.charged(order.ref) == 1
    third.close()


def test_what_cannot_be_sent_is_not_sent(shop: Shop) -> None:
    """Before Adyen hears of it."""
    ref, _ = shop.show(HostedPage())
    assert isinstance(shop.gateway.refund(ref, "BACK0001", PART), NotSent)
    _, told = shop.pay(amount=Money(101, "IDR"))
    assert isinstance(told, NotSent)


def test_rotated_keys_are_both_believed(shop: Shop) -> None:
    """A webhook signed before, delivered after."""
    shop.pay()
    shop.partner.rotate_hmac_key()
    with_both = shop.open(adapter=Adyen(shop.partner.account))
    assert isinstance(with_both.receive(shop.partner.notices[0]), Verified)
    with_both.close()


def test_a_reversal_that_bounces(shop: Shop) -> None:
    """It is the cancel's own refund that came back: a fact on it, and the money can be given back another way."""
    ref, _ = shop.pay()
    shop.process()
    shop.gateway.cancel(ref, reverse_paid=True)
    shop.process()
    shop.hear()
    (line,) = shop.partner.ledger.refunds()
    shop.partner.bounce_refund(line.own_reference)
    shop.hear()
    assert [fact.kind for fact in shop.facts(ref, Verb.CANCEL)] == [FactKind.REFUND_BOUNCED]
    assert isinstance(shop.gateway.refund(ref, "BACK0001", PART), Pending)


def test_a_reversal_that_is_sent_again_after_its_key_is_forgotten(shop: Shop) -> None:
    """The second one finds nothing left: that is no refund that bounced."""
    ref, _ = shop.pay()
    shop.process()
    assert isinstance(shop.gateway.cancel(ref, reverse_paid=True), Pending)
    shop.time.pass_by(8 * 86_400)
    assert isinstance(shop.gateway.cancel(ref, reverse_paid=True), Pending)
    shop.process()
    shop.hear()
    assert len(shop.partner.ledger.refunds()) == 1
    cancel = shop.last(ref, Verb.CANCEL)
    assert (cancel.state, cancel.facts) == (State.SUCCEEDED, ())
