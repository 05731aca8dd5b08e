"""The simulator itself: it refuses what PayPal refuses, by its issues, and recognises repetitions as PayPal does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from tests.simulate.paypal.shop import Shop

from payport.adapters.paypal.simulator import CannotPay, PayPalSimulator, Wallet
from payport.schemas import Money, PostForm, Redirect
from payport.sdk.message import WireReply
from payport.sdk.testing import Incoming
from payport.sdk.testing.stepping import Time

UNIT = {
    "reference_id": "R1",
    "custom_id": "R1",
    "invoice_id": "R1",
    "amount": {"currency_code": "USD", "value": "5.00"},
}
ORDER: Mapping[str, object] = {
    "intent": "CAPTURE",
    "purchase_units": [UNIT],
    "payment_source": {"paypal": {"experience_context": {"return_url": "https://a.example"}}},
}
BATCH: Mapping[str, object] = {
    "sender_batch_header": {"sender_batch_id": "P1"},
    "items": [
        {
            "recipient_type": "EMAIL",
            "receiver": "a@example.com",
            "amount": {"currency": "USD", "value": "5.00"},
            "sender_item_id": "P1",
        }
    ],
}


@dataclass
class Caller:
    """Who talks to PayPal by hand."""

    time: Time = field(default_factory=Time)

    def __post_init__(self) -> None:
        self.partner = PayPalSimulator(clock=self.time)
        self.numbers = iter(range(1, 1000))
        self.token = ""

    def login(self, login: str = "", grant: str = "client_credentials") -> WireReply:
        """Ask for a token."""
        import base64

        account = self.partner.account
        known = base64.b64encode(f"{account.client_id}:{account.client_secret.reveal()}".encode()).decode()
        headers = {"authorization": login or f"Basic {known}"}
        body = f"grant_type={grant}".encode()
        asked = Incoming(method="POST", target="/v1/oauth2/token", headers=headers, body=body)
        return self.partner.handle(asked).reply

    def call(
        self, method: str, path: str, body: object = None, *, request_id: str | None = "", **headers: str
    ) -> tuple[int, dict[str, object]]:
        """One call under a token; status and body. ``request_id``: a fresh one unless given; ``None`` for none."""
        if not self.token:
            self.token = json.loads(self.login().content)["access_token"]
        sent = {
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json",
            "prefer": "return=representation",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if request_id is not None:
            sent["paypal-request-id"] = request_id or f"id-{next(self.numbers)}"
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        reply = self.partner.handle(Incoming(method=method, target=path, headers=sent, body=content)).reply
        return reply.status, json.loads(reply.content) if reply.content else {}

    def approved(self, **changes: object) -> str:
        """The number of an order that the payer approved."""
        status, node = self.call("POST", "/v2/checkout/orders", {**ORDER, **changes})
        assert status == 201, node
        number = str(node["id"])
        self.partner.payer.open(Redirect(url=f"{self.partner.url}/checkoutnow?token={number}"))
        return number

    def captured(self) -> str:
        """The number of a captured payment."""
        self.call("POST", f"/v2/checkout/orders/{self.approved()}/capture", {})
        return self.partner.ledger.charges()[-1].capture_id

    def held(self) -> str:
        """The number of a hold."""
        number = self.approved(intent="AUTHORIZE")
        self.call("POST", f"/v2/checkout/orders/{number}/authorize", {})
        return self.partner.ledger.holds()[-1].authorization_id


@pytest.fixture
def caller() -> Caller:
    return Caller()


def issue(answer: tuple[int, dict[str, object]]) -> tuple[int, str]:
    """Status and issue, or name where there is none."""
    status, node = answer
    details = node.get("details")
    return status, details[0]["issue"] if isinstance(details, list) else str(node.get("name"))


def unit(**changes: object) -> dict[str, object]:
    """An order whose only unit is changed."""
    return {**ORDER, "purchase_units": [{**UNIT, **changes}]}


def usd(value: str, currency: str = "USD") -> dict[str, str]:
    return {"currency_code": currency, "value": value}


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        ({**ORDER, "intent": "SAVE"}, 400, "INVALID_PARAMETER_VALUE"),
        ({"purchase_units": [UNIT]}, 400, "MISSING_REQUIRED_PARAMETER"),
        ({**ORDER, "purchase_units": []}, 400, "INVALID_ARRAY_MIN_ITEMS"),
        ({**ORDER, "purchase_units": [UNIT, UNIT]}, 422, "UNSUPPORTED_PAYMENT_INSTRUCTION"),
        (unit(amount=None), 400, "MISSING_REQUIRED_PARAMETER"),
        (unit(amount=usd("5,00")), 400, "INVALID_PARAMETER_SYNTAX"),
        (unit(amount=usd("5.001")), 422, "DECIMAL_PRECISION"),
        (unit(amount=usd("5.00", "JPY")), 422, "DECIMALS_NOT_SUPPORTED"),
        (unit(amount=usd("0.00")), 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        (unit(amount=usd("5.000", "KWD")), 422, "INVALID_CURRENCY_CODE"),
        (unit(custom_id="x" * 128), 400, "INVALID_STRING_LENGTH"),
        (unit(payee={"merchant_id": "SOMEBODYELSEX"}), 422, "PAYEE_ACCOUNT_INVALID"),
        (b"{", 400, "MALFORMED_REQUEST_JSON"),
        (b"[]", 400, "MALFORMED_REQUEST_JSON"),
    ],
)
def test_an_order_that_paypal_would_not_take(caller: Caller, body: object, status: int, name: str) -> None:
    """By PayPal's own issue."""
    assert issue(caller.call("POST", "/v2/checkout/orders", body)) == (status, name)


