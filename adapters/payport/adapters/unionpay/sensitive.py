"""Card data: encrypted for UnionPay with its certificate, decrypted from replies with the merchant's key.

Only native calls carry any. RSA is RSAES-PKCS1-v1_5 (RFC 8017), the PIN block ISO 9564 format 0.
Source: UnionPay's ACP 5.1.0 interface papers; UnionPay's demo.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric import padding, rsa

from payport.adapters.unionpay.forms import MalformedMessage, parse_group, write_group

ENCRYPTED_INFO = "encryptedInfo"
HIDDEN = ("phoneNo", "cvn2", "expired")
"""What stands inside of ``encryptedInfo`` in ``customerInfo``; the rest stands beside it."""
MAX_FILE_BYTES = 256 * 1024 * 1024


class MalformedCiphertext(ValueError):
    """What was received cannot be decrypted or unpacked."""


def encrypt(key: rsa.RSAPublicKey, text: str, codec: str = "utf-8") -> str:
    """One sensitive text as base64. Raises ``ValueError`` when it is too long for the key."""
    return base64.b64encode(key.encrypt(text.encode(codec), padding.PKCS1v15())).decode()


def decrypt(keys: Sequence[rsa.RSAPrivateKey], ciphertext: str, codec: str = "utf-8") -> str:
    """The text for the first of ``keys`` that opens it. Raises :class:`MalformedCiphertext`, and nothing else.

    A key that does not fit may, by design of the padding, give random bytes instead of an error; those are no text.
    """
    try:
        sealed = base64.b64decode(ciphertext, validate=True)
    except ValueError:  # binascii.Error, or not ASCII
        raise MalformedCiphertext("not base64") from None
    for key in keys:
        try:
            text = key.decrypt(sealed, padding.PKCS1v15()).decode(codec)
        except ValueError:
            continue
        if text.isprintable():
            return text
    raise MalformedCiphertext("none of the configured keys opens it")


def write_customer_info(key: rsa.RSAPublicKey, fields: Mapping[str, str], codec: str = "utf-8") -> str:
    """``customerInfo``: base64 of a group, in which phone, CVN2 and expiry are encrypted once more."""
    hidden = {name: fields[name] for name in HIDDEN if fields.get(name)}
    shown = {name: value for name, value in fields.items() if value and name not in HIDDEN}
    if hidden:
        shown[ENCRYPTED_INFO] = encrypt(key, "&".join(f"{name}={value}" for name, value in hidden.items()), codec)
    return base64.b64encode(write_group(shown).encode(codec)).decode()


def read_customer_info(keys: Sequence[rsa.RSAPrivateKey], text: str, codec: str = "utf-8") -> dict[str, str]:
    """``customerInfo`` of a reply, its encrypted part opened. Raises :class:`MalformedCiphertext`, and nothing else."""
    try:
        fields = parse_group(base64.b64decode(text, validate=True).decode(codec))
        sealed = fields.pop(ENCRYPTED_INFO, None)
        if sealed is not None:
            fields |= parse_group("{" + decrypt(keys, sealed, codec) + "}")
    except (MalformedMessage, MalformedCiphertext, ValueError):
        raise MalformedCiphertext("customerInfo is not a group in base64, or not for our keys") from None
    return fields


def pin_block(pin: str, card: str) -> bytes:
    """The clear PIN block of a PIN for a card. Raises ``ValueError``, which shows neither."""
    if not (pin.isdigit() and 4 <= len(pin) <= 12) or not (card.isdigit() and 8 <= len(card) <= 19):
        raise ValueError("a PIN has 4 to 12 digits and a card number 8 to 19")
    block = bytes.fromhex(f"{len(pin):02X}{pin}".ljust(16, "F"))
    account = bytes.fromhex("0000" + card[:-1][-12:].rjust(12, "0"))
    return bytes(one ^ other for one, other in zip(block, account, strict=True))


def encrypt_pin(key: rsa.RSAPublicKey, pin: str, card: str) -> str:
    """``pin`` of a request: the PIN block, encrypted, as base64. Raises ``ValueError``, which shows neither."""
    return base64.b64encode(key.encrypt(pin_block(pin, card), padding.PKCS1v15())).decode()


def unpack_file(file_content: str, *, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """The file behind ``fileContent``: base64 of zlib. Raises :class:`MalformedCiphertext`, and nothing else."""
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(base64.b64decode(file_content, validate=True), max_bytes)
    except (ValueError, zlib.error):
        raise MalformedCiphertext("fileContent is not base64 of zlib") from None
    if not unpacker.eof:
        raise MalformedCiphertext("fileContent is cut short, or longer than is taken")
    return content


def pack_file(content: bytes) -> str:
    """``fileContent`` of a file."""
    return base64.b64encode(zlib.compress(content)).decode()
