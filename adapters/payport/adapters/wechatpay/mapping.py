"""WeChat Pay's codes and statuses as tables: what each means for the order. Unknown ones are kept, never guessed.

Codes come with and without underscore (``NOT_ENOUGH``, ``NOTENOUGH``) and are looked up without; the HTTP status alone
decides where a code is new.

Sources: pay.weixin.qq.com, "error codes", the error codes of each endpoint, "trade_state", "refund status", "transfer
bill state", "batch status".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from payport.schemas.outcome import Reason


class Meaning(Enum):
    """What a refusal amounts to, beyond a reason."""

    REFUSED = "refused"
    """Final: nothing of this call happened or will."""
    UNKNOWN = "unknown"
    """The partner's own fault: it may have happened."""
    ABSENT = "absent"
    """The partner does not know the order (yet)."""
    DONE = "done"
    """The order is in a state that this call wanted, or that forbids it: ask which."""
    PENDING = "pending"
    """Accepted, or waiting for the payer."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A code's meaning and reason. ``again``: the same call, same number, may be repeated at once."""

    meaning: Meaning
    reason: Reason
    again: bool = False


_UNKNOWN = Verdict(Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE, again=True)
_UNCLEAR = Verdict(Meaning.UNKNOWN, Reason.OTHER)
_ABSENT = Verdict(Meaning.ABSENT, Reason.NOT_FOUND)
_LIMITED = Verdict(Meaning.REFUSED, Reason.RATE_LIMITED, again=True)
_PENDING = Verdict(Meaning.PENDING, Reason.OTHER)


def _refused(reason: Reason) -> Verdict:
    return Verdict(Meaning.REFUSED, reason)


def _ask(reason: Reason) -> Verdict:
    return Verdict(Meaning.DONE, reason)


_CODES: dict[Verdict, str] = {
    _UNKNOWN: "SYSTEMERROR BANKERROR SERVICEUNAVAILABLE INTERNALERROR BIZERRNEEDRETRY",
    _LIMITED: "FREQUENCYLIMITED RATELIMITEXCEED RATELIMITEXCEEDED FREQUENCYLIMITEXCEED",
    _ABSENT: "ORDERNOTEXIST RESOURCENOTEXISTS NOTFOUND REFUNDNOTEXIST",
    _PENDING: "USERPAYING",
    _ask(Reason.ALREADY_DONE): "ORDERPAID",
    _ask(Reason.CLOSED): "ORDERCLOSED ORDERREVERSED",
    _ask(Reason.DUPLICATE): "OUTTRADENOUSED",
    _refused(Reason.BAD_SIGNATURE): "SIGNERROR",
    _refused(Reason.UNAUTHENTICATED): "APPIDMCHIDNOTMATCH MCHNOTEXISTS MCHIDNOTEXIST APPIDNOTEXIST",
    _refused(Reason.NOT_PERMITTED): "NOAUTH",
    _refused(Reason.INVALID_REQUEST): (
        "PARAMERROR INVALIDREQUEST OPENIDMISMATCH INVALIDTRANSACTIONID LACKPARAMS NOTUTF8 POSTDATAEMPTY"
    ),
    _refused(Reason.DECLINED): "TRADEERROR ACCOUNTERROR USERACCOUNTABNORMAL",
    _refused(Reason.INSUFFICIENT_FUNDS): "NOTENOUGH",
    _refused(Reason.LIMIT_EXCEEDED): "RULELIMIT",
    _refused(Reason.CODE_INVALID): "AUTHCODEINVALID AUTHCODEEXPIRE AUTHCODEERROR",
    _refused(Reason.NOT_FOUND): "NOSTATEMENTEXIST",
    _refused(Reason.INVALID_STATE): "STATEMENTCREATING",
}

CODES = {code: found for found, codes in _CODES.items() for code in codes.split()}
"""Every code that this version knows, without underscores."""

_STATUSES = {
    202: _PENDING,
    401: _refused(Reason.BAD_SIGNATURE),
    403: _refused(Reason.OTHER),
    404: _ABSENT,
    429: _LIMITED,
}
"""Where the code is new: what the status alone says."""


def plain_code(code: str) -> str:
    """A code in the one spelling of the tables: ``NOT_ENOUGH`` is ``NOTENOUGH``."""
    return code.strip().upper().replace("_", "")


def verdict(status: int, code: str) -> Verdict:
    """What a refusal means. A new code of a 4xx answer is a refusal with reason ``OTHER``.

    A status that is no refusal at all (a redirect, an odd 2xx) and a 4xx without any code tell nothing.
    """
    known = CODES.get(plain_code(code))
    if known is not None:
        return known
    if status >= 500:
        return _UNKNOWN
    if status == 202 or (code and status in _STATUSES):
        return _STATUSES[status]
    if status == 429:
        return _LIMITED
    return _refused(Reason.OTHER) if code and 400 <= status < 500 else _UNCLEAR


class TradeState(Enum):
    """``trade_state`` of a payment."""

    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    NOTPAY = "NOTPAY"
    USERPAYING = "USERPAYING"
    ACCEPT = "ACCEPT"
    CLOSED = "CLOSED"
    REVOKED = "REVOKED"
    PAYERROR = "PAYERROR"


