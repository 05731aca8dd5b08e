"""PayPal's issues and statuses as tables: what each means for the order. Unknown ones are kept, never guessed.

Sources: PayPal's OpenAPI documents of Orders v2, Payments v2 and Payouts v1; developer.paypal.com, "Error messages",
"Card decline errors".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from payport.schemas.outcome import Reason


class Meaning(Enum):
    """What a refusal amounts to, beyond a reason."""

    REFUSED = "refused"
    """Final: nothing of this call happened or will."""
    PAYER = "payer"
    """Nothing happened; the payer may approve, or choose another way to pay, and we may try again."""
    UNKNOWN = "unknown"
    """PayPal's own fault, or another request is still at work: it may have happened."""
    ABSENT = "absent"
    """PayPal does not know the order (any more)."""
    DONE = "done"
    """It happened before: ask how."""
    CONFLICT = "conflict"
    """PayPal holds this reference with other data."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A code's meaning and reason. ``again``: the same call may be repeated at once."""

    meaning: Meaning
    reason: Reason
    again: bool = False


_FAULT = Verdict(Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE, again=True)
_IN_PROGRESS = Verdict(Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE, again=True)
_ABSENT = Verdict(Meaning.ABSENT, Reason.NOT_FOUND)
_DONE = Verdict(Meaning.DONE, Reason.INVALID_STATE)
_CONFLICT = Verdict(Meaning.CONFLICT, Reason.DUPLICATE)
_LIMITED = Verdict(Meaning.REFUSED, Reason.RATE_LIMITED, again=True)


def _refused(reason: Reason) -> Verdict:
    return Verdict(Meaning.REFUSED, reason)


def _payer(reason: Reason) -> Verdict:
    return Verdict(Meaning.PAYER, reason)


