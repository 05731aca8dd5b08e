"""The simulator lets in what Alipay lets in, and refuses the rest in Alipay's words."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

import pytest
from tests.simulate.alipay.merchant import Merchant

from payport.adapters.alipay.simulator import AlipaySimulator
from payport.sdk.message import WireReply, WireRequest

QUERY = "alipay.trade.query"
NOT_FOUND = {"out_trade_no": "NONE"}
LET_IN = "ACQ.TRADE_NOT_EXIST"


def test_a_well_signed_call_is_let_in(merchant: Merchant) -> None:
    """The gate is open to a right signature: the business answers."""
    said = merchant.call(QUERY, NOT_FOUND)
    assert (said.code, said.authentic, said.name) == (LET_IN, True, "alipay_trade_query_response")


@pytest.mark.parametrize(
    ("change", "code", "sub_code", "signed"),
    [
        ({"app_id": None}, "40001", "isv.missing-app-id", False),
        ({"app_id": "9021000000000009"}, "40002", "isv.invalid-app-id", False),
        ({"app_id": "9021000000000009", "sign_type": None}, "40002", "isv.invalid-app-id", False),
        ({"method": None}, "40001", "isv.missing-method", False),
        ({"method": "alipay.trade.nothing"}, "40002", "isv.invalid-method", False),
        ({"charset": None}, "40001", "isv.missing-charset", True),
        ({"charset": "latin-1"}, "40002", "isv.invalid-charset", True),
        ({"version": None}, "40001", "isv.missing-version", True),
        ({"version": "2.0"}, "40002", "isv.invalid-version", True),
        ({"format": "XML"}, "40002", "isv.invalid-format", True),
        ({"timestamp": None}, "40001", "isv.missing-timestamp", True),
        ({"timestamp": "yesterday at noon !"}, "40002", "isv.invalid-timestamp", True),
        ({"timestamp": "2026-11-23 04:00:00"}, "40002", "isv.invalid-timestamp", True),
        ({"timestamp": "2026-11-23 12:00"}, "40002", "isv.invalid-timestamp", True),
        ({"timestamp": "2026-11-23 12:09:59"}, "40004", LET_IN, True),
        ({"timestamp": "2026-11-23 12:10:01"}, "40002", "isv.invalid-timestamp", True),
        ({"sign_type": None}, "40001", "isv.missing-signature-type", True),
        ({"sign_type": "RSA"}, "40002", "isv.invalid-signature-type", True),
        ({"biz_content": None}, "40004", "ACQ.INVALID_PARAMETER", True),
        ({"biz_content": "{"}, "40002", "isv.illegal-json", True),
        ({"biz_content": "[]"}, "40002", "isv.invalid-parameter", True),
        ({"encrypt_type": "AES"}, "40003", "isv.missing-signature-config", True),
    ],
)
def test_a_wrong_parameter_is_refused_in_the_partners_words(
    merchant: Merchant, change: dict[str, str | None], code: str, sub_code: str, signed: bool
) -> None:
    """One rule a row. UTC is outside the window. What comes before the application is known has no signature."""
    said = merchant.call(QUERY, NOT_FOUND, **change)
    assert (code, sub_code, signed) == (said.fields["code"], said.fields["sub_code"], said.signed)
    assert said.authentic == signed


@pytest.mark.parametrize(
    ("sign", "sub_code"),
    [
        (None, "isv.missing-signature"),
        ("", "isv.missing-signature"),
        ("not base64!", "isv.invalid-signature"),
        (base64.b64encode(b"x" * 256).decode(), "isv.invalid-signature"),
    ],
)
def test_a_signature_that_does_not_fit_is_refused(merchant: Merchant, sign: str | None, sub_code: str) -> None:
    """No signature, no base64, another signature."""
    params = merchant.parameters(QUERY, NOT_FOUND)
    del params["sign"]
    answer = merchant.send(params if sign is None else {**params, "sign": sign})
    assert isinstance(answer, WireReply)
    assert sub_code == merchant.read(answer, "utf-8").code


@pytest.mark.parametrize("name", ["biz_content", "timestamp", "notify_url"])
def test_a_parameter_changed_after_signing_is_refused(merchant: Merchant, name: str) -> None:
    """Everything but ``sign`` is covered by the signature."""
    params = merchant.parameters(QUERY, NOT_FOUND, notify_url="https://shop.test/n")
    changed = {"biz_content": '{"out_trade_no":"B"}', "timestamp": "2026-11-23 12:00:01", "notify_url": "https://x"}
    answer = merchant.send({**params, name: changed[name]})
    assert isinstance(answer, WireReply)
    assert merchant.read(answer, "utf-8").code == "isv.invalid-signature"


def test_without_charset_in_the_query_the_body_is_read_as_gbk(merchant: Merchant) -> None:
    """Everything in the body: a Chinese text is then misread and the signature does not fit."""
    params = merchant.parameters("alipay.trade.precreate", merchant.order())
    request = WireRequest(
        endpoint="",
        moves_money=True,
        method="POST",
        url=merchant.account.gateway_url,
        headers={"content-type": "application/x-www-form-urlencoded"},
        content=urlencode(params).encode(),
    )
    answer = merchant.transport.send(request, 1.0)
    assert isinstance(answer, WireReply)
    assert merchant.read(answer, "utf-8").code == "isv.invalid-signature"


def test_a_body_that_is_no_form_is_not_read(merchant: Merchant) -> None:
    """JSON in the body is not a form: the content is missing, so the signature cannot fit."""
    params = merchant.parameters(QUERY, NOT_FOUND)
    public = urlencode({name: value for name, value in params.items() if name != "biz_content"})
    request = WireRequest(
        endpoint="",
        moves_money=False,
        method="POST",
        url=f"{merchant.account.gateway_url}?{public}",
        headers={"Content-Type": "application/json"},
        content=urlencode({"biz_content": params["biz_content"]}).encode(),
    )
    answer = merchant.transport.send(request, 1.0)
    assert isinstance(answer, WireReply)
    assert merchant.read(answer, "utf-8").code == "isv.invalid-signature"


@pytest.mark.parametrize(
    ("change", "code", "sub_code"),
    [
        ({}, "40004", LET_IN),
        ({"app_cert_sn": None}, "40001", "isv.missing-app-cert-sn"),
        ({"app_cert_sn": "0" * 32}, "40002", "isv.app-cert-not-exist"),
        ({"alipay_root_cert_sn": None}, "40001", "isv.missing-alipay-root-cert-sn"),
        ({"alipay_root_cert_sn": "0" * 32}, "40002", "isv.invalid-alipay-root-cert-sn"),
    ],
)
def test_certificate_mode_wants_both_numbers(
    certified: AlipaySimulator, change: dict[str, str | None], code: str, sub_code: str
) -> None:
    """The application's certificate and the root certificates are named in every call."""
    said = Merchant(certified).call(QUERY, NOT_FOUND, **change)
    assert (code, sub_code, True) == (said.fields["code"], said.fields["sub_code"], said.authentic)


def test_content_that_cannot_be_decrypted_is_refused() -> None:
    """Encryption is set up, but the content was encrypted with another key."""
    merchant = Merchant(AlipaySimulator(encryption=True))
    said = merchant.call(QUERY, base64.b64encode(b"x" * 32).decode(), encrypt_type="AES")
    assert (said.fields["code"], said.fields["sub_code"]) == ("40003", "isv.decryption-error")
