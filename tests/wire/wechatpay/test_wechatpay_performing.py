"""What each answer about a payment teaches, and which question is asked where it leaves open what happened."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.rsa_keys import key
from tests.wire.wechatpay.acts import (
    ABSENT,
    CODEPAY,
    ORDER,
    SCANNED,
    TRADES,
    asked,
    paying,
    performed,
    why,
)
from tests.wire.wechatpay.stage import (
    ACCOUNT,
    AMOUNT,
    NOON,
    QUERY,
    SLOT,
    TRADE,
    Host,
    merchant,
    operation,
    refused,
    said,
    transaction,
    unsigned,
)

from payport.adapters.wechatpay import JsApi, WeChatPayMethod
from payport.adapters.wechatpay.signing import payer_message
from payport.adapters.wechatpay.wire import WeChatPayTransaction
from payport.schemas.actions import AppParameters, QrCode, Redirect
from payport.schemas.methods import InApp, MiniProgram, MobileWeb
from payport.schemas.outcome import NotSentKind, Reason, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.schemas.references import PartnerId
from payport.sdk.exchange import drive
from payport.sdk.journal.records import State, Step
from payport.sdk.message import FailureKind, SendFailure
from payport.sdk.observation import Source

# --- handed out


def test_a_code_to_show() -> None:
    """The text of the code."""
    found = performed(paying(), {f"{TRADES}/native": said(200, {"code_url": "weixin://wxpay/x"})})
    assert (found.state, found.action) == (State.ACTION, QrCode(text="weixin://wxpay/x"))


def test_a_link_for_a_phones_browser_brings_the_payer_back() -> None:
    """The return address is appended, encoded; without one the link stays as it is."""
    reply = {f"{TRADES}/h5": said(200, {"h5_url": "https://wx.tenpay.com/x?prepay_id=1&package=2"})}
    found = performed(paying(MobileWeb()), reply)
    back = "https%3A%2F%2Fshop.example%2Fback%3Fa%3D1%26b%3D%E8%8C%B6"
    assert found.action == Redirect(url=f"https://wx.tenpay.com/x?prepay_id=1&package=2&redirect_url={back}")
    plan = merchant().plan_pay(replace(ORDER, return_url=None), MobileWeb(), SLOT)
    found = performed(operation(steps=plan.steps), reply)
    assert found.action == Redirect(url="https://wx.tenpay.com/x?prepay_id=1&package=2")


@pytest.mark.parametrize(("method", "appid"), [(JsApi(), ACCOUNT.appid), (MiniProgram(), "wxmini")])
def test_parameters_for_a_page_are_signed(method: WeChatPayMethod, appid: str) -> None:
    """What ``WeixinJSBridge`` and ``wx.requestPayment`` take: time as text, package with its prefix."""
    wechat = merchant(mini_program_appid="wxmini")
    found = performed(paying(method, wechat), {f"{TRADES}/jsapi": said(200, {"prepay_id": "wx26"})}, wechat)
    assert isinstance(found.action, AppParameters)
    fields = dict(found.action.fields)
    signature = base64.b64decode(fields.pop("paySign"))
    nonce = fields["nonceStr"]
    assert fields == {
        "appId": appid,
        "timeStamp": str(int(NOON.timestamp())),
        "nonceStr": nonce,
        "package": "prepay_id=wx26",
        "signType": "RSA",
    }
    message = payer_message(appid, fields["timeStamp"], nonce, "prepay_id=wx26")
    assert key("merchant").public.verify(message, signature)
    assert json.loads(found.action.payload) == found.action.fields


def test_parameters_for_an_app_are_signed_over_the_bare_number() -> None:
    """Names in lower case, a constant package, the merchant's number."""
    wechat = merchant(app_appid="wxapp")
    found = performed(paying(InApp(), wechat), {f"{TRADES}/app": said(200, {"prepay_id": "wx26"})}, wechat)
    assert isinstance(found.action, AppParameters)
    fields = dict(found.action.fields)
    signature = base64.b64decode(fields.pop("sign"))
    assert {name: fields[name] for name in ("appid", "partnerid", "prepayid", "package")} == {
        "appid": "wxapp",
        "partnerid": ACCOUNT.mchid,
        "prepayid": "wx26",
        "package": "Sign=WXPay",
    }
    message = payer_message("wxapp", fields["timestamp"], fields["noncestr"], "wx26")
    assert key("merchant").public.verify(message, signature)


