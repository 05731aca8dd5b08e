"""Answers and errors: every code means one thing, what is unknown is doubted, what differs is a mismatch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.wire.adyen.words import ACCOUNT, ADYEN, PAYMENT, SLOT, TRADE, Host, operation, reply

from payport.adapters.adyen import AdyenPaymentMethod, AdyenSession
from payport.adapters.adyen.mapping import REFUSAL_REASONS, ResultCode
from payport.adapters.adyen.planning import MANUAL, PSP, TAKE, WAY, plan_capture, plan_complete, plan_pay, plan_refund
from payport.schemas import CaptureMode, HostedPage, Money, Order
from payport.schemas.actions import AppParameters, PostForm, QrCode, Redirect
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.lattice import bind
from payport.sdk.message import WireReply
from payport.sdk.observation import Observation

CARD = AdyenPaymentMethod(data={"type": "scheme", "encryptedCardNumber": "test_4111111111111111"})
ORDER = Order(ref="SHOP10010001", amount=Money.of("12.34", "EUR"), subject="Tea")
(PAY,) = plan_pay(ACCOUNT, ORDER, CARD, SLOT).steps
(LINK,) = plan_pay(ACCOUNT, ORDER, HostedPage(), SLOT).steps
PAID = operation(state=State.SUCCEEDED, ids={PSP: "QFQTPCQ8HXSKGK82"})
(REFUND,) = plan_refund(ACCOUNT, PAID, Money.of("1.00", "EUR"), SLOT, reason="").steps
REDIRECT = {"type": "redirect", "method": "GET", "url": "https://bank.example/x"}
RECEIVED: dict[str, Any] = {
    "merchantAccount": "ShopECOM",
    "paymentPspReference": "QFQTPCQ8HXSKGK82",
    "pspReference": "ZFQTPCQ8HXSKGK83",
    "reference": TRADE,
    "amount": {"currency": "EUR", "value": 1234},
    "status": "received",
}


def told(answer: WireReply, step: Step = PAY, known: Operation | None = None) -> Observation:
    """What an answer teaches, compared with what was asked."""
    known = known or operation()
    return bind(known, Host([answer]).run(ADYEN.perform(known, step, 10.0)))


def why(found: Observation) -> UnknownKind | None:
    return found.unknown.kind if found.unknown is not None else None


BY_CODE = {
    ResultCode.AUTHORISED: State.SUCCEEDED,
    ResultCode.PARTIALLY_AUTHORISED: UnknownKind.MISMATCH,
    ResultCode.RECEIVED: State.PENDING,
    ResultCode.PENDING: State.PENDING,
    ResultCode.REDIRECT_SHOPPER: State.ACTION,
    ResultCode.IDENTIFY_SHOPPER: State.ACTION,
    ResultCode.CHALLENGE_SHOPPER: State.ACTION,
    ResultCode.PRESENT_TO_SHOPPER: State.ACTION,
    ResultCode.REFUSED: State.DECLINED,
    ResultCode.ERROR: State.DECLINED,
    ResultCode.CANCELLED: State.DECLINED,
    ResultCode.AUTHENTICATION_FINISHED: UnknownKind.UNKNOWN_STATUS,
    ResultCode.AUTHENTICATION_NOT_REQUIRED: UnknownKind.UNKNOWN_STATUS,
    ResultCode.SUCCESS: UnknownKind.UNKNOWN_STATUS,
}


@pytest.mark.parametrize("code", list(ResultCode), ids=lambda code: code.value)
def test_every_result_code_means_one_thing(code: ResultCode) -> None:
    """The table is total."""
    found = told(reply({**PAYMENT, "resultCode": code.value, "action": REDIRECT}))
    assert BY_CODE[code] in (found.state, why(found))


@pytest.mark.parametrize("code", ["Settled", "authorised", ""])
def test_pain_a_new_result_code_made_every_payment_fail(code: str) -> None:
    """An unknown one is kept and doubted, never guessed, never a crash."""
    assert why(told(reply({**PAYMENT, "resultCode": code}))) is UnknownKind.UNKNOWN_STATUS


def test_manual_capture_is_a_hold() -> None:
    """The order says so; Adyen's answer is the same."""
    held = operation(identity={WAY: "payment", TAKE: MANUAL})
    assert told(reply(PAYMENT), known=held).state is State.AUTHORIZED
    order = Order(ref="SHOP10010001", amount=Money.of("12.34", "EUR"), subject="Tea", capture=CaptureMode.MANUAL)
    assert plan_pay(ACCOUNT, order, CARD, SLOT).identity[TAKE] == MANUAL


