"""Native calls: typed, sent once, compared with what was asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError
from tests.simulate.stripe.shop import Shop
from tests.wire.stripe.records import INTENT, STRIPE, Host

from payport.adapters.alipay.simulator import AlipaySimulator
from payport.adapters.stripe import endpoints
from payport.adapters.stripe.calls import ROUTES
from payport.adapters.stripe.endpoints import StripeEndpoint
from payport.adapters.stripe.simulator import Fault
from payport.schemas import Declined, Money, Succeeded, Unknown
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk import ConfigurationError
from payport.sdk.message import WireReply
from payport.sdk.observation import Observation

KNOWN: list[StripeEndpoint[Any, Any]] = [
    each for name in endpoints.__all__ if isinstance(each := getattr(endpoints, name), StripeEndpoint)
]


def test_every_call_has_its_endpoint() -> None:
    """No route without a typed request, no request without a route."""
    assert {endpoint.name for endpoint in KNOWN} == set(ROUTES)
    assert {endpoint.partner for endpoint in KNOWN} == {"stripe"}


def test_the_books_are_read_by_native_calls() -> None:
    """Balance, its lines, charges, events."""
    shop = Shop()
    ref, outcome = shop.pay()
    assert isinstance(outcome, Succeeded)
    shop.gateway.refund(ref, "BACK0001", Money.of("2.00", "EUR"))
    native = shop.gateway.native
    lines = native(endpoints.BALANCE_TRANSACTIONS_LIST, endpoints.BalanceTransactionList(limit=10)).unwrap()
    assert [(line.type, line.amount, line.amount - line.fee) for line in lines.data] == [
        ("refund", -200, lines.data[0].net),
        ("charge", 1234, lines.data[1].net),
    ]
    balance = native(endpoints.BALANCE_RETRIEVE, endpoints.BalanceOf()).unwrap()
    assert balance.available[0].amount == sum(line.net for line in lines.data)
    events = native(endpoints.EVENTS_LIST, endpoints.EventList(type="charge.refunded")).unwrap()
    assert events.data[0].data.record["object"] == "charge"
    found = native(endpoints.PAYMENT_INTENTS_LIST, endpoints.IntentList(expand=("data.latest_charge",))).unwrap()
    assert found.data[0].metadata["payport_ref"] == f"{ref}T001"
    shop.gateway.close()


def test_a_refusal_and_another_record() -> None:
    """Declined with Stripe's code; an answer about something else is Unknown, and nothing is repeated."""
    shop = Shop()
    native = shop.gateway.native
    refused = native(endpoints.PAYMENT_INTENTS_RETRIEVE, endpoints.IntentOnly(payment_intent="pi_none"))
    assert isinstance(refused, Declined)
    assert (refused.reason, refused.partner_code) == (Reason.NOT_FOUND, "resource_missing")
    shop.partner.faults.next(Fault.WRONG_AMOUNT)
    made = native(endpoints.PAYMENT_INTENTS_CREATE, endpoints.IntentCreate(amount=1234, currency="eur"))
    assert isinstance(made, Unknown)
    assert made.cause.kind is UnknownKind.MISMATCH
    shop.partner.faults.next(Fault.SILENCE)
    assert isinstance(native(endpoints.BALANCE_RETRIEVE, endpoints.BalanceOf()), Unknown)
    assert "idempotency-key" not in shop.wire.seen[-1][0].headers
    shop.gateway.close()


# What differs; the request, the reply.
OTHERS: list[tuple[str, StripeEndpoint[Any, Any], endpoints.Request, dict[str, Any]]] = [
    ("id", endpoints.PAYMENT_INTENTS_RETRIEVE, endpoints.IntentOnly(payment_intent="pi_2"), INTENT),
    ("amount", endpoints.PAYMENT_INTENTS_CREATE, endpoints.IntentCreate(amount=1, currency="eur"), INTENT),
    ("currency", endpoints.PAYMENT_INTENTS_CREATE, endpoints.IntentCreate(amount=1234, currency="usd"), INTENT),
    ("merchant", endpoints.PAYMENT_INTENTS_RETRIEVE, endpoints.IntentOnly(payment_intent="pi_1"),
     {**INTENT, "livemode": True}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "endpoint", "request_", "reply"), OTHERS, ids=[row[0] for row in OTHERS])
def test_a_reply_about_something_else_is_a_mismatch(
    what: str, endpoint: StripeEndpoint[Any, Any], request_: endpoints.Request, reply: dict[str, Any]
) -> None:
    """Another number, amount, currency or mode."""
    told = Host(WireReply(200, (), json.dumps(reply).encode())).run(endpoint.call(STRIPE, request_, 10.0))
    assert isinstance(told, Observation)
    assert told.unknown is not None
    assert told.unknown.kind is UnknownKind.MISMATCH
    assert told.unknown.detail.startswith(what)


# Field and value that no request takes.
WRONG: list[tuple[type[endpoints.Request], dict[str, Any]]] = [
    (endpoints.IntentCreate, {"amount": 12.34, "currency": "eur"}),
    (endpoints.IntentCreate, {"amount": "1234", "currency": "eur"}),
    (endpoints.IntentCreate, {"amount": 0, "currency": "eur"}),
    (endpoints.IntentCreate, {"amount": 1234, "currency": "EUR"}),
    (endpoints.IntentCreate, {"amount": 1234, "currency": "eur", "card": {"number": "4242424242424242"}}),
    (endpoints.IntentOnly, {"payment_intent": "pi_1/../../refunds"}),
    (endpoints.RefundCreate, {"reason": "broken"}),
    (endpoints.IntentCancel, {"payment_intent": "pi_1", "cancellation_reason": "broken"}),
    (endpoints.PayoutList, {"limit": 101}),
]


@pytest.mark.parametrize(("request_type", "fields"), WRONG)
def test_what_stripe_must_refuse_is_refused_here(request_type: type[endpoints.Request], fields: dict[str, Any]) -> None:
    """No float, no card number, no path in a number."""
    with pytest.raises(ValidationError):
        request_type(**fields)


def test_an_endpoint_goes_through_its_own_partners_gateway() -> None:
    """A programming error, said as one."""
    from payport.adapters.alipay import Alipay
    from payport.sdk import Gateway

    partner = AlipaySimulator()
    with (
        Gateway(
            Alipay(partner.account), journal="sqlite:///:memory:?durable=no", transport=partner.transport()
        ) as other,
        pytest.raises(ConfigurationError, match="is an endpoint of stripe"),
    ):
        other.native(endpoints.BALANCE_RETRIEVE, endpoints.BalanceOf())
    with pytest.raises(ConfigurationError, match="goes through the Stripe adapter"):
        next(endpoints.BALANCE_RETRIEVE.call(Alipay(partner.account), endpoints.BalanceOf(), 1.0))
