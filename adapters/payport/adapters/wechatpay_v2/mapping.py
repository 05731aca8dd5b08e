"""WeChat's codes and states as tables: what each means for the order. Unknown ones are kept, never guessed.

Sources: pay.weixin.qq.com, API v2, the error codes and states of each endpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from payport.adapters.wechatpay_v2.calls import MICROPAY, REFUND
from payport.schemas.outcome import Reason


class Meaning(Enum):
    """What a refusal (``result_code`` FAIL) amounts to, beyond a reason."""

    REFUSED = "refused"
    """Final: nothing of this call happened or will."""
    UNKNOWN = "unknown"
    """WeChat's own fault, or a bank's: it may have happened."""
    WAITING = "waiting"
    """The payer is entering the password."""
    ABSENT = "absent"
    """WeChat does not know the order or refund (yet)."""
    DONE = "done"
    """It was paid before: ask how."""
    CONFLICT = "conflict"
    """WeChat holds this number with other data."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A code's meaning and reason. ``again``: the same call may be repeated at once."""

    meaning: Meaning
    reason: Reason
    again: bool = False


def _refused(reason: Reason, *, again: bool = False) -> Verdict:
    return Verdict(Meaning.REFUSED, reason, again)


_CODES: dict[Verdict, str] = {
    Verdict(Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE, again=True): "SYSTEMERROR BIZERR_NEED_RETRY",
    Verdict(Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE): "BANKERROR",
    Verdict(Meaning.WAITING, Reason.PARTNER_UNAVAILABLE): "USERPAYING",
    Verdict(Meaning.ABSENT, Reason.NOT_FOUND): "ORDERNOTEXIST REFUNDNOTEXIST RESOURCE_NOT_EXISTS",
    Verdict(Meaning.DONE, Reason.ALREADY_DONE): "ORDERPAID",
    Verdict(Meaning.CONFLICT, Reason.DUPLICATE): "OUT_TRADE_NO_USED",
    _refused(Reason.RATE_LIMITED, again=True): (
        "FREQUENCY_LIMITED FREQUENCY_LIMIT_EXCEED RATELIMIT_EXCEED RATELIMIT_EXCEEDED"
    ),
    _refused(Reason.RATE_LIMITED): "INVALID_REQ_TOO_MUCH",
    _refused(Reason.BAD_SIGNATURE): "SIGNERROR",
    _refused(Reason.UNAUTHENTICATED): "APPID_NOT_EXIST MCHID_NOT_EXIST APPID_MCHID_NOT_MATCH CERT_ERROR",
    _refused(Reason.NOT_PERMITTED): "NOAUTH",
    _refused(Reason.INVALID_REQUEST): (
        "PARAM_ERROR LACK_PARAMS INVALID_REQUEST INVALID_TRANSACTIONID XML_FORMAT_ERROR REQUIRE_POST_METHOD"
        " POST_DATA_EMPTY NOT_UTF8"
    ),
    _refused(Reason.CLOSED): "ORDERCLOSED ORDERREVERSED",
    _refused(Reason.INVALID_STATE): "TRADE_OVERDUE REVERSE_EXPIRE TRADE_STATE_ERROR REFUND_FEE_MISMATCH",
    _refused(Reason.INSUFFICIENT_FUNDS): "NOTENOUGH",
    _refused(Reason.CODE_INVALID): "AUTHCODEEXPIRE AUTH_CODE_ERROR AUTH_CODE_INVALID",
    _refused(Reason.DECLINED): "NOTSUPORTCARD BUYER_MISMATCH USER_ACCOUNT_ABNORMAL ACCOUNTERROR TRADE_ERROR",
    _refused(Reason.LIMIT_EXCEEDED): "RULELIMIT",
}
_OF_ENDPOINT: dict[tuple[str, str], Verdict] = {
    # the balance that does not suffice is the merchant's
    (REFUND, "NOTENOUGH"): _refused(Reason.MERCHANT_FUNDS),
    # the code may have been charged: a repetition could take it again, so the question decides
    (MICROPAY, "SYSTEMERROR"): Verdict(Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE),
}


def plain_code(code: str) -> str:
    """A code without the underscores, which WeChat writes or leaves out as it likes."""
    return code.strip().upper().replace("_", "")


CODES = {plain_code(code): found for found, codes in _CODES.items() for code in codes.split()}


def verdict(path: str, code: str) -> Verdict | None:
    """What a refusal of an endpoint means; ``None`` for a code that this version does not know."""
    plain = plain_code(code)
    return _OF_ENDPOINT.get((path, plain)) or CODES.get(plain)


class TradeState(Enum):
    """``trade_state`` of an order."""

    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    NOTPAY = "NOTPAY"
    CLOSED = "CLOSED"
    REVOKED = "REVOKED"
    USERPAYING = "USERPAYING"
    ACCEPT = "ACCEPT"
    PAYERROR = "PAYERROR"


class Stage(Enum):
    """What a state amounts to, before the way of paying is considered."""

    OPEN = "open"
    WORKING = "working"
    """The payer or the bank is at it."""
    PAID = "paid"
    """Paid; also with refunds begun since."""
    FAILED = "failed"
    CLOSED = "closed"
    REVOKED = "revoked"
    """Reversed by the merchant: closed, or given back when it had been paid."""


def trade_stage(state: TradeState) -> Stage:
    """How an order stands."""
    match state:
        case TradeState.SUCCESS | TradeState.REFUND:
            return Stage.PAID
        case TradeState.NOTPAY:
            return Stage.OPEN
        case TradeState.USERPAYING | TradeState.ACCEPT:
            return Stage.WORKING
        case TradeState.PAYERROR:
            return Stage.FAILED
        case TradeState.CLOSED:
            return Stage.CLOSED
        case TradeState.REVOKED:
            return Stage.REVOKED
        case _:
            assert_never(state)


class RefundState(Enum):
    """``refund_status`` of one refund."""

    SUCCESS = "SUCCESS"
    PROCESSING = "PROCESSING"
    REFUNDCLOSE = "REFUNDCLOSE"
    CHANGE = "CHANGE"
    """The payer's account cannot take it: the merchant must finish it in the console."""
