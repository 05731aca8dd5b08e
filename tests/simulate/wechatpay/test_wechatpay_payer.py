"""The person with the phone: what WeChat checks before it shows anything, and what it never does twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from tests.simulate.wechatpay.merchant import Merchant

from payport.adapters.wechatpay.simulator import CannotPay
from payport.schemas.actions import AppParameters

BASE = "/v3/pay/transactions"


@pytest.fixture
def app(merchant: Merchant) -> AppParameters:
    """What an app hands over."""
    order = merchant.order(appid=merchant.account.app_appid)
    return merchant.app_parameters(str(merchant.call("POST", f"{BASE}/app", order).fields["prepay_id"]))


@pytest.fixture
def page(merchant: Merchant) -> AppParameters:
    """What a page hands over."""
    order = merchant.order(payer={"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"})
    return merchant.jsapi_parameters(str(merchant.call("POST", f"{BASE}/jsapi", order).fields["prepay_id"]))


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("appid", "wx0", "another application"),
        ("partnerid", "1900000001", "partnerid"),
        ("package", "prepay", "partnerid or package"),
        ("prepayid", "wx0", "no such code"),
        ("noncestr", "other", "not signed"),
        ("timestamp", "1", "not signed"),
        ("sign", "!", "not signed"),
    ],
)
def test_every_parameter_of_an_app_is_checked(
    merchant: Merchant, app: AppParameters, name: str, value: str, why: str
) -> None:
    """Application, merchant, constant, prepay id and signature."""
    with pytest.raises(CannotPay, match=why):
        merchant.partner.payer.open(AppParameters(payload="", fields={**app.fields, name: value}))
    assert merchant.partner.payer.open(app).paid


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("appId", "wx0", "another application"),
        ("signType", "MD5", "signType"),
        ("package", "prepay_id=wx0", "no such code"),
        ("timeStamp", "1", "not signed"),
        ("paySign", "!", "not signed"),
    ],
)
def test_every_parameter_of_a_page_is_checked(
    merchant: Merchant, page: AppParameters, name: str, value: str, why: str
) -> None:
    """Application, prepay id, way of signing and signature."""
    with pytest.raises(CannotPay, match=why):
        merchant.partner.payer.open(AppParameters(payload="", fields={**page.fields, name: value}))
    assert merchant.partner.payer.open(page).paid


def test_parameters_may_come_as_one_text(merchant: Merchant, page: AppParameters) -> None:
    """JSON, as a page gets it from its server; anything else opens nothing."""
    for text in ("no json", "[]"):
        with pytest.raises(CannotPay, match="no JSON"):
            merchant.partner.payer.open(AppParameters(payload=text, fields={}))
    assert merchant.partner.payer.open(AppParameters(payload=json.dumps(dict(page.fields)), fields={})).paid


def test_nobody_is_charged_twice(merchant: Merchant) -> None:
    """The books themselves refuse it."""
    merchant.paid()
    books = merchant.partner.ledger._books
    with pytest.raises(ValueError, match="cannot be charged"):
        books.charge(books.orders["SHOP01"], datetime(2026, 11, 23, tzinfo=UTC))
    with pytest.raises(CannotPay, match="SUCCESS"):
        merchant.partner.payer.pay("SHOP01")