@pytest.mark.parametrize("node", [{}, {"code_url": ""}, {"code_url": None}, {"code_url": 7}, {"prepay_id": "x"}])
def test_an_answer_without_its_part_is_unreadable(node: dict[str, object]) -> None:
    """Nothing is handed out, and nothing is claimed."""
    assert why(performed(paying(), {f"{TRADES}/native": said(200, node)})) is UnknownKind.UNREADABLE


def test_a_step_whose_request_was_not_kept_is_not_sent() -> None:
    """Without a sealing key."""
    made = paying()
    bare = Step(name="x", moves_money=True, digest="")
    found = drive(merchant().perform(made, bare, 100.0), Host({}))
    assert found.not_sent is not None
    assert found.not_sent.kind is NotSentKind.INVALID


# --- an order that is there already


def test_an_order_that_is_paid_is_not_made_again() -> None:
    """ORDERPAID, OUT_TRADE_NO_USED: what stands there is asked, and compared."""
    for status, code in ((400, "ORDERPAID"), (403, "OUT_TRADE_NO_USED")):
        found = performed(paying(), {f"{TRADES}/native": refused(status, code), QUERY: said(200, transaction())})
        assert (found.state, found.source, found.amount) == (State.SUCCEEDED, Source.QUERY, AMOUNT)


def test_an_order_that_is_closed_is_over() -> None:
    """ORDER_CLOSED: the next attempt takes another number."""
    replies = {f"{TRADES}/native": refused(400, "ORDER_CLOSED"), QUERY: said(200, transaction("CLOSED"))}
    found = performed(paying(), replies)
    assert (found.state, found.reason, found.cancelled_by) == (State.DECLINED, Reason.CLOSED, CancelledBy.CLOSED)


def test_a_lost_code_is_fetched_again() -> None:
    """The answer with the code was lost: the order waits, and the identical request brings the code once more."""
    replies = {QUERY: said(200, transaction("NOTPAY")), f"{TRADES}/native": said(200, {"code_url": "weixin://again"})}
    host = Host(replies)
    found = drive(merchant().ask(paying(), 100.0), host)
    assert (found.state, found.action) == (State.ACTION, QrCode(text="weixin://again"))
    assert host.asked == [QUERY, f"{TRADES}/native"]


@pytest.mark.parametrize("reply", [refused(400, "ORDERPAID"), said(200, {})], ids=["paid", "odd"])
def test_a_code_that_cannot_be_fetched_again_is_waited_for(reply: Any) -> None:
    """The order is there; it is not over before its time is."""
    found = asked(paying(), {QUERY: said(200, transaction("NOTPAY")), f"{TRADES}/native": reply})
    assert (found.state, found.action) == (State.PENDING, None)


@pytest.mark.parametrize("reply", [unsigned(500), refused(500, "SYSTEM_ERROR"), refused(429, "FREQUENCY_LIMITED")])
def test_a_code_that_is_not_fetched_yet_stays_in_doubt(reply: Any) -> None:
    """What is pending hands nothing out any more, and the next question may bring the code."""
    found = asked(paying(), {QUERY: said(200, transaction("NOTPAY")), f"{TRADES}/native": reply})
    assert (found.state, found.absent) == (State.DOUBT, False)


def test_a_code_is_not_fetched_again_when_its_time_is_over() -> None:
    """Nor where the request was not kept."""
    late = Host({QUERY: said(200, transaction("NOTPAY"), at=NOON + timedelta(minutes=31))}, slept_s=31 * 60.0)
    assert drive(merchant().ask(paying(), 9e9), late).state is State.PENDING
    assert asked(operation(), {QUERY: said(200, transaction("NOTPAY"))}).state is State.PENDING


def test_a_code_that_the_payer_holds_stays() -> None:
    """No second one is fetched."""
    found = asked(operation(shown=True), {QUERY: said(200, transaction("NOTPAY"))})
    assert (found.state, found.action) == (State.ACTION, None)


