"""Our requests and the simulator's replies against PayPal's own OpenAPI documents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.simulate.paypal.shop import Shop
from tests.support.vectors import specs

from payport.adapters.paypal import PayeeKind, PayPalPayee, endpoints
from payport.adapters.paypal.simulator import Wallet
from payport.schemas import Money, PayoutOrder
from payport.sdk.journal.records import Verb
from payport.sdk.message import WireReply
from payport.sdk.testing import Fault
from payport.sdk.testing.openapi import Checker, Document, RecordingTransport

DOCUMENTS = ("orders", "payments", "payouts", "reporting")
OUTSIDE = {
    "oauth2.token": "the token service has no document",
    "payouts-item.cancel": "the document of 2024 mentions it in its texts only",
}
"""What PayPal documents elsewhere."""


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
    shop.gateway = shop.open(shop.adapter, "watched", seen)
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
    anew = endpoints.Reauthorize(authorization_id=number, request_id="anew-1")
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
    shop.gateway.native(endpoints.BALANCES_GET, endpoints.BalancesGet(currency_code="USD"))
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
