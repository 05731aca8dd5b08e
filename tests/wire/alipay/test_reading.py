"""What each authentic answer teaches about an operation, and what it must not be believed to teach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.alipay.answers import AMOUNT, NOON, NOON_TEXT, REQUEST, TRADE, answer, operation, refusal_of

from payport.adapters.alipay import planning as p
from payport.adapters.alipay.reading import read, read_question
from payport.adapters.alipay.reading.fields import instant
from payport.schemas.actions import AppParameters, QrCode
from payport.schemas.money import Money
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy, Fact, FactKind
from payport.sdk.journal.records import State, Verb
from payport.sdk.lattice import bind
from payport.sdk.observation import Observation, Source

PAID = {"out_trade_no": TRADE, "trade_no": "2026A", "total_amount": "12.34", "gmt_payment": NOON_TEXT}
ASKED = {"out_trade_no": TRADE, "trade_no": "2026A", "total_amount": "12.34", "trade_status": "TRADE_SUCCESS"}
HELD = {"out_order_no": TRADE, "auth_no": "A1", "operation_id": "O1", "amount": "12.34", "status": "SUCCESS"}
REFUNDED = {"out_trade_no": TRADE, "trade_no": "2026A", "fund_change": "Y", "refund_fee": "12.34"}
REFUND_STATE = {"out_trade_no": TRADE, "out_request_no": REQUEST, "refund_amount": "12.34"}
SENT = {"out_biz_no": TRADE, "order_id": "T1", "status": "SUCCESS"}

VERBS = {
    p.PAY: Verb.PAY,
    p.PRECREATE: Verb.PAY,
    p.CREATE: Verb.PAY,
    p.VOUCHER: Verb.PAY,
    p.FREEZE: Verb.PAY,
    p.CLOSE: Verb.CANCEL,
    p.CANCEL: Verb.CANCEL,
    p.UNFREEZE: Verb.CANCEL,
    p.CANCEL_HOLD: Verb.CANCEL,
    p.REFUND: Verb.REFUND,
    p.TRANSFER: Verb.PAYOUT,
}


def told(method: str, fields: Mapping[str, object], /, code: str = "10000", **more: object) -> Observation:
    """What a reply teaches about the operation that called ``method``."""
    return read(operation(VERBS[method]), method, answer(code, None, **{**fields, **more}))


def asked(method: str, fields: Mapping[str, object], /, *, shown: bool = False, **more: object) -> Observation:
    """What the answer to a question teaches."""
    verb, ref = {p.REFUND_QUERY: (Verb.REFUND, REQUEST), p.TRANSFER_QUERY: (Verb.PAYOUT, TRADE)}.get(
        method, (Verb.PAY, TRADE)
    )
    return read_question(
        operation(verb, partner_ref=ref, shown=shown), method, answer("10000", None, **{**fields, **more})
    )


def why(observation: Observation) -> UnknownKind | None:
    """What left it open."""
    return observation.unknown.kind if observation.unknown else None


# --- paying


def test_a_paid_trade_carries_everything_that_is_compared() -> None:
    """Reference, amount, number and time as Alipay stated them, and its own record."""
    paid = told(p.PAY, PAID)
    assert (
        paid.state,
        paid.partner_ref,
        paid.amount,
        paid.partner_id,
        paid.at,
    ) == (State.SUCCEEDED, TRADE, AMOUNT, "2026A", NOON)
    assert paid.native is not None


def test_a_payer_who_must_confirm_is_pending() -> None:
    """Code 10003 names the trade, so that it can be asked about."""
    waiting = told(p.PAY, {"out_trade_no": TRADE, "trade_no": "2026A"}, code="10003")
    assert (waiting.state, waiting.partner_id) == (State.PENDING, "2026A")
    assert State.PENDING is told(p.PAY, {}, code="10003").state


def test_codes_and_trades_to_act_on() -> None:
    """A shown code and a mini-program's trade are actions of the payer."""
    assert QrCode(text="https://qr") == told(p.PRECREATE, {"out_trade_no": TRADE, "qr_code": "https://qr"}).action
    created = told(p.CREATE, {"out_trade_no": TRADE, "trade_no": "2026A"})
    assert AppParameters(payload="2026A", fields={"tradeNO": "2026A"}) == created.action
    assert QrCode(text="https://pre") == told(p.VOUCHER, {"out_order_no": TRADE, "code_value": "https://pre"}).action


