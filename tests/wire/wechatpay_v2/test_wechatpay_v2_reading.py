"""What WeChat's words teach: states, refunds, refusals. Whatever is new is kept and doubted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.wire.wechatpay_v2.words import (
    AMOUNT,
    NOON,
    ORDER_NO,
    PAID,
    REFUND_ID,
    REFUND_NO,
    REFUNDED,
    TRANSACTION,
    answer,
    operation,
    refused,
)

from payport.adapters.wechatpay_v2 import calls as c
from payport.adapters.wechatpay_v2.envelope import refusal
from payport.adapters.wechatpay_v2.mapping import CODES, Meaning, RefundState, TradeState, trade_stage, verdict
from payport.adapters.wechatpay_v2.reading import (
    all_given_back,
    read_micropay,
    read_refund,
    read_refund_state,
    read_trade,
)
from payport.adapters.wechatpay_v2.wire import WeChatPayV2Trade
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy, FactKind
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.observation import Observation, Source

SCANNED = operation(method="QrScanned")
SHOWN = operation(shown=True, state=State.ACTION)
REFUND = operation(Verb.REFUND)


def unpaid(state: str) -> dict[str, str]:
    """What a query says of an order that nobody paid: nearly nothing."""
    return {"trade_state": state, "out_trade_no": ORDER_NO, "trade_state_desc": "words"}


def cause(observation: Observation) -> UnknownKind | None:
    """What left it open."""
    return None if observation.unknown is None else observation.unknown.kind


@pytest.mark.parametrize(
    ("state", "reason", "by", "fields", "asked"),
    [
        (State.SUCCEEDED, None, None, PAID, SHOWN),
        (State.SUCCEEDED, None, None, {**PAID, "trade_state": "REFUND"}, SHOWN),
        (State.ACTION, None, None, unpaid("NOTPAY"), SHOWN),
        (State.PENDING, None, None, unpaid("NOTPAY"), SCANNED),
        (State.PENDING, None, None, unpaid("USERPAYING"), SCANNED),
        (State.PENDING, None, None, unpaid("ACCEPT"), SHOWN),
        (State.PENDING, Reason.DECLINED, None, unpaid("PAYERROR"), SCANNED),
        (State.ACTION, Reason.DECLINED, None, unpaid("PAYERROR"), SHOWN),
        (State.DECLINED, Reason.CLOSED, CancelledBy.CLOSED, unpaid("CLOSED"), SHOWN),
        (State.DECLINED, Reason.CLOSED, CancelledBy.CLOSED, unpaid("REVOKED"), SCANNED),
        (State.DECLINED, Reason.CLOSED, CancelledBy.REVERSED, {**PAID, "trade_state": "REVOKED"}, SCANNED),
        (State.PENDING, None, None, unpaid("NOTPAY"), None),
        (State.PENDING, Reason.DECLINED, None, {**unpaid("PAYERROR"), "trade_type": "MICROPAY"}, None),
    ],
)
def test_what_a_state_means(
    state: State, reason: Reason | None, by: CancelledBy | None, fields: dict[str, str], asked: Operation | None
) -> None:
    """A failed try of a shown code leaves it open, the payer may try again; a scanned code's is reversed, then over."""
    told = read_trade(asked, answer(c.ORDER_QUERY, fields))
    assert (told.state, told.reason, told.cancelled_by) == (state, reason, by)
    assert told.partner_ref == ORDER_NO
    assert told.source is Source.QUERY


def test_every_state_is_in_the_table() -> None:
    """Total, by assert_never."""
    assert {trade_stage(state) for state in TradeState}
    assert len(TradeState) == 8
    assert len(RefundState) == 4


