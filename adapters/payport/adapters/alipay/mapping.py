"""Alipay's codes and statuses as tables: what each means for the order. Unknown ones are kept, never guessed.

Sources: open.alipay.com, common error codes and the error codes of each operation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from payport.schemas.outcome import Reason

OK = "10000"
PAYER_MUST_CONFIRM = "10003"
PLATFORM_FAULT = "20000"


class Meaning(Enum):
    """What a refusal amounts to, beyond a reason."""

    REFUSED = "refused"
    """Final: nothing of this call happened or will."""
    UNKNOWN = "unknown"
    """The partner's own fault: it may have happened."""
    ABSENT = "absent"
    """The partner does not know the order (yet)."""
    DONE = "done"
    """It happened before: ask how."""
    CONFLICT = "conflict"
    """The partner holds this reference with other data."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A code's meaning and reason. ``again``: the same call may be repeated at once."""

    meaning: Meaning
    reason: Reason
    again: bool = False


_UNKNOWN = Verdict(Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE, again=True)
_PROCESSING = Verdict(Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE)
_ABSENT = Verdict(Meaning.ABSENT, Reason.NOT_FOUND)
_DONE = Verdict(Meaning.DONE, Reason.ALREADY_DONE)
_CONFLICT = Verdict(Meaning.CONFLICT, Reason.DUPLICATE)
_LIMITED = Verdict(Meaning.REFUSED, Reason.RATE_LIMITED, again=True)


def _refused(reason: Reason) -> Verdict:
    return Verdict(Meaning.REFUSED, reason)


# Gateway refusals: code 20000 to 40006, by sub code without its "isv.", "aop." or "isp."
_GATEWAY: dict[Verdict, str] = {
    _UNKNOWN: "unknow-error unknown-error unknown-sub-code invalid-response-data access-data-time-out",
    _LIMITED: "app-call-limited method-call-limited app-auth-invoke-limit exceed-api-balance",
    _refused(Reason.BAD_SIGNATURE): (
        "invalid-signature missing-signature missing-signature-type invalid-signature-type missing-signature-key"
        " missing-signature-config invalid-encrypt missing-encrypt-type invalid-encrypt-type app-cert-expired"
        " app-cert-not-exist alipay-cert-not-exist missing-app-cert-sn missing-alipay-root-cert-sn"
        " invalid-app-cert-sn invalid-alipay-root-cert-sn unsupported-expired-app-key-sign"
    ),
    _refused(Reason.UNAUTHENTICATED): (
        "invalid-app-id missing-app-id invalid-app-state not-online-app app-unbind-partner invalid-partnerid"
        " invalid-auth-token auth-token-time-out invalid-app-auth-token invalid-app-auth-token-no-api"
        " app-auth-token-time-out app-auth-token-not-support invalid-auth-relations invalid-app-auth-relations"
    ),
    _refused(Reason.NOT_PERMITTED): (
        "insufficient-isv-permissions insufficient-user-permissions self-invoke-forbidden illegal-client-ip"
        " app-api-punished forbidden-api no-product-reg-by-partner invalid-product sevice-not-been-subscribed-to"
        " service-not-been-subscribed-to product-not-support-dev-mode"
    ),
    _refused(Reason.INVALID_REQUEST): (
        "invalid-timestamp illegal-timestamp missing-timestamp invalid-parameter invalid-method missing-method"
        " invalid-format invalid-charset illegal-json suspected-attack invalid-version missing-version"
        " upload-fail invalid-file-extension invalid-file-size file-check-fail"
    ),
}
_GATEWAY_PATTERNS: tuple[tuple[str, Verdict], ...] = (
    (r"decryption-error.*|(missing|invalid)-(signature|encrypt).*|.*-cert-sn", _refused(Reason.BAD_SIGNATURE)),
    (r"app-key-security-risk.*", _refused(Reason.BAD_SIGNATURE)),
    (r".*auth-token.*", _refused(Reason.UNAUTHENTICATED)),
    (r"insufficient-.*", _refused(Reason.NOT_PERMITTED)),
    (r"(missing|invalid)-.*", _refused(Reason.INVALID_REQUEST)),
)

