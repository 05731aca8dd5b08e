"""Notices: a payment's is signed, a refund's is only encrypted and therefore confirmed by asking."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.wire.wechatpay_v2.words import (
    ACCOUNT,
    AMOUNT,
    KEY,
    MD5_ACCOUNT,
    ORDER_NO,
    PAID,
    PROVIDER,
    REFUND_ID,
    REFUND_NO,
    REFUNDED,
    TRANSACTION,
    Line,
    adapter,
    over,
    raw,
    said,
    xml,
)

from payport.adapters.wechatpay_v2 import WeChatPayV2Account
from payport.adapters.wechatpay_v2.calls import REFUND_QUERY
from payport.adapters.wechatpay_v2.encryption import encrypt
from payport.schemas.events import EventKind, RawNotification, Rejected, RejectedKind
from payport.schemas.money import Money
from payport.schemas.outcome import UnknownKind
from payport.schemas.payment import FactKind
from payport.schemas.references import PartnerId
from payport.sdk.adapter import Opened
from payport.sdk.events import SignatureFailed
from payport.sdk.journal.records import State
from payport.sdk.message import FailureKind, SendFailure
from payport.sdk.observation import Observation
from payport.sdk.strict_xml import parse_flat

NOTICE = {name: value for name, value in PAID.items() if name != "trade_state"}
INNER = {
    "out_refund_no": REFUND_NO,
    "out_trade_no": ORDER_NO,
    "refund_fee": "200",
    "refund_id": REFUND_ID,
    "refund_status": "SUCCESS",
    "total_fee": "1234",
    "transaction_id": TRANSACTION,
}
SILENCE = SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="silence")


def opened(notice: RawNotification, line: Line | None = None, account: WeChatPayV2Account = ACCOUNT) -> Opened:
    """A notice that is accepted."""
    told = over(line or Line(), adapter(account).open_notice(notice))
    assert isinstance(told, Opened), told
    assert parse_flat(told.acknowledgement.body, root="xml") == {"return_code": "SUCCESS", "return_msg": "OK"}
    assert told.acknowledgement.status == 200
    return told


def rejected(notice: RawNotification, line: Line | None = None, account: WeChatPayV2Account = ACCOUNT) -> Rejected:
    """A notice that is not. WeChat sends it again, unless it hears SUCCESS."""
    told = over(line or Line(), adapter(account).open_notice(notice))
    assert isinstance(told, Rejected), told
    assert told.acknowledgement.status >= 400
    assert parse_flat(told.acknowledgement.body, root="xml")["return_code"] == "FAIL"
    return told


def lesson(told: Opened) -> Observation:
    """What it teaches about the first operation."""
    return told.lessons[0][1]


@pytest.mark.parametrize(
    ("account", "fields"),
    [
        (ACCOUNT, said(NOTICE)),
        (ACCOUNT, said({**NOTICE, "sign_type": "HMAC-SHA256"})),
        (MD5_ACCOUNT, said(NOTICE, sign_type="MD5")),
        (MD5_ACCOUNT, said({**NOTICE, "sign_type": "MD5"}, sign_type="MD5")),
        (replace(ACCOUNT, accept_md5=True), said(NOTICE, sign_type="MD5")),
        (PROVIDER, said(NOTICE, sub_mch_id="1900000110")),
    ],
)
def test_a_payment_is_told(account: WeChatPayV2Account, fields: dict[str, str]) -> None:
    """Pain: a notice often has no sign_type, and the documented default is wrong for orders signed by HMAC-SHA256."""
    told = opened(raw(fields), account=account)
    assert told.event.kind is EventKind.PAYMENT
    assert (told.event.partner_ref, told.event.partner_id) == (ORDER_NO, PartnerId(TRANSACTION))
    assert (told.event.status, told.event.amount) == ("SUCCESS", AMOUNT)
    assert (lesson(told).state, lesson(told).amount, lesson(told).partner_ref) == (State.SUCCEEDED, AMOUNT, ORDER_NO)


@pytest.mark.parametrize(
    ("kind", "notice"),
    [
        (RejectedKind.MALFORMED, raw(b"appid=wx1&sign=2")),
        (RejectedKind.MALFORMED, raw(b"<!DOCTYPE xml [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><xml><a>&x;</a></xml>")),
        (RejectedKind.MALFORMED, raw(xml(said(NOTICE)).replace(b"</xml>", b"<total_fee>1</total_fee></xml>"))),
        (RejectedKind.UNSIGNED, raw({name: value for name, value in said(NOTICE).items() if name != "sign"})),
        (RejectedKind.UNSIGNED, raw({"return_code": "FAIL", "return_msg": "words"})),
        (RejectedKind.UNSIGNED, raw(said(NOTICE, result_code="-"))),
        (RejectedKind.BAD_SIGNATURE, raw({**said(NOTICE), "total_fee": "1"})),
        (RejectedKind.BAD_SIGNATURE, raw(said(NOTICE, key=KEY[::-1]))),
        (RejectedKind.BAD_SIGNATURE, raw(said(NOTICE, sign_type="MD5"))),
        (RejectedKind.WRONG_ACCOUNT, raw(said(NOTICE, mch_id="1900000999"))),
        (RejectedKind.WRONG_ACCOUNT, raw(said(NOTICE, appid="wxffffffffffffffff"))),
        (RejectedKind.WRONG_ACCOUNT, raw(said(NOTICE, sub_mch_id="1900000111"))),
    ],
)
def test_what_is_refused(kind: RejectedKind, notice: RawNotification) -> None:
    """Pain: forged notices and XML with entities (WeChat's own probe is one). Nothing is asked, nothing learnt."""
    line = Line()
    assert rejected(notice, line).kind is kind
    assert line.asked == []
    assert any(isinstance(event, SignatureFailed) for event in line.told) == (kind is RejectedKind.BAD_SIGNATURE)


def test_a_provider_is_told_of_its_merchant_only() -> None:
    """One key for all of its merchants, and numbers unique within each: the provider's own order is another one."""
    for fields in (said(NOTICE), said(NOTICE, sub_mch_id="1900000111")):
        assert rejected(raw(fields), account=PROVIDER).kind is RejectedKind.WRONG_ACCOUNT


def test_cdata_and_plain_values_are_signed_alike() -> None:
    """Pain: the signature covers values, however they are written."""
    fields = said({**NOTICE, "attach": "a<b>&c]]>"})
    plain = "".join(
        f"<{name}>{value.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}</{name}>"
        for name, value in fields.items()
    )
    assert opened(raw(f"<xml>{plain}</xml>".encode())).event.amount == AMOUNT


def test_another_amount_is_another_event_and_no_payment_of_ours() -> None:
    """Pain: total_fee is compared with the order's by whoever binds the lesson; here it is told as WeChat says it."""
    right, wrong = opened(raw(said(NOTICE))), opened(raw(said(NOTICE, total_fee="1")))
    assert lesson(wrong).amount == Money(1, "CNY")
    assert right.event.id != wrong.event.id
    assert right.event.id == opened(raw(said(NOTICE, nonce_str="another"))).event.id, "a resend is the same event"


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (UnknownKind.UNKNOWN_STATUS, {"result_code": "FAIL", "err_code": "SYSTEMERROR"}),
        (UnknownKind.UNREADABLE, {"total_fee": ""}),
        (UnknownKind.UNREADABLE, {"total_fee": "12.34"}),
        (UnknownKind.UNREADABLE, {"transaction_id": ""}),
        (UnknownKind.UNREADABLE, {"fee_type": "USD"}),
    ],
)
def test_an_authentic_notice_that_does_not_say_paid(kind: UnknownKind, changes: Mapping[str, str]) -> None:
    """Is kept, and leaves the order in doubt, so that it is asked about."""
    told = lesson(opened(raw(said({**NOTICE, **changes}))))
    assert told.unknown is not None
    assert (told.state, told.unknown.kind) == (State.DOUBT, kind)