@pytest.mark.parametrize(
    ("expected", "code"),
    [
        (Reason.DECLINED, "2"),
        (Reason.PARTNER_UNAVAILABLE, "9"),
        (Reason.BLOCKED, "5"),
        (Reason.INSUFFICIENT_FUNDS, "12"),
        (Reason.CLOSED, "16"),
        (Reason.NOT_PERMITTED, "23"),
        (Reason.LIMIT_EXCEEDED, "28"),
        (Reason.DECLINED, "999"),
        (Reason.DECLINED, None),
    ],
)
def test_why_a_payment_was_refused(expected: Reason, code: str | None) -> None:
    """Adyen's own code stands beside it."""
    node = {**PAYMENT, "resultCode": "Refused", "refusalReason": "Because"}
    found = told(reply(node if code is None else {**node, "refusalReasonCode": code}))
    assert (found.reason, found.partner_code, found.message) == (expected, code, "Because")


def test_every_refusal_reason_has_one_meaning() -> None:
    """2 to 29, 31, 32 and 38, without those that say nothing."""
    assert set(REFUSAL_REASONS) == {str(code) for code in (*range(2, 30), 31, 32, 38) if code not in (13,)}


@pytest.mark.parametrize(
    ("named", "change"),
    [
        ("amount", {"amount": {"currency": "EUR", "value": 1233}}),
        ("amount", {"amount": {"currency": "USD", "value": 1234}}),
        ("reference", {"merchantReference": "SHOP10010002T001"}),
    ],
)
def test_another_order_or_amount_is_a_mismatch(named: str, change: dict[str, Any]) -> None:
    """Whatever the code says."""
    found = told(reply({**PAYMENT, **change}))
    assert why(found) is UnknownKind.MISMATCH
    assert found.unknown is not None
    assert found.unknown.detail.startswith(named)


@pytest.mark.parametrize(
    ("expected", "action"),
    [
        (Redirect(url="https://bank.example/x"), REDIRECT),
        (
            PostForm(url="https://bank.example/x", fields={"MD": "1"}),
            {**REDIRECT, "method": "POST", "data": {"MD": "1"}},
        ),
        (QrCode(text="weixin://x"), {"type": "qrCode", "qrCodeData": "weixin://x"}),
        (AppParameters(payload='{"token":"t","type":"threeDS2"}', fields={}), {"type": "threeDS2", "token": "t"}),
    ],
)
def test_what_the_payer_must_do(expected: object, action: object) -> None:
    """What only Adyen's component understands is handed to it whole."""
    found = told(reply({"resultCode": "RedirectShopper", "merchantReference": TRADE, "action": action}))
    assert (found.state, found.action) == (State.ACTION, expected)


@pytest.mark.parametrize("action", [None, {}, {"type": "redirect"}, {"type": "redirect", "url": "javascript:x"}])
def test_an_action_that_is_none_is_unreadable(action: object) -> None:
    """Nothing is shown to the payer then."""
    assert why(told(reply({"resultCode": "RedirectShopper", "action": action}))) is UnknownKind.UNREADABLE


@pytest.mark.parametrize(
    ("expected", "status", "code", "kind"),
    [
        (Reason.UNAUTHENTICATED, 401, "000", "security"),
        (Reason.NOT_PERMITTED, 403, "901", "security"),
        (Reason.NOT_PERMITTED, 403, "010", "security"),
        (Reason.INVALID_REQUEST, 400, "702", "validation"),
        (Reason.INVALID_REQUEST, 422, "14_030", "validation"),
        (Reason.NOT_FOUND, 422, "167", "validation"),
        (Reason.RATE_LIMITED, 429, "29_429", "validation"),
        (Reason.OTHER, 422, "77", "configuration"),
        *((Reason.INVALID_REQUEST, 422, code, None) for code in ("100", "130", "137", "138", "702", "14_031")),
    ],
)
def test_what_an_error_means(expected: Reason, status: int, code: str, kind: str) -> None:
    """A refusal of Adyen's: nothing of this call happened."""
    found = told(reply({"status": status, "errorCode": code, "errorType": kind, "message": "No"}, status))
    assert (found.state, found.reason, found.partner_code) == (State.DECLINED, expected, code)