class RefundStatus(Enum):
    """``status`` of a refund, ``refund_status`` in a notification."""

    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"


class TransferState(Enum):
    """``state`` of a transfer bill. ``TRANSFERING`` is the partner's spelling."""

    ACCEPTED = "ACCEPTED"
    PROCESSING = "PROCESSING"
    WAIT_USER_CONFIRM = "WAIT_USER_CONFIRM"
    TRANSFERING = "TRANSFERING"
    SUCCESS = "SUCCESS"
    FAIL = "FAIL"
    CANCELING = "CANCELING"
    CANCELLED = "CANCELLED"


class Stage(Enum):
    """What a status amounts to, before the way of paying is considered."""

    OPEN = "open"
    """The payer or payee has still to act."""
    WORKING = "working"
    PAID = "paid"
    OVER = "over"
    FAILED = "failed"
    """This try failed, the order itself is not closed yet."""


def trade_stage(state: TradeState) -> Stage:
    """How a payment stands. ``REFUND``: it was paid, and giving back has begun. ``PAYERROR``: must be reversed."""
    match state:
        case TradeState.SUCCESS | TradeState.REFUND:
            return Stage.PAID
        case TradeState.NOTPAY:
            return Stage.OPEN
        case TradeState.USERPAYING | TradeState.ACCEPT:
            return Stage.WORKING
        case TradeState.CLOSED | TradeState.REVOKED:
            return Stage.OVER
        case TradeState.PAYERROR:
            return Stage.FAILED
        case _:
            assert_never(state)


def refund_stage(status: RefundStatus) -> Stage:
    """How a refund stands. ``ABNORMAL``: the account cannot receive; the merchant must finish it elsewhere."""
    match status:
        case RefundStatus.PROCESSING | RefundStatus.ABNORMAL:
            return Stage.WORKING
        case RefundStatus.SUCCESS:
            return Stage.PAID
        case RefundStatus.CLOSED:
            return Stage.OVER
        case _:
            assert_never(status)


def transfer_stage(state: TransferState) -> Stage:
    """How a transfer stands."""
    match state:
        case TransferState.ACCEPTED | TransferState.PROCESSING | TransferState.TRANSFERING | TransferState.CANCELING:
            return Stage.WORKING
        case TransferState.WAIT_USER_CONFIRM:
            return Stage.OPEN
        case TransferState.SUCCESS:
            return Stage.PAID
        case TransferState.FAIL | TransferState.CANCELLED:
            return Stage.OVER
        case _:
            assert_never(state)


_FAIL_REASONS: dict[Reason, str] = {
    Reason.MERCHANT_FUNDS: "NOT_ENOUGH BALANCE_NOT_ENOUGH",
    Reason.LIMIT_EXCEEDED: (
        "BANK_CARD_COLLECTIONS_ABOVE_QUOTA BLOCK_B2C_USERLIMITAMOUNT_BSRULE_MONTH BLOCK_B2C_USERLIMITAMOUNT_MONTH"
        " DAY_RECEIVED_COUNT_EXCEED DAY_RECEIVED_QUOTA_EXCEED EXCEEDED_ESTIMATED_AMOUNT"
        " REALNAME_ACCOUNT_RECEIVED_QUOTA_EXCEED TRANSFER_QUOTA_EXCEED"
    ),
    Reason.INVALID_REQUEST: (
        "BANK_CARD_BANK_INFO_WRONG BANK_CARD_CARD_INFO_WRONG BANK_CARD_PARAM_ERROR ID_CARD_NOT_CORRECT NAME_NOT_CORRECT"
        " OPENID_INVALID REAL_NAME_CHECK_FAIL RESERVATION_INFO_NOT_MATCH RESERVATION_SCENE_NOT_MATCH"
        " RESERVATION_STATE_INVALID TRANSFER_REMARK_SET_FAIL TRANSFER_SCENE_INVALID"
    ),
    Reason.NOT_PERMITTED: "PRODUCT_AUTH_CHECK_FAIL RECEIVE_ACCOUNT_NOT_CONFIGURE TRANSFER_SCENE_UNAVAILABLE",
    Reason.MERCHANT_BLOCKED: "PAYER_ACCOUNT_ABNORMAL",
    Reason.EXPIRED: "OVERDUE_CLOSE MERCHANT_NOT_CONFIRM",
    Reason.CLOSED: "MCH_CANCEL MERCHANT_REJECT",
    Reason.DECLINED: (
        "ACCOUNT_FROZEN ACCOUNT_NOT_EXIST BANK_CARD_ACCOUNT_ABNORMAL BANK_CARD_STATUS_ABNORMAL"
        " OTHER_FAIL_REASON_TYPE PAYEE_ACCOUNT_ABNORMAL TRANSFER_RISK"
    ),
}
FAIL_REASONS = {code: reason for reason, codes in _FAIL_REASONS.items() for code in codes.split()}
"""Why a transfer failed, by ``fail_reason``; the partner adds values at any time."""


def fail_reason(code: str | None) -> Reason:
    """The reason of a failed transfer; ``OTHER`` for one that this version does not know."""
    return FAIL_REASONS.get(code or "", Reason.OTHER)