_ISSUES: dict[Verdict, str] = {
    _payer(Reason.DECLINED): "INSTRUMENT_DECLINED REDIRECT_PAYER_FOR_ALTERNATE_FUNDING",
    _payer(Reason.INVALID_STATE): "ORDER_NOT_APPROVED PAYER_ACTION_REQUIRED",
    _IN_PROGRESS: "ORDER_COMPLETION_IN_PROGRESS PREVIOUS_REQUEST_IN_PROGRESS",
    _ABSENT: "INVALID_RESOURCE_ID",
    _DONE: (
        "ORDER_ALREADY_CAPTURED ORDER_ALREADY_AUTHORIZED ORDER_ALREADY_COMPLETED ORDER_COMPLETED_OR_VOIDED"
        " AUTHORIZATION_ALREADY_CAPTURED PREVIOUSLY_CAPTURED PREVIOUSLY_VOIDED AUTHORIZATION_VOIDED"
        " CAPTURE_FULLY_REFUNDED"
    ),
    _CONFLICT: "DUPLICATE_INVOICE_ID",
    _refused(Reason.DECLINED): (
        "TRANSACTION_REFUSED PAYER_CANNOT_PAY CARD_EXPIRED PAYMENT_SOURCE_DECLINED_BY_PROCESSOR"
        " ALIAS_DECLINED_BY_PROCESSOR DECLINED_DUE_TO_RELATED_TXN COMPLIANCE_VIOLATION PAYEE_BLOCKED_TRANSACTION"
        " TRANSACTION_BLOCKED_BY_PAYEE PAYER_ACCOUNT_RESTRICTED PAYER_ACCOUNT_LOCKED_OR_CLOSED AUTHORIZATION_DENIED"
        " REFERENCED_CARD_EXPIRED PAYMENT_SOURCE_CANNOT_BE_USED PAYMENT_SOURCE_INFO_CANNOT_BE_VERIFIED"
        " AGREEMENT_ALREADY_CANCELLED PREVIOUS_TRANSACTION_REFERENCE_HAS_CHARGEBACK"
        " PREVIOUS_TRANSACTION_REFERENCE_VOIDED PREFERRED_PAYMENT_SOURCE_MISMATCH PAYMENT_DENIED"
    ),
    _refused(Reason.INSUFFICIENT_FUNDS): "PAYER_INSUFFICIENT_FUNDS",
    _refused(Reason.MERCHANT_FUNDS): "REFUND_FAILED_INSUFFICIENT_FUNDS INSUFFICIENT_FUNDS",
    _refused(Reason.LIMIT_EXCEEDED): (
        "TRANSACTION_LIMIT_EXCEEDED TRANSACTION_RECEIVING_LIMIT_EXCEEDED MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED"
        " MAX_VALUE_EXCEEDED"
    ),
    _refused(Reason.EXPIRED): (
        "ORDER_EXPIRED AUTHORIZATION_EXPIRED TOKEN_EXPIRED PNREF_EXPIRED PAYPAL_TRANSACTION_ID_EXPIRED"
        " PAYEE_FX_RATE_ID_EXPIRED REFUND_TIME_LIMIT_EXCEEDED"
    ),
    _refused(Reason.INVALID_STATE): (
        "PENDING_CAPTURE CANNOT_BE_VOIDED REFUND_AMOUNT_EXCEEDED MAX_CAPTURE_AMOUNT_EXCEEDED"
        " MAX_CAPTURE_COUNT_EXCEEDED MAX_AUTHORIZATION_COUNT_EXCEEDED AUTHORIZATION_AMOUNT_EXCEEDED"
        " MAX_NUMBER_OF_REFUNDS_EXCEEDED PARTIAL_REFUND_NOT_ALLOWED REFUND_AMOUNT_TOO_LOW REFUND_NOT_ALLOWED"
        " REFUND_IS_RESTRICTED REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK TRANSACTION_DISPUTED PLATFORM_FEE_EXCEEDED"
        " ACTION_DOES_NOT_MATCH_INTENT ORDER_CANNOT_BE_SAVED SAVE_ORDER_NOT_SUPPORTED REAUTHORIZATION_NOT_SUPPORTED"
        " AMOUNT_CHANGE_NOT_ALLOWED NOT_PATCHABLE AMOUNT_NOT_PATCHABLE FIELD_NOT_PATCHABLE"
        " ORDER_COMPLETE_ON_PAYMENT_APPROVAL ITEM_ALREADY_CANCELLED ORDER_CANNOT_BE_CONFIRMED"
        " ORDER_IS_PENDING_APPROVAL PAYMENT_ALREADY_APPROVED CAPTURE_STATUS_NOT_VALID"
    ),
    _refused(Reason.UNAUTHENTICATED): "INVALID_ACCOUNT_STATUS AUTHENTICATION_FAILURE invalid_client invalid_token",
    _refused(Reason.NOT_PERMITTED): (
        "PERMISSION_DENIED PERMISSION_DENIED_FOR_DONATION_ITEMS CONSENT_NEEDED PAYEE_ACCOUNT_NOT_VERIFIED"
        " AUTH_CAPTURE_NOT_ENABLED PAYEE_NOT_ENABLED_FOR_BANK_PROCESSING PAYEE_NOT_ENABLED_FOR_CARD_PROCESSING"
        " PAYEE_PRICING_TIER_ID_NOT_ENABLED PLATFORM_FEE_NOT_ENABLED DOMESTIC_TRANSACTION_REQUIRED"
        " PLATFORM_FEES_NOT_SUPPORTED NOT_AUTHORIZED AUTHORIZATION_ERROR"
    ),
    _refused(Reason.MERCHANT_BLOCKED): "PAYEE_ACCOUNT_RESTRICTED PAYEE_ACCOUNT_LOCKED_OR_CLOSED PAYEE_ACCOUNT_INVALID",
    _refused(Reason.INVALID_REQUEST): (
        "DECIMAL_PRECISION DECIMALS_NOT_SUPPORTED CANNOT_BE_NEGATIVE CANNOT_BE_ZERO_OR_NEGATIVE MULTI_CURRENCY_ORDER"
        " DUPLICATE_REFERENCE_ID MALFORMED_REQUEST_JSON MALFORMED_REQUEST NOT_SUPPORTED VALIDATION_ERROR"
        " MULTIPLE_ITEM_CATEGORIES MULTIPLE_SHIPPING_ADDRESS_NOT_SUPPORTED MULTIPLE_SHIPPING_OPTION_SELECTED"
        " MULTIPLE_SHIPPING_TYPE_NOT_SUPPORTED SHIPPING_OPTION_NOT_SELECTED VAULT_INSTRUCTION_DUPLICATED"
        " ONLY_ONE_BANK_SOURCE_ALLOWED PLATFORM_FEE_PAYEE_CANNOT_BE_SAME_AS_PAYER AMOUNT_CANNOT_BE_SPECIFIED"
        " NO_PAYMENT_SOURCE_PROVIDED ONLY_ONE_PAYMENT_SOURCE_ALLOWED"
        " SETUP_ERROR_FOR_BANK DEVICE_DATA_NOT_AVAILABLE USER_BUSINESS_ERROR INVALID_REQUEST UNSUPPORTED_MEDIA_TYPE"
    ),
}
_PATTERNS: tuple[tuple[str, Verdict], ...] = (
    # a new issue that speaks of work going on or done before is no refusal: ask
    (r".*IN_PROGRESS.*", _IN_PROGRESS),
    (r".*ALREADY_(CAPTURED|AUTHORIZED|COMPLETED|VOIDED|REFUNDED)", _DONE),
    (r"NOT_ENABLED_.*|NOT_ELIGIBLE_.*", _refused(Reason.NOT_PERMITTED)),
    (r".*_LIMIT_EXCEEDED", _refused(Reason.LIMIT_EXCEEDED)),
    (r".*_EXPIRED", _refused(Reason.EXPIRED)),
    (
        r"(INVALID|MISSING|UNSUPPORTED|INCOMPATIBLE|MISMATCHED|MERCHANT_INITIATED)_.*|.*REQUIRED_PARAMETER.*",
        _refused(Reason.INVALID_REQUEST),
    ),
    (r".*_(INVALID|REQUIRED|MISMATCH|NOT_SUPPORTED(_.*)?|NOT_FOUND)", _refused(Reason.INVALID_REQUEST)),
)
_NAMES = {
    "INVALID_REQUEST": _refused(Reason.INVALID_REQUEST),
    "AUTHENTICATION_FAILURE": _refused(Reason.UNAUTHENTICATED),
    "NOT_AUTHORIZED": _refused(Reason.NOT_PERMITTED),
    "RESOURCE_NOT_FOUND": _ABSENT,
    "RESOURCE_CONFLICT": _IN_PROGRESS,
    "UNSUPPORTED_MEDIA_TYPE": _refused(Reason.INVALID_REQUEST),
    "RATE_LIMIT_REACHED": _LIMITED,
    "INTERNAL_SERVER_ERROR": _FAULT,
    "SERVICE_UNAVAILABLE": _FAULT,
}
_STATUSES = {
    400: _refused(Reason.INVALID_REQUEST),
    401: _refused(Reason.UNAUTHENTICATED),
    402: _refused(Reason.DECLINED),
    403: _refused(Reason.NOT_PERMITTED),
    404: _ABSENT,
    409: _IN_PROGRESS,
    415: _refused(Reason.INVALID_REQUEST),
    429: _LIMITED,
}

