"""What comes back over the line: believed, doubted, or no answer at all; and what one step then teaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.wire.wechatpay_v2.words import (
    ACCOUNT,
    AMOUNT,
    KEY,
    MD5_ACCOUNT,
    NOON,
    ORDER_NO,
    PAID,
    PROVIDER,
    REFUND_NO,
    REFUNDED,
    SLOT,
    TRANSACTION,
    Line,
    adapter,
    deadline,
    operation,
    over,
    said,
    sign,
    xml,
)

from payport.adapters.wechatpay_v2 import WeChatPayV2Account, WeChatPayV2Method
from payport.adapters.wechatpay_v2 import calls as c
from payport.adapters.wechatpay_v2 import planning as p
from payport.adapters.wechatpay_v2.doctor import converse
from payport.adapters.wechatpay_v2.envelope import Answer, ask_wechat
from payport.schemas.actions import Action, AppParameters, QrCode, Redirect
from payport.schemas.methods import InApp, MiniProgram, MobileWeb, QrScanned, QrShown
from payport.schemas.order import Order, Payer
from payport.schemas.outcome import NotSentKind, Reason, UnknownKind
from payport.schemas.references import PartnerId
from payport.sdk.adapter import Found
from payport.sdk.cli.findings import Finding, Light
from payport.sdk.events import SignatureFailed
from payport.sdk.journal.records import State, Step, Verb
from payport.sdk.message import FailureKind, SendFailure, WireReply
from payport.sdk.observation import Observation, Source

ORDER = Order(ref="SHOP10010001", amount=AMOUNT, subject="Tea", payer=Payer(id="openid", ip="203.0.113.7"))
QUESTION = c.Call(path=c.ORDER_QUERY, fields={"out_trade_no": ORDER_NO})
SILENCE = SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="silence")
UNREACHABLE = SendFailure(FailureKind.UNREACHABLE, may_have_left=False, detail="no road")


def asked(reply: bytes | WireReply | SendFailure, account: WeChatPayV2Account = ACCOUNT) -> Answer | Observation:
    """One question and what its reply amounts to."""
    return cast("Answer | Observation", over(Line(reply), ask_wechat(adapter(account), QUESTION, deadline())))


def kind(told: object) -> UnknownKind | None:
    """What left it open."""
    assert isinstance(told, Observation)
    assert told.state is State.DOUBT
    return None if told.unknown is None else told.unknown.kind


@pytest.mark.parametrize(
    ("account", "fields"),
    [
        (ACCOUNT, said(PAID)),
        (ACCOUNT, said(PAID, new_field="\u8336")),
        (ACCOUNT, said(PAID, appid="-")),
        (MD5_ACCOUNT, said(PAID, sign_type="MD5")),
        (MD5_ACCOUNT, said(PAID)),
        (replace(ACCOUNT, accept_md5=True), said(PAID, sign_type="MD5")),
        (PROVIDER, said(PAID, sub_mch_id="1900000110", sub_appid="wxfedcba9876543210")),
        (PROVIDER, said(PAID, sub_mch_id="1900000110")),
    ],
)
def test_what_is_believed(account: WeChatPayV2Account, fields: dict[str, str]) -> None:
    """Signed under our key, about our merchant. Fields that are new are kept; some that are optional are left out."""
    told = asked(xml(fields), account)
    assert isinstance(told, Answer)
    assert told.ok
    assert told.fields["transaction_id"] == TRANSACTION


UNSIGNED = {"return_code": "FAIL", "return_msg": "\u7b7e\u540d\u9519\u8bef"}


@pytest.mark.parametrize(
    ("why", "doubted", "reply"),
    [
        ("does not sign this", UnknownKind.UNVERIFIED, xml(UNSIGNED)),
        ("does not sign this", UnknownKind.UNVERIFIED, xml({**PAID, "result_code": "SUCCESS"})),
        ("does not sign this", UnknownKind.UNVERIFIED, xml(said(PAID, return_code="FAIL"))),
        ("no signature", UnknownKind.UNVERIFIED, xml({**said(PAID), "sign": ""})),
        ("does not fit our key", UnknownKind.UNVERIFIED, xml({**said(PAID), "total_fee": "1"})),
        ("does not fit our key", UnknownKind.UNVERIFIED, xml(said(PAID, key=KEY[::-1]))),
        ("accept_md5", UnknownKind.UNVERIFIED, xml(said(PAID, sign_type="MD5"))),
        ("ours is 1900000109", UnknownKind.MISMATCH, xml(said(PAID, mch_id="1900000999"))),
        ("ours is wx0123456789abcdef", UnknownKind.MISMATCH, xml(said(PAID, appid="wx1111111111111111"))),
        ("names no merchant", UnknownKind.MISMATCH, xml(said(PAID, mch_id="-"))),
        ("no result_code", UnknownKind.UNVERIFIED, xml(said(PAID, result_code="MAYBE"))),
        ("no result_code", UnknownKind.UNVERIFIED, xml(said(PAID, result_code="-"))),
        ("a document type", UnknownKind.UNREADABLE, b"<!DOCTYPE xml [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><xml/>"),
        ("well-formed", UnknownKind.UNREADABLE, b"{}"),
        ("HTTP status 502", UnknownKind.PARTNER_FAULT, WireReply(502, (), b"<html>")),
        ("HTTP status 429", UnknownKind.PARTNER_FAULT, WireReply(429, (), b"")),
        ("HTTP status 403", UnknownKind.UNREADABLE, WireReply(403, (), b"<html>")),
    ],
)
def test_what_is_doubted(why: str, doubted: UnknownKind, reply: bytes | WireReply) -> None:
    """Pain: return_code and result_code are two levels; the first is unsigned, so it is never a business result."""
    told = asked(reply)
    assert kind(told) is doubted
    assert isinstance(told, Observation)
    assert told.unknown is not None
    assert why in told.unknown.detail
    assert KEY not in told.unknown.detail


def test_a_service_providers_merchants_are_told_apart() -> None:
    """The provider shares one key with all of them: an answer about another merchant is authentic, and not ours."""
    for account, fields in (
        (PROVIDER, said(PAID, sub_mch_id="1900000111")),
        (PROVIDER, said(PAID)),
        (ACCOUNT, said(PAID, sub_mch_id="1900000111")),
    ):
        assert kind(asked(xml(fields), account)) is UnknownKind.MISMATCH


def test_a_forged_answer_is_told() -> None:
    """To logs and counters, as an error."""
    line = Line(xml({**said(PAID), "total_fee": "1"}))
    over(line, ask_wechat(adapter(), QUESTION, deadline()))
    assert any(isinstance(event, SignatureFailed) for event in line.told)


def test_long_words_are_cut() -> None:
    """What a partner, or somebody else, says is shown short and on one line."""
    told = asked(xml({"return_code": "FAIL", "return_msg": "a\nb" + "c" * 1000}))
    assert isinstance(told, Observation)
    assert told.unknown is not None
    assert "a b" in told.unknown.detail
    assert len(told.unknown.detail) < 250


@pytest.mark.parametrize("path", [c.REVERSE, c.REFUND])
def test_a_missing_certificate_shows_as_a_page(path: str) -> None:
    """A 400 that is no answer of the interface: the hint names the likely reason."""
    line = Line(WireReply(400, (), b"<html>400 No required SSL certificate was sent</html>"))
    told = over(line, ask_wechat(adapter(), c.Call(path=path, fields={}), deadline()))
    assert isinstance(told, Observation)
    assert "client certificate" in str(told.unknown)


def handed_out(method: WeChatPayV2Method, account: WeChatPayV2Account = ACCOUNT, /, **reply: str) -> Action:
    """What the payer gets when WeChat opened an order."""
    told = performed(method, Line(xml(said(reply, sign_type=account.sign_type.value, **sub(account)))), account)
    assert told.state is State.ACTION, told
    assert told.action is not None
    return told.action


def sub(account: WeChatPayV2Account) -> dict[str, str]:
    """What WeChat repeats of a service provider's merchant."""
    return {name: value for name, value in account.identity.items() if name.startswith("sub_")}


