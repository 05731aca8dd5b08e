"""Native access: every endpoint of Alipay, typed, signed and checked like the uniform verbs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, assert_type

import pytest
from pydantic import ValidationError
from tests.support.vectors import vectors

from payport.adapters.alipay import Alipay, endpoints
from payport.adapters.alipay.endpoints import AlipayAction, AlipayEndpoint
from payport.adapters.alipay.endpoints.fields import Part, Request
from payport.adapters.alipay.planning import LOCAL
from payport.adapters.alipay.simulator import AlipaySimulator, Fault, Wallet
from payport.adapters.alipay.simulator.service import CERTIFICATE_DOWNLOAD, HANDLERS
from payport.schemas import Declined, Money, NotSent, NotSentKind, Reason, Succeeded, Unknown, UnknownKind
from payport.schemas.actions import Action, AppParameters, PostForm, Redirect
from payport.sdk import AsyncGateway, ConfigurationError, Gateway
from payport.sdk.adapter import Adapter
from payport.sdk.operations.native import NativeOutcome

JOURNAL = "sqlite:///:memory:?durable=no"
N = "SHOP10010001"
CODE = Wallet.PAYS.code(1)


@pytest.fixture(name="partner")
def certified_partner() -> AlipaySimulator:
    """Alipay in certificate mode, since transfers demand it."""
    return AlipaySimulator("certificate")


@pytest.fixture(name="gateway")
def gateway_to(partner: AlipaySimulator) -> Iterator[Gateway[Alipay]]:
    """A merchant's gateway to it."""
    with Gateway(Alipay(partner.account), journal=JOURNAL, transport=partner.transport()) as gateway:
        yield gateway


def every_endpoint() -> dict[str, object]:
    """The endpoints that the package names, by Alipay's name."""
    named = [getattr(endpoints, name) for name in endpoints.__all__]
    return {one.name: one for one in named if isinstance(one, AlipayEndpoint | AlipayAction)}


def precreate(number: str = N, amount: str = "12.34", **more: Any) -> endpoints.TradePrecreate:
    """A code to show."""
    return endpoints.TradePrecreate(out_trade_no=number, total_amount=amount, subject="茶 Tea", **more)


def pay(number: str = N, code: str = CODE, **more: Any) -> endpoints.TradePay:
    """A scanned code."""
    return endpoints.TradePay(
        out_trade_no=number, total_amount="12.34", subject="Tea", scene="bar_code", auth_code=code, **more
    )


def hold(kind: type[Any], number: str, **more: Any) -> Any:
    """A hold of any kind."""
    return kind(
        out_order_no=number,
        out_request_no=number,
        order_title="Room",
        amount="100.00",
        payee_user_id="2088000000000001",
        product_code="PRE_AUTH",
        **more,
    )


def test_every_endpoint_of_the_partners_map_is_there() -> None:
    """What the simulator answers, what is signed for the payer, and the certificate download."""
    assert {*HANDLERS, *LOCAL, CERTIFICATE_DOWNLOAD} == set(every_endpoint())
    assert {name for name, one in every_endpoint().items() if isinstance(one, AlipayAction)} == LOCAL


Ask: TypeAlias = Callable[[Any, Any], Any]


def sells(ask: Ask, partner: AlipaySimulator) -> None:
    """A code, its refunds, and what the queries say."""
    shown = ask(endpoints.TRADE_PRECREATE, precreate())
    partner.payer.scan(shown.qr_code)
    assert ask(endpoints.TRADE_QUERY, endpoints.TradeQuery(out_trade_no=N)).trade_status == "TRADE_SUCCESS"
    refund = endpoints.TradeRefund(out_trade_no=N, refund_amount="2.00", out_request_no="R1")
    assert ask(endpoints.TRADE_REFUND, refund).fund_change == "Y"
    apply = endpoints.TradeRefundApply(out_trade_no=N, refund_amount="1.00", out_request_no="R2")
    assert ask(endpoints.TRADE_REFUND_APPLY, apply).refund_status
    asked = ask(endpoints.TRADE_REFUND_QUERY, endpoints.TradeRefundQuery(out_trade_no=N, out_request_no="R1"))
    assert asked.refund_status == "REFUND_SUCCESS"


