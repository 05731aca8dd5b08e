"""Which of Alipay's keys verify a message; an unknown certificate is fetched once and trusted by its chain only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from payport.adapters.alipay import signing
from payport.adapters.alipay.calls import Call, send_call
from payport.adapters.alipay.certificates import Certificate, MalformedCertificate, chain_is_valid, parse_download
from payport.sdk import exchange
from payport.sdk.events import KeyLearned
from payport.sdk.exchange import Exchange
from payport.sdk.keyring import Fetch, Known, Missing, Wait
from payport.sdk.keys import PublicKey
from payport.sdk.message import WireReply

if TYPE_CHECKING:
    from payport.adapters.alipay.adapter import Alipay

_LOOK_AGAIN_S = 0.02
DOWNLOAD = "alipay.open.app.alipaycert.download"

Refusal: TypeAlias = str
"""Why there is no key to verify with."""


def keys_for(alipay: Alipay, cert_sn: str | None, deadline_s: float) -> Exchange[Sequence[PublicKey] | Refusal]:
    """The keys to verify a message that names ``cert_sn``; the current ones where it names none or keys are pinned."""
    keys = alipay.keys
    while True:
        now = yield from exchange.now()
        now_s = now.utc.timestamp()
        if keys.pinned:
            return keys.current(now_s)
        if cert_sn is None:
            return "the reply names no certificate although certificate mode is configured"
        match keys.ring.find(cert_sn, now_s):
            case Known(key):
                return [key]
            case Missing():
                return f"certificate {cert_sn} is unknown and could not be fetched"
            case Wait() if now.monotonic_s < deadline_s:
                yield from exchange.sleep(_LOOK_AGAIN_S)
            case Wait():
                return f"certificate {cert_sn} is still being fetched"
            case Fetch():
                with keys.ring.fetching(cert_sn):
                    yield from _fetch(alipay, cert_sn, deadline_s)


def _fetch(alipay: Alipay, cert_sn: str, deadline_s: float) -> Exchange[None]:
    """Download one certificate and learn its key if its chain ends at the configured root; report either way."""
    now = (yield from exchange.now()).utc
    request = Call(method=DOWNLOAD, biz={"alipay_cert_sn": cert_sn}, moves_money=False)
    reply = yield from send_call(alipay, request, deadline_s)
    leaf = None
    if isinstance(reply, WireReply):
        leaf = _trusted_leaf(alipay, reply, cert_sn, now)
        if leaf is not None and not chain_is_valid(leaf[0], leaf[1], alipay.keys.roots, now):
            leaf = None
    if leaf is None:
        alipay.keys.ring.failed(cert_sn, (yield from exchange.now()).utc.timestamp())
        return
    alipay.keys.ring.learn(cert_sn, leaf[0].public_key, expires_at_s=leaf[0].not_after.timestamp())
    yield from exchange.emit(KeyLearned(partner=alipay.partner, account=alipay.account, serial=cert_sn))


def _trusted_leaf(
    alipay: Alipay, reply: WireReply, cert_sn: str, now: datetime
) -> tuple[Certificate, tuple[Certificate, ...]] | None:
    """The certificate asked for and its intermediates, when the reply holds it and is signed by it or a known key."""
    try:
        split = signing.split_reply(reply.content, DOWNLOAD, alipay.config.charset)
        node = signing.strict_json(split.node, split.charset)
        certificates = parse_download(str(node.get("alipay_cert_content", "")))
    except (signing.MalformedReply, MalformedCertificate):
        return None
    leaf, *intermediates = certificates
    if leaf.sn != cert_sn or not leaf.is_alipay:
        return None
    known = alipay.keys.current(now.timestamp())
    if not signing.reply_is_authentic(split, [leaf.public_key, *known]):
        return None
    return leaf, tuple(intermediates)
