"""Our requests and the simulator's replies against PayPal's own OpenAPI documents; what is watched for drift is what
crosses the wire and is read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin
from urllib.parse import urlsplit

import pytest
from pydantic import BaseModel
from tests.simulate.paypal.shop import Shop
from tests.support.vectors import specs

from payport.adapters.paypal import PayeeKind, PayPal, PayPalPayee, endpoints, uses
from payport.adapters.paypal.mapping import AuthorizationStatus
from payport.adapters.paypal.simulator import Wallet
from payport.adapters.paypal.uses import USES
from payport.adapters.paypal.wire import (
    PayPalAuthorization,
    PayPalCapture,
    PayPalOrder,
    PayPalPayout,
    PayPalPayoutBatch,
    PayPalRefund,
    Wire,
)
from payport.schemas import HostedPage, Money, Order, Payer, PayoutOrder
from payport.sdk.drift import Difference, Weight, differences, fields_in
from payport.sdk.journal.records import Verb
from payport.sdk.message import WireReply
from payport.sdk.testing import Fault
from payport.sdk.testing.openapi import Checker, Document, RecordingTransport
from payport.sdk.testing.openapi.forms import read_form, shaped

DOCUMENTS = ("orders", "payments", "payouts", "reporting")
OUTSIDE = {
    "oauth2.token": "the token service has no document",
    "payouts-item.cancel": "the document of 2024 mentions it in its texts only",
}
"""What PayPal documents elsewhere."""
EURO = Money.of("12.34", "EUR")


@pytest.fixture(scope="module")
def checker() -> Checker:
    """PayPal's four documents."""
    return Checker(tuple(Document.load(specs(f"paypal.{name}.json")) for name in DOCUMENTS))


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> RecordingTransport:
    """Everything that this adapter ever sends, and what the simulator answers, refusals included."""
    return play(tmp_path_factory.mktemp("contract"))


def play(folder: Path) -> RecordingTransport:
    """One long day in the shop."""
    shop = Shop(folder)
    seen = RecordingTransport(shop.partner.transport())
    branded = PayPal(replace(shop.partner.account, brand_name="Tea House"))
    shop.gateway = shop.open(branded, "watched", seen)
    _pay(shop)
    _hold(shop)
    _misfortunes(shop)
    _pay_out(shop)
    _look(shop)
    shop.close()
    return seen


def _pay(shop: Shop) -> None:
    shop.sell("PAID00000001")
    shop.gateway.query("PAID00000001")
    shop.gateway.refund("PAID00000001", "BACK00000001", Money.of("2.00", "USD"), reason="cold")
    shop.gateway.query_refund("PAID00000001", "BACK00000001")
    shop.gateway.cancel("PAID00000001", reverse_paid=True)
    shop.gateway.query("PAID00000001")
    known = Order(ref="KNOWN0000001", amount=EURO, subject="Tea", payer=Payer(email="payer@example.com"))
    shop.gateway.pay(known, HostedPage())
    shop.sell("YEN000000001", amount=Money.of("1234", "JPY"))
    shop.sell("ECHECK000001", Wallet.ECHECK)
    shop.partner.process(succeed=False)
    shop.gateway.query("ECHECK000001")


def _hold(shop: Shop) -> None:
    shop.sell("HELD00000001", hold=True)
    shop.gateway.capture("HELD00000001", Money.of("2.00", "USD"), capture_ref="PART00000001", final=False)
    shop.gateway.cancel("HELD00000001")
    shop.gateway.query("HELD00000001")
    shop.sell("HELD00000002", hold=True)
    number = shop.last("HELD00000002").ids["authorization_id"]
    whole = endpoints.Amount(currency_code="USD", value="12.34")
    anew = endpoints.Reauthorize(authorization_id=number, request_id="anew-1", amount=whole)
    shop.gateway.native(endpoints.REAUTHORIZE, anew)
    shop.time.pass_by(4 * 86_400)
    shop.gateway.native(endpoints.REAUTHORIZE, anew.model_copy(update={"request_id": "anew-2"}))
    shop.gateway.native(endpoints.AUTHORIZATION_GET, endpoints.AuthorizationGet(authorization_id=number))


def _misfortunes(shop: Shop) -> None:
    shop.sell("BROKE0000001", Wallet.NO_MONEY)
    shop.sell("RISKY0000001", Wallet.RISKY)
    shop.gateway.complete("NOTYET000001", {})
    shop.pay("NOTYET000001")
    shop.gateway.complete("NOTYET000001", {})
    for fault in (Fault.SYSTEM_ERROR, Fault.NOT_FOUND):
        shop.partner.faults.next(fault, method="orders.get")
        shop.gateway.query("PAID00000001")
    shop.partner.revoke_tokens()
    shop.gateway.query("PAID00000001")


