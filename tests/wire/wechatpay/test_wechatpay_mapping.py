"""Codes and statuses as tables: each by its published meaning, and whatever is new is kept and doubted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payport.adapters.wechatpay.mapping import (
    CODES,
    FAIL_REASONS,
    Meaning,
    RefundStatus,
    Stage,
    TradeState,
    TransferState,
    fail_reason,
    plain_code,
    refund_stage,
    trade_stage,
    transfer_stage,
    verdict,
)
from payport.schemas.outcome import Reason

M = Meaning
PUBLISHED = [
    (401, "SIGN_ERROR", M.REFUSED, Reason.BAD_SIGNATURE, False),
    (403, "NO_AUTH", M.REFUSED, Reason.NOT_PERMITTED, False),
    (400, "PARAM_ERROR", M.REFUSED, Reason.INVALID_REQUEST, False),
    (400, "INVALID_REQUEST", M.REFUSED, Reason.INVALID_REQUEST, False),
    (400, "APPID_MCHID_NOT_MATCH", M.REFUSED, Reason.UNAUTHENTICATED, False),
    (400, "MCH_NOT_EXISTS", M.REFUSED, Reason.UNAUTHENTICATED, False),
    (500, "OPENID_MISMATCH", M.REFUSED, Reason.INVALID_REQUEST, False),
    (500, "INVALID_TRANSACTIONID", M.REFUSED, Reason.INVALID_REQUEST, False),
    (403, "OUT_TRADE_NO_USED", M.DONE, Reason.DUPLICATE, False),
    (400, "ORDER_CLOSED", M.DONE, Reason.CLOSED, False),
    (400, "ORDERPAID", M.DONE, Reason.ALREADY_DONE, False),
    (403, "TRADE_ERROR", M.REFUSED, Reason.DECLINED, False),
    (403, "ACCOUNT_ERROR", M.REFUSED, Reason.DECLINED, False),
    (403, "USER_ACCOUNT_ABNORMAL", M.REFUSED, Reason.DECLINED, False),
    (403, "NOT_ENOUGH", M.REFUSED, Reason.INSUFFICIENT_FUNDS, False),
    (403, "RULE_LIMIT", M.REFUSED, Reason.LIMIT_EXCEEDED, False),
    (400, "AUTH_CODE_INVALID", M.REFUSED, Reason.CODE_INVALID, False),
    (202, "USERPAYING", M.PENDING, Reason.OTHER, False),
    (404, "ORDER_NOT_EXIST", M.ABSENT, Reason.NOT_FOUND, False),
    (404, "RESOURCE_NOT_EXISTS", M.ABSENT, Reason.NOT_FOUND, False),
    (404, "NOT_FOUND", M.ABSENT, Reason.NOT_FOUND, False),
    (400, "NO_STATEMENT_EXIST", M.REFUSED, Reason.NOT_FOUND, False),
    (400, "STATEMENT_CREATING", M.REFUSED, Reason.INVALID_STATE, False),
    (429, "FREQUENCY_LIMITED", M.REFUSED, Reason.RATE_LIMITED, True),
    (403, "FREQUENCY_LIMITED", M.REFUSED, Reason.RATE_LIMITED, True),
    (429, "RATELIMIT_EXCEED", M.REFUSED, Reason.RATE_LIMITED, True),
    (429, "RATELIMIT_EXCEEDED", M.REFUSED, Reason.RATE_LIMITED, True),
    (429, "FREQUENCY_LIMIT_EXCEED", M.REFUSED, Reason.RATE_LIMITED, True),
    (500, "BANK_ERROR", M.UNKNOWN, Reason.PARTNER_UNAVAILABLE, True),
    (500, "SYSTEM_ERROR", M.UNKNOWN, Reason.PARTNER_UNAVAILABLE, True),
    (503, "SERVICE_UNAVAILABLE", M.UNKNOWN, Reason.PARTNER_UNAVAILABLE, True),
]


@pytest.mark.parametrize(("status", "code", "meaning", "reason", "again"), PUBLISHED)
def test_every_published_code(status: int, code: str, meaning: Meaning, reason: Reason, again: bool) -> None:
    """With its underscores and without: WeChat writes both."""
    for spelt in (code, code.replace("_", ""), code.lower()):
        found = verdict(status, spelt)
        assert (meaning, reason, again) == (found.meaning, found.reason, found.again)


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (400, "NEW_CODE", M.REFUSED),
        (403, "NEW_CODE", M.REFUSED),
        (404, "NEW_CODE", M.ABSENT),
        (429, "NEW_CODE", M.REFUSED),
        (429, "", M.REFUSED),
        (500, "NEW_CODE", M.UNKNOWN),
        (502, "", M.UNKNOWN),
        (202, "", M.PENDING),
        (202, "ACCEPTED", M.PENDING),
        (400, "", M.UNKNOWN),
        (404, "", M.UNKNOWN),
        (302, "", M.UNKNOWN),
        (201, "", M.UNKNOWN),
    ],
)
def test_where_the_code_is_new_the_status_decides(status: int, code: str, meaning: Meaning) -> None:
    """An error without any code tells nothing: no business answer comes so."""
    assert meaning is verdict(status, code).meaning


@given(st.integers(100, 599), st.text(max_size=40))
def test_no_code_crashes(status: int, code: str) -> None:
    """And a fault of WeChat's that this version does not know is never a refusal."""
    found = verdict(status, code)
    assert isinstance(found.meaning, Meaning)
    if status >= 500 and plain_code(code) not in CODES:
        assert found.meaning is M.UNKNOWN