def takes_back(ask: Ask, partner: AlipaySimulator) -> None:
    """Trades that end unpaid or reversed."""
    create = endpoints.TradeCreate(out_trade_no="M1", total_amount="1.00", subject="T", buyer_id="2088000000000008")
    ask(endpoints.TRADE_CREATE, create)
    ask(endpoints.TRADE_CLOSE, endpoints.TradeClose(out_trade_no="M1"))
    ask(endpoints.TRADE_PAY, pay("P2", code=Wallet.PAYS.code(2)))
    assert ask(endpoints.TRADE_CANCEL, endpoints.TradeCancel(out_trade_no="P2")).action == "refund"


def shares(ask: Ask, partner: AlipaySimulator) -> None:
    """Shares of a payment."""
    paid = ask(endpoints.TRADE_PAY, pay("P1", extend_params={"royalty_freeze": "true"}))
    receivers = (endpoints.Receiver(type="userId", account="2088A"),)
    ask(endpoints.ROYALTY_RELATION_BIND, endpoints.RelationBind(out_request_no="B1", receiver_list=receivers))
    listed = ask(endpoints.ROYALTY_RELATION_BATCHQUERY, endpoints.RelationBatchQuery(out_request_no="B2", page_num=1))
    assert [one.account for one in listed.receiver_list] == ["2088A"]
    share = endpoints.Share(trans_in_type="userId", trans_in="2088A", amount="1.00")
    split = endpoints.OrderSettle(out_request_no="S1", trade_no=paid.trade_no, royalty_parameters=(share,))
    settled = ask(endpoints.ORDER_SETTLE, split)
    (line,) = ask(
        endpoints.ORDER_SETTLE_QUERY, endpoints.OrderSettleQuery(settle_no=settled.settle_no)
    ).royalty_detail_list
    assert (line.state, line.amount) == ("SUCCESS", "1.00")
    ask(endpoints.ROYALTY_RELATION_UNBIND, endpoints.RelationUnbind(out_request_no="B3", receiver_list=receivers))


def holds(ask: Ask, partner: AlipaySimulator) -> None:
    """Held, captured, released; cancelled."""
    freeze = hold(endpoints.OrderFreeze, "H1", auth_code=Wallet.PAYS.code(3), auth_code_type="bar_code")
    held = ask(endpoints.ORDER_FREEZE, freeze)
    capture = endpoints.TradePay(
        out_trade_no="C1", total_amount="40.00", subject="Room", auth_no=held.auth_no, auth_confirm_mode="NOT_COMPLETE"
    )
    ask(endpoints.TRADE_PAY, capture)
    release = endpoints.OrderUnfreeze(auth_no=held.auth_no, out_request_no="U1", amount="60.00", remark="rest")
    ask(endpoints.ORDER_UNFREEZE, release)
    detail = endpoints.OperationDetailQuery(out_order_no="H1", out_request_no="H1", operation_type="FREEZE")
    assert ask(endpoints.OPERATION_DETAIL_QUERY, detail).total_pay_amount == "40.00"
    voucher = ask(endpoints.ORDER_VOUCHER_CREATE, hold(endpoints.OrderVoucherCreate, "H2"))
    partner.payer.leave(voucher.code_value)
    cancel = endpoints.OperationCancel(out_order_no="H2", out_request_no="H2", remark="gone")
    assert ask(endpoints.OPERATION_CANCEL, cancel).action == "close"


