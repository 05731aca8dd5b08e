"""Every request that the adapter makes of Stripe, and every reply and event of the simulator, held against Stripe's
OpenAPI document of the pinned version."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.support.vectors import specs

from payport.adapters.stripe import (
    API_VERSION,
    Stripe,
    StripeElements,
    StripePayee,
    StripePaymentMethod,
    endpoints,
    uses,
)
from payport.adapters.stripe.calls import ROUTES
from payport.adapters.stripe.mapping import IntentStatus, SessionStatus
from payport.adapters.stripe.simulator import Fault, StripeSimulator
from payport.adapters.stripe.uses import USES
from payport.adapters.stripe.wire import StripeIntent, StripePayout, StripeRefund, StripeSession
from payport.schemas import (
    ActionRequired,
    CaptureMode,
    HostedPage,
    MobileWeb,
    Money,
    Order,
    Payer,
    PayoutOrder,
    Succeeded,
)
from payport.schemas.references import PartnerId
from payport.sdk import Gateway, Secret
from payport.sdk.drift import differences, fields_in
from payport.sdk.message import WireReply
from payport.sdk.testing.openapi import Checker, Document, RecordingTransport
from payport.sdk.testing.openapi.checking import value_problems
from payport.sdk.testing.openapi.forms import read_form, shaped

KEY = Secret(base64.b64encode(bytes(range(32))).decode())
FORGETFUL = "sqlite:///:memory:?durable=no"


@pytest.fixture(scope="module")
def document() -> Document:
    """Stripe's description, as published."""
    return Document.load(specs("stripe.json"))


@dataclass
class Shop:
    """A merchant whose every request and reply is kept: ``wire.seen`` holds the pairs."""

    partner: StripeSimulator = field(default_factory=StripeSimulator)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.wire = RecordingTransport(self.partner.transport())
        self.partner.fund(Money.of("1000.00", "EUR"))
        self.gateway = Gateway(Stripe(self.partner.account), journal=FORGETFUL, sealing_key=KEY, transport=self.wire)

    def order(self, capture: CaptureMode = CaptureMode.AUTOMATIC) -> Order:
        """Another one."""
        return Order(
            ref=f"SHOP{next(self.numbers):08d}",
            amount=Money.of("12.34", "EUR"),
            subject="茶 Tea",
            metadata={"basket": "a&b=c", "note": "Zoë"},
            capture=capture,
        )

    def pay(self, method: Any, capture: CaptureMode = CaptureMode.AUTOMATIC) -> tuple[str, Any]:
        """Its reference and outcome."""
        order = self.order(capture)
        return order.ref, self.gateway.pay(order, method)


@pytest.fixture
def shop() -> Iterator[Shop]:
    """One with its gateway open."""
    made = Shop()
    yield made
    made.gateway.close()


@pytest.fixture(scope="module")
def driven() -> Iterator[Shop]:
    """One that did everything, once for all that look at what it said."""
    made = Shop()
    everything(made)
    yield made
    made.gateway.close()


def card(number: str = "pm_card_visa", **more: Any) -> StripePaymentMethod:
    return StripePaymentMethod(payment_method=number, **more)


def everything(shop: Shop) -> None:
    """Every verb by every way, refusals and faults included."""
    gateway, payer = shop.gateway, shop.partner.payer
    ref, _ = shop.pay(card(setup_future_usage="off_session", customer="cus_1"))
    gateway.query(ref)
    gateway.refund(ref, "REFUND0001", Money.of("1.00", "EUR"), reason="broken")
    gateway.refund(ref, "REFUND0002", Money.of("1.00", "EUR"), reason="requested_by_customer")
    gateway.query_refund(ref, "REFUND0001")
    gateway.cancel(ref, reverse_paid=True)
    for number in ("pm_card_chargeDeclined", "pm_card_chargeDeclinedExpiredCard", "pm_usBankAccount_success"):
        shop.pay(card(number))
    shop.pay(card("pm_card_authenticationRequired", off_session=True))
    for method in (
        card("pm_card_authenticationRequired"),
        StripeElements(),
        HostedPage(),
        MobileWeb(quit_url="https://b"),
    ):
        for finish in (payer.open, payer.leave):
            ref, outcome = shop.pay(method)
            assert isinstance(outcome, ActionRequired)
            finish(outcome.action)
            gateway.query(ref)
            gateway.cancel(ref)
    ref, _ = shop.pay(card(multicapture=True), CaptureMode.MANUAL)
    gateway.capture(ref, Money.of("1.00", "EUR"), capture_ref="PART0001", final=False)
    gateway.capture(ref, Money.of("2.00", "EUR"), capture_ref="PART0002")
    ref, _ = shop.pay(card(), CaptureMode.MANUAL)
    gateway.cancel(ref)
    for payer_of in (Payer(id="cus_1"), Payer(email="a@b.example")):
        order = replace(shop.order(CaptureMode.MANUAL), payer=payer_of)
        gateway.pay(order, HostedPage())
        gateway.cancel(order.ref)
    payout = PayoutOrder(ref="PAYOUT0001", amount=Money.of("9.00", "EUR"), subject="To the bank", remark="week 1")
    gateway.payout(payout, StripePayee(destination="ba_1", method="instant"))
    gateway.query_payout(payout.ref)
    for endpoint in ("payment_intents.create", "payment_intents.confirm", "refunds.create"):
        shop.partner.faults.next(Fault.SYSTEM_ERROR, endpoint)
        ref, _ = shop.pay(card())
        gateway.refund(ref, f"LOST{ref}", Money.of("1.00", "EUR"))
        shop.partner.faults.clear()
        gateway.query(ref)
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "refunds.create", times=3)
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "payouts.create", times=3)
    ref, _ = shop.pay(card())
    gateway.refund(ref, "REFUND0009", Money.of("1.00", "EUR"))
    gateway.query_refund(ref, "REFUND0009")
    lost = PayoutOrder(ref="PAYOUT0002", amount=Money.of("9.00", "EUR"), subject="To the bank")
    gateway.payout(lost, StripePayee())
    gateway.query_payout(lost.ref)
    shop.partner.process()
    gateway.resume()


