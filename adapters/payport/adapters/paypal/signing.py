"""What PayPal signs of a webhook event, and the headers that carry the signature.

Source: developer.paypal.com, "Verify webhooks yourself": ``<id>|<time>|<webhook id>|<CRC-32 of the raw body>``,
RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017).
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from payport.adapters.paypal.calls import instant

ALGORITHMS = frozenset({"SHA256withRSA"})
"""What an event may be signed by. The header may only name one of these, never choose."""

_ID, _TIME, _SIGNATURE, _ADDRESS, _ALGORITHM = (
    "paypal-transmission-id",
    "paypal-transmission-time",
    "paypal-transmission-sig",
    "paypal-cert-url",
    "paypal-auth-algo",
)
_TRANSMISSION_ID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_LONGEST = 2048


class MalformedTransmission(ValueError):
    """The headers are not those of an event."""


@dataclass(frozen=True, slots=True)
class Transmission:
    """One delivery of an event, as its headers tell. Nothing of it is authentic yet."""

    id: str
    time_text: str
    time: datetime
    signature: bytes = field(repr=False)
    address: str = field(repr=False)
    algorithm: str

    def message(self, webhook_id: str, body: bytes) -> bytes:
        """What the signature is over."""
        return f"{self.id}|{self.time_text}|{webhook_id}|{zlib.crc32(body)}".encode()


def is_signed(headers: Mapping[str, str]) -> bool:
    """Whether there is a signature at all."""
    return any(name.lower() == _SIGNATURE and value for name, value in headers.items())


def read_transmission(headers: Mapping[str, str]) -> Transmission:
    """The headers of an event, by any spelling of their names. Raises :class:`MalformedTransmission`."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        if lower in found:
            raise MalformedTransmission(f"the header {lower} stands twice")
        found[lower] = value
    for name in (_ID, _TIME, _SIGNATURE, _ADDRESS, _ALGORITHM):
        if not found.get(name) or len(found[name]) > _LONGEST:
            raise MalformedTransmission(f"the header {name} is missing or too long")
    # the parts are joined with "|": a part that holds one would let two events have one signed text
    at = instant(found[_TIME])
    if not _TRANSMISSION_ID.fullmatch(found[_ID]) or at is None:
        raise MalformedTransmission("the transmission's id or time has another form")
    try:
        signature = base64.b64decode(found[_SIGNATURE], validate=True)
    except (binascii.Error, ValueError):
        raise MalformedTransmission("the signature is not base64") from None
    return Transmission(found[_ID], found[_TIME], at, signature, found[_ADDRESS], found[_ALGORITHM])
