"""Sealing: what must be kept to send again, but may not lie on the disk in the clear.

AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits. A sealed value is one format byte, eight bytes that tell
which key, the nonce, and the ciphertext with its tag. The name of the row is authenticated along with it, so a sealed
value cannot be moved to another row.
"""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Sequence
from typing import TYPE_CHECKING

from payport.sdk.checks import check_kinds
from payport.sdk.errors import ConfigurationError, JournalError
from payport.sdk.secrets import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORMAT = b"\x01"
_KEY_BYTES = 32
_ID_BYTES = 8
_NONCE_BYTES = 12
_HEAD_BYTES = len(_FORMAT) + _ID_BYTES + _NONCE_BYTES

_MAKE_ONE = 'python -c "import base64, secrets; print(base64.b64encode(secrets.token_bytes(32)).decode())"'


class SealingKeys:
    """One or several keys: the first seals, every one opens, so that a key can be replaced without rewriting rows.

    ``keys``: each the base64 text of 32 random bytes. Raises :class:`ConfigurationError` for anything else.
    """

    __slots__ = ("_ciphers", "_first")

    def __init__(self, keys: Sequence[Secret]) -> None:
        self._ciphers: dict[bytes, AESGCM] = dict(_cipher(key) for key in keys)
        if not self._ciphers:
            raise ConfigurationError(f"no sealing key was given; leave it out, or make one with: {_MAKE_ONE}")
        self._first = next(iter(self._ciphers))

    def seal(self, plain: bytes, row: str) -> bytes:
        """``plain`` sealed for the row of this name."""
        nonce = os.urandom(_NONCE_BYTES)
        head = _FORMAT + self._first + nonce
        return head + self._ciphers[self._first].encrypt(nonce, plain, _bound(head, row))

    def know(self, sealed: bytes) -> bool:
        """Whether the key that sealed this is one of them."""
        return sealed[len(_FORMAT) : len(_FORMAT) + _ID_BYTES] in self._ciphers

    def open(self, sealed: bytes, row: str) -> bytes:
        """What was sealed for a row. Raises :class:`JournalError` when it was changed or moved or its key is gone."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - loaded with the first sealing key

        head = sealed[:_HEAD_BYTES]
        cipher = self._ciphers.get(head[1 : 1 + _ID_BYTES])
        if head[:1] != _FORMAT or cipher is None:
            key_id = head[1 : 1 + _ID_BYTES].hex()
            raise JournalError(f"{row} was sealed with another key ({key_id}): give that key too, as a further one")
        try:
            return cipher.decrypt(head[-_NONCE_BYTES:], sealed[_HEAD_BYTES:], _bound(head, row))
        except (InvalidTag, ValueError) as error:
            raise JournalError(
                f"{row} does not open: what is sealed there was changed, or belongs to another row"
            ) from error

    def __repr__(self) -> str:
        return f"SealingKeys({', '.join(key_id.hex() for key_id in self._ciphers)})"

    def __reduce__(self) -> str:
        raise TypeError("sealing keys cannot be pickled or copied")


def _bound(head: bytes, row: str) -> bytes:
    return head + row.encode("utf-8", "surrogatepass")


def _cipher(key: Secret) -> tuple[bytes, AESGCM]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - needed only where something is sealed
    from cryptography.hazmat.primitives.hashes import SHA256, Hash  # noqa: PLC0415 - see above

    check_kinds(("sealing_key", key, (Secret,), "a Secret, or several: wrap the text with Secret(...)"))
    try:
        raw = b64decode(key.reveal().strip(), validate=True)
    except ValueError:
        raw = b""
    if len(raw) != _KEY_BYTES:
        # not chained and not shown: what was given may be a key with one character too many
        raise ConfigurationError(f"a sealing key is the base64 text of 32 random bytes; make one with: {_MAKE_ONE}")
    digest = Hash(SHA256())
    digest.update(b"payport sealing key\x00" + raw)
    return digest.finalize()[:_ID_BYTES], AESGCM(raw)
