"""The door of the API: whose key, is it JSON, and has this idempotency key been used before.

Source: Adyen's documentation, "API credentials", "API idempotency", "error codes and types".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import cast
from urllib.parse import parse_qsl

from payport.adapters.adyen.calls import MAX_KEY, ROUTES
from payport.adapters.adyen.simulator.rows import Node
from payport.sdk.message import WireReply
from payport.sdk.testing.wire import Incoming

KEY_LIFE = timedelta(days=7)
BASE = "/v71"


class Refusal(Exception):
    """An error answer. ``stored``: whether it is the key's answer from now on."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        kind: str = "validation",
        transient: bool = False,
        stored: bool = False,
    ) -> None:
        super().__init__(message)
        self.status, self.transient, self.stored = status, transient, stored
        self.node: Node = {"status": status, "errorCode": code, "message": message, "errorType": kind}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that passed the gate. ``slow``: accepted, to be finished later."""

    name: str
    numbers: Mapping[str, str]
    body: Node = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    now: datetime
    slow: bool = False

    def text(self, name: str) -> str:
        """A text that must be there."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise Refusal(422, "14_004" if name != "reference" else "130", f"Required field '{name}' is not provided.")
        return value

    def check_shopper(self) -> None:
        """The shopper's reference may be left out, and has a length that Adyen takes where it is there."""
        shopper = self.body.get("shopperReference")
        if shopper is not None and not (isinstance(shopper, str) and 3 <= len(shopper) <= 256):
            raise Refusal(422, "14_004", "Invalid field 'shopperReference': 3 to 256 characters.")

    def amount(self) -> tuple[int, str]:
        """Value and currency of the amount, which must be there."""
        node = self.body.get("amount")
        if not isinstance(node, dict):
            raise Refusal(422, "100", "Required field 'amount' is not provided.")
        value, currency = cast("Node", node).get("value"), cast("Node", node).get("currency")
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise Refusal(422, "137", "Invalid amount specified")
        if not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency):
            raise Refusal(422, "138", "Unsupported currency specified")
        return value, currency


_PATTERNS = [
    (name, route.method, re.compile(BASE + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)))
    for name, route in sorted(ROUTES.items(), key=lambda each: "{" in each[1].path)
]


def name_of(incoming: Incoming) -> tuple[str, Mapping[str, str]]:
    """The call that a request makes, and the numbers in its path; an empty name for none."""
    for name, method, pattern in _PATTERNS:
        match = pattern.fullmatch(incoming.path)
        if match is not None and method == incoming.method:
            return name, match.groupdict()
    return "", {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What the API knows of one merchant account."""

    api_key: str = field(repr=False)
    merchant_account: str

    def admit(self, incoming: Incoming, now: datetime, *, slow: bool = False) -> Request:
        """The call that a request makes. Raises the refusal of the first rule that is broken."""
        name, numbers = name_of(incoming)
        if incoming.headers.get("x-api-key") != self.api_key:
            raise Refusal(401, "000", "HTTP Status Response - Unauthorized", kind="security")
        if not name:
            raise Refusal(404, "000", "Not found", kind="security")
        body: Node = {}
        if incoming.method != "GET":
            body = self._body(incoming)
        account = body.get("merchantAccount")
        if account is None and name not in ("payments.details", "paymentLinks.expire") and incoming.method == "POST":
            raise Refusal(422, "14_004", "Required field 'merchantAccount' is not provided.")
        if account not in (None, self.merchant_account):
            raise Refusal(403, "901", "Invalid Merchant Account", kind="security")
        query = dict(parse_qsl(incoming.query, keep_blank_values=True))
        return Request(name=name, numbers=numbers, body=body, query=query, now=now, slow=slow)

    def _body(self, incoming: Incoming) -> Node:
        content = incoming.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            found: object = json.loads(incoming.body)
        except ValueError:
            found = None
        if content != "application/json" or not isinstance(found, dict):
            raise Refusal(400, "702", "Unable to parse the request body")
        return cast("Node", found)


@dataclass(slots=True)
class _Kept:
    until: datetime
    reply: WireReply | None = None


@dataclass(slots=True)
class Keys:
    """What was answered under each idempotency key. Adyen plays the first answer back, whatever the request says."""

    _lock: Lock = field(default_factory=Lock)
    _kept: dict[str, _Kept] = field(default_factory=dict[str, _Kept])

    def begin(self, key: str | None, now: datetime) -> WireReply | None:
        """What a first try was told, ``None`` when this is the first. Raises what a misused key is refused with."""
        if key is None:
            return None
        if len(key) > MAX_KEY:
            raise Refusal(422, "14_020", f"The idempotency key may have {MAX_KEY} characters at most.")
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.until <= now:
                self._kept[key] = _Kept(now + KEY_LIFE)
                return None
            if kept.reply is None:
                raise Refusal(409, "704", "request already processed or in progress")
            return kept.reply

    def end(self, key: str | None, reply: WireReply | None) -> None:
        """Keep the answer; ``None`` when nothing was carried out, so that the key is free again."""
        if key is None:
            return
        with self._lock:
            if reply is None:
                self._kept.pop(key, None)
            elif key in self._kept:
                self._kept[key].reply = reply
