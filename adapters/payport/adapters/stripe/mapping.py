"""Stripe's codes and statuses as tables: what each means for the order. Unknown ones are kept, never guessed.

Sources: Stripe's API reference, "errors"; its documentation of error codes and decline codes; its own libraries for
what is worth trying again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from payport.schemas.outcome import Reason


class Meaning(Enum):
    """What a refusal amounts to, beyond a reason."""

    REFUSED = "refused"
    """Final: nothing of this call happened or will."""
    UNKNOWN = "unknown"
    """Stripe's own fault, or a twin is under way: it may have happened."""
    ABSENT = "absent"
    """Stripe does not know what was named."""
    CONFLICT = "conflict"
    """Stripe keeps this key with other parameters."""
    MOVED_ON = "moved_on"
    """Not possible any more: how the record stands tells what became of it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A refusal's meaning and reason. ``again``: the identical call may be repeated at once."""

    meaning: Meaning
    reason: Reason
    again: bool = False


def may_retry(status: int, advice: str | None) -> bool:
    """Whether an answer is worth trying again: ``Stripe-Should-Retry`` wins; else conflicts and Stripe's faults are.

    Too many calls (429) are not: without advice, Stripe's own libraries do not repeat them either.
    """
    if advice in ("true", "false"):
        return advice == "true"
    return status == 409 or status >= 500


_MOVED_ON = frozenset(
    {
        "payment_intent_unexpected_state",
        "charge_already_captured",
        "charge_already_refunded",
        "charge_expired_for_capture",
    }
)
_BY_CODE: dict[Reason, str] = {
    Reason.INVALID_STATE: (
        "capture_charge_authorization_expired charge_disputed charge_exceeds_transaction_limit charge_not_refundable "
        "payment_intent_action_required payment_intent_incompatible_payment_method refund_disputed_payment"
    ),
    Reason.MERCHANT_FUNDS: "balance_insufficient insufficient_funds",
    Reason.LIMIT_EXCEEDED: "instant_payouts_limit_exceeded payouts_limit_exceeded",
    Reason.NOT_PERMITTED: (
        "account_invalid instant_payouts_currency_disabled instant_payouts_unsupported livemode_mismatch "
        "payouts_not_allowed testmode_charges_only"
    ),
    Reason.UNAUTHENTICATED: "api_key_expired platform_api_key_expired secret_key_required",
}
_REASONS = {code: reason for reason, codes in _BY_CODE.items() for code in codes.split()}

_DECLINES: dict[Reason, str] = {
    Reason.INSUFFICIENT_FUNDS: "insufficient_funds",
    Reason.LIMIT_EXCEEDED: "card_velocity_exceeded withdrawal_count_limit_exceeded",
    Reason.DUPLICATE: "duplicate_transaction",
    Reason.BLOCKED: "lost_card pickup_card restricted_card stolen_card",
    Reason.PARTNER_UNAVAILABLE: "issuer_not_available",
}
_DECLINE_REASONS = {code: reason for reason, codes in _DECLINES.items() for code in codes.split()}


def decline_reason(code: str | None, decline_code: str | None) -> Reason:
    """Why a payment method was refused. What is not in the table is a plain refusal; the code stands beside it."""
    return _DECLINE_REASONS.get(decline_code or "") or _DECLINE_REASONS.get(code or "") or Reason.DECLINED


def verdict(
    status: int, kind: str | None, code: str | None, decline_code: str | None, advice: str | None = None
) -> Verdict:
    """What a refusal means: ``status`` of HTTP, then ``type``, ``code`` and ``decline_code`` of the error."""
    again = may_retry(status, advice)
    if status >= 500 or (status == 409 and (kind != "idempotency_error" or code == "idempotency_key_in_use")):
        return Verdict(Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE, again)
    if kind == "idempotency_error":
        return Verdict(Meaning.CONFLICT, Reason.DUPLICATE, again)
    if status == 429 or code == "rate_limit":
        if code == "lock_timeout":
            # another request holds the record, which may be an earlier try of this one: no refusal, and worth a retry
            return Verdict(Meaning.UNKNOWN, Reason.RATE_LIMITED, again=advice != "false")
        return Verdict(Meaning.REFUSED, Reason.RATE_LIMITED, again)
    found = _BY_STATUS.get(status) or _by_code(status, kind, code, decline_code)
    return replace(found, again=again)


_BY_STATUS = {
    401: Verdict(Meaning.REFUSED, Reason.UNAUTHENTICATED),
    403: Verdict(Meaning.REFUSED, Reason.NOT_PERMITTED),
    404: Verdict(Meaning.ABSENT, Reason.NOT_FOUND),
}


def _by_code(status: int, kind: str | None, code: str | None, decline_code: str | None) -> Verdict:
    if status == 402 or kind == "card_error":
        return Verdict(Meaning.REFUSED, decline_reason(code, decline_code))
    if code == "resource_missing":
        return Verdict(Meaning.ABSENT, Reason.NOT_FOUND)
    if code in _MOVED_ON:
        return Verdict(Meaning.MOVED_ON, Reason.INVALID_STATE)
    if code in _REASONS:
        return Verdict(Meaning.REFUSED, _REASONS[code])
    known = kind == "invalid_request_error"
    return Verdict(Meaning.REFUSED, Reason.INVALID_REQUEST if known else Reason.OTHER)


class IntentStatus(Enum):
    """``status`` of a PaymentIntent."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    REQUIRES_CAPTURE = "requires_capture"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class SessionStatus(Enum):
    """``status`` of a Checkout Session."""

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


class RefundStatus(Enum):
    """``status`` of a refund."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class PayoutStatus(Enum):
    """``status`` of a payout."""

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"


TIME_IS_OVER = frozenset({"automatic", "expired"})
"""``cancellation_reason`` of an intent that Stripe ended by itself: nobody captured it in time."""
