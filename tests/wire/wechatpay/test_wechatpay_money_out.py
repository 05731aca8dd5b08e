"""What each answer about a refund or a transfer teaches; a refusal is believed when WeChat knows of nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.wire.wechatpay.acts import (
    BILL_QUERY,
    BILLS,
    REFUND_QUERY,
    REFUNDS,
    asked,
    performed,
    refunding,
    sending,
    why,
)
from tests.wire.wechatpay.stage import (
    ACCOUNT,
    AMOUNT,
    BILL,
    REQUEST,
    Host,
    merchant,
    refund,
    refused,
    said,
    transfer,
    unsigned,
)

from payport.schemas.actions import AppParameters
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.exchange import drive
from payport.sdk.journal.records import State
from payport.sdk.message import FailureKind, SendFailure, WireReply
from payport.sdk.observation import Source

LOST = SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="no answer came in time")

# --- refunds


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        ("PROCESSING", State.PENDING, None),
        ("SUCCESS", State.SUCCEEDED, None),
        ("CLOSED", State.DECLINED, Reason.CLOSED),
        ("ABNORMAL", State.PENDING, None),
    ],
)
def test_accepted_is_not_refunded(status: str, state: State, reason: Reason | None) -> None:
    """HTTP 200 says accepted; only ``status`` says what became of it, in the answer and in the query."""
    for found in (
        performed(refunding(), {REFUNDS: said(200, refund(status))}),
        asked(refunding(), {REFUND_QUERY: said(200, refund(status))}),
    ):
        assert (state, reason) == (found.state, found.reason)
        assert (found.partner_ref, found.amount) == (REQUEST, AMOUNT)
    assert ("console" in found.message) is (status == "ABNORMAL")


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"status": "NEW"}, UnknownKind.UNKNOWN_STATUS),
        ({"out_trade_no": "OTHER"}, UnknownKind.MISMATCH),
        ({"amount": None}, UnknownKind.UNREADABLE),
        ({"refund_id": None}, UnknownKind.UNREADABLE),
    ],
)
def test_a_refunds_answer_must_agree(changed: dict[str, Any], kind: UnknownKind) -> None:
    """Its order by the adapter, its number and amount by the money path."""
    assert kind is why(performed(refunding(), {REFUNDS: said(200, refund(**changed))}))


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (403, "NOT_ENOUGH", Reason.MERCHANT_FUNDS),
        (400, "INVALID_REQUEST", Reason.INVALID_REQUEST),
        (404, "RESOURCE_NOT_EXISTS", Reason.NOT_FOUND),
        (403, "BRAND_NEW", Reason.OTHER),
    ],
)
def test_a_refused_refund_is_believed_when_there_is_none(status: int, code: str, reason: Reason) -> None:
    """WeChat's own rule: no other number before a question says that the first one failed."""
    replies = {REFUNDS: refused(status, code), REFUND_QUERY: refused(404, "RESOURCE_NOT_EXISTS")}
    found = performed(refunding(), replies)
    assert (found.state, found.reason, found.partner_code) == (State.DECLINED, reason, code)


def test_a_refused_refund_that_is_there_all_the_same_counts() -> None:
    """A repetition can be refused while the first request is carried out."""
    replies = {REFUNDS: refused(400, "INVALID_REQUEST"), REFUND_QUERY: said(200, refund("PROCESSING"))}
    assert performed(refunding(), replies).state is State.PENDING
    replies = {REFUNDS: refused(403, "NOT_ENOUGH"), REFUND_QUERY: unsigned(502)}
    assert why(performed(refunding(), replies)) is UnknownKind.PARTNER_FAULT


def test_accepted_but_not_processed_is_repeated_unchanged() -> None:
    """202."""
    found = performed(refunding(), {REFUNDS: said(202)})
    assert (why(found), found.again) == (UnknownKind.PARTNER_FAULT, True)


# --- transfers


def test_the_payee_must_confirm() -> None:
    """What ``wx.requestMerchantTransfer`` takes."""
    reply = said(200, transfer("WAIT_USER_CONFIRM", package_info="affff03=", openid=None, mch_id=None, appid=None))
    found = performed(sending(), {BILLS: reply})
    assert found.state is State.ACTION
    assert isinstance(found.action, AppParameters)
    assert found.action.fields == {"mchId": ACCOUNT.mchid, "appId": ACCOUNT.appid, "package": "affff03="}
    assert json.loads(found.action.payload) == found.action.fields


