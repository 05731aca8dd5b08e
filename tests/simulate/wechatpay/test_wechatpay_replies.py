"""WeChat Pay's answers as bytes: signed over exactly those, with the oddities seen in the wild."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.simulate.wechatpay.merchant import Merchant

from payport.adapters.wechatpay.simulator import Quirks


def test_every_answer_has_a_number_to_ask_support_about(merchant: Merchant) -> None:
    """And names how it is signed and in which language it speaks."""
    said = merchant.query()
    assert {
        "request-id",
        "date",
        "content-language",
        "content-type",
        "wechatpay-timestamp",
        "wechatpay-nonce",
        "wechatpay-signature",
        "wechatpay-serial",
        "wechatpay-signature-type",
    } == set(said.headers)
    assert said.headers["wechatpay-signature-type"] == "WECHATPAY2-SHA256-RSA2048"
    assert said.headers["request-id"] != merchant.query().headers["request-id"]


@pytest.mark.parametrize(
    ("quirks", "shown"),
    [
        (Quirks(spaced=True), b"\n  "),
        (Quirks(escaped_slashes=True), b"\\/"),
        (Quirks(new_fields=True), b"field_of_tomorrow"),
        (Quirks(spaced=True, escaped_slashes=True, new_fields=True), b'": "'),
    ],
)
def test_an_oddity_is_authentic(merchant: Merchant, quirks: Quirks, shown: bytes) -> None:
    """The signature is over the raw bytes, however they are spelled."""
    merchant.partner.quirks = quirks
    merchant.paid(attach="a/b")
    said = merchant.query()
    assert said.authentic
    assert shown in said.raw
    assert said.fields["attach"] == "a/b"


def test_a_signature_without_its_type_is_rsa(merchant: Merchant) -> None:
    """The header may be absent."""
    merchant.partner.quirks = replace(merchant.partner.quirks, typed=False)
    said = merchant.query()
    assert said.authentic
    assert "wechatpay-signature-type" not in said.headers


def test_a_probe_verifies_for_nobody_and_the_call_was_carried_out(merchant: Merchant) -> None:
    """WeChat looks who verifies: outcome unknown, ask."""
    merchant.partner.probe()
    said = merchant.codepay()
    assert said.headers["wechatpay-signature"].startswith("WECHATPAY/SIGNTEST/")
    assert (said.status, said.authentic) == (200, False)
    assert (merchant.query().authentic, merchant.query().fields["trade_state"]) == (True, "SUCCESS")


def test_a_reverse_of_an_unknown_order_may_be_answered_as_done(merchant: Merchant) -> None:
    """Seen by merchants: a query afterwards tells the truth."""
    assert merchant.reverse("SHOP99").status == 404
    merchant.partner.quirks = Quirks(reverses_unknown=True)
    assert (merchant.reverse("SHOP99").status, merchant.reverse("SHOP99").fields["out_trade_no"]) == (200, "SHOP99")
    assert merchant.query("SHOP99").code == "ORDER_NOT_EXIST"
