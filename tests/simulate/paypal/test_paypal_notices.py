"""What events teach: in any order, any number of times, and only about what they are about."""

from __future__ import annotations

import json
from typing import cast

import pytest
from tests.simulate.paypal.shop import PRICE, Shop

from payport.adapters.paypal import PayeeKind, PayPalPayee
from payport.adapters.paypal.simulator import Wallet
from payport.schemas import (
    ActionRequired,
    Authorized,
    Declined,
    EventKind,
    FactKind,
    Money,
    PayoutOrder,
    RawNotification,
    Rejected,
    RejectedKind,
    Succeeded,
    Verified,
)
from payport.sdk.journal.records import State, Verb
from payport.sdk.testing import Fault

REF = "SHOP10010001"


def told(shop: Shop) -> list[str]:
    """The types of the events so far."""
    return [json.loads(raw.body)["event_type"] for raw in shop.partner.notices]


def last_of(shop: Shop, kind: str) -> RawNotification:
    """The newest event of a type."""
    return next(raw for raw in reversed(shop.partner.notices) if json.loads(raw.body)["event_type"] == kind)


def resource(event: dict[str, object]) -> dict[str, object]:
    """The resource of an event."""
    return cast("dict[str, object]", event["resource"])


def test_an_event_settles_what_the_answer_did_not(shop: Shop) -> None:
    """The capture's answer is lost; its event tells, before anybody asks."""
    visit = shop.approved(REF)
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="orders.capture", times=3)
    shop.gateway.complete(REF, visit.returned, deadline_s=1.0)
    received = shop.gateway.receive(last_of(shop, "PAYMENT.CAPTURE.COMPLETED"))
    assert isinstance(received, Verified)
    assert (received.event.kind, received.event.ref, received.event.amount) == (EventKind.PAYMENT, REF, PRICE)
    assert State.SUCCEEDED is shop.last(REF).state
    assert isinstance(shop.gateway.refund(REF, "BACK00000001", Money.of("1.00", "USD")), Succeeded)


@pytest.mark.parametrize("seed", range(6))
def test_events_in_any_order_and_number_end_the_same(shop: Shop, seed: int) -> None:
    """Twice each, shuffled: one payment, captured, with its refund."""
    shop.partner.hold_notices()
    shop.sell(REF)
    shop.gateway.refund(REF, "BACK00000001", Money.of("2.00", "USD"))
    for raw in shop.partner.release_notices(copies=2, shuffle_seed=seed):
        assert isinstance(shop.gateway.receive(raw), Verified)
    paid = shop.pay(REF)
    assert isinstance(paid, Succeeded)
    assert paid.value.facts == ()
    assert State.SUCCEEDED is shop.last(REF, Verb.REFUND).state


def test_the_approval_is_learnt_from_its_event_and_resume_captures(shop: Shop) -> None:
    """CHECKOUT.ORDER.APPROVED teaches that an automatic order may be captured."""
    shop.partner.payer.open(shop.page(REF, automatic=True))
    shop.gateway.receive(last_of(shop, "CHECKOUT.ORDER.APPROVED"))
    assert shop.last(REF).ids["approved"] == "1"
    shop.time.pass_by(60)
    shop.gateway.resume()
    assert shop.charges(REF) == [PRICE]


def test_a_resend_is_recognised_by_the_events_own_id(shop: Shop) -> None:
    """The transmission is another one, the event is not."""
    shop.sell(REF)
    raw = last_of(shop, "PAYMENT.CAPTURE.COMPLETED")
    again = shop.partner.notices.sign(raw.body)
    first, second = shop.gateway.receive(raw), shop.gateway.receive(again)
    assert isinstance(first, Verified)
    assert isinstance(second, Verified)
    assert (first.first_seen, second.first_seen) == (True, False)


@pytest.mark.parametrize("name", ["amount", "custom_id", "status"])
def test_an_event_about_something_else_teaches_nothing(shop: Shop, name: str) -> None:
    """Another amount, another order, an unknown status: genuine, acknowledged, and no success."""

    def change(event: dict[str, object]) -> None:
        taken = resource(event)
        if name == "amount":
            taken["amount"] = {"currency_code": "USD", "value": "0.01"}
        elif name == "custom_id":
            taken["custom_id"] = taken["invoice_id"] = "OTHER0000001T001"
        else:
            taken["status"] = "IN_LIMBO"

    visit = shop.approved(REF)
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="orders.capture", times=3)
    shop.gateway.complete(REF, visit.returned, deadline_s=1.0)
    raw = shop.partner.notices.altered(last_of(shop, "PAYMENT.CAPTURE.COMPLETED"), change)
    assert isinstance(shop.gateway.receive(raw), Verified)
    assert not shop.last(REF).state.final


