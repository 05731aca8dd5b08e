"""Native access: every endpoint of WeChat Pay, typed, signed and checked like the uniform verbs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, assert_type

import pytest
from pydantic import BaseModel, ValidationError
from tests.support.rsa_keys import key
from tests.wire.wechatpay.stage import (
    ACCOUNT,
    AMOUNT,
    BILL,
    OPENID,
    PUBLIC_ID,
    REQUEST,
    TRADE,
    Host,
    merchant,
    refund,
    refused,
    said,
    transaction,
    transfer,
    unsigned,
)

from payport.adapters.wechatpay import WeChatPay, endpoints
from payport.adapters.wechatpay.encryption import hide, reveal
from payport.adapters.wechatpay.endpoints import WeChatPayAction, WeChatPayEndpoint
from payport.adapters.wechatpay.endpoints.fields import Part, Request
from payport.schemas.actions import AppParameters
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.adapter import Answer
from payport.sdk.errors import ConfigurationError
from payport.sdk.exchange import Exchange, drive
from payport.sdk.journal.records import State
from payport.sdk.message import WireRequest
from payport.sdk.observation import Observation

E = endpoints
NUMBER = "4200000000202601310000000001"
ORDER: dict[str, Any] = {
    "description": "茶",
    "out_trade_no": TRADE,
    "amount": {"total": 1234},
    "detail": {"goods_detail": ({"merchant_goods_id": "g", "quantity": 1, "unit_price": 1234},)},
    "settle_info": {"profit_sharing": True},
}
H5_SCENE = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}
SUB: dict[str, Any] = {
    "mchid": "1900000001",
    "out_trade_no": TRADE,
    "attach": "x",
    "description": "茶",
    "amount": {"total_amount": 1},
}
WHOLE: dict[str, Any] = {"combine_out_trade_no": "WHOLE00001", "sub_orders": (SUB,)}
COMBINED = {"combine_out_trade_no": "WHOLE00001", "sub_orders": [{"out_trade_no": TRADE, "trade_state": "NOTPAY"}]}
SHARED = {"out_order_no": "SHARE1", "order_id": "30", "state": "PROCESSING", "transaction_id": NUMBER}
RETURNED = {"out_return_no": "BACK1", "result": "PROCESSING", "out_order_no": "SHARE1", "amount": 1}
BATCH = {"out_batch_no": "BATCH1", "batch_id": "1030"}
BATCHED = {"transfer_batch": {**BATCH, "batch_status": "FINISHED"}}
FILE = {
    "hash_type": "SHA1",
    "hash_value": "0" * 40,
    "download_url": "https://api.mch.weixin.qq.com/v3/billdownload/file?token=x",
}
DETAIL = {**BATCH, "out_detail_no": "D1", "detail_id": "1040", "detail_status": "SUCCESS"}

EVERY: dict[WeChatPayEndpoint[Any, Any], tuple[Request, object]] = {
    E.PAY_NATIVE: (E.NewOrder.model_validate(ORDER), {"code_url": "weixin://x"}),
    E.PAY_APP: (E.NewOrder.model_validate(ORDER), {"prepay_id": "wx26"}),
    E.PAY_JSAPI: (E.NewPageOrder.model_validate({**ORDER, "payer": {"openid": OPENID}}), {"prepay_id": "wx26"}),
    E.PAY_H5: (
        E.NewH5Order.model_validate(
            {**ORDER, "scene_info": {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}}
        ),
        {"h5_url": "https://wx.tenpay.com/x"},
    ),
    E.PAY_CODEPAY: (
        E.ScannedOrder.model_validate(
            {
                "description": "茶",
                "out_trade_no": TRADE,
                "amount": {"total": 1234},
                "payer": {"auth_code": "134567890123456789"},
                "scene_info": {"store_info": {"id": "1"}},
            }
        ),
        transaction(),
    ),
    E.QUERY_BY_ID: (E.TransactionById(transaction_id=NUMBER), transaction()),
    E.QUERY_BY_OUT_TRADE_NO: (E.TransactionByOutTradeNo(out_trade_no=TRADE), transaction()),
    E.CLOSE_ORDER: (E.CloseOrder(out_trade_no=TRADE), None),
    E.REVERSE_ORDER: (E.ReverseOrder(out_trade_no=TRADE), {"out_trade_no": TRADE}),
    E.REFUND: (
        E.NewRefund(out_trade_no=TRADE, out_refund_no=REQUEST, amount=E.RefundOf(refund=1234, total=1234)),
        refund(),
    ),
    E.REFUND_QUERY: (E.RefundQuery(out_refund_no=REQUEST), refund()),
    E.ABNORMAL_REFUND: (
        E.AbnormalRefund(
            refund_id="50000000382019052709732678859",
            out_refund_no=REQUEST,
            type="USER_BANK_CARD",
            bank_account="622",
            real_name="李雷",
        ),
        refund("PROCESSING"),
    ),
    E.COMBINE_NATIVE: (E.CombinedOrder.model_validate(WHOLE), {"code_url": "weixin://x"}),
    E.COMBINE_APP: (E.CombinedOrder.model_validate(WHOLE), {"prepay_id": "wx26"}),
    E.COMBINE_H5: (E.CombinedOrder.model_validate(WHOLE), {"h5_url": "https://wx.tenpay.com/x"}),
    E.COMBINE_JSAPI: (
        E.CombinedPageOrder.model_validate({**WHOLE, "combine_payer_info": {"openid": OPENID}}),
        {"prepay_id": "wx26"},
    ),
    E.COMBINE_QUERY: (E.CombineQuery(combine_out_trade_no="WHOLE00001"), COMBINED),
    E.COMBINE_CLOSE: (
        E.CombineClose(
            combine_out_trade_no="WHOLE00001", sub_orders=(E.SubOrderToClose(mchid="1", out_trade_no=TRADE),)
        ),
        None,
    ),
    E.SHARE: (
        E.ShareOrder(
            transaction_id=NUMBER,
            out_order_no="SHARE1",
            receivers=(
                E.ShareReceiver(type="PERSONAL_OPENID", account=OPENID, amount=1, description="x", name="李雷"),
                E.ShareReceiver(type="MERCHANT_ID", account="1", amount=1, description="x"),
            ),
            unfreeze_unsplit=False,
        ),
        SHARED,
    ),
    E.SHARE_QUERY: (E.ShareQuery(out_order_no="SHARE1", transaction_id=NUMBER), SHARED),
    E.SHARE_RETURN: (
        E.ShareReturn(out_order_no="SHARE1", out_return_no="BACK1", return_mchid="1", amount=1, description="x"),
        RETURNED,
    ),
    E.SHARE_RETURN_QUERY: (E.ShareReturnQuery(out_order_no="SHARE1", out_return_no="BACK1"), RETURNED),
    E.SHARE_UNFREEZE: (E.ShareUnfreeze(transaction_id=NUMBER, out_order_no="SHARE1", description="x"), SHARED),
    E.SHARE_AMOUNTS: (E.ShareAmountsQuery(transaction_id=NUMBER), {"transaction_id": NUMBER, "unsplit_amount": 0}),
    E.SHARE_RECEIVER_ADD: (
        E.NewReceiver(type="PERSONAL_OPENID", account=OPENID, name="李雷", relation_type="STAFF"),
        {"type": "PERSONAL_OPENID", "account": OPENID},
    ),
    E.SHARE_RECEIVER_DELETE: (E.OldReceiver(type="MERCHANT_ID", account="1"), {"type": "MERCHANT_ID", "account": "1"}),
    E.SHARE_CONFIG: (E.ShareConfigQuery(sub_mchid="1900000002"), {"sub_mchid": "1900000002", "max_ratio": 3000}),
    E.SHARE_BILL: (E.ShareBillQuery(bill_date="2026-01-31"), FILE),
    E.TRANSFER: (
        E.NewTransfer(
            out_bill_no=BILL,
            transfer_scene_id="1000",
            openid=OPENID,
            transfer_amount=1234,
            transfer_remark="x",
            transfer_scene_report_infos=(E.SceneReport(info_type="a", info_content="b"),),
            user_name="李雷",
        ),
        transfer("ACCEPTED"),
    ),
    E.TRANSFER_BY_OUT_BILL_NO: (E.TransferByOutBillNo(out_bill_no=BILL), transfer()),
    E.TRANSFER_BY_BILL_NO: (
        E.TransferByBillNo(transfer_bill_no="1330000071100999991182020050700019480001"),
        transfer(),
    ),
    E.TRANSFER_CANCEL: (E.TransferCancel(out_bill_no=BILL), {"out_bill_no": BILL, "state": "CANCELING"}),
    E.BATCH: (
        E.NewBatch(
            out_batch_no="BATCH1",
            batch_name="x",
            batch_remark="x",
            total_amount=1,
            total_num=1,
            transfer_detail_list=(
                E.BatchDetail(
                    out_detail_no="D1", transfer_amount=1, transfer_remark="x", openid=OPENID, user_name="李雷"
                ),
            ),
        ),
        BATCH,
    ),
    E.BATCH_BY_ID: (
        E.BatchById(batch_id="1030", need_query_detail=True, offset=0, limit=20, detail_status="ALL"),
        BATCHED,
    ),
    E.BATCH_BY_OUT_NO: (
        E.BatchByOutNo(out_batch_no="BATCH1"),
        BATCHED,
    ),
    E.BATCH_TRANSFER_BY_ID: (E.BatchTransferById(batch_id="1030", detail_id="1040"), DETAIL),
    E.BATCH_TRANSFER_BY_OUT_NO: (E.BatchTransferByOutNo(out_batch_no="BATCH1", out_detail_no="D1"), DETAIL),
    E.TRADE_BILL: (E.TradeBillQuery(bill_date="2026-01-31", bill_type="ALL", tar_type="GZIP"), FILE),
    E.FUND_FLOW_BILL: (E.FundFlowBillQuery(bill_date="2026-01-31", account_type="BASIC"), FILE),
    E.SUB_MERCHANT_FUND_FLOW_BILL: (
        E.SubMerchantFundFlowBillQuery(sub_mchid="1900000002", bill_date="2026-01-31", account_type="BASIC"),
        {"download_bill_count": 1, "download_bill_list": [{**FILE, "bill_sequence": 1}]},
    ),
    E.CERTIFICATES: (E.CertificatesQuery(), {"data": []}),
    E.ECHO: (E.Echo(echo_message="hello", encrypted_echo_message="李雷"), {"echo_message": "hello"}),
}


def called(
    endpoint: WeChatPayEndpoint[Any, Any], request: Request, reply: Any, wechat: WeChatPay | None = None
) -> tuple[Answer[Any] | Observation, WireRequest]:
    """What becomes of a call, and what left."""
    wechat = wechat or merchant()
    host = Host()
    host.replies = _Any(reply)
    call: Exchange[Answer[Any] | Observation] = endpoint.call(wechat, request, 10.0)
    return drive(call, host), host.requests[0]


class _Any(dict[str, Any]):
    """The same answer from every endpoint."""

    def __init__(self, reply: Any) -> None:
        super().__init__()
        self.reply = reply

    def __missing__(self, _: str) -> Any:
        return self.reply


def answer(node: object) -> Any:
    """An authentic answer; an empty one where there is no content."""
    return said(204) if node is None else said(200, node)


def why(found: Answer[Any] | Observation) -> UnknownKind | None:
    """What left it open."""
    return found.unknown.kind if isinstance(found, Observation) and found.unknown else None


def test_every_endpoint_is_in_the_table() -> None:
    """None is exported and untried; the names are the ones that the operation map has."""
    named = {getattr(E, name) for name in E.__all__}
    assert {one for one in named if isinstance(one, WeChatPayEndpoint)} == set(EVERY)
    assert [one for one in named if isinstance(one, WeChatPayAction)] == [E.PAYER_PARAMETERS]
    assert len({one.name for one in EVERY}) == len(EVERY)


@pytest.mark.parametrize(("endpoint", "sample"), EVERY.items(), ids=[one.name for one in EVERY])
def test_every_endpoint_is_called_and_read(
    endpoint: WeChatPayEndpoint[Any, Any], sample: tuple[Request, object]
) -> None:
    """Method and path as documented, nothing sensitive in plain, the reply typed."""
    request, node = sample
    found, sent = called(endpoint, request, answer(node))
    assert isinstance(found, Answer), found
    assert isinstance(found.value, endpoint.reply)
    assert sent.endpoint == endpoint.name
    assert sent.moves_money is endpoint.moves_money
    assert "李雷".encode() not in sent.content
    assert sent.url.isascii()
    assert "{" not in sent.url
    assert (sent.content == b"") is (sent.method == "GET" or endpoint is E.TRANSFER_CANCEL)


@pytest.mark.parametrize(("endpoint", "sample"), EVERY.items(), ids=[one.name for one in EVERY])
def test_no_answer_of_any_endpoint_is_believed_unsigned_or_refused(
    endpoint: WeChatPayEndpoint[Any, Any], sample: tuple[Request, object]
) -> None:
    """A refusal is one, a fault is a doubt, and what nobody signed teaches nothing."""
    request, _ = sample
    refusal, _ = called(endpoint, request, refused(403, "RULE_LIMIT"))
    assert isinstance(refusal, Observation)
    assert (refusal.state, refusal.reason) == (State.DECLINED, Reason.LIMIT_EXCEEDED)
    assert why(called(endpoint, request, refused(500, "SYSTEM_ERROR"))[0]) is UnknownKind.PARTNER_FAULT
    assert why(called(endpoint, request, unsigned(404, "ORDER_NOT_EXIST"))[0]) is UnknownKind.UNVERIFIED
    assert why(called(endpoint, request, said(202))[0]) is UnknownKind.UNKNOWN_STATUS
    assert why(called(endpoint, request, said(200, []))[0]) is UnknownKind.UNREADABLE


def body_of(endpoint: WeChatPayEndpoint[Any, Any], request: Request, wechat: WeChatPay | None = None) -> dict[str, Any]:
    """What left."""
    _, sent = called(endpoint, request, answer(EVERY[endpoint][1]), wechat)
    found: dict[str, Any] = json.loads(sent.content)
    return found


def test_the_account_fills_in_who_it_is() -> None:
    """A merchant, and a service provider on its own paths."""
    body = body_of(E.PAY_NATIVE, EVERY[E.PAY_NATIVE][0])
    assert (body["appid"], body["mchid"], body["notify_url"]) == (ACCOUNT.appid, ACCOUNT.mchid, ACCOUNT.notify_url)
    provider = merchant(sub_mchid="1900000002", sub_appid="wx2")
    _, sent = called(E.PAY_NATIVE, EVERY[E.PAY_NATIVE][0], said(200, {"code_url": "x"}), provider)
    body = json.loads(sent.content)
    assert {"sp_appid", "sp_mchid", "sub_appid", "sub_mchid"} <= set(body)
    assert not {"appid", "mchid"} & set(body)
    assert sent.endpoint == "POST /v3/pay/partner/transactions/native"
    _, sent = called(E.QUERY_BY_ID, EVERY[E.QUERY_BY_ID][0], said(200, {}), provider)
    assert sent.url.endswith(f"/v3/pay/partner/transactions/id/{NUMBER}?sp_mchid=1900000001&sub_mchid=1900000002")
    _, sent = called(E.REFUND_QUERY, EVERY[E.REFUND_QUERY][0], said(200, {}), provider)
    assert sent.url.endswith(f"/v3/refund/domestic/refunds/{REQUEST}?sub_mchid=1900000002")
    assert body_of(E.SHARE, EVERY[E.SHARE][0], provider)["sub_mchid"] == "1900000002"
    assert body_of(E.COMBINE_NATIVE, EVERY[E.COMBINE_NATIVE][0], provider)["combine_mchid"] == ACCOUNT.mchid


def test_sensitive_texts_leave_encrypted_where_they_stand() -> None:
    """In the body itself, in each receiver, in each transfer; the header names the key."""
    places: list[tuple[WeChatPayEndpoint[Any, Any], Callable[[Mapping[str, Any]], str]]] = [
        (E.TRANSFER, lambda body: body["user_name"]),
        (E.SHARE, lambda body: body["receivers"][0]["name"]),
        (E.SHARE_RECEIVER_ADD, lambda body: body["name"]),
        (E.BATCH, lambda body: body["transfer_detail_list"][0]["user_name"]),
        (E.ABNORMAL_REFUND, lambda body: body["real_name"]),
        (E.ECHO, lambda body: body["encrypted_echo_message"]),
    ]
    for endpoint, place in places:
        _, sent = called(endpoint, EVERY[endpoint][0], answer(EVERY[endpoint][1]))
        assert sent.headers["wechatpay-serial"] == PUBLIC_ID
        assert reveal(place(json.loads(sent.content)), key("wechat")) == "李雷"


def test_what_wechat_encrypted_for_us_is_read_by_the_adapter() -> None:
    """The name in a batch's record."""
    assert merchant().decrypt(hide("李雷", key("merchant").public)) == "李雷"