@pytest.mark.parametrize(
    ("method", "fields", "missing"),
    [
        (p.PAY, PAID, "total_amount"),
        (p.PAY, PAID, "trade_no"),
        (p.PRECREATE, {"out_trade_no": TRADE, "qr_code": "x"}, "qr_code"),
        (p.CREATE, {"out_trade_no": TRADE, "trade_no": "x"}, "trade_no"),
        (p.VOUCHER, {"out_order_no": TRADE, "code_value": "x"}, "code_value"),
        (p.FREEZE, HELD, "amount"),
        (p.FREEZE, HELD, "out_order_no"),
        (p.FREEZE, HELD, "auth_no"),
        (p.REFUND, REFUNDED, "fund_change"),
        (p.REFUND, REFUNDED, "refund_fee"),
        (p.TRANSFER, SENT, "status"),
    ],
)
@pytest.mark.parametrize("value", [None, 1234, 12.34, ["12.34"]])
def test_a_field_that_must_be_there_is_missing_or_of_another_type(
    method: str, fields: dict[str, object], missing: str, value: object
) -> None:
    """An authentic answer that cannot be read leaves it open; the message names the field, never its content."""
    given_value = {**fields, missing: value}
    if value is None:
        del given_value[missing]
    doubted = told(method, given_value)
    assert (doubted.state, why(doubted)) == (State.DOUBT, UnknownKind.UNREADABLE)
    assert doubted.unknown is not None
    assert "1234" not in doubted.unknown.detail


@pytest.mark.parametrize("amount", ["12.345", "12,34", "", "1e3", "NaN", "twelve"])
def test_an_amount_that_is_none_leaves_it_open(amount: str) -> None:
    """Nothing is rounded or guessed."""
    assert UnknownKind.UNREADABLE is why(told(p.PAY, PAID, total_amount=amount))


def test_another_reference_or_amount_is_a_mismatch() -> None:
    """The machinery compares what the observation states with what was asked."""
    for change in ({"out_trade_no": "SHOP2"}, {"total_amount": "12.33"}):
        assert UnknownKind.MISMATCH is why(bind(operation(), told(p.PAY, {**PAID, **change})))


# --- asking about a trade


@pytest.mark.parametrize(
    ("state", "status", "paid_at", "shown"),
    [
        (State.PENDING, "WAIT_BUYER_PAY", None, False),
        (State.ACTION, "WAIT_BUYER_PAY", None, True),
        (State.SUCCEEDED, "TRADE_SUCCESS", NOON_TEXT, False),
        (State.SUCCEEDED, "TRADE_FINISHED", NOON_TEXT, True),
        (State.DECLINED, "TRADE_CLOSED", None, True),
        (State.DECLINED, "TRADE_CLOSED", "", True),
        (State.SUCCEEDED, "TRADE_CLOSED", NOON_TEXT, True),
    ],
)
def test_trade_statuses(state: State, status: str, paid_at: str | None, shown: bool) -> None:
    """An empty time of payment is none: the trade was closed unpaid."""
    found = asked(p.TRADE_QUERY, ASKED, trade_status=status, send_pay_date=paid_at, shown=shown)
    assert (state, Source.QUERY, AMOUNT) == (found.state, found.source, found.amount)
    assert (CancelledBy.CLOSED if state is State.DECLINED else None) == found.cancelled_by


def test_a_closed_trade_that_was_paid_was_given_back() -> None:
    """Succeeded, with the fact that everything was refunded beside it."""
    found = asked(p.TRADE_QUERY, ASKED, trade_status="TRADE_CLOSED", send_pay_date=NOON_TEXT)
    assert (Fact(kind=FactKind.REFUNDED, at=NOON, amount=AMOUNT),) == found.facts


def test_a_closed_trade_with_an_odd_time_of_payment_is_left_open() -> None:
    """It was paid and given back, or neither: nobody ships on that."""
    found = asked(p.TRADE_QUERY, ASKED, trade_status="TRADE_CLOSED", send_pay_date="yesterday")
    assert UnknownKind.UNREADABLE is why(found)


@pytest.mark.parametrize("status", ["TRADE_REVERSED", "trade_success", "", None])
def test_an_unknown_trade_status_is_kept_and_left_open(status: str | None) -> None:
    """The text stands in the cause."""
    found = asked(p.TRADE_QUERY, ASKED, trade_status=status)
    assert UnknownKind.UNKNOWN_STATUS is why(found)
    assert found.unknown is not None
    assert str(status) in found.unknown.detail


def test_a_trade_that_no_journal_knows_is_read_too() -> None:
    """Adopting asks by Alipay's number, before there is an operation."""
    found = read_question(None, p.TRADE_QUERY, answer("10000", None, **ASKED))
    assert (found.state, found.partner_ref) == (State.SUCCEEDED, TRADE)