def sends(ask: Ask, partner: AlipaySimulator) -> None:
    """A transfer."""
    payee = endpoints.PayeeInfo(identity_type="ALIPAY_USER_ID", identity="2088000000000008")
    send = endpoints.UniTransfer(out_biz_no="T1", trans_amount="5.00", payee_info=payee, order_title="Wages")
    ask(endpoints.UNI_TRANSFER, send)
    scene = {"product_code": "TRANS_ACCOUNT_NO_PWD", "biz_scene": "DIRECT_TRANSFER"}
    sent = ask(endpoints.TRANSFER_COMMON_QUERY, endpoints.TransferQuery(out_biz_no="T1", **scene))
    assert sent.status == "SUCCESS"


def keeps_books(ask: Ask, partner: AlipaySimulator) -> None:
    """Balance, ledger, bill, certificate."""
    balance = ask(endpoints.FUND_ACCOUNT_QUERY, endpoints.FundAccountQuery()).available_amount
    assert ask(endpoints.BILL_BALANCE_QUERY, endpoints.BillBalanceQuery()).available_amount == balance
    ledger = endpoints.AccountLogQuery(**_today(partner))
    assert ask(endpoints.BILL_ACCOUNTLOG_QUERY, ledger).detail_list
    bill = endpoints.BillDownloadUrlQuery(bill_type="trade", bill_date="2026-01-01")
    assert ask(endpoints.BILL_DOWNLOADURL_QUERY, bill).bill_download_url.startswith("https://")
    number = partner.rotate_certificate()
    assert ask(endpoints.ALIPAYCERT_DOWNLOAD, endpoints.CertificateDownload(alipay_cert_sn=number)).alipay_cert_content


def test_every_endpoint_answers(gateway: Gateway[Alipay], partner: AlipaySimulator) -> None:
    """A day at the shop by native calls only: each is signed, answered, verified and read into its own reply."""
    called: set[str] = set()

    def ask(endpoint: Any, request: Any) -> Any:
        called.add(endpoint.name)
        outcome = gateway.native(endpoint, request)
        assert isinstance(outcome, Succeeded), (endpoint.name, outcome)
        return outcome.value

    for part in (sells, takes_back, shares, holds, sends, keeps_books):
        part(ask, partner)
    assert called == {name for name, one in every_endpoint().items() if isinstance(one, AlipayEndpoint)}


def _today(partner: AlipaySimulator) -> dict[str, Any]:
    from datetime import timedelta

    from payport.adapters.alipay.calls import china_time

    before, after = partner.now - timedelta(hours=1), partner.now + timedelta(hours=1)
    return {"start_time": china_time(before), "end_time": china_time(after)}


def test_replies_are_typed(gateway: Gateway[Alipay]) -> None:
    """The type check infers the reply from the endpoint."""
    query = endpoints.TradeQuery(out_trade_no=N)
    assert_type(gateway.native(endpoints.TRADE_QUERY, query), NativeOutcome[endpoints.AlipayTrade])
    page = endpoints.TradePagePay(out_trade_no=N, total_amount="1.00", subject="T")
    assert_type(gateway.native(endpoints.TRADE_PAGE_PAY, page), NativeOutcome[Action])


@pytest.mark.anyio
async def test_the_async_gateway_has_them_too(partner: AlipaySimulator) -> None:
    """One body, two colours."""
    adapter = Alipay(partner.account)
    async with AsyncGateway(adapter, journal=JOURNAL, transport=partner.async_transport()) as gateway:
        outcome = await gateway.native(endpoints.TRADE_PRECREATE, precreate())
    assert isinstance(outcome, Succeeded)


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_encrypted_content_and_gbk(charset: str) -> None:
    """The account's settings hold for native calls."""
    partner = AlipaySimulator(charset=charset, encryption=True)
    with Gateway(Alipay(partner.account), journal=JOURNAL, transport=partner.transport()) as gateway:
        assert isinstance(gateway.native(endpoints.TRADE_PRECREATE, precreate()), Succeeded)
        queried = gateway.native(endpoints.TRADE_QUERY, endpoints.TradeQuery(out_trade_no=N))
    assert isinstance(queried, Unknown)
    assert queried.cause.kind is UnknownKind.NOT_FOUND