def test_queries_are_written_as_wechat_reads_them() -> None:
    """Truth values in small letters; what was not given is not there."""
    _, sent = called(E.BATCH_BY_ID, EVERY[E.BATCH_BY_ID][0], said(200, {}))
    assert sent.url.endswith("/batch-id/1030?need_query_detail=true&offset=0&limit=20&detail_status=ALL")
    timed = E.NewOrder.model_validate({**ORDER, "time_expire": "2026-01-31T12:00:00+08:00"})
    assert body_of(E.PAY_NATIVE, timed)["time_expire"] == "2026-01-31T12:00:00+08:00"
    _, sent = called(E.BATCH_BY_OUT_NO, EVERY[E.BATCH_BY_OUT_NO][0], said(200, {}))
    assert sent.url.endswith("/out-batch-no/BATCH1?need_query_detail=false")


def test_where_a_refund_comes_from() -> None:
    """``from`` is a word of Python's own."""
    source = E.RefundFrom(account="AVAILABLE", amount=1)
    request = E.NewRefund(
        transaction_id=NUMBER, out_refund_no=REQUEST, amount=E.RefundOf(refund=1, total=2, from_=(source,))
    )
    assert body_of(E.REFUND, request)["amount"]["from"] == [{"account": "AVAILABLE", "amount": 1}]


