"""Every request that the adapter makes of Adyen, and every reply of the simulator, held against Adyen's OpenAPI
documents of Checkout v71 and Transfers v4; what is watched for drift is what crosses the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.simulate.adyen.shop import Shop
from tests.support.vectors import specs

from payport.adapters.adyen import Adyen, AdyenPaymentMethod, AdyenSession, endpoints
from payport.adapters.adyen.calls import ROUTES, Call, wire_request
from payport.adapters.adyen.mapping import LinkStatus, ResultCode, SessionStatus
from payport.adapters.adyen.simulator import CHALLENGED_CARD, Fault
from payport.adapters.adyen.uses import USES
from payport.adapters.adyen.wire import AdyenAmount
from payport.schemas import ActionRequired, HostedPage, Money, Payer
from payport.sdk.drift import differences, fields_in
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.testing.openapi import Checker, Document

BROWSER: Mapping[str, str | int | bool] = {
    "acceptHeader": "*/*",
    "colorDepth": 24,
    "javaEnabled": False,
    "language": "nl-NL",
    "screenHeight": 723,
    "screenWidth": 1536,
    "timeZoneOffset": 0,
    "userAgent": "Mozilla/5.0",
}
EURO = Money.of("1.00", "EUR")


def path_of(request: WireRequest) -> str:
    """The path as the document has it: the host's own beginning is part of its server."""
    return urlsplit(request.url).path.removeprefix("/v71")


@pytest.fixture(scope="module")
def document() -> Document:
    """Adyen's description of Checkout, as published."""
    return Document.load(specs("adyen.checkout-v71.json"))


@pytest.fixture(scope="module")
def driven() -> Iterator[Shop]:
    """One that did everything, once for all that look at what it said."""
    made = Shop()
    everything(made)
    yield made
    made.gateway.close()


def everything(shop: Shop) -> None:
    """Every verb by every way, refusals and faults included."""
    gateway, payer = shop.gateway, shop.partner.payer
    stored = shop.card(browser=BROWSER, origin="https://shop.example", shopper_reference="payer-1", store=True)
    order = shop.order(payer=Payer(email="a@b.example"), metadata={"basket": "7"})
    gateway.pay(order, stored)
    gateway.refund(order.ref, "REFUND0001", EURO, reason="return")
    gateway.refund(order.ref, "REFUND0002", EURO)
    shop.process()
    gateway.cancel(order.ref, reverse_paid=True)
    shop.process()
    for holder in ("NOT_ENOUGH_BALANCE", "CANCELLED", "ERROR"):
        shop.pay(shop.card(holder=holder))
    again = AdyenPaymentMethod(
        data={"type": "scheme", "storedPaymentMethodId": "X"}, shopper_reference="payer-1", off_session=True
    )
    shop.pay(again)
    for kind in ("ideal", "sepadirectdebit", "multibanco", "wechatpayQR"):
        more = {"ownerName": "A. Payer", "iban": "NL13TEST0123456789"} if kind == "sepadirectdebit" else {}
        ref, told = shop.pay(AdyenPaymentMethod(data={"type": kind, **more}, shopper_ip="192.0.2.1", channel="Web"))
        gateway.cancel(ref)
        assert told is not None
    for method in (shop.card(CHALLENGED_CARD), shop.card(CHALLENGED_CARD, origin="https://shop.example")):
        ref, action = shop.show(method)
        gateway.complete(ref, payer.open(action).returned)
    session = AdyenSession(country_code="NL", shopper_reference="payer-1")
    for finish in (payer.open, payer.leave):
        for way in (session, HostedPage()):
            order = shop.order(payer=Payer(email="a@b.example"), metadata={"basket": "7"}, hold=finish is payer.leave)
            told = gateway.pay(order, way)
            assert isinstance(told, ActionRequired)
            gateway.complete(order.ref, finish(told.action).returned)
            gateway.cancel(order.ref)
    ref, _ = shop.pay(hold=True)
    gateway.capture(ref, EURO)
    ref, _ = shop.pay(hold=True)
    gateway.cancel(ref)
    shop.process()
    shop.partner.faults.next(Fault.SYSTEM_ERROR, "payments", times=3)
    shop.partner.faults.next(Fault.RATE_LIMITED, "payments.refunds")
    ref, _ = shop.pay()
    gateway.cancel(ref)
    gateway.native(endpoints.PAYMENT_METHODS, endpoints.PaymentMethods(country_code="NL", channel="Web")).unwrap()