def performed(
    method: WeChatPayV2Method, line: Line, account: WeChatPayV2Account = ACCOUNT, order: Order = ORDER
) -> Observation:
    """Carry out the one step that pays."""
    (step,) = p.plan_pay(account, order, method, SLOT).steps
    asked_for = operation(method=type(method).__name__)
    return cast("Observation", over(line, adapter(account).perform(asked_for, step, deadline())))


def test_a_code_to_show() -> None:
    """As WeChat gives it."""
    assert handed_out(QrShown(), prepay_id="wx1", code_url="weixin://x?pr=1") == QrCode(text="weixin://x?pr=1")


def test_a_link_for_a_phones_browser() -> None:
    """The page to come back to is appended; Pain: unescaped, its own parameters would become WeChat's."""
    link = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1&package=1"
    order = replace(ORDER, return_url="https://shop.example/thanks?a=1&b=2")
    told = performed(MobileWeb(), Line(xml(said(prepay_id="wx1", mweb_url=link))), order=order)
    assert isinstance(told.action, Redirect)
    assert parse_qs(urlsplit(told.action.url).query)["redirect_url"] == ["https://shop.example/thanks?a=1&b=2"]
    bare = performed(MobileWeb(), Line(xml(said(prepay_id="wx1", mweb_url="https://wx.tenpay.com/x"))), order=order)
    assert isinstance(bare.action, Redirect)
    assert bare.action.url.startswith("https://wx.tenpay.com/x?redirect_url=https%3A")
    assert handed_out(MobileWeb(), mweb_url=link) == Redirect(url=link)