def _pay_out(shop: Shop) -> None:
    for number, receiver in enumerate(("worker@example.com", "stranger@example.com")):
        payee = PayPalPayee(kind=PayeeKind.EMAIL, receiver=receiver, note="November")
        ref = f"WAGES000000{number}"
        shop.gateway.payout(PayoutOrder(ref=ref, amount=Money.of("5.00", "USD"), subject="Wages"), payee)
        shop.partner.process()
        shop.gateway.query_payout(ref)
        item = shop.last(ref, Verb.PAYOUT).ids["item_id"]
        shop.gateway.native(endpoints.PAYOUT_ITEM_GET, endpoints.PayoutItemGet(payout_item_id=item))
        shop.gateway.native(endpoints.PAYOUT_ITEM_CANCEL, endpoints.PayoutItemCancel(payout_item_id=item))


def _look(shop: Shop) -> None:
    day = shop.time.at.strftime("%Y-%m-%dT00:00:00Z")
    end = shop.time.at.strftime("%Y-%m-%dT23:59:59Z")
    search = endpoints.TransactionSearch(start_date=day, end_date=end, transaction_currency="USD")
    shop.gateway.native(endpoints.TRANSACTION_SEARCH, search)
    narrow = {
        "transaction_id": "0ABCDEFGHJKLMNPQR",
        "transaction_type": "T0006",
        "transaction_status": "S",
        "transaction_amount": "500 TO 1005",
        "balance_affecting_records_only": "Y",
    }
    shop.gateway.native(endpoints.TRANSACTION_SEARCH, search.model_copy(update=narrow))
    shop.gateway.native(endpoints.BALANCES_GET, endpoints.BalancesGet(currency_code="USD", as_of_time=end))
    for charge in shop.partner.ledger.charges()[:1]:
        shop.gateway.native(endpoints.CAPTURE_GET, endpoints.CaptureGet(capture_id=charge.capture_id))
        shop.gateway.native(endpoints.ORDER_GET, endpoints.OrderGet(id=charge.order_id))
    for refund in shop.partner.ledger.refunds()[:1]:
        shop.gateway.native(endpoints.REFUND_GET, endpoints.RefundGet(refund_id=refund.refund_id))


def test_the_scenario_calls_everything_that_this_adapter_can_call(scenario: RecordingTransport) -> None:
    """Nothing goes unlooked at."""
    from payport.adapters.paypal.simulator.service import HANDLERS

    assert {request.endpoint for request, _ in scenario.seen} == {*HANDLERS, "oauth2.token"}


def test_every_request_is_one_that_paypal_describes(checker: Checker, scenario: RecordingTransport) -> None:
    """Path, query and body: no unknown name, no wrong type, nothing missing."""
    problems = [
        problem
        for request, _ in scenario.seen
        if request.endpoint not in OUTSIDE
        for problem in checker.request_problems(request)
    ]
    assert sorted(set(problems)) == []


def test_every_reply_is_one_that_paypal_describes(checker: Checker, scenario: RecordingTransport) -> None:
    """Of the simulator's: statuses and bodies, successes and refusals, each issue where PayPal names it.

    The sentences of a refusal are PayPal's own and are not repeated here: they are filled in from its documents.
    """
    words = sentences(checker)
    problems: list[str] = []
    for request, reply in scenario.seen:
        if request.endpoint not in OUTSIDE and isinstance(reply, WireReply):
            path = urlsplit(request.url).path
            found = [checker.reply_problems(request.method, path, each) for each in in_paypals_words(reply, words)]
            fewest = min(found, key=len)
            problems += fewest
    assert sorted(set(problems)) == []


Sentences = Mapping[str, Sequence[str]]


def sentences(checker: Checker) -> Sentences:
    """What PayPal's documents say beside each name and each issue."""
    found: dict[str, list[str]] = {}

    def walk(node: object) -> None:
        if isinstance(node, list):
            for each in node:
                walk(each)
        if not isinstance(node, dict):
            return
        properties = node.get("properties")
        if isinstance(properties, dict):
            for name, text in (("issue", "description"), ("name", "message")):
                whose, says = (properties.get(each) for each in (name, text))
                if isinstance(whose, dict) and isinstance(says, dict) and whose.get("enum") and says.get("enum"):
                    known = found.setdefault(whose["enum"][0], [])
                    known += [each for each in says["enum"] if each not in known]
        for each in node.values():
            walk(each)

    for document in checker.documents:
        walk(document.root)
    return found


def in_paypals_words(reply: WireReply, words: Sentences) -> Iterator[WireReply]:
    """The reply with each of the sentences that PayPal has for its name and issue; a success as it is."""
    if reply.status < 400:
        yield reply
        return
    node = json.loads(reply.content)
    details = node.get("details", [])
    issue = details[0]["issue"] if details else ""
    for message, description in product(words.get(node["name"], [""]), words.get(issue, [""])):
        shown = {**node, "message": message}
        if details:
            shown["details"] = [{**details[0], "description": description}]
        yield replace(reply, content=json.dumps(shown).encode())


