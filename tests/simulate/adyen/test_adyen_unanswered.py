"""What nobody says: Adyen cannot be asked, so where no webhook comes a person is called, and told no half-truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.simulate.adyen.shop import Shop

from payport.adapters.adyen import Adyen, AdyenPaymentMethod
from payport.schemas import FactKind, Money, Pending, Succeeded, Unknown
from payport.sdk.events import Surplus
from payport.sdk.journal.records import State, Verb
from payport.sdk.testing.faults import Fault

PART = Money.of("1.00", "EUR")
REDIRECT = AdyenPaymentMethod(data={"type": "ideal"})


def test_a_refund_that_no_webhook_told_of_is_not_told_as_unknown_to_adyen(shop: Shop) -> None:
    """It was received and may be carried out yet: who asks for it under a new reference gives back twice."""
    ref, _ = shop.pay()
    assert isinstance(shop.gateway.refund(ref, "BACK0001", PART), Pending)
    shop.time.pass_by(90_000)
    shop.gateway.resume()
    refund = shop.last(ref, Verb.REFUND)
    assert refund.state is State.PENDING
    assert "cannot be asked" in (refund.for_person or "")
    assert "does not know" not in (refund.for_person or "")
    shop.process()
    assert shop.last(ref, Verb.REFUND).state is State.SUCCEEDED


def test_a_redirect_that_nothing_ended_becomes_a_persons_case(shop: Shop) -> None:
    """It has no end on the wire: a day after its time, without a word of its cancel, somebody looks."""
    ref, action = shop.show(REDIRECT)
    for _ in range(3):
        shop.time.pass_by(4000)
        shop.gateway.resume()
    assert shop.last(ref).for_person is None
    shop.time.pass_by(90_000)
    shop.gateway.resume()
    assert "cannot be asked" in (shop.last(ref).for_person or "")
    shop.partner.payer.open(action)
    shop.hear()
    assert isinstance(shop.outcome(ref), Succeeded)


@pytest.mark.parametrize("hold", [False, True])
def test_paid_under_two_numbers_is_paid_twice(shop: Shop, hold: bool) -> None:
    """One reference, two authorisations: told as a surplus, once, however often it is sent."""
    ref, _ = shop.pay(hold=hold)
    shop.hear()
    (first,) = shop.partner.notices[-1:]

    def other(item: dict[str, Any]) -> None:
        item["pspReference"] = "ANOTHERNUMBER001"

    shop.gateway.receive(first)
    shop.gateway.receive(shop.partner.notices.altered(first, lambda item: item.update(reason="sent again")))
    assert shop.facts(ref) == ()
    for _ in range(2):
        shop.gateway.receive(shop.partner.notices.altered(first, other))
    assert [fact.kind for fact in shop.facts(ref)] == [FactKind.SURPLUS_PAID]
    assert sum(isinstance(event, Surplus) for event in shop.events) == 1


def test_a_cancel_goes_to_the_region_of_its_payment(shop: Shop, tmp_path: Any) -> None:
    """Another one knows of no payment, and that would end what can still be paid."""
    place = f"sqlite:///{tmp_path / 'payments.db'}"
    first = shop.open(place)
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "payments", times=3)
    order = shop.order()
    assert isinstance(first.pay(order, shop.card()), Unknown)
    first.close()
    before = len(shop.wire.seen)
    moved = shop.open(place, Adyen(replace(shop.partner.account, api_url="https://checkout-test-us.adyen.example/v71")))
    assert not isinstance(moved.cancel(order.ref), Succeeded)
    assert len(shop.wire.seen) == before
    moved.close()