@pytest.mark.parametrize(
    ("state", "means"),
    [
        ("SUCCESS", State.SUCCEEDED),
        ("REFUND", State.SUCCEEDED),
        ("PAYERROR", State.DOUBT),
        ("NOTPAY", State.DOUBT),
        ("PAY_FAIL", State.DOUBT),
    ],
)
def test_a_state_in_a_notice_counts(state: str, means: State) -> None:
    """``result_code`` says only that the message is one: deductions are told so whatever became of them."""
    assert lesson(opened(raw(said(NOTICE, trade_state=state)))).state is means


def test_a_notice_about_no_order() -> None:
    """Is kept and teaches nothing."""
    assert opened(raw(said(NOTICE, out_trade_no="-"))).lessons == ()


def refund_notice(inner: Mapping[str, str] = INNER, key: str = KEY, **outer: str) -> RawNotification:
    """A refund notice: the envelope is not signed."""
    fields = {"return_code": "SUCCESS", "appid": ACCOUNT.appid, "mch_id": ACCOUNT.mch_id, "nonce_str": "n", **outer}
    return raw({**fields, "req_info": encrypt(key, xml(inner, "root"))})


def test_a_refund_is_told_once_it_is_confirmed() -> None:
    """WeChat's signed answer is what is believed, about the refund and about the payment it belongs to."""
    line = Line(xml(said(REFUNDED)))
    told = opened(refund_notice(), line)
    assert line.asked[0][0] == REFUND_QUERY
    assert line.asked[0][1]["out_refund_no"] == REFUND_NO
    assert (told.event.kind, told.event.id) == (EventKind.REFUND, f"{REFUND_ID}/SUCCESS")
    assert [reference for reference, _ in told.lessons] == [REFUND_NO, ORDER_NO]
    refund, payment = (observation for _, observation in told.lessons)
    assert (refund.state, refund.amount) == (State.SUCCEEDED, Money.of("2.00", "CNY"))
    assert (payment.state, payment.amount) == (State.SUCCEEDED, AMOUNT)
    assert [(fact.kind, fact.amount, fact.partner_id) for fact in payment.facts] == [
        (FactKind.REFUNDED, Money.of("2.00", "CNY"), PartnerId(REFUND_ID))
    ]