def test_every_request_and_reply_is_as_adyen_describes_it(driven: Shop, document: Document) -> None:
    """No unknown field, no text where a number stands, no field of a reply that Adyen does not have."""
    checker = Checker((document,))
    problems: list[str] = []
    for request, reply in driven.wire.seen:
        described = WireRequest(
            endpoint=request.endpoint,
            moves_money=request.moves_money,
            method=request.method,
            url=request.url.replace("/v71", "", 1),
            headers=request.headers,
            content=request.content,
        )
        problems += checker.request_problems(described)
        if isinstance(reply, WireReply) and reply.status not in (409, 429):  # which the document does not list
            problems += checker.reply_problems(request.method, path_of(request), reply)
    assert problems == []
    called = {request.endpoint for request, _ in driven.wire.seen}
    assert called == set(ROUTES) - {name for name, route in ROUTES.items() if route.platform} - {
        "payments.amountUpdates"
    }


def test_every_money_moving_post_carries_its_key(driven: Shop) -> None:
    """Of our reference, 64 characters at most, the same on every repetition."""
    for request, _ in driven.wire.seen:
        if request.method == "POST" and request.moves_money:
            assert request.headers["idempotency-key"].startswith("payport-")
            assert len(request.headers["idempotency-key"]) <= 64
        assert request.headers["x-api-key"] == driven.partner.account.api_key.reveal()


def sent_by(shop: Shop, document: Document) -> dict[str, dict[str, str]]:
    """The fields that went out, by route, each with its type, without the merchant's notes and the payer's data."""
    found: dict[str, dict[str, str]] = {}
    for request, _ in shop.wire.seen:
        route = document.route(request.method, path_of(request))
        assert route is not None
        node: Any = json.loads(request.content) if request.content else dict(parse_qsl(urlsplit(request.url).query))
        opaque = ("metadata.", "paymentMethod.", "additionalData.")
        kept = {name: kind for name, kind in fields_in(node).items() if not name.startswith(opaque)}
        found.setdefault(str(route), {}).update(kept)
    return found


def test_what_is_watched_for_drift_is_what_is_used(driven: Shop, document: Document) -> None:
    """``payport drift`` compares a newer document with exactly the fields that cross the wire and are read."""
    assert differences([document], USES) == []
    assert {use.route: dict(use.sends) for use in USES} == sent_by(driven, document)


@pytest.mark.parametrize(
    ("record", "name", "known"),
    [
        ("PaymentResponse", "resultCode", ResultCode),
        ("PaymentDetailsResponse", "resultCode", ResultCode),
        ("PaymentLinkResponse", "status", LinkStatus),
        ("SessionResultResponse", "status", SessionStatus),
    ],
)
def test_every_code_that_adyen_names_is_known(record: str, name: str, known: type[Enum]) -> None:
    """And none that is made up."""
    root: Any = json.loads(specs("adyen.checkout-v71.json").read_text("utf-8"))
    told = root["components"]["schemas"][record]["properties"][name]["enum"]
    assert {code.value for code in known} == set(told)


def test_no_call_is_made_up(document: Document) -> None:
    """Every route that the adapter knows is one of Adyen's."""
    transfers = Document.load(specs("adyen.transfers-v4.json"))
    numbers = ["psp", "link", "session", "transfer", "transaction"]
    for name, route in ROUTES.items():
        path = route.path.format_map(dict.fromkeys(numbers, "x"))
        assert (transfers if route.platform else document).route(route.method, path) is not None, name


def test_native_transfers_go_to_the_balance_platform_as_it_describes_them(shop: Shop) -> None:
    """Their own host and document; an amount update goes to Checkout."""
    adyen = Adyen(shop.partner.account)
    order = endpoints.TransferOrder(
        amount=AdyenAmount(currency="EUR", value=100),
        category="bank",
        balance_account_id="BA1",
        counterparty={"transferInstrumentId": "SE1"},
        reference="OUT0001",
    )
    call = Call(
        name="transfers",
        host=adyen.config.transfers_host,
        body=order.model_dump(exclude_none=True, by_alias=True),
    )
    request = wire_request(adyen, call)
    assert urlsplit(request.url).path == "/btl/v4/transfers"
    described = WireRequest(
        endpoint=request.endpoint,
        moves_money=True,
        method="POST",
        url=request.url.replace("/btl/v4", "", 1),
        headers=request.headers,
        content=request.content,
    )
    assert Checker((Document.load(specs("adyen.transfers-v4.json")),)).request_problems(described) == []


@pytest.fixture
def shop() -> Iterator[Shop]:
    """One with its gateway open."""
    made = Shop()
    yield made
    made.gateway.close()