# --- a scanned code


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("SUCCESS", State.SUCCEEDED),
        ("USERPAYING", State.PENDING),
        ("ACCEPT", State.PENDING),
        ("NOTPAY", State.PENDING),
        ("PAYERROR", State.PENDING),
        ("REVOKED", State.DECLINED),
    ],
)
def test_a_scanned_code_ends_or_is_asked_about(state: str, expected: State) -> None:
    """The payer holds nothing of ours: whatever is open is pending; a failed try is reversed by the ladder."""
    found = performed(paying(SCANNED), {CODEPAY: said(200, transaction(state))})
    assert expected is found.state
    assert found.partner_ref == TRADE


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (403, "NOT_ENOUGH", Reason.INSUFFICIENT_FUNDS),
        (403, "NOTENOUGH", Reason.INSUFFICIENT_FUNDS),
        (400, "AUTH_CODE_INVALID", Reason.CODE_INVALID),
        (403, "TRADE_ERROR", Reason.DECLINED),
        (403, "RULE_LIMIT", Reason.LIMIT_EXCEEDED),
    ],
)
def test_a_refused_code_is_over(status: int, code: str, reason: Reason) -> None:
    """A new try needs a new code and number."""
    found = performed(paying(SCANNED), {CODEPAY: refused(status, code)})
    assert (found.state, found.reason, found.partner_code) == (State.DECLINED, reason, code)


@pytest.mark.parametrize(
    ("stands", "state", "reason"),
    [
        (ABSENT, State.DECLINED, Reason.OTHER),
        (said(200, transaction()), State.SUCCEEDED, None),
        (said(200, transaction("USERPAYING")), State.PENDING, None),
        (unsigned(502), State.DOUBT, None),
    ],
    ids=["absent", "paid", "paying", "unanswered"],
)
def test_a_code_of_wechats_that_is_new_is_asked_about(stands: Any, state: State, reason: Reason | None) -> None:
    """Its list of codes for scanned payments is not complete: what stands there decides, or another code pays twice."""
    found = performed(paying(SCANNED), {CODEPAY: refused(403, "BRAND_NEW"), QUERY: stands})
    assert (found.state, found.reason) == (state, reason)


def test_accepted_is_not_ordered() -> None:
    """202: not carried out yet, to be repeated unchanged; the step stays open until the code is there."""
    found = performed(paying(), {f"{TRADES}/native": said(202)})
    assert (why(found), found.again) == (UnknownKind.PARTNER_FAULT, True)


@pytest.mark.parametrize("code", ["SYSTEM_ERROR", "BANK_ERROR", "NEW_FAULT"])
def test_a_fault_is_a_doubt(code: str) -> None:
    """Never a refusal: the payer may have paid."""
    assert why(performed(paying(SCANNED), {CODEPAY: refused(500, code)})) is UnknownKind.PARTNER_FAULT


def test_a_payer_who_types_the_password_is_waited_for() -> None:
    """202 USERPAYING."""
    assert performed(paying(SCANNED), {CODEPAY: refused(202, "USERPAYING")}).state is State.PENDING


# --- what an authentic answer must agree with


MISMATCHES: dict[str, dict[str, Any]] = {
    "another merchant": {"mchid": "1900000999"},
    "another application": {"appid": "wx9999999999999999"},
    "a sub-merchant of somebody": {"sub_mchid": "1900000003"},
    "a service provider's": {"mchid": None, "sp_mchid": "1900000999", "sub_mchid": "1900000001"},
}


@pytest.mark.parametrize("changed", MISMATCHES.values(), ids=MISMATCHES.keys())
def test_an_answer_about_somebody_else_is_a_mismatch(changed: dict[str, Any]) -> None:
    """Authentic, and not ours."""
    assert why(asked(operation(shown=True), {QUERY: said(200, transaction(**changed))})) is UnknownKind.MISMATCH


def test_a_coupon_makes_the_payer_pay_less() -> None:
    """``payer_total`` is not compared, ``total`` is what was asked."""
    found = asked(operation(shown=True), {QUERY: said(200, transaction())})
    assert (found.state, found.amount, found.partner_id) == (
        State.SUCCEEDED,
        AMOUNT,
        "4200000000202601310000000001",
    )
    assert isinstance(found.native, WeChatPayTransaction)
    assert (found.at, found.ids) == (NOON, {"trade_type": "NATIVE"})


def test_a_refunded_payment_was_paid() -> None:
    """``REFUND`` says that giving back has begun, never how much."""
    assert asked(operation(shown=True), {QUERY: said(200, transaction("REFUND"))}).state is State.SUCCEEDED


