"""The simulator's transfers, profit sharing and reports."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.simulate.alipay.merchant import Merchant

from payport.adapters.alipay.simulator import AlipaySimulator, EntryKind, Fault, TransferStatus
from payport.schemas.money import Money

TRANSFER = "alipay.fund.trans.uni.transfer"
QUERY = "alipay.fund.trans.common.query"
SETTLE = "alipay.trade.order.settle"
BIND = "alipay.trade.royalty.relation.bind"
LIST = "alipay.trade.royalty.relation.batchquery"
BILL = "alipay.data.dataservice.bill.downloadurl.query"
LOG = "alipay.data.bill.accountlog.query"

PAYEE = {"identity_type": "ALIPAY_USER_ID", "identity": "2088102100000002"}


@pytest.fixture
def sender(certified: AlipaySimulator) -> Merchant:
    """A merchant in certificate mode, which transfers need."""
    return Merchant(certified)


def order(**more: object) -> dict[str, object]:
    """The content of a transfer."""
    return {
        "out_biz_no": "OUT1",
        "trans_amount": "5.00",
        "product_code": "TRANS_ACCOUNT_NO_PWD",
        "biz_scene": "DIRECT_TRANSFER",
        "order_title": "Wages",
        "payee_info": PAYEE,
        **more,
    }


def status(sender: Merchant) -> str:
    """Alipay's word for the transfer."""
    content = {"out_biz_no": "OUT1", "product_code": "TRANS_ACCOUNT_NO_PWD", "biz_scene": "DIRECT_TRANSFER"}
    return str(sender.call(QUERY, content).fields["status"])


def test_a_transfer_is_sent_once(sender: Merchant) -> None:
    """The same number with the same data gives the same result; with other data it is refused."""
    first = sender.call(TRANSFER, order())
    assert first.fields["status"] == "SUCCESS"
    assert first.fields == sender.call(TRANSFER, order()).fields
    assert sender.call(TRANSFER, order(trans_amount="5.01")).code == "PAYMENT_INFO_INCONSISTENCY"
    other = {**PAYEE, "identity": "2088102100000003"}
    assert sender.call(TRANSFER, order(payee_info=other)).code == "PAYMENT_INFO_INCONSISTENCY"
    (sent,) = sender.partner.ledger.transfers("OUT1")
    assert (Money(500, "CNY"), "SUCCESS") == (sent.amount, sent.status)
    assert [entry.amount_minor for entry in sender.partner.ledger.entries()] == [-500]


def test_transfers_need_certificate_mode(merchant: Merchant) -> None:
    """In public-key mode they are refused."""
    assert merchant.call(TRANSFER, order()).code == "isv.missing-app-cert-sn"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"trans_amount": "0.09"}, "INVALID_PARAMETER"),
        ({"trans_amount": "0.10"}, "10000"),
        ({"trans_amount": "1000000.01"}, "BALANCE_IS_NOT_ENOUGH"),
        ({"payee_info": {}}, "INVALID_PARAMETER"),
        ({"payee_info": {"identity_type": "PHONE", "identity": "1"}}, "INVALID_PARAMETER"),
        ({"payee_info": {"identity_type": "ALIPAY_LOGON_ID", "identity": "a@b.test"}}, "INVALID_PARAMETER"),
        ({"payee_info": {"identity_type": "ALIPAY_LOGON_ID", "identity": "a@b.test", "name": "张"}}, "10000"),
        ({"product_code": "OTHER"}, "INVALID_PARAMETER"),
        ({"biz_scene": "OTHER"}, "INVALID_PARAMETER"),
        ({"order_title": None}, "INVALID_PARAMETER"),
        ({"out_biz_no": None}, "INVALID_PARAMETER"),
    ],
)
def test_what_a_transfer_may_say(sender: Merchant, change: dict[str, object], code: str) -> None:
    """Amounts, payees and products outside the rules are refused."""
    assert code == sender.call(TRANSFER, order(**change)).code


