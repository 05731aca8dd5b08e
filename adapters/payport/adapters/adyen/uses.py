"""What this adapter uses of Adyen's OpenAPI document of Checkout, for ``payport drift``; a test keeps it equal to the
traffic. What a payment method's own object and the merchant's notes hold is not listed: it is handed through.
"""

from __future__ import annotations

from collections.abc import Mapping

from payport.adapters.adyen.mapping import RECEIVED, LinkStatus, ResultCode, SessionStatus
from payport.sdk.drift import Use

AMOUNT: Mapping[str, str] = {"amount": "object", "amount.currency": "string", "amount.value": "integer"}
PAYMENT: Mapping[str, str] = {
    **AMOUNT,
    "action": "object",
    "additionalData": "object",
    "merchantReference": "string",
    "pspReference": "string",
    "refusalReason": "string",
    "refusalReasonCode": "string",
    "resultCode": "string",
}
LINK: Mapping[str, str] = {
    **AMOUNT,
    "expiresAt": "string",
    "id": "string",
    "merchantAccount": "string",
    "reference": "string",
    "status": "string",
    "url": "string",
}
SESSION: Mapping[str, str] = {
    **AMOUNT,
    "expiresAt": "string",
    "id": "string",
    "merchantAccount": "string",
    "reference": "string",
    "sessionData": "string",
}
RESULT: Mapping[str, str] = {
    "id": "string",
    "payments": "array",
    "payments[].amount": "object",
    "payments[].pspReference": "string",
    "payments[].resultCode": "string",
    "reference": "string",
    "status": "string",
}
MODIFICATION: Mapping[str, str] = {
    "merchantAccount": "string",
    "paymentPspReference": "string",
    "pspReference": "string",
    "reference": "string",
    "status": "string",
}
BY_REFERENCE: Mapping[str, str] = {
    "merchantAccount": "string",
    "paymentReference": "string",
    "pspReference": "string",
    "reference": "string",
    "status": "string",
}
_CODES = {"resultCode": frozenset(code.value for code in ResultCode)}
_LINKS = {"status": frozenset(status.value for status in LinkStatus)}
_RESULTS = {"status": frozenset(status.value for status in SessionStatus)}
_RECEIVED = {"status": frozenset({RECEIVED})}

USES = (
    Use(
        route="POST /payments",
        sends={
            **AMOUNT,
            "additionalData": "object",
            "browserInfo": "object",
            "browserInfo.acceptHeader": "string",
            "browserInfo.colorDepth": "integer",
            "browserInfo.javaEnabled": "boolean",
            "browserInfo.language": "string",
            "browserInfo.screenHeight": "integer",
            "browserInfo.screenWidth": "integer",
            "browserInfo.timeZoneOffset": "integer",
            "browserInfo.userAgent": "string",
            "captureDelayHours": "integer",
            "channel": "string",
            "merchantAccount": "string",
            "metadata": "object",
            "origin": "string",
            "paymentMethod": "object",
            "recurringProcessingModel": "string",
            "reference": "string",
            "returnUrl": "string",
            "shopperEmail": "string",
            "shopperIP": "string",
            "shopperInteraction": "string",
            "shopperReference": "string",
            "storePaymentMethod": "boolean",
        },
        reads=PAYMENT,
        values=_CODES,
    ),
    Use(
        route="POST /payments/{paymentPspReference}/refunds",
        sends={
            **AMOUNT,
            "merchantAccount": "string",
            "merchantRefundReason": "string",
            "reference": "string",
        },
        reads={**MODIFICATION, **AMOUNT},
        values=_RECEIVED,
    ),
    Use(
        route="POST /payments/{paymentPspReference}/reversals",
        sends={
            "merchantAccount": "string",
            "reference": "string",
        },
        reads=MODIFICATION,
        values=_RECEIVED,
    ),
    Use(
        route="POST /cancels",
        sends={
            "merchantAccount": "string",
            "paymentReference": "string",
            "reference": "string",
        },
        reads=BY_REFERENCE,
        values=_RECEIVED,
    ),
    Use(
        route="POST /payments/details",
        sends={
            "details": "object",
            "details.redirectResult": "string",
            "details.threeDSResult": "string",
        },
        reads=PAYMENT,
        values=_CODES,
    ),
    Use(
        route="POST /sessions",
        sends={
            **AMOUNT,
            "additionalData": "object",
            "captureDelayHours": "integer",
            "channel": "string",
            "countryCode": "string",
            "expiresAt": "string",
            "merchantAccount": "string",
            "metadata": "object",
            "reference": "string",
            "returnUrl": "string",
            "shopperEmail": "string",
            "shopperReference": "string",
        },
        reads=SESSION,
    ),
    Use(
        route="GET /sessions/{sessionId}",
        sends={
            "sessionResult": "string",
        },
        reads=RESULT,
        values=_RESULTS,
    ),
    Use(
        route="POST /paymentLinks",
        sends={
            **AMOUNT,
            "captureDelayHours": "integer",
            "description": "string",
            "expiresAt": "string",
            "manualCapture": "boolean",
            "merchantAccount": "string",
            "metadata": "object",
            "reference": "string",
            "returnUrl": "string",
            "shopperEmail": "string",
        },
        reads=LINK,
        values=_LINKS,
    ),
    Use(
        route="PATCH /paymentLinks/{linkId}",
        sends={
            "status": "string",
        },
        reads=LINK,
        values=_LINKS,
    ),
    Use(
        route="GET /paymentLinks/{linkId}",
        reads=LINK,
        values=_LINKS,
    ),
    Use(
        route="POST /payments/{paymentPspReference}/captures",
        sends={
            **AMOUNT,
            "merchantAccount": "string",
            "reference": "string",
        },
        reads={**MODIFICATION, **AMOUNT},
        values=_RECEIVED,
    ),
    Use(
        route="POST /payments/{paymentPspReference}/cancels",
        sends={
            "merchantAccount": "string",
            "reference": "string",
        },
        reads=MODIFICATION,
        values=_RECEIVED,
    ),
    Use(
        route="POST /paymentMethods",
        sends={
            "channel": "string",
            "countryCode": "string",
            "merchantAccount": "string",
        },
        reads={"paymentMethods": "array", "storedPaymentMethods": "array"},
    ),
)