def test_a_paid_order_says_whose_and_how_much() -> None:
    """The order's amount is ``total_fee``; ``cash_fee`` is what the payer gave after coupons."""
    told = read_trade(SHOWN, answer(c.ORDER_QUERY, PAID))
    assert (told.partner_id, told.amount, told.at) == (TRANSACTION, AMOUNT, datetime(2026, 1, 31, 4, 0, tzinfo=UTC))
    assert isinstance(told.native, WeChatPayV2Trade)
    assert told.native.cash_fee == "1000"
    assert "oUpF8uMuAJO" not in repr(told.native), "an open id is personal"
    assert told.ids == {"trade_type": "NATIVE"}


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (UnknownKind.UNREADABLE, {"total_fee": ""}),
        (UnknownKind.UNREADABLE, {"total_fee": "12.34"}),
        (UnknownKind.UNREADABLE, {"total_fee": "-1234"}),
        (UnknownKind.UNREADABLE, {"total_fee": "\u0661\u0662"}),
        (UnknownKind.UNREADABLE, {"total_fee": "1" * 13}),
        (UnknownKind.UNREADABLE, {"fee_type": "USD"}),
        (UnknownKind.UNREADABLE, {"transaction_id": ""}),
        (UnknownKind.UNREADABLE, {"out_trade_no": ""}),
        (UnknownKind.UNKNOWN_STATUS, {"trade_state": "IN_LIMBO"}),
        (UnknownKind.UNKNOWN_STATUS, {"trade_state": ""}),
        (UnknownKind.UNKNOWN_STATUS, {"trade_state": "success"}),
    ],
)
def test_what_cannot_be_read_is_doubted(kind: UnknownKind, changes: dict[str, str]) -> None:
    """Neither guessed nor believed, and never a crash."""
    told = read_trade(SHOWN, answer(c.ORDER_QUERY, {**PAID, **changes}))
    assert (told.state, cause(told)) == (State.DOUBT, kind)


def test_an_open_order_whose_code_never_came_is_as_good_as_absent() -> None:
    """The same call is then made again, and gives the ``prepay_id`` that was lost."""
    told = read_trade(operation(), answer(c.ORDER_QUERY, unpaid("NOTPAY")))
    assert told.absent


def test_a_reversal_of_what_was_told_as_paid_is_a_fact_beside_it() -> None:
    """The payment's own answer stays."""
    paid = operation(method="QrScanned", state=State.SUCCEEDED)
    for settled in (NOON, None):
        told = read_trade(replace(paid, settled_at=settled), answer(c.ORDER_QUERY, {**PAID, "trade_state": "REVOKED"}))
        assert told.state is State.SUCCEEDED
        assert [(fact.kind, fact.amount, fact.at) for fact in told.facts] == [(FactKind.REFUNDED, AMOUNT, NOON)]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (UnknownKind.NOT_FOUND, "ORDERNOTEXIST"),
        (UnknownKind.NOT_FOUND, "ORDER_NOT_EXIST"),
        (UnknownKind.PARTNER_FAULT, "SYSTEMERROR"),
        (UnknownKind.PARTNER_FAULT, "FREQUENCY_LIMITED"),
        (UnknownKind.PARTNER_FAULT, "NOAUTH"),
        (UnknownKind.PARTNER_FAULT, "NEVER_HEARD_OF"),
    ],
)
def test_a_refused_question_says_nothing_of_the_order(kind: UnknownKind, code: str) -> None:
    """Except that it is not there."""
    told = read_trade(SHOWN, refused(c.ORDER_QUERY, code))
    assert (told.state, cause(told)) == (State.DOUBT, kind)


