"""Alerts as webhooks, signed as the Standard Webhooks specification 1.0.0 says (symmetric, ``v1``).

Signed is ``{id}.{timestamp}.{body}`` with HMAC-SHA256. The id is the same for every try, the timestamp is that of the
try. A receiver compares the signature, refuses a timestamp that is off by more than a few minutes, and drops an id that
it has seen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

from payport.sdk.compact_json import compact_encoder
from payport.sdk.errors import ConfigurationError
from payport.sdk.incidents.alert import Alert, Gone, NotDelivered, as_payload
from payport.sdk.message import SendFailure, WireRequest
from payport.sdk.secrets import Secret
from payport.sdk.tls import Trust
from payport.sdk.transport.hosts import Hosts

if TYPE_CHECKING:
    from payport.sdk.hosting import Clock
    from payport.sdk.transport import Transport

TIMEOUT_S = 10.0
SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with
SECRET_BYTES = (24, 64)

_to_text = compact_encoder()


class Webhook:
    """Posts alerts to ``url``.

    ``secrets``: each ``whsec_`` and base64 of 24 to 64 random bytes; while one is being changed for another, both sign.
    ``trust``: whom to believe; Mozilla's list by default. ``transport``: another way there.

    Raises :class:`payport.sdk.ConfigurationError` for an address or secret that cannot be used.
    """

    def __init__(
        self,
        url: str,
        *secrets: Secret,
        clock: Clock | None = None,
        trust: Trust | None = None,
        transport: Transport | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        from payport.sdk.host_clock import SystemClock  # noqa: PLC0415 - only where none is given

        self._trust = trust or Trust()
        self._host = _host(url, self._trust)
        if not secrets:
            raise ConfigurationError("a webhook needs a secret: whsec_ and base64 of 24 to 64 random bytes")
        self._url = url
        self._keys = tuple(webhook_key(secret) for secret in secrets)
        self._clock = clock or SystemClock()
        self._transport = transport
        self._timeout_s = timeout_s

    def __repr__(self) -> str:
        return f"Webhook({self._host!r})"  # an address may carry a token

    def __call__(self, alert: Alert, /) -> None:
        """Post it once. Raises :class:`NotDelivered` unless the answer is 2xx."""
        body = _to_text(as_payload(alert)).encode()
        timestamp = int(self._clock.moment().utc.timestamp())
        request = WireRequest(
            endpoint="alert",
            moves_money=False,
            method="POST",
            url=self._url,
            headers={
                "content-type": "application/json",
                "webhook-id": alert.id,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": " ".join(signature(key, alert.id, timestamp, body) for key in self._keys),
            },
            content=body,
            max_reply_bytes=64 * 1024,
        )
        reply = self._road().send(request, self._timeout_s)
        if isinstance(reply, SendFailure):
            raise NotDelivered(f"{self._host} was not reached ({reply.kind.value}: {reply.detail})")
        if reply.status == 410:
            raise Gone(f"{self._host} does not want webhooks any more (410)")
        if not 200 <= reply.status < 300:
            raise NotDelivered(f"{self._host} answered {reply.status}")

    def _road(self) -> Transport:
        if self._transport is None:
            from payport.sdk.transport.http import HttpTransport  # noqa: PLC0415 - httpx, with the first alert

            self._transport = HttpTransport(self._trust, frozenset({self._host}), max_connections=2)
        return self._transport


def webhook_key(secret: Secret) -> bytes:
    """The bytes of a secret. Raises :class:`payport.sdk.ConfigurationError` for one that is not as specified."""
    text = secret.reveal()
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(SECRET_PREFIX) or not SECRET_BYTES[0] <= len(key) <= SECRET_BYTES[1]:
        raise ConfigurationError(
            f"a webhook's secret is {SECRET_PREFIX} and base64 of {SECRET_BYTES[0]} to {SECRET_BYTES[1]} bytes; "
            f"make one with payport keygen and write {SECRET_PREFIX} before it"
        )
    return key


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """``v1,`` and base64 of the HMAC-SHA256 over id, timestamp (seconds since 1970) and body, with dots between."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _host(url: str, trust: Trust) -> str:
    """The host, with its port where it is named. Raises :class:`payport.sdk.ConfigurationError`.

    What is wrong is not shown: an address may carry a token, or a password.
    """
    scheme, _, rest = url.partition("://")
    authority = rest.partition("/")[0]
    well = scheme in ("https", "http") and "@" not in authority and authority != ""
    if well:
        try:
            found = Hosts(frozenset({authority}), loopback_plaintext=trust.loopback_plaintext).find(url)
        except ConfigurationError:
            well = False
        else:
            well = not isinstance(found, str)
    if not well:
        raise ConfigurationError(
            "a webhook's address is https://HOST/PATH, the host in lower case, without a name and password in it"
        )
    return authority
