"""The door of the API: whose key, which version, is it a form, and has this key been used before.

Source: Stripe's API reference, "authentication", "idempotent requests", "versioning".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from payport.adapters.stripe.calls import ROUTES
from payport.adapters.stripe.simulator.calls import Call, Refusal, decode_form
from payport.sdk.message import WireReply
from payport.sdk.testing.wire import Incoming

KEY_LIFE = timedelta(hours=24)
_FORM = "application/x-www-form-urlencoded"
_VERSION = re.compile(r"\d{4}-\d\d-\d\d(\.[a-z]+)?")


def _pattern(path: str) -> re.Pattern[str]:
    # literal paths come before those with numbers: "search" is no intent's number
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


_PATTERNS = sorted(
    ((route.method, _pattern(route.path), "{" in route.path, name) for name, route in ROUTES.items()),
    key=lambda each: each[2],
)


def name_of(incoming: Incoming) -> tuple[str, Mapping[str, str]]:
    """The call that a request makes, and the numbers in its path; an empty name for none."""
    for method, pattern, _, name in _PATTERNS:
        match = pattern.fullmatch(incoming.path)
        if match is not None and method == incoming.method:
            return name, match.groupdict()
    return "", {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What the API knows of one account."""

    secret_key: str = field(repr=False)
    account_id: str
    connected: bool

    def admit(self, incoming: Incoming, now: datetime, *, slow: bool = False) -> Call:
        """The call that a request makes. Raises the refusal of the first rule that is broken."""
        name, numbers = name_of(incoming)
        self._caller(incoming)
        if not name:
            message = f"Unrecognized request URL ({incoming.method}: {incoming.path})."
            raise Refusal(404, message)
        if incoming.method == "POST":
            content = incoming.headers.get("content-type", "").partition(";")[0].strip().lower()
            if content != _FORM:
                raise Refusal(400, f"Invalid request (check that your POST content type is {_FORM})")
        text = incoming.body.decode("utf-8", "replace") if incoming.method == "POST" else incoming.query
        return Call(name=name, numbers=numbers, params=decode_form(text), now=now, slow=slow)

    def _caller(self, incoming: Incoming) -> None:
        if incoming.headers.get("authorization") != f"Bearer {self.secret_key}":
            raise Refusal(401, "Invalid API Key provided")
        told = incoming.headers.get("stripe-account")
        if told != (self.account_id if self.connected else None):
            raise Refusal(403, "The provided key does not have access to that account", code="account_invalid")
        if not _VERSION.fullmatch(incoming.headers.get("stripe-version", "")):
            raise Refusal(400, "Invalid Stripe API version")


@dataclass(slots=True)
class _Kept:
    request: tuple[str, str, bytes]
    until: datetime
    reply: WireReply | None = None


@dataclass(slots=True)
class Keys:
    """What was answered under each idempotency key: kept for 24 hours, failures of Stripe included."""

    _lock: Lock = field(default_factory=Lock)
    _kept: dict[str, _Kept] = field(default_factory=dict[str, _Kept])

    def begin(self, key: str | None, incoming: Incoming, now: datetime) -> WireReply | None:
        """What a first try was told, ``None`` when this is the first. Raises what a misused key is refused with."""
        if key is None:
            return None
        if len(key) > 255:
            raise Refusal(400, "An idempotency key has 255 characters at most.")
        request = (incoming.method, incoming.path, incoming.body)
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.until <= now:
                self._kept[key] = _Kept(request, now + KEY_LIFE)
                return None
            if kept.request != request:
                raise Refusal(
                    400,
                    "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                    kind="idempotency_error",
                )
            if kept.reply is None:
                raise Refusal(
                    409,
                    "There is currently another in-progress request using this key.",
                    kind="idempotency_error",
                    code="idempotency_key_in_use",
                )
            return kept.reply

    def end(self, key: str | None, reply: WireReply | None) -> None:
        """Keep the answer; ``None`` when execution never began, so that the key is free again."""
        if key is None:
            return
        with self._lock:
            if reply is None:
                self._kept.pop(key, None)
            elif key in self._kept:
                self._kept[key].reply = reply
