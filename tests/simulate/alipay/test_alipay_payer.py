"""The payer opens pages, forms, app strings and mini-program trades; the cashier turns away what is not in order."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from tests.simulate.alipay.merchant import Clock, Merchant

from payport.adapters.alipay.simulator import AlipaySimulator, CannotPay, Wallet
from payport.adapters.alipay.simulator.books import Books
from payport.adapters.alipay.simulator.calls import Refusal
from payport.adapters.alipay.simulator.rows import TradeRow, TradeStatus
from payport.schemas.actions import Action, AppParameters, PostForm, QrCode, Redirect

PAGE, WAP, APP = "alipay.trade.page.pay", "alipay.trade.wap.pay", "alipay.trade.app.pay"


def page(merchant: Merchant, method: str = PAGE, **changes: str) -> Redirect:
    """A signed page as a URL."""
    params = merchant.parameters(method, merchant.order(), **changes)
    return Redirect(url=f"{merchant.account.gateway_url}?{urlencode(params)}")


def form(merchant: Merchant) -> PostForm:
    """A signed page as a form."""
    params = merchant.parameters(PAGE, merchant.order())
    content = {"biz_content": params.pop("biz_content")}
    return PostForm(url=f"{merchant.account.gateway_url}?{urlencode(params)}", fields=content)


def app_string(merchant: Merchant, method: str = APP, content: dict[str, object] | None = None) -> AppParameters:
    """A signed order string."""
    params = merchant.parameters(method, merchant.order() if content is None else content)
    return AppParameters(payload=urlencode(params), fields=params)


def test_every_kind_of_action_can_be_opened_and_paid(merchant: Merchant) -> None:
    """Each opens the same trade; left alone it waits, nothing exists before."""
    actions: list[Action] = [page(merchant), page(merchant, WAP), form(merchant), app_string(merchant)]
    assert merchant.query().code == "ACQ.TRADE_NOT_EXIST"
    for action in actions:
        assert merchant.partner.payer.leave(action).number == "SHOP1"
        assert merchant.query().fields["trade_status"] == "WAIT_BUYER_PAY"
    assert merchant.partner.payer.open(actions[0]).paid
    assert len(merchant.partner.ledger.charges("SHOP1")) == 1
    for action in actions:
        with pytest.raises(Refusal, match="TRADE_HAS_SUCCESS"):
            merchant.partner.payer.open(action)


def test_a_code_is_an_action_too(merchant: Merchant) -> None:
    """Text or QrCode, the same."""
    assert merchant.partner.payer.open(QrCode(text=merchant.precreate())).paid


@pytest.mark.parametrize("name", ["tradeNO", "trade_no"])
def test_a_mini_program_hands_over_a_trade_number(merchant: Merchant, name: str) -> None:
    """The trade exists already; an unknown number is turned away."""
    content = merchant.order(buyer_id="2088102100000001")
    trade_no = merchant.call("alipay.trade.create", content).fields["trade_no"]
    assert merchant.partner.payer.open(AppParameters(payload="", fields={name: trade_no})).paid
    with pytest.raises(CannotPay):
        merchant.partner.payer.open(AppParameters(payload="", fields={name: "2026"}))


def test_the_browser_is_sent_back_with_signed_parameters(merchant: Merchant) -> None:
    """Rule V1; display only. Without a return address, and for other kinds, nobody is sent anywhere."""
    visit = merchant.partner.payer.open(page(merchant, return_url="https://shop.test/back?a=1"))
    assert visit.return_url is not None
    url = urlsplit(visit.return_url)
    found = dict(parse_qsl(url.query))
    assert (
        url.hostname,
        found.pop("a"),
        found["method"],
        found["out_trade_no"],
        found["total_amount"],
    ) == ("shop.test", "1", "alipay.trade.page.pay.return", "SHOP1", "12.34")
    text = "&".join(f"{name}={value}" for name, value in sorted(found.items()) if name not in ("sign", "sign_type"))
    merchant.key.verify(base64.b64decode(found["sign"]), text.encode(), PKCS1v15(), SHA256())
    assert merchant.partner.payer.open(merchant.precreate("SHOP2")).return_url is None


def test_the_phone_hands_back_a_signed_result(merchant: Merchant) -> None:
    """resultStatus 9000 and a signed text; never proof of payment."""
    result = merchant.partner.payer.open(app_string(merchant)).app_result
    assert result is not None
    envelope = json.loads(result["result"])
    node = json.dumps(envelope["alipay_trade_app_pay_response"], separators=(",", ":"))
    merchant.key.verify(base64.b64decode(envelope["sign"]), node.encode(), PKCS1v15(), SHA256())
    assert result["resultStatus"] == "9000"


def test_a_freeze_in_an_app(merchant: Merchant) -> None:
    """The order exists once it was opened, and is frozen once agreed to."""
    content: dict[str, object] = {
        "out_order_no": "HOLD1",
        "out_request_no": "F1",
        "order_title": "Deposit",
        "amount": "100.00",
    }
    action = app_string(merchant, "alipay.fund.auth.order.app.freeze", content)
    assert merchant.partner.payer.leave(action).number == "HOLD1"
    assert [hold.status for hold in merchant.partner.ledger.holds()] == ["INIT"]
    assert merchant.partner.payer.open(action).paid
    assert [hold.status for hold in merchant.partner.ledger.holds()] == ["AUTHORIZED"]


def test_a_page_may_be_opened_hours_later_but_not_altered(merchant: Merchant) -> None:
    """Its time stamp is not held to the clock, its signature is."""
    action = page(merchant)
    merchant.partner.advance(86_400)
    assert merchant.partner.payer.leave(action).number
    spoilt = Redirect(url=action.url.replace("12.34", "0.01"))
    with pytest.raises(Refusal, match="invalid-signature"):
        merchant.partner.payer.open(spoilt)


def test_a_page_with_other_data_is_turned_away(merchant: Merchant) -> None:
    """The same number, another amount."""
    merchant.partner.payer.leave(page(merchant))
    params = merchant.parameters(PAGE, merchant.order(amount="99.00"))
    with pytest.raises(Refusal, match="CONTEXT_INCONSISTENT"):
        merchant.partner.payer.open(Redirect(url=f"{merchant.account.gateway_url}?{urlencode(params)}"))


def test_the_payer_may_give_up(merchant: Merchant) -> None:
    """Closed for good; what was never opened cannot be given up or paid."""
    merchant.partner.payer.leave(page(merchant))
    merchant.partner.payer.cancel("SHOP1")
    assert merchant.query().fields["trade_status"] == "TRADE_CLOSED"
    merchant.precreate("SHOP2")
    for number in ("SHOP1", "SHOP2", "SHOP3"):
        with pytest.raises(CannotPay):
            merchant.partner.payer.pay(number)
        with pytest.raises(CannotPay):
            merchant.partner.payer.cancel(number)


def test_an_unknown_code_is_turned_away(partner: AlipaySimulator) -> None:
    """Any other text."""
    with pytest.raises(CannotPay):
        partner.payer.scan("https://elsewhere.example/")


def test_codes_are_never_the_same_and_look_like_alipays(partner: AlipaySimulator) -> None:
    """18 digits that begin with 28."""
    codes = {partner.payer.code(wallet) for wallet in Wallet for _ in range(10)}
    assert len(codes) == 50
    assert all(len(code) == 18 and code.startswith("28") for code in codes)


def test_nobody_is_charged_twice_by_the_books_themselves(clock: Clock) -> None:
    """The rule stands where the money moves, not only at the doors before it."""
    books = Books(app_id="9021000000000001", seller_id="2088000000000001", balance_minor=0, code_url="")
    row = TradeRow(
        out_trade_no="SHOP1",
        trade_no="2026",
        amount_minor=1234,
        subject="Tea",
        asked={},
        created_at=clock(),
        expires_at=clock(),
        status=TradeStatus.WAITING,
    )
    books.charge(row, clock())
    with pytest.raises(ValueError, match="cannot be charged"):
        books.charge(row, clock())
    assert books.balance_minor == 1234
