"""What Alipay's codes and statuses mean, held against a second table written from the partner's papers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.vectors import vectors

from payport.adapters.alipay.mapping import (
    HoldStatus,
    Meaning,
    Stage,
    TradeStatus,
    TransferStatus,
    hold_stage,
    plain_code,
    trade_stage,
    transfer_stage,
    verdict,
)
from payport.schemas.outcome import Reason

R, M = Reason, Meaning

GATEWAY: dict[Reason, str] = {
    R.BAD_SIGNATURE: """invalid-signature missing-signature missing-signature-type invalid-signature-type
        missing-signature-key missing-signature-config invalid-encrypt decryption-error decryption-error-not-valid
        app-cert-expired app-cert-not-exist alipay-cert-not-exist missing-app-cert-sn missing-alipay-root-cert-sn
        invalid-alipay-root-cert-sn unsupported-expired-app-key-sign""",
    R.UNAUTHENTICATED: """invalid-app-id missing-app-id invalid-app-state not-online-app app-unbind-partner
        invalid-partnerid invalid-auth-token auth-token-time-out invalid-app-auth-token
        invalid-app-auth-token-no-api app-auth-token-time-out invalid-auth-relations invalid-app-auth-relations""",
    R.NOT_PERMITTED: """insufficient-isv-permissions insufficient-user-permissions insufficient-anything
        self-invoke-forbidden illegal-client-ip app-api-punished forbidden-api no-product-reg-by-partner
        invalid-product sevice-not-been-subscribed-to""",
    R.RATE_LIMITED: "app-call-limited method-call-limited app-auth-invoke-limit exceed-api-balance",
    R.INVALID_REQUEST: """invalid-timestamp illegal-timestamp missing-timestamp invalid-parameter invalid-method
        missing-method invalid-format invalid-charset illegal-json suspected-attack invalid-version file-check-fail
        invalid-file-extension invalid-file-size missing-anything""",
}
GATEWAY_FAULTS = ["unknow-error", "unknown-sub-code", "invalid-response-data", "access-data-time-out"]

REFUSALS: dict[Reason, str] = {
    R.INVALID_REQUEST: """ACQ.INVALID_PARAMETER INVALID_PARAMETER ILLEGAL_ARGUMENT ILLEGAL_ARGUMENTS
        INVAILID_ARGUMENTS ACQ.EXIST_FORBIDDEN_WORD ACQ.INVALID_STORE_ID ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR
        ACQ.SUB_GOODS_SIZE_MAX_COUNT ACQ.CURRENCY_NOT_SUPPORT ACQ.AMOUNT_OR_CURRENCY_ERROR
        ACQ.RISK_MERCHANT_IP_NOT_EXIST""",
    R.NOT_PERMITTED: """ACQ.ACCESS_FORBIDDEN ACQ.PARTNER_ERROR ACQ.MERCHANT_AGREEMENT_NOT_EXIST
        ACQ.MERCHANT_AGREEMENT_INVALID ACQ.UN_SUPPORT_BIZ_TYPE PRODUCT_NOT_SIGN NO_ORDER_PERMISSION""",
    R.CLOSED: "ACQ.TRADE_HAS_CLOSE ORDER_ALREADY_CLOSED",
    R.INVALID_STATE: """ACQ.TRADE_HAS_FINISHED ACQ.TRADE_STATUS_ERROR ACQ.REASON_TRADE_STATUS_INVALID
        ACQ.REASON_ILLEGAL_STATUS ORDER_ALREADY_FINISH ACQ.TRADE_CANCEL_TIME_OUT ACQ.CANCEL_NOT_ALLOWED
        ACQ.TRADE_NOT_ALLOW_REFUND ACQ.NOT_ALLOW_PARTIAL_REFUND ACQ.REFUND_AMT_NOT_EQUAL_TOTAL
        ACQ.REASON_TRADE_REFUND_FEE_ERR ACQ.REFUND_FEE_ERROR REQUEST_AMOUNT_EXCEED CANCEL_OPERATION_TIME_OUT
        ACQ.ALLOC_AMOUNT_VALIDATE_ERROR ACQ.ALLOC_REFUSE_AFTER_REFUND""",
    R.INSUFFICIENT_FUNDS: """ACQ.BUYER_BALANCE_NOT_ENOUGH ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH
        ACQ.NO_PAYMENT_INSTRUMENTS_AVAILABLE MONEY_NOT_ENOUGH ACQ.AUTH_AMOUNT_NOT_ENOUGH""",
    R.MERCHANT_FUNDS: """ACQ.SELLER_BALANCE_NOT_ENOUGH BALANCE_IS_NOT_ENOUGH PAYER_BALANCE_NOT_ENOUGH
        BALANCE_NOT_ENOUGH PAYMENT_MONEY_NOT_ENOUGH BALANCE_NOT_ENOUGH_FOR_CARD_FEE
        ACQ.TXN_RESULT_ACCOUNT_BALANCE_NOT_ENOUGH""",
    R.CODE_INVALID: "ACQ.PAYMENT_AUTH_CODE_INVALID PAYMENT_AUTH_CODE_INVALID",
    R.DECLINED: """ACQ.PAYMENT_FAIL ACQ.PAYMENT_REQUEST_HAS_RISK ACQ.ERROR_BALANCE_PAYMENT_DISABLE
        ACQ.BUYER_ENABLE_STATUS_FORBID ACQ.PULL_MOBILE_CASHIER_FAIL ACQ.MOBILE_PAYMENT_SWITCH_OFF
        ACQ.USER_FACE_PAYMENT_SWITCH_OFF ACQ.ERROR_BUYER_CERTIFY_LEVEL_LIMIT ACQ.BUYER_SELLER_EQUAL
        ACQ.TRADE_BUYER_NOT_MATCH PAYEE_NOT_EXIST PAYEE_USERINFO_STATUS_ERROR""",
    R.LIMIT_EXCEEDED: """ACQ.TOTAL_FEE_EXCEED ACQ.BEYOND_PER_RECEIPT_RESTRICTION
        ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR ACQ.BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR
        ACQ.MERCHANT_PERM_RECEIPT_DAY_LIMIT ACQ.PRODUCT_AMOUNT_LIMIT_ERROR EXCEED_LIMIT_DM_MAX_AMOUNT
        PERM_PAY_CUSTOMER_DAILY_QUOTA_ORG_BALANCE_LIMIT RESOURCE_LIMIT_EXCEED""",
    R.MERCHANT_BLOCKED: "ACQ.SELLER_BEEN_BLOCKED ACQ.MERCHANT_STATUS_NOT_NORMAL ACQ.SECONDARY_MERCHANT_STATUS_ERROR",
    R.BLOCKED: "ACQ.REASON_TRADE_BEEN_FREEZEN ACQ.USER_ACCOUNT_HAD_FREEZEN",
    R.RATE_LIMITED: "ACQ.FREQUENCY_LIMITED SYSTEM_RATE_LIMIT USER_RATE_LIMIT",
}
NO_REFUSALS: dict[Meaning, str] = {
    M.UNKNOWN: """ACQ.SYSTEM_ERROR AQC.SYSTEM_ERROR SYSTEM_ERROR SYSTEM_BUSY UNKNOWN_ERROR REQUEST_PROCESSING
        TRANS_ORDER_DEALING PROMO_TRANS_ORDER_DEALING BANK_RESPONSE_ERROR PROCESS_FAIL""",
    M.ABSENT: """ACQ.TRADE_NOT_EXIST TRADE_NOT_EXIST AUTH_ORDER_NOT_EXIST AUTH_OPERATION_NOT_EXIST ORDER_NOT_EXIST
        BILL_NOT_EXIST isp.bill_not_exist NO_BILL_DATA""",
    M.CONFLICT: """ACQ.CONTEXT_INCONSISTENT ACQ.DISCORDANT_REPEAT_REQUEST ACQ.DUP_OUT_REQUEST_NO UNIQUE_VIOLATION
        PAYMENT_INFO_INCONSISTENCY BIZ_UNIQUE_EXCEPTION REP_INCONSISTENT""",
    M.DONE: "ACQ.TRADE_HAS_SUCCESS FREEZE_ALREADY_SUCCESS ACQ.ALREADY_FINISH_ALLOC",
}


def pairs(table: dict[Reason, str]) -> list[tuple[Reason, str]]:
    """One row for each code."""
    return [(reason, code) for reason, codes in table.items() for code in codes.split()]


@pytest.mark.parametrize("prefix", ["isv.", "aop.", "isp.", ""])
@pytest.mark.parametrize(("reason", "code"), pairs(GATEWAY))
def test_a_gateway_refusal_is_final(prefix: str, reason: Reason, code: str) -> None:
    """The gateway refused before any business was done, whatever family the code is written in."""
    found = verdict("40002", prefix + code)
    assert (Meaning.REFUSED, reason) == (found.meaning, found.reason)
    assert (reason is Reason.RATE_LIMITED) == found.again


@pytest.mark.parametrize("code", GATEWAY_FAULTS)
@pytest.mark.parametrize("prefix", ["isp.", "aop.", ""])
def test_a_fault_of_the_gateway_leaves_it_open(prefix: str, code: str) -> None:
    """It may have happened."""
    assert Meaning.UNKNOWN is verdict("40002", prefix + code).meaning


@pytest.mark.parametrize(("reason", "code"), pairs(REFUSALS))
def test_a_business_refusal_is_final(reason: Reason, code: str) -> None:
    """Nothing of this call happened or will; only a rate limit may be tried again at once."""
    found = verdict("40004", code)
    assert (Meaning.REFUSED, reason) == (found.meaning, found.reason)
    assert (reason is Reason.RATE_LIMITED) == found.again


@pytest.mark.parametrize(("meaning", "code"), [(m, code) for m, codes in NO_REFUSALS.items() for code in codes.split()])
def test_these_are_no_refusals(meaning: Meaning, code: str) -> None:
    """In doubt, absent, held with other data, or done before: none of them may end an attempt."""
    assert meaning is verdict("40004", code).meaning


@pytest.mark.parametrize(
    ("expected", "code"),
    [
        ("TRADE_NOT_EXIST", "ACQ.TRADE_NOT_EXIST"),
        ("TRADE_NOT_EXIST", "acq.trade_not_exist"),
        ("TRADE_NOT_EXIST", " Acq.Trade_Not_Exist "),
        ("SYSTEM_ERROR", "AQC.SYSTEM_ERROR"),
        ("SYSTEM_ERROR", "isp.ACQ.SYSTEM_ERROR"),
        ("BILL_NOT_EXIST", "isp.bill_not_exist"),
        ("INVALID_ARGUMENTS", "invalid_arguments"),
        ("invalid-signature", "ISV.Invalid-Signature"),
        ("app-key-security-risk, app-cert-expired", "isv.app-key-security-risk, app-cert-expired"),
        ("MACQ.X", "MACQ.X"),
    ],
)
def test_prefix_and_case_do_not_matter(expected: str, code: str) -> None:
    """Alipay writes one code in several ways; only a leading family name is taken off."""
    assert expected == plain_code(code)


def test_two_codes_in_one_text_are_about_the_certificate() -> None:
    """Alipay writes this pair as one value."""
    assert Reason.BAD_SIGNATURE is verdict("40002", "isv.app-key-security-risk, app-cert-expired").reason


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (R.UNAUTHENTICATED, "20001"),
        (R.INVALID_REQUEST, "40001"),
        (R.INVALID_REQUEST, "40002"),
        (R.NOT_PERMITTED, "40003"),
        (R.RATE_LIMITED, "40005"),
        (R.NOT_PERMITTED, "40006"),
    ],
)
@pytest.mark.parametrize("sub_code", ["isv.quite-new", "", None])
def test_a_new_gateway_code_falls_back_on_its_family(reason: Reason, code: str, sub_code: str | None) -> None:
    """The five digits say enough."""
    found = verdict(code, sub_code)
    assert (Meaning.REFUSED, reason) == (found.meaning, found.reason)


def test_a_new_business_code_is_a_refusal_without_a_reason() -> None:
    """Alipay refused; why, this version does not know."""
    found = verdict("40004", "ACQ.BRAND_NEW_RULE")
    assert (found.meaning, found.reason) == (Meaning.REFUSED, Reason.OTHER)


@pytest.mark.parametrize(
    ("code", "sub_code"),
    [
        ("20000", "isp.unknow-error"),
        ("20000", "ACQ.TRADE_HAS_CLOSE"),
        ("20000", None),
        ("40004", None),
        ("40004", " "),
        ("99999", "X"),
        ("10000", ""),
        ("", ""),
        ("40004", "ACQ.INNER_SYSTEM_ERROR"),
        ("40004", "REFUND_PROCESSING"),
        ("40004", "BANK_ORDER_DEALING"),
    ],
)
def test_what_cannot_be_told_is_left_open(code: str, sub_code: str | None) -> None:
    """A platform fault, no sub code, a new family, a new code that speaks of a fault: none may end an attempt."""
    assert Meaning.UNKNOWN is verdict(code, sub_code).meaning


def test_no_published_code_that_speaks_of_a_fault_is_a_refusal() -> None:
    """Every error code that Alipay lists for its operations has a meaning; the ones in doubt stay in doubt."""
    models = json.loads(vectors("alipay", "v3_models.json").read_text("utf-8"))["operations"]
    codes = {code for model in models.values() for code in model.get("business_error_codes", [])}
    doubtful = {
        code for code in codes if any(word in code for word in ("SYSTEM_ERROR", "PROCESSING", "DEALING", "BUSY"))
    }
    assert len(doubtful) >= 5
    assert {code for code in doubtful if verdict("40004", code).meaning is not Meaning.UNKNOWN} == set()


@given(st.text(), st.none() | st.text())
def test_a_verdict_never_raises(code: str, sub_code: str | None) -> None:
    """For any text there is one, and nothing but a refusal or a fault is repeated at once."""
    found = verdict(code, sub_code)
    assert not found.again or found.meaning in (Meaning.UNKNOWN, Meaning.REFUSED)


@given(st.text(alphabet="ABCDEFGHIJ_", min_size=1), st.sampled_from(["ACQ.", "AQC.", "isv.", "isp.", "aop.", ""]))
def test_a_prefix_never_changes_a_verdict(code: str, prefix: str) -> None:
    """Nor does case."""
    assert verdict("40004", code) == verdict("40004", (prefix + code).lower())


@pytest.mark.parametrize(
    ("expected", "status", "was_paid"),
    [
        (Stage.OPEN, TradeStatus.WAIT_BUYER_PAY, False),
        (Stage.PAID, TradeStatus.TRADE_SUCCESS, True),
        (Stage.PAID, TradeStatus.TRADE_FINISHED, True),
        (Stage.OVER, TradeStatus.TRADE_CLOSED, False),
        (Stage.RETURNED, TradeStatus.TRADE_CLOSED, True),
    ],
)
def test_trade_statuses(expected: Stage, status: TradeStatus, was_paid: bool) -> None:
    """Closed means unpaid or refunded in full; the time of payment tells which."""
    assert expected is trade_stage(status, was_paid=was_paid)


def test_hold_and_transfer_statuses() -> None:
    """Total over what the papers name."""
    holds = {HoldStatus.INIT: Stage.OPEN, HoldStatus.SUCCESS: Stage.PAID, HoldStatus.CLOSED: Stage.OVER}
    assert holds == {status: hold_stage(status) for status in HoldStatus}
    transfers = {
        TransferStatus.SUCCESS: Stage.PAID,
        TransferStatus.WAIT_PAY: Stage.OPEN,
        TransferStatus.DEALING: Stage.OPEN,
        TransferStatus.FAIL: Stage.OVER,
        TransferStatus.CLOSED: Stage.OVER,
        TransferStatus.REFUND: Stage.RETURNED,
    }
    assert transfers == {status: transfer_stage(status) for status in TransferStatus}