def test_every_request_that_moves_money_carries_an_id(scenario: RecordingTransport) -> None:
    """Of at most 108 characters, and another one for every step: never one id over create and capture."""
    ids: dict[str, set[tuple[str, bytes]]] = {}
    for request, _ in scenario.seen:
        if request.method == "POST" and request.endpoint not in OUTSIDE:
            number = request.headers["paypal-request-id"]
            assert len(number) <= 108
            ids.setdefault(number, set()).add((request.endpoint, request.content))
    assert [number for number, asked in ids.items() if len(asked) > 1] == []


def sent_by(scenario: RecordingTransport, documents: Sequence[Document]) -> dict[str, dict[str, str]]:
    """The fields that went out, by route, each with its type: of the query of a GET, else of the body."""
    found: dict[str, dict[str, str]] = {}
    for request, _ in scenario.seen:
        if request.endpoint in OUTSIDE:
            continue
        url = urlsplit(request.url)
        document, route = next(
            (each, route) for each in documents if (route := each.route(request.method, url.path)) is not None
        )
        query = document.parameters(route, "query")
        schema = {"properties": {name: each.get("schema", {}) for name, each in query.items()}}
        node = json.loads(request.content) if request.content else shaped(document, schema, read_form(url.query))
        found.setdefault(str(route), {}).update(fields_in(node))
    return found


def fields_of(kind: type[BaseModel], prefix: str = "") -> dict[str, str]:
    """The fields of a wire model, those of the models inside it too, as a :class:`payport.sdk.drift.Use` lists them."""
    found: dict[str, str] = {}
    for name, field in kind.model_fields.items():
        found |= _fields_at(f"{prefix}{name}", field.annotation)
    return found


def _fields_at(place: str, kind: Any) -> dict[str, str]:
    if get_origin(kind) is tuple:
        return {place: "array", **fields_of(get_args(kind)[0], f"{place}[].")}
    if get_args(kind):
        return _fields_at(place, next(each for each in get_args(kind) if each is not NoneType))
    if issubclass(kind, BaseModel):
        return {place: "object", **fields_of(kind, f"{place}.")}
    return {place: {str: "string", bool: "boolean", int: "integer", object: "object"}[kind]}


def test_what_is_sent_is_what_is_watched_for_drift(checker: Checker, scenario: RecordingTransport) -> None:
    """``payport drift`` compares newer documents with exactly the fields that cross the wire."""
    assert {use.route: dict(use.sends) for use in USES} == sent_by(scenario, checker.documents)


CAPTURES, HOLDS = (f"purchase_units[].payments.{name}[]." for name in ("captures", "authorizations"))


@pytest.mark.parametrize(
    ("kind", "watched", "elsewhere"),
    [
        (PayPalCapture, uses.CAPTURE, ()),
        # told of holds inside an order only
        (PayPalAuthorization, uses.AUTHORIZATION, ("processor_response",)),
        (PayPalRefund, uses.REFUND, ()),
        # told of captures and holds that stand alone only
        (
            PayPalOrder,
            uses.ORDER,
            tuple(f"{record}{name}" for record in (CAPTURES, HOLDS) for name in ("payee", "supplementary_data")),
        ),
        (PayPalPayout, uses.PAYOUT, ()),
        (PayPalPayoutBatch, uses.BATCH, ()),
        # not to be seen yet when a batch is taken
        (PayPalPayoutBatch, uses.NEW_BATCH, ("items",)),
        (endpoints.Transactions, uses.TRANSACTIONS, ()),
        (endpoints.Balances, uses.BALANCES, ()),
    ],
)
def test_what_is_read_is_what_is_watched_for_drift(
    kind: type[Wire], watched: Mapping[str, str], elsewhere: tuple[str, ...]
) -> None:
    """Every field of the models and no other. ``elsewhere``: one model serves several places, and PayPal describes
    these fields, with all that is in them, in another."""
    fields = fields_of(kind)
    assert set(elsewhere) <= set(fields)
    assert dict(watched) == {name: is_a for name, is_a in fields.items() if not name.startswith(elsewhere)}


def test_nothing_has_drifted(checker: Checker) -> None:
    """``payport drift paypal`` finds nothing in the documents that this adapter was written by."""
    assert all(use.reads for use in USES)
    assert differences(checker.documents, USES) == []


def test_every_status_that_paypal_names_is_watched(checker: Checker) -> None:
    """Tables that knew no word would doubt each of theirs: all of PayPal's, and none that is made up."""
    ignorant = [replace(use, values=dict.fromkeys(use.values, frozenset[str]())) for use in USES]
    unseen = AuthorizationStatus.EXPIRED.value  # in no document, and seen
    assert set(differences(checker.documents, ignorant)) == {
        Difference(Weight.DOUBTS, use.route, f"{name} may be {value!r}, which no table knows")
        for use in USES
        for name, words in use.values.items()
        for value in words - {unseen}
    }
