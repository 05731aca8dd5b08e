"""An authentic answer, or not an answer: what comes back is verified over its raw bytes, then parsed.

Sources: pay.weixin.qq.com, "signature verification", "error codes and retries".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from payport.adapters.wechatpay import signing
from payport.adapters.wechatpay.calls import Call, needs_encryption, send_call
from payport.adapters.wechatpay.mapping import Meaning, Verdict, verdict
from payport.adapters.wechatpay.signing import Flaw
from payport.adapters.wechatpay.verifying import Distrust, authenticate, encryption_key
from payport.schemas.outcome import NotSentCause, NotSentKind, UnknownKind
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.message import WireReply
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.strict_json import MalformedJson, parse_object

if TYPE_CHECKING:
    from payport.adapters.wechatpay.adapter import WeChatPay

_CLOCK = "WeChat Pay refuses what is signed more than five minutes away from its clock: compare this host's clock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An authentic answer: HTTP status, WeChat's code when it refuses, and the object that was verified."""

    status: int
    code: str
    message: str
    node: Mapping[str, object] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the call was carried out (its business fields say how). 202 is accepted, not carried out."""
        return self.status in (200, 204)

    @property
    def verdict(self) -> Verdict:
        """What a refusal means."""
        return verdict(self.status, self.code)


def ask_wechat(adapter: WeChatPay, request: Call, deadline_s: float) -> Exchange[Answer | Observation]:
    """Encrypt, sign, send, authenticate and parse one call; an observation where that gives no authentic answer."""
    key = adapter.keys.public
    if key is None and needs_encryption(request):
        found = yield from encryption_key(adapter, deadline_s)
        if isinstance(found, str):
            cause = NotSentCause(NotSentKind.KEYS, found)
            return Observation(state=State.NOT_SENT, source=Source.LOCAL, not_sent=cause)
        key = found
    reply = yield from send_call(adapter, request, deadline_s, key=key)
    if isinstance(reply, Observation):
        return reply
    headers = signing.plain_headers(reply.headers)
    success = 200 <= reply.status < 300
    if not success and not isinstance(headers, Flaw) and not signing.claims_a_signature(headers):
        return _unsigned(reply)
    distrust = yield from authenticate(adapter, headers, reply.content, deadline_s, request.name)
    if distrust is not None:
        return _not_believed(distrust)
    return _parse(reply, headers if isinstance(headers, Mapping) else {})


def _not_believed(distrust: Distrust) -> Observation:
    """The call was carried out perhaps: WeChat spoils the signatures of real answers to see who checks."""
    probe = distrust.flaw is Flaw.BAD_SIGNATURE
    return doubt(Source.REPLY, UnknownKind.UNVERIFIED, f"the answer is not believed: {distrust.detail}", again=probe)


def _unsigned(reply: WireReply) -> Observation:
    """Errors of the access layer come without a signature: worth telling, never a business result."""
    code, message = _error(reply.content)
    found = verdict(reply.status, code)
    fault = reply.status >= 500 or reply.status == 429
    hint = f"; {_CLOCK}" if code == "SIGN_ERROR" else ""
    said = f"unsigned answer, HTTP {reply.status} {code} {message}".rstrip()
    kind = UnknownKind.PARTNER_FAULT if fault else UnknownKind.UNVERIFIED
    return doubt(Source.REPLY, kind, said + hint, again=fault or found.again)


def _error(content: bytes) -> tuple[str, str]:
    """Code and message of an error body; empty ones for a page of a proxy."""
    try:
        node = parse_object(content)
    except MalformedJson:
        return "", ""
    code, message = node.get("code"), node.get("message")
    return (code if isinstance(code, str) else ""), (message[:200] if isinstance(message, str) else "")


def _parse(reply: WireReply, headers: Mapping[str, str]) -> Answer | Observation:
    try:
        node = parse_object(reply.content) if reply.content else {}
    except MalformedJson as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"HTTP {reply.status}: {error}")
    if reply.status in (200, 204):
        return Answer(status=reply.status, code="", message="", node=node)
    code, message = _error(reply.content)
    asked = headers.get("request-id")
    told = f"{message} (request {asked})".strip() if asked else message
    return Answer(status=reply.status, code=code, message=told, node=node)


def refusal(answer: Answer) -> Observation:
    """What a refusal means where nothing more is known than status and code."""
    found = answer.verdict
    said = f"HTTP {answer.status} {answer.code} {answer.message}".strip()
    match found.meaning:
        case Meaning.REFUSED:
            return Observation(
                state=State.DECLINED,
                source=Source.REPLY,
                reason=found.reason,
                partner_code=answer.code or str(answer.status),
                message=answer.message,
                again=found.again,
            )
        case Meaning.UNKNOWN:
            return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, said, again=found.again)
        case Meaning.ABSENT:
            return doubt(Source.REPLY, UnknownKind.NOT_FOUND, said)
        case Meaning.DONE:
            return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"{said}: it was done before; ask how")
        case Meaning.PENDING:
            return Observation(
                state=State.PENDING, source=Source.REPLY, partner_code=answer.code, message=answer.message
            )
        case _:
            assert_never(found.meaning)