def test_who_may_come_in(caller: Caller) -> None:
    """A token for who knows the secret; a call for who has a token, in JSON, with an id where one is needed."""
    for login in ("Basic !!", "Basic QUJD", "Bearer x"):
        refused = caller.login(login)
        assert (refused.status, json.loads(refused.content)["error"]) == (401, "invalid_client")
    assert json.loads(caller.login(grant="password").content)["error"] == "unsupported_grant_type"
    path = "/v2/checkout/orders"
    assert issue(caller.call("POST", path, ORDER, authorization="Bearer x")) == (401, "AUTHENTICATION_FAILURE")
    assert issue(caller.call("POST", path, ORDER, content_type="text/plain")) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert issue(caller.call("POST", path, ORDER, request_id=None)) == (400, "PAYPAL_REQUEST_ID_REQUIRED")
    assert issue(caller.call("POST", path, ORDER, request_id="x" * 109)) == (400, "INVALID_STRING_LENGTH")
    caller.time.pass_by(32_401)
    assert issue(caller.call("POST", path, ORDER)) == (401, "AUTHENTICATION_FAILURE")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ('{"mock_application_codes":"INSTRUMENT_DECLINED"}', (422, "INSTRUMENT_DECLINED")),
        ('{"mock_application_codes":"INTERNAL_SERVER_ERROR"}', (500, "INTERNAL_SERVER_ERROR")),
        ('{"mock_application_codes":"PERMISSION_DENIED"}', (403, "PERMISSION_DENIED")),
        ("INSTRUMENT_DECLINED", (400, "MALFORMED_REQUEST_JSON")),
    ],
)
def test_negative_testing_gives_the_issue_that_is_asked_for(
    caller: Caller, asked: str, expected: tuple[int, str]
) -> None:
    """By the header of PayPal's sandbox."""
    assert issue(caller.call("POST", "/v2/checkout/orders", ORDER, paypal_mock_response=asked)) == expected


def test_a_repetition_shows_the_latest_state_of_the_first(caller: Caller) -> None:
    """201, then 200 with what has become of it; after six hours it is a new request. A refusal repeats too."""
    first = caller.call("POST", "/v2/checkout/orders", ORDER, request_id="same")
    number = str(first[1]["id"])
    caller.partner.payer.open(Redirect(url=f"{caller.partner.url}/checkoutnow?token={number}"))
    again = caller.call("POST", "/v2/checkout/orders", ORDER, request_id="same")
    assert (first[0], again[0], again[1]["id"], again[1]["status"]) == (201, 200, number, "APPROVED")
    caller.time.pass_by(6 * 3600 + 1)
    assert caller.call("POST", "/v2/checkout/orders", ORDER, request_id="same")[0] == 201
    early = caller.call("POST", "/v2/checkout/orders", unit(invoice_id="R2"), request_id="early")
    path = f"/v2/checkout/orders/{early[1]['id']}/capture"
    assert issue(caller.call("POST", path, {}, request_id="once")) == (422, "ORDER_NOT_APPROVED")
    caller.partner.payer.open(Redirect(url=f"{caller.partner.url}/checkoutnow?token={early[1]['id']}"))
    assert issue(caller.call("POST", path, {}, request_id="once")) == (422, "ORDER_NOT_APPROVED")
    assert caller.call("POST", path, {}, request_id="twice")[0] == 201


def test_who_asks_for_little_gets_little(caller: Caller) -> None:
    """``Prefer: return=minimal``: number, status, links; a void has no body at all."""
    _, node = caller.call("POST", "/v2/checkout/orders", ORDER, prefer="return=minimal")
    assert set(node) == {"id", "status", "links", "payment_source"}
    path = f"/v2/payments/authorizations/{caller.held()}/void"
    assert caller.call("POST", path, prefer="return=minimal") == (204, {})