@pytest.mark.parametrize(
    ("state", "reason", "code"),
    [
        (State.SUCCEEDED, None, None),
        (State.PENDING, None, "USERPAYING"),
        (State.DECLINED, Reason.INSUFFICIENT_FUNDS, "NOTENOUGH"),
        (State.DECLINED, Reason.CODE_INVALID, "AUTH_CODE_INVALID"),
        (State.DECLINED, Reason.CODE_INVALID, "AUTHCODEEXPIRE"),
        (State.DECLINED, Reason.LIMIT_EXCEEDED, "RULELIMIT"),
        (State.DECLINED, Reason.CLOSED, "ORDERREVERSED"),
        (State.DOUBT, None, "SYSTEMERROR"),
        (State.DOUBT, None, "BANKERROR"),
        (State.DOUBT, None, "NEVER_HEARD_OF"),
    ],
)
def test_what_the_answer_to_a_scanned_code_means(state: State, reason: Reason | None, code: str | None) -> None:
    """SYSTEMERROR and BANKERROR leave it open: the query decides, and the code is not taken again."""
    told = read_micropay(answer(c.MICROPAY, PAID) if code is None else refused(c.MICROPAY, code))
    assert (told.state, told.reason, told.again) == (state, reason, False)


def test_an_answer_without_an_amount_is_no_payment() -> None:
    """Though it says SUCCESS twice."""
    told = read_micropay(answer(c.MICROPAY, {**PAID, "total_fee": ""}))
    assert cause(told) is UnknownKind.UNREADABLE


@pytest.mark.parametrize(
    ("meaning", "reason", "path", "code"),
    [
        (Meaning.REFUSED, Reason.MERCHANT_FUNDS, c.REFUND, "NOTENOUGH"),
        (Meaning.REFUSED, Reason.INSUFFICIENT_FUNDS, c.MICROPAY, "NOT_ENOUGH"),
        (Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE, c.REFUND, "BIZERR_NEED_RETRY"),
        (Meaning.REFUSED, Reason.RATE_LIMITED, c.REFUND, "INVALID_REQ_TOO_MUCH"),
        (Meaning.REFUSED, Reason.INVALID_STATE, c.REFUND, "TRADE_OVERDUE"),
        (Meaning.REFUSED, Reason.INVALID_REQUEST, c.UNIFIED_ORDER, "INVALID_REQUEST"),
        (Meaning.CONFLICT, Reason.DUPLICATE, c.UNIFIED_ORDER, "OUT_TRADE_NO_USED"),
        (Meaning.DONE, Reason.ALREADY_DONE, c.UNIFIED_ORDER, "ORDERPAID"),
        (Meaning.REFUSED, Reason.BAD_SIGNATURE, c.UNIFIED_ORDER, "SIGN_ERROR"),
    ],
)
def test_what_a_code_means(meaning: Meaning, reason: Reason, path: str, code: str) -> None:
    """With or without underscores, as WeChat writes them either way."""
    found = verdict(path, code)
    assert found is not None
    assert (found.meaning, found.reason) == (meaning, reason)


def test_every_known_code_gives_an_observation() -> None:
    """Only refusals are final, and each has a reason."""
    for code, found in CODES.items():
        told = refusal(refused(c.UNIFIED_ORDER, code))
        assert (told.state is State.DECLINED) == (found.meaning is Meaning.REFUSED), code
        assert told.reason is (found.reason if told.state is State.DECLINED else None), code
    assert cause(refusal(refused(c.UNIFIED_ORDER, "BRAND_NEW"))) is UnknownKind.UNKNOWN_STATUS
    assert verdict(c.UNIFIED_ORDER, "") is None


ACCEPTED = {
    "out_trade_no": ORDER_NO,
    "out_refund_no": REFUND_NO,
    "refund_id": REFUND_ID,
    "refund_fee": "200",
    "total_fee": "1234",
}


def test_an_accepted_refund_is_not_yet_a_refund() -> None:
    """SUCCESS of the call says that the request was taken: the query or the notice tells the rest."""
    told = read_refund(REFUND, answer(c.REFUND, ACCEPTED))
    assert (told.state, told.partner_ref, told.partner_id) == (State.PENDING, REFUND_NO, REFUND_ID)
    assert told.amount == REFUND.amount


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (UnknownKind.MISMATCH, {"out_trade_no": "OTHER"}),
        (UnknownKind.MISMATCH, {"total_fee": "1235"}),
        (UnknownKind.UNREADABLE, {"refund_id": ""}),
        (UnknownKind.UNREADABLE, {"refund_fee": "2.00"}),
    ],
)
def test_an_accepted_refund_of_something_else(kind: UnknownKind, changes: dict[str, str]) -> None:
    """Compared with what was asked before anything is believed."""
    assert cause(read_refund(REFUND, answer(c.REFUND, {**ACCEPTED, **changes}))) is kind


