"""One call of the API: what is asked, how it is sent, and the answer before anybody has judged it.

Sources: Stripe's API reference, "authentication", "idempotent requests", "versioning", "connected accounts".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from payport.adapters.stripe.forms import encode_form
from payport.adapters.stripe.mapping import may_retry
from payport.schemas.outcome import UnknownCause, UnknownKind
from payport.sdk.calling import call
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.strict_json import MalformedJson, parse_object

if TYPE_CHECKING:
    from payport.adapters.stripe.adapter import Stripe


@dataclass(frozen=True, slots=True)
class Route:
    """Where a call goes. ``path``: with the names of Stripe's numbers in braces."""

    method: str
    path: str
    moves_money: bool = False


ROUTES: Mapping[str, Route] = {
    "payment_intents.create": Route("POST", "/v1/payment_intents"),
    "payment_intents.retrieve": Route("GET", "/v1/payment_intents/{payment_intent}"),
    "payment_intents.update": Route("POST", "/v1/payment_intents/{payment_intent}"),
    "payment_intents.confirm": Route("POST", "/v1/payment_intents/{payment_intent}/confirm", moves_money=True),
    "payment_intents.capture": Route("POST", "/v1/payment_intents/{payment_intent}/capture", moves_money=True),
    "payment_intents.cancel": Route("POST", "/v1/payment_intents/{payment_intent}/cancel", moves_money=True),
    "payment_intents.increment_authorization": Route(
        "POST", "/v1/payment_intents/{payment_intent}/increment_authorization", moves_money=True
    ),
    "payment_intents.list": Route("GET", "/v1/payment_intents"),
    "payment_intents.search": Route("GET", "/v1/payment_intents/search"),
    "checkout.sessions.create": Route("POST", "/v1/checkout/sessions", moves_money=True),
    "checkout.sessions.retrieve": Route("GET", "/v1/checkout/sessions/{checkout_session}"),
    "checkout.sessions.list": Route("GET", "/v1/checkout/sessions"),
    "checkout.sessions.expire": Route("POST", "/v1/checkout/sessions/{checkout_session}/expire", moves_money=True),
    "refunds.create": Route("POST", "/v1/refunds", moves_money=True),
    "refunds.retrieve": Route("GET", "/v1/refunds/{refund}"),
    "refunds.update": Route("POST", "/v1/refunds/{refund}"),
    "refunds.cancel": Route("POST", "/v1/refunds/{refund}/cancel", moves_money=True),
    "refunds.list": Route("GET", "/v1/refunds"),
    "payouts.create": Route("POST", "/v1/payouts", moves_money=True),
    "payouts.retrieve": Route("GET", "/v1/payouts/{payout}"),
    "payouts.list": Route("GET", "/v1/payouts"),
    "charges.retrieve": Route("GET", "/v1/charges/{charge}"),
    "balance.retrieve": Route("GET", "/v1/balance"),
    "balance_transactions.retrieve": Route("GET", "/v1/balance_transactions/{balance_transaction}"),
    "balance_transactions.list": Route("GET", "/v1/balance_transactions"),
    "events.retrieve": Route("GET", "/v1/events/{event}"),
    "events.list": Route("GET", "/v1/events"),
}
"""Every call that the adapter knows, by the name that limits, logs and the simulator's faults use."""

_to_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def _no_numbers() -> Mapping[str, str]:
    return {}


def _no_params() -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What to call: frozen in the journal.

    ``numbers``: Stripe's numbers in the path; those that are not known yet are taken from the operation. ``key``: what
    Stripe recognises a repetition by, ``None`` for what is the same when done twice. ``notes``: what reading needs.
    """

    name: str
    params: Mapping[str, object] = field(default_factory=_no_params, repr=False)
    numbers: Mapping[str, str] = field(default_factory=_no_numbers)
    key: str | None = None
    notes: Mapping[str, str] = field(default_factory=_no_numbers)

    def encode(self) -> bytes:
        """The whole call as kept in the journal."""
        kept = {
            "v": 1,
            "name": self.name,
            "params": self.params,
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
            name=kept["name"], params=kept["params"], numbers=kept["numbers"], key=kept["key"], notes=kept["notes"]
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """A readable answer. ``advice``: ``Stripe-Should-Retry``; ``replayed``: it is what a first try was told."""

    status: int
    node: Mapping[str, object] = field(repr=False)
    advice: str | None = None
    replayed: bool = False

    @property
    def ok(self) -> bool:
        """Whether it is no refusal."""
        return 200 <= self.status < 300


CONFLICT = "conflict"
"""Marks an operation whose key Stripe keeps with other parameters: another journal used its reference."""
BURNT = "burnt."
"""Marks a step in an operation's numbers whose key answers 500 for good: never sent again."""


def ask_stripe(stripe: Stripe, asked: Call, deadline_s: float) -> Exchange[Answer | Observation]:
    """Send one call and read its JSON. Stripe signs no answer: TLS is what makes it authentic."""
    reply = yield from call(stripe, wire_request(stripe, asked), deadline_s)
    if isinstance(reply, Observation):
        return reply
    return read_reply(asked, reply)


def wire_request(stripe: Stripe, asked: Call) -> WireRequest:
    """The HTTP request of a call. Raises ``KeyError`` for a number that is not known."""
    account, route = stripe.config, ROUTES[asked.name]
    path = route.path.format_map({name: quote(number, safe="") for name, number in asked.numbers.items()})
    form = encode_form(asked.params)
    headers = {
        "authorization": f"Bearer {account.secret_key.reveal()}",
        "stripe-version": account.api_version,
        "accept": "application/json",
    }
    if account.connected:
        headers["stripe-account"] = account.account_id
    if route.method == "POST":
        headers["content-type"] = "application/x-www-form-urlencoded"  # with an empty body as well
        if asked.key is not None:
            headers["idempotency-key"] = asked.key
    query = f"?{form}" if form and route.method == "GET" else ""
    return WireRequest(
        endpoint=asked.name,
        moves_money=route.moves_money,
        method=route.method,
        url=f"{account.api_url.rstrip('/')}{path}{query}",
        headers=headers,
        content=form.encode("ascii") if route.method == "POST" else b"",
    )


def read_reply(asked: Call, reply: WireReply) -> Answer | Observation:
    """The answer, or the doubt that an unreadable one and Stripe's own faults leave."""
    advice, replayed = _header(reply, "stripe-should-retry"), _header(reply, "idempotent-replayed") == "true"
    if reply.status >= 500:
        return _fault(asked, reply.status, advice, replayed=replayed)
    try:
        node = parse_object(reply.content)
    except MalformedJson:
        node = None
    if node is None and reply.status in (409, 429):
        node = {"error": {"type": "invalid_request_error"}}  # an edge in front of Stripe says it without a body
    if node is None:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{asked.name}: status {reply.status} without JSON")
    return Answer(reply.status, node, advice, replayed)


def _fault(asked: Call, status: int, advice: str | None, *, replayed: bool) -> Observation:
    """A 500 that is played back stays one for the key's whole life: what it did can only be asked."""
    told = "played back: that key is spent, " if replayed else ""
    return Observation(
        state=State.DOUBT,
        source=Source.REPLY,
        unknown=UnknownCause(UnknownKind.PARTNER_FAULT, f"{asked.name}: {told}status {status}"),
        ids={f"{BURNT}{asked.name}": "1"} if replayed else {},
        again=may_retry(status, advice) and not replayed,
    )


def _header(reply: WireReply, name: str) -> str | None:
    try:
        return reply.header(name)
    except ValueError:
        return None
