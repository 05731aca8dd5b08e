"""Events: made of what happened, signed as Stripe signs, and good forgeries for tests.

Source: Stripe's documentation, "webhooks"; its API reference, "events".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock

from payport.adapters.stripe.account import API_VERSION
from payport.adapters.stripe.signing import sign
from payport.adapters.stripe.simulator.books import Happening
from payport.adapters.stripe.simulator.calls import Call, Node, no_such
from payport.adapters.stripe.simulator.intents import paged
from payport.schemas.events import RawNotification
from payport.sdk.testing.courier import Letter
from payport.sdk.testing.mailbox import Mailbox

KEPT = timedelta(days=30)
CONTENT = "application/json; charset=utf-8"


class Notices(Mailbox):
    """Stripe's webhooks, oldest first, ready for ``gateway.receive``.

    ``secrets``: what the endpoint's signatures are made with now, two of them while one is being rolled.
    ``address``: the endpoint, as the Dashboard has it; only one of this machine is posted to.
    """

    def __init__(
        self,
        deliver: Callable[[Letter], None],
        secrets: Callable[[], Sequence[str]],
        now: Callable[[], datetime],
        account: str | None,
    ) -> None:
        super().__init__(deliver)
        self.address: str | None = None
        self._secrets = secrets
        self._now = now
        self._account = account
        self._events: dict[str, tuple[int, Node]] = {}
        self._counting = Lock()

    def tell(self, happening: Happening) -> None:
        """Make, keep and deliver (or hold back) the event of one happening."""
        stamp = int(happening.at.timestamp())
        event: Node = {
            "id": "",
            "object": "event",
            "api_version": API_VERSION,
            "created": stamp,
            "data": {"object": happening.record},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": happening.kind,
        }
        if self._account is not None:
            event["account"] = self._account
        with self._counting:
            event["id"] = number = f"evt_3Sim{len(self._events) + 1:020d}"
            self._events[number] = (stamp, event)
        body = json.dumps(event, indent=2).encode()
        self.post(Letter(sign=lambda: self.signed(body), address=self.address))

    def events(self, call: Call) -> Node:
        """``GET /v1/events`` and one of them; kept for thirty days."""
        oldest = int((call.now - KEPT).timestamp())
        kept = {number: told for number, told in self._events.items() if told[0] >= oldest}
        number = call.numbers.get("event")
        if number is None:
            call.only("type", "created", "limit", "starting_after", "ending_before")
            wanted = call.text("type")
            chosen = {key: told for key, told in kept.items() if wanted in (None, told[1]["type"])}
            return paged(chosen, call, "/v1/events")
        if number not in kept:
            raise no_such("event", number)
        return kept[number][1]

    def signed(self, body: bytes, *, age_s: float = 0.0, secrets: Sequence[str] | None = None) -> RawNotification:
        """A body as Stripe posts it now, ``age_s`` seconds ago, or in the future when that is negative."""
        stamp = str(int(self._now().timestamp() - age_s))
        marks = [f"v1={sign(stamp, body, secret)}" for secret in (self._secrets() if secrets is None else secrets)]
        # v0 is what Stripe adds in test mode: no proof of anything
        header = ",".join([f"t={stamp}", *marks, f"v0={'0' * 64}"])
        return RawNotification(body=body, headers={"Stripe-Signature": header, "Content-Type": CONTENT})

    def altered(self, raw: RawNotification, changes: Mapping[str, object]) -> RawNotification:
        """Another genuine event: ``raw`` with fields of its record changed (``event`` for its own), signed anew."""
        return self.signed(_changed(raw, changes))

    def forged(self, raw: RawNotification, changes: Mapping[str, object]) -> RawNotification:
        """``raw`` with some fields changed and the old signature left: what an attacker can make."""
        return RawNotification(body=_changed(raw, changes), headers=raw.headers)

    def unsigned(self, raw: RawNotification) -> RawNotification:
        """``raw`` without its signature."""
        return RawNotification(body=raw.body, headers={"Content-Type": CONTENT})


def _changed(raw: RawNotification, changes: Mapping[str, object]) -> bytes:
    event = json.loads(raw.body)
    own = changes.get("event", {})
    if isinstance(own, Mapping):
        event.update(own)  # pyright: ignore[reportUnknownArgumentType] - any JSON
    event["data"]["object"].update({name: value for name, value in changes.items() if name != "event"})
    return json.dumps(event).encode()