def test_actions_are_signed_and_handed_over(gateway: Gateway[Alipay], partner: AlipaySimulator) -> None:
    """Page, web page, app string, app hold: nothing is sent, the payer can pay."""
    trade: dict[str, Any] = {"total_amount": "12.34", "subject": "Tea"}
    link = gateway.native(endpoints.TRADE_PAGE_PAY, endpoints.TradePagePay(out_trade_no="A1", **trade)).unwrap()
    assert isinstance(link, Redirect)
    long = endpoints.TradeWapPay(out_trade_no="A2", passback_params="x" * 512, body="茶" * 128, **trade)
    form = gateway.native(endpoints.TRADE_WAP_PAY, long).unwrap()
    assert isinstance(form, PostForm)
    app = gateway.native(endpoints.TRADE_APP_PAY, endpoints.TradeAppPay(out_trade_no="A3", **trade)).unwrap()
    assert isinstance(app, AppParameters)
    for action, number in ((link, "A1"), (form, "A2"), (app, "A3")):
        assert partner.payer.open(action).number == number
    held = gateway.native(endpoints.ORDER_APP_FREEZE, hold(endpoints.OrderAppFreeze, "A4")).unwrap()
    assert partner.payer.open(held).number == "A4"


def test_a_form_posts_the_same_bytes_from_a_page_in_any_charset() -> None:
    """A browser posts in the charset of the page; the content of a GBK account is written in ASCII, so it fits."""
    partner = AlipaySimulator(charset="gbk")
    request = endpoints.TradePagePay(
        out_trade_no="A1", total_amount="1.00", subject="茶", body="茶" * 128, passback_params="x" * 512
    )
    request = request.model_copy(update={"extend_params": {"note": "x" * 1000}})
    with Gateway(Alipay(partner.account), journal=JOURNAL, transport=partner.transport()) as gateway:
        form = gateway.native(endpoints.TRADE_PAGE_PAY, request).unwrap()
    assert isinstance(form, PostForm)
    assert form.fields["biz_content"].isascii()
    assert json.loads(form.fields["biz_content"])["subject"] == "茶"
    assert partner.payer.open(form).number == "A1"


def test_addresses_come_from_the_request_or_else_from_the_account(partner: AlipaySimulator) -> None:
    """They are public parameters of the call, no business content."""
    from dataclasses import replace

    account = replace(partner.account, notify_url="https://shop.example/n", return_url="https://shop.example/r")
    page = endpoints.TradePagePay(out_trade_no="A1", total_amount="1.00", subject="T")
    own = page.model_copy(update={"notify_url": "https://shop.example/n2", "return_url": "https://shop.example/r2"})
    app = endpoints.TradeAppPay(out_trade_no="A1", total_amount="1.00", subject="T")
    with Gateway(Alipay(account), journal=JOURNAL, transport=partner.transport()) as gateway:
        for request, notify, back in ((page, "%2Fn&", "%2Fr&"), (own, "%2Fn2&", "%2Fr2&")):
            link = gateway.native(endpoints.TRADE_PAGE_PAY, request).unwrap()
            assert isinstance(link, Redirect)
            assert f"notify_url=https%3A%2F%2Fshop.example{notify}" in link.url
            assert f"return_url=https%3A%2F%2Fshop.example{back}" in link.url
        string = gateway.native(endpoints.TRADE_APP_PAY, app).unwrap()
    assert isinstance(string, AppParameters)
    assert "return_url" not in string.fields
    assert "notify_url" not in json.loads(string.fields["biz_content"])


# --- what else happens


def test_a_refusal_is_declined_with_the_partners_code(gateway: Gateway[Alipay]) -> None:
    """And with the reason in the common vocabulary."""
    outcome = gateway.native(endpoints.TRADE_PAY, pay(code=Wallet.NO_MONEY.code(1)))
    assert isinstance(outcome, Declined)
    assert (outcome.reason, outcome.partner_code) == (Reason.INSUFFICIENT_FUNDS, "ACQ.BUYER_BALANCE_NOT_ENOUGH")


