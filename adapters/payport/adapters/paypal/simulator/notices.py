"""Webhook events: signed by PayPal's scheme, kept for tests to hand over, and posted when there is somewhere to."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import cast

from payport.adapters.paypal.simulator.books import Happening
from payport.adapters.paypal.simulator.calls import wire_time
from payport.adapters.paypal.simulator.keys import Chain
from payport.schemas.events import RawNotification
from payport.sdk.testing.courier import Letter
from payport.sdk.testing.mailbox import Mailbox

CERTIFICATES = "/v1/notifications/certs/"


@dataclass(frozen=True, slots=True)
class _Told:
    """One event. Its ``body`` is the same on every resend; transmission id and time are not."""

    body: bytes = field(repr=False)


class Notices(Mailbox):
    """What PayPal has told so far, oldest first, ready for ``gateway.receive``.

    ``webhook_url``: where events are posted, an address of this machine. ``copies``: how often each is delivered.
    """

    def __init__(
        self,
        webhook_id: str,
        chain: Callable[[], tuple[str, Chain]],
        url: Callable[[], str],
        now: Callable[[], datetime],
        deliver: Callable[[Letter], None],
    ) -> None:
        super().__init__(deliver)
        self.webhook_url: str | None = None
        self._webhook_id = webhook_id
        self._chain = chain
        self._url = url
        self._now = now
        self._events = count(1)
        self._transmissions = count(1)

    def tell(self, happening: Happening) -> None:
        """Sign and deliver (or hold back) the event of one happening."""
        number = f"WH-{next(self._events):017d}-5802L"
        event = {
            "id": number,
            "event_version": "1.0",
            "create_time": wire_time(happening.at),
            "resource_type": happening.resource_type,
            "resource_version": "2.0",
            "event_type": happening.event_type,
            "summary": happening.summary,
            "resource": happening.resource,
            "links": [
                {"href": f"{self._url()}/v1/notifications/webhooks-events/{number}", "rel": "self", "method": "GET"}
            ],
        }
        told = _Told(_json(event))
        self.post(Letter(lambda: self.sign(told.body), self.webhook_url))

    def sign(
        self,
        body: bytes,
        *,
        at: datetime | None = None,
        webhook_id: str | None = None,
        algorithm: str = "SHA256withRSA",
        address: str | None = None,
        signer: Chain | None = None,
    ) -> RawNotification:
        """A body as it is posted at this moment; with other ``webhook_id``, ``address`` and so on when asked."""
        serial, current = self._chain()
        number = f"69cd13f0-d67a-11e5-baa3-{next(self._transmissions):012d}"
        time = wire_time(at or self._now())
        message = f"{number}|{time}|{webhook_id or self._webhook_id}|{zlib.crc32(body)}".encode()
        headers = {
            "content-type": "application/json",
            "PAYPAL-TRANSMISSION-ID": number,
            "PAYPAL-TRANSMISSION-TIME": time,
            "PAYPAL-TRANSMISSION-SIG": (signer or current).sign(message),
            "PAYPAL-CERT-URL": address or f"{self._url()}{CERTIFICATES}{serial}",
            "PAYPAL-AUTH-ALGO": algorithm,
        }
        return RawNotification(body=body, headers=headers)

    def altered(self, raw: RawNotification, change: Callable[[dict[str, object]], None]) -> RawNotification:
        """Another genuine event: ``raw`` changed and signed anew by PayPal (wrong amount, other merchant)."""
        return self.sign(_changed(raw, change))

    def forged(self, raw: RawNotification, change: Callable[[dict[str, object]], None]) -> RawNotification:
        """``raw`` changed, with the old signature left: what an attacker can make."""
        return RawNotification(body=_changed(raw, change), headers=raw.headers)

    def unsigned(self, raw: RawNotification) -> RawNotification:
        """``raw`` without its signature."""
        headers = {name: value for name, value in raw.headers.items() if name != "PAYPAL-TRANSMISSION-SIG"}
        return RawNotification(body=raw.body, headers=headers)


def _changed(raw: RawNotification, change: Callable[[dict[str, object]], None]) -> bytes:
    event = cast("dict[str, object]", json.loads(raw.body))
    change(event)
    return _json(event)


def _json(event: Mapping[str, object]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()