MISMATCHES: dict[str, tuple[WeChatPayEndpoint[Any, Any], dict[str, Any]]] = {
    "another order": (E.QUERY_BY_OUT_TRADE_NO, transaction(out_trade_no="OTHER1")),
    "another number": (E.QUERY_BY_ID, transaction(transaction_id="1")),
    "another merchant": (E.QUERY_BY_ID, transaction(mchid="1900000999")),
    "another charge": (E.PAY_CODEPAY, transaction(amount={"total": 1, "currency": "CNY"})),
    "another refund": (E.REFUND, refund(out_refund_no="OTHER1")),
    "another part": (E.REFUND, refund(amount={"total": 1234, "refund": 1})),
    "another whole": (E.COMBINE_QUERY, {**COMBINED, "combine_out_trade_no": "OTHER1"}),
    "another share": (E.SHARE, {**SHARED, "out_order_no": "OTHER1"}),
    "another transfer": (E.TRANSFER, transfer(out_bill_no="OTHER1")),
    "another sum": (E.TRANSFER, transfer(transfer_amount=1)),
    "another word": (E.ECHO, {"echo_message": "other"}),
}


@pytest.mark.parametrize(("endpoint", "node"), MISMATCHES.values(), ids=MISMATCHES.keys())
def test_an_answer_to_another_question_is_a_mismatch(
    endpoint: WeChatPayEndpoint[Any, Any], node: dict[str, Any]
) -> None:
    """Authentic, and about something else."""
    assert why(called(endpoint, EVERY[endpoint][0], said(200, node))[0]) is UnknownKind.MISMATCH