def test_a_payer_who_must_confirm_is_no_success(gateway: Gateway[Alipay]) -> None:
    """Code 10003: nobody may ship on it, nobody may charge again."""
    outcome = gateway.native(endpoints.TRADE_PAY, pay(code=Wallet.CONFIRMS.code(1)))
    assert isinstance(outcome, Unknown)
    assert outcome.cause.kind is UnknownKind.UNKNOWN_STATUS


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (UnknownKind.TIMED_OUT, Fault.COMMIT_THEN_SILENCE),
        (UnknownKind.CONNECTION_LOST, Fault.COMMIT_THEN_RESET),
        (UnknownKind.PARTNER_FAULT, Fault.BAD_GATEWAY),
        (UnknownKind.PARTNER_FAULT, Fault.SYSTEM_ERROR),
        (UnknownKind.UNVERIFIED, Fault.BAD_SIGNATURE),
        (UnknownKind.UNVERIFIED, Fault.NO_SIGNATURE),
        (UnknownKind.MISMATCH, Fault.WRONG_AMOUNT),
        (UnknownKind.MISMATCH, Fault.OTHER_ORDER),
        (UnknownKind.UNREADABLE, Fault.TRUNCATED),
    ],
)
def test_what_leaves_it_open(
    gateway: Gateway[Alipay], partner: AlipaySimulator, kind: UnknownKind, fault: Fault
) -> None:
    """Unverified, mismatching, missing: an unknown with its cause, never an exception."""
    partner.faults.next(fault, method="alipay.trade.pay")
    outcome = gateway.native(endpoints.TRADE_PAY, pay())
    assert isinstance(outcome, Unknown), outcome
    assert (outcome.operation, outcome.cause.kind) == ("alipay.trade.pay", kind)


def test_an_unsent_call_says_so(gateway: Gateway[Alipay], partner: AlipaySimulator) -> None:
    """Nothing can have left."""
    partner.faults.next(Fault.RESET_BEFORE_TLS)
    outcome = gateway.native(endpoints.TRADE_PAY, pay())
    assert isinstance(outcome, NotSent)
    assert outcome.cause.kind is NotSentKind.TLS


@pytest.mark.parametrize("endpoint", [endpoints.TRADE_PRECREATE, endpoints.TRADE_APP_PAY])
def test_a_character_that_the_charset_lacks_is_not_sent(endpoint: Any) -> None:
    """The account asks for GBK, the subject is not in it."""
    partner = AlipaySimulator(charset="gbk")
    with Gateway(Alipay(partner.account), journal=JOURNAL, transport=partner.transport()) as gateway:
        kind = endpoints.TradePrecreate if endpoint is endpoints.TRADE_PRECREATE else endpoints.TradeAppPay
        outcome: Any = gateway.native(endpoint, kind(out_trade_no=N, total_amount="1.00", subject="𠮷"))
    assert isinstance(outcome, NotSent)
    assert outcome.cause.kind is NotSentKind.INVALID


def test_an_unknown_transfer_failure_is_asked_about(gateway: Gateway[Alipay], partner: AlipaySimulator) -> None:
    """The rules of the uniform verbs hold here: absent is no refusal."""
    outcome = gateway.native(endpoints.TRANSFER_COMMON_QUERY, endpoints.TransferQuery(order_id="9"))
    assert isinstance(outcome, Unknown)
    assert outcome.cause.kind is UnknownKind.NOT_FOUND