@pytest.mark.parametrize("method", [p.TRADE_QUERY, p.REFUND_QUERY, p.HOLD_QUERY, p.TRANSFER_QUERY])
@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (UnknownKind.NOT_FOUND, "ACQ.TRADE_NOT_EXIST"),
        (UnknownKind.NOT_FOUND, "TRADE_NOT_EXIST"),
        (UnknownKind.NOT_FOUND, "AUTH_ORDER_NOT_EXIST"),
        (UnknownKind.NOT_FOUND, "ORDER_NOT_EXIST"),
        (UnknownKind.PARTNER_FAULT, "ACQ.SYSTEM_ERROR"),
        (UnknownKind.PARTNER_FAULT, "ACQ.ACCESS_FORBIDDEN"),
        (UnknownKind.PARTNER_FAULT, "BRAND_NEW"),
    ],
)
def test_a_refused_question_says_nothing_of_the_operation(method: str, kind: UnknownKind, code: str) -> None:
    """A query that is not permitted is no declined payment."""
    found = read_question(operation(), method, refusal_of(code))
    assert (State.DOUBT, kind) == (found.state, why(found))


# --- closing and cancelling


@pytest.mark.parametrize(
    ("by", "method", "fields"),
    [
        (CancelledBy.CLOSED, p.CLOSE, {"out_trade_no": TRADE}),
        (CancelledBy.CLOSED, p.CLOSE, {}),
        (CancelledBy.CLOSED, p.CANCEL, {"out_trade_no": TRADE, "retry_flag": "N", "action": "close"}),
        (CancelledBy.REVERSED, p.CANCEL, {"out_trade_no": TRADE, "retry_flag": "N", "action": "refund"}),
        (CancelledBy.VOIDED, p.UNFREEZE, {**HELD, "status": "SUCCESS"}),
        (CancelledBy.CLOSED, p.CANCEL_HOLD, {"out_order_no": TRADE, "action": "close"}),
        (CancelledBy.VOIDED, p.CANCEL_HOLD, {"out_order_no": TRADE, "action": "unfreeze"}),
    ],
)
def test_how_an_order_was_cancelled(by: CancelledBy, method: str, fields: dict[str, object]) -> None:
    """The reply says which way it went."""
    done = told(method, fields)
    assert (State.SUCCEEDED, by) == (done.state, done.cancelled_by)


@pytest.mark.parametrize(
    ("kind", "method", "fields"),
    [
        (UnknownKind.NOT_FOUND, p.CANCEL, {"out_trade_no": TRADE, "retry_flag": "N"}),
        (UnknownKind.NOT_FOUND, p.CANCEL, {"retry_flag": "N", "action": "dance"}),
        (UnknownKind.PARTNER_FAULT, p.CANCEL, {"retry_flag": "Y", "action": "close"}),
        (UnknownKind.NOT_FOUND, p.CANCEL_HOLD, {"out_order_no": TRADE}),
        (UnknownKind.UNKNOWN_STATUS, p.UNFREEZE, {**HELD, "status": "CLOSED"}),
        (UnknownKind.UNKNOWN_STATUS, p.UNFREEZE, {**HELD, "status": "LATER"}),
        (UnknownKind.UNKNOWN_STATUS, p.UNFREEZE, {"auth_no": "A1"}),
        (UnknownKind.MISMATCH, p.CLOSE, {"out_trade_no": "SHOP2"}),
        (UnknownKind.MISMATCH, p.CANCEL, {"out_trade_no": "SHOP2", "retry_flag": "N", "action": "close"}),
        (UnknownKind.MISMATCH, p.UNFREEZE, {**HELD, "out_order_no": "SHOP2"}),
        (UnknownKind.MISMATCH, p.CANCEL_HOLD, {"out_order_no": "SHOP2", "action": "close"}),
    ],
)
def test_what_is_no_cancellation(kind: UnknownKind, method: str, fields: dict[str, object]) -> None:
    """Absent, to be repeated, unknown, or about another order: the order may still be paid."""
    assert (State.DOUBT, kind) == (told(method, fields).state, why(told(method, fields)))


def test_a_cancel_that_asks_to_be_repeated_may_be_repeated_at_once() -> None:
    """``retry_flag=Y``."""
    assert told(p.CANCEL, {"retry_flag": "Y"}).again
    assert State.PENDING is told(p.UNFREEZE, {**HELD, "status": "INIT"}).state


