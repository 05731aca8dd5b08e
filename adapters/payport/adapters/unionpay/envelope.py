"""An authentic answer, or not an answer: what comes back is parsed, verified, and compared with what was asked.

Source: UnionPay's ACP 5.1.0 interface papers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from payport.adapters.unionpay import signing
from payport.adapters.unionpay.calls import VERSION, Call, encoding_of, send_call
from payport.adapters.unionpay.forms import MalformedMessage, codec_of, parse_reply
from payport.adapters.unionpay.mapping import Meaning, verdict
from payport.schemas.outcome import UnknownKind
from payport.sdk import exchange
from payport.sdk.events import SignatureFailed
from payport.sdk.exchange import Exchange
from payport.sdk.message import WireReply
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.unionpay.account import UnionPayAccount
    from payport.adapters.unionpay.adapter import UnionPay

_ECHOED = {
    "merId": "merchant",
    "orderId": "reference",
    "txnTime": "txnTime",
    "txnType": "txnType",
    "txnSubType": "txnSubType",
    "txnAmt": "amount",
    "currencyCode": "currency",
    "origQryId": "origQryId",
}
"""Fields that a reply repeats from its request, and what a difference is called."""
ASKING = "00"
"""``txnType`` of a query."""
_ECHOED_BY_QUERY = ("merId", "orderId", "txnTime")
"""A query is answered with the type and amount of the transaction asked about, which its reader compares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An authentic answer about what was asked: UnionPay's code, its words, every field, and its server's time."""

    code: str
    message: str
    fields: Mapping[str, str] = field(repr=False)
    date: datetime | None = None

    @property
    def meaning(self) -> Meaning | None:
        """What the code amounts to; ``None`` for one that is not known."""
        found = verdict(self.code)
        return None if found is None else found.meaning


def ask_gateway(
    unionpay: UnionPay, request: Call, deadline_s: float, *, not_after: datetime | None = None
) -> Exchange[Answer | Observation]:
    """Sign, send, authenticate and compare one call; an observation where that gives no authentic answer.

    ``not_after``: when its frozen time is too old, so that it does not leave any more.
    """
    reply = yield from send_call(unionpay, request, deadline_s, not_after=not_after)
    if isinstance(reply, Observation):
        return reply
    now = (yield from exchange.now()).utc
    answer, authentic = _authentic(unionpay, request, reply, now)
    if not authentic:
        yield from exchange.emit(
            SignatureFailed(partner=unionpay.partner, account=unionpay.account, endpoint=request.name)
        )
    return answer


def _authentic(unionpay: UnionPay, request: Call, reply: WireReply, now: datetime) -> tuple[Answer | Observation, bool]:
    encoding = encoding_of(unionpay.config, request)
    try:
        fields = parse_reply(reply.content, encoding)
    except MalformedMessage as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, str(error)), True
    problem = why_not_authentic(unionpay, fields, codec_of(encoding) or "", now)
    if problem is not None:
        unsigned = signing.SIGNATURE not in fields
        code = f" (it says respCode {fields['respCode']})" if unsigned and "respCode" in fields else ""
        return doubt(Source.REPLY, UnknownKind.UNVERIFIED, problem + code), unsigned
    if "respCode" not in fields:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, "the reply has no respCode"), True
    answer = Answer(code=fields["respCode"], message=fields.get("respMsg", ""), fields=fields, date=reply.date)
    return _differing(request, unionpay.config, answer) or answer, True


def why_not_authentic(unionpay: UnionPay, fields: Mapping[str, str], codec: str, now: datetime) -> str | None:
    """Why a reply or notice is not UnionPay's; ``None`` when it is.

    The method of signing is the configured one: a message cannot choose a weaker one for itself.
    """
    account, keys = unionpay.config, unionpay.keys
    if signing.SIGNATURE not in fields:
        return "it carries no signature"
    if fields.get("version") != VERSION or fields.get("signMethod") != account.sign_method:
        return f"it is not signed as version {VERSION} with signMethod {account.sign_method}"
    if not signing.reads_one_way(fields):
        return "its signed text can be read in two ways"
    if keys.secret is not None:
        known = signing.keyed_is_authentic(fields, codec, account.sign_method, keys.secret.reveal())
        return None if known else "its signature does not fit secret_key; if every message says so, the key is wrong"
    key = keys.signers.find(fields.get("signPubKeyCert", ""), now)
    if isinstance(key, str):
        return key
    return None if signing.rsa_is_authentic(fields, codec, key) else "its signature is not UnionPay's"


def is_for_another(account: UnionPayAccount, fields: Mapping[str, str]) -> bool:
    """Whether it names another merchant of a platform. That it names none proves nothing."""
    return fields.get("subMerId", "") not in ("", account.sub_mer_id)


def _differing(request: Call, account: UnionPayAccount, answer: Answer) -> Observation | None:
    """A doubt when the answer is about something else than what was asked."""
    if is_for_another(account, answer.fields):
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "merchant: the answer is about another merchant's")
    asked = {**request.fields, "merId": account.mer_id}
    done = answer.meaning in (Meaning.DONE, Meaning.FLAGGED)
    for name in _ECHOED_BY_QUERY if request.fields["txnType"] == ASKING else _ECHOED:
        told = answer.fields.get(name)
        if done and told is None and name in _ECHOED_BY_QUERY and name in asked:
            return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"the reply names no {name}")
        if told is not None and name in asked and told != asked[name]:
            detail = f"{_ECHOED[name]}: asked for {asked[name]}, UnionPay's authentic answer says {told}"
            return doubt(Source.REPLY, UnknownKind.MISMATCH, detail)
    return None
