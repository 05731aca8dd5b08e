"""Combined orders at WeChat Pay: several orders, one payment, no state for the whole."""

from __future__ import annotations

import pytest
from tests.simulate.wechatpay.merchant import Clock, Merchant

from payport.adapters.wechatpay.simulator import CannotPay, WeChatPaySimulator
from payport.schemas.actions import QrCode, Redirect

NATIVE = "/v3/combine-transactions/native"
GROUP = "/v3/combine-transactions/out-trade-no/GROUP1"


def content(merchant: Merchant, *parts: str, **more: object) -> dict[str, object]:
    """A combined order of parts of 100 fen each."""
    account = merchant.account
    sub_orders = [
        {
            "mchid": account.mchid,
            "out_trade_no": part,
            "attach": f"for {part}",
            "description": "茶 Tea",
            "amount": {"total_amount": 100, "currency": "CNY"},
        }
        for part in parts
    ]
    return {
        "combine_appid": account.appid,
        "combine_mchid": account.mchid,
        "combine_out_trade_no": "GROUP1",
        "notify_url": "https://shop.example/wechatpay",
        "sub_orders": sub_orders,
        **more,
    }


def make(merchant: Merchant, *parts: str) -> str:
    """A code that pays all parts."""
    said = merchant.call("POST", NATIVE, content(merchant, *parts))
    assert said.status == 200, said.fields
    return str(said.fields["code_url"])


def test_all_parts_are_paid_at_once(merchant: Merchant) -> None:
    """One notice tells of all; each part has a number of its own and is refunded by itself."""
    code_url = make(merchant, "PART01", "PART02")
    before = merchant.call("GET", GROUP).fields
    assert [part["trade_state"] for part in before["sub_orders"]] == ["NOTPAY", "NOTPAY"]
    assert "combine_payer_info" not in before
    assert merchant.partner.payer.open(QrCode(text=code_url)).number == "GROUP1"
    after = merchant.call("GET", GROUP).fields
    assert [
        (part["trade_state"], part["amount"]["total_amount"], part["amount"]["payer_amount"])
        for part in after["sub_orders"]
    ] == [("SUCCESS", 100, 100)] * 2
    assert len({part["transaction_id"] for part in after["sub_orders"]}) == 2
    [raw] = merchant.partner.notices
    told = merchant.told(raw)
    assert told.pop("event_type") == "TRANSACTION.SUCCESS"
    assert after == told
    assert [charge.out_trade_no for charge in merchant.partner.ledger.charges()] == ["PART01", "PART02"]
    assert merchant.query("PART01").fields["trade_state"] == "SUCCESS"
    assert merchant.refund("PART01", 40, "R1", 100).fields["status"] == "PROCESSING"
    with pytest.raises(CannotPay):
        merchant.partner.payer.scan(code_url)
    with pytest.raises(CannotPay):
        merchant.partner.payer.pay("GROUP1")


def test_the_same_request_again_and_another(merchant: Merchant) -> None:
    """As for single orders; paid, closed or with other parts it is refused."""
    make(merchant, "PART01")
    code_url = make(merchant, "PART01")
    said = merchant.call("POST", NATIVE, content(merchant, "PART02"))
    assert (said.status, said.code) == (400, "INVALID_REQUEST")
    page = merchant.call("POST", NATIVE.replace("native", "app"), content(merchant, "PART01"))
    assert (page.status, page.code) == (403, "OUT_TRADE_NO_USED")
    merchant.partner.payer.scan(code_url)
    assert merchant.call("POST", NATIVE, content(merchant, "PART01")).code == "ORDERPAID"


def test_a_part_is_nobody_elses(merchant: Merchant) -> None:
    """Its number stands for one order, single or part; and it is paid with its group only."""
    merchant.native("PART01")
    said = merchant.call("POST", NATIVE, content(merchant, "PART02", "PART01"))
    assert (said.status, said.code) == (403, "OUT_TRADE_NO_USED")
    assert merchant.query("PART02").code == "ORDER_NOT_EXIST", "made whole or not at all"
    make(merchant, "PART02")
    assert merchant.call("POST", "/v3/pay/transactions/native", merchant.order("PART02")).code == "OUT_TRADE_NO_USED"
    with pytest.raises(CannotPay):
        merchant.partner.payer.pay("PART02")


