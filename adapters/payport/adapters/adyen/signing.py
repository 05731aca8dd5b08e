"""Signatures of webhooks: HMAC-SHA256 with a hexadecimal key, base64, over eight fields or over the raw body.

Source: Adyen's documentation, "verify HMAC signatures"; its own libraries. The eight fields are joined by colons and
nothing is escaped, so a colon inside one could be read as a border: who reads the fields must look.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping


def payload_of(item: Mapping[str, object]) -> str:
    """What is signed of one item; a missing field is empty. Raises ``TypeError`` for a field of another type."""
    amount = item.get("amount")
    money: Mapping[str, object] = amount if isinstance(amount, Mapping) else {}  # pyright: ignore[reportUnknownVariableType] - any JSON
    fields = (
        item.get("pspReference"),
        item.get("originalReference"),
        item.get("merchantAccountCode"),
        item.get("merchantReference"),
        money.get("value"),
        money.get("currency"),
        item.get("eventCode"),
        item.get("success"),
    )
    return ":".join(_text(value) for value in fields)


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case int() if not isinstance(value, bool):
            return str(value)
        case _:
            raise TypeError(f"a signed field is a {type(value).__name__}, which has no one spelling")


def sign(message: bytes, key: str) -> str:
    """The signature, base64. ``key``: hexadecimal."""
    return base64.b64encode(hmac.new(bytes.fromhex(key), message, hashlib.sha256).digest()).decode()


def is_authentic(message: bytes, signature: str, keys: Iterable[str]) -> bool:
    """Whether the signature fits with any key; every key is tried, in constant time."""
    told, fits = signature.encode("utf-8", "surrogatepass"), False
    for key in keys:
        fits |= hmac.compare_digest(told, sign(message, key).encode())
    return fits