# --- refunds


def test_a_refund_that_moved_money() -> None:
    """``fund_change=Y``; the refund is known by its own request number."""
    done = told(p.REFUND, REFUNDED, gmt_refund_pay=NOON_TEXT)
    assert (done.state, done.partner_id, done.at) == (State.SUCCEEDED, TRADE, NOON)


@pytest.mark.parametrize("fund_change", ["N", "", "y"])
def test_a_refund_that_moved_nothing_by_this_call_is_asked_about(fund_change: str) -> None:
    """Code 10000 alone does not mean that money moved."""
    assert State.PENDING is told(p.REFUND, REFUNDED, fund_change=fund_change, refund_fee="0.00").state


def test_refund_fee_is_the_sum_and_never_less_than_this_refund() -> None:
    """More is fine, less is an answer to something else."""
    assert State.SUCCEEDED is told(p.REFUND, REFUNDED, refund_fee="20.00").state
    assert UnknownKind.MISMATCH is why(told(p.REFUND, REFUNDED, refund_fee="12.33"))
    assert UnknownKind.MISMATCH is why(told(p.REFUND, REFUNDED, out_trade_no="SHOP2"))


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (State.SUCCEEDED, "REFUND_SUCCESS"),
        (State.PENDING, "REFUND_PROCESSING"),
        (State.DECLINED, "REFUND_FAIL"),
        (State.DOUBT, None),
        (State.DOUBT, ""),
        (State.DOUBT, "REFUND_LATER"),
    ],
)
def test_refund_statuses(state: State, status: str | None) -> None:
    """Without a status the refund was not received, or failed: no proof of either."""
    assert state is asked(p.REFUND_QUERY, REFUND_STATE, refund_status=status).state


@pytest.mark.parametrize("status", ["REFUND_SUCCESS", "REFUND_PROCESSING", "REFUND_FAIL"])
def test_a_refund_of_another_trade_or_request_is_a_mismatch(status: str) -> None:
    """Nor does a failure elsewhere end this refund."""
    assert UnknownKind.MISMATCH is why(asked(p.REFUND_QUERY, REFUND_STATE, refund_status=status, out_trade_no="SHOP2"))
    other = asked(p.REFUND_QUERY, REFUND_STATE, refund_status=status, out_request_no="R9")
    assert UnknownKind.MISMATCH is why(bind(operation(Verb.REFUND, partner_ref=REQUEST), other))


def test_an_empty_refund_answer_is_an_unknown_request() -> None:
    """Code 10000 with an almost empty body; a success that names no trade is no success."""
    assert UnknownKind.NOT_FOUND is why(asked(p.REFUND_QUERY, {}))
    assert UnknownKind.UNREADABLE is why(asked(p.REFUND_QUERY, {}, refund_status="REFUND_SUCCESS"))


# --- holds


@pytest.mark.parametrize(
    ("state", "status", "order_status", "shown"),
    [
        (State.AUTHORIZED, "SUCCESS", "AUTHORIZED", False),
        (State.AUTHORIZED, "SUCCESS", "FINISH", True),
        (State.AUTHORIZED, "SUCCESS", None, True),
        (State.DECLINED, "SUCCESS", "CLOSED", True),
        (State.PENDING, "INIT", "INIT", False),
        (State.ACTION, "INIT", None, True),
        (State.DECLINED, "CLOSED", "CLOSED", True),
        (State.DOUBT, "FROZEN", "AUTHORIZED", False),
        (State.DOUBT, None, None, False),
    ],
)
def test_hold_statuses(state: State, status: str | None, order_status: str | None, shown: bool) -> None:
    """A freeze that succeeded and was released or ran out since holds nothing any more."""
    found = asked(p.HOLD_QUERY, HELD, status=status, order_status=order_status, shown=shown)
    assert state is found.state


def test_a_hold_keeps_the_numbers_for_capture_and_release() -> None:
    """``auth_no`` is what the next calls need."""
    held = told(p.FREEZE, HELD, gmt_trans=NOON_TEXT)
    assert held.ids == {"auth_no": "A1", "operation_id": "O1"}
    assert (held.state, held.partner_ref, held.amount, held.at) == (State.AUTHORIZED, TRADE, AMOUNT, NOON)