def test_codes_are_kept_in_one_spelling() -> None:
    """Look-ups drop underscores, so no row may hold one."""
    assert all(code == plain_code(code) for code in CODES)


@pytest.mark.parametrize(
    ("state", "stage"),
    [
        ("SUCCESS", Stage.PAID),
        ("REFUND", Stage.PAID),
        ("NOTPAY", Stage.OPEN),
        ("USERPAYING", Stage.WORKING),
        ("ACCEPT", Stage.WORKING),
        ("CLOSED", Stage.OVER),
        ("REVOKED", Stage.OVER),
        ("PAYERROR", Stage.FAILED),
    ],
)
def test_every_trade_state(state: str, stage: Stage) -> None:
    """``REFUND`` was paid; ``PAYERROR`` is not closed."""
    assert stage is trade_stage(TradeState(state))


@pytest.mark.parametrize(
    ("status", "stage"),
    [("PROCESSING", Stage.WORKING), ("SUCCESS", Stage.PAID), ("CLOSED", Stage.OVER), ("ABNORMAL", Stage.WORKING)],
)
def test_every_refund_status(status: str, stage: Stage) -> None:
    """``ABNORMAL`` is stuck, not over."""
    assert stage is refund_stage(RefundStatus(status))


@pytest.mark.parametrize(
    ("state", "stage"),
    [
        ("ACCEPTED", Stage.WORKING),
        ("PROCESSING", Stage.WORKING),
        ("WAIT_USER_CONFIRM", Stage.OPEN),
        ("TRANSFERING", Stage.WORKING),
        ("SUCCESS", Stage.PAID),
        ("FAIL", Stage.OVER),
        ("CANCELING", Stage.WORKING),
        ("CANCELLED", Stage.OVER),
    ],
)
def test_every_transfer_state(state: str, stage: Stage) -> None:
    """In WeChat's spelling."""
    assert stage is transfer_stage(TransferState(state))


def test_the_tables_are_total() -> None:
    """Each member is somewhere above; fail reasons are an open list, and a new one is ``OTHER``."""
    for kind, stage_of in ((TradeState, trade_stage), (RefundStatus, refund_stage), (TransferState, transfer_stage)):
        assert all(isinstance(stage_of(member), Stage) for member in kind)  # type: ignore[arg-type]  # by kind
    assert Reason.EXPIRED is fail_reason("OVERDUE_CLOSE")
    assert Reason.INVALID_REQUEST is fail_reason("NAME_NOT_CORRECT")
    assert Reason.OTHER is fail_reason("SOMETHING_NEW") is fail_reason(None)
    assert len(FAIL_REASONS) >= 35
