"""What is signed, and how: content hashed twice under RSA, or once together with a shared key.

Sources: UnionPay's ACP 5.1.0 interface papers and demo. RSA is RSASSA-PKCS1-v1_5 (RFC 8017) over the *hexadecimal
text* of the digest: who signs the digest itself, or the content, is refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes

from payport.adapters.unionpay.forms import MalformedMessage, parse_text

if TYPE_CHECKING:
    from payport.sdk.keys import PublicKey

SIGNATURE = "signature"


def canonical(fields: Mapping[str, str]) -> str:
    """The signed text: every field but the signature, sorted by name, values as they are."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != SIGNATURE)


def sendable(fields: Mapping[str, str]) -> dict[str, str]:
    """The fields that may be sent: values trimmed, blank ones left out of request and signature alike."""
    trimmed = {name: value.strip() for name, value in fields.items()}
    return {name: value for name, value in trimmed.items() if value}


def content_digest(fields: Mapping[str, str], codec: str, *, legacy_sha1: bool = False) -> bytes:
    """The ASCII text that RSA signs: lower-case hexadecimal digits of SHA-256 over the content.

    ``legacy_sha1``: version 5.0.0, for old records only; the caller decides, never the message.
    """
    content = canonical(fields).encode(codec)
    if legacy_sha1:
        return hashlib.sha1(content, usedforsecurity=False).hexdigest().encode()
    return hashlib.sha256(content).hexdigest().encode()


def keyed_digest(fields: Mapping[str, str], codec: str, sign_method: str, key: str) -> str:
    """The signature of ``signMethod`` 11 (SHA-256) or 12 (SM3). Raises ``KeyError`` for another one."""
    digest = _KEYED[sign_method]
    return digest(canonical(fields).encode(codec) + b"&" + digest(key.encode()).encode())


def keyed_is_authentic(fields: Mapping[str, str], codec: str, sign_method: str, key: str) -> bool:
    """Whether the signature was made with the shared key. Compared in constant time; never raises."""
    told = fields.get(SIGNATURE, "")
    return told.isascii() and hmac.compare_digest(keyed_digest(fields, codec, sign_method, key), told)


def rsa_is_authentic(fields: Mapping[str, str], codec: str, key: PublicKey, *, legacy_sha1: bool = False) -> bool:
    """Whether ``key`` signed these fields. Never raises."""
    try:
        signature = base64.b64decode(fields.get(SIGNATURE, ""), validate=True)
    except ValueError:  # binascii.Error, or not ASCII
        return False
    digest = content_digest(fields, codec, legacy_sha1=legacy_sha1)
    return key.verify(digest, signature, legacy_sha1=legacy_sha1)


def reads_one_way(fields: Mapping[str, str]) -> bool:
    """Whether the signed text stands for these fields only.

    The text joins raw values, so one signature would also fit a message in which ``&respCode=00`` is part of a value.
    Read again as a reply, the text must give the very same fields.
    """
    signed = {name: value for name, value in fields.items() if name != SIGNATURE}
    try:
        return parse_text(canonical(signed)) == signed
    except MalformedMessage:
        return False


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sm3(content: bytes) -> str:
    digest = hashes.Hash(hashes.SM3())
    digest.update(content)
    return digest.finalize().hex()


_KEYED: Mapping[str, Callable[[bytes], str]] = {"11": _sha256, "12": _sm3}
