"""An authentic answer, or not an answer: what comes back from ``gateway.do`` is verified, decrypted, then parsed.

Sources: open.alipay.com, "verification", "content encryption", "common error codes".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from payport.adapters.alipay import encryption, signing
from payport.adapters.alipay.calls import Call, send_call
from payport.adapters.alipay.mapping import OK, PAYER_MUST_CONFIRM, Meaning, verdict
from payport.adapters.alipay.verifying import keys_for
from payport.schemas.outcome import UnknownKind
from payport.sdk import exchange
from payport.sdk.events import SignatureFailed
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.message import WireReply
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.alipay.adapter import Alipay


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An authentic answer: Alipay's code and the node as parsed from the very bytes that were verified."""

    code: str
    sub_code: str | None
    sub_msg: str
    node: Mapping[str, object] = field(repr=False)
    raw: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the call was carried out (its business fields say how), the payer's confirmation pending included."""
        return self.code in (OK, PAYER_MUST_CONFIRM)


def ask_gateway(
    alipay: Alipay, request: Call, deadline_s: float, *, not_after: datetime | None = None
) -> Exchange[Answer | Observation]:
    """Sign, send, authenticate, decrypt and parse one call; an observation where that gives no authentic answer.

    ``not_after``: from when on it may not leave any more.
    """
    reply = yield from send_call(alipay, request, deadline_s, not_after=not_after)
    if isinstance(reply, Observation):
        return reply
    return (yield from _authentic(alipay, request, reply, deadline_s))


def _authentic(alipay: Alipay, request: Call, reply: WireReply, deadline_s: float) -> Exchange[Answer | Observation]:
    charset = alipay.config.charset
    try:
        split = signing.split_reply(reply.content, request.method, charset)
    except signing.MalformedReply as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, str(error))
    if not split.sign:
        return _unsigned(split)
    keys = yield from keys_for(alipay, split.cert_sn, deadline_s)
    if isinstance(keys, str):
        return doubt(Source.REPLY, UnknownKind.UNVERIFIED, keys)
    if not signing.reply_is_authentic(split, keys):
        yield from exchange.emit(
            SignatureFailed(partner=alipay.partner, account=alipay.account, endpoint=request.method)
        )
        return doubt(
            Source.REPLY,
            UnknownKind.UNVERIFIED,
            "the reply's signature is not Alipay's; if every call says so, the configured key is not the "
            "Alipay public key: run payport doctor",
        )
    return _parse(alipay, split)


def _unsigned(split: signing.SignedReply) -> Observation:
    """Gateway errors come without a signature: worth telling, never a business result."""
    try:
        node = signing.strict_json(split.node, split.charset)
    except signing.MalformedReply as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, str(error))
    code, sub_code = str(node.get("code", "")), str(node.get("sub_code", ""))
    found = verdict(code, sub_code)
    refused = code not in (OK, PAYER_MUST_CONFIRM)
    fault = refused and found.meaning is Meaning.UNKNOWN
    kind = UnknownKind.PARTNER_FAULT if fault else UnknownKind.UNVERIFIED
    return doubt(Source.REPLY, kind, f"unsigned reply: code {code} {sub_code}".rstrip(), again=refused and found.again)


def _parse(alipay: Alipay, split: signing.SignedReply) -> Answer | Observation:
    raw = split.node
    try:
        if split.is_encrypted:
            if alipay.config.encryption_key is None:
                return doubt(Source.REPLY, UnknownKind.UNREADABLE, "the reply is encrypted and no key is configured")
            raw = encryption.decrypt(alipay.config.encryption_key.reveal(), split.ciphertext)
        node = signing.strict_json(raw, split.charset)
    except (signing.MalformedReply, encryption.MalformedCiphertext) as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, str(error))
    code = node.get("code")
    if not isinstance(code, str):
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, "the reply has no code")
    sub_code = node.get("sub_code")
    return Answer(
        code=code,
        sub_code=sub_code if isinstance(sub_code, str) else None,
        sub_msg=str(node.get("sub_msg") or ""),
        node=node,
        raw=raw,
    )


def refusal(answer: Answer) -> Observation:
    """What a refusal means where nothing more is known than its code."""
    found = verdict(answer.code, answer.sub_code)
    code = answer.sub_code or answer.code
    match found.meaning:
        case Meaning.REFUSED:
            return Observation(
                state=State.DECLINED,
                source=Source.REPLY,
                reason=found.reason,
                partner_code=code,
                message=answer.sub_msg,
                again=found.again,
            )
        case Meaning.UNKNOWN:
            return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, f"{code} {answer.sub_msg}".strip(), again=found.again)
        case Meaning.ABSENT:
            return doubt(Source.REPLY, UnknownKind.NOT_FOUND, f"{code} {answer.sub_msg}".strip())
        case Meaning.DONE:
            return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"{code}: it was done before; ask how")
        case Meaning.CONFLICT:
            return doubt(Source.REPLY, UnknownKind.MISMATCH, f"reference: {code}, Alipay holds it with other data")
        case _:
            assert_never(found.meaning)
