"""Replies as Alipay writes them: the signed raw node in its envelope, with the oddities seen in the wild."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from payport.adapters.alipay.encryption import encrypt
from payport.adapters.alipay.signing import encoder
from payport.sdk.message import WireReply

if TYPE_CHECKING:
    from payport.adapters.alipay.simulator.keys import Pair

MESSAGES = {
    "10000": "Success",
    "10003": "order success pay inprocess",
    "20000": "Service Currently Unavailable",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40003": "Insufficient Conditions",
    "40004": "Business Failed",
    "40005": "Call Limited",
    "40006": "Insufficient Permissions",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """Oddities of genuine replies, all of them correctly signed.

    ``escaped_slashes``: ``\\/`` for ``/``. ``blanks``: blanks and line breaks in the envelope and the node.
    ``hostile_texts``: braces, quotes and a nested ``sign`` inside texts. ``cert_sn_first``: before ``sign``.
    """

    escaped_slashes: bool = False
    blanks: bool = False
    hostile_texts: bool = False
    cert_sn_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """How the replies of one moment are sealed. ``signed`` false leaves the signature out, ``broken`` spoils it."""

    key: Pair
    charset: str
    cert_sn: str | None = None
    encryption_key: str | None = None
    quirks: Quirks = Quirks()
    signed: bool = True
    broken: bool = False


def node_name(method: str) -> str:
    """The name of the node that answers a method."""
    return f"{method.replace('.', '_')}_response" if method else "error_response"


def reply(name: str, fields: Mapping[str, object], seal: Seal) -> WireReply:
    """One reply. Status 200 always; the header says text/html, as Alipay's does."""
    node = _node(fields, seal)
    codec = encoder(seal.charset)
    raw = node.encode(codec, errors="replace")
    tail = {"alipay_cert_sn": seal.cert_sn} if seal.cert_sn is not None else {}
    if seal.signed:
        # a signature over other bytes: well formed, wrong
        sign = {"sign": seal.key.sign(raw + b" " if seal.broken else raw)}
        tail = tail | sign if seal.quirks.cert_sn_first else sign | tail
    gap = " \n " if seal.quirks.blanks else ""
    parts = [f'"{name}"{gap}:{gap}'.encode() + raw]
    parts += [f'"{key}"{gap}:{gap}"{value}"'.encode() for key, value in tail.items()]
    body = b"{" + gap.encode() + f"{gap},{gap}".encode().join(parts) + gap.encode() + b"}"
    headers = (("content-type", f"text/html;charset={seal.charset}"), ("trace_id", "0a1d7f5716"))
    return WireReply(200, headers, body)


def _node(fields: Mapping[str, object], seal: Seal) -> str:
    quirks = seal.quirks
    if quirks.hostile_texts and fields.get("code") == "10000":
        fields = {**fields, "store_name": 'Tea } and "sign":"no" {"x":"}', "industry_sepc_detail": {"sign": "nested"}}
    text = (
        json.dumps(fields, ensure_ascii=False, indent=2)
        if quirks.blanks
        else json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    )
    if seal.encryption_key is not None and fields.get("code") in ("10000", "10003"):
        text = f'"{encrypt(seal.encryption_key, text.encode(encoder(seal.charset)))}"'
    # slashes last: inside an encrypted node they are base64 and may be escaped as well
    return text.replace("/", "\\/") if quirks.escaped_slashes else text