@pytest.mark.parametrize(
    ("again", "status", "code", "headers"),
    [
        (True, 500, "905", {"transient_error": "true"}),
        (True, 422, "905", {"transient_error": "TRUE"}),
        (False, 500, "905", {"transient_error": "false"}),
        (False, 500, "905", {}),
        (True, 409, "704", {}),
        (True, 422, "704", {}),
        (True, 503, "703", {}),
    ],
)
def test_what_is_no_refusal(again: bool, status: int, code: str, headers: dict[str, str]) -> None:
    """A transient error runs as new under the same key; a final one stays the key's answer; a twin is under way."""
    found = told(reply({"status": status, "errorCode": code, "errorType": "validation"}, status, **headers))
    assert (why(found), found.again) == (UnknownKind.PARTNER_FAULT, again)


@pytest.mark.parametrize("status", [400, 403, 422])
def test_an_error_that_adyen_did_not_write_is_unreadable(status: int) -> None:
    """Somebody in between."""
    for answer in (WireReply(status, (), b"<html>"), reply({"message": "blocked"}, status)):
        assert why(told(answer)) is UnknownKind.UNREADABLE


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        (None, {}),
        (UnknownKind.UNKNOWN_STATUS, {"status": "done"}),
        (UnknownKind.MISMATCH, {"merchantAccount": "SomebodyECOM"}),
        (UnknownKind.MISMATCH, {"paymentPspReference": "ANOTHER"}),
        (UnknownKind.MISMATCH, {"reference": "ANOTHER"}),
        (UnknownKind.MISMATCH, {"amount": {"currency": "EUR", "value": 1}}),
        (UnknownKind.UNREADABLE, {"pspReference": None}),
    ],
)
def test_a_modification_is_only_received(expected: UnknownKind | None, change: dict[str, Any]) -> None:
    """PENDING and no more, whatever it was."""
    known = operation(Verb.REFUND, identity={PSP: "QFQTPCQ8HXSKGK82"})
    found = told(reply({**RECEIVED, **change}, 201), REFUND, known)
    assert why(found) is expected
    assert found.state is (State.PENDING if expected is None else State.DOUBT)


def test_a_link_of_another_account_is_not_handed_out() -> None:
    """The merchant is compared."""
    node = {
        "id": "PL1", "status": "active", "amount": PAYMENT["amount"], "reference": TRADE, "url": "https://pay.example",
        "merchantAccount": "SomebodyECOM",
    }  # fmt: skip
    assert why(told(reply(node, 201), LINK)) is UnknownKind.MISMATCH
    assert told(reply({**node, "merchantAccount": "ShopECOM"}, 201), LINK).action == Redirect(url="https://pay.example")


def test_there_is_nobody_to_ask() -> None:
    """Nothing is sent, and the answer says why."""
    host = Host()
    found = host.run(ADYEN.ask(operation(), 10.0))
    assert (why(found), host.sent) == (UnknownKind.NO_QUERY, [])


def test_a_capture_needs_adyens_number() -> None:
    """It goes to the payment that the webhook or the answer named."""
    hold = operation(state=State.AUTHORIZED, ids={PSP: "QFQTPCQ8HXSKGK82"})
    (step,) = plan_capture(ACCOUNT, hold, Money.of("1.00", "EUR"), SLOT, final=True).steps
    host = Host([reply(RECEIVED, 201)])
    host.run(ADYEN.perform(operation(Verb.CAPTURE), step, 10.0))
    assert host.sent[0].url.endswith("/payments/QFQTPCQ8HXSKGK82/captures")


