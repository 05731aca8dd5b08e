"""WeChat Pay's door: who calls, signed over which bytes, when, and what is refused in which words."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from tests.simulate.wechatpay.merchant import NATIVE, ORDER, Clock, Merchant

from payport.adapters.wechatpay.simulator.keys import pair
from payport.sdk.message import WireReply

QUERY = f"{ORDER.format(out_trade_no='SHOP01')}?mchid=1900000109"


def authorization(merchant: Merchant, **changes: str | None) -> str:
    """The header of a signed query, with parameters changed after signing or left out."""
    header = merchant.request("GET", QUERY).headers["authorization"]
    scheme, _, rest = header.partition(" ")
    params: dict[str, str | None] = {}
    for part in rest.split(","):
        name, _, value = part.partition("=")
        params[name] = value
    params |= {name: None if value is None else f'"{value}"' for name, value in changes.items()}
    return f"{scheme} " + ",".join(f"{name}={value}" for name, value in params.items() if value is not None)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"mchid": "1900000001"}, 400, "MCH_NOT_EXISTS"),
        ({"mchid": None}, 401, "SIGN_ERROR"),
        ({"serial_no": "00"}, 401, "SIGN_ERROR"),
        ({"serial_no": None}, 401, "SIGN_ERROR"),
        ({"timestamp": None}, 401, "SIGN_ERROR"),
        ({"timestamp": "yesterday"}, 401, "SIGN_ERROR"),
        ({"timestamp": "1795406400000"}, 401, "SIGN_ERROR"),
        ({"nonce_str": "another"}, 401, "SIGN_ERROR"),
        ({"nonce_str": None}, 401, "SIGN_ERROR"),
        ({"signature": "no base64!"}, 401, "SIGN_ERROR"),
        ({"signature": base64.b64encode(b"x" * 256).decode()}, 401, "SIGN_ERROR"),
        ({"signature": None}, 401, "SIGN_ERROR"),
    ],
)
def test_every_part_of_the_authorization_is_checked(
    merchant: Merchant, changes: dict[str, str | None], status: int, code: str
) -> None:
    """A caller who is not known gets an answer that nobody signed."""
    said = merchant.call("GET", QUERY, authorization=authorization(merchant, **changes))
    assert (status, code, False) == (said.status, said.code, said.signed)


def test_parameters_of_the_authorization_come_in_any_order(merchant: Merchant) -> None:
    """The order is free, and so are blanks between them."""
    scheme, _, rest = authorization(merchant).partition(" ")
    turned = ", ".join(reversed(rest.split(",")))
    assert merchant.call("GET", QUERY, authorization=f"{scheme} {turned}").code == "ORDER_NOT_EXIST"


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ({"accept": None}, 400, "INVALID_REQUEST"),
        ({"user_agent": None}, 400, "INVALID_REQUEST"),
        ({"user_agent": ""}, 400, "INVALID_REQUEST"),
        ({"authorization": None}, 401, "SIGN_ERROR"),
        ({"authorization": "Bearer 1234"}, 401, "SIGN_ERROR"),
        ({"content_type": "text/plain"}, 400, "INVALID_REQUEST"),
    ],
)
def test_headers_that_must_be_there(merchant: Merchant, header: dict[str, str | None], status: int, code: str) -> None:
    """Without Accept or User-Agent nothing is even looked at."""
    said = merchant.call("POST", NATIVE, merchant.order(), **header)
    assert (status, code) == (said.status, said.code)
    assert merchant.partner.ledger.trade_state("SHOP01") is None


@pytest.mark.parametrize(("off_s", "code"), [(-301, "SIGN_ERROR"), (-300, ""), (300, ""), (301, "SIGN_ERROR")])
def test_a_request_is_signed_within_five_minutes(merchant: Merchant, clock: Clock, off_s: int, code: str) -> None:
    """A header that is used again by a late retry is refused: sign anew for every try."""
    request = merchant.request("POST", NATIVE, merchant.order(), clock.now + timedelta(seconds=off_s))
    answer = merchant.transport.send(request, 5.0)
    assert isinstance(answer, WireReply)
    assert code == json.loads(answer.content).get("code", "")


def test_a_body_that_was_written_anew_is_refused_with_what_was_checked(merchant: Merchant) -> None:
    """The answer tells which text was checked, so that the difference can be found."""
    request = merchant.request("POST", NATIVE, merchant.order())
    respelled = json.dumps(json.loads(request.content), indent=1).encode()
    header = request.headers["authorization"]
    said = merchant.call("POST", NATIVE, respelled, authorization=header)
    shown = said.fields["detail"]["sign_information"]
    assert (said.status, said.code, said.fields["detail"]["issue"]) == (401, "SIGN_ERROR", "sign not match")
    assert (shown["method"], shown["url"]) == ("POST", NATIVE)
    assert respelled.decode() in shown["truncated_sign_message"]
    assert len(shown["truncated_sign_message"].encode()) == shown["sign_message_length"]


def test_another_path_or_query_than_the_signed_one_is_refused(merchant: Merchant) -> None:
    """The signature covers the target as it is sent."""
    header = merchant.request("GET", QUERY).headers["authorization"]
    for target in (QUERY.replace("SHOP01", "SHOP02"), f"{QUERY}&x=1"):
        assert merchant.call("GET", target, authorization=header).code == "SIGN_ERROR"


def test_a_signature_by_another_key_is_refused(merchant: Merchant) -> None:
    """Ours, and no other's."""
    merchant.private = pair("foreign").private
    assert merchant.call("GET", QUERY).status == 401


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        '{"description": "caf\xe9"}'.encode("latin-1"),
        b'{"description": null}',
        b'{"list": [{"a": null}]}',
        '{"description": "\U0001f375"}'.encode(),
    ],
)
def test_a_body_has_one_meaning_no_nulls_and_no_emoji(merchant: Merchant, body: bytes) -> None:
    """400 PARAM_ERROR, signed: the caller is known."""
    said = merchant.call("POST", NATIVE, body)
    assert (said.status, said.code, said.authentic) == (400, "PARAM_ERROR", True)


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "/v3/pay/transactions/native"), ("POST", "/v3/certificates"), ("GET", "/v3/there/is/none")],
)
def test_what_is_no_call_of_wechats_is_not_found(merchant: Merchant, method: str, target: str) -> None:
    """404, once the caller is known."""
    assert merchant.call(method, target).status == 404


def test_a_direct_merchant_is_no_service_provider(merchant: Merchant) -> None:
    """The partner's paths are for service providers."""
    said = merchant.call("POST", "/v3/pay/partner/transactions/native", merchant.order())
    assert (said.status, said.code) == (403, "NO_AUTH")