def test_what_cannot_be_captured(caller: Caller) -> None:
    """Twice, with another intent, one invoice twice, nothing that is there."""
    number = caller.approved()
    path = f"/v2/checkout/orders/{number}"
    assert issue(caller.call("POST", f"{path}/authorize", {})) == (422, "ACTION_DOES_NOT_MATCH_INTENT")
    assert caller.call("POST", f"{path}/capture", {})[0] == 201
    assert issue(caller.call("POST", f"{path}/capture", {})) == (422, "ORDER_ALREADY_CAPTURED")
    second = caller.approved()
    assert issue(caller.call("POST", f"/v2/checkout/orders/{second}/capture", {})) == (422, "DUPLICATE_INVOICE_ID")
    assert issue(caller.call("POST", "/v2/checkout/orders/X/capture", {})) == (404, "INVALID_RESOURCE_ID")
    caller.time.pass_by(3 * 3600 + 1)
    assert issue(caller.call("GET", f"/v2/checkout/orders/{second}")) == (404, "INVALID_RESOURCE_ID")


def test_what_cannot_be_taken_from_a_hold(caller: Caller) -> None:
    """More than is left, another currency, after its end, released, taken."""
    number = caller.held()
    path = f"/v2/payments/authorizations/{number}"

    def take(**changes: object) -> tuple[int, str]:
        return issue(caller.call("POST", f"{path}/capture", {"invoice_id": f"C{next(caller.numbers)}", **changes}))

    assert take(amount=usd("6.00")) == (422, "MAX_CAPTURE_AMOUNT_EXCEEDED")
    assert take(amount=usd("1.00", "EUR")) == (422, "AUTH_CAPTURE_CURRENCY_MISMATCH")
    assert take(amount=usd("1.00"), invoice_id="C0")[0] == 201
    assert take(amount=usd("1.00"), invoice_id="C0") == (422, "DUPLICATE_INVOICE_ID")
    anew = issue(caller.call("POST", f"{path}/reauthorize", {"amount": usd("5.00", "EUR")}))
    assert anew == (422, "REAUTHORIZATION_NOT_SUPPORTED")
    caller.time.pass_by(4 * 86_400)
    caller.token = ""
    for asked, name in ((usd("5.00", "EUR"), "AUTH_CURRENCY_MISMATCH"), (usd("6.00"), "AUTHORIZATION_AMOUNT_EXCEEDED")):
        assert issue(caller.call("POST", f"{path}/reauthorize", {"amount": asked})) == (422, name)
    _, fresh = caller.call("POST", f"{path}/reauthorize", {})
    assert take() == (422, "AUTHORIZATION_VOIDED")
    child = f"/v2/payments/authorizations/{fresh['id']}"
    assert issue(caller.call("POST", f"{child}/void")) == (422, "CANNOT_BE_VOIDED")
    assert caller.call("POST", f"{path}/void")[0] == 200
    assert issue(caller.call("POST", f"{path}/void")) == (422, "PREVIOUSLY_VOIDED")
    assert issue(caller.call("POST", f"{child}/capture", {})) == (422, "AUTHORIZATION_VOIDED")
    assert issue(caller.call("POST", "/v2/payments/authorizations/X/void")) == (404, "INVALID_RESOURCE_ID")


def test_a_hold_that_ended(caller: Caller) -> None:
    """After 29 days it is neither captured nor released; captured whole it is neither again."""
    path = f"/v2/payments/authorizations/{caller.held()}"
    caller.time.pass_by(30 * 86_400)
    caller.token = ""
    assert issue(caller.call("POST", f"{path}/capture", {})) == (422, "AUTHORIZATION_EXPIRED")
    assert issue(caller.call("POST", f"{path}/void")) == (422, "AUTHORIZATION_EXPIRED")
    other = Caller()
    path = f"/v2/payments/authorizations/{other.held()}"
    assert other.call("POST", f"{path}/capture", {"final_capture": True})[0] == 201
    assert issue(other.call("POST", f"{path}/capture", {"invoice_id": "X"})) == (422, "AUTHORIZATION_ALREADY_CAPTURED")
    assert issue(other.call("POST", f"{path}/void")) == (422, "PREVIOUSLY_CAPTURED")


