"""What this adapter uses of Stripe's OpenAPI document, for ``payport drift``; a test keeps it equal to the traffic.

Numbers that are asked to be expanded (``latest_charge``, ``payment_intent``) are listed as the numbers that they are.
"""

from __future__ import annotations

from collections.abc import Mapping

from payport.adapters.stripe.mapping import IntentStatus, SessionStatus
from payport.sdk.drift import Use

_NOTES = {"metadata": "object"}
INTENT: Mapping[str, str] = {
    "amount": "integer",
    "amount_capturable": "integer",
    "amount_received": "integer",
    "canceled_at": "integer",
    "cancellation_reason": "string",
    "capture_method": "string",
    "client_secret": "string",
    "created": "integer",
    "currency": "string",
    "id": "string",
    "last_payment_error": "object",
    "latest_charge": "string",
    "livemode": "boolean",
    "metadata": "object",
    "next_action": "object",
    "receipt_email": "string",
    "shipping": "object",
    "status": "string",
}
SESSION: Mapping[str, str] = {
    "amount_total": "integer",
    "client_reference_id": "string",
    "created": "integer",
    "currency": "string",
    "customer_details": "object",
    "customer_email": "string",
    "expires_at": "integer",
    "id": "string",
    "livemode": "boolean",
    "metadata": "object",
    "payment_intent": "string",
    "payment_status": "string",
    "status": "string",
    "url": "string",
}
REFUND: Mapping[str, str] = {
    "amount": "integer",
    "charge": "string",
    "created": "integer",
    "currency": "string",
    "failure_reason": "string",
    "id": "string",
    "metadata": "object",
    "payment_intent": "string",
    "pending_reason": "string",
    "reason": "string",
    "status": "string",
}
PAYOUT: Mapping[str, str] = {
    "amount": "integer",
    "arrival_date": "integer",
    "automatic": "boolean",
    "created": "integer",
    "currency": "string",
    "destination": "string",
    "failure_code": "string",
    "id": "string",
    "livemode": "boolean",
    "metadata": "object",
    "method": "string",
    "status": "string",
}
_INTENT_WORDS = {"status": frozenset(status.value for status in IntentStatus)}
_SESSION_WORDS = {
    "status": frozenset(status.value for status in SessionStatus),
    "payment_status": frozenset({"paid", "unpaid", "no_payment_required"}),
}


def _listed(record: Mapping[str, str]) -> dict[str, str]:
    return {"has_more": "boolean", "data": "array", **{f"data[].{name}": kind for name, kind in record.items()}}


USES = (
    Use(
        route="POST /v1/payment_intents",
        sends={
            "amount": "integer",
            "automatic_payment_methods": "object",
            "automatic_payment_methods.allow_redirects": "string",
            "automatic_payment_methods.enabled": "boolean",
            "capture_method": "string",
            "currency": "string",
            "customer": "string",
            "description": "string",
            "payment_method": "string",
            "payment_method_options": "object",
            "payment_method_options.card": "object",
            "payment_method_options.card.request_multicapture": "string",
            "setup_future_usage": "string",
            **_NOTES,
        },
        reads=INTENT,
        values=_INTENT_WORDS,
    ),
    Use(
        route="POST /v1/payment_intents/{intent}/confirm",
        sends={"off_session": "boolean", "return_url": "string"},
        reads=INTENT,
        values=_INTENT_WORDS,
    ),
    Use(
        route="POST /v1/payment_intents/{intent}/capture",
        sends={"amount_to_capture": "integer", "final_capture": "boolean", **_NOTES},
        reads=INTENT,
        values=_INTENT_WORDS,
    ),
    Use(
        route="POST /v1/payment_intents/{intent}/cancel",
        sends={"cancellation_reason": "string", "expand": "array"},
        reads=INTENT,
        values=_INTENT_WORDS,
    ),
    Use(route="GET /v1/payment_intents/{intent}", sends={"expand": "array"}, reads=INTENT, values=_INTENT_WORDS),
    Use(
        route="GET /v1/payment_intents/search",
        sends={"limit": "integer", "query": "string"},
        reads=_listed(INTENT),
    ),
    Use(
        route="POST /v1/checkout/sessions",
        sends={
            "cancel_url": "string",
            "client_reference_id": "string",
            "customer": "string",
            "customer_email": "string",
            "expires_at": "integer",
            "line_items": "array",
            "line_items[]": "object",
            "line_items[].price_data": "object",
            "line_items[].price_data.currency": "string",
            "line_items[].price_data.product_data": "object",
            "line_items[].price_data.product_data.name": "string",
            "line_items[].price_data.unit_amount": "integer",
            "line_items[].quantity": "integer",
            "mode": "string",
            "payment_intent_data": "object",
            "payment_intent_data.capture_method": "string",
            "payment_intent_data.description": "string",
            "payment_intent_data.metadata": "object",
            "success_url": "string",
            **_NOTES,
        },
        reads=SESSION,
        values=_SESSION_WORDS,
    ),
    Use(
        route="GET /v1/checkout/sessions/{session}",
        sends={"expand": "array"},
        reads=SESSION,
        values=_SESSION_WORDS,
    ),
    Use(route="POST /v1/checkout/sessions/{session}/expire"),
    Use(
        route="POST /v1/refunds",
        sends={"amount": "integer", "payment_intent": "string", "reason": "string", **_NOTES},
        reads=REFUND,
    ),
    Use(route="GET /v1/refunds/{refund}", reads=REFUND),
    Use(route="GET /v1/refunds", sends={"limit": "integer", "payment_intent": "string"}, reads=_listed(REFUND)),
    Use(
        route="POST /v1/payouts",
        sends={
            "amount": "integer",
            "currency": "string",
            "description": "string",
            "destination": "string",
            "method": "string",
            **_NOTES,
        },
        reads=PAYOUT,
    ),
    Use(route="GET /v1/payouts/{payout}", reads=PAYOUT),
    Use(route="GET /v1/payouts", sends={"created": "object", "limit": "integer"}, reads=_listed(PAYOUT)),
)
