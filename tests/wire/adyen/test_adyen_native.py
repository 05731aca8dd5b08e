"""Native calls: typed, in Adyen's spelling, for this merchant account, to the right host with the right key."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import pytest
from tests.wire.adyen.words import ACCOUNT, ADYEN, AMOUNT, Host, reply

from payport.adapters.adyen import Adyen, endpoints
from payport.adapters.adyen.wire import AdyenAmount
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk import ConfigurationError, Secret
from payport.sdk.adapter import Adapter, Answer
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation

EUROS = AdyenAmount(currency="EUR", value=1234)
PERIOD = endpoints.Period(created_since="2026-01-01T00:00:00Z", created_until="2026-02-01T00:00:00Z", limit=2)
TRANSFER = endpoints.TransferOrder(
    amount=EUROS, category="bank", counterparty={"transferInstrumentId": "SE1"}, balance_account_id="BA1"
)
RECEIVED = {
    "merchantAccount": "ShopECOM",
    "paymentPspReference": "A",
    "pspReference": "B",
    "status": "received",
    "amount": {"currency": "EUR", "value": 1234},
}


@pytest.mark.parametrize(
    ("method", "path", "endpoint", "request_", "node"),
    [
        ("POST", "/v71/paymentMethods", endpoints.PAYMENT_METHODS, endpoints.PaymentMethods(country_code="NL"), {}),
        (
            "POST",
            "/v71/payments/A/amountUpdates",
            endpoints.AMOUNT_UPDATES,
            endpoints.AmountUpdate(psp="A", amount=EUROS),
            RECEIVED,
        ),
        (
            "GET",
            "/v71/sessions/CS1?sessionResult=x",
            endpoints.SESSIONS_GET,
            endpoints.OneSession(session="CS1", session_result="x"),
            {"id": "CS1", "status": "completed"},
        ),
        ("POST", "/btl/v4/transfers", endpoints.TRANSFERS, TRANSFER, {"id": "T1", "status": "received"}),
        ("GET", "/btl/v4/transfers/T1", endpoints.TRANSFERS_GET, endpoints.OneTransfer(transfer="T1"), {"id": "T1"}),
        (
            "GET",
            "/btl/v4/transactions?createdSince=2026-01-01T00%3A00%3A00Z&createdUntil=2026-02-01T00%3A00%3A00Z&limit=2",
            endpoints.TRANSACTIONS_LIST,
            PERIOD,
            {"data": [{"id": "1"}], "_links": {"next": {"href": "x"}}},
        ),
    ],
)
def test_a_native_call(method: str, path: str, endpoint: Any, request_: Any, node: object) -> None:
    """Its method, path and host; only what Checkout asks of the merchant says the merchant account."""
    host = Host([reply(node)])
    found = host.run(endpoint.call(ADYEN, request_, 10.0))
    assert isinstance(found, Answer), found
    (sent,) = host.sent
    assert (sent.method, sent.url.partition(".adyen.com")[2]) == (method, path)
    body: dict[str, Any] = json.loads(sent.content) if sent.content else {}
    assert ("merchantAccount" in body) is (method == "POST" and "/btl/" not in path)
    assert "idempotency-key" not in sent.headers


def test_a_platform_has_its_own_host_and_key() -> None:
    """Checkout's key opens nothing there."""
    adyen = Adyen(replace(ACCOUNT, balance_api_key=Secret("AQEkeyOfThePlatform000")))
    host = Host([reply({"data": []})])
    host.run(endpoints.TRANSFERS_LIST.call(adyen, PERIOD, 10.0))
    assert host.sent[0].url.startswith("https://balanceplatform-api-test.adyen.com/btl/v4/transfers?")
    assert host.sent[0].headers["x-api-key"] == "AQEkeyOfThePlatform000"


def test_what_else_may_happen() -> None:
    """A refusal, an answer that cannot be read, an adapter of somebody else."""
    error = {"status": 403, "errorCode": "010", "errorType": "security"}
    refused = Host([reply(error, 403)]).run(endpoints.TRANSFERS.call(ADYEN, TRANSFER, 10.0))
    assert isinstance(refused, Observation)
    assert (refused.state, refused.reason) == (State.DECLINED, Reason.NOT_PERMITTED)
    odd = Host([reply({"id": 1})]).run(endpoints.TRANSFERS.call(ADYEN, TRANSFER, 10.0))
    assert isinstance(odd, Observation)
    assert odd.unknown is not None
    assert odd.unknown.kind is UnknownKind.UNREADABLE
    with pytest.raises(ConfigurationError, match="Adyen adapter"):
        Host().run(endpoints.TRANSFERS.call(cast("Adapter", object()), TRANSFER, 10.0))
    assert AMOUNT.amount_minor == EUROS.value