@pytest.mark.parametrize(("succeed", "word", "balance"), [(True, "SUCCESS", -500), (False, "FAIL", 0)])
def test_a_transfer_that_takes_its_time(sender: Merchant, succeed: bool, word: str, balance: int) -> None:
    """DEALING, then final; a failed one gives the money back."""
    sender.partner.faults.next(Fault.SLOW_PROCESSING, TRANSFER)
    assert sender.call(TRANSFER, order()).fields["status"] == "DEALING"
    assert status(sender) == "DEALING"
    assert sender.partner.process(succeed=succeed) == 1
    assert word == status(sender)
    assert balance == sum(entry.amount_minor for entry in sender.partner.ledger.entries())


def test_the_payees_bank_may_send_it_back_later(sender: Merchant) -> None:
    """REFUND after SUCCESS: the money is back, with a reason."""
    sender.call(TRANSFER, order())
    sender.partner.move_transfer("OUT1")
    assert status(sender) == "REFUND"
    assert [e.kind for e in sender.partner.ledger.entries()] == [EntryKind.TRANSFER, EntryKind.TRANSFER_RETURNED]
    with pytest.raises(ValueError, match="the money is back"):
        sender.partner.move_transfer("OUT1", TransferStatus.SUCCESS)
    with pytest.raises(KeyError):
        sender.partner.move_transfer("OUT2")


@pytest.mark.parametrize("word", list(TransferStatus))
def test_every_state_of_a_transfer_can_be_reached(sender: Merchant, word: TransferStatus) -> None:
    """The balance is back to zero exactly where the money came back."""
    sender.call(TRANSFER, order())
    sender.partner.move_transfer("OUT1", word)
    assert status(sender) == word.value
    back = word in (TransferStatus.FAILED, TransferStatus.CLOSED, TransferStatus.RETURNED)
    assert sum(entry.amount_minor for entry in sender.partner.ledger.entries()) == (0 if back else -500)


def test_questions_about_transfers(sender: Merchant) -> None:
    """By our number with product and scene, or by either of Alipay's."""
    sent = sender.call(TRANSFER, order()).fields
    scene = {"product_code": "TRANS_ACCOUNT_NO_PWD", "biz_scene": "DIRECT_TRANSFER"}
    table: list[tuple[dict[str, Any], str]] = [
        ({}, "INVALID_PARAMETER"),
        ({"out_biz_no": "OUT1"}, "INVALID_PARAMETER"),
        ({"out_biz_no": "OUT9", **scene}, "ORDER_NOT_EXIST"),
        ({"out_biz_no": "OUT1", **scene}, "10000"),
        ({"order_id": sent["order_id"]}, "10000"),
        ({"pay_fund_order_id": sent["pay_fund_order_id"]}, "10000"),
    ]
    assert [code for _, code in table] == [sender.call(QUERY, content).code for content, _ in table]


def receivers(*accounts: str) -> dict[str, object]:
    """The content of a binding."""
    return {"out_request_no": "B1", "receiver_list": [{"type": "userId", "account": one} for one in accounts]}


def shares(trade_no: str, amount: str = "3.00", number: str = "S1", to: str = "2088A") -> dict[str, object]:
    """The content of a settlement."""
    lines = [{"trans_in_type": "userId", "trans_in": to, "amount": amount}]
    return {"out_request_no": number, "trade_no": trade_no, "royalty_parameters": lines}


