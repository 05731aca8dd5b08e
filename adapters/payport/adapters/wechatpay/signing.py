"""WeChat Pay's signatures: what is signed in a request, an answer, a notification and the payer's parameters.

Pure functions over bytes. Every signed text is lines that each end in a line feed, the last one too. Answers and
notifications are signed alike: a time stamp, a nonce and the raw body.

Source: pay.weixin.qq.com, "API v3: signature", "signature verification", "probe signatures".
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from payport.sdk.keys import PublicKey

SCHEME = "WECHATPAY2-SHA256-RSA2048"
"""The only signature type that this adapter believes, and what an absent one means."""

PROBE = "WECHATPAY/SIGNTEST/"
"""WeChat signs a few answers and notifications wrongly on purpose, to see who checks: refuse them like any other."""

WINDOW_S = 300
"""How far the stamped time may be from ours, in both directions."""

TIMESTAMP = "wechatpay-timestamp"
NONCE = "wechatpay-nonce"
SIGNATURE = "wechatpay-signature"
SERIAL = "wechatpay-serial"
SIGNATURE_TYPE = "wechatpay-signature-type"
_NEEDED = (TIMESTAMP, NONCE, SIGNATURE, SERIAL)
_READ = frozenset((*_NEEDED, SIGNATURE_TYPE, "request-id"))

_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{1,64}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,11}", re.ASCII)
_VISIBLE = re.compile(r"[!-~]{1,128}", re.ASCII)


def lines(*parts: str | bytes) -> bytes:
    """The parts in UTF-8, each with a line feed behind it."""
    return b"".join((part if isinstance(part, bytes) else part.encode()) + b"\n" for part in parts)


def request_message(method: str, target: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """What the caller of the API signs. ``target``: path and query exactly as they are sent, percent-encoded."""
    return lines(method, target, timestamp, nonce, body)


def answer_message(timestamp: str, nonce: str, body: bytes) -> bytes:
    """What WeChat signs in an answer or a notification; an empty body leaves an empty line."""
    return lines(timestamp, nonce, body)


def payer_message(appid: str, timestamp: str, nonce: str, package: str) -> bytes:
    """What the payer's app hands over. ``package``: ``prepay_id=...`` on pages, the bare prepay id in apps."""
    return lines(appid, timestamp, nonce, package)


def authorization(mchid: str, serial: str, timestamp: str, nonce: str, signature: bytes) -> str:
    """The header ``Authorization`` of a request. ``serial``: of the merchant's own certificate."""
    return (
        f'{SCHEME} mchid="{mchid}",nonce_str="{nonce}",signature="{base64_text(signature)}",'
        f'timestamp="{timestamp}",serial_no="{serial}"'
    )


def base64_text(data: bytes) -> str:
    """Base64 in one line."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def key_number(serial: str) -> str:
    """What tells keys apart: of a certificate's serial number, the number; of anything else, the text as it is.

    WeChat's own systems and the libraries of others disagree on leading zeros.
    """
    return (serial.upper().lstrip("0") or "0") if _HEXADECIMAL.fullmatch(serial) else serial


def names_a_certificate(serial: str) -> bool:
    """Whether it is the serial number of a certificate, in hexadecimal."""
    return _HEXADECIMAL.fullmatch(serial) is not None


class Flaw(Enum):
    """Why a message is not authentic."""

    UNSIGNED = "unsigned"
    MALFORMED = "malformed"
    """Its headers can be read in two ways, or not at all."""
    STALE = "stale"
    UNSUPPORTED = "unsupported"
    """Signed in a way that is not configured."""
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"


@dataclass(frozen=True, slots=True)
class Seal:
    """The signature that a message claims, nothing of it verified. ``serial``: which of WeChat's keys made it."""

    timestamp: str
    nonce: str
    serial: str
    signature: str = field(repr=False)

    @property
    def is_probe(self) -> bool:
        """Whether WeChat spoilt the signature on purpose."""
        return self.signature.startswith(PROBE)


def plain_headers(headers: Iterable[tuple[str, str]]) -> Mapping[str, str] | Flaw:
    """The headers that matter here, by lower-case name; ``MALFORMED`` when one of them stands twice and differs.

    Names come in any spelling, also as a WSGI server's ``HTTP_WECHATPAY_NONCE``.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        plain = name.lower().replace("_", "-").removeprefix("http-")
        if plain in _READ and found.setdefault(plain, value) != value:
            return Flaw.MALFORMED
    return found


def claims_a_signature(headers: Mapping[str, str]) -> bool:
    """Whether any header of a signature is there."""
    return any(name in headers for name in _NEEDED)


def read_seal(headers: Mapping[str, str], now_s: float) -> Seal | Flaw:
    """The claimed signature of a message that arrived at ``now_s`` (Unix time), or what is wrong with it.

    A nonce with a line feed would let bytes wander between nonce and body under one signature, so only visible
    characters are taken.
    """
    timestamp, nonce, signature, serial = (headers.get(name, "") for name in _NEEDED)
    if not (timestamp and nonce and signature and serial):
        return Flaw.UNSIGNED
    if not (_SECONDS.fullmatch(timestamp) and _VISIBLE.fullmatch(nonce) and _VISIBLE.fullmatch(serial)):
        return Flaw.MALFORMED
    if abs(now_s - int(timestamp)) > WINDOW_S:
        return Flaw.STALE
    if headers.get(SIGNATURE_TYPE, SCHEME) != SCHEME:
        return Flaw.UNSUPPORTED
    return Seal(timestamp, nonce, serial, signature)


def is_authentic(seal: Seal, body: bytes, key: PublicKey) -> bool:
    """Whether ``key`` signed ``body`` with this time and nonce. Strict base64, so one spelling. Never raises."""
    try:
        signature = binascii.a2b_base64(seal.signature, strict_mode=True)
    except ValueError:
        return False
    return key.verify(answer_message(seal.timestamp, seal.nonce, body), signature)
