"""One call of the Checkout API: what is asked, how it is sent, and the answer before anybody has judged it.

Sources: Adyen's API explorer, Checkout v71; its documentation, "API idempotency", "live endpoints".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from payport.schemas.outcome import NotSentCause, NotSentKind, UnknownKind
from payport.sdk.calling import call
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.strict_json import MalformedJson, parse_object

if TYPE_CHECKING:
    from payport.adapters.adyen.adapter import Adyen


@dataclass(frozen=True, slots=True)
class Route:
    """Where a call goes. ``path``: with the names of Adyen's numbers in braces."""

    method: str
    path: str
    moves_money: bool = False
    platform: bool = False
    """Whether it goes to the balance platform's host, with its key."""


ROUTES: Mapping[str, Route] = {
    "payments": Route("POST", "/payments", moves_money=True),
    "payments.details": Route("POST", "/payments/details", moves_money=True),
    "payments.captures": Route("POST", "/payments/{psp}/captures", moves_money=True),
    "payments.cancels": Route("POST", "/payments/{psp}/cancels", moves_money=True),
    "payments.refunds": Route("POST", "/payments/{psp}/refunds", moves_money=True),
    "payments.reversals": Route("POST", "/payments/{psp}/reversals", moves_money=True),
    "payments.amountUpdates": Route("POST", "/payments/{psp}/amountUpdates", moves_money=True),
    "cancels": Route("POST", "/cancels", moves_money=True),
    "paymentLinks": Route("POST", "/paymentLinks", moves_money=True),
    "paymentLinks.get": Route("GET", "/paymentLinks/{link}"),
    "paymentLinks.expire": Route("PATCH", "/paymentLinks/{link}", moves_money=True),
    "sessions": Route("POST", "/sessions", moves_money=True),
    "sessions.get": Route("GET", "/sessions/{session}"),
    "paymentMethods": Route("POST", "/paymentMethods"),
    "transfers": Route("POST", "/transfers", moves_money=True, platform=True),
    "transfers.list": Route("GET", "/transfers", platform=True),
    "transfers.get": Route("GET", "/transfers/{transfer}", platform=True),
    "transactions.list": Route("GET", "/transactions", platform=True),
    "transactions.get": Route("GET", "/transactions/{transaction}", platform=True),
}
"""Every call that the adapter knows, by the name that limits, logs and the simulator's faults use."""

MAX_KEY = 64
_to_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def key_of(merchant_account: str, reference: str, step: str) -> str:
    """The idempotency key of a step: of our reference and never of the body, whose encrypted parts differ each time.

    Keys hold for the whole company: the same reference at another of its merchant accounts must be another key.
    """
    key = f"payport-{merchant_account}-{reference}-{step}"
    return key if len(key) <= MAX_KEY else hashlib.sha256(key.encode()).hexdigest()


def _nothing() -> Mapping[str, str]:
    return {}


def _no_body() -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What to call: frozen in the journal.

    ``host``: where it goes and nowhere else, because keys hold within one region. ``numbers``: Adyen's numbers in the
    path. ``key``: what Adyen recognises a repetition by. ``notes``: what reading needs.
    """

    name: str
    host: str
    body: Mapping[str, object] = field(default_factory=_no_body, repr=False)
    query: Mapping[str, str] = field(default_factory=_nothing, repr=False)
    numbers: Mapping[str, str] = field(default_factory=_nothing)
    key: str | None = None
    notes: Mapping[str, str] = field(default_factory=_nothing)

    def encode(self) -> bytes:
        """The whole call as kept in the journal."""
        kept = {
            "v": 1,
            "name": self.name,
            "host": self.host,
            "body": self.body,
            "query": self.query,
            "numbers": self.numbers,
            "key": self.key,
            "notes": self.notes,
        }
        return _to_text(kept).encode()

    @classmethod
    def decode(cls, text: bytes) -> Call:
        """The call that :meth:`encode` wrote, by this version or an older one."""
        kept = json.loads(text)
        return cls(
            name=kept["name"],
            host=kept["host"],
            body=kept["body"],
            query=kept["query"],
            numbers=kept["numbers"],
            key=kept["key"],
            notes=kept["notes"],
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """A readable answer. ``transient``: Adyen says that nothing reached the issuer."""

    status: int
    node: Mapping[str, object] = field(repr=False)
    transient: bool = False

    @property
    def ok(self) -> bool:
        """Whether it is no error."""
        return 200 <= self.status < 300


def ask_adyen(adyen: Adyen, asked: Call, deadline_s: float) -> Exchange[Answer | Observation]:
    """Send one call and read its JSON. Adyen signs no answer: TLS is what makes it authentic."""
    here = adyen.config.transfers_host if ROUTES[asked.name].platform else adyen.config.host
    if asked.host != here:
        detail = (
            f"it was begun at {asked.host}, and this account is configured for {here}: keys do not hold "
            "across regions, so sending it there could charge twice; configure the first host again"
        )
        return Observation(
            state=State.NOT_SENT, source=Source.LOCAL, not_sent=NotSentCause(NotSentKind.INVALID, detail)
        )
    reply = yield from call(adyen, wire_request(adyen, asked), deadline_s)
    if isinstance(reply, Observation):
        return reply
    return read_reply(asked, reply)


def wire_request(adyen: Adyen, asked: Call) -> WireRequest:
    """The HTTP request of a call."""
    account, route = adyen.config, ROUTES[asked.name]
    path = route.path.format_map({name: quote(number, safe="") for name, number in asked.numbers.items()})
    base = account.transfers_url if route.platform else account.base_url
    key = account.balance_api_key if route.platform and account.balance_api_key is not None else account.api_key
    headers = {"x-api-key": key.reveal(), "accept": "application/json"}
    if route.method != "GET":
        headers["content-type"] = "application/json"
    if asked.key is not None:
        headers["idempotency-key"] = asked.key
    query = f"?{urlencode(asked.query)}" if asked.query else ""
    return WireRequest(
        endpoint=asked.name,
        moves_money=route.moves_money,
        method=route.method,
        url=f"{base}{path}{query}",
        headers=headers,
        content=b"" if route.method == "GET" else _to_text(asked.body).encode(),
    )


def read_reply(asked: Call, reply: WireReply) -> Answer | Observation:
    """The answer, or the doubt that an unreadable one leaves."""
    transient = _header(reply, "transient-error") == "true"
    try:
        node = parse_object(reply.content)
    except MalformedJson:
        node = None
    if node is None and (reply.status >= 500 or transient):
        kind = UnknownKind.PARTNER_FAULT
        return doubt(Source.REPLY, kind, f"{asked.name}: status {reply.status} without JSON", again=transient)
    if node is None or (not 200 <= reply.status < 300 and not _is_error(node)):
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{asked.name}: status {reply.status}, nothing Adyen says")
    return Answer(reply.status, node, transient)


def _is_error(node: Mapping[str, object]) -> bool:
    return "errorCode" in node or "errorType" in node


def _header(reply: WireReply, name: str) -> str | None:
    try:
        value = reply.header(name)
    except ValueError:
        return None
    return value.strip().lower() if value is not None else None