def test_receivers_are_bound_listed_and_unbound(merchant: Merchant) -> None:
    """Page by page."""
    assert merchant.call(BIND, receivers("A", "B", "C")).fields["result_code"] == "SUCCESS"
    page = merchant.call(LIST, {"out_request_no": "Q1", "page_num": 2, "page_size": 2}).fields
    assert (
        [one["account"] for one in page["receiver_list"]],
        page["total_page_num"],
        page["total_record_num"],
    ) == (["C"], 2, 3)
    merchant.call("alipay.trade.royalty.relation.unbind", receivers("A", "B"))
    assert merchant.call(LIST, {"out_request_no": "Q1"}).fields["total_record_num"] == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"out_request_no": "B1"}, "RECEIVER_LIST_EMPTY"),
        (receivers(*(str(number) for number in range(21))), "RECEIVER_LIST_OVERLOAD"),
        ({"out_request_no": "B1", "receiver_list": [{"type": "phone", "account": "1"}]}, "INVALID_RECEIVER_TYPE"),
        ({"receiver_list": []}, "INVALID_PARAMETER"),
    ],
)
def test_bindings_that_are_refused(merchant: Merchant, content: dict[str, object], code: str) -> None:
    """Empty, too long, of an unknown kind."""
    assert code == merchant.call(BIND, content).code


def test_a_list_of_receivers_needs_sensible_pages(merchant: Merchant) -> None:
    """Pages count from one."""
    assert merchant.call(LIST, {"out_request_no": "Q1", "page_num": 0}).code == "INVALID_PARAMETER"


def test_a_share_is_given_once(merchant: Merchant) -> None:
    """Same number and data: same settlement; other data is refused; the query shows the lines."""
    merchant.call(BIND, receivers("2088A"))
    trade_no = merchant.pay(extend_params={"royalty_freeze": "true"}).fields["trade_no"]
    first = merchant.call(SETTLE, shares(trade_no)).fields
    assert first == merchant.call(SETTLE, shares(trade_no)).fields
    assert merchant.call(SETTLE, shares(trade_no, "2.00")).code == "ACQ.DISCORDANT_REPEAT_REQUEST"
    assert merchant.call(SETTLE, shares(trade_no, "0.71", "S2")).code == "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR"
    for content in ({"settle_no": first["settle_no"]}, {"trade_no": trade_no, "out_request_no": "S1"}):
        (line,) = merchant.call("alipay.trade.order.settle.query", content).fields["royalty_detail_list"]
        assert (line["trans_in"], line["amount"], line["state"]) == ("2088A", "3.00", "SUCCESS")
    assert merchant.call("alipay.trade.order.settle.query", {"trade_no": trade_no}).code == "INVALID_PARAMETER"
    assert merchant.call("alipay.trade.order.settle.query", {"settle_no": "9"}).code == "MERCHANT_TRADE_NOT_MATCH"


def test_shares_that_are_refused(merchant: Merchant) -> None:
    """Not paid, not frozen for sharing, not bound, refunded, no money, no lines."""
    merchant.call(BIND, receivers("2088A"))
    trade_no = merchant.pay(extend_params={"royalty_freeze": "true"}).fields["trade_no"]
    plain_no = merchant.pay("SHOP2").fields["trade_no"]
    assert merchant.call(SETTLE, shares(plain_no)).code == "ACQ.NOT_SUPPORT_ROYALTY"
    assert merchant.call(SETTLE, shares(trade_no, to="2088X")).code == "ACQ.ROYALTY_RECEIVER_INVALID"
    assert merchant.call(SETTLE, {"out_request_no": "S1", "trade_no": trade_no}).code == "ACQ.INVALID_PARAMETER"
    merchant.partner.fund(0)
    assert merchant.call(SETTLE, shares(trade_no)).code == "ACQ.TXN_RESULT_ACCOUNT_BALANCE_NOT_ENOUGH"
    merchant.partner.fund(10_000)
    merchant.refund()
    assert merchant.call(SETTLE, shares(trade_no)).code == "ACQ.ALLOC_REFUSE_AFTER_REFUND"
    merchant.refund(amount="11.34", request="R2")
    assert merchant.call(SETTLE, shares(trade_no)).code == "ACQ.TRADE_STATUS_ERROR"