def test_close_ends_every_part_and_names_them_all(merchant: Merchant) -> None:
    """204; a list that is not the order's is refused."""
    code_url = make(merchant, "PART01", "PART02")
    own = merchant.account

    def close(*parts: str, appid: str = own.appid) -> tuple[int, str]:
        sub_orders = [{"mchid": own.mchid, "out_trade_no": part} for part in parts]
        said = merchant.call("POST", f"{GROUP}/close", {"combine_appid": appid, "sub_orders": sub_orders})
        return said.status, said.code

    assert [
        close("PART01"),
        close("PART01", "PART02", appid="wx0"),
        close("PART01", "PART02"),
        close("PART01", "PART02"),
    ] == [(400, "PARAM_ERROR"), (400, "PARAM_ERROR"), (204, ""), (400, "ORDER_CLOSED")]
    with pytest.raises(CannotPay):
        merchant.partner.payer.scan(code_url)
    assert merchant.call("GET", GROUP.replace("GROUP1", "GROUP2")).code == "ORDER_NOT_EXIST"


@pytest.mark.parametrize(
    ("kind", "change", "code"),
    [
        ("native", {"combine_mchid": "1"}, "PARAM_ERROR"),
        ("native", {"combine_appid": "wx0"}, "APPID_MCHID_NOT_MATCH"),
        ("native", {"sub_orders": []}, "PARAM_ERROR"),
        ("native", {"sub_orders": [{"mchid": "1900000109", "out_trade_no": "PART01"}]}, "PARAM_ERROR"),
        ("native", {"sub_orders": [{"mchid": "1", "attach": "a"}]}, "PARAM_ERROR"),
        ("native", {"time_expire": "2020-01-01T00:00:00+08:00"}, "PARAM_ERROR"),
        ("jsapi", {}, "PARAM_ERROR"),
        ("h5", {}, "PARAM_ERROR"),
    ],
)
def test_a_combined_order_that_cannot_be(merchant: Merchant, kind: str, change: dict[str, object], code: str) -> None:
    """Every part has an attach, a description, an amount in CNY."""
    said = merchant.call("POST", NATIVE.replace("native", kind), {**content(merchant, "PART01"), **change})
    assert code == said.code
    assert merchant.query("PART01").code == "ORDER_NOT_EXIST"


def test_an_order_that_is_over_hands_nothing_out(merchant: Merchant) -> None:
    """Neither for one order nor for several; a link opens all parts while it lives."""
    scene = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "iOS"}}
    body = content(merchant, "PART01", time_expire="2026-11-23T12:10:00+08:00", scene_info=scene)
    link = merchant.call("POST", NATIVE.replace("native", "h5"), body).fields["h5_url"]
    assert merchant.partner.payer.leave(Redirect(url=link)).number == "GROUP1"
    merchant.partner.advance(600)
    with pytest.raises(CannotPay, match="is over"):
        merchant.partner.payer.pay("GROUP1")
    assert merchant.call("POST", NATIVE.replace("native", "h5"), body).code == "INVALID_REQUEST"


def test_a_service_provider_names_the_sub_merchant_of_every_part(clock: Clock) -> None:
    """And is told of it again."""
    merchant = Merchant(WeChatPaySimulator(clock=clock, sub_mchid="1900000110"))
    body = content(merchant, "PART01")
    assert merchant.call("POST", NATIVE, body).code == "PARAM_ERROR"
    body["sub_orders"] = [{**part, "sub_mchid": "1900000110"} for part in body["sub_orders"]]  # type: ignore[attr-defined]
    merchant.partner.payer.scan(merchant.call("POST", NATIVE, body).fields["code_url"])
    told = merchant.told(merchant.partner.notices[0])
    assert told["sub_orders"][0]["sub_mchid"] == "1900000110"