def test_a_lost_confirmation_is_fetched_again() -> None:
    """The query does not carry it, the identical request does."""
    waiting = transfer("WAIT_USER_CONFIRM")
    replies = {BILL_QUERY: said(200, waiting), BILLS: said(200, {**waiting, "package_info": "again="})}
    found = asked(sending(), replies)
    assert isinstance(found.action, AppParameters)
    assert found.action.fields["package"] == "again="


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("ACCEPTED", State.PENDING),
        ("PROCESSING", State.PENDING),
        ("TRANSFERING", State.PENDING),
        ("CANCELING", State.PENDING),
        ("SUCCESS", State.SUCCEEDED),
        ("FAIL", State.DECLINED),
        ("CANCELLED", State.DECLINED),
    ],
)
def test_every_state_of_a_transfer(state: str, expected: State) -> None:
    """In the answer and in the query."""
    for found in (
        performed(sending(), {BILLS: said(200, transfer(state))}),
        asked(sending(), {BILL_QUERY: said(200, transfer(state))}),
    ):
        assert (found.state, found.partner_ref) == (expected, BILL)
        assert found.amount == AMOUNT


def test_why_a_transfer_failed() -> None:
    """The partner's reason, and ours."""
    found = asked(sending(), {BILL_QUERY: said(200, transfer("FAIL", fail_reason="OVERDUE_CLOSE"))})
    assert (found.reason, found.partner_code) == (Reason.EXPIRED, "OVERDUE_CLOSE")
    found = asked(sending(), {BILL_QUERY: said(200, transfer("CANCELLED"))})
    assert (found.reason, found.partner_code) == (Reason.CLOSED, "CANCELLED")


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"state": "NEW"}, UnknownKind.UNKNOWN_STATUS),
        ({"state": None}, UnknownKind.UNKNOWN_STATUS),
        ({"openid": "oSomebodyElse"}, UnknownKind.MISMATCH),
        ({"mch_id": "1900000999"}, UnknownKind.MISMATCH),
        ({"appid": "wx9999999999999999"}, UnknownKind.MISMATCH),
        ({"out_bill_no": None}, UnknownKind.UNREADABLE),
    ],
)
def test_a_transfers_answer_must_agree(changed: dict[str, Any], kind: UnknownKind) -> None:
    """Payee and merchant by the adapter, number and amount by the money path."""
    assert kind is why(performed(sending(), {BILLS: said(200, transfer(**changed))}))


@pytest.mark.parametrize("code", ["NOT_ENOUGH", "INVALID_REQUEST", "FREQUENCY_LIMITED", "NEVER_HEARD_OF"])
def test_after_any_refusal_of_a_transfer_wechat_is_asked(code: str) -> None:
    """Its rule for every answer but 200, known code or not: whoever takes another number too soon pays twice."""
    gone = performed(sending(), {BILLS: refused(403, code), BILL_QUERY: refused(404, "NOT_FOUND")})
    assert (gone.state, gone.partner_code) == (State.DECLINED, code)
    there = performed(sending(), {BILLS: refused(403, code), BILL_QUERY: said(200, transfer("PROCESSING"))})
    assert there.state is State.PENDING
    unclear = performed(sending(), {BILLS: refused(403, code), BILL_QUERY: unsigned(502)})
    assert why(unclear) is UnknownKind.PARTNER_FAULT
    assert (gone.reason is Reason.MERCHANT_FUNDS) is (code == "NOT_ENOUGH")


@pytest.mark.parametrize(
    "answer", [refused(500, "SYSTEM_ERROR"), unsigned(502), said(202), LOST, said(200, transfer(), by="merchant")]
)
def test_a_transfer_is_asked_about_before_it_is_sent_again(answer: WireReply | SendFailure) -> None:
    """After anything but a believed 200. A refund needs no question: it is sent again at once."""
    host = Host({BILLS: answer, BILL_QUERY: refused(404, "NOT_FOUND")})
    found = drive(merchant().perform(sending(), sending().steps[0], 100.0), host)
    assert (found.state, found.again, host.asked) == (State.DOUBT, True, [BILLS, BILL_QUERY])
    there = performed(sending(), {BILLS: answer, BILL_QUERY: said(200, transfer("PROCESSING"))})
    assert there.state is State.PENDING
    unclear = performed(sending(), {BILLS: answer, BILL_QUERY: unsigned(502)})
    assert (unclear.state, unclear.again, unclear.source) == (State.DOUBT, False, Source.REPLY)
    host = Host({REFUNDS: answer})
    assert drive(merchant().perform(refunding(), refunding().steps[0], 100.0), host).again
    assert host.asked == [REFUNDS]


def test_what_was_sent_stays_in_doubt_while_nobody_answers() -> None:
    """A question without an answer right after a request: that nothing was sent may not be concluded from it."""
    for replies in ({REFUNDS: refused(403, "NOT_ENOUGH")}, {REFUNDS: refused(400, "ORDER_CLOSED")}):
        found = performed(refunding(), {**replies, REFUND_QUERY: unsigned(502)})
        assert (found.state, found.source) == (State.DOUBT, Source.REPLY)


def test_a_request_that_wechat_could_not_verify_did_nothing() -> None:
    """No question: it would be refused for the same reason."""
    host = Host({BILLS: refused(401, "SIGN_ERROR")})
    made = sending()
    found = drive(merchant().perform(made, made.steps[0], 100.0), host)
    assert (found.reason, host.asked) == (Reason.BAD_SIGNATURE, [BILLS])
