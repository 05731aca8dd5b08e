"""Orders at WeChat Pay: handed out, paid, charged by a code, asked about, closed, reversed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.simulate.wechatpay.merchant import CLOSE, CODEPAY, NATIVE, Clock, Merchant

from payport.adapters.wechatpay.simulator import CannotPay, Wallet
from payport.schemas.actions import PostForm, QrCode, Redirect
from payport.schemas.money import Money

BASE = "/v3/pay/transactions"
H5_SCENE = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}


def test_a_code_is_shown_scanned_and_paid(merchant: Merchant) -> None:
    """The order exists as soon as the code does; the payment has WeChat's number, a time and a payer."""
    code_url = merchant.native(attach="table 7")
    before = merchant.query().fields
    assert code_url.startswith("weixin://wxpay/bizpayurl?pr=")
    assert (before["trade_state"], before["amount"]) == ("NOTPAY", {"total": 1234, "currency": "CNY"})
    assert "transaction_id" not in before
    merchant.partner.payer.open(QrCode(text=code_url))
    after = merchant.query().fields
    assert (after["trade_state"], after["trade_type"], after["attach"]) == ("SUCCESS", "NATIVE", "table 7")
    assert (after["success_time"], len(after["transaction_id"])) == ("2026-11-23T12:00:00+08:00", 28)
    assert after["amount"]["payer_total"] == 1234
    [charge] = merchant.partner.ledger.charges("SHOP01")
    assert (after["transaction_id"], Money(1234, "CNY")) == (charge.transaction_id, charge.amount)
    by_number = merchant.call("GET", f"{BASE}/id/{after['transaction_id']}?mchid={merchant.account.mchid}")
    assert after == by_number.fields


def test_a_page_a_mini_program_and_an_app_are_paid_with_signed_parameters(merchant: Merchant) -> None:
    """WeChat checks the signature and the application before it shows anything to the payer."""
    account, payer = merchant.account, merchant.partner.payer
    openid = {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}
    page = merchant.call("POST", f"{BASE}/jsapi", merchant.order("JSAPI01", payer=openid)).fields["prepay_id"]
    mini_order = merchant.order("MINI001", payer=openid, appid=account.mini_program_appid)
    mini = merchant.call("POST", f"{BASE}/jsapi", mini_order).fields["prepay_id"]
    app = merchant.call("POST", f"{BASE}/app", merchant.order("APP0001", appid=account.app_appid)).fields["prepay_id"]
    with pytest.raises(CannotPay, match="another application"):
        payer.open(merchant.jsapi_parameters(mini))
    forged = merchant.jsapi_parameters(page)
    with pytest.raises(CannotPay, match="not signed"):
        payer.open(type(forged)(payload="", fields={**forged.fields, "nonceStr": "other"}))
    visits = [
        payer.open(merchant.jsapi_parameters(page)),
        payer.open(merchant.jsapi_parameters(mini, account.mini_program_appid)),
        payer.open(merchant.app_parameters(app)),
    ]
    assert [visit.number for visit in visits] == ["JSAPI01", "MINI001", "APP0001"]
    states = [merchant.query(number).fields["trade_state"] for number in ("JSAPI01", "MINI001", "APP0001")]
    assert states == ["SUCCESS"] * 3


def test_an_h5_link_lives_five_minutes_and_sends_the_payer_back(merchant: Merchant) -> None:
    """The return address is appended by the merchant; a new link is made by asking again."""
    order = merchant.order(scene_info=H5_SCENE)
    stale = merchant.call("POST", f"{BASE}/h5", order).fields["h5_url"]
    merchant.partner.advance(5 * 60)
    with pytest.raises(CannotPay, match="expired"):
        merchant.partner.payer.open(Redirect(url=stale))
    fresh = merchant.call("POST", f"{BASE}/h5", order).fields["h5_url"]
    visit = merchant.partner.payer.open(Redirect(url=f"{fresh}&redirect_url=https%3A%2F%2Fshop.example%2Fback"))
    assert (visit.number, visit.return_url) == ("SHOP01", "https://shop.example/back")


