"""What this adapter uses of PayPal's OpenAPI documents of Orders v2, Payments v2, Payouts v1 and Transaction Search v1,
for ``payport drift``; a test keeps it equal to the traffic and to the fields of ``wire``.

Three calls are in none of these documents and are left out: the token service, the certificates of webhooks, and
``payouts-item.cancel``, which the document of Payouts mentions in its texts only. Nor are events, which no operation
answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from payport.adapters.paypal.mapping import (
    AuthorizationStatus,
    BatchStatus,
    CaptureStatus,
    OrderStatus,
    PayoutStatus,
    RefundStatus,
)
from payport.sdk.drift import Use


def _inside(place: str, record: Mapping[str, str]) -> dict[str, str]:
    return {place: "object", **{f"{place}.{name}": kind for name, kind in record.items()}}


def _listed(place: str, record: Mapping[str, str]) -> dict[str, str]:
    return {place: "array", **{f"{place}[].{name}": kind for name, kind in record.items()}}


def _words(statuses: type[Enum]) -> frozenset[str]:
    return frozenset(str(status.value) for status in statuses)


_PRICE = {"currency_code": "string", "value": "string"}
_AMOUNT = _inside("amount", _PRICE)
_LINKS = _listed("links", {"href": "string", "rel": "string"})
_PAYEE = _inside("payee", {"merchant_id": "string"})
_PROCESSOR = _inside("processor_response", {"response_code": "string"})
_SUPPLEMENT = _inside(
    "supplementary_data",
    _inside("related_ids", {"authorization_id": "string", "capture_id": "string", "order_id": "string"}),
)
_MOVEMENT = {
    **_AMOUNT,
    **_LINKS,
    **_inside("status_details", {"reason": "string"}),
    "create_time": "string",
    "custom_id": "string",
    "id": "string",
    "invoice_id": "string",
    "status": "string",
    "update_time": "string",
}
_CAPTURED = {**_MOVEMENT, **_PROCESSOR, "final_capture": "boolean"}
_HELD = {**_MOVEMENT, "expiration_time": "string"}

CAPTURE: Mapping[str, str] = {**_CAPTURED, **_PAYEE, **_SUPPLEMENT}
AUTHORIZATION: Mapping[str, str] = {**_HELD, **_PAYEE, **_SUPPLEMENT}
"""Without what the processor said: PayPal shows it of a hold inside an order only."""
REFUND: Mapping[str, str] = {**_MOVEMENT, "note_to_payer": "string"}
ORDER: Mapping[str, str] = {
    **_LINKS,
    **_listed(
        "purchase_units",
        {
            **_AMOUNT,
            **_PAYEE,
            **_inside(
                "payments",
                {
                    **_listed("authorizations", {**_HELD, **_PROCESSOR}),
                    **_listed("captures", _CAPTURED),
                    **_listed("refunds", REFUND),
                },
            ),
            "custom_id": "string",
            "invoice_id": "string",
            "reference_id": "string",
        },
    ),
    "create_time": "string",
    "id": "string",
    "intent": "string",
    "payer": "object",
    "payment_source": "object",
    "status": "string",
    "update_time": "string",
}
"""Captures and holds inside an order do not repeat its payee and its number."""
PAYOUT: Mapping[str, str] = {
    **_inside("errors", {"message": "string", "name": "string"}),
    **_inside(
        "payout_item",
        {
            **_inside("amount", {"currency": "string", "value": "string"}),
            "receiver": "string",
            "sender_item_id": "string",
        },
    ),
    "payout_batch_id": "string",
    "payout_item_id": "string",
    "time_processed": "string",
    "transaction_id": "string",
    "transaction_status": "string",
}
NEW_BATCH: Mapping[str, str] = {
    **_LINKS,
    **_inside(
        "batch_header",
        {
            **_inside("sender_batch_header", {"sender_batch_id": "string"}),
            "batch_status": "string",
            "payout_batch_id": "string",
        },
    ),
}
"""A batch that was just taken: its items cannot be seen yet."""
BATCH: Mapping[str, str] = {**NEW_BATCH, **_listed("items", PAYOUT)}
TRANSACTIONS: Mapping[str, str] = {
    **_listed(
        "transaction_details",
        _inside(
            "transaction_info",
            {
                **_inside("fee_amount", _PRICE),
                **_inside("transaction_amount", _PRICE),
                "custom_field": "string",
                "invoice_id": "string",
                "paypal_reference_id": "string",
                "paypal_reference_id_type": "string",
                "transaction_event_code": "string",
                "transaction_id": "string",
                "transaction_initiation_date": "string",
                "transaction_status": "string",
                "transaction_updated_date": "string",
            },
        ),
    ),
    "last_refreshed_datetime": "string",
    "page": "integer",
    "total_items": "integer",
    "total_pages": "integer",
}
BALANCES: Mapping[str, str] = {
    **_listed(
        "balances",
        {
            **_inside("available_balance", _PRICE),
            **_inside("total_balance", _PRICE),
            **_inside("withheld_balance", _PRICE),
            "currency": "string",
        },
    ),
    "as_of_time": "string",
}

_CAPTURE_WORDS = {"status": _words(CaptureStatus)}
_AUTHORIZATION_WORDS = {"status": _words(AuthorizationStatus)}
_REFUND_WORDS = {"status": _words(RefundStatus)}
_ORDER_WORDS = {
    "status": _words(OrderStatus),
    "purchase_units[].payments.authorizations[].status": _words(AuthorizationStatus),
    "purchase_units[].payments.captures[].status": _words(CaptureStatus),
    "purchase_units[].payments.refunds[].status": _words(RefundStatus),
}
_PAYOUT_WORDS = {"transaction_status": _words(PayoutStatus)}
_NEW_BATCH_WORDS = {"batch_header.batch_status": _words(BatchStatus)}
_BATCH_WORDS = {**_NEW_BATCH_WORDS, "items[].transaction_status": _words(PayoutStatus)}

USES: tuple[Use, ...] = (
    Use(
        route="POST /v2/checkout/orders",
        sends={
            "intent": "string",
            **_inside(
                "payment_source",
                _inside(
                    "paypal",
                    {
                        "email_address": "string",
                        **_inside(
                            "experience_context",
                            {
                                "brand_name": "string",
                                "cancel_url": "string",
                                "return_url": "string",
                                "shipping_preference": "string",
                                "user_action": "string",
                            },
                        ),
                    },
                ),
            ),
            "purchase_units[]": "object",
            **_listed(
                "purchase_units",
                {
                    **_AMOUNT,
                    **_PAYEE,
                    "custom_id": "string",
                    "description": "string",
                    "invoice_id": "string",
                    "reference_id": "string",
                },
            ),
        },
        reads=ORDER,
        values=_ORDER_WORDS,
    ),
    Use(route="GET /v2/checkout/orders/{id}", reads=ORDER, values=_ORDER_WORDS),
    Use(route="POST /v2/checkout/orders/{id}/capture", reads=ORDER, values=_ORDER_WORDS),
    Use(route="POST /v2/checkout/orders/{id}/authorize", reads=ORDER, values=_ORDER_WORDS),
    Use(
        route="GET /v2/payments/authorizations/{authorization_id}",
        reads=AUTHORIZATION,
        values=_AUTHORIZATION_WORDS,
    ),
    Use(
        route="POST /v2/payments/authorizations/{authorization_id}/capture",
        sends={**_AMOUNT, "final_capture": "boolean", "invoice_id": "string"},
        reads=CAPTURE,
        values=_CAPTURE_WORDS,
    ),
    Use(
        route="POST /v2/payments/authorizations/{authorization_id}/reauthorize",
        sends=_AMOUNT,
        reads=AUTHORIZATION,
        values=_AUTHORIZATION_WORDS,
    ),
    Use(
        route="POST /v2/payments/authorizations/{authorization_id}/void",
        reads=AUTHORIZATION,
        values=_AUTHORIZATION_WORDS,
    ),
    Use(route="GET /v2/payments/captures/{capture_id}", reads=CAPTURE, values=_CAPTURE_WORDS),
    Use(
        route="POST /v2/payments/captures/{capture_id}/refund",
        sends={**_AMOUNT, "custom_id": "string", "invoice_id": "string", "note_to_payer": "string"},
        reads=REFUND,
        values=_REFUND_WORDS,
    ),
    Use(route="GET /v2/payments/refunds/{refund_id}", reads=REFUND, values=_REFUND_WORDS),
    Use(
        route="POST /v1/payments/payouts",
        sends={
            "items[]": "object",
            **_listed(
                "items",
                {
                    **_inside("amount", {"currency": "string", "value": "string"}),
                    "note": "string",
                    "receiver": "string",
                    "recipient_type": "string",
                    "sender_item_id": "string",
                },
            ),
            **_inside("sender_batch_header", {"email_subject": "string", "sender_batch_id": "string"}),
        },
        reads=NEW_BATCH,
        values=_NEW_BATCH_WORDS,
    ),
    Use(route="GET /v1/payments/payouts/{id}", reads=BATCH, values=_BATCH_WORDS),
    Use(route="GET /v1/payments/payouts-item/{payout_item_id}", reads=PAYOUT, values=_PAYOUT_WORDS),
    Use(
        route="GET /v1/reporting/transactions",
        sends={
            "balance_affecting_records_only": "string",
            "end_date": "string",
            "fields": "string",
            "page": "integer",
            "page_size": "integer",
            "start_date": "string",
            "transaction_amount": "string",
            "transaction_currency": "string",
            "transaction_id": "string",
            "transaction_status": "string",
            "transaction_type": "string",
        },
        reads=TRANSACTIONS,
    ),
    Use(
        route="GET /v1/reporting/balances",
        sends={"as_of_time": "string", "currency_code": "string"},
        reads=BALANCES,
    ),
)
