"""Signatures over heads and archives: Ed25519 (RFC 8032), with the kind of thing signed along with its content.

The private key stays with who writes the trail; checking needs the public key alone. A key is known by the first 16
hexadecimal digits of the SHA-256 of its public half.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from payport.sdk.audit.canonical import Canonical, canonical_text
from payport.sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from payport.sdk.secrets import Secret

KEY_BYTES: Final = 32

_MAKE_ONE = "make one with: payport keygen --kind audit"


class AuditKey:
    """The private key of a trail. ``key``: the base64 text of 32 random bytes.

    Raises :class:`payport.sdk.errors.ConfigurationError` for anything else.
    """

    __slots__ = ("_key", "key_id", "public")

    def __init__(self, key: Secret) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - 20 ms, for who signs

        # not chained and not shown: what was given may be a key with one character too many
        raw = _decoded(key.reveal())
        if raw is None:
            raise ConfigurationError(f"an audit key is the base64 text of 32 random bytes; {_MAKE_ONE}")
        self._key: Ed25519PrivateKey = Ed25519PrivateKey.from_private_bytes(raw)
        public = self._key.public_key().public_bytes_raw()
        self.public = b64encode(public).decode()
        """The public half, for whoever checks: base64 of 32 bytes."""
        self.key_id = key_id(public)

    def sign(self, kind: str, content: Canonical) -> str:
        """The signature over a content of this kind, as base64 text."""
        return b64encode(self._key.sign(_message(kind, content))).decode()

    def __repr__(self) -> str:
        return f"AuditKey({self.key_id})"

    def __reduce__(self) -> str:
        raise TypeError("an audit key cannot be pickled or copied")


class PublicKeys:
    """The public keys that are trusted, those of earlier years included. Each is the base64 text of 32 bytes.

    Raises :class:`payport.sdk.errors.ConfigurationError` for anything else.
    """

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[str]) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - see above

        self._keys: dict[str, Ed25519PublicKey] = {}
        for each in keys:
            raw = _decoded(each)
            if raw is None:
                raise ConfigurationError(f"a public audit key is the base64 text of 32 bytes; {_MAKE_ONE}")
            self._keys[key_id(raw)] = Ed25519PublicKey.from_public_bytes(raw)

    def knows(self, name: str) -> bool:
        """Whether the key of this id is among them."""
        return name in self._keys

    def verify(self, kind: str, content: Canonical, name: str, signature: str) -> bool:
        """Whether the key of this id is known and signed this content."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - see above

        key = self._keys.get(name)
        if key is None:
            return False
        try:
            key.verify(b64decode(signature, validate=True), _message(kind, content))
        except (InvalidSignature, ValueError):
            return False
        return True

    def __bool__(self) -> bool:
        return bool(self._keys)

    def __repr__(self) -> str:
        return f"PublicKeys({', '.join(self._keys)})"


def key_id(public: bytes) -> str:
    """What a key is called."""
    return hashlib.sha256(public).hexdigest()[:16]


def _message(kind: str, content: Canonical) -> bytes:
    return f"payport {kind}\n{canonical_text(content)}".encode()


def _decoded(text: str) -> bytes | None:
    try:
        raw = b64decode(text.strip(), validate=True)
    except ValueError:
        return None
    return raw if len(raw) == KEY_BYTES else None