def test_what_a_refund_notice_claims_is_never_believed() -> None:
    """It says SUCCESS over a thousand yuan; WeChat, asked, says that it is under way over two."""
    claims = {**INNER, "refund_fee": "100000", "out_trade_no": "OTHER", "refund_status": "SUCCESS"}
    told = opened(refund_notice(claims), Line(xml(said(REFUNDED, refund_status_0="PROCESSING"))))
    assert [reference for reference, _ in told.lessons] == [REFUND_NO]
    assert (lesson(told).state, lesson(told).amount) == (State.PENDING, Money.of("2.00", "CNY"))


def test_blocks_can_be_moved_and_it_does_not_matter() -> None:
    """ECB has no authentication: an attacker joins blocks of two notices without knowing the key.

    The joined notice decrypts, and names another refund as done; WeChat does not confirm it, so nothing is learnt.
    """
    pad = "x" * 4  # lets the number begin with a block: <root> + newline + <pad>...
    one = xml({"pad": pad, "out_refund_no": "A" * 16, "refund_status": "SUCCESS"}, "root")
    other = xml({"pad": pad, "out_refund_no": "B" * 16, "refund_status": "CHANGE"}, "root")
    assert len(one) // 16 == len(other) // 16
    first, second = (base64.b64decode(encrypt(KEY, text)) for text in (one, other))
    place = next(at for at in range(0, len(first), 16) if first[at : at + 16] != second[at : at + 16])
    joined = second[: place + 16] + first[place + 16 :]
    fields = {"return_code": "SUCCESS", "appid": ACCOUNT.appid, "mch_id": ACCOUNT.mch_id}
    notice = raw({**fields, "req_info": base64.b64encode(joined).decode()})
    line = Line(xml(said(result_code="FAIL", err_code="REFUNDNOTEXIST")))
    told = rejected(notice, line)
    assert len(line.asked) == 1, "it did decrypt to a message"
    assert (told.kind, told.acknowledgement.status) == (RejectedKind.UNSIGNED, 503)


@pytest.mark.parametrize(
    ("why", "reply"),
    [
        ("does not confirm it: REFUNDNOTEXIST", xml(said(result_code="FAIL", err_code="REFUNDNOTEXIST"))),
        ("could not be asked", SILENCE),
        ("could not be asked", xml({**said(REFUNDED), "refund_fee_0": "1"})),
        ("about other refunds", xml(said(REFUNDED, out_refund_no_0="OTHER"))),
        ("cannot be read", xml(said(REFUNDED, refund_fee_0="2.00"))),
        ("cannot be read", xml(said(REFUNDED, total_fee="x"))),
        ("cannot be read", xml(said(REFUNDED, refund_id_0=""))),
    ],
)
def test_a_refund_that_is_not_confirmed_is_sent_again(why: str, reply: bytes | SendFailure) -> None:
    """Refused with "try again": WeChat resends it for a day."""
    told = rejected(refund_notice(), Line(reply))
    assert why in told.detail
    assert told.acknowledgement.status == 503


@pytest.mark.parametrize(
    ("kind", "notice"),
    [
        (RejectedKind.BAD_SIGNATURE, refund_notice(key=KEY[::-1])),
        (RejectedKind.BAD_SIGNATURE, raw({"return_code": "SUCCESS", "req_info": "%%%"})),
        (RejectedKind.BAD_SIGNATURE, raw({"return_code": "SUCCESS", "req_info": encrypt(KEY, b"<xml/>")})),
        (RejectedKind.WRONG_ACCOUNT, refund_notice(mch_id="1900000999")),
    ],
)
def test_a_refund_notice_that_is_not_for_us(kind: RejectedKind, notice: RawNotification) -> None:
    """Nobody is asked: whoever does not know the key cannot make us call WeChat."""
    line = Line()
    assert rejected(notice, line).kind is kind
    assert line.asked == []


def test_a_refund_in_an_unknown_state_is_kept() -> None:
    """And doubted; of the payment nothing is said."""
    told = opened(refund_notice(), Line(xml(said(REFUNDED, refund_status_0="IN_LIMBO"))))
    assert told.event.status == "IN_LIMBO"
    assert [observation.state for _, observation in told.lessons] == [State.DOUBT]