def test_other_numbers_and_amounts_are_stated_as_told() -> None:
    """The money path compares them."""
    found = asked(operation(shown=True), {QUERY: said(200, transaction(out_trade_no="OTHER", amount={"total": 1}))})
    assert (found.partner_ref, found.amount.amount_minor if found.amount else None) == ("OTHER", 1)


@pytest.mark.parametrize("state", ["NEW_STATE", "", "success"])
def test_a_new_state_is_kept_and_doubted(state: str) -> None:
    """Never guessed."""
    found = asked(operation(shown=True), {QUERY: said(200, transaction(trade_state=state))})
    assert why(found) is UnknownKind.UNKNOWN_STATUS


@pytest.mark.parametrize(
    "changed",
    [
        {"trade_state": None},
        {"out_trade_no": None},
        {"amount": None},
        {"amount": {}},
        {"amount": {"total": 12.34}},
        {"amount": {"total": "1234"}},
        {"amount": {"total": 1234, "currency": "XXX"}},
        {"amount": {"total": 10**30, "currency": "CNY"}},
    ],
    ids=str,
)
def test_a_paid_answer_that_cannot_be_read_is_a_doubt(changed: dict[str, Any]) -> None:
    """A field missing, an amount that is none."""
    assert why(asked(operation(shown=True), {QUERY: said(200, transaction(**changed))})) is UnknownKind.UNREADABLE


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (ABSENT, UnknownKind.NOT_FOUND),
        (unsigned(404, "ORDER_NOT_EXIST"), UnknownKind.UNVERIFIED),
        (refused(429, "FREQUENCY_LIMITED"), UnknownKind.PARTNER_FAULT),
        (refused(401, "SIGN_ERROR"), UnknownKind.PARTNER_FAULT),
        (unsigned(502), UnknownKind.PARTNER_FAULT),
        (SendFailure(FailureKind.REFUSED, may_have_left=False, detail="limit"), UnknownKind.TIMED_OUT),
    ],
    ids=str,
)
def test_a_question_that_was_not_answered_teaches_nothing(reply: Any, kind: UnknownKind) -> None:
    """A refused question is no refused payment."""
    found = asked(operation(shown=True), {QUERY: reply})
    assert (found.state, kind) == (State.DOUBT, why(found))


def test_a_service_providers_questions_name_both_merchants() -> None:
    """On its own paths."""
    wechat = merchant(sub_mchid="1900000002")
    node = transaction(mchid=None, appid=None, sp_mchid=ACCOUNT.mchid, sp_appid=ACCOUNT.appid, sub_mchid="1900000002")
    host = Host({"/v3/pay/partner/transactions/out-trade-no/{out_trade_no}": said(200, node)})
    found = drive(wechat.ask(operation(shown=True), 100.0), host)
    assert found.state is State.SUCCEEDED
    assert host.requests[0].url.endswith(f"{TRADE}?sp_mchid=1900000001&sub_mchid=1900000002")
    for changed in (
        {"sub_mchid": "1900000003"},
        {"sub_mchid": None},
        {"sub_mchid": None, "sp_mchid": None, "mchid": ACCOUNT.mchid},
    ):
        wrong = said(200, {name: value for name, value in {**node, **changed}.items() if value is not None})
        host = Host({"/v3/pay/partner/transactions/out-trade-no/{out_trade_no}": wrong})
        assert why(drive(wechat.ask(operation(shown=True), 100.0), host)) is UnknownKind.MISMATCH


# --- adopted


def test_a_payment_is_found_by_wechats_number() -> None:
    """Whatever characters the merchant's number has: ``|`` is allowed at WeChat."""
    number = PartnerId("4200000000202601310000000001")
    name = f"{TRADES}/id/{{transaction_id}}"
    found = drive(merchant().find(number, 100.0), Host({name: said(200, transaction(out_trade_no="old|0001*"))}))
    assert (found.partner_ref, found.observation.state) == ("old|0001*", State.SUCCEEDED)
    for reply in (
        ABSENT,
        unsigned(404),
        said(200, transaction(transaction_id="1")),
        said(200, {}),
        said(200, transaction(mchid="1900000999")),
    ):
        assert drive(merchant().find(number, 100.0), Host({name: reply})).partner_ref is None
