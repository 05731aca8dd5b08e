"""Content encryption: ``biz_content`` and reply nodes as base64 of a block cipher under a key from the console.

=========  =====================================  ==========================================
name       cipher                                 layout before base64
=========  =====================================  ==========================================
``AES``    AES-128-CBC, PKCS#7, vector of zeros   ciphertext
``AES_V2`` AES-128-CBC, PKCS#7                    16-byte vector, ciphertext
``SM4``    SM4-GCM                                16-byte vector, ciphertext, 16-byte tag
=========  =====================================  ==========================================

``AES`` is what ``encrypt_type=AES`` means; its vector of zeros is the partner's choice, and equal beginnings give equal
ciphertext. None of this replaces the signature, which covers the base64 and is checked before anything is decrypted.
"""

from __future__ import annotations

import base64
from enum import Enum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from payport.sdk.errors import ConfigurationError


class MalformedCiphertext(ValueError):
    """The text cannot be decrypted with this key. What it said is unknown."""


class ContentCipher(Enum):
    """The partner's names of its ciphers."""

    AES = "AES"
    AES_V2 = "AES_V2"
    SM4 = "SM4"


_BLOCK_BYTES = 16
_ZEROS = bytes(_BLOCK_BYTES)


def encrypt(
    key_base64: str, plaintext: bytes, *, cipher: ContentCipher = ContentCipher.AES, vector: bytes = _ZEROS
) -> str:
    """Base64 of ``plaintext`` encrypted.

    ``vector``: 16 unpredictable bytes, new for each message, for ``AES_V2`` and ``SM4``; ``AES`` has none.
    Raises :class:`ConfigurationError` for a key that is not base64 of 16 bytes, ``ValueError`` for a wrong vector.
    """
    if len(vector) != _BLOCK_BYTES or (vector == _ZEROS) != (cipher is ContentCipher.AES):
        raise ValueError("vector: 16 unpredictable bytes for AES_V2 and SM4, left out for AES")
    key = _key(key_base64)
    if key is None:
        del key_base64  # a traceback shows what a frame holds
        raise ConfigurationError(_BAD_KEY)
    if cipher is ContentCipher.SM4:
        sealing = Cipher(algorithms.SM4(key), modes.GCM(vector)).encryptor()
        sealed = vector + sealing.update(plaintext) + sealing.finalize() + sealing.tag
        return base64.b64encode(sealed).decode("ascii")
    padder = PKCS7(_BLOCK_BYTES * 8).padder()
    padded = padder.update(plaintext) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    front = vector if cipher is ContentCipher.AES_V2 else b""
    return base64.b64encode(front + encryptor.update(padded) + encryptor.finalize()).decode("ascii")


def decrypt(key_base64: str, ciphertext_base64: str, *, cipher: ContentCipher = ContentCipher.AES) -> bytes:
    """What :func:`encrypt` was given. Call it on verified text only.

    Raises :class:`MalformedCiphertext`; :class:`ConfigurationError` for a key that is not base64 of 16 bytes.
    """
    key = _key(key_base64)
    opened = None if key is None else _open(key, ciphertext_base64, cipher)
    usable = key is not None
    del key, key_base64  # a traceback shows what a frame holds
    if not usable:
        raise ConfigurationError(_BAD_KEY)
    if opened is None:
        raise MalformedCiphertext("cannot be decrypted: wrong key, other cipher, or damaged")
    return opened


def check_content_key(key_base64: str) -> None:
    """Raise :class:`ConfigurationError`, which shows nothing of the key, when it is not base64 of 16 bytes."""
    usable = _key(key_base64) is not None
    del key_base64
    if not usable:
        raise ConfigurationError(_BAD_KEY)


_BAD_KEY = "content key: not base64 of 16 bytes; copy the AES key from the console as it is"


def _key(key_base64: str) -> bytes | None:
    try:
        key = base64.b64decode(key_base64.strip(), validate=True)
    except ValueError:
        return None
    return key if len(key) == _BLOCK_BYTES else None


def _open(key: bytes, ciphertext_base64: str, cipher: ContentCipher) -> bytes | None:
    try:
        sealed = base64.b64decode(ciphertext_base64, validate=True)
        if cipher is ContentCipher.AES:
            return _open_cbc(key, _ZEROS, sealed)
        vector, rest = sealed[:_BLOCK_BYTES], sealed[_BLOCK_BYTES:]
        return _open_cbc(key, vector, rest) if cipher is ContentCipher.AES_V2 else _open_gcm(key, vector, rest)
    except (ValueError, InvalidTag):
        return None


def _open_cbc(key: bytes, vector: bytes, sealed: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    padded = decryptor.update(sealed) + decryptor.finalize()
    unpadder = PKCS7(_BLOCK_BYTES * 8).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def _open_gcm(key: bytes, vector: bytes, sealed: bytes) -> bytes:
    if len(sealed) < _BLOCK_BYTES:
        raise ValueError("too short for a tag")
    tag = sealed[-_BLOCK_BYTES:]
    decryptor = Cipher(algorithms.SM4(key), modes.GCM(vector, tag)).decryptor()
    return decryptor.update(sealed[:-_BLOCK_BYTES]) + decryptor.finalize()
