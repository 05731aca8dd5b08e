"""PayPal's issues and statuses: each published one has its meaning, and new ones are doubted where that matters."""

from __future__ import annotations

import json

import pytest
from tests.support.vectors import vectors

from payport.adapters.paypal.mapping import (
    AuthorizationStatus,
    BatchStatus,
    CaptureStatus,
    Meaning,
    OrderStatus,
    PayoutStatus,
    RefundStatus,
    Stage,
    authorization_stage,
    batch_stage,
    capture_stage,
    issue_verdict,
    order_stage,
    payout_stage,
    processor_reason,
    refund_stage,
    verdict,
)
from payport.schemas import Reason

BY_CATEGORY = {
    (
        Meaning.PAYER,
        None,
    ): "INSTRUMENT_DECLINED ORDER_NOT_APPROVED PAYER_ACTION_REQUIRED REDIRECT_PAYER_FOR_ALTERNATE_FUNDING",
    (Meaning.REFUSED, Reason.DECLINED): (
        "TRANSACTION_REFUSED PAYER_CANNOT_PAY CARD_EXPIRED PAYMENT_SOURCE_DECLINED_BY_PROCESSOR"
        " ALIAS_DECLINED_BY_PROCESSOR DECLINED_DUE_TO_RELATED_TXN COMPLIANCE_VIOLATION PAYEE_BLOCKED_TRANSACTION"
        " TRANSACTION_BLOCKED_BY_PAYEE PAYER_ACCOUNT_RESTRICTED PAYER_ACCOUNT_LOCKED_OR_CLOSED AUTHORIZATION_DENIED"
    ),
    (Meaning.REFUSED, Reason.LIMIT_EXCEEDED): "TRANSACTION_LIMIT_EXCEEDED MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED",
    (Meaning.REFUSED, Reason.MERCHANT_FUNDS): "REFUND_FAILED_INSUFFICIENT_FUNDS",
    (Meaning.DONE, None): (
        "ORDER_ALREADY_CAPTURED ORDER_ALREADY_AUTHORIZED ORDER_ALREADY_COMPLETED AUTHORIZATION_ALREADY_CAPTURED"
        " PREVIOUSLY_CAPTURED PREVIOUSLY_VOIDED AUTHORIZATION_VOIDED CAPTURE_FULLY_REFUNDED"
    ),
    (Meaning.CONFLICT, Reason.DUPLICATE): "DUPLICATE_INVOICE_ID",
    (Meaning.UNKNOWN, None): "ORDER_COMPLETION_IN_PROGRESS PREVIOUS_REQUEST_IN_PROGRESS A_NEW_ONE_IN_PROGRESS",
    (Meaning.REFUSED, Reason.EXPIRED): "AUTHORIZATION_EXPIRED ORDER_EXPIRED REFUND_TIME_LIMIT_EXCEEDED TOKEN_EXPIRED",
    (Meaning.REFUSED, Reason.INVALID_STATE): (
        "PENDING_CAPTURE REFUND_AMOUNT_EXCEEDED MAX_CAPTURE_AMOUNT_EXCEEDED MAX_CAPTURE_COUNT_EXCEEDED"
    ),
    (Meaning.REFUSED, Reason.INVALID_REQUEST): (
        "DECIMAL_PRECISION DECIMALS_NOT_SUPPORTED CURRENCY_MISMATCH CANNOT_BE_ZERO_OR_NEGATIVE AMOUNT_MISMATCH"
        " ITEM_TOTAL_MISMATCH DUPLICATE_REFERENCE_ID MISSING_REQUIRED_PARAMETER PAYPAL_REQUEST_ID_REQUIRED"
    ),
    (Meaning.REFUSED, Reason.NOT_PERMITTED): "PERMISSION_DENIED CONSENT_NEEDED PAYEE_ACCOUNT_NOT_VERIFIED",
    (Meaning.REFUSED, Reason.MERCHANT_BLOCKED): "PAYEE_ACCOUNT_RESTRICTED PAYEE_ACCOUNT_LOCKED_OR_CLOSED",
    (Meaning.ABSENT, Reason.NOT_FOUND): "INVALID_RESOURCE_ID",
}
ROWS = [(issue, meaning, reason) for (meaning, reason), issues in BY_CATEGORY.items() for issue in issues.split()]