def test_the_same_request_gives_a_usable_code_of_the_same_order_again(merchant: Merchant) -> None:
    """Either code pays it, once."""
    first, second = merchant.native(), merchant.native()
    merchant.partner.payer.scan(first)
    with pytest.raises(CannotPay, match="paid or closed"):
        merchant.partner.payer.scan(second)
    assert len(merchant.partner.ledger.charges()) == 1


def test_a_code_lives_two_hours_its_order_longer(merchant: Merchant) -> None:
    """After that a new code of the same order can be asked for."""
    stale = merchant.native()
    merchant.partner.advance(2 * 3600)
    with pytest.raises(CannotPay, match="expired"):
        merchant.partner.payer.scan(stale)
    assert merchant.partner.payer.scan(merchant.native()).paid


def test_time_expire_ends_what_can_be_paid_but_closes_nothing(merchant: Merchant, clock: Clock) -> None:
    """A query says NOTPAY for ever; the merchant closes."""
    until = (clock.now + timedelta(minutes=10)).isoformat()
    code_url = merchant.native(time_expire=until)
    merchant.partner.payer.leave(code_url)
    merchant.partner.advance(600)
    with pytest.raises(CannotPay, match="over"):
        merchant.partner.payer.pay("SHOP01")
    assert merchant.query().fields["trade_state"] == "NOTPAY"
    assert merchant.call("POST", NATIVE, merchant.order(time_expire=until)).code == "INVALID_REQUEST"
    assert merchant.close().status == 204
    assert merchant.query().fields["trade_state"] == "CLOSED"


@pytest.mark.parametrize(
    ("state", "change", "status", "code"),
    [
        ("open", {"amount": {"total": 1235, "currency": "CNY"}}, 400, "INVALID_REQUEST"),
        ("open", {"description": "Coffee"}, 400, "INVALID_REQUEST"),
        ("paid", {}, 400, "ORDERPAID"),
        ("closed", {}, 400, "ORDER_CLOSED"),
    ],
)
def test_a_number_stands_for_one_content_and_is_never_used_again(
    merchant: Merchant, state: str, change: dict[str, object], status: int, code: str
) -> None:
    """Not with other content, not after it was paid, not after it was closed."""
    code_url = merchant.native()
    if state == "paid":
        merchant.partner.payer.scan(code_url)
    elif state == "closed":
        merchant.close()
    said = merchant.call("POST", NATIVE, merchant.order(**change))
    assert (status, code, True) == (said.status, said.code, said.authentic)


def test_a_number_of_another_kind_of_order_is_taken(merchant: Merchant) -> None:
    """A code's number is no page's number."""
    merchant.native()
    said = merchant.call("POST", CODEPAY, merchant.code_order())
    assert (said.status, said.code) == (403, "OUT_TRADE_NO_USED")


@pytest.mark.parametrize(
    ("wallet", "status", "code", "trade_state"),
    [
        (Wallet.PAYS, 200, "", "SUCCESS"),
        (Wallet.CONFIRMS, 200, "", "USERPAYING"),
        (Wallet.NO_MONEY, 403, "NOT_ENOUGH", "PAYERROR"),
        (Wallet.RISKY, 403, "ACCOUNT_ERROR", "PAYERROR"),
        (Wallet.BANK_FAILS, 500, "BANK_ERROR", "PAYERROR"),
    ],
)
def test_what_a_wallet_does_stands_in_its_code(
    merchant: Merchant, wallet: Wallet, status: int, code: str, trade_state: str
) -> None:
    """The same request gets the same answer again, but for what was paid."""
    order = merchant.code_order("SHOP01", 1234, merchant.partner.payer.code(wallet))
    said, queried = merchant.call("POST", CODEPAY, order), merchant.query()
    assert (status, code, trade_state) == (said.status, said.code, queried.fields["trade_state"])
    again = merchant.call("POST", CODEPAY, order)
    assert (again.status, again.code) == ((400, "ORDERPAID") if wallet is Wallet.PAYS else (status, code))


def test_a_stale_code_leaves_no_order(merchant: Merchant) -> None:
    """Nor does one that was used before."""
    code = merchant.partner.payer.code()
    merchant.codepay("SHOP01", code=code)
    for number, used in (
        ("SHOP02", code),
        ("SHOP03", merchant.partner.payer.code(Wallet.STALE)),
        ("SHOP04", "no code"),
    ):
        said = merchant.codepay(number, code=used)
        assert (said.status, said.code) == (400, "AUTH_CODE_INVALID")
        assert (merchant.query(number).status, merchant.query(number).code) == (404, "ORDER_NOT_EXIST")