def test_an_event_about_another_merchants_money_is_refused(shop: Shop) -> None:
    """An application may hear of several merchants."""

    def change(event: dict[str, object]) -> None:
        units = cast("list[dict[str, object]]", resource(event)["purchase_units"])
        units[0]["payee"] = {"merchant_id": "SOMEBODYELSEX"}

    shop.approved(REF)
    raw = shop.partner.notices.altered(last_of(shop, "CHECKOUT.ORDER.APPROVED"), change)
    refused = shop.gateway.receive(raw)
    assert isinstance(refused, Rejected)
    assert RejectedKind.WRONG_ACCOUNT is refused.kind


def test_a_declined_capture_in_an_event_is_looked_up(shop: Shop) -> None:
    """The order is asked: a declined capture of a completed order is its end, of an approved one it is not."""
    shop.sell(REF, Wallet.ECHECK)
    shop.partner.process(succeed=False)
    shop.gateway.receive(last_of(shop, "PAYMENT.CAPTURE.DENIED"))
    assert State.DECLINED is shop.last(REF).state


def test_a_declined_capture_that_cannot_be_looked_up_leaves_the_order_open(shop: Shop) -> None:
    """A doubt, to be asked about later; the event is kept and acknowledged."""
    shop.sell(REF, Wallet.ECHECK)
    shop.partner.process(succeed=False)
    shop.partner.faults.next(Fault.SILENCE, method="orders.get")
    assert isinstance(shop.gateway.receive(last_of(shop, "PAYMENT.CAPTURE.DENIED")), Verified)
    assert State.PENDING is shop.last(REF).state
    assert isinstance(shop.gateway.query(REF).outcome, Declined)


def test_a_pending_capture_that_completes_is_told(shop: Shop) -> None:
    """PENDING, then COMPLETED days later."""
    shop.sell(REF, Wallet.ECHECK)
    shop.partner.process()
    shop.receive_all()
    assert State.SUCCEEDED is shop.last(REF).state


def test_holds_are_told(shop: Shop) -> None:
    """Created: authorized. Voided elsewhere: a fact."""
    visit = shop.approved(REF, hold=True)
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="orders.authorize", times=3)
    shop.gateway.complete(REF, visit.returned, deadline_s=1.0)
    shop.gateway.receive(last_of(shop, "PAYMENT.AUTHORIZATION.CREATED"))
    assert State.AUTHORIZED is shop.last(REF).state
    assert isinstance(shop.gateway.capture(REF, Money.of("2.00", "USD"), final=False), Succeeded)
    shop.gateway.receive(last_of(shop, "PAYMENT.CAPTURE.COMPLETED"))
    shop.gateway.cancel(REF)
    shop.gateway.receive(last_of(shop, "PAYMENT.AUTHORIZATION.VOIDED"))
    held = shop.pay(REF, hold=True)
    assert isinstance(held, Authorized)
    assert [fact.kind for fact in held.value.facts] == [FactKind.RELEASED]


def test_a_capture_of_a_hold_is_told_to_the_capture(shop: Shop) -> None:
    """By its own reference; the hold's answer stays as it is."""
    shop.sell(REF, hold=True)
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="authorizations.capture", times=3)
    shop.gateway.capture(REF, Money.of("2.00", "USD"), deadline_s=1.0)
    shop.gateway.receive(last_of(shop, "PAYMENT.CAPTURE.COMPLETED"))
    assert State.SUCCEEDED is shop.last(REF, Verb.CAPTURE).state
    assert State.AUTHORIZED is shop.last(REF).state


def test_refunds_are_told(shop: Shop) -> None:
    """One of ours to its own operation, one made by hand as a fact."""
    shop.sell(REF)
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="captures.refund", times=3)
    shop.gateway.refund(REF, "BACK00000001", Money.of("2.00", "USD"), deadline_s=1.0)
    number = shop.partner.refund_by_hand(f"{REF}T001", Money.of("1.00", "USD"))
    shop.receive_all()
    assert State.SUCCEEDED is shop.last(REF, Verb.REFUND).state
    facts = [(fact.kind, fact.amount, str(fact.partner_id)) for fact in shop.last(REF).facts]
    assert [(FactKind.REFUNDED, Money.of("1.00", "USD"), number)] == facts


def test_a_refund_that_failed_is_told(shop: Shop) -> None:
    """PENDING, then FAILED."""
    shop.sell(REF)
    shop.partner.faults.next(Fault.SLOW_PROCESSING, method="captures.refund")
    shop.gateway.refund(REF, "BACK00000001", Money.of("2.00", "USD"))
    shop.partner.process(succeed=False)
    shop.receive_all()
    assert State.DECLINED is shop.last(REF, Verb.REFUND).state


def test_a_reversal_by_a_cancel_is_told_to_the_cancel(shop: Shop) -> None:
    """The answer is lost; the event ends the cancel and notes on the payment what was given back."""
    shop.sell(REF)
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="captures.refund", times=3)
    shop.gateway.cancel(REF, reverse_paid=True, deadline_s=1.0)
    shop.gateway.receive(last_of(shop, "PAYMENT.CAPTURE.REFUNDED"))
    assert State.SUCCEEDED is shop.last(REF, Verb.CANCEL).state
    assert [fact.kind for fact in shop.last(REF).facts] == [FactKind.REFUNDED]


