"""What the answer to a cancel amounts to: a link's own word is a fence, *received* is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.wire.adyen.words import ACCOUNT, ADYEN, NOON, SLOT, TRADE, Host, operation, reply

from payport.adapters.adyen.cancelling import plan_cancel
from payport.adapters.adyen.planning import LINK, LINK_WAY, SESSION, SESSION_WAY, TAKE, WAY
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.message import WireReply
from payport.sdk.observation import Observation

LINKED = operation(identity={WAY: LINK_WAY, TAKE: "automatic"}, ids={LINK: "PL1"}, state=State.ACTION)
CANCEL = operation(Verb.CANCEL, partner_ref="CANCEL01C001", identity={})
OURS = replace(SLOT, partner_ref="CANCEL01C001")
NODE: dict[str, Any] = {
    "id": "PL1",
    "status": "expired",
    "amount": {"currency": "EUR", "value": 1234},
    "reference": TRADE,
    "merchantAccount": "ShopECOM",
    "url": "https://pay.example/PL1",
}
RECEIVED: dict[str, Any] = {
    "merchantAccount": "ShopECOM",
    "paymentReference": TRADE,
    "pspReference": "ZFQTPCQ8HXSKGK83",
    "reference": "CANCEL01C001",
    "status": "received",
}
USED = reply({"status": 422, "errorCode": "14_032", "errorType": "validation"}, 422)


def told(
    *answers: WireReply, payment: Operation = LINKED, cancel: Operation = CANCEL, reverse: bool = False
) -> tuple[Observation, Host]:
    """What a cancel is told, and what was sent for it."""
    (step,) = plan_cancel(ACCOUNT, payment, OURS, reverse_paid=reverse).steps
    host = Host(answers)
    return host.run(ADYEN.perform(cancel, step, 10.0)), host


def why(found: Observation) -> UnknownKind | None:
    return found.unknown.kind if found.unknown is not None else None


def test_an_expired_link_is_a_fence() -> None:
    """At once, and without a key: expiring twice expires once."""
    found, host = told(reply(NODE))
    assert (found.state, found.cancelled_by) == (State.SUCCEEDED, CancelledBy.CLOSED)
    assert (host.sent[0].method, host.sent[0].content) == ("PATCH", b'{"status":"expired"}')
    assert "idempotency-key" not in host.sent[0].headers


@pytest.mark.parametrize("status", ["paid", "completed", "paymentPending"])
def test_a_link_that_was_used_is_not_cancelled(status: str) -> None:
    """Whether it is paid tells the webhook; to reverse it, its number is waited for."""
    found, _ = told(USED, reply({**NODE, "status": status}))
    assert (found.state, found.reason, found.partner_code) == (State.DECLINED, Reason.INVALID_STATE, status)
    found, _ = told(USED, reply({**NODE, "status": status}), reverse=True)
    assert why(found) is UnknownKind.NO_QUERY


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        (UnknownKind.PARTNER_FAULT, {"status": "active"}),
        (UnknownKind.UNKNOWN_STATUS, {"status": "frozen"}),
        (UnknownKind.MISMATCH, {"id": "PL2"}),
        (UnknownKind.MISMATCH, {"reference": "SHOP10010002T001"}),
        (UnknownKind.MISMATCH, {"merchantAccount": "SomebodyECOM"}),
        (UnknownKind.MISMATCH, {"amount": {"currency": "EUR", "value": 1}}),
        (UnknownKind.UNREADABLE, {"amount": None}),
        (UnknownKind.UNREADABLE, {"amount": {"currency": "XXX", "value": 1234}}),
    ],
)
def test_what_is_no_fence(expected: UnknownKind, change: dict[str, Any]) -> None:
    """Another link, another amount, a word that nobody knows."""
    found, _ = told(reply({**NODE, **change}))
    assert (found.state, why(found)) == (State.DOUBT, expected)


def test_a_refusal_to_expire_stands_when_the_link_cannot_be_seen() -> None:
    """Or when the key is not taken at all."""
    gone = reply({"status": 404, "errorCode": "14_035", "errorType": "validation"}, 404)
    assert told(USED, gone)[0].state is State.DECLINED
    denied = reply({"status": 401, "errorCode": "000", "errorType": "security"}, 401)
    found, host = told(denied)
    assert (found.reason, len(host.sent)) == (Reason.UNAUTHENTICATED, 1)
    unread = WireReply(502, (), b"<html>")
    assert why(told(USED, unread)[0]) is UnknownKind.PARTNER_FAULT
    assert why(told(unread)[0]) is UnknownKind.PARTNER_FAULT


@pytest.mark.parametrize(("step", "state"), [("paymentLinks.expire", State.DECLINED), ("cancels", State.DOUBT)])
def test_what_left_before_it_was_paid_is_waited_for_where_a_webhook_tells(step: str, state: State) -> None:
    """A link that is paid was not ended, whatever became of the request; a cancel may undo the payment yet."""
    left = replace(CANCEL, steps=(Step(name=step, moves_money=True, digest="x"),), may_have_left=True)
    found, host = told(payment=replace(LINKED, state=State.SUCCEEDED), cancel=left)
    assert (found.state, host.sent) == (state, [])


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        (None, {}),
        (UnknownKind.MISMATCH, {"paymentReference": "SHOP10010002T001"}),
        (UnknownKind.MISMATCH, {"merchantAccount": "SomebodyECOM"}),
        (UnknownKind.UNKNOWN_STATUS, {"status": "done"}),
        (UnknownKind.UNREADABLE, {"status": 1}),
    ],
)
def test_received_is_pending_and_no_more(expected: UnknownKind | None, change: dict[str, Any]) -> None:
    """Without an end on the wire nothing is promised."""
    found, _ = told(reply({**RECEIVED, **change}, 201), payment=operation(expires=False))
    assert (why(found), found.cancelled_by) == (expected, None)
    assert found.state is (State.PENDING if expected is None else State.DOUBT)


def test_a_session_is_over_by_time_at_the_latest() -> None:
    """It expires by itself, so a caller is told until when it may be paid."""
    session = operation(identity={WAY: SESSION_WAY, TAKE: "automatic"}, ids={SESSION: "CS1"}, state=State.ACTION)
    found, _ = told(reply(RECEIVED, 201), payment=session)
    assert (found.state, found.cancelled_by) == (State.PENDING, CancelledBy.EXPIRED)


@pytest.mark.parametrize("on_payment", [False, True])
@pytest.mark.parametrize(("minutes", "over"), [(59, False), (60, False), (74, False), (76, True)])
def test_a_payment_that_is_absent_after_its_time_is_over(minutes: int, over: bool, on_payment: bool) -> None:
    """Absent before, it may have come since: asked again, under another key."""
    mark = {"absent.ZFQTPCQ8HXSKGK83": (NOON + timedelta(minutes=minutes)).isoformat()}
    payment = operation(expires=False, ids=mark if on_payment else {})
    cancel = replace(CANCEL, ids={} if on_payment else mark)
    found, host = told(reply(RECEIVED, 201), payment=payment, cancel=cancel)
    if over:
        assert (found.cancelled_by, host.sent) == (CancelledBy.EXPIRED, [])
    else:
        assert found.state is State.PENDING
        assert host.sent[0].headers["idempotency-key"] == "payport-ShopECOM-CANCEL01C001-cancels.1"