# --- transfers


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (State.SUCCEEDED, "SUCCESS"),
        (State.PENDING, "WAIT_PAY"),
        (State.PENDING, "DEALING"),
        (State.DECLINED, "FAIL"),
        (State.DECLINED, "CLOSED"),
        (State.DECLINED, "REFUND"),
        (State.DOUBT, "INIT"),
        (State.DOUBT, "success"),
    ],
)
def test_transfer_statuses(state: State, status: str) -> None:
    """The same in a reply and in an answer."""
    assert state is told(p.TRANSFER, SENT, status=status).state
    assert state is asked(p.TRANSFER_QUERY, SENT, status=status).state


def test_a_transfer_is_bound_to_what_was_asked() -> None:
    """Number and amount, whichever of the two names Alipay uses for the amount."""
    payout = operation(Verb.PAYOUT)
    for change in ({"out_biz_no": "SHOP2"}, {"trans_amount": "1.00"}, {"amount": "1.00"}):
        assert UnknownKind.MISMATCH is why(bind(payout, told(p.TRANSFER, {**SENT, **change})))
    assert Money.of("12.34", "CNY") == told(p.TRANSFER, SENT, amount="12.34").amount


def test_why_a_transfer_failed() -> None:
    """Alipay's code stands beside the reason; money that the bank gave back is told as such."""
    assert asked(p.TRANSFER_QUERY, SENT, status="FAIL", error_code="PAYEE_NOT_EXIST").partner_code == "PAYEE_NOT_EXIST"
    assert asked(p.TRANSFER_QUERY, SENT, status="REFUND").message == "returned by the bank"


# --- refusals


@pytest.mark.parametrize(
    ("state", "kind", "code"),
    [
        (State.DECLINED, None, "ACQ.BUYER_BALANCE_NOT_ENOUGH"),
        (State.DECLINED, None, "ACQ.BRAND_NEW_RULE"),
        (State.DOUBT, UnknownKind.PARTNER_FAULT, "ACQ.SYSTEM_ERROR"),
        (State.DOUBT, UnknownKind.NOT_FOUND, "ACQ.TRADE_NOT_EXIST"),
        (State.DOUBT, UnknownKind.UNKNOWN_STATUS, "ACQ.TRADE_HAS_SUCCESS"),
        (State.DOUBT, UnknownKind.MISMATCH, "ACQ.CONTEXT_INCONSISTENT"),
    ],
)
@pytest.mark.parametrize("method", list(VERBS))
def test_refusals_of_every_call(method: str, state: State, kind: UnknownKind | None, code: str) -> None:
    """Only a refusal ends anything; the partner's code and words are kept."""
    found = read(operation(VERBS[method]), method, refusal_of(code))
    assert (state, kind) == (found.state, why(found))
    if state is State.DECLINED:
        assert (code, "words") == (found.partner_code, found.message)


def test_a_failed_payment_is_final_and_a_failed_transfer_is_not() -> None:
    """The papers do not say that ``PAYMENT_FAIL`` of a transfer is the end of it."""
    assert Reason.DECLINED is read(operation(), p.PAY, refusal_of("ACQ.PAYMENT_FAIL")).reason
    assert UnknownKind.PARTNER_FAULT is why(read(operation(Verb.PAYOUT), p.TRANSFER, refusal_of("PAYMENT_FAIL")))


# --- laws

WORDS = st.none() | st.text(max_size=20) | st.integers() | st.booleans() | st.sampled_from(["12.34", TRADE, "SUCCESS"])
NAMES = sorted({*PAID, *ASKED, *HELD, *REFUNDED, *REFUND_STATE, *SENT, "qr_code", "action", "retry_flag", "code_value"})


@given(
    st.sampled_from(list(VERBS)), st.dictionaries(st.sampled_from(NAMES), WORDS), st.sampled_from(["10000", "10003"])
)
def test_reading_never_raises(method: str, fields: dict[str, Any], code: str) -> None:
    """Whatever an authentic reply holds, an observation comes back."""
    assert Source.REPLY is told(method, fields, code=code).source


@given(
    st.sampled_from([p.TRADE_QUERY, p.REFUND_QUERY, p.HOLD_QUERY, p.TRANSFER_QUERY]),
    st.dictionaries(st.sampled_from(NAMES), WORDS),
)
def test_reading_answers_never_raises(method: str, fields: dict[str, Any]) -> None:
    """Nor for a question."""
    assert Source.QUERY is asked(method, fields).source


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (NOON, NOON_TEXT),
        (NOON, f"{NOON_TEXT}.000"),
        (None, None),
        (None, ""),
        (None, "31/01/2026"),
        (None, "0001-01-01 00:00:00"),
    ],
)
def test_times_are_china_standard_time(expected: object, text: str | None) -> None:
    """No offset stands in the text; a form that is not known is no time."""
    assert expected == instant(text)
