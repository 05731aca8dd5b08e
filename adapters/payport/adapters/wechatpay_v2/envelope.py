"""An authentic answer, or not an answer: what comes back is read strictly, its signature compared, then its merchant.

An answer has two levels. ``return_code`` FAIL speaks of the message alone (bad XML, bad signature of ours) and is not
signed: whoever said it, it is no business result. Only ``result_code`` under a good signature is one.

Source: pay.weixin.qq.com, API v2, "protocol rules".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, assert_never

from payport.adapters.wechatpay_v2 import signing
from payport.adapters.wechatpay_v2.calls import Call, send_call
from payport.adapters.wechatpay_v2.mapping import Meaning, verdict
from payport.schemas.outcome import UnknownKind
from payport.sdk import exchange, strict_xml
from payport.sdk.events import SignatureFailed
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.wechatpay_v2.account import WeChatPayV2Account
    from payport.adapters.wechatpay_v2.adapter import WeChatPayV2

_SHOWN_CHARACTERS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An authentic answer about our merchant, its fields as text. ``path``: the endpoint that gave it."""

    path: str
    fields: Mapping[str, str] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the call was carried out; its other fields say how."""
        return self.fields["result_code"] == "SUCCESS"

    @property
    def code(self) -> str:
        """``err_code`` of a refusal."""
        return self.fields.get("err_code", "")

    @property
    def words(self) -> str:
        """WeChat's words for a refusal."""
        return shown(self.fields.get("err_code_des", ""))


def ask_wechat(wechat: WeChatPayV2, request: Call, deadline_s: float) -> Exchange[Answer | Observation]:
    """Sign, send, read and authenticate one call; an observation where that gives no authentic answer."""
    reply = yield from send_call(wechat, request, deadline_s)
    if isinstance(reply, Observation):
        return reply
    try:
        fields = strict_xml.parse_flat(reply.content, root="xml")
    except strict_xml.MalformedXml as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{request.path}: {error}")
    problem = distrust(wechat.config, fields)
    if problem is None:
        return Answer(path=request.path, fields=fields)
    if problem.kind is Distrust.FORGED:
        yield from exchange.emit(SignatureFailed(partner=wechat.partner, account=wechat.account, endpoint=request.path))
    foreign = problem.kind is Distrust.FOREIGN
    kind = UnknownKind.MISMATCH if foreign else UnknownKind.UNVERIFIED
    return doubt(Source.REPLY, kind, f"{request.path}: {problem.detail}")


class Distrust(Enum):
    """Why a message is not believed."""

    UNSIGNED = "unsigned"
    FORGED = "forged"
    FOREIGN = "foreign"
    """Authentic, about another merchant."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a message is not believed, in words."""

    kind: Distrust
    detail: str


def distrust(account: WeChatPayV2Account, fields: Mapping[str, str]) -> Problem | None:
    """Why a message is not WeChat's word about our merchant, ``None`` when it is. One rule for answers and notices."""
    if fields.get("return_code") != "SUCCESS":
        told = shown(f"{fields.get('return_code', 'no return_code')} {fields.get('return_msg', '')}")
        return Problem(Distrust.UNSIGNED, f"{told}: WeChat does not sign this, so it is no result")
    if not fields.get("sign"):
        return Problem(Distrust.UNSIGNED, "it carries no signature")
    if not signing.is_authentic(fields, account.api_key.reveal(), account.believed):
        return Problem(Distrust.FORGED, _why_forged(account, fields["sign"]))
    foreign = foreign_problem(account, fields) or _unnamed(account, fields)
    if foreign is not None:
        return Problem(Distrust.FOREIGN, foreign)
    if fields.get("result_code") not in ("SUCCESS", "FAIL"):
        return Problem(Distrust.UNSIGNED, "it has no result_code that is known")
    return None


def _why_forged(account: WeChatPayV2Account, sign: str) -> str:
    if signing.kind_of(sign) not in (None, *account.believed):
        return "signed with MD5, and the account believes HMAC-SHA256 only: see accept_md5"
    return "the signature does not fit our key; if every message says so, api_key is not the merchant's"


def foreign_problem(account: WeChatPayV2Account, fields: Mapping[str, str]) -> str | None:
    """Why a message is about another merchant or application. What it leaves out is not held against it here.

    A provider shares one key with all its merchants, so that one who acts for none is told of none.
    """
    for name, ours in {"sub_mch_id": None, **account.identity}.items():
        told = fields.get(name)
        if told and told != ours:
            return f"merchant: {name} is {shown(told)}, ours is {ours or 'none'}"
    return None


def _unnamed(account: WeChatPayV2Account, fields: Mapping[str, str]) -> str | None:
    """Every signed message names the merchant, and the one that a provider acts for."""
    if not fields.get("mch_id"):
        return "it names no merchant"
    if account.sub_mch_id is not None and not fields.get("sub_mch_id"):
        return "it names no merchant that the provider acts for"
    return None


def shown(text: str) -> str:
    """A partner's text for a message: short, on one line."""
    return " ".join(text.split())[:_SHOWN_CHARACTERS]


def refusal(answer: Answer, source: Source = Source.REPLY) -> Observation:
    """What a refusal (``result_code`` FAIL) means."""
    found, code = verdict(answer.path, answer.code), shown(answer.code)
    told = f"{answer.path}: {code} {answer.words}".strip()
    if found is None:
        return doubt(source, UnknownKind.UNKNOWN_STATUS, told)
    match found.meaning:
        case Meaning.REFUSED:
            return Observation(
                state=State.DECLINED,
                source=source,
                reason=found.reason,
                partner_code=code,
                message=answer.words,
                again=found.again,
            )
        case Meaning.UNKNOWN:
            return doubt(source, UnknownKind.PARTNER_FAULT, told, again=found.again)
        case Meaning.WAITING:
            return Observation(state=State.PENDING, source=source, partner_code=code, message=answer.words)
        case Meaning.ABSENT:
            return doubt(source, UnknownKind.NOT_FOUND, told)
        case Meaning.DONE:
            return doubt(source, UnknownKind.UNKNOWN_STATUS, f"{told}; it was paid before: ask how")
        case Meaning.CONFLICT:
            return doubt(source, UnknownKind.MISMATCH, f"reference: {told}, WeChat holds it with other data")
        case _:
            assert_never(found.meaning)
