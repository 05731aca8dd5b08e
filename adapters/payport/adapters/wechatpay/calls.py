"""One call of API v3: what is asked, how it is kept in the journal, encrypted, signed and sent.

Sources: pay.weixin.qq.com, "API v3: basic rules", "signature", "backup host".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from payport.adapters.wechatpay import signing
from payport.adapters.wechatpay.encryption import has_hidden, hide, with_hidden
from payport.schemas.outcome import NotSentCause, NotSentKind
from payport.sdk import exchange
from payport.sdk.calling import call
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.observation import Observation, Source

if TYPE_CHECKING:
    from payport.adapters.wechatpay.adapter import WeChatPay
    from payport.adapters.wechatpay.partner_keys import PlatformKey

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")

# one encoder for all: json.dumps with options of its own builds another for every call
to_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_to_sorted_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode

_NOT_REACHED = frozenset({NotSentKind.UNRESOLVED, NotSentKind.UNREACHABLE, NotSentKind.TLS})


def _nothing() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What to call: frozen in the journal, apart from time, nonce, signature and encryption, new on every try.

    ``name``: method and path as WeChat's documents write them, ``"GET /v3/.../out-trade-no/{out_trade_no}"``: what
    limits, logs and simulators know the call by.
    ``path``, ``query``: their values, not encoded. ``hidden``: where texts of the body are that leave encrypted; the
    body itself holds them in plain (see :func:`.encryption.with_hidden` for the form). ``notes``: what is not sent but
    needed to carry the call out and to read its answer.
    """

    name: str
    path: Mapping[str, str] = field(default_factory=_nothing)
    query: Mapping[str, str] = field(default_factory=_nothing)
    body: Mapping[str, object] | None = field(default=None, repr=False)
    hidden: tuple[str, ...] = ()
    moves_money: bool = True
    notes: Mapping[str, str] = field(default_factory=_nothing, repr=False)

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.name.partition(" ")[0]

    @property
    def target(self) -> str:
        """Path and query as they are signed and sent: everything but ``A-Z a-z 0-9 - . _ ~`` percent-encoded.

        ``out_trade_no`` may hold ``|`` and ``*``, and what is signed is the encoded form.
        """
        path = self.name.partition(" ")[2].format_map(
            {name: quote(value, safe="") for name, value in self.path.items()}
        )
        return f"{path}?{urlencode(self.query, quote_via=quote, safe='')}" if self.query else path

    def encode(self) -> bytes:
        """The whole call as kept in the journal."""
        kept: dict[str, object] = {
            "v": 1,
            "name": self.name,
            "path": self.path,
            "query": self.query,
            "body": self.body,
            "hidden": self.hidden,
            "moves_money": self.moves_money,
            "notes": self.notes,
        }
        return _to_sorted_text(kept).encode()

    @classmethod
    def decode(cls, text: bytes) -> Call:
        """The call that :meth:`encode` wrote, by this version or an older one."""
        kept = json.loads(text)
        return cls(
            name=kept["name"],
            path=kept["path"],
            query=kept["query"],
            body=kept["body"],
            hidden=tuple(kept["hidden"]),
            moves_money=kept["moves_money"],
            notes=kept["notes"],
        )


def china_time(moment: datetime) -> str:
    """An instant as WeChat writes it: RFC 3339 with China's offset, whole seconds."""
    return moment.astimezone(CHINA).isoformat("T", "seconds")


def from_wire_time(text: str) -> datetime:
    """The instant of an RFC 3339 text, with or without a fraction, ``Z`` or an offset. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or "T" not in text:
        raise ValueError("not a time such as 2026-01-31T12:00:00+08:00")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time before or after all that there are") from None


def needs_encryption(request: Call) -> bool:
    """Whether any text of the body must be encrypted."""
    return request.body is not None and bool(request.hidden) and has_hidden(request.body, request.hidden)


def send_call(
    adapter: WeChatPay, request: Call, deadline_s: float, *, key: PlatformKey | None
) -> Exchange[WireReply | Observation]:
    """The HTTP reply as it came, or why there is none. ``key``: to encrypt with, and to have the answer signed with.

    Where no connection to the first host can be made, so that nothing has left, the second one is called: the same
    ledger, the same numbers.
    """
    body = b""
    if request.body is not None:
        try:
            body = to_text(_encrypted(request, key)).encode()
        except ValueError as error:
            cause = NotSentCause(NotSentKind.INVALID, f"a text cannot be sent: {type(error).__name__}")
            return Observation(state=State.NOT_SENT, source=Source.LOCAL, not_sent=cause)
    first, *others = adapter.config.urls
    reply = yield from call(adapter, (yield from _signed(adapter, request, body, first, key)), deadline_s)
    for url in others:
        if not (isinstance(reply, Observation) and reply.not_sent and reply.not_sent.kind in _NOT_REACHED):
            break
        reply = yield from call(adapter, (yield from _signed(adapter, request, body, url, key)), deadline_s)
    return reply


def _encrypted(request: Call, key: PlatformKey | None) -> Mapping[str, object]:
    body = request.body or {}
    if key is None or not request.hidden:
        return body
    return with_hidden(body, request.hidden, lambda text: hide(text, key.key))


def _signed(adapter: WeChatPay, request: Call, body: bytes, url: str, key: PlatformKey | None) -> Exchange[WireRequest]:
    """The request with a time, nonce and signature of its own."""
    account = adapter.config
    now = yield from exchange.now()
    timestamp, nonce = str(int(now.utc.timestamp())), (yield from exchange.nonce())
    message = signing.request_message(request.method, request.target, timestamp, nonce, body)
    signature = yield from exchange.sign(adapter.keys.private, message)
    headers = {
        "authorization": signing.authorization(account.mchid, account.serial, timestamp, nonce, signature),
        "accept": "application/json",
        "user-agent": "payport",
    }
    if body:
        headers["content-type"] = "application/json"
    if key is not None:
        headers[signing.SERIAL] = key.serial
    return WireRequest(
        endpoint=request.name,
        moves_money=request.moves_money,
        method=request.method,
        url=f"{url}{request.target}",
        headers=headers,
        content=body,
    )