@pytest.mark.parametrize(
    "make",
    [
        lambda: E.NewOrder.model_validate({**ORDER, "out_trade_no": "short"}),
        lambda: E.NewOrder.model_validate({**ORDER, "out_trade_no": "x" * 33}),
        lambda: E.NewOrder.model_validate({**ORDER, "out_trade_no": "a b c d"}),
        lambda: E.NewOrder.model_validate({**ORDER, "amount": {"total": 0}}),
        lambda: E.NewOrder.model_validate({**ORDER, "amount": {"total": 12.34}}),
        lambda: E.NewOrder.model_validate({**ORDER, "amount": {"total": 1, "currency": "USD"}}),
        lambda: E.NewOrder.model_validate({**ORDER, "colour": "red"}),
        lambda: E.NewOrder.model_validate({**ORDER, "description": ""}),
        lambda: E.NewOrder.model_validate({**ORDER, "time_expire": "2026-01-31 12:00:00"}),
        lambda: E.NewOrder.model_validate({**ORDER, "notify_url": "https://shop.example/?a=1"}),
        lambda: E.NewPageOrder.model_validate(ORDER),
        lambda: E.NewH5Order.model_validate(ORDER),
        lambda: E.CombinedOrder(combine_out_trade_no="WHOLE00001", sub_orders=()),
        lambda: E.NewRefund(out_refund_no=REQUEST, amount=E.RefundOf(refund=1, total=1)),
        lambda: E.NewRefund(
            out_trade_no=TRADE, transaction_id=NUMBER, out_refund_no=REQUEST, amount=E.RefundOf(refund=1, total=1)
        ),
        lambda: E.TransferByOutBillNo(out_bill_no="with-dash"),
        lambda: E.BatchById(batch_id="1", limit=10),
        lambda: E.TradeBillQuery(bill_date="20260131"),
    ],
)
def test_what_wechat_must_refuse_is_not_sent(make: Callable[[], object]) -> None:
    """Each limit of the papers; the message quotes nothing of what was given."""
    with pytest.raises(ValidationError) as caught:
        make()
    assert "input_value" not in str(caught.value)


