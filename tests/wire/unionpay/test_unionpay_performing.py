"""One step and its answer: what is sent, what is believed of what comes back, and what it teaches."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest
from tests.support.rsa_keys import key
from tests.wire.unionpay.answers import (
    ABSENT,
    APP,
    PAGE,
    SCAN,
    SHOW,
    SILENCE,
    TWELVE,
    answered,
    ask,
    doubted,
    perform,
    said,
)
from tests.wire.unionpay.operations import SCANNED, held, payment
from tests.wire.unionpay.stage import MERCHANT, NOON, STAMP, Host, account, paid, reply, signed, unionpay

from payport.adapters.unionpay import UnionPay
from payport.adapters.unionpay.signing import rsa_is_authentic
from payport.schemas import Money
from payport.schemas.actions import AppParameters, PostForm, QrCode
from payport.schemas.outcome import NotSentKind, Reason, UnknownKind
from payport.schemas.payment import FactKind
from payport.sdk.events import SignatureFailed
from payport.sdk.journal.records import State, Step
from payport.sdk.message import SendFailure, WireReply
from payport.sdk.observation import Source
from payport.sdk.secrets import Secret

# what is sent


def test_a_request_is_signed_and_percent_encoded() -> None:
    """Every field with the configured certId, in a form that names its encoding."""
    host = Host([said()])
    host.run(unionpay().perform(payment(identity=SCANNED), SCAN, 10.0))
    (sent,) = host.sent
    assert (sent.endpoint, sent.url, sent.moves_money) == (
        "backTransReq.do 01/06",
        "https://gateway.example/api/backTransReq.do",
        True,
    )
    assert sent.headers == {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}
    fields = dict(parse_qsl(sent.content.decode(), strict_parsing=True))
    assert fields["certId"] == "69903319369"
    assert fields["merId"] == MERCHANT
    assert (fields["version"], fields["signMethod"], fields["accessType"]) == ("5.1.0", "01", "0")
    assert rsa_is_authentic(fields, "utf-8", key("merchant").public)


def test_a_page_is_signed_here_and_nothing_is_sent() -> None:
    """The browser posts it, in UTF-8 whatever the account's encoding is."""
    adapter = UnionPay(account(encoding="GBK"))
    told = Host().run(adapter.perform(payment(), PAGE, 10.0))
    assert (told.state, told.source) == (State.ACTION, Source.LOCAL)
    assert isinstance(told.action, PostForm)
    assert told.action.url == "https://gateway.example/api/frontTransReq.do"
    assert told.action.fields["encoding"] == "UTF-8"
    assert rsa_is_authentic(told.action.fields, "utf-8", key("merchant").public)


def test_shared_keys_sign_without_a_certificate() -> None:
    """No ``certId``, and replies are believed by the same key."""
    from payport.adapters.unionpay.signing import keyed_digest

    adapter = UnionPay(account(key=None, authorities=(), secret_key=Secret("88888888"), sign_method="12"))
    fields = {**paid(txnSubType="06", bizType="000000"), "version": "5.1.0", "signMethod": "12"}
    fields["signature"] = keyed_digest(fields, "utf-8", "12", "88888888")
    host = Host([reply(fields), reply({**fields, "txnAmt": "1"})])
    assert host.run(adapter.perform(payment(identity=SCANNED), SCAN, 10.0)).state is State.PENDING
    assert "certId" not in dict(parse_qsl(host.sent[0].content.decode()))
    assert doubted(host.run(adapter.perform(payment(identity=SCANNED), SCAN, 10.0))) is UnknownKind.UNVERIFIED


def test_a_request_that_was_not_kept_is_not_sent() -> None:
    """Without a sealing key it cannot be sent again."""
    told = perform(step=replace(SCAN, request=None))
    assert told.not_sent is not None
    assert told.not_sent.kind is NotSentKind.INVALID


def test_a_request_whose_time_is_old_is_not_sent() -> None:
    """Its ``txnTime`` is frozen; a new one would be another order, and a second charge."""
    told = perform(at=NOON + timedelta(minutes=10))
    assert told.not_sent is not None
    assert told.not_sent.kind is NotSentKind.DEADLINE
    assert "txnTime" in told.not_sent.detail


# what is believed


UNBELIEVED = {
    "not signed": (
        reply({name: value for name, value in signed(paid()).items() if name != "signature"}),
        "no signature",
    ),
    "another amount": (said().replace(b"txnAmt=1234", b"txnAmt=1"), "not UnionPay's"),
    "signed by a merchant": (reply(signed(paid(txnSubType="06"), by="merchant")), "not UnionPay's"),
    "an older version": (reply(signed(paid(), version="5.0.0")), "version 5.1.0 with signMethod 01"),
    "another method": (reply(signed(paid(), signMethod="11")), "version 5.1.0 with signMethod 01"),
}


