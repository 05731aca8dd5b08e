"""What Stripe does by itself when told to, and the corners of its side that a shop seldom sees."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.simulate.stripe.shop import EUROS, Shop, card

from payport.adapters.stripe import StripeElements, StripePayee
from payport.adapters.stripe.simulator import CannotPay, StripeSimulator
from payport.schemas import (
    AppParameters,
    Declined,
    FactKind,
    HostedPage,
    MobileWeb,
    Money,
    Order,
    PayoutOrder,
    QrCode,
    Redirect,
    Succeeded,
)
from payport.sdk.journal.records import State, Verb

PAYOUT = PayoutOrder(ref="PAYOUT0001", amount=Money.of("9.00", "EUR"), subject="To the bank")
SESSIONS = "/v1/checkout/sessions"


def test_what_was_accepted_can_fail(shop: Shop) -> None:
    """A debit, a refund and a payout, all of them refused days later; the balance says so."""
    shop.partner.fund(Money.of("100.00", "EUR"))
    debit, _ = shop.pay(card("pm_usBankAccount_success"))
    paid, _ = shop.pay(card("pm_card_pendingRefund"))
    shop.gateway.refund(paid, "BACK0001", EUROS)
    shop.gateway.payout(PAYOUT, StripePayee())
    assert shop.partner.process(succeed=False) == 3
    shop.receive_all()
    assert isinstance(shop.outcome(debit), Declined)
    assert shop.last(paid, Verb.REFUND).state is State.DECLINED
    assert shop.last(PAYOUT.ref, Verb.PAYOUT).state is State.DECLINED
    assert shop.partner.process() == 0
    _, _, balance = shop.by_hand("GET", "/v1/balance")
    fee = 1234 * 29 // 1000
    assert balance["available"] == [{"amount": 10_000 + 1234 - fee, "currency": "eur"}]


def test_a_refund_bounces_on_request(shop: Shop) -> None:
    """And the charge is whole again, so that it can be given back once more."""
    ref, _ = shop.pay()
    shop.gateway.refund(ref, "BACK0001", EUROS)
    shop.partner.bounce_refund("BACK0001R001")
    _, _, told = shop.by_hand("POST", "/v1/refunds", {"payment_intent": shop.last(ref).ids["payment_intent"]})
    assert told["status"] == "succeeded"


@pytest.mark.parametrize(
    "act",
    [lambda partner: partner.bounce_refund("re_x"), lambda partner: partner.fail_payout("po_x"),
     lambda partner: partner.dispute("SHOP1")],
)  # fmt: skip
def test_nothing_can_be_done_to_what_is_not_there(shop: Shop, act: Callable[[StripeSimulator], object]) -> None:
    """A typo in a test is told as one."""
    with pytest.raises(KeyError):
        act(shop.partner)


ITEM: dict[str, Any] = {
    "price_data": {"currency": "eur", "unit_amount": 100, "product_data": {"name": "Tea"}},
    "quantity": 2,
}
DOLLARS = {**ITEM, "price_data": {**ITEM["price_data"], "currency": "usd"}}
# What is wrong, and the parameters.
PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "two currencies": ("same currency", {"line_items": [ITEM, DOLLARS]}),
    "nothing of it": ("Invalid positive integer", {"line_items": [{**ITEM, "quantity": 0}]}),
    "no name": ("product_data", {"line_items": [{"price_data": {"currency": "eur", "unit_amount": 1}}]}),
    "an end too soon": ("between 30 minutes", {"expires_at": 1}),
    "a long reference": ("200 characters", {"client_reference_id": "x" * 201}),
}


@pytest.mark.parametrize(("why", "changes"), PAGES.values(), ids=PAGES.keys())
def test_what_a_page_cannot_be(shop: Shop, why: str, changes: dict[str, Any]) -> None:
    """Stripe's own rules."""
    params = {"mode": "payment", "success_url": "https://a", "line_items": [ITEM], **changes}
    status, _, told = shop.by_hand("POST", SESSIONS, params)
    assert status == 400
    assert why in f"{told['error']['message']} {told['error'].get('param')}"


def test_pages_are_listed_and_added_up(shop: Shop) -> None:
    """Two things of one price, without an end: a day."""
    _, _, made = shop.by_hand(
        "POST", SESSIONS, {"mode": "payment", "success_url": "https://a", "line_items": [ITEM, ITEM]}
    )
    assert (made["amount_total"], made["expires_at"] - made["created"]) == (400, 86_400)
    assert [each["id"] for each in shop.by_hand("GET", SESSIONS)[2]["data"]] == [made["id"]]
    assert shop.by_hand("GET", SESSIONS, {"payment_intent": "pi_x"})[2]["data"] == []
    assert shop.by_hand("GET", f"{SESSIONS}/cs_x")[0] == 404