def test_what_cannot_be_given_back(caller: Caller) -> None:
    """More than is left, another currency, twice, nothing that is there, what is pending or never came."""
    path = f"/v2/payments/captures/{caller.captured()}/refund"
    assert issue(caller.call("POST", path, {"amount": usd("6.00")})) == (422, "REFUND_AMOUNT_EXCEEDED")
    assert issue(caller.call("POST", path, {"amount": usd("1.00", "EUR")})) == (422, "REFUND_CAPTURE_CURRENCY_MISMATCH")
    assert caller.call("POST", path, {})[0] == 201
    assert issue(caller.call("POST", path, {})) == (422, "CAPTURE_FULLY_REFUNDED")
    assert issue(caller.call("GET", "/v2/payments/refunds/X")) == (404, "INVALID_RESOURCE_ID")
    assert issue(caller.call("GET", "/v2/payments/captures/X")) == (404, "INVALID_RESOURCE_ID")


def test_a_pending_capture_cannot_be_given_back(shop: Shop) -> None:
    """Nor one that was declined in the end."""
    shop.sell("SHOP10010001", Wallet.ECHECK)
    caller = Caller(shop.time)
    caller.partner = shop.partner
    path = f"/v2/payments/captures/{shop.last('SHOP10010001').ids['capture_id']}/refund"
    assert issue(caller.call("POST", path, {})) == (422, "PENDING_CAPTURE")
    shop.partner.process(succeed=False)
    assert issue(caller.call("POST", path, {})) == (422, "REFUND_NOT_ALLOWED")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({**BATCH, "items": []}, "INVALID_ARRAY_MAX_ITEMS"),
        ({**BATCH, "items": [{"recipient_type": "CAR"}]}, "INVALID_PARAMETER_VALUE"),
        ({**BATCH, "items": [{"receiver": "a"}]}, "MISSING_REQUIRED_PARAMETER"),
    ],
)
def test_a_batch_that_paypal_would_not_take(caller: Caller, body: object, name: str) -> None:
    """By its issue."""
    assert issue(caller.call("POST", "/v1/payments/payouts", body)) == (400, name)


def test_a_batch_number_is_used_once(caller: Caller) -> None:
    """Refused with a link to the batch that has it, whatever the request id."""
    _, node = caller.call("POST", "/v1/payments/payouts", BATCH)
    header = node["batch_header"]
    assert isinstance(header, dict)
    status, refused = caller.call("POST", "/v1/payments/payouts", BATCH)
    assert (status, refused["name"]) == (400, "USER_BUSINESS_ERROR")
    assert str(header["payout_batch_id"]) in json.dumps(refused["links"])
    for path in ("payouts/X", "payouts-item/X"):
        assert caller.call("GET", f"/v1/payments/{path}")[0] == 404
    caller.partner.process()
    item = caller.partner.ledger.transfers()[0].item_id
    assert caller.call("POST", f"/v1/payments/payouts-item/{item}/cancel")[0] == 400


def test_a_payer_cannot_pay_what_is_not_there(caller: Caller) -> None:
    """Or is paid, or was never opened, or is no page."""
    payer = caller.partner.payer
    for action in (Redirect(url="https://paypal.simulator/checkoutnow?token=X"), PostForm(url="https://x", fields={})):
        with pytest.raises(CannotPay):
            payer.open(action)
    with pytest.raises(CannotPay):
        payer.pay("R1")
    number = caller.approved()
    assert payer.cancel("R1").approved is False
    assert payer.confirm("R1").approved is True
    caller.call("POST", f"/v2/checkout/orders/{number}/capture", {})
    with pytest.raises(CannotPay):
        payer.open(Redirect(url=f"https://paypal.simulator/checkoutnow?token={number}"))
    with pytest.raises(CannotPay):
        payer.pay("R1")


def test_the_books_are_read_by_reference(caller: Caller) -> None:
    """All, one, or those that begin with an order's; and what the merchant has."""
    caller.captured()
    ledger = caller.partner.ledger
    assert ledger.paid_total() == Money.of("5.00", "USD")
    assert ledger.paid_total("EUR") == Money.zero("EUR")
    assert (len(ledger.charges("R1")), len(ledger.charges("R2")), len(ledger.charges(starting_with="R"))) == (1, 0, 1)
    assert (ledger.order_status("R1"), ledger.order_status("R2")) == ("COMPLETED", None)
    with pytest.raises(KeyError):
        caller.partner.refund_by_hand("R2")
    with pytest.raises(KeyError):
        caller.partner.move_payout("R2")


def test_money_that_is_back_moves_no_more(caller: Caller) -> None:
    """A payout that was returned is over."""
    caller.call("POST", "/v1/payments/payouts", BATCH)
    caller.partner.process()
    caller.partner.move_payout("P1")
    with pytest.raises(ValueError, match="is back"):
        caller.partner.move_payout("P1", "SUCCESS")
