"""One call of PayPal's REST API: what is asked, sending it under a token, and what comes back.

PayPal signs no answer: TLS is what it is believed by. So every answer is compared with what was asked.
Sources: PayPal's OpenAPI documents; developer.paypal.com, "API requests", "API responses", "Idempotency".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError

from payport.adapters.paypal.mapping import Verdict, verdict
from payport.adapters.paypal.tokens import Token, token_for
from payport.adapters.paypal.wire import PayPalError
from payport.schemas.outcome import UnknownKind
from payport.sdk.calling import call, json_of
from payport.sdk.exchange import Exchange
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.paypal.adapter import PayPal

# one encoder for all: json.dumps with options of its own builds another for every call
_to_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
_NUMBER = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What to call: frozen in the journal whole; only the token is another on every try.

    ``endpoint``: PayPal's name of the operation. ``request_id``: what PayPal recognises a repetition by.
    """

    endpoint: str
    verb: str
    path: str
    body: Mapping[str, object] | None = field(default=None, repr=False)
    request_id: str | None = None
    moves_money: bool = True

    def encode(self) -> bytes:
        """The whole call as kept in the journal."""
        kept = {
            "v": 1,
            "endpoint": self.endpoint,
            "verb": self.verb,
            "path": self.path,
            "body": self.body,
            "request_id": self.request_id,
            "moves_money": self.moves_money,
        }
        return _to_text(kept).encode()

    @classmethod
    def decode(cls, text: bytes) -> Call:
        """The call that :meth:`encode` wrote, by this version or an older one."""
        kept = json.loads(text)
        return cls(
            endpoint=kept["endpoint"],
            verb=kept["verb"],
            path=kept["path"],
            body=kept["body"],
            request_id=kept["request_id"],
            moves_money=kept["moves_money"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What PayPal said. ``node``: the body, empty for 204; ``error``: its refusal when the status says so."""

    status: int
    node: Mapping[str, object] = field(repr=False)
    error: PayPalError | None = None

    @property
    def ok(self) -> bool:
        """Whether the call was carried out; what became of the money stands in the body."""
        return self.error is None

    @property
    def issues(self) -> tuple[str, ...]:
        """What exactly is wrong."""
        return tuple(detail.issue for detail in self.error.details if detail.issue) if self.error else ()

    @property
    def code(self) -> str:
        """PayPal's own word for the refusal: the first issue, else the name."""
        return (*self.issues, self.error.name if self.error else "")[0]

    @property
    def words(self) -> str:
        """What to tell a person, with the number that PayPal's support asks for."""
        if self.error is None:
            return ""
        debug = f" (debug_id {self.error.debug_id})" if self.error.debug_id else ""
        return f"{self.error.message}{debug}".strip()

    @property
    def verdict(self) -> Verdict:
        """What the refusal means."""
        return verdict(self.status, self.error.name if self.error else "", self.issues)


def ask_paypal(paypal: PayPal, request: Call, deadline_s: float) -> Exchange[Reply | Observation]:
    """Send one call and read its answer; an observation where there is none that can be read.

    A token that PayPal does not accept is dropped and another one fetched, once; then the refusal stands.
    """
    token = yield from token_for(paypal, deadline_s)
    if isinstance(token, Observation):
        return token
    reply = yield from call(paypal, _wire(paypal, request, token), deadline_s)
    if isinstance(reply, WireReply) and reply.status == 401:
        paypal.tokens.drop(token.serial)
        fresh = yield from token_for(paypal, deadline_s)
        if isinstance(fresh, Token):
            reply = yield from call(paypal, _wire(paypal, request, fresh), deadline_s)
    return reply if isinstance(reply, Observation) else read_reply(reply)


def _wire(paypal: PayPal, request: Call, token: Token) -> WireRequest:
    headers = {
        "authorization": f"Bearer {token.value.reveal()}",
        "accept": "application/json",
        "content-type": "application/json",
    }
    if request.verb == "POST":
        headers["prefer"] = "return=representation"
    if request.request_id is not None:
        headers["paypal-request-id"] = request.request_id
    if paypal.config.attribution_id is not None:
        headers["paypal-partner-attribution-id"] = paypal.config.attribution_id
    return WireRequest(
        endpoint=request.endpoint,
        moves_money=request.moves_money,
        method=request.verb,
        url=f"{paypal.config.api_url}{request.path}",
        headers=headers,
        content=b"" if request.body is None else _to_text(request.body).encode(),
    )


def read_reply(reply: WireReply) -> Reply | Observation:
    """An HTTP reply as PayPal's word, or a doubt when it is not PayPal's JSON."""
    if reply.status == 204 and not reply.content:
        return Reply(status=204, node={})
    node = json_of(reply, Source.REPLY, "PayPal")
    if isinstance(node, Observation):
        return node
    if 200 <= reply.status < 300:
        return Reply(status=reply.status, node=node)
    if reply.status < 400:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"HTTP status {reply.status}")
    return Reply(status=reply.status, node=node, error=_error(node))


def _error(node: Mapping[str, object]) -> PayPalError:
    """The refusal in the API's own form, or in the one that the token service and the door use."""
    try:
        return PayPalError.model_validate(node)
    except ValidationError:
        name = node.get("error") or node.get("name")
        return PayPalError(name=name if isinstance(name, str) else "", message="")


def is_number(text: str) -> bool:
    """Whether this can be one of PayPal's numbers: only such a text is ever put into a path."""
    return _NUMBER.fullmatch(text) is not None


def instant(text: str | None) -> datetime | None:
    """A time; ``None`` when it is missing or in a form that is not known: it decides nothing."""
    if text is None or not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def mapping_of(node: object) -> Mapping[str, object]:
    """A JSON object, empty where there is none."""
    return cast("Mapping[str, object]", node) if isinstance(node, dict) else {}
