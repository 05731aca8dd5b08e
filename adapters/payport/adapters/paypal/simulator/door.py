"""The door of the API: tokens, routes, what a request must be before anybody looks at what it asks."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl

from payport.adapters.paypal.simulator.calls import Call, Refusal

if TYPE_CHECKING:
    from payport.sdk.testing.wire import Incoming

TOKEN = "oauth2.token"  # noqa: S105 - the name of a call
CERTIFICATE = "notifications.certs"
ROUTES: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (name, verb, re.compile(path.replace("{id}", "(?P<id>[0-9A-Za-z-]+)")))
    for name, verb, path in (
        (TOKEN, "POST", "/v1/oauth2/token"),
        (CERTIFICATE, "GET", "/v1/notifications/certs/{id}"),
        ("orders.create", "POST", "/v2/checkout/orders"),
        ("orders.get", "GET", "/v2/checkout/orders/{id}"),
        ("orders.capture", "POST", "/v2/checkout/orders/{id}/capture"),
        ("orders.authorize", "POST", "/v2/checkout/orders/{id}/authorize"),
        ("authorizations.get", "GET", "/v2/payments/authorizations/{id}"),
        ("authorizations.capture", "POST", "/v2/payments/authorizations/{id}/capture"),
        ("authorizations.reauthorize", "POST", "/v2/payments/authorizations/{id}/reauthorize"),
        ("authorizations.void", "POST", "/v2/payments/authorizations/{id}/void"),
        ("captures.get", "GET", "/v2/payments/captures/{id}"),
        ("captures.refund", "POST", "/v2/payments/captures/{id}/refund"),
        ("refunds.get", "GET", "/v2/payments/refunds/{id}"),
        ("payouts.post", "POST", "/v1/payments/payouts"),
        ("payouts.get", "GET", "/v1/payments/payouts/{id}"),
        ("payouts-item.get", "GET", "/v1/payments/payouts-item/{id}"),
        ("payouts-item.cancel", "POST", "/v1/payments/payouts-item/{id}/cancel"),
        ("search.get", "GET", "/v1/reporting/transactions"),
        ("balances.get", "GET", "/v1/reporting/balances"),
    )
)

_WINDOWS = {
    "/v2/checkout": timedelta(hours=6),
    "/v2/payments": timedelta(days=45),
    "/v1/payments": timedelta(days=30),
}
_LONGEST_ID = {"/v2/checkout": 108}


def route(verb: str, path: str) -> tuple[str, str] | None:
    """The name of the operation, and the number in its path; ``None`` for a page."""
    for name, wanted, pattern in ROUTES:
        match = pattern.fullmatch(path)
        if match is not None and wanted == verb:
            return name, match.groupdict().get("id") or ""
    return None


def window(path: str) -> timedelta:
    """For how long an API recognises a repetition."""
    return next(span for prefix, span in _WINDOWS.items() if path.startswith(prefix))


def api(path: str) -> str:
    """Which API a path belongs to: request ids count per API."""
    return next(prefix for prefix in _WINDOWS if path.startswith(prefix))


@dataclass(slots=True, kw_only=True)
class Door:
    """Who may come in. ``token_life_s``: how long the next tokens serve."""

    client_id: str
    client_secret: str = field(repr=False)
    token_life_s: int = 32_400
    given: int = 0
    _tokens: dict[str, datetime] = field(default_factory=dict[str, datetime], repr=False)
    _lock: Lock = field(default_factory=Lock)

    def give_token(self, incoming: Incoming, now: datetime) -> dict[str, object]:
        """An access token for who knows the secret. Raises ``PermissionError`` with PayPal's word."""
        scheme, _, login = incoming.headers.get("authorization", "").partition(" ")
        try:
            known = base64.b64decode(login, validate=True).decode() == f"{self.client_id}:{self.client_secret}"
        except (binascii.Error, UnicodeDecodeError):
            known = False
        if scheme != "Basic" or not known:
            raise PermissionError("invalid_client")
        if dict(parse_qsl(incoming.body.decode("latin-1"))).get("grant_type") != "client_credentials":
            raise PermissionError("unsupported_grant_type")
        with self._lock:
            self.given += 1
            token = f"A21AAsimulated{self.given:06d}"
            self._tokens[token] = now + timedelta(seconds=self.token_life_s)
        return {
            "scope": "https://uri.paypal.com/services/payments/payment",
            "access_token": token,
            "token_type": "Bearer",
            "app_id": "APP-80W284485P519543T",
            "expires_in": self.token_life_s,
            "nonce": f"{now:%Y-%m-%dT%H:%M:%SZ}{self.given}",
        }

    def revoke(self) -> None:
        """No token that was given serves any more."""
        with self._lock:
            self._tokens.clear()

    def admit(self, incoming: Incoming, endpoint: str, number: str, now: datetime, *, slow: bool) -> Call:
        """The call that a request makes. Raises the refusal of the first rule that is broken."""
        scheme, _, token = incoming.headers.get("authorization", "").partition(" ")
        with self._lock:
            ends = self._tokens.get(token)
        if scheme != "Bearer" or ends is None or ends <= now:
            raise Refusal(401, "", "Authentication failed due to invalid authentication credentials.")
        if incoming.body and not incoming.headers.get("content-type", "").startswith("application/json"):
            raise Refusal(415, "", "The server does not support the request payload's media type.")
        request_id = incoming.headers.get("paypal-request-id")
        if request_id is not None and len(request_id) > _LONGEST_ID.get(incoming.path[:12], 1000):
            raise Refusal(400, "INVALID_STRING_LENGTH", "PayPal-Request-Id is too long.")
        self._mock(incoming)
        return Call(
            endpoint=endpoint,
            number=number,
            query=dict(parse_qsl(incoming.query)),
            body=_body(incoming),
            request_id=request_id,
            now=now,
            slow=slow,
        )

    def _mock(self, incoming: Incoming) -> None:
        """Negative testing: the caller names the issue that it wants to see."""
        wanted = incoming.headers.get("paypal-mock-response")
        if wanted is None:
            return
        try:
            issue = json.loads(wanted)["mock_application_codes"]
        except (ValueError, KeyError, TypeError):
            raise Refusal(400, "MALFORMED_REQUEST_JSON", "PayPal-Mock-Response is no JSON") from None
        statuses = {"INTERNAL_SERVER_ERROR": 500, "INTERNAL_SERVICE_ERROR": 500, "INVALID_RESOURCE_ID": 404}
        statuses |= {"PERMISSION_DENIED": 403, "MISSING_REQUIRED_PARAMETER": 400, "INVALID_PARAMETER_VALUE": 400}
        raise Refusal(statuses.get(issue, 422), issue, "asked for by PayPal-Mock-Response")


def _body(incoming: Incoming) -> Mapping[str, object]:
    if not incoming.body:
        return {}
    try:
        body: object = json.loads(incoming.body)
    except ValueError:
        raise Refusal(400, "MALFORMED_REQUEST_JSON", "The request JSON is not well formed.") from None
    if not isinstance(body, dict):
        raise Refusal(400, "MALFORMED_REQUEST_JSON", "The request JSON is no object.")
    return cast("dict[str, object]", body)