ISSUES = {issue: found for found, issues in _ISSUES.items() for issue in issues.split()}


def issue_verdict(issue: str) -> Verdict | None:
    """What an issue means; ``None`` for one that this version does not know."""
    if issue in ISSUES:
        return ISSUES[issue]
    return next((found for pattern, found in _PATTERNS if re.fullmatch(pattern, issue)), None)


def verdict(status: int, name: str, issues: tuple[str, ...]) -> Verdict:
    """What a refusal means. The status decides about faults and limits, then the first issue that is known.

    A refusal (4xx) with an issue that this version does not know is one with reason ``OTHER``: PayPal's status says
    that the request was not carried out.
    """
    if status >= 500:
        return _FAULT
    if status == 429:
        return _LIMITED
    known = [found for found in map(issue_verdict, issues) if found is not None]
    # one that asks for care comes before one that says no: a request may break several rules at once
    careful = [found for found in known if found.meaning is not Meaning.REFUSED]
    if known:
        return (careful or known)[0]
    if issues and status == 422:
        return _refused(Reason.OTHER)
    return _NAMES.get(name) or _STATUSES.get(status) or ISSUES.get(name) or _refused(Reason.OTHER)


_PROCESSOR: dict[Reason, str] = {
    Reason.INSUFFICIENT_FUNDS: "5120",
    Reason.LIMIT_EXCEEDED: "5135 5710 PPAX PPEL PPNL PPDT",
    Reason.INVALID_REQUEST: (
        "1300 1310 1317 1320 1340 1360 1370 1390 PPFV PPII PPIM PPMB PPVE PPVC PPCU PPUC PPCT PPTT PPUP PPPI PPPM"
    ),
    Reason.NOT_PERMITTED: "1350 8020 8030 PPNM PPRR PPUA PPUE PPUI PPAE PPCE PPDC",
    Reason.PARTNER_UNAVAILABLE: "0960 5910 5920 8000 8010 8100 8110 8220 9100 PPER PPNT",
}
PROCESSOR_CODES = {code: reason for reason, codes in _PROCESSOR.items() for code in codes.split()}


def processor_reason(code: str | None) -> Reason:
    """Why the processor refused; most of its codes say no more than that the payer's side did."""
    return PROCESSOR_CODES.get(code or "", Reason.DECLINED)


class OrderStatus(Enum):
    """``status`` of an order."""

    CREATED = "CREATED"
    SAVED = "SAVED"
    APPROVED = "APPROVED"
    VOIDED = "VOIDED"
    COMPLETED = "COMPLETED"
    PAYER_ACTION_REQUIRED = "PAYER_ACTION_REQUIRED"