def test_refunds_of_charges_and_their_limits(shop: Shop) -> None:
    """By the charge's number as well; never more than is left."""
    ref, _ = shop.pay()
    number = shop.partner.ledger.charges(f"{ref}T001")[0].number
    assert shop.by_hand("POST", "/v1/refunds", {"charge": number, "amount": 1000})[0] == 200
    status, _, told = shop.by_hand("POST", "/v1/refunds", {"charge": number, "amount": 1000})
    assert (status, told["error"]["param"]) == (400, "amount")
    hold, _ = shop.pay(hold=True)
    refused = shop.by_hand("POST", "/v1/refunds", {"payment_intent": shop.last(hold).ids["payment_intent"]})
    assert refused[2]["error"]["code"] == "payment_intent_unexpected_state"


# How the payer meets it.
OPENED: list[Callable[[Any], object]] = [
    lambda action: action,
    lambda action: action.url,
    lambda action: QrCode(text=action.url),
]


@pytest.mark.parametrize("meets", OPENED)
def test_a_page_is_opened_however_it_is_handed_over(shop: Shop, meets: Callable[[Any], Any]) -> None:
    """As a link, as its address, as a code."""
    ref, action = shop.show(HostedPage())
    assert isinstance(action, Redirect)
    assert shop.partner.payer.leave(meets(action)).number == f"{ref}T001"


def test_what_the_payer_cannot_do(shop: Shop) -> None:
    """Each is an error page at Stripe."""
    payer = shop.partner.payer
    ref, action = shop.show(MobileWeb(quit_url="https://basket"))
    assert payer.cancel(f"{ref}T001").return_url == "https://basket"
    payer.open(action)
    elements, secret = shop.show(StripeElements())
    assert isinstance(secret, AppParameters)
    payer.open(secret, "pm_card_authenticationRequired")
    assert isinstance(shop.outcome(elements), Succeeded)
    wrong: list[Callable[[], object]] = [
        lambda: payer.open(action),
        lambda: payer.leave("https://api.stripe.simulator/c/pay/cs_x"),
        lambda: payer.pay("SHOP1"),
        lambda: payer.pay(f"{ref}T001"),
        lambda: payer.confirm_with("pi_x_secret_y"),
        lambda: payer.confirm_with(secret.payload),
        lambda: payer.code("4242424242424242"),
    ]
    for act in wrong:
        with pytest.raises(CannotPay):
            act()


def test_an_old_intent_can_still_be_listed_and_a_session_protects_its_own(shop: Shop) -> None:
    """The intent of an open page is not canceled by itself: the page is expired instead."""
    _, action = shop.show(HostedPage())
    with pytest.raises(CannotPay):
        shop.partner.payer.open(action, "pm_card_chargeDeclined")
    (intent,) = shop.by_hand("GET", "/v1/payment_intents")[2]["data"]
    status, _, told = shop.by_hand("POST", f"/v1/payment_intents/{intent['id']}/cancel")
    assert (status, "expire the session" in told["error"]["message"]) == (400, True)
    assert shop.by_hand("POST", f"/v1/payment_intents/{intent['id']}/capture")[2]["error"]["code"] == (
        "payment_intent_unexpected_state"
    )


def test_many_tills_at_once(shop: Shop) -> None:
    """Threads share one simulator: every payment is charged once, every event has a number of its own."""

    def sell(number: int) -> bool:
        order = Order(ref=f"TILL{number:06d}", amount=EUROS, subject="Tea")
        return isinstance(shop.gateway.pay(order, card()), Succeeded)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(sell, range(24)))
    assert (
        len({charge.reference for charge in shop.partner.ledger.charges()}) == len(shop.partner.ledger.charges()) == 24
    )
    numbers = [json.loads(raw.body)["id"] for raw in shop.partner.notices]
    assert len(set(numbers)) == len(numbers) == 24 * 3


def test_trap_a_refund_that_succeeded_fails_later(shop: Shop) -> None:
    """Its own answer stays; that it bounced is a fact beside it, and the money can be given back once more."""
    ref, _ = shop.pay()
    told = shop.gateway.refund(ref, "BACK0001", EUROS)
    assert isinstance(told, Succeeded)
    shop.partner.bounce_refund("BACK0001R001")
    shop.receive_all()
    refund = shop.last(ref, Verb.REFUND)
    assert refund.state is State.SUCCEEDED
    assert [fact.kind for fact in refund.facts] == [FactKind.REFUND_BOUNCED]
    assert isinstance(shop.gateway.refund(ref, "BACK0002", EUROS), Succeeded)