@pytest.mark.parametrize(
    ("state", "reason", "status"),
    [
        (State.SUCCEEDED, None, "SUCCESS"),
        (State.PENDING, None, "PROCESSING"),
        (State.PENDING, None, "CHANGE"),
        (State.DECLINED, Reason.CLOSED, "REFUNDCLOSE"),
        (State.DOUBT, None, "IN_LIMBO"),
        (State.DOUBT, None, ""),
    ],
)
def test_what_the_state_of_a_refund_means(state: State, reason: Reason | None, status: str) -> None:
    """CHANGE stays open: the merchant must finish it in the console, then the query shows how it ended."""
    told = read_refund_state(REFUND, answer(c.REFUND_QUERY, {**REFUNDED, "refund_status_0": status}))
    assert (told.state, told.reason) == (state, reason)
    if state is State.SUCCEEDED:
        assert told.at == datetime(2026, 1, 31, 4, 5, tzinfo=UTC)
        assert told.amount == REFUND.amount, "this refund alone, not the sum of all"


def test_one_refund_is_found_among_many() -> None:
    """By its own number, whatever place it has."""
    moved = {name.replace("_0", "_12"): value for name, value in REFUNDED.items()}
    other = {"out_refund_no_0": "OTHER", "refund_id_0": "1", "refund_fee_0": "1", "refund_status_0": "PROCESSING"}
    told = read_refund_state(REFUND, answer(c.REFUND_QUERY, {**moved, **other, "refund_count": "2"}))
    assert (told.state, told.amount) == (State.SUCCEEDED, REFUND.amount)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (UnknownKind.MISMATCH, {"out_refund_no_0": "OTHER"}),
        (UnknownKind.MISMATCH, {"out_trade_no": "OTHER"}),
        (UnknownKind.MISMATCH, {"total_fee": "1"}),
        (UnknownKind.UNREADABLE, {"refund_fee_0": ""}),
        (UnknownKind.UNREADABLE, {"refund_fee_0": "x"}),
    ],
)
def test_a_refund_that_is_not_the_one(kind: UnknownKind, changes: dict[str, str]) -> None:
    """Or whose amount cannot be read."""
    assert cause(read_refund_state(REFUND, answer(c.REFUND_QUERY, {**REFUNDED, **changes}))) is kind


def test_an_unknown_refund() -> None:
    """The query's own word for it."""
    assert read_refund_state(REFUND, refused(c.REFUND_QUERY, "REFUNDNOTEXIST")).absent
    assert read_refund(REFUND, refused(c.REFUND, "NOTENOUGH")).reason is Reason.MERCHANT_FUNDS


@pytest.mark.parametrize(
    ("all_of_it", "changes"),
    [
        (True, {"refund_fee_0": "1234"}),
        (
            True,
            {"refund_fee_0": "1000", "out_refund_no_1": "B", "refund_fee_1": "234", "refund_status_1": "PROCESSING"},
        ),
        (False, {}),
        (
            False,
            {"refund_fee_0": "1000", "out_refund_no_1": "B", "refund_fee_1": "234", "refund_status_1": "REFUNDCLOSE"},
        ),
        (False, {"refund_fee_0": "1234", "total_refund_count": "2"}),
        (False, {"refund_fee_0": "x"}),
        (False, {"refund_fee_0": "1234", "total_fee": ""}),
    ],
)
def test_whether_nothing_is_left_of_a_payment(all_of_it: bool, changes: dict[str, Any]) -> None:
    """Refunds that WeChat closed gave nothing back; an answer with some of them only tells nothing of the rest."""
    assert all_given_back({**REFUNDED, **changes}) is all_of_it