def collapsed(reply: WireReply, document: Document) -> tuple[WireReply, list[str]]:
    """Records that stand whole where a number was asked to be expanded: the published part describes the number."""
    node = json.loads(reply.content)
    problems = fold(node, document)
    return WireReply(reply.status, reply.headers, json.dumps(node).encode()), problems


def fold(node: Any, document: Document) -> list[str]:
    problems: list[str] = []
    for name, kind in (("payment_intent", "payment_intent"), ("latest_charge", "charge")):
        inner = node.get(name)
        if isinstance(inner, dict) and node.get("object") in ("payment_intent", "checkout.session"):
            problems += fold(inner, document) + problems_of(document, kind, inner)
            node[name] = inner["id"]
    return problems


def problems_of(document: Document, kind: str, value: Any) -> list[str]:
    return [f"{kind}: {each}" for each in value_problems(document, {"$ref": f"#/components/schemas/{kind}"}, value)]


def test_every_request_and_reply_is_as_stripe_describes_it(driven: Shop, document: Document) -> None:
    """No unknown parameter, no text where a number stands, no field of a reply that Stripe does not have."""
    checker = Checker((document,))
    problems: list[str] = []
    for request, reply in driven.wire.seen:
        problems += checker.request_problems(request)
        if not isinstance(reply, WireReply):
            continue
        flat, inner = collapsed(reply, document)
        problems += inner + checker.reply_problems(request.method, urlsplit(request.url).path, flat)
    assert problems == []
    called = {request.endpoint for request, _ in driven.wire.seen}
    assert called >= {
        "payment_intents.create", "payment_intents.retrieve", "payment_intents.confirm", "payment_intents.capture",
        "payment_intents.cancel", "payment_intents.search", "checkout.sessions.create", "checkout.sessions.retrieve",
        "checkout.sessions.expire", "refunds.create", "refunds.retrieve", "refunds.list", "payouts.create",
        "payouts.retrieve", "payouts.list",
    }  # fmt: skip


def test_every_event_is_as_stripe_describes_it(driven: Shop, document: Document) -> None:
    """The event, and the record in it."""
    kinds = set()
    for raw in driven.partner.notices:
        event = json.loads(raw.body)
        record = event["data"]["object"]
        kinds.add(event["type"])
        assert problems_of(document, "event", {**event, "data": {"object": {}}}) == []
        assert problems_of(document, record["object"], record) == [], event["type"]
    assert kinds >= {
        "payment_intent.created", "payment_intent.succeeded", "payment_intent.payment_failed", "charge.refunded",
        "payment_intent.requires_action", "payment_intent.processing", "payment_intent.amount_capturable_updated",
        "payment_intent.canceled", "charge.captured", "checkout.session.completed", "checkout.session.expired",
        "refund.created", "payout.created", "payout.paid",
    }  # fmt: skip