@pytest.mark.parametrize(("issue", "meaning", "reason"), ROWS)
def test_an_issue_means_what_it_says(issue: str, meaning: Meaning, reason: Reason | None) -> None:
    """Declined, once more, done before, under way, too late, too much."""
    found = issue_verdict(issue)
    assert found is not None
    assert found.meaning is meaning
    assert reason is None or found.reason is reason


@pytest.mark.parametrize(
    ("status", "name", "meaning", "reason"),
    [
        (400, "INVALID_REQUEST", Meaning.REFUSED, Reason.INVALID_REQUEST),
        (401, "AUTHENTICATION_FAILURE", Meaning.REFUSED, Reason.UNAUTHENTICATED),
        (401, "", Meaning.REFUSED, Reason.UNAUTHENTICATED),
        (402, "", Meaning.REFUSED, Reason.DECLINED),
        (403, "NOT_AUTHORIZED", Meaning.REFUSED, Reason.NOT_PERMITTED),
        (404, "RESOURCE_NOT_FOUND", Meaning.ABSENT, Reason.NOT_FOUND),
        (409, "RESOURCE_CONFLICT", Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE),
        (409, "", Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE),
        (415, "UNSUPPORTED_MEDIA_TYPE", Meaning.REFUSED, Reason.INVALID_REQUEST),
        (422, "UNPROCESSABLE_ENTITY", Meaning.REFUSED, Reason.OTHER),
        (422, "INSUFFICIENT_FUNDS", Meaning.REFUSED, Reason.MERCHANT_FUNDS),
        (429, "RATE_LIMIT_REACHED", Meaning.REFUSED, Reason.RATE_LIMITED),
        (500, "INTERNAL_SERVER_ERROR", Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE),
        (503, "SERVICE_UNAVAILABLE", Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE),
        (418, "TEAPOT", Meaning.REFUSED, Reason.OTHER),
    ],
)
def test_a_status_without_an_issue_means_what_it_says(status: int, name: str, meaning: Meaning, reason: Reason) -> None:
    """By PayPal's name, else by the status alone."""
    found = verdict(status, name, ())
    assert (found.meaning, found.reason) == (meaning, reason)


def test_a_fault_of_paypals_stays_one_whatever_its_words_are() -> None:
    """A 500 that speaks of a declined instrument may have moved money; a 429 did not."""
    assert verdict(500, "UNPROCESSABLE_ENTITY", ("INSTRUMENT_DECLINED",)).meaning is Meaning.UNKNOWN
    assert verdict(429, "UNPROCESSABLE_ENTITY", ("ORDER_ALREADY_CAPTURED",)).reason is Reason.RATE_LIMITED


def test_of_several_issues_the_one_that_asks_for_care_counts() -> None:
    """One that says "done before" beside one that says "no": ask."""
    assert verdict(422, "", ("CURRENCY_MISMATCH", "ORDER_ALREADY_CAPTURED")).meaning is Meaning.DONE
    assert verdict(422, "", ("NEWS", "PAYER_CANNOT_PAY")).reason is Reason.DECLINED


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("5120", Reason.INSUFFICIENT_FUNDS),
        ("0500", Reason.DECLINED),
        ("5400", Reason.DECLINED),
        ("9500", Reason.DECLINED),
        ("PPAX", Reason.LIMIT_EXCEEDED),
        ("5920", Reason.PARTNER_UNAVAILABLE),
        ("1320", Reason.INVALID_REQUEST),
        ("PPRR", Reason.NOT_PERMITTED),
        ("ZZZZ", Reason.DECLINED),
        (None, Reason.DECLINED),
    ],
)
def test_a_processor_code_gives_a_reason(code: str | None, reason: Reason) -> None:
    """Most say no more than that the payer's side refused."""
    assert processor_reason(code) is reason


