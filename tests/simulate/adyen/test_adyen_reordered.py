"""Webhooks that come out of order tell the same in the end."""

from __future__ import annotations

from typing import Any

from tests.simulate.adyen.shop import Shop

from payport.schemas import FactKind, Pending, Succeeded, Unknown
from payport.sdk.journal.records import State
from payport.sdk.testing.faults import Fault


def let_go_unheard(shop: Shop) -> str:
    """A hold of which nothing was heard, cancelled by our reference; the webhooks come the newest first."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "payments", times=3)
    order = shop.order(hold=True)
    assert isinstance(shop.gateway.pay(order, shop.card()), Unknown)
    assert isinstance(shop.gateway.cancel(order.ref), Pending)
    shop.partner.process()
    assert len(shop.partner.notices) == 2
    for raw in reversed(shop.partner.notices):
        shop.gateway.receive(raw)
    assert shop.last(order.ref).state is State.DECLINED
    return order.ref


def test_what_was_let_go_before_it_was_heard_of_is_no_surplus(shop: Shop) -> None:
    """The cancel's webhook says the number of the payment that it let go. There is nothing to be given back."""
    ref = let_go_unheard(shop)
    assert shop.facts(ref) == ()
    assert isinstance(shop.gateway.cancel(ref), Succeeded)


def test_another_payment_than_the_one_that_was_let_go_is_a_surplus(shop: Shop) -> None:
    """The number counts, not the order."""
    ref = let_go_unheard(shop)

    def other(item: dict[str, Any]) -> None:
        item["pspReference"] = "ANOTHERNUMBER001"

    (authorised, _) = shop.partner.notices[-2:]
    shop.gateway.receive(shop.partner.notices.altered(authorised, other))
    assert [fact.kind for fact in shop.facts(ref)] == [FactKind.SURPLUS_PAID]