@pytest.mark.parametrize("account", [ACCOUNT, MD5_ACCOUNT, PROVIDER])
def test_parameters_inside_wechat(account: WeChatPayV2Account) -> None:
    """Signed once more, in the way the order was, with names in mixed case; of the merchant's own application."""
    action = handed_out(MiniProgram(), account, prepay_id="wx201410272009395522657a690389285100")
    assert isinstance(action, AppParameters)
    fields = dict(action.fields)
    assert fields.pop("paySign") == sign(fields, sign_type=account.sign_type.value)
    assert fields == {
        "appId": account.sub_appid or account.appid,
        "timeStamp": str(int(NOON.timestamp())),
        "nonceStr": "5d2b6c2a8db53831f7eda20af46e531c",
        "package": "prepay_id=wx201410272009395522657a690389285100",
        "signType": account.sign_type.value,
    }


@pytest.mark.parametrize("account", [ACCOUNT, MD5_ACCOUNT, PROVIDER])
def test_parameters_for_an_app(account: WeChatPayV2Account) -> None:
    """Lower-case names, the bare prepay_id, and no word on how it is signed."""
    action = handed_out(InApp(), account, prepay_id="wx1")
    assert isinstance(action, AppParameters)
    fields = dict(action.fields)
    assert fields.pop("sign") == sign(fields, sign_type=account.sign_type.value)
    assert fields == {
        "appid": account.sub_appid or account.appid,
        "partnerid": account.sub_mch_id or account.mch_id,
        "prepayid": "wx1",
        "package": "Sign=WXPay",
        "noncestr": "5d2b6c2a8db53831f7eda20af46e531c",
        "timestamp": str(int(NOON.timestamp())),
    }


@pytest.mark.parametrize(
    ("method", "reply"),
    [
        (QrShown(), {"prepay_id": "wx1"}),
        (InApp(), {"code_url": "weixin://x"}),
        (MiniProgram(), {"prepay_id": ""}),
        (MobileWeb(), {"mweb_url": "javascript:alert(1)"}),
    ],
)
def test_an_opened_order_without_its_code(method: WeChatPayV2Method, reply: Mapping[str, str]) -> None:
    """Is in doubt; the order is there, and asking again with the same request gives the code."""
    assert kind(performed(method, Line(xml(said(reply))))) is UnknownKind.UNREADABLE


def test_an_order_that_was_paid_before_is_asked_about() -> None:
    """ORDERPAID names no amount and no payment: the query does."""
    refused = said(result_code="FAIL", err_code="ORDERPAID")
    line = Line(xml(refused), xml(said(PAID)))
    told = performed(QrShown(), line)
    assert (told.state, told.partner_id, line.paths) == (State.SUCCEEDED, TRANSACTION, [c.UNIFIED_ORDER, c.ORDER_QUERY])
    told = performed(QrShown(), Line(xml(refused), SILENCE))
    assert (told.state, told.source) == (State.DOUBT, Source.REPLY)


def test_a_refused_order() -> None:
    """Authentic, so nothing of it happened."""
    told = performed(QrShown(), Line(xml(said(result_code="FAIL", err_code="NOAUTH"))))
    assert (told.state, told.reason, told.partner_code) == (State.DECLINED, Reason.NOT_PERMITTED, "NOAUTH")


def test_a_scanned_code_is_answered_with_the_payment() -> None:
    """At once."""
    told = performed(QrScanned(auth_code="130000000000000001"), Line(xml(said(PAID))))
    assert (told.state, told.amount, told.partner_ref) == (State.SUCCEEDED, AMOUNT, ORDER_NO)


def test_without_its_request_a_step_is_not_sent() -> None:
    """Without a sealing key the request is not kept."""
    step = Step(name=c.UNIFIED_ORDER, moves_money=True, digest="x", request=None)
    told = over(Line(), adapter().perform(operation(), step, deadline()))
    assert isinstance(told, Observation)
    assert told.not_sent is not None
    assert told.not_sent.kind is NotSentKind.INVALID


