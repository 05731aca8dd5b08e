"""One call of API v2: what is asked, frozen; then signed anew and posted as XML.

Source: pay.weixin.qq.com, API v2, "protocol rules".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from payport.adapters.wechatpay_v2.signing import signature
from payport.schemas.outcome import UnknownKind
from payport.sdk import exchange, strict_xml
from payport.sdk.calling import call
from payport.sdk.exchange import Exchange
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.wechatpay_v2.adapter import WeChatPayV2

UNIFIED_ORDER = "pay/unifiedorder"
MICROPAY = "pay/micropay"
ORDER_QUERY = "pay/orderquery"
CLOSE = "pay/closeorder"
REVERSE = "secapi/pay/reverse"
REFUND = "secapi/pay/refund"
REFUND_QUERY = "pay/refundquery"

MOVING = frozenset({UNIFIED_ORDER, MICROPAY, CLOSE, REVERSE, REFUND})
"""What may charge, or end, or give back: everything but questions."""

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
_COMPACT_TIME = re.compile(r"\d{14}", re.ASCII)
_SPOKEN_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_to_sorted_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def _no_notes() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What to call: frozen in the journal, apart from nonce and signature, which are new on every try.

    ``path``: the endpoint, without the first slash. ``notes``: what stays here and is needed to read the answer.
    """

    path: str
    fields: Mapping[str, str] = field(repr=False)
    notes: Mapping[str, str] = field(default_factory=_no_notes)

    def encode(self) -> bytes:
        """The whole call as kept in the journal."""
        kept = {"v": 1, "path": self.path, "fields": dict(self.fields), "notes": dict(self.notes)}
        return _to_sorted_text(kept).encode()

    @classmethod
    def decode(cls, text: bytes) -> Call:
        """The call that :meth:`encode` wrote, by this version or an older one."""
        kept = json.loads(text)
        return cls(path=kept["path"], fields=kept["fields"], notes=kept["notes"])


def china_time(moment: datetime) -> str:
    """An instant as API v2 writes it: fourteen digits, Beijing time, no offset in the text."""
    return f"{moment.astimezone(CHINA):%Y%m%d%H%M%S}"


def instant(text: str | None) -> datetime | None:
    """The instant that WeChat means, in either of its forms; ``None`` for another one: it decides nothing."""
    if not text:
        return None
    if _COMPACT_TIME.fullmatch(text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:8]} {text[8:10]}:{text[10:12]}:{text[12:]}"
    elif not _SPOKEN_TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def signed_fields(wechat: WeChatPayV2, request: Call) -> Exchange[dict[str, str]]:
    """Every field of the request with its signature."""
    account = wechat.config
    nonce = yield from exchange.nonce()
    fields = {**account.identity, **request.fields, "nonce_str": nonce, "sign_type": account.sign_type.value}
    return {**fields, "sign": signature(fields, account.api_key.reveal(), account.sign_type)}


def send_call(wechat: WeChatPayV2, request: Call, deadline_s: float) -> Exchange[WireReply | Observation]:
    """The HTTP reply as it came, or why there is none worth reading."""
    fields = yield from signed_fields(wechat, request)
    wire = WireRequest(
        endpoint=request.path,
        moves_money=request.path in MOVING,
        method="POST",
        url=f"{wechat.config.base_url}/{request.path}",
        headers={"content-type": "text/xml; charset=utf-8", "accept": "text/xml"},
        content=strict_xml.write_flat(fields, root="xml"),
    )
    reply = yield from call(wechat, wire, deadline_s)
    if isinstance(reply, Observation) or reply.status == 200:
        return reply
    busy = reply.status == 429 or reply.status >= 500
    kind = UnknownKind.PARTNER_FAULT if busy else UnknownKind.UNREADABLE
    hint = "" if busy or request.path not in (REVERSE, REFUND) else "; was the client certificate accepted?"
    return doubt(Source.REPLY, kind, f"HTTP status {reply.status}{hint}", again=busy)