# Business refusals: code 40004, by sub code without "ACQ."
_BUSINESS: dict[Verdict, str] = {
    _UNKNOWN: "SYSTEM_ERROR SYSTEM_BUSY UNKNOWN_ERROR",
    _PROCESSING: ("REQUEST_PROCESSING TRANS_ORDER_DEALING PROMO_TRANS_ORDER_DEALING BANK_RESPONSE_ERROR PROCESS_FAIL"),
    _ABSENT: (
        "TRADE_NOT_EXIST AUTH_ORDER_NOT_EXIST AUTH_OPERATION_NOT_EXIST ORDER_NOT_EXIST BILL_NOT_EXIST NO_BILL_DATA"
        " TRADE_SETTLE_NOT_EXIST"
    ),
    _DONE: "TRADE_HAS_SUCCESS FREEZE_ALREADY_SUCCESS ALREADY_FINISH_ALLOC",
    _CONFLICT: (
        "CONTEXT_INCONSISTENT DISCORDANT_REPEAT_REQUEST DUP_OUT_REQUEST_NO UNIQUE_VIOLATION"
        " PAYMENT_INFO_INCONSISTENCY BIZ_UNIQUE_EXCEPTION REP_INCONSISTENT"
    ),
    _LIMITED: "FREQUENCY_LIMITED SYSTEM_RATE_LIMIT USER_RATE_LIMIT",
    _refused(Reason.INVALID_REQUEST): (
        "INVALID_PARAMETER ILLEGAL_ARGUMENT ILLEGAL_ARGUMENTS INVAILID_ARGUMENTS INVALID_ARGUMENTS"
        " EXIST_FORBIDDEN_WORD INVALID_STORE_ID NOW_TIME_AFTER_EXPIRE_TIME_ERROR SUB_GOODS_SIZE_MAX_COUNT"
        " CURRENCY_NOT_SUPPORT AMOUNT_OR_CURRENCY_ERROR RISK_MERCHANT_IP_NOT_EXIST APPLY_PC_MERCHANT_CODE_ERROR"
        " TOTAL_FEE_EXCEED_ERROR SUBJECT_NOT_MATCH"
    ),
    _refused(Reason.NOT_PERMITTED): (
        "ACCESS_FORBIDDEN PARTNER_ERROR PRODUCT_NOT_SIGN NO_ORDER_PERMISSION NO_ACCOUNT_RECEIVE_PERMISSION"
        " ALLOC_AMOUNT_NOT_PERMITTED ILLEGAL_ACCOUNT_STATUS_EXCEPTION"
    ),
    _refused(Reason.CLOSED): "TRADE_HAS_CLOSE ORDER_ALREADY_CLOSED",
    _refused(Reason.INVALID_STATE): (
        "TRADE_HAS_FINISHED TRADE_STATUS_ERROR REASON_TRADE_STATUS_INVALID REASON_ILLEGAL_STATUS"
        " ORDER_ALREADY_FINISH TRADE_CANCEL_TIME_OUT CANCEL_OPERATION_TIME_OUT CANCEL_NOT_ALLOWED"
        " TRADE_NOT_ALLOW_REFUND NOT_ALLOW_PARTIAL_REFUND REFUND_AMT_NOT_EQUAL_TOTAL REASON_TRADE_REFUND_FEE_ERR"
        " REFUND_FEE_ERROR REQUEST_AMOUNT_EXCEED ALLOC_AMOUNT_VALIDATE_ERROR ALLOC_REFUSE_AFTER_REFUND"
    ),
    _refused(Reason.INSUFFICIENT_FUNDS): (
        "BUYER_BALANCE_NOT_ENOUGH BUYER_BANKCARD_BALANCE_NOT_ENOUGH NO_PAYMENT_INSTRUMENTS_AVAILABLE MONEY_NOT_ENOUGH"
        " AUTH_AMOUNT_NOT_ENOUGH"
    ),
    _refused(Reason.MERCHANT_FUNDS): (
        "SELLER_BALANCE_NOT_ENOUGH BALANCE_IS_NOT_ENOUGH PAYER_BALANCE_NOT_ENOUGH BALANCE_NOT_ENOUGH"
        " PAYMENT_MONEY_NOT_ENOUGH BALANCE_NOT_ENOUGH_FOR_CARD_FEE TXN_RESULT_ACCOUNT_BALANCE_NOT_ENOUGH"
    ),
    _refused(Reason.CODE_INVALID): "PAYMENT_AUTH_CODE_INVALID SOUNDWAVE_PARSER_FAIL",
    _refused(Reason.DECLINED): (
        "PAYMENT_FAIL PAYMENT_REQUEST_HAS_RISK ERROR_BALANCE_PAYMENT_DISABLE BUYER_ENABLE_STATUS_FORBID"
        " PULL_MOBILE_CASHIER_FAIL MOBILE_PAYMENT_SWITCH_OFF USER_FACE_PAYMENT_SWITCH_OFF"
        " ERROR_BUYER_CERTIFY_LEVEL_LIMIT BUYER_SELLER_EQUAL TRADE_BUYER_NOT_MATCH"
    ),
    _refused(Reason.LIMIT_EXCEEDED): (
        "TOTAL_FEE_EXCEED PRODUCT_AMOUNT_LIMIT_ERROR RESOURCE_LIMIT_EXCEED BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR"
        " BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR"
    ),
    _refused(Reason.MERCHANT_BLOCKED): "SELLER_BEEN_BLOCKED MERCHANT_STATUS_NOT_NORMAL",
    _refused(Reason.BLOCKED): "REASON_TRADE_BEEN_FREEZEN USER_ACCOUNT_HAD_FREEZEN",
}
_BUSINESS_PATTERNS: tuple[tuple[str, Verdict], ...] = (
    # a new code that speaks of a fault or of work going on is no refusal: ask
    (r".*(SYSTEM_(ERROR|BUSY|EXCEPTION)|_PROCESSING|_DEALING|UNKNOWN_ERROR)", _PROCESSING),
    (r"MERCHANT_AGREEMENT_.*|UN_SUPPORT_.*|UNSUPPORT_.*", _refused(Reason.NOT_PERMITTED)),
    (r"SECONDARY_MERCHANT_.*", _refused(Reason.MERCHANT_BLOCKED)),
    (r"BEYOND_.*|BUYER_PAYMENT_AMOUNT_.*|MERCHANT_PERM_RECEIPT_.*", _refused(Reason.LIMIT_EXCEEDED)),
    (r"EXCEED_LIMIT_.*|PERM_.*_LIMIT", _refused(Reason.LIMIT_EXCEEDED)),
    (r"PAYEE_.*", _refused(Reason.DECLINED)),
)