def test_an_answer_without_a_field_that_it_must_have_is_open(gateway: Gateway[Alipay]) -> None:
    """Authentic and not readable; the field is named."""
    asked: AlipayEndpoint[endpoints.FundAccountQuery, endpoints.DownloadedCertificate] = AlipayEndpoint(
        "alipay.fund.account.query", endpoints.DownloadedCertificate
    )
    outcome = gateway.native(asked, endpoints.FundAccountQuery())
    assert isinstance(outcome, Unknown)
    assert outcome.cause.kind is UnknownKind.UNREADABLE
    assert "alipay_cert_content" in outcome.cause.detail


def test_an_endpoint_goes_through_its_own_adapter_only(partner: AlipaySimulator) -> None:
    """Handing it another adapter is a programming error."""

    class Other:
        partner = "alipay"

    adapter: Adapter = Other()  # type: ignore[assignment]  # deliberately not one
    with pytest.raises(ConfigurationError, match="not through Other"):
        next(endpoints.TRADE_QUERY.call(adapter, endpoints.TradeQuery(out_trade_no=N), 1.0))


# --- requests


@pytest.mark.parametrize(
    "amount", [12.34, 1234, "12.3", "12", "012.34", "1e2", "0.00", "-1.00", "100000000.01", "１.00"]
)
def test_an_amount_is_text_in_yuan_with_two_places(amount: Any) -> None:
    """Floats above all are refused; the largest amount is a hundred million."""
    with pytest.raises(ValidationError):
        precreate(amount=amount)


@pytest.mark.parametrize("amount", ["0.01", "12.34", "100000000.00"])
def test_money_writes_amounts_for_requests(amount: str) -> None:
    """``Money.text()``."""
    assert precreate(amount=Money.of(amount, "CNY").text()).total_amount == amount


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (endpoints.TradeQuery, {}),
        (endpoints.TradeQuery, {"out_trade_no": ""}),
        (endpoints.TradeQuery, {"out_trade_no": "a-b"}),
        (endpoints.TradeQuery, {"out_trade_no": "x" * 65}),
        (endpoints.TradeQuery, {"out_trade_no": N, "outTradeNo": N}),
        (endpoints.TradeRefund, {"out_trade_no": N}),
        (endpoints.TradeRefundQuery, {"out_trade_no": N}),
        (endpoints.TradePay, {"out_trade_no": N, "total_amount": "1.00", "subject": "T"}),
        (endpoints.TradeCreate, {"out_trade_no": N, "total_amount": "1.00", "subject": "T"}),
        (endpoints.TradePrecreate, {"out_trade_no": N, "total_amount": "1.00", "subject": "x" * 257}),
        (endpoints.TradePrecreate, {"out_trade_no": N, "total_amount": "1.00", "subject": "T", "time_expire": "soon"}),
        (
            endpoints.TradePrecreate,
            {"out_trade_no": N, "total_amount": "1.00", "subject": "T", "time_expire": "2026-02-30 12:00:00"},
        ),
        (
            endpoints.TradePrecreate,
            {"out_trade_no": N, "total_amount": "1.00", "subject": "T", "extend_params": {"a": [{"b": 0.5}]}},
        ),
        (endpoints.OrderFreeze, {"out_order_no": N, "out_request_no": N, "order_title": "T", "amount": "1.00"}),
        (endpoints.OperationCancel, {"out_order_no": N, "remark": "x"}),
        (endpoints.OperationDetailQuery, {"out_request_no": N}),
        (endpoints.TransferQuery, {}),
        (endpoints.OrderSettleQuery, {"trade_no": "1"}),
        (endpoints.OrderSettleQuery, {"out_request_no": "1"}),
        (endpoints.RelationBind, {"out_request_no": "B", "receiver_list": ()}),
        (endpoints.PayeeInfo, {"identity_type": "ALIPAY_LOGON_ID", "identity": "a@b"}),
        (endpoints.BillDownloadUrlQuery, {"bill_type": "all", "bill_date": "2026-01-01"}),
        (endpoints.BillDownloadUrlQuery, {"bill_type": "trade", "bill_date": "01/01/2026"}),
        (endpoints.CertificateDownload, {"alipay_cert_sn": "../x"}),
    ],
)
def test_what_alipay_must_refuse_is_refused_here(kind: type[Part], fields: dict[str, Any]) -> None:
    """At construction, without quoting what was given."""
    with pytest.raises(ValidationError) as caught:
        kind(**fields)
    assert "input_value" not in str(caught.value)


