"""Whether WeChat sent these bytes: which key verifies them, and how certificates are downloaded.

An unknown certificate is looked for once, by one caller, at most so many times a minute; the keys that are known stay
until new ones are authentic. An unknown ``PUB_KEY_ID_...`` is never looked for: only the console shows it.

Source: pay.weixin.qq.com, "signature verification", "download of platform certificates".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from payport.adapters.wechatpay import signing
from payport.adapters.wechatpay.account import PUBLIC_KEY_ID
from payport.adapters.wechatpay.calls import Call, send_call
from payport.adapters.wechatpay.certificates import Certificate, MalformedCertificate, read_download
from payport.adapters.wechatpay.partner_keys import PlatformKey, learn
from payport.adapters.wechatpay.signing import Flaw, Seal
from payport.sdk import exchange
from payport.sdk.events import KeyLearned, SignatureFailed
from payport.sdk.exchange import Exchange
from payport.sdk.keyring import Fetch, Known, Missing, Wait
from payport.sdk.message import WireReply

if TYPE_CHECKING:
    from payport.adapters.wechatpay.adapter import WeChatPay

CERTIFICATES = "GET /v3/certificates"
_LOOK_AGAIN_S = 0.02
_ANY = ""
"""Stands for the serial number of any certificate, where a key to encrypt with is wanted."""

PUBLIC_KEY_MERCHANT = (
    "merchants since autumn 2024 have no platform certificates but a platform public key: configure "
    "platform_public_key and platform_public_key_id as the console shows them"
)


@dataclass(frozen=True, slots=True)
class Distrust:
    """Why a message is not believed. ``detail`` says how to mend it and quotes nothing of the message."""

    flaw: Flaw
    detail: str


_DETAILS = {
    Flaw.UNSIGNED: "it carries no signature of WeChat Pay; a proxy that strips Wechatpay-* headers does this",
    Flaw.MALFORMED: "its signature headers cannot be read, or stand there twice with different values",
    Flaw.STALE: "it was stamped more than five minutes away from this host's clock; compare the clock",
    Flaw.UNSUPPORTED: f"it is not signed with {signing.SCHEME}",
    Flaw.BAD_SIGNATURE: "the signature is not WeChat Pay's over these bytes; hand over the raw body, unparsed",
}


def authenticate(
    adapter: WeChatPay, headers: Mapping[str, str] | Flaw, body: bytes, deadline_s: float, endpoint: str
) -> Exchange[Distrust | None]:
    """``None`` when WeChat signed ``body``, else why it is not believed. ``headers``: see ``signing.plain_headers``."""
    now_s = (yield from exchange.now()).utc.timestamp()
    seal = headers if isinstance(headers, Flaw) else signing.read_seal(headers, now_s)
    if isinstance(seal, Flaw):
        return Distrust(seal, _DETAILS[seal])
    key = yield from key_for(adapter, seal.serial, deadline_s)
    if isinstance(key, str):
        return Distrust(Flaw.UNKNOWN_KEY, key)
    if not signing.is_authentic(seal, body, key.key):
        yield from exchange.emit(SignatureFailed(partner=adapter.partner, account=adapter.account, endpoint=endpoint))
        probe = "; it is one of WeChat's deliberate probes" if seal.is_probe else ""
        return Distrust(Flaw.BAD_SIGNATURE, _DETAILS[Flaw.BAD_SIGNATURE] + probe)
    if key is not adapter.keys.public and adapter.keys.ring.due_for_refresh(now_s):
        yield from _download(adapter, deadline_s)  # what it brings is kept; the old keys stay in any case
    return None


def key_for(adapter: WeChatPay, serial: str, deadline_s: float) -> Exchange[PlatformKey | str]:
    """WeChat's key of that serial number, downloaded when it is a certificate's; else why there is none."""
    keys, number = adapter.keys, signing.key_number(serial)
    while True:
        now = yield from exchange.now()
        if serial.startswith(PUBLIC_KEY_ID) and serial != (keys.public.serial if keys.public else None):
            return f"platform public key {serial} is not configured: copy key and id from the console"
        if not serial.startswith(PUBLIC_KEY_ID) and not signing.names_a_certificate(serial):
            return "it names neither a certificate nor a platform public key"
        match keys.ring.find(number, now.utc.timestamp()):
            case Known(key):
                return key
            case Missing():
                return f"platform certificate {serial} is unknown and could not be downloaded; {PUBLIC_KEY_MERCHANT}"
            case Wait() if now.monotonic_s < deadline_s:
                yield from exchange.sleep(_LOOK_AGAIN_S)
            case Wait():
                return f"platform certificate {serial} is still being downloaded"
            case Fetch():
                with keys.ring.fetching(number):
                    found = yield from _download(adapter, deadline_s)
                    now = yield from exchange.now()
                if number not in found:
                    keys.ring.failed(number, now.utc.timestamp())


def encryption_key(adapter: WeChatPay, deadline_s: float) -> Exchange[PlatformKey | str]:
    """The key that hides sensitive texts, downloaded when none is known; else why there is none."""
    keys = adapter.keys
    while True:
        now = yield from exchange.now()
        now_s = now.utc.timestamp()
        key = keys.for_encryption(now_s)
        if key is not None:
            return key
        match keys.ring.find(_ANY, now_s):
            case Fetch():
                with keys.ring.fetching(_ANY):
                    yield from _download(adapter, deadline_s)
                    now = yield from exchange.now()
                keys.ring.failed(_ANY, now.utc.timestamp())  # the place-holder is no key
            case Wait() if now.monotonic_s < deadline_s:
                yield from exchange.sleep(_LOOK_AGAIN_S)
            case _:
                return f"no key of WeChat Pay to encrypt with is known; {PUBLIC_KEY_MERCHANT}"


def _download(adapter: WeChatPay, deadline_s: float) -> Exchange[frozenset[str]]:
    """Learn the certificates that WeChat lists, all or none; the key numbers of those that serve now."""
    reply = yield from send_call(
        adapter, Call(name=CERTIFICATES, moves_money=False), deadline_s, key=adapter.keys.public
    )
    now = (yield from exchange.now()).utc
    if not isinstance(reply, WireReply) or reply.status != 200:
        return frozenset()
    try:
        listed = read_download(reply.content, adapter.config.api_v3_key.reveal().encode())
    except MalformedCertificate:
        return frozenset()
    serving = tuple(certificate for certificate in listed if certificate.serves(now))
    if not _vouched_for(adapter, reply, serving, now.timestamp()):
        return frozenset()
    for certificate in serving:
        number = signing.key_number(certificate.serial)
        news = not isinstance(adapter.keys.ring.find(number, now.timestamp()), Known)
        learn(adapter.keys.ring, certificate)
        if news:
            yield from exchange.emit(
                KeyLearned(partner=adapter.partner, account=adapter.account, serial=certificate.serial)
            )
    if adapter.keys.public is not None:
        adapter.keys.ring.learn(adapter.keys.public.serial, adapter.keys.public)  # stays the one to prefer
    return frozenset(signing.key_number(certificate.serial) for certificate in serving)


def _vouched_for(adapter: WeChatPay, reply: WireReply, listed: tuple[Certificate, ...], now_s: float) -> bool:
    """Whether the answer is signed by a key that is known already, or by a certificate in it.

    The API v3 key vouches for the certificates themselves: who does not have it cannot encrypt one.
    """
    headers = signing.plain_headers(reply.headers)
    seal = headers if isinstance(headers, Flaw) else signing.read_seal(headers, now_s)
    if not isinstance(seal, Seal):
        return False
    keys = {signing.key_number(one.serial): one.key for one in listed}
    keys |= {signing.key_number(one.serial): one.key for one in adapter.keys.ring.current(now_s)}
    key = keys.get(signing.key_number(seal.serial))
    return key is not None and signing.is_authentic(seal, reply.content, key)
