"""Adyen's codes as tables: what each means for the order. Unknown ones are kept, never guessed.

Sources: Adyen's documentation, "result codes", "refusal reasons", "error codes and types", "API idempotency"; its
OpenAPI document of Checkout v71.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from payport.schemas.outcome import Reason


class ResultCode(Enum):
    """``resultCode`` of a payment; all that the document lists."""

    AUTHENTICATION_FINISHED = "AuthenticationFinished"
    AUTHENTICATION_NOT_REQUIRED = "AuthenticationNotRequired"
    AUTHORISED = "Authorised"
    CANCELLED = "Cancelled"
    CHALLENGE_SHOPPER = "ChallengeShopper"
    ERROR = "Error"
    IDENTIFY_SHOPPER = "IdentifyShopper"
    PARTIALLY_AUTHORISED = "PartiallyAuthorised"
    PENDING = "Pending"
    PRESENT_TO_SHOPPER = "PresentToShopper"
    RECEIVED = "Received"
    REDIRECT_SHOPPER = "RedirectShopper"
    REFUSED = "Refused"
    SUCCESS = "Success"


class LinkStatus(Enum):
    """``status`` of a payment link."""

    ACTIVE = "active"
    COMPLETED = "completed"
    EXPIRED = "expired"
    PAID = "paid"
    PAYMENT_PENDING = "paymentPending"


class SessionStatus(Enum):
    """``status`` of a session's result."""

    ACTIVE = "active"
    CANCELED = "canceled"
    COMPLETED = "completed"
    EXPIRED = "expired"
    PAYMENT_PENDING = "paymentPending"
    REFUSED = "refused"


RECEIVED = "received"
"""All that Adyen ever answers to a modification: it says nothing of what becomes of it."""

_REFUSALS: dict[Reason, str] = {
    Reason.DECLINED: "2 3 6 8 11 14 17 18 19 20 22 24 26 27 31 32 38",
    Reason.PARTNER_UNAVAILABLE: "4 9",
    Reason.BLOCKED: "5 25",
    Reason.INVALID_REQUEST: "7 10 21",
    Reason.INSUFFICIENT_FUNDS: "12",
    Reason.CLOSED: "15 16",
    Reason.NOT_PERMITTED: "23",
    Reason.LIMIT_EXCEEDED: "28 29",
}
REFUSAL_REASONS = {code: reason for reason, codes in _REFUSALS.items() for code in codes.split()}
"""``refusalReasonCode``, a number as text."""


def refusal_reason(code: str | None) -> Reason:
    """Why a payment was refused. What is not in the table is a plain refusal; the code stands beside it."""
    return REFUSAL_REASONS.get(code or "", Reason.DECLINED)


class Meaning(Enum):
    """What an error answer amounts to."""

    REFUSED = "refused"
    """Final: nothing of this call happened or will."""
    UNKNOWN = "unknown"
    """Adyen's own fault, or a twin is under way: it may have happened."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """An error's meaning and reason. ``again``: the identical call, with its key, may be repeated at once."""

    meaning: Meaning
    reason: Reason
    again: bool = False


IN_PROGRESS = frozenset({"703", "704"})
"""The service is busy; the key's first request is still being worked on. No refusal: the same key again, later."""

_BY_CODE: dict[Reason, str] = {
    Reason.NOT_FOUND: "167",
    Reason.NOT_PERMITTED: "010 901",
    Reason.UNAUTHENTICATED: "000",
    Reason.INVALID_STATE: "139 152",
}
_REASONS = {code: reason for reason, codes in _BY_CODE.items() for code in codes.split()}
_INVALID = frozenset({"100", "130", "137", "138", "702"})
_BY_STATUS = {
    401: Reason.UNAUTHENTICATED,
    403: Reason.NOT_PERMITTED,
    404: Reason.NOT_FOUND,
    429: Reason.RATE_LIMITED,
}


def verdict(status: int, code: str | None, kind: str | None, *, transient: bool) -> Verdict:
    """What an error means: ``status`` of HTTP, ``errorCode``, ``errorType``, and the header ``Transient-Error``."""
    if transient:
        return Verdict(Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE, again=True)
    if status == 409 or code in IN_PROGRESS:
        return Verdict(Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE, again=True)
    if status >= 500:
        return Verdict(Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE)
    if status in _BY_STATUS:
        return Verdict(Meaning.REFUSED, _BY_STATUS[status])
    known = _REASONS.get(code or "")
    if known is not None:
        return Verdict(Meaning.REFUSED, known)
    if kind == "security":
        return Verdict(Meaning.REFUSED, Reason.NOT_PERMITTED)
    invalid = kind == "validation" or (code or "").startswith("14_") or code in _INVALID
    return Verdict(Meaning.REFUSED, Reason.INVALID_REQUEST if invalid else Reason.OTHER)
