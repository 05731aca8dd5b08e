"""Replies as WeChat writes them: signed over time, nonce and the raw body, with the oddities seen in the wild."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from payport.adapters.wechatpay.simulator.gate import SCHEME
from payport.adapters.wechatpay.simulator.quirks import Quirks
from payport.sdk.message import WireReply

if TYPE_CHECKING:
    from payport.adapters.wechatpay.simulator.keys import PlatformKey

PROBE = "WECHATPAY/SIGNTEST/"
"""How the deliberately wrong signatures begin that WeChat sends to see who verifies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """How the answers of one moment are sealed.

    ``signed`` false leaves the signature out, ``broken`` spoils it, ``probe`` makes it one of WeChat's probes.
    ``at``: the true time, which the receiver's clock is held to.
    """

    key: PlatformKey
    at: datetime
    nonce: str
    typed: bool = True
    signed: bool = True
    broken: bool = False
    probe: bool = False

    def headers(self, body: bytes) -> dict[str, str]:
        """The signature headers of a body; empty when it is not to be signed."""
        if not self.signed:
            return {}
        stamp = str(int(self.at.timestamp()))
        message = f"{stamp}\n{self.nonce}\n".encode() + body + b"\n"
        # a signature over other bytes: well formed, wrong
        signature = self.key.pair.sign(message + b" " if self.broken else message)
        if self.probe:
            signature = PROBE + signature[: -len(PROBE)]
        headers = {
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": self.nonce,
            "Wechatpay-Signature": signature,
            "Wechatpay-Serial": self.key.id,
        }
        return {**headers, "Wechatpay-Signature-Type": SCHEME} if self.typed else headers


def nonce_of(turn: int, name: str = "") -> str:
    """The 32 characters of a turn."""
    return base64.b32encode(sha256(f"{name}{turn}".encode()).digest()[:20]).decode()


def written(fields: Mapping[str, object], quirks: Quirks) -> bytes:
    """A JSON body."""
    if quirks.new_fields:
        fields = {**fields, "field_of_tomorrow": {"list": [1, "two"]}}
    if quirks.spaced:
        text = json.dumps(fields, ensure_ascii=False, indent=2, default=str)
    else:
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"), default=str)
    return (text.replace("/", "\\/") if quirks.escaped_slashes else text).encode()


def reply(status: int, body: bytes, seal: Seal, request_id: str) -> WireReply:
    """One answer. Header names in lower case, as transports hand them over."""
    headers = {"Request-ID": request_id, "Content-Language": "zh-CN"}
    if body:
        headers["Content-Type"] = "application/json; charset=utf-8"
    headers |= seal.headers(body)
    return WireReply(status, tuple((name.lower(), value) for name, value in headers.items()), body)