@pytest.mark.parametrize(("body", "detail"), UNBELIEVED.values(), ids=UNBELIEVED)
def test_what_is_not_authentic_teaches_nothing(body: bytes, detail: str) -> None:
    """And is told to the sinks, when a signature is there that does not fit."""
    host = Host([body])
    told = host.run(unionpay().perform(payment(identity=SCANNED), SCAN, 10.0))
    assert doubted(told) is UnknownKind.UNVERIFIED
    assert told.unknown is not None
    assert detail in told.unknown.detail
    failed = [event for event in host.events if isinstance(event, SignatureFailed)]
    assert bool(failed) is (b"&signature=" in body)


def test_an_unsigned_refusal_is_no_refusal() -> None:
    """Anybody on the way could have said it; what it says is kept for the reader."""
    told = perform(b"respCode=01&respMsg=failed")
    assert doubted(told) is UnknownKind.UNVERIFIED
    assert told.unknown is not None
    assert "respCode 01" in told.unknown.detail


UNREADABLE = {
    "a page": (b"<html></html>", UnknownKind.UNREADABLE),
    "nothing": (b"", UnknownKind.UNREADABLE),
    "another encoding": ("respMsg=系统繁忙&respCode=06".encode("gbk"), UnknownKind.UNREADABLE),
    "no code": (reply(signed({**paid(), "respCode": ""})).replace(b"respCode=&", b""), UnknownKind.UNVERIFIED),
    "status 500": (WireReply(500, (), b""), UnknownKind.PARTNER_FAULT),
    "status 302": (WireReply(302, (), b""), UnknownKind.UNREADABLE),
    "silence": (SILENCE, UnknownKind.TIMED_OUT),
}


@pytest.mark.parametrize(("answer", "kind"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_a_doubt(answer: bytes | WireReply | SendFailure, kind: UnknownKind) -> None:
    """It may have been carried out."""
    assert doubted(perform(answer)) is kind


def test_a_signed_reply_without_a_code_is_unreadable() -> None:
    """Authentic, and says nothing."""
    fields = {name: value for name, value in paid().items() if name != "respCode"}
    assert doubted(perform(reply(signed(fields)))) is UnknownKind.UNREADABLE


ELSEWHERE = {
    "another merchant": {"merId": "777290058110002"},
    "another order": {"orderId": "SHOP10010002T001"},
    "another time": {"txnTime": "20261123120001"},
    "another type": {"txnType": "04"},
    "another amount": {"txnAmt": "1235"},
    "another currency": {"currencyCode": "840"},
}


@pytest.mark.parametrize("changes", ELSEWHERE.values(), ids=ELSEWHERE)
def test_an_answer_about_something_else_is_a_mismatch(changes: dict[str, str]) -> None:
    """Authentic, and not about what was asked."""
    assert doubted(perform(said(**changes))) is UnknownKind.MISMATCH
    if set(changes) <= {"merId", "orderId", "txnTime"}:
        assert doubted(ask(answered(**changes))) is UnknownKind.MISMATCH


@pytest.mark.parametrize("name", ["merId", "orderId", "txnTime"])
def test_a_success_must_say_whose_it_is(name: str) -> None:
    """Without merchant, number or time it could be about anything."""
    assert doubted(perform(said(**{name: ""}))) is UnknownKind.UNREADABLE


# what it teaches


def test_a_receipt_is_not_a_result() -> None:
    """00 of a payment by code says that it was received: pending, with UnionPay's number."""
    told = perform(said())
    assert (told.state, told.partner_id) == (State.PENDING, "512611231200000000001")
    assert (told.partner_ref, told.amount) == ("SHOP10010001T001", Money.of("12.34", "CNY"))


def test_codes_and_tns_are_handed_out() -> None:
    """A shown code and an app order are actions."""
    shown = perform(said(txnSubType="07", qrCode="https://qr.95516.com/1", queryId=""), step=SHOW)
    assert shown.action == QrCode(text="https://qr.95516.com/1")
    app = perform(said(txnSubType="01", bizType="000201", tn="5267", queryId=""), step=APP)
    assert app.action == AppParameters(payload="5267", fields={"tn": "5267"})
    assert {shown.state, app.state} == {State.ACTION}


@pytest.mark.parametrize(("step", "sub"), [(SHOW, "07"), (APP, "01")])
def test_a_code_that_is_missing_is_unreadable(step: Step, sub: str) -> None:
    """Without it there is nothing to hand out; a pending answer hands out nothing either."""
    assert doubted(perform(said(txnSubType=sub), step=step)) is UnknownKind.UNREADABLE
    assert doubted(perform(said(txnSubType=sub, respCode="05"), step=step)) is UnknownKind.PARTNER_FAULT


@pytest.mark.parametrize(
    ("code", "state"),
    [("05", State.PENDING), ("03", State.DOUBT), ("04", State.DOUBT), ("06", State.DOUBT), ("64", State.DECLINED)],
)
def test_other_codes_of_a_payment(code: str, state: State) -> None:
    """Accepted, unknown, refused."""
    assert perform(said(respCode=code)).state is state


def test_a_repetition_that_was_recognised_is_asked_about() -> None:
    """Code 12: it was received before, and the question tells how it ended."""
    assert perform(TWELVE, answered()).state is State.SUCCEEDED
    told = perform(TWELVE, ABSENT)
    assert (doubted(told), told.source) == (UnknownKind.NOT_FOUND, Source.REPLY)


def test_already_refunded_by_somebody_else_is_a_refusal() -> None:
    """45, and no transaction of our own number."""
    told = perform(said(respCode="45"), ABSENT)
    assert (told.state, told.reason, told.partner_code) == (State.DECLINED, Reason.ALREADY_DONE, "45")


# asking


def test_a_question_names_number_and_time_of_what_it_asks_about() -> None:
    """Never the time of the asking: then UnionPay would know of nothing."""
    host = Host([answered()], NOON + timedelta(hours=3))
    host.run(unionpay().ask(payment(identity=SCANNED), 10.0))
    (sent,) = host.sent
    fields = dict(parse_qsl(sent.content.decode()))
    assert (sent.endpoint, fields["orderId"], fields["txnTime"]) == ("queryTrans.do 00/00", "SHOP10010001T001", STAMP)
    assert not sent.moves_money


def test_a_paid_order() -> None:
    """Number, amount and time as UnionPay says them, to be compared."""
    told = ask(answered())
    assert (told.state, told.amount) == (State.SUCCEEDED, Money.of("12.34", "CNY"))
    assert told.identity == {"txnTime": STAMP, "txnType": "01"}
    assert told.at == NOON + timedelta(seconds=65)
    assert told.partner_id == "512611231200000000001"


def test_a_held_order() -> None:
    """A pre-authorization that succeeded holds money."""
    assert ask(answered(txnType="02"), of=held()).state is State.AUTHORIZED


def test_a_defect_is_paid_and_flagged() -> None:
    """A6 settles; the day's books must be looked at."""
    told = ask(answered("A6"))
    assert (told.state, told.partner_code) == (State.SUCCEEDED, "A6")
    (fact,) = told.facts
    assert fact.kind is FactKind.FLAGGED
    assert fact.detail == "A6 why"


@pytest.mark.parametrize("code", ["03", "04", "05", "06", "37", "99"])
def test_what_is_not_final_is_pending(code: str) -> None:
    """Of the transaction that was asked about."""
    assert ask(answered(code)).state is State.PENDING


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("03", UnknownKind.PARTNER_FAULT),
        ("06", UnknownKind.PARTNER_FAULT),
        ("37", UnknownKind.PARTNER_FAULT),
        ("11", UnknownKind.PARTNER_FAULT),
        ("34", UnknownKind.NOT_FOUND),
        ("Z9", UnknownKind.UNKNOWN_STATUS),
    ],
)
def test_a_refused_question_says_nothing_of_the_order(code: str, kind: UnknownKind) -> None:
    """Least of all that it failed."""
    assert doubted(ask(said(respCode=code))) is kind


