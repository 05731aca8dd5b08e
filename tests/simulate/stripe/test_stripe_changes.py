"""What the application is told by ``changes``: each piece of news once."""

from __future__ import annotations

from tests.simulate.stripe.shop import Shop

from payport.schemas import Change, Succeeded


def test_that_it_is_paid_is_news_once(shop: Shop) -> None:
    """The handler of the guide ships on each: a number that a later question adds to the answer is no news."""
    shipped: list[str] = []

    def on_change(change: Change) -> None:
        if (change.kind, change.state) == ("pay", "succeeded") and not change.facts:
            shipped.append(change.ref)

    ref, told = shop.pay()
    assert isinstance(told, Succeeded)
    shop.gateway.deliver(on_change)
    shop.receive_all()
    shop.outcome(ref)
    shop.gateway.deliver(on_change)
    assert shipped == [ref]
    assert len(shop.gateway.history(ref)) == 4
