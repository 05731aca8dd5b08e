"""One step and its answer: what is sent, what is believed of what comes back, and what it teaches."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from tests.support.rsa_keys import key
from tests.wire.unionpay.operations import CANCEL_SLOT, ORDER, SCANNED, SLOT, cancel, held, payment, succeeded
from tests.wire.unionpay.stage import MERCHANT, NOON, STAMP, Host, account, paid, reply, signed, unionpay

from payport.adapters.unionpay import UnionPay
from payport.adapters.unionpay.planning import plan_cancel, plan_pay
from payport.adapters.unionpay.signing import rsa_is_authentic
from payport.schemas import HostedPage, InApp, Money, QrScanned, QrShown
from payport.schemas.actions import AppParameters, PostForm, QrCode
from payport.schemas.outcome import NotSentKind, Reason, UnknownKind
from payport.schemas.payment import CancelledBy, FactKind
from payport.sdk.events import SignatureFailed
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.message import FailureKind, SendFailure, WireReply
from payport.sdk.observation import Observation, Source
from payport.sdk.secrets import Secret

ACCOUNT = account()
SCAN = plan_pay(ACCOUNT, ORDER, QrScanned(auth_code="6220000000000000001"), SLOT).steps[0]
SHOW = plan_pay(ACCOUNT, ORDER, QrShown(), SLOT).steps[0]
APP = plan_pay(ACCOUNT, ORDER, InApp(), SLOT).steps[0]
PAGE = plan_pay(ACCOUNT, ORDER, HostedPage(), SLOT).steps[0]
SILENCE = SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="silence")


def said(**changes: str) -> bytes:
    """UnionPay's signed reply to the scanned payment."""
    fields = {**paid(txnSubType="06", bizType="000000"), **changes}
    return reply(signed({name: value for name, value in fields.items() if value}))


def answered(code: str = "00", **changes: str) -> bytes:
    """UnionPay's signed answer to a query."""
    return said(respCode="00", origRespCode=code, origRespMsg="why", **changes)


ABSENT = said(respCode="34", respMsg="查无此交易[2600000]", queryId="", txnAmt="")
TWELVE = said(respCode="12")


def perform(
    *answers: bytes | WireReply | SendFailure, step: Step = SCAN, at: datetime = NOON, **op: object
) -> Observation:
    """One step against these answers."""
    return Host(list(answers), at).run(unionpay().perform(payment(**{"identity": SCANNED, **op}), step, 10.0))


def ask(*answers: bytes | WireReply | SendFailure, at: datetime = NOON, of: Operation | None = None) -> Observation:
    """One question against these answers."""
    return Host(list(answers), at).run(unionpay().ask(of or payment(identity=SCANNED), 10.0))


def doubted(told: Observation) -> UnknownKind:
    """Why nothing was learnt."""
    assert told.state is State.DOUBT
    assert told.unknown is not None
    return told.unknown.kind


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


# cancelling


UNDO = plan_cancel(ACCOUNT, succeeded(), CANCEL_SLOT, reverse_paid=True)
RELEASE = plan_cancel(ACCOUNT, held(), CANCEL_SLOT, reverse_paid=False)
REVERSE = plan_cancel(ACCOUNT, payment(identity=SCANNED), CANCEL_SLOT, reverse_paid=False)


def undone(code: str = "00", kind: str = "31", **changes: str) -> bytes:
    """What UnionPay says of an undo."""
    return said(orderId="SHOP10010001X001", txnType=kind, txnSubType="00", respCode=code, currencyCode="", **changes)


def go_on(
    *answers: bytes | SendFailure, at: datetime = NOON, before: bool = False, release: bool = False
) -> Observation:
    """One round of a cancel. ``before``: something of it was sent, or waited for, earlier."""
    plan = RELEASE if release else UNDO
    operation = cancel(plan, may_have_left=before, asked=int(before))
    return Host(list(answers), at).run(unionpay().perform(operation, plan.steps[0], 10.0))


def test_an_undo_is_received_and_then_asked_about() -> None:
    """00 is a receipt; the next round asks by the undo's own number and time."""
    first = go_on(undone())
    assert (first.state, first.cancelled_by) == (State.PENDING, None)
    then = go_on(undone(origRespCode="00"), before=True)
    assert (then.state, then.cancelled_by) == (State.SUCCEEDED, CancelledBy.REVERSED)
    assert go_on(undone(origRespCode="05"), before=True).state is State.PENDING
    refused = go_on(undone(origRespCode="35"), before=True)
    assert (refused.state, refused.reason) == (State.DECLINED, Reason.INVALID_STATE)


def test_a_release_voids() -> None:
    """32: the hold goes back."""
    told = go_on(undone(kind="32", origRespCode="00"), before=True, release=True)
    assert told.cancelled_by is CancelledBy.VOIDED


