"""One call of ``gateway.do``: what is asked, its public parameters and signature, and sending it.

Sources: open.alipay.com, "public request parameters", "signature", "certificate mode", "content encryption".
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from payport.adapters.alipay import encryption, signing
from payport.adapters.alipay.forms import encode_form
from payport.schemas.outcome import UnknownKind
from payport.sdk import exchange
from payport.sdk.calling import call
from payport.sdk.compact_json import compact_encoder
from payport.sdk.exchange import Exchange
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.alipay.adapter import Alipay

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)

to_text = compact_encoder(ascii_only=False)
ascii_text = compact_encoder()
_to_sorted_text = compact_encoder(ascii_only=False, sort_keys=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What to call: frozen in the journal, apart from time and signature, which are new on every try."""

    method: str
    biz: Mapping[str, object] = field(repr=False)
    notify_url: str | None = None
    return_url: str | None = None
    moves_money: bool = True

    def encode(self) -> bytes:
        """The whole call as kept in the journal."""
        kept = {
            "v": 1,
            "method": self.method,
            "biz": self.biz,
            "notify_url": self.notify_url,
            "return_url": self.return_url,
            "moves_money": self.moves_money,
        }
        return _to_sorted_text(kept).encode()

    @classmethod
    def decode(cls, text: bytes) -> Call:
        """The call that :meth:`encode` wrote, by this version or an older one."""
        kept = json.loads(text)
        return cls(
            method=kept["method"],
            biz=kept["biz"],
            notify_url=kept["notify_url"],
            return_url=kept["return_url"],
            moves_money=kept["moves_money"],
        )


def china_time(moment: datetime) -> str:
    """An instant as Alipay writes it: China Standard Time, no offset in the text."""
    return moment.astimezone(CHINA).isoformat(" ", "seconds")[:19]


def from_china_time(text: str) -> datetime:
    """The instant that Alipay means. Raises ``ValueError``."""
    if not _TIME.fullmatch(text):
        raise ValueError("not a time such as 2026-01-31 12:00:00")
    try:
        return datetime.fromisoformat(text + "+08:00").astimezone(UTC)
    except OverflowError:
        raise ValueError("a time before all that there are") from None


def signed_parameters(alipay: Alipay, request: Call, *, escaped: bool = False) -> Exchange[dict[str, str]]:
    """Every parameter of the request with its signature. Values are not percent-encoded yet.

    ``escaped``: the content in ASCII, with JSON's own escapes: the same bytes in every charset.
    """
    account = alipay.config
    now = yield from exchange.now()
    content = ascii_text(request.biz) if escaped else to_text(request.biz)
    params = {
        "app_id": account.app_id,
        "method": request.method,
        "format": "JSON",
        "charset": account.charset,
        "sign_type": "RSA2",
        "timestamp": china_time(now.utc),
        "version": "1.0",
        "biz_content": content,
        **alipay.keys.serial_numbers,
    }
    optional = {"notify_url": request.notify_url, "return_url": request.return_url}
    params.update({name: value for name, value in optional.items() if value})
    if account.app_auth_token is not None:
        params["app_auth_token"] = account.app_auth_token.reveal()
    if account.encryption_key is not None:
        params["biz_content"] = encryption.encrypt(account.encryption_key.reveal(), content.encode(account.charset))
        params["encrypt_type"] = "AES"
    signature = yield from exchange.sign(alipay.keys.private, signing.canonical(params, account.charset))
    params["sign"] = base64_text(signature)
    return params


def base64_text(data: bytes) -> str:
    """Base64 in one line."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def send_call(
    alipay: Alipay, request: Call, deadline_s: float, *, not_after: datetime | None = None
) -> Exchange[WireReply | Observation]:
    """The HTTP reply as it came, or why there is none worth reading."""
    params = yield from signed_parameters(alipay, request)
    body = encode_form({"biz_content": params.pop("biz_content")}, alipay.config.charset)
    query = encode_form(params, alipay.config.charset).decode("ascii")
    wire = WireRequest(
        endpoint=request.method,
        moves_money=request.moves_money,
        method="POST",
        url=f"{alipay.config.gateway_url}?{query}",
        headers={
            "content-type": f"application/x-www-form-urlencoded;charset={alipay.config.charset}",
            "accept": "application/json",
        },
        content=body,
        not_after=not_after,
    )
    reply = yield from call(alipay, wire, deadline_s)
    if isinstance(reply, Observation) or reply.status == 200:
        return reply
    busy = reply.status == 429 or reply.status >= 500
    kind = UnknownKind.PARTNER_FAULT if busy else UnknownKind.UNREADABLE
    return doubt(Source.REPLY, kind, f"HTTP status {reply.status}", again=busy)