SESSION_NODE: dict[str, Any] = {
    "id": "CS1",
    "amount": PAYMENT["amount"],
    "reference": TRADE,
    "merchantAccount": "ShopECOM",
    "expiresAt": "2026-01-31T13:00:00+00:00",
    "sessionData": "data",
}


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        (None, {}),
        (UnknownKind.MISMATCH, {"merchantAccount": "SomebodyECOM"}),
        (UnknownKind.MISMATCH, {"reference": "ANOTHER"}),
        (UnknownKind.MISMATCH, {"amount": {"currency": "EUR", "value": 1}}),
        (UnknownKind.UNREADABLE, {"sessionData": None}),
        (UnknownKind.UNREADABLE, {"id": 7}),
    ],
)
def test_what_a_session_is_handed_out_as(expected: UnknownKind | None, change: dict[str, Any]) -> None:
    """Only ours, and only whole."""
    (step,) = plan_pay(ACCOUNT, ORDER, AdyenSession(), SLOT).steps
    found = told(reply({**SESSION_NODE, **change}, 201), step)
    assert why(found) is expected
    assert (found.action is not None) is (expected is None)


@pytest.mark.parametrize(
    ("expected", "node"),
    [
        (State.SUCCEEDED, {"status": "completed", "payments": [PAYMENT]}),
        (State.PENDING, {"status": "completed"}),
        (State.PENDING, {"status": "paymentPending", "payments": [{"resultCode": "Pending"}]}),
        (State.ACTION, {"status": "active"}),
        (State.ACTION, {"status": "refused", "payments": [{"resultCode": "Refused", "pspReference": "A"}]}),
        (UnknownKind.UNKNOWN_STATUS, {"status": "frozen"}),
        (UnknownKind.MISMATCH, {"status": "completed", "id": "CS2"}),
        (UnknownKind.MISMATCH, {"status": "completed", "reference": "ANOTHER"}),
        (
            UnknownKind.MISMATCH,
            {"status": "completed", "payments": [{**PAYMENT, "amount": {"currency": "EUR", "value": 1}}]},
        ),
    ],
)
def test_what_a_sessions_result_says(expected: State | UnknownKind, node: dict[str, Any]) -> None:
    """An authorised payment of ours in it is one; all else is not final."""
    known = operation(identity={WAY: "session", TAKE: "automatic"}, ids={"session": "CS1"}, state=State.ACTION)
    plan = plan_complete(ACCOUNT, known, {"sessionResult": "x"}, SLOT)
    assert plan is not None
    found = told(reply({"id": "CS1", "reference": TRADE, **node}), plan.steps[0], known)
    assert expected in (found.state, why(found))


@pytest.mark.parametrize(("expected", "status"), [(State.ACTION, 422), (State.ACTION, 400), (State.DOUBT, 401)])
def test_a_refusal_of_what_came_back_is_none_of_the_payment(expected: State, status: int) -> None:
    """The payer may still come with better; a key that is not taken says nothing at all."""
    plan = plan_complete(ACCOUNT, operation(state=State.ACTION), {"redirectResult": "x"}, SLOT)
    assert plan is not None
    error = {"status": status, "errorCode": "14_018", "errorType": "validation"}
    assert told(reply(error, status), plan.steps[0]).state is expected


@pytest.mark.parametrize(("expected", "change"), [("status", {"status": "odd"}), ("URL", {"url": "ftp://x"})])
def test_a_link_that_is_none_is_not_handed_out(expected: str, change: dict[str, Any]) -> None:
    """A status that nobody knows, an address that is none."""
    node = {
        "id": "PL1", "status": "active", "amount": PAYMENT["amount"], "reference": TRADE, "url": "https://pay.example",
        "merchantAccount": "ShopECOM",
    }  # fmt: skip
    found = told(reply({**node, **change}, 201), LINK)
    assert found.unknown is not None
    assert expected in found.unknown.detail


def test_without_its_request_nothing_can_be_sent() -> None:
    """It was not kept, for lack of a sealing key."""
    host = Host()
    found = host.run(ADYEN.perform(operation(), replace(PAY, request=None), 10.0))
    assert (found.state, host.sent) == (State.NOT_SENT, [])


def test_a_header_that_stands_twice_says_nothing() -> None:
    """Two opinions on whether an error is transient are none."""
    answer = reply({"status": 500, "errorCode": "905", "errorType": "internal"}, 500)
    doubled = WireReply(500, (("transient-error", "true"), ("transient-error", "false")), answer.content)
    assert not told(doubled).again