def test_who_must_confirm_does_or_does_not(merchant: Merchant) -> None:
    """A payment by code that was given up has failed; nobody is charged."""
    merchant.codepay("SHOP01", code=merchant.partner.payer.code(Wallet.CONFIRMS))
    merchant.codepay("SHOP02", code=merchant.partner.payer.code(Wallet.CONFIRMS))
    merchant.partner.payer.confirm("SHOP01")
    merchant.partner.payer.cancel("SHOP02")
    assert merchant.query("SHOP01").fields["trade_state"] == "SUCCESS"
    assert merchant.query("SHOP02").fields["trade_state"] == "PAYERROR"
    assert [charge.out_trade_no for charge in merchant.partner.ledger.charges()] == ["SHOP01"]
    assert len(merchant.partner.notices) == 0, "payments by code are never notified"


def test_close_ends_an_order_and_says_so_once(merchant: Merchant) -> None:
    """204 without a body, signed all the same; then ORDER_CLOSED."""
    code_url = merchant.native()
    closed, again = merchant.close(), merchant.close()
    assert (closed.status, closed.raw, closed.authentic) == (204, b"", True)
    assert (again.status, again.code) == (400, "ORDER_CLOSED")
    with pytest.raises(CannotPay, match="paid or closed"):
        merchant.partner.payer.scan(code_url)


def test_close_of_what_is_paid_being_paid_or_unknown(merchant: Merchant) -> None:
    """None of them is closed."""
    merchant.paid("SHOP01")
    merchant.partner.payer.begin(merchant.native("SHOP02"))
    merchant.codepay("SHOP03", code=merchant.partner.payer.code(Wallet.CONFIRMS))
    merchant.codepay("SHOP04")
    said = [merchant.close(number) for number in ("SHOP01", "SHOP02", "SHOP03", "SHOP04", "SHOP05")]
    assert [(one.status, one.code) for one in said] == [
        (400, "ORDERPAID"),
        (202, "USERPAYING"),
        (202, "USERPAYING"),
        (400, "INVALID_REQUEST"),
        (404, "ORDER_NOT_EXIST"),
    ]
    merchant.partner.payer.cancel("SHOP02")
    other = merchant.call("POST", CLOSE.format(out_trade_no="SHOP02"), {"mchid": "1900000001"})
    assert (other.status, other.code) == (400, "PARAM_ERROR")
    assert merchant.close("SHOP02").status == 204


@pytest.mark.parametrize("wallet", [Wallet.PAYS, Wallet.CONFIRMS, Wallet.NO_MONEY])
def test_reverse_closes_or_gives_back_as_often_as_one_likes(merchant: Merchant, wallet: Wallet) -> None:
    """The order is REVOKED; what was paid is back, once."""
    merchant.codepay(code=merchant.partner.payer.code(wallet))
    answers = [merchant.reverse(), merchant.reverse()]
    assert [one.status for one in answers] == [200, 200]
    assert answers[0].fields["out_trade_no"] == "SHOP01"
    assert merchant.query().fields["trade_state"] == "REVOKED"
    assert merchant.partner.ledger.paid_total() == merchant.partner.ledger.refunded_total()
    assert (1 if wallet is Wallet.PAYS else 0) == len(merchant.partner.ledger.refunds("SHOP01"))


def test_reverse_is_for_codes_for_seven_days(merchant: Merchant) -> None:
    """Orders that were handed out are closed instead; old ones are refunded."""
    merchant.native("SHOP01")
    merchant.codepay("SHOP02")
    merchant.partner.advance(7 * 86400 + 1)
    codes = [merchant.reverse(number).code for number in ("SHOP01", "SHOP02", "SHOP03")]
    assert codes == ["INVALID_REQUEST", "INVALID_REQUEST", "ORDER_NOT_EXIST"]


