"""``req_info`` of a refund notice: AES-256 in ECB mode under the MD5 of the shared key.

ECB carries no authentication: whoever has seen ciphertexts can cut and join their blocks, and an old one decrypts for
ever. So what comes out of here is a hint, never a fact: :mod:`payport.adapters.wechatpay_v2.notices` asks WeChat.

Source: pay.weixin.qq.com, API v2, "refund result notification".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import ECB

_BLOCK = 16
MAX_CHARACTERS = 64 * 1024


class MalformedCiphertext(ValueError):
    """Not base64 of whole blocks that our key opens. Says nothing of the content."""


def decrypt(api_key: str, text: str) -> bytes:
    """The plain bytes of a notice. Raises :class:`MalformedCiphertext`, whatever the text."""
    return decrypt_blocks(aes_key(api_key), text)


def decrypt_blocks(key: bytes, text: str) -> bytes:
    """The same under an AES key as it stands."""
    from cryptography.hazmat.primitives.padding import PKCS7  # noqa: PLC0415 - with the first refund notice

    if len(text) > MAX_CHARACTERS:
        raise MalformedCiphertext(f"longer than {MAX_CHARACTERS} characters")
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise MalformedCiphertext("not base64") from None
    if not data or len(data) % _BLOCK:
        raise MalformedCiphertext("not whole blocks of AES")
    reader = _cipher(key).decryptor()
    padded = reader.update(data) + reader.finalize()
    unpadder = PKCS7(_BLOCK * 8).unpadder()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise MalformedCiphertext("our key does not open it") from None


def encrypt(api_key: str, plain: bytes) -> str:
    """The other direction, for simulated notices."""
    from cryptography.hazmat.primitives.padding import PKCS7  # noqa: PLC0415 - as above

    padder = PKCS7(_BLOCK * 8).padder()
    padded = padder.update(plain) + padder.finalize()
    writer = _cipher(aes_key(api_key)).encryptor()
    return base64.b64encode(writer.update(padded) + writer.finalize()).decode("ascii")


def aes_key(api_key: str) -> bytes:
    """What notices are encrypted with: the lower-case hexadecimal MD5 of the shared key, as 32 characters."""
    return hashlib.md5(api_key.encode()).hexdigest().encode("ascii")  # noqa: S324 - what WeChat prescribes


def _cipher(key: bytes) -> Cipher[ECB]:
    from cryptography.hazmat.primitives.ciphers import Cipher  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.ciphers.algorithms import AES  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.ciphers.modes import ECB  # noqa: PLC0415 - as above

    return Cipher(AES(key), ECB())  # noqa: S305 - the mode that WeChat prescribes