ROWS_OF_STAGES = [
    *(
        (order_stage(status), stage)
        for status, stage in {
            OrderStatus.CREATED: Stage.OPEN,
            OrderStatus.PAYER_ACTION_REQUIRED: Stage.OPEN,
            OrderStatus.APPROVED: Stage.OPEN,
            OrderStatus.SAVED: Stage.WAITING,
            OrderStatus.VOIDED: Stage.OVER,
            OrderStatus.COMPLETED: Stage.PAID,
        }.items()
    ),
    *(
        (capture_stage(status), stage)
        for status, stage in {
            CaptureStatus.COMPLETED: Stage.PAID,
            CaptureStatus.PARTIALLY_REFUNDED: Stage.PAID,
            CaptureStatus.REFUNDED: Stage.PAID,
            CaptureStatus.PENDING: Stage.WAITING,
            CaptureStatus.DECLINED: Stage.OVER,
            CaptureStatus.FAILED: Stage.OVER,
        }.items()
    ),
    *(
        (authorization_stage(status), stage)
        for status, stage in {
            AuthorizationStatus.CREATED: Stage.HELD,
            AuthorizationStatus.CAPTURED: Stage.HELD,
            AuthorizationStatus.PARTIALLY_CAPTURED: Stage.HELD,
            AuthorizationStatus.PENDING: Stage.WAITING,
            AuthorizationStatus.DENIED: Stage.OVER,
            AuthorizationStatus.VOIDED: Stage.RETURNED,
            AuthorizationStatus.EXPIRED: Stage.RETURNED,
        }.items()
    ),
    *(
        (refund_stage(status), stage)
        for status, stage in {
            RefundStatus.COMPLETED: Stage.PAID,
            RefundStatus.PENDING: Stage.WAITING,
            RefundStatus.FAILED: Stage.OVER,
            RefundStatus.CANCELLED: Stage.OVER,
        }.items()
    ),
    *(
        (payout_stage(status), stage)
        for status, stage in {
            PayoutStatus.SUCCESS: Stage.PAID,
            PayoutStatus.PENDING: Stage.WAITING,
            PayoutStatus.UNCLAIMED: Stage.WAITING,
            PayoutStatus.ONHOLD: Stage.WAITING,
            PayoutStatus.BLOCKED: Stage.WAITING,
            PayoutStatus.FAILED: Stage.OVER,
            PayoutStatus.RETURNED: Stage.RETURNED,
            PayoutStatus.REFUNDED: Stage.RETURNED,
            PayoutStatus.REVERSED: Stage.RETURNED,
        }.items()
    ),
    *(
        (batch_stage(status), stage)
        for status, stage in {
            BatchStatus.PENDING: Stage.WAITING,
            BatchStatus.PROCESSING: Stage.WAITING,
            BatchStatus.SUCCESS: Stage.WAITING,
            BatchStatus.DENIED: Stage.OVER,
            BatchStatus.CANCELED: Stage.OVER,
        }.items()
    ),
]


@pytest.mark.parametrize(("told", "expected"), ROWS_OF_STAGES)
def test_every_status_has_its_stage(told: Stage, expected: Stage) -> None:
    """One table per resource."""
    assert told is expected


def test_every_published_issue_is_known() -> None:
    """218 issues of PayPal's own documents: none falls through to ``OTHER``."""
    published: dict[str, list[str]] = json.loads(vectors("paypal", "error_issues.json").read_text())["issues"]
    everything = {issue for issues in published.values() for issue in issues}
    assert len(everything) == 218
    assert [issue for issue in sorted(everything) if issue_verdict(issue) is None] == []


def test_every_published_name_lands_in_its_category() -> None:
    """By status."""
    names: dict[str, str] = json.loads(vectors("paypal", "error_issues.json").read_text())["names"]
    assert [status for status, name in names.items() if verdict(int(status), name, ()).reason is Reason.OTHER] == [
        "422"
    ]


def test_every_published_processor_code_gives_a_reason() -> None:
    """154 codes; ours are among them."""
    from payport.adapters.paypal.mapping import PROCESSOR_CODES

    codes: dict[str, str] = json.loads(vectors("paypal", "processor_response_codes.json").read_text())["codes"]
    assert len(codes) == 154
    assert sorted(set(PROCESSOR_CODES) - set(codes)) == []
    assert all(isinstance(processor_reason(code), Reason) for code in codes)


def test_the_statuses_are_the_published_ones() -> None:
    """PayPal's documents name exactly these (and no EXPIRED authorization, which is seen)."""
    from tests.support.vectors import specs

    for name, schema, kind, seen in (
        ("paypal.orders.json", "order_status", OrderStatus, set()),
        ("paypal.payouts.json", "transaction_enum", PayoutStatus, set()),
        ("paypal.payouts.json", "batch_enum", BatchStatus, set()),
    ):
        document = json.loads(specs(name).read_text())
        assert set(document["components"]["schemas"][schema]["enum"]) == {each.value for each in kind} - seen
