"""The signature on webhooks: HMAC-SHA256 over the time stamp and the raw body, with the endpoint's secret.

Source: Stripe's documentation, "verify webhook signatures manually".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

TOLERANCE_S = 300.0
"""How far the time stamp may be from ours, in either direction. Stripe's own libraries look at the past only."""

_STAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_MAX_HEADER = 4_096


class MalformedHeader(ValueError):
    """The header ``Stripe-Signature`` is not in a form that could carry a signature."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What the header says. ``stamp``: seconds since 1970 as written, which is what was signed. ``v1``: each one."""

    stamp: str
    v1: tuple[str, ...]


def parse_header(header: str) -> Signature:
    """Read ``t=...,v1=...[,v1=...][,v0=...]``; ``v0`` is for tests of Stripe's own and proves nothing.

    Raises :class:`MalformedHeader`.
    """
    if len(header) > _MAX_HEADER:
        raise MalformedHeader("the signature header is too long")
    stamp: str | None = None
    found: list[str] = []
    for part in header.split(","):
        name, mark, value = part.partition("=")
        if not mark:
            continue
        if name == "t" and stamp is None:
            stamp = value
        elif name == "v1":
            found.append(value)
    if stamp is None or not _STAMP.fullmatch(stamp):
        raise MalformedHeader("the signature header has no time")
    if not found:
        raise MalformedHeader("the signature header has no v1 signature")
    return Signature(stamp, tuple(found))


def sign(stamp: str, body: bytes, secret: str) -> str:
    """One ``v1`` signature, in lower-case hex."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def is_authentic(signature: Signature, body: bytes, secrets: Iterable[str]) -> bool:
    """Whether any signature fits with any secret; every pair is compared, in constant time."""
    fits = False
    for secret in secrets:
        expected = sign(signature.stamp, body, secret).encode()
        for told in signature.v1:
            fits |= hmac.compare_digest(told.encode("utf-8", "surrogatepass"), expected)
    return fits


def is_fresh(signature: Signature, now_s: float, *, past_s: float = TOLERANCE_S, future_s: float = TOLERANCE_S) -> bool:
    """Whether the time stamp is near enough; whole seconds are compared, the limit itself is near enough."""
    age_s = int(now_s) - int(signature.stamp)
    return -future_s <= age_s <= past_s