class CaptureStatus(Enum):
    """``status`` of a capture."""

    COMPLETED = "COMPLETED"
    DECLINED = "DECLINED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    PENDING = "PENDING"
    REFUNDED = "REFUNDED"
    FAILED = "FAILED"


class AuthorizationStatus(Enum):
    """``status`` of an authorization. ``EXPIRED`` is in no document, and is seen."""

    CREATED = "CREATED"
    CAPTURED = "CAPTURED"
    DENIED = "DENIED"
    PARTIALLY_CAPTURED = "PARTIALLY_CAPTURED"
    VOIDED = "VOIDED"
    PENDING = "PENDING"
    EXPIRED = "EXPIRED"


class RefundStatus(Enum):
    """``status`` of a refund."""

    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    PENDING = "PENDING"
    COMPLETED = "COMPLETED"


class PayoutStatus(Enum):
    """``transaction_status`` of a payout item."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    PENDING = "PENDING"
    UNCLAIMED = "UNCLAIMED"
    RETURNED = "RETURNED"
    ONHOLD = "ONHOLD"
    BLOCKED = "BLOCKED"
    REFUNDED = "REFUNDED"
    REVERSED = "REVERSED"


class BatchStatus(Enum):
    """``batch_status`` of a payout batch."""

    DENIED = "DENIED"
    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CANCELED = "CANCELED"


class Stage(Enum):
    """What a status amounts to."""

    OPEN = "open"
    """The payer must act, or we must."""
    WAITING = "waiting"
    """PayPal goes on by itself."""
    HELD = "held"
    PAID = "paid"
    OVER = "over"
    """It ended without money having moved."""
    RETURNED = "returned"
    """It came to its end, and the money is back."""


def order_stage(status: OrderStatus) -> Stage:
    """How an order stands that shows no capture and no authorization. ``PAID``: look for the capture, it counts."""
    match status:
        case OrderStatus.CREATED | OrderStatus.PAYER_ACTION_REQUIRED | OrderStatus.APPROVED:
            return Stage.OPEN
        case OrderStatus.SAVED:
            return Stage.WAITING
        case OrderStatus.VOIDED:
            return Stage.OVER
        case OrderStatus.COMPLETED:
            return Stage.PAID
        case _:
            assert_never(status)


def capture_stage(status: CaptureStatus) -> Stage:
    """How a capture stands."""
    match status:
        case CaptureStatus.COMPLETED | CaptureStatus.PARTIALLY_REFUNDED | CaptureStatus.REFUNDED:
            return Stage.PAID
        case CaptureStatus.PENDING:
            return Stage.WAITING
        case CaptureStatus.DECLINED | CaptureStatus.FAILED:
            return Stage.OVER
        case _:
            assert_never(status)


def authorization_stage(status: AuthorizationStatus) -> Stage:
    """How a hold stands. What was captured of it is told by the capture."""
    match status:
        case AuthorizationStatus.CREATED | AuthorizationStatus.CAPTURED | AuthorizationStatus.PARTIALLY_CAPTURED:
            return Stage.HELD
        case AuthorizationStatus.PENDING:
            return Stage.WAITING
        case AuthorizationStatus.DENIED:
            return Stage.OVER
        case AuthorizationStatus.VOIDED | AuthorizationStatus.EXPIRED:
            return Stage.RETURNED
        case _:
            assert_never(status)


def refund_stage(status: RefundStatus) -> Stage:
    """How a refund stands."""
    match status:
        case RefundStatus.COMPLETED:
            return Stage.PAID
        case RefundStatus.PENDING:
            return Stage.WAITING
        case RefundStatus.FAILED | RefundStatus.CANCELLED:
            return Stage.OVER
        case _:
            assert_never(status)


def payout_stage(status: PayoutStatus) -> Stage:
    """How a payout item stands. Unclaimed money has left the merchant, and comes back when nobody takes it."""
    match status:
        case PayoutStatus.SUCCESS:
            return Stage.PAID
        case PayoutStatus.PENDING | PayoutStatus.UNCLAIMED | PayoutStatus.ONHOLD | PayoutStatus.BLOCKED:
            return Stage.WAITING
        case PayoutStatus.FAILED:
            return Stage.OVER
        case PayoutStatus.RETURNED | PayoutStatus.REFUNDED | PayoutStatus.REVERSED:
            return Stage.RETURNED
        case _:
            assert_never(status)


def batch_stage(status: BatchStatus) -> Stage:
    """How a batch stands whose item cannot be seen yet."""
    match status:
        case BatchStatus.PENDING | BatchStatus.PROCESSING | BatchStatus.SUCCESS:
            return Stage.WAITING
        case BatchStatus.DENIED | BatchStatus.CANCELED:
            return Stage.OVER
        case _:
            assert_never(status)