def test_numbers_may_hold_what_wechat_allows() -> None:
    """``|`` and ``*`` in an order's number, ``@`` in a refund's."""
    _, sent = called(E.QUERY_BY_OUT_TRADE_NO, E.TransactionByOutTradeNo(out_trade_no="a|b*c_d-"), said(200, {}))
    assert "/out-trade-no/a%7Cb%2Ac_d-?" in sent.url
    assert E.RefundQuery(out_refund_no="a|b*@c")


def test_the_payers_parameters_of_a_native_order() -> None:
    """For pages and apps; nothing is sent."""
    wechat = merchant(app_appid="wxapp")
    host = Host({})
    page = drive(E.PAYER_PARAMETERS.call(wechat, E.PayerParameters(prepay_id="wx26", where="page"), 1.0), host)
    app = drive(E.PAYER_PARAMETERS.call(wechat, E.PayerParameters(prepay_id="wx26", where="app"), 1.0), host)
    assert isinstance(page, Answer)
    assert isinstance(app, Answer)
    assert_type(page.value, AppParameters)
    assert (page.value.fields["appId"], page.value.fields["package"]) == (ACCOUNT.appid, "prepay_id=wx26")
    assert (app.value.fields["appid"], app.value.fields["prepayid"]) == ("wxapp", "wx26")
    own = E.PayerParameters(prepay_id="wx26", where="page", appid="wxown")
    found = drive(E.PAYER_PARAMETERS.call(wechat, own, 1.0), host)
    assert isinstance(found, Answer)
    assert (found.value.fields["appId"], host.requests, E.PAYER_PARAMETERS.partner) == ("wxown", [], "wechatpay")