def test_a_cancel_that_nobody_knows_is_sent_when_it_still_may_be() -> None:
    """Asked first, then sent once more with the same number and time."""
    assert go_on(ABSENT_UNDO, undone(), before=True).state is State.PENDING
    assert go_on(ABSENT_UNDO, undone("12"), undone(origRespCode="00"), before=True).state is State.SUCCEEDED
    assert doubted(go_on(undone("12"), ABSENT_UNDO)) is UnknownKind.UNKNOWN_STATUS


ABSENT_UNDO = said(
    orderId="SHOP10010001X001", txnType="00", txnSubType="00", respCode="34", queryId="", txnAmt="", currencyCode=""
)


def test_a_cancel_whose_time_is_over_is_not_sent() -> None:
    """It is refused here, so that the next one gets a time of its own; while it may be under way it is waited for."""
    late = NOON + timedelta(minutes=10)
    waits = go_on(ABSENT_UNDO, at=late, before=True)
    assert doubted(waits) is UnknownKind.INTERRUPTED
    over = go_on(ABSENT_UNDO, at=late + timedelta(seconds=60), before=True)
    assert (over.state, over.reason, over.source) == (State.DECLINED, Reason.INVALID_STATE, Source.LOCAL)
    assert "cancel again" in over.message
    assert go_on(at=late).state is State.DECLINED


def test_an_undo_is_not_sent_after_its_clearing_day() -> None:
    """Planned at 22:59, carried out after 23:00: it would be refused, or undo nothing."""
    evening = datetime.fromisoformat("2026-11-23T22:59:30+08:00")
    plan = plan_cancel(ACCOUNT, succeeded(), replace(CANCEL_SLOT, now=evening), reverse_paid=True)
    told = Host([], evening + timedelta(minutes=1)).run(unionpay().perform(cancel(plan), plan.steps[0], 10.0))
    assert (told.state, told.source) == (State.DECLINED, Source.LOCAL)


def test_what_another_request_undid_is_a_refusal() -> None:
    """45, and no undo of our own."""
    told = go_on(undone("45"), ABSENT_UNDO)
    assert (told.state, told.reason) == (State.DECLINED, Reason.ALREADY_DONE)


@pytest.mark.parametrize("code", ["34", "03"])
def test_a_refused_undo_is_no_missing_order(code: str) -> None:
    """The sdk takes "not found" for "nothing to cancel", and this order is paid."""
    told = go_on(undone(code))
    assert told.state is State.DOUBT
    assert not told.absent


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (SILENCE, UnknownKind.TIMED_OUT),
        (undone(origRespCode="00", kind="04"), UnknownKind.MISMATCH),
        (undone(origRespCode=""), UnknownKind.UNREADABLE),
    ],
)
def test_questions_about_a_cancel_that_teach_nothing(answer: bytes | SendFailure, kind: UnknownKind) -> None:
    """It is asked again."""
    assert doubted(go_on(answer, before=True)) is kind


def reverse(*answers: bytes | SendFailure) -> Observation:
    """One round of a reversal."""
    operation = cancel(REVERSE)
    return Host(list(answers)).run(unionpay().perform(operation, REVERSE.steps[0], 10.0))


def reversal(code: str) -> bytes:
    """What UnionPay says to a reversal."""
    return said(txnType="99", txnSubType="01", respCode=code, currencyCode="")


def test_a_reversal_is_confirmed_by_its_repetition() -> None:
    """It has no number of its own to ask about: 46 says that it was done."""
    for answers in ((reversal("00"), reversal("46")), (reversal("46"),)):
        told = reverse(*answers)
        assert (told.state, told.cancelled_by) == (State.SUCCEEDED, CancelledBy.REVERSED)


@pytest.mark.parametrize("second", [reversal("00"), reversal("35"), reversal("06"), SILENCE])
def test_a_reversal_that_is_not_confirmed_is_pending(second: bytes | SendFailure) -> None:
    """It was received; the next round confirms it."""
    assert reverse(reversal("00"), second).state is State.PENDING


@pytest.mark.parametrize("code", ["34", "35"])
def test_nothing_to_reverse_is_no_fence(code: str) -> None:
    """The payment may still be on its way."""
    assert doubted(reverse(reversal(code))) is UnknownKind.NOT_FOUND


def test_other_answers_to_a_reversal() -> None:
    """Refused, or in doubt."""
    assert reverse(reversal("32")).reason is Reason.NOT_PERMITTED
    assert doubted(reverse(reversal("03"))) is UnknownKind.PARTNER_FAULT
    assert doubted(reverse(SILENCE)) is UnknownKind.TIMED_OUT
