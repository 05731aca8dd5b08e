"""Service providers at WeChat Pay: paths of their own, two merchants and two applications in every answer."""

from __future__ import annotations

import pytest
from tests.simulate.wechatpay.merchant import REFUND, Clock, Merchant

from payport.adapters.wechatpay.simulator import CannotPay, WeChatPaySimulator

BASE = "/v3/pay/partner/transactions"
OF = "sp_mchid=1900000109&sub_mchid=1900000110"


@pytest.fixture
def provider(clock: Clock) -> Merchant:
    """A service provider with one sub-merchant that has an application of its own."""
    return Merchant(WeChatPaySimulator(clock=clock, sub_mchid="1900000110", sub_appid="wxsub0000000000001"))


def content(merchant: Merchant, number: str = "SHOP01", /, **more: object) -> dict[str, object]:
    """An order for the sub-merchant."""
    plain = merchant.order(number, 1234, appid=None, mchid=None)
    own = {"sp_appid": merchant.account.appid, "sp_mchid": merchant.account.mchid, "sub_mchid": "1900000110"}
    return {**plain, **own, **more}


def test_an_order_of_a_sub_merchant_is_paid_refunded_and_told(provider: Merchant) -> None:
    """Every answer and notice names both."""
    provider.partner.payer.scan(provider.call("POST", f"{BASE}/native", content(provider)).fields["code_url"])
    said = provider.call("GET", f"{BASE}/out-trade-no/SHOP01?{OF}").fields
    names = ("sp_appid", "sp_mchid", "sub_mchid", "sub_appid", "trade_state")
    assert tuple(said[name] for name in names) == (
        "wxd678efh567hg6787",
        "1900000109",
        "1900000110",
        "wxsub0000000000001",
        "SUCCESS",
    )
    assert {"sp_openid", "sub_openid"} == set(said["payer"])
    told = provider.told(provider.partner.notices[0])
    assert said == {name: value for name, value in told.items() if name != "event_type"}
    amount = {"refund": 100, "total": 1234, "currency": "CNY"}
    body = {"out_trade_no": "SHOP01", "out_refund_no": "R1", "amount": amount}
    assert provider.call("POST", REFUND, body).code == "PARAM_ERROR"
    assert provider.call("POST", REFUND, {**body, "sub_mchid": "1900000110"}).status == 200
    assert provider.call("GET", f"{REFUND}/R1").code == "PARAM_ERROR"
    assert provider.call("GET", f"{REFUND}/R1?sub_mchid=1900000110").status == 200
    provider.partner.process()
    refund = provider.told(provider.partner.notices[1])
    assert (refund["sp_mchid"], refund["sub_mchid"]) == ("1900000109", "1900000110")


def test_a_page_is_opened_by_either_application(provider: Merchant) -> None:
    """With an open id of the one that opens it."""
    for number, payer in (("SHOP01", {"sp_openid": "oabcdefg"}), ("SHOP02", {"sub_openid": "oabcdefg"})):
        body = content(provider, number, sub_appid="wxsub0000000000001", payer=payer)
        prepay_id = provider.call("POST", f"{BASE}/jsapi", body).fields["prepay_id"]
        with pytest.raises(CannotPay, match="another application"):
            provider.partner.payer.open(provider.jsapi_parameters(prepay_id, "wx0"))
        assert provider.partner.payer.open(provider.jsapi_parameters(prepay_id, "wxsub0000000000001")).paid


def test_codes_are_charged_closed_and_reversed_for_the_sub_merchant(provider: Merchant) -> None:
    """With the same words as for a merchant of one's own."""
    code = {"payer": {"auth_code": provider.partner.payer.code()}, "scene_info": {"store_info": {"out_id": "7"}}}
    said = provider.call("POST", f"{BASE}/codepay", content(provider, notify_url=None) | code)
    assert said.code == "PARAM_ERROR", "null is never sent"
    body = {name: value for name, value in (content(provider) | code).items() if name != "notify_url"}
    assert provider.call("POST", f"{BASE}/codepay", body).fields["trade_state"] == "SUCCESS"
    own = {"sp_mchid": "1900000109", "sub_mchid": "1900000110"}
    reverse = provider.call("POST", f"{BASE}/out-trade-no/SHOP01/reverse", {**own, "sp_appid": provider.account.appid})
    assert (reverse.status, reverse.fields["sub_mchid"]) == (200, "1900000110")
    provider.call("POST", f"{BASE}/native", content(provider, "SHOP02"))
    assert provider.call("POST", f"{BASE}/out-trade-no/SHOP02/close", own).status == 204
    assert provider.call("POST", f"{BASE}/out-trade-no/SHOP02/close", {"sp_mchid": "1900000109"}).status == 400


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sp_mchid": "1"}, "PARAM_ERROR"),
        ({"sub_mchid": "1"}, "PARAM_ERROR"),
        ({"sp_appid": "wx0"}, "APPID_MCHID_NOT_MATCH"),
        ({"sub_appid": "wx0"}, "APPID_MCHID_NOT_MATCH"),
    ],
)
def test_the_request_names_the_right_ones(provider: Merchant, change: dict[str, object], code: str) -> None:
    """Service provider, sub-merchant and the application of each."""
    assert code == provider.call("POST", f"{BASE}/native", content(provider, **change)).code


def test_a_service_provider_does_not_use_a_merchants_paths(provider: Merchant) -> None:
    """403 NO_AUTH; a query that names no sub-merchant is refused."""
    said = provider.call("POST", "/v3/pay/transactions/native", provider.order())
    assert (said.status, said.code) == (403, "NO_AUTH")
    assert provider.call("GET", f"{BASE}/out-trade-no/SHOP01?sp_mchid=1900000109").code == "PARAM_ERROR"
