"""What WeChat Pay encrypts: certificates and notifications with the API v3 key, names and numbers with an RSA key.

Sources: pay.weixin.qq.com, "API v3: decryption of certificates and callbacks", "sensitive fields".
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from payport.adapters.wechatpay.signing import base64_text
from payport.sdk.strict_json import MalformedJson, parse_object

if TYPE_CHECKING:
    from payport.sdk.keys import PrivateKey, PublicKey

ALGORITHM = "AEAD_AES_256_GCM"
NONCE_BYTES = 12
LONGEST_SECRET_BYTES = 214
"""What an RSA key of 2048 bits carries with OAEP."""


class MalformedCiphertext(ValueError):
    """Cannot be decrypted: damaged, made with another key, or not a ciphertext. Says nothing of the content."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Something encrypted as it stands in an answer or a notification."""

    algorithm: str
    nonce: str
    associated_data: str
    ciphertext: str = field(repr=False)

    @classmethod
    def of(cls, node: object) -> Resource:
        """Read the object. ``associated_data`` may be missing or empty. Raises :class:`MalformedCiphertext`."""
        if not isinstance(node, Mapping):
            raise MalformedCiphertext("the encrypted part is not an object")
        fields = cast("Mapping[str, object]", node)
        texts = [fields.get(name) for name in ("algorithm", "nonce", "ciphertext")]
        extra = fields.get("associated_data") or ""
        if not all(isinstance(text, str) for text in (*texts, extra)):
            raise MalformedCiphertext("the encrypted part lacks algorithm, nonce or ciphertext")
        algorithm, nonce, ciphertext = cast("list[str]", texts)
        return cls(algorithm, nonce, cast("str", extra), ciphertext)

    def open(self, api_v3_key: bytes) -> bytes:
        """The plain text. Raises :class:`MalformedCiphertext`, also for another algorithm than the configured one."""
        if self.algorithm != ALGORITHM:
            raise MalformedCiphertext("encrypted in a way that is not configured")
        if len(self.nonce) != NONCE_BYTES:
            raise MalformedCiphertext(f"the nonce has not {NONCE_BYTES} characters")
        return decrypt(api_v3_key, self.nonce, self.associated_data, self.ciphertext)


def decrypt(key: bytes, nonce: str, associated_data: str, ciphertext: str) -> bytes:
    """AES-GCM with the tag behind the ciphertext, all in base64. Raises :class:`MalformedCiphertext` only."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - dear to import, with the first secret

    try:
        sealed = binascii.a2b_base64(ciphertext, strict_mode=True)
        return _aead(key).decrypt(nonce.encode(), sealed, associated_data.encode())
    except (InvalidTag, ValueError):
        raise MalformedCiphertext("not what this key encrypted") from None


def encrypt(key: bytes, nonce: str, associated_data: str, plain: bytes) -> str:
    """The counterpart of :func:`decrypt`, for simulators and tests. A nonce must serve once."""
    return base64_text(_aead(key).encrypt(nonce.encode(), plain, associated_data.encode()))


if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def _aead(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as above

    return AESGCM(key)


def open_object(resource: Resource, api_v3_key: bytes) -> dict[str, object]:
    """The JSON object inside. Raises :class:`MalformedCiphertext`."""
    try:
        return parse_object(resource.open(api_v3_key))
    except MalformedJson as error:
        raise MalformedCiphertext(f"decrypted, but {error}") from None


def hide(text: str, key: PublicKey) -> str:
    """A sensitive text for WeChat's eyes only: RSAES-OAEP, base64. Raises ``ValueError`` when it is too long."""
    return base64_text(key.encrypt(text.encode()))


def reveal(ciphertext: str, key: PrivateKey) -> str:
    """A sensitive text that WeChat encrypted for this merchant. Raises :class:`MalformedCiphertext`."""
    try:
        return key.decrypt(binascii.a2b_base64(ciphertext, strict_mode=True)).decode()
    except ValueError:
        raise MalformedCiphertext("not what was encrypted for this merchant's key") from None


def with_hidden(body: Mapping[str, object], paths: Sequence[str], hide_text: Callable[[str], str]) -> dict[str, object]:
    """``body`` with the texts at ``paths`` hidden. A path: names joined by ``/``; ``*`` stands for each of a list."""
    found: object = body
    for path in paths:
        found = _hidden(found, path.split("/"), hide_text)
    return cast("dict[str, object]", found)


def _hidden(node: object, path: Sequence[str], hide_text: Callable[[str], str]) -> object:
    if not path:
        return hide_text(node) if isinstance(node, str) else node
    name, rest = path[0], path[1:]
    if name == "*" and isinstance(node, list | tuple):
        return [_hidden(item, rest, hide_text) for item in cast("Sequence[object]", node)]
    if not isinstance(node, Mapping):
        return node
    fields = cast("Mapping[str, object]", node)
    return {**fields, name: _hidden(fields[name], rest, hide_text)} if name in fields else fields


def has_hidden(body: Mapping[str, object], paths: Sequence[str]) -> bool:
    """Whether any text stands at one of ``paths``."""
    seen: list[str] = []

    def note(text: str) -> str:
        seen.append(text)
        return text

    with_hidden(body, paths, note)
    return bool(seen)