def test_a_reversal_by_paypal_is_a_fact(shop: Shop) -> None:
    """Money taken back from the merchant: the payment's own answer stays."""
    shop.sell(REF)
    shop.partner.reverse(f"{REF}T001")
    shop.receive_all()
    paid = shop.pay(REF)
    assert isinstance(paid, Succeeded)
    assert [(fact.kind, fact.amount) for fact in paid.value.facts] == [(FactKind.CAPTURE_REVERSED, PRICE)]


def test_a_dispute_is_a_fact(shop: Shop) -> None:
    """With PayPal's number, reason and state."""
    shop.sell(REF)
    number = shop.partner.dispute(f"{REF}T001")
    received = shop.gateway.receive(shop.partner.notices[-1])
    assert isinstance(received, Verified)
    assert (received.event.kind, received.event.ref) == (EventKind.DISPUTE, REF)
    (fact,) = shop.last(REF).facts
    assert (FactKind.DISPUTED, PRICE, number) == (fact.kind, fact.amount, str(fact.partner_id))
    assert fact.detail == "MERCHANDISE_OR_SERVICE_NOT_RECEIVED OPEN"


@pytest.mark.parametrize(
    ("receiver", "state"), [("worker@example.com", State.SUCCEEDED), ("stranger@example.com", State.PENDING)]
)
def test_payouts_are_told(shop: Shop, receiver: str, state: State) -> None:
    """The batch is accepted, its item arrives or waits to be claimed."""
    payee = PayPalPayee(kind=PayeeKind.EMAIL, receiver=receiver)
    shop.gateway.payout(PayoutOrder(ref=REF, amount=Money.of("5.00", "USD"), subject="Wages"), payee)
    shop.partner.process()
    shop.receive_all()
    assert "PAYMENT.PAYOUTSBATCH.PROCESSING" in told(shop)
    assert state is shop.last(REF, Verb.PAYOUT).state
    shop.partner.move_payout(f"{REF}P001", "RETURNED")
    shop.receive_all()
    operation = shop.last(REF, Verb.PAYOUT)
    returned = [fact.kind for fact in operation.facts] == [FactKind.TRANSFER_RETURNED]
    assert returned or operation.state is State.DECLINED


@pytest.mark.parametrize(
    ("kind", "node"),
    [
        ("PAYMENT.CAPTURE.COMPLETED", {"id": 5}),
        ("CHECKOUT.ORDER.APPROVED", {}),
        ("PAYMENT.PAYOUTS-ITEM.SUCCEEDED", {"payout_item_id": "1"}),
        ("PAYMENT.PAYOUTSBATCH.SUCCESS", {"batch_header": []}),
        ("CUSTOMER.DISPUTE.CREATED", {"dispute_id": None}),
        ("PAYMENT.CAPTURE.REFUNDED", {"id": "1", "status": "COMPLETED", "amount": {"value": "1"}}),
        ("BILLING.PLAN.CREATED", {"id": "P-1"}),
    ],
)
def test_what_is_not_understood_is_kept_and_acknowledged(shop: Shop, kind: str, node: dict[str, object]) -> None:
    """A newer PayPal may say what this version does not know."""
    event = {"id": f"WH-{kind}", "event_type": kind, "create_time": "2026-11-23T01:00:00Z", "resource": node}
    received = shop.gateway.receive(shop.partner.notices.sign(json.dumps(event).encode()))
    assert isinstance(received, Verified)
    assert EventKind.OTHER is received.event.kind


def test_an_unreadable_event_leaves_its_order_in_doubt(shop: Shop) -> None:
    """It names a payment: that one is to be asked about."""
    visit = shop.approved(REF)
    event = {
        "id": "WH-odd",
        "event_type": "PAYMENT.CAPTURE.COMPLETED",
        "create_time": "2026-11-23T01:00:00Z",
        "resource": {"id": 1, "custom_id": f"{REF}T001"},
    }
    received = shop.gateway.receive(shop.partner.notices.sign(json.dumps(event).encode()))
    assert isinstance(received, Verified)
    assert received.event.ref == REF
    assert isinstance(shop.pay(REF), ActionRequired)
    assert isinstance(shop.gateway.complete(REF, visit.returned), Succeeded)


def test_events_are_delivered_until_they_are_acknowledged(shop: Shop) -> None:
    """Any 2xx will do; anything else has PayPal come again."""
    from payport.schemas import Acknowledgement

    refusals = 2
    seen: list[str] = []

    def receive(raw: RawNotification) -> Acknowledgement:
        seen.append(raw.headers["PAYPAL-TRANSMISSION-ID"])
        if len(seen) <= refusals:
            return Acknowledgement(status=500, content_type="text/plain", body=b"later")
        return shop.gateway.receive(raw).acknowledgement

    shop.partner.deliver_to(receive)
    shop.approved(REF)
    assert shop.partner.wait_delivered()
    assert refusals + 1 == len(set(seen))
