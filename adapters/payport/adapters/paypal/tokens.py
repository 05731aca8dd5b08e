"""The access token: fetched once for everybody who waits for it, kept in memory, renewed before it ends.

Fetching one moves no money: when none can be had nothing was sent, and the answer is ``NotSent``: of kind ``keys``, or
of the kind that says why PayPal could not be reached.
Source: developer.paypal.com, "Get an access token" (``POST /v1/oauth2/token``).
"""

from __future__ import annotations

import base64
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

from pydantic import ValidationError

from payport.adapters.paypal.wire import PayPalToken
from payport.schemas.outcome import NotSentCause, NotSentKind
from payport.sdk import exchange, strict_json
from payport.sdk.calling import call
from payport.sdk.events import KeyLearned
from payport.sdk.exchange import Exchange
from payport.sdk.forks import follow_forks
from payport.sdk.journal.records import State
from payport.sdk.keyring import Fetch, KeyRing, Known, Missing, Wait
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.observation import Observation, Source
from payport.sdk.secrets import Secret

if TYPE_CHECKING:
    from payport.adapters.paypal.adapter import PayPal

TOKEN_PATH = "/v1/oauth2/token"  # noqa: S105 - a path
TOKEN = "oauth2.token"  # noqa: S105 - the name of a call
RENEW_BEFORE_S = 300.0
LONGEST_LIFE_S = 86_400
"""Whatever PayPal says, which is nine hours: a token is fetched anew each day."""
_LOOK_AGAIN_S = 0.02
_FETCHES_A_MINUTE = 10


class Token:
    """One access token and its number in the cache."""

    __slots__ = ("serial", "value")

    def __init__(self, serial: str, value: Secret) -> None:
        self.serial = serial
        self.value = value

    def __repr__(self) -> str:
        return f"Token({self.serial})"


class TokenCache:
    """The token of one account. Each fetch has its own serial number in a key ring, so each is made by one caller.

    A fetch that failed on the way may be tried again at once, by a new number; one that PayPal refused may not for a
    minute: wrong credentials do not become right by hammering. Safe for threads.
    """

    def __init__(self) -> None:
        self.ring: KeyRing[Token] = KeyRing(fetches_a_minute=_FETCHES_A_MINUTE)
        self._number = 1
        self._begin()
        follow_forks(in_child=self._begin)

    def _begin(self) -> None:
        self._lock = Lock()

    @property
    def serial(self) -> str:
        """The number of the token that serves, or is to be fetched next."""
        return f"token-{self._number}"

    def drop(self, serial: str) -> None:
        """Forget a token that PayPal did not accept, unless somebody has a newer one already."""
        with self._lock:
            if serial == self.serial:
                self.ring.retire(serial)
                self._number += 1


def token_for(paypal: PayPal, deadline_s: float) -> Exchange[Token | Observation]:
    """A token that serves now, or why there is none: nothing was sent then."""
    cache = paypal.tokens
    why = "the access token could not be fetched, and is not tried again for now"
    while True:
        now = yield from exchange.now()
        serial = cache.serial
        match cache.ring.find(serial, now.utc.timestamp()):
            case Known(token):
                return token
            case Missing(seconds):
                return no_token(why, retry_after_s=seconds)
            case Wait() if now.monotonic_s < deadline_s:
                yield from exchange.sleep(_LOOK_AGAIN_S)
            case Wait():
                return no_token("the access token is still being fetched")
            case Fetch():
                fetched = yield from _fetch(paypal, serial, deadline_s)
                if isinstance(fetched, Observation):
                    return fetched


def no_token(detail: str, *, again: bool = False, retry_after_s: float | None = None) -> Observation:
    """Nothing was sent, because there is no access token."""
    cause = NotSentCause(NotSentKind.KEYS, detail, retry_after_s)
    return Observation(
        state=State.NOT_SENT, source=Source.LOCAL, not_sent=cause, again=again, retry_after_s=retry_after_s
    )


def _fetch(paypal: PayPal, serial: str, deadline_s: float) -> Exchange[Observation | None]:
    """Fetch a token into the ring; report either way."""
    with paypal.tokens.ring.fetching(serial):
        reply = yield from call(paypal, _request(paypal), deadline_s)
        now_s = (yield from exchange.now()).utc.timestamp()
    if isinstance(reply, WireReply) and reply.status == 200:
        said = _read(reply.content)
        if said is not None:
            life_s = min(said.expires_in, LONGEST_LIFE_S)
            margin_s = min(RENEW_BEFORE_S, life_s / 10)
            token = Token(serial, Secret(said.access_token))
            paypal.tokens.ring.learn(serial, token, expires_at_s=now_s + life_s - margin_s)
            yield from exchange.emit(KeyLearned(partner=paypal.partner, account=paypal.account, serial=serial))
            return None
    if isinstance(reply, Observation) and reply.not_sent is not None:
        paypal.tokens.ring.unsent(serial)
        cause = NotSentCause(reply.not_sent.kind, f"access token: {reply.not_sent.detail}", reply.retry_after_s)
        return replace(reply, not_sent=cause)
    paypal.tokens.ring.failed(serial, now_s)
    refused = _error(reply.content) if isinstance(reply, WireReply) and 400 <= reply.status < 429 else None
    if refused is not None:
        detail = f"PayPal refused to give an access token ({refused}): compare client_id and "
        return no_token(f"{detail}client_secret with the developer dashboard, live with live, sandbox with sandbox")
    paypal.tokens.drop(serial)
    told = f"HTTP status {reply.status}" if isinstance(reply, WireReply) else reply.unknown
    return no_token(f"the access token could not be fetched ({told})", again=True)


def _request(paypal: PayPal) -> WireRequest:
    account = paypal.config
    login = base64.b64encode(f"{account.client_id}:{account.client_secret.reveal()}".encode()).decode("ascii")
    return WireRequest(
        endpoint=TOKEN,
        moves_money=False,
        method="POST",
        url=f"{account.api_url}{TOKEN_PATH}",
        headers={
            "authorization": f"Basic {login}",
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        },
        content=b"grant_type=client_credentials",
    )


def _read(content: bytes) -> PayPalToken | None:
    try:
        said = PayPalToken.model_validate(strict_json.parse_object(content))
    except (strict_json.MalformedJson, ValidationError):
        return None
    usable = said.token_type.lower() == "bearer" and said.access_token.isascii() and said.access_token.isprintable()
    return said if usable and said.access_token.strip() and said.expires_in > 0 else None


def _error(content: bytes) -> str | None:
    """PayPal's word for what is wrong; nothing that was sent stands in it. ``None`` for a page of somebody between."""
    try:
        word = strict_json.parse_object(content).get("error")
    except strict_json.MalformedJson:
        return None
    return word if isinstance(word, str) and word.isidentifier() and len(word) <= 40 else "no reason given"