def test_what_was_not_given_is_not_sent() -> None:
    """An empty value in a signed request is the root of signature disputes."""
    assert endpoints.TradeQuery(out_trade_no=N).content() == {"out_trade_no": N}
    goods = endpoints.Goods(goods_id="1", goods_name="Tea", quantity=2, price="6.17")
    content = precreate(goods_detail=(goods,), extend_params={"a": [1, "x"]}).content()
    assert content["goods_detail"] == [{"goods_id": "1", "goods_name": "Tea", "quantity": 2, "price": "6.17"}]


def test_secrets_and_persons_are_not_shown() -> None:
    """A scanned code can be charged by whoever reads it."""
    assert CODE not in repr(pay())
    payee = endpoints.PayeeInfo(identity_type="ALIPAY_LOGON_ID", identity="li@shop.example", name="Li Lei")
    assert "li@shop" not in repr(payee)
    assert "Li Lei" not in repr(payee)


def test_importing_the_adapter_does_not_import_the_endpoints() -> None:
    """They bring pydantic, which a gateway needs with its first call only."""
    look = "import sys, payport.adapters.alipay; print('pydantic' in sys.modules)"
    run = subprocess.run([sys.executable, "-I", "-c", look], capture_output=True, check=True, text=True)
    assert run.stdout.strip() == "False"


_BOTH: list[tuple[AlipayEndpoint[Any, Any] | AlipayAction[Any], type[Request]]] = [
    (endpoints.TRADE_PAY, endpoints.TradePay),
    (endpoints.TRADE_PRECREATE, endpoints.TradePrecreate),
    (endpoints.TRADE_CREATE, endpoints.TradeCreate),
    (endpoints.TRADE_QUERY, endpoints.TradeQuery),
    (endpoints.TRADE_CLOSE, endpoints.TradeClose),
    (endpoints.TRADE_CANCEL, endpoints.TradeCancel),
    (endpoints.TRADE_REFUND, endpoints.TradeRefund),
    (endpoints.TRADE_REFUND_APPLY, endpoints.TradeRefundApply),
    (endpoints.TRADE_REFUND_QUERY, endpoints.TradeRefundQuery),
    (endpoints.ORDER_SETTLE, endpoints.OrderSettle),
    (endpoints.ROYALTY_RELATION_BIND, endpoints.RelationBind),
    (endpoints.ROYALTY_RELATION_UNBIND, endpoints.RelationUnbind),
    (endpoints.ROYALTY_RELATION_BATCHQUERY, endpoints.RelationBatchQuery),
    (endpoints.ORDER_FREEZE, endpoints.OrderFreeze),
    (endpoints.ORDER_APP_FREEZE, endpoints.OrderAppFreeze),
    (endpoints.ORDER_VOUCHER_CREATE, endpoints.OrderVoucherCreate),
    (endpoints.ORDER_UNFREEZE, endpoints.OrderUnfreeze),
    (endpoints.OPERATION_CANCEL, endpoints.OperationCancel),
    (endpoints.OPERATION_DETAIL_QUERY, endpoints.OperationDetailQuery),
    (endpoints.UNI_TRANSFER, endpoints.UniTransfer),
]
REQUESTS = {one.name: kind for one, kind in _BOTH}


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_fields_are_the_published_ones(name: str) -> None:
    """Every published field is there, and no other."""
    models = json.loads(vectors("alipay", "v3_models.json").read_text("utf-8"))["operations"]
    published, ours = set(models[name.removeprefix("alipay.")]["request"]), set(REQUESTS[name].model_fields)
    assert (ours - published, published - ours) == (set(), set())