def test_another_partners_adapter_is_refused() -> None:
    """By name."""

    class Other:
        """Somebody else's adapter."""

    with pytest.raises(ConfigurationError, match="not through Other"):
        drive(E.QUERY_BY_ID.call(Other(), EVERY[E.QUERY_BY_ID][0], 1.0), Host({}))  # type: ignore[arg-type]  # on purpose
    assert E.QUERY_BY_ID.partner == "wechatpay"


def test_nothing_sensitive_is_shown() -> None:
    """Requests and records: names, accounts, open ids, codes."""
    shown = " ".join(repr(request) for request, _ in EVERY.values())
    shown += repr(E.WeChatPayTransaction.model_validate(transaction(secret_new_field=OPENID)))
    assert not any(text in shown for text in ("李雷", OPENID, "134567890123456789", "'622'"))


def test_every_part_is_frozen_and_strict() -> None:
    """A request that was checked stays as it was."""
    kinds: list[type[BaseModel]] = [Part, Request]
    while kinds:
        kind = kinds.pop()
        kinds.extend(kind.__subclasses__())
        assert (kind.model_config.get("frozen"), kind.model_config.get("extra")) == (True, "forbid")
        assert kind.model_config.get("hide_input_in_errors")
    assert AMOUNT.amount_minor == 1234
