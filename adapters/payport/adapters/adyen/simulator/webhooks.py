"""Standard webhooks: made of what happened, signed as Adyen signs, and good forgeries for tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from payport.adapters.adyen.signing import payload_of, sign
from payport.adapters.adyen.simulator.rows import Happening, Node
from payport.schemas.events import RawNotification
from payport.sdk.testing.courier import Letter
from payport.sdk.testing.mailbox import Mailbox

CONTENT = "application/json; charset=utf-8"
Change = Callable[[Node], None]


class Notices(Mailbox):
    """Adyen's webhooks, oldest first, ready for ``gateway.receive``.

    ``keys``: what items may be signed with now, newest first. ``address``: where the webhook is posted, as the Customer
    Area has it; only one of this machine is posted to.
    """

    def __init__(
        self, deliver: Callable[[Letter], None], keys: Callable[[], Sequence[str]], merchant_account: str
    ) -> None:
        super().__init__(deliver)
        self.address: str | None = None
        self._keys = keys
        self._merchant_account = merchant_account

    def tell(self, happening: Happening) -> None:
        """Make, keep and deliver (or hold back) the webhook of one happening."""
        item = self.item(happening)
        self.post(Letter(sign=lambda: self.batch([item]), address=self.address))

    def item(self, happening: Happening) -> Node:
        """An item, without its signature."""
        item: Node = {
            "additionalData": dict(happening.more),
            "amount": {"currency": happening.currency, "value": happening.value},
            "eventCode": happening.code,
            "eventDate": happening.at.isoformat(timespec="seconds"),
            "merchantAccountCode": self._merchant_account,
            "merchantReference": happening.reference,
            "paymentMethod": happening.method,
            "pspReference": happening.psp,
            "reason": happening.reason,
            "success": "true" if happening.success else "false",
        }
        if happening.original is not None:
            item["originalReference"] = happening.original
        if happening.code == "AUTHORISATION" and happening.success:
            item["operations"] = ["CANCEL", "CAPTURE", "REFUND"]
        return item

    def batch(self, items: Sequence[Node], *, live: str = "false", key: str | None = None) -> RawNotification:
        """Items as Adyen posts them together, each signed; by the newest key unless another is given."""
        signed = [self._signed(item, key or self._keys()[0]) for item in items]
        body = {"live": live, "notificationItems": [{"NotificationRequestItem": item} for item in signed]}
        return RawNotification(body=json.dumps(body).encode(), headers={"Content-Type": CONTENT})

    def _signed(self, item: Node, key: str) -> Node:
        additional = cast("Node", item.get("additionalData", {}))
        signature = sign(payload_of(item).encode(), key)
        return {**item, "additionalData": {**additional, "hmacSignature": signature}}

    def items_of(self, raw: RawNotification) -> list[Node]:
        """The items of a webhook."""
        return [each["NotificationRequestItem"] for each in json.loads(raw.body)["notificationItems"]]

    def altered(self, raw: RawNotification, change: Change, *, live: str = "false") -> RawNotification:
        """Another genuine webhook: every item changed, signed anew."""
        items = self.items_of(raw)
        for item in items:
            change(item)
        return self.batch(items, live=live)

    def forged(self, raw: RawNotification, change: Callable[[list[Node]], None]) -> RawNotification:
        """``raw`` with its items changed and the old signatures left: what an attacker can make."""
        body = json.loads(raw.body)
        change([each["NotificationRequestItem"] for each in body["notificationItems"]])
        return RawNotification(body=json.dumps(body).encode(), headers=raw.headers)

    def unsigned(self, raw: RawNotification) -> RawNotification:
        """``raw`` without its signatures."""
        return self.forged(raw, _without_signatures)

    def platform(self, node: Mapping[str, object], *, key: str | None = None) -> RawNotification:
        """An event of the platform, signed in a header over the raw body."""
        body = json.dumps(node).encode()
        headers = {
            "Content-Type": CONTENT,
            "Protocol": "HmacSHA256",
            "HmacSignature": sign(body, key or self._keys()[0]),
        }
        return RawNotification(body=body, headers=headers)


def _without_signatures(items: list[Node]) -> None:
    for item in items:
        item.pop("additionalData", None)