def test_a_question_that_was_asked_too_often_slows_the_next_ones_down() -> None:
    """Call limits hear the reason; the order stays as it is."""
    assert [ask(said(respCode=code)).reason for code in ("37", "06")] == [Reason.RATE_LIMITED, None]


def test_a_refusal_of_a_page_is_the_last_word_only_after_its_time() -> None:
    """The payer may try another card: until ``payTimeout`` it stays open, then it has expired."""
    page, margin = payment(), timedelta(seconds=120)
    assert page.payable_until is not None
    refused = answered("64", txnSubType="01", bizType="000201")
    for at in (NOON, page.payable_until, page.payable_until + margin - timedelta(seconds=1)):
        told = ask(refused, at=at, of=page)
        assert (told.state, told.reason) == (State.ACTION, Reason.INSUFFICIENT_FUNDS)
    told = ask(refused, at=page.payable_until + margin, of=page)
    assert (told.state, told.reason, told.partner_code) == (State.DECLINED, Reason.EXPIRED, "64")


def test_a_refusal_of_a_scanned_code_is_final() -> None:
    """There is no other card to try."""
    assert ask(answered("64")).reason is Reason.INSUFFICIENT_FUNDS


def test_paid_after_its_time_is_over_and_flagged() -> None:
    """42: UnionPay gives it back by itself; nothing is delivered, and the books are looked at."""
    told = ask(answered("42", txnSubType="01"), at=NOON + timedelta(hours=1), of=payment())
    assert (told.state, told.reason) == (State.DECLINED, Reason.EXPIRED)
    assert [fact.kind for fact in told.facts] == [FactKind.FLAGGED]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (SILENCE, UnknownKind.TIMED_OUT),
        (answered("34"), UnknownKind.NOT_FOUND),
        (answered(""), UnknownKind.UNREADABLE),
        (answered("Z9"), UnknownKind.UNKNOWN_STATUS),
        (answered(txnAmt="12.34"), UnknownKind.UNREADABLE),
        (answered(txnAmt="٣"), UnknownKind.UNREADABLE),
        (answered(currencyCode="840"), UnknownKind.MISMATCH),
    ],
)
def test_what_an_answer_cannot_teach(answer: bytes | SendFailure, kind: UnknownKind) -> None:
    """It is asked again."""
    told = ask(answer)
    assert doubted(told) is kind
    assert told.source is Source.QUERY