_BY_CODE = {
    "20001": _refused(Reason.UNAUTHENTICATED),
    "40001": _refused(Reason.INVALID_REQUEST),
    "40002": _refused(Reason.INVALID_REQUEST),
    "40003": _refused(Reason.NOT_PERMITTED),
    "40005": _LIMITED,
    "40006": _refused(Reason.NOT_PERMITTED),
}
"""Where the sub code is new: what the code alone says. 40004 stands for itself: see :func:`verdict`."""


def _spread(table: dict[Verdict, str]) -> dict[str, Verdict]:
    return {code: found for found, codes in table.items() for code in codes.split()}


GATEWAY_CODES = _spread(_GATEWAY)
BUSINESS_CODES = _spread(_BUSINESS)
_PREFIX = re.compile(r"((isv|aop|isp|acq|aqc)\.)+", re.IGNORECASE)


def plain_code(sub_code: str) -> str:
    """A sub code without its prefix and in the partner's usual case: ``isp.bill_not_exist`` is ``BILL_NOT_EXIST``."""
    whole = sub_code.strip()
    prefix = _PREFIX.match(whole)
    bare = whole[prefix.end() :] if prefix else whole
    return bare.lower() if "-" in bare else bare.upper()


def verdict(code: str, sub_code: str | None) -> Verdict:
    """What a refusal means. A business code that this version does not know is a refusal with reason ``OTHER``."""
    if code == PLATFORM_FAULT:
        return _UNKNOWN
    bare = plain_code(sub_code or "")
    for table, patterns in ((GATEWAY_CODES, _GATEWAY_PATTERNS), (BUSINESS_CODES, _BUSINESS_PATTERNS)):
        if bare in table:
            return table[bare]
        for pattern, found in patterns:
            if re.fullmatch(pattern, bare):
                return found
    if code in _BY_CODE:
        return _BY_CODE[code]
    return _refused(Reason.OTHER) if code == "40004" and bare else _PROCESSING


class TradeStatus(Enum):
    """``trade_status`` of a trade."""

    WAIT_BUYER_PAY = "WAIT_BUYER_PAY"
    TRADE_SUCCESS = "TRADE_SUCCESS"
    TRADE_FINISHED = "TRADE_FINISHED"
    TRADE_CLOSED = "TRADE_CLOSED"


class HoldStatus(Enum):
    """``status`` of one pre-authorization operation."""

    INIT = "INIT"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"


class TransferStatus(Enum):
    """``status`` of a transfer."""

    SUCCESS = "SUCCESS"
    WAIT_PAY = "WAIT_PAY"
    DEALING = "DEALING"
    FAIL = "FAIL"
    CLOSED = "CLOSED"
    REFUND = "REFUND"


class Stage(Enum):
    """What a status amounts to, before the method of paying is considered."""

    OPEN = "open"
    PAID = "paid"
    OVER = "over"
    RETURNED = "returned"


def trade_stage(status: TradeStatus, *, was_paid: bool) -> Stage:
    """A closed trade that had been paid was refunded in full; one that had not was closed unpaid."""
    match status:
        case TradeStatus.WAIT_BUYER_PAY:
            return Stage.OPEN
        case TradeStatus.TRADE_SUCCESS | TradeStatus.TRADE_FINISHED:
            return Stage.PAID
        case TradeStatus.TRADE_CLOSED:
            return Stage.RETURNED if was_paid else Stage.OVER
        case _:
            assert_never(status)


def hold_stage(status: HoldStatus) -> Stage:
    """How a hold stands."""
    match status:
        case HoldStatus.INIT:
            return Stage.OPEN
        case HoldStatus.SUCCESS:
            return Stage.PAID
        case HoldStatus.CLOSED:
            return Stage.OVER
        case _:
            assert_never(status)


def transfer_stage(status: TransferStatus) -> Stage:
    """How a transfer stands. ``REFUND``: the bank gave it back later, so the money is with the merchant again."""
    match status:
        case TransferStatus.SUCCESS:
            return Stage.PAID
        case TransferStatus.WAIT_PAY | TransferStatus.DEALING:
            return Stage.OPEN
        case TransferStatus.FAIL | TransferStatus.CLOSED:
            return Stage.OVER
        case TransferStatus.REFUND:
            return Stage.RETURNED
        case _:
            assert_never(status)