@pytest.mark.parametrize(("left", "failure"), [(State.DOUBT, SILENCE), (State.NOT_SENT, UNREACHABLE)])
def test_no_answer_at_all(left: State, failure: SendFailure) -> None:
    """Whether a byte can have left decides."""
    assert performed(QrShown(), Line(failure)).state is left


@pytest.mark.parametrize("failure", [SILENCE, UNREACHABLE])
def test_a_question_without_an_answer_teaches_nothing(failure: SendFailure) -> None:
    """Whether it left or not."""
    told = over(Line(failure), adapter().ask(operation(), deadline()))
    assert kind(told) is UnknownKind.TIMED_OUT
    assert isinstance(told, Observation)
    assert told.source is Source.QUERY


@pytest.mark.parametrize(
    ("state", "reason", "reply"),
    [
        (State.DECLINED, Reason.MERCHANT_FUNDS, xml(said(result_code="FAIL", err_code="REFUNDNOTEXIST"))),
        (State.PENDING, None, xml(said(REFUNDED, refund_status_0="PROCESSING"))),
        (State.SUCCEEDED, None, xml(said(REFUNDED))),
        (State.DOUBT, None, SILENCE),
    ],
)
def test_a_refused_refund_is_believed_when_wechat_knows_of_none(
    state: State, reason: Reason | None, reply: bytes | SendFailure
) -> None:
    """Another number taken too soon pays back twice: a question comes first."""
    made = operation(Verb.REFUND)
    plan = p.plan_refund(ACCOUNT, operation(), made.amount, replace(SLOT, partner_ref=REFUND_NO), reason="")
    line = Line(xml(said(result_code="FAIL", err_code="NOTENOUGH")), reply)
    told = over(line, adapter().perform(made, plan.steps[0], deadline()))
    assert isinstance(told, Observation)
    assert (told.state, told.reason, line.paths) == (state, reason, [c.REFUND, c.REFUND_QUERY])
    # a doubt is the request's: it left, so that nothing was sent may never be concluded
    assert told.state is not State.DOUBT or told.source is Source.REPLY


def test_a_refund_is_asked_about_by_its_own_number() -> None:
    """And a payment by its own."""
    line = Line(xml(said(REFUNDED)), xml(said(PAID)))
    refund = over(line, adapter().ask(operation(Verb.REFUND), deadline()))
    assert isinstance(refund, Observation)
    assert refund.state is State.SUCCEEDED
    over(line, adapter().ask(operation(), deadline()))
    assert [(path, fields.get("out_refund_no"), fields.get("out_trade_no")) for path, fields in line.asked] == [
        (c.REFUND_QUERY, "REFUND1001R001", None),
        (c.ORDER_QUERY, None, ORDER_NO),
    ]


@pytest.mark.parametrize(
    ("reference", "reply"),
    [
        (ORDER_NO, xml(said(PAID))),
        (None, xml(said(PAID, transaction_id="4200000000202601310000000099"))),
        (None, xml(said(result_code="FAIL", err_code="ORDERNOTEXIST"))),
        (None, SILENCE),
    ],
)
def test_a_payment_is_found_by_wechats_number(reference: str | None, reply: bytes | SendFailure) -> None:
    """When the answer is about that very number."""
    line = Line(reply)
    found = over(line, adapter().find(PartnerId(TRANSACTION), deadline()))
    assert isinstance(found, Found)
    assert found.partner_ref == reference
    assert line.asked[0][1]["transaction_id"] == TRANSACTION


@pytest.mark.parametrize(
    ("light", "reply"),
    [
        (Light.GREEN, xml(said(PAID))),
        (Light.GREEN, xml(said(result_code="FAIL", err_code="ORDERNOTEXIST"))),
        (Light.RED, xml(said(result_code="FAIL", err_code="NOAUTH"))),
        (Light.RED, xml(said(result_code="FAIL", err_code="APPID_MCHID_NOT_MATCH"))),
        (Light.YELLOW, xml(said(result_code="FAIL", err_code="BRAND_NEW"))),
        (Light.RED, xml({"return_code": "FAIL", "return_msg": "words"})),
        (Light.YELLOW, SILENCE),
    ],
)
def test_what_the_doctor_makes_of_an_answer(light: Light, reply: bytes | SendFailure) -> None:
    """One harmless signed question; any authentic answer to it proves that the key is shared."""
    (finding,) = cast("list[Finding]", over(Line(reply), converse(adapter(), deadline())))
    assert finding.light is light