def test_the_balance_follows_the_ledger(merchant: Merchant) -> None:
    """What came in and went out, and what is frozen."""
    merchant.pay()
    merchant.refund()
    for method in ("alipay.fund.account.query", "alipay.data.bill.balance.query"):
        assert merchant.call(method, {}).fields["available_amount"] == "1000011.34"


def test_ledger_lines_come_page_by_page(merchant: Merchant) -> None:
    """Left-closed, right-open, with signs as words."""
    for number in ("SHOP1", "SHOP2", "SHOP3"):
        merchant.pay(number)
    merchant.refund("SHOP2")
    span = {"start_time": "2026-11-23 12:00:00", "end_time": "2026-11-23 12:00:01"}
    page = merchant.call(LOG, {**span, "page_no": "2", "page_size": "3"}).fields
    assert page["total_size"] == "4"
    (line,) = page["detail_list"]
    assert (
        line["direction"],
        line["trans_amount"],
        line["merchant_order_no"],
        line["merchant_out_refund_no"],
    ) == ("支出", "1.00", "SHOP2", "R1")
    one = merchant.call(LOG, {**span, "merchant_order_no": "SHOP3"}).fields["detail_list"]
    assert [entry["type"] for entry in one] == ["在线支付"]
    before = {"start_time": "2026-11-23 11:00:00", "end_time": "2026-11-23 12:00:00"}
    assert merchant.call(LOG, before).fields["total_size"] == "0"


@pytest.mark.parametrize(
    "change",
    [
        {"start_time": "yesterday"},
        {"end_time": "2026-12-25 12:00:00"},
        {"end_time": "2026-11-22 12:00:00"},
        {"page_no": "0"},
        {"page_size": "2001"},
        {"page_size": "few"},
    ],
)
def test_ledger_questions_that_are_refused(merchant: Merchant, change: dict[str, str]) -> None:
    """At most 31 days, pages from one."""
    span = {"start_time": "2026-11-23 12:00:00", "end_time": "2026-11-24 12:00:00"}
    assert merchant.call(LOG, {**span, **change}).code == "INVALID_PARAMETER"


@pytest.mark.parametrize(
    ("kind", "day", "code", "empty"),
    [
        ("trade", "2026-11-23", "10000", False),
        ("trade", "2026-11-22", "10000", True),
        ("signcustomer", "2026-10", "10000", True),
        ("trade", "2026-11-24", "isp.bill_not_exist", None),
        ("trade", "2026-11", "isp.bill_not_exist", None),
        ("trade", "today", "INVAILID_ARGUMENTS", None),
        ("trade", "2026-13-01", "INVAILID_ARGUMENTS", None),
        ("novel", "2026-11-22", "INVAILID_ARGUMENTS", None),
    ],
)
def test_where_a_bill_is(merchant: Merchant, kind: str, day: str, code: str, empty: bool | None) -> None:
    """A day or month that is over has an address; an empty one says so. The misspelling is Alipay's."""
    merchant.pay()
    merchant.partner.advance(86_400)
    said = merchant.call(BILL, {"bill_type": kind, "bill_date": day})
    assert code == said.code
    if empty is not None:
        assert said.fields["bill_download_url"].endswith(f"{kind}/{day}.zip")
        assert empty == ("bill_file_code" in said.fields)


def test_a_certificate_can_be_fetched_by_its_number(sender: Merchant) -> None:
    """Base64 of PEM; an unknown number is refused; in public-key mode there is no such method."""
    content = {"alipay_cert_sn": sender.partner.rotate_certificate()}
    said = sender.call("alipay.open.app.alipaycert.download", content)
    assert b"BEGIN CERTIFICATE" in base64.b64decode(said.fields["alipay_cert_content"])
    assert (
        sender.call("alipay.open.app.alipaycert.download", {"alipay_cert_sn": "0"}).code == "isv.alipay-cert-not-exist"
    )
    key_mode = Merchant(AlipaySimulator())
    assert key_mode.call("alipay.open.app.alipaycert.download", content).code == "isv.invalid-method"