def test_native_calls_are_as_stripe_describes_them(shop: Shop, document: Document) -> None:
    """Typed requests go out in the same form."""
    native, since = shop.gateway.native, endpoints.Created(gte=0)
    made = native(
        endpoints.PAYMENT_INTENTS_CREATE,
        endpoints.IntentCreate(amount=1234, currency="eur", payment_method="pm_card_visa", metadata={"a": "b"}),
    ).unwrap()
    native(endpoints.PAYMENT_INTENTS_CONFIRM, endpoints.IntentConfirm(payment_intent=made.id, return_url="https://a"))
    paid = native(endpoints.PAYMENT_INTENTS_RETRIEVE, endpoints.IntentOnly(payment_intent=made.id)).unwrap()
    native(endpoints.PAYMENT_INTENTS_LIST, endpoints.IntentList(created=since, limit=2)).unwrap()
    native(endpoints.PAYMENT_INTENTS_SEARCH, endpoints.IntentSearch(query="metadata['a']:'b'")).unwrap()
    back = native(endpoints.REFUNDS_CREATE, endpoints.RefundCreate(payment_intent=made.id, amount=100)).unwrap()
    native(endpoints.REFUNDS_RETRIEVE, endpoints.RefundOnly(refund=back.id)).unwrap()
    native(endpoints.REFUNDS_LIST, endpoints.RefundList(payment_intent=made.id)).unwrap()
    native(endpoints.CHARGES_RETRIEVE, endpoints.ChargeOnly(charge=str(paid.latest_charge))).unwrap()
    native(endpoints.PAYOUTS_LIST, endpoints.PayoutList(limit=1)).unwrap()
    native(endpoints.BALANCE_RETRIEVE, endpoints.BalanceOf()).unwrap()
    lines = native(endpoints.BALANCE_TRANSACTIONS_LIST, endpoints.BalanceTransactionList(limit=100)).unwrap()
    assert lines.data
    assert all(line.net == line.amount - line.fee for line in lines.data)
    one = endpoints.BalanceTransactionOnly(balance_transaction=lines.data[0].id)
    native(endpoints.BALANCE_TRANSACTIONS_RETRIEVE, one).unwrap()
    events = native(endpoints.EVENTS_LIST, endpoints.EventList(type="payment_intent.succeeded")).unwrap()
    native(endpoints.EVENTS_RETRIEVE, endpoints.EventOnly(event=events.data[0].id)).unwrap()
    assert shop.wire.problems(Checker((document,))) == []


def test_the_pinned_version_is_the_documents(document: Document) -> None:
    """What was read is what is asked for."""
    assert document.version == API_VERSION


def sent_by(shop: Shop, document: Document) -> dict[str, dict[str, str]]:
    """The fields that went out, by route, each with its type, without the merchant's notes and what a query nests."""
    found: dict[str, dict[str, str]] = {}
    for request, _ in shop.wire.seen:
        url = urlsplit(request.url)
        route = document.route(request.method, url.path)
        assert route is not None
        form = request.content.decode() if request.method == "POST" else url.query
        schema = document.request_schema(route, request.headers.get("content-type", "")) or {
            "properties": {name: each.get("schema", {}) for name, each in document.parameters(route, "query").items()}
        }
        fields = fields_in(shaped(document, schema, read_form(form)))
        kept = {name: kind for name, kind in fields.items() if "metadata." not in name and name != "expand[]"}
        if request.method == "GET":
            kept = {name: kind for name, kind in kept.items() if "." not in name and "[" not in name}
        found.setdefault(str(route), {}).update(kept)
    return found


def test_what_is_watched_for_drift_is_what_is_used(driven: Shop, document: Document) -> None:
    """``payport drift`` compares a newer document with exactly the fields that cross the wire and are read."""
    assert differences([document], USES) == []
    assert {use.route: dict(use.sends) for use in USES} == sent_by(driven, document)
    for record, kind in ((uses.INTENT, StripeIntent), (uses.SESSION, StripeSession), (uses.REFUND, StripeRefund),
                         (uses.PAYOUT, StripePayout)):  # fmt: skip
        assert set(record) == set(kind.model_fields)


def test_no_call_is_made_up(document: Document) -> None:
    """Every route that the adapter knows is one of Stripe's."""
    numbers = ["payment_intent", "checkout_session", "refund", "payout", "charge", "balance_transaction", "event"]
    for name, route in ROUTES.items():
        path = route.path.format_map(dict.fromkeys(numbers, "x"))
        assert document.route(route.method, path) is not None, name


@pytest.mark.parametrize(("record", "known"), [("payment_intent", IntentStatus), ("checkout.session", SessionStatus)])
def test_every_status_that_stripe_names_is_known(record: str, known: type[Enum]) -> None:
    """And none that is made up. Refunds and payouts have no list: theirs is open text."""
    root: Any = json.loads(specs("stripe.json").read_text("utf-8"))
    told = root["components"]["schemas"][record]["properties"]["status"]
    assert {status.value for status in known} == set(told["enum"])


def test_success_is_needed_for_the_sample_to_mean_anything(shop: Shop) -> None:
    """The plain card pays."""
    assert isinstance(shop.pay(card())[1], Succeeded)
    found = shop.gateway.adopt("ADOPTED001", PartnerId("pi_unknown"))
    assert type(found).__name__ == "NotSent"