def test_a_number_with_a_bar_and_a_star_is_signed_as_it_travels(merchant: Merchant) -> None:
    """WeChat allows both in numbers and signs the percent-encoded path."""
    merchant.native("SHOP|01*a")
    assert merchant.query("SHOP|01*a").fields["out_trade_no"] == "SHOP|01*a"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"out_trade_no": "SHOP1"}, "/out_trade_no"),
        ({"out_trade_no": "SHOP 01"}, "/out_trade_no"),
        ({"amount": {"total": 0, "currency": "CNY"}}, "/amount/total"),
        ({"amount": {"total": "1234", "currency": "CNY"}}, "/amount/total"),
        ({"amount": {"total": 12.34, "currency": "CNY"}}, "/amount/total"),
        ({"amount": {"total": 1234, "currency": "USD"}}, "/amount/currency"),
        ({"description": None}, "/description"),
        ({"description": "x" * 128}, "/description"),
        ({"notify_url": None}, "/notify_url"),
        ({"notify_url": "https://shop.example/wechatpay?a=b"}, "/notify_url"),
        ({"attach": "x" * 129}, "/attach"),
        ({"time_expire": "2026-11-23T12:00:59+08:00"}, "/time_expire"),
        ({"time_expire": "2026-11-24T12:00:00"}, "/time_expire"),
        ({"time_expire": "tomorrow"}, "/time_expire"),
        ({"time_expire": "2027-03-01T12:00:00+08:00"}, "/time_expire"),
    ],
)
def test_a_wrong_parameter_is_named(merchant: Merchant, change: dict[str, object], field: str) -> None:
    """400 PARAM_ERROR with the place of the parameter; nothing was made."""
    said = merchant.call("POST", NATIVE, merchant.order(**change))
    assert (400, "PARAM_ERROR", field) == (said.status, said.code, said.fields["detail"]["field"])
    assert merchant.partner.ledger.trade_state("SHOP01") is None


@pytest.mark.parametrize(
    ("kind", "change", "status", "code"),
    [
        ("native", {"appid": "wx0000000000000000"}, 400, "APPID_MCHID_NOT_MATCH"),
        ("native", {"mchid": "1900000001"}, 400, "PARAM_ERROR"),
        ("jsapi", {}, 400, "PARAM_ERROR"),
        ("jsapi", {"payer": {"openid": "somebody else's"}}, 500, "OPENID_MISMATCH"),
        ("h5", {}, 400, "PARAM_ERROR"),
        ("h5", {"scene_info": {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "TV"}}}, 400, "PARAM_ERROR"),
        ("codepay", {"payer": {"auth_code": "130000000000000001"}}, 400, "PARAM_ERROR"),
    ],
)
def test_what_each_kind_of_payment_wants(
    merchant: Merchant, kind: str, change: dict[str, object], status: int, code: str
) -> None:
    """An application of this merchant, a payer, a scene, a shop."""
    said = merchant.call("POST", f"{BASE}/{kind}", merchant.order(**change))
    assert (status, code) == (said.status, said.code)


def test_a_query_names_the_merchant_and_a_number_of_the_right_form(merchant: Merchant) -> None:
    """Otherwise it is refused; a wrong number of WeChat's comes as 500."""
    merchant.native()
    mchid = merchant.account.mchid
    said = [
        merchant.call("GET", f"{BASE}/out-trade-no/SHOP01"),
        merchant.call("GET", f"{BASE}/out-trade-no/SHOP01?mchid=1"),
        merchant.call("GET", f"{BASE}/id/12?mchid={mchid}"),
        merchant.call("GET", f"{BASE}/id/{'1' * 28}?mchid={mchid}"),
    ]
    assert [(one.status, one.code) for one in said] == [
        (400, "PARAM_ERROR"),
        (400, "PARAM_ERROR"),
        (500, "INVALID_TRANSACTIONID"),
        (404, "ORDER_NOT_EXIST"),
    ]


def test_the_payer_opens_only_what_was_handed_out(merchant: Merchant) -> None:
    """And nothing that WeChat has no page for."""
    payer = merchant.partner.payer
    for action in ("https://shop.example/", Redirect(url="https://shop.example/"), PostForm(url="x", fields={})):
        with pytest.raises(CannotPay):
            payer.open(action)
    with pytest.raises(CannotPay, match="not there"):
        payer.pay("SHOP99")
