"""Platform certificates: WeChat's verifying keys with a serial number and an end, downloaded and decrypted.

Source: pay.weixin.qq.com, "download of platform certificates".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from payport.adapters.wechatpay.encryption import MalformedCiphertext, Resource
from payport.adapters.wechatpay.signing import key_number
from payport.sdk.errors import ConfigurationError
from payport.sdk.keys import UNREADABLE_CERTIFICATE, PublicKey
from payport.sdk.strict_json import MalformedJson, parse_object

MOST_CERTIFICATES = 100
"""More are no answer: two or three overlap during a change."""


class MalformedCertificate(ValueError):
    """Not a certificate, or not an answer with certificates, that can be used here."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One RSA certificate. ``serial``: its number in hexadecimal, as WeChat lists it."""

    serial: str
    not_before: datetime
    not_after: datetime
    key: PublicKey = field(repr=False)

    def serves(self, at: datetime) -> bool:
        """Whether it is valid at that instant."""
        return self.not_before <= at < self.not_after


def serial_text(number: int) -> str:
    """A serial number as WeChat writes it. ``hex()`` and ``toString(16)`` lose a leading zero; this keeps it."""
    digits = f"{number:X}"
    return digits if len(digits) % 2 == 0 else f"0{digits}"


def parse_certificate(pem: str | bytes) -> Certificate:
    """The first certificate of a PEM text. Raises :class:`MalformedCertificate`."""
    try:
        parsed = x509.load_pem_x509_certificate(pem if isinstance(pem, bytes) else pem.encode())
        key = parsed.public_key()
        ends = parsed.not_valid_before_utc, parsed.not_valid_after_utc
    except UNREADABLE_CERTIFICATE:
        raise MalformedCertificate("not a certificate in PEM; give the platform certificate as downloaded") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise MalformedCertificate("not an RSA certificate")
    try:
        return Certificate(serial_text(parsed.serial_number), *ends, PublicKey(key))
    except ConfigurationError as error:
        raise MalformedCertificate(str(error)) from None


def read_download(body: bytes, api_v3_key: bytes) -> tuple[Certificate, ...]:
    """The certificates of ``GET /v3/certificates``, oldest first. Nothing but the API v3 key vouches for them here.

    Each must decrypt, parse, and carry the serial number that it is listed under. Raises
    :class:`MalformedCertificate`, and nothing else.
    """
    try:
        listed = parse_object(body).get("data")
        if not isinstance(listed, list) or len(cast("list[object]", listed)) > MOST_CERTIFICATES:
            raise MalformedCertificate("no list of certificates")
        found = [_listed(entry, api_v3_key) for entry in cast("list[object]", listed)]
    except (MalformedJson, MalformedCiphertext) as error:
        raise MalformedCertificate(str(error)) from None
    return tuple(sorted(found, key=lambda certificate: certificate.not_before))


def _listed(entry: object, api_v3_key: bytes) -> Certificate:
    if not isinstance(entry, dict):
        raise MalformedCertificate("an entry is not an object")
    fields = cast("dict[str, object]", entry)
    certificate = parse_certificate(Resource.of(fields.get("encrypt_certificate")).open(api_v3_key))
    listed = fields.get("serial_no")
    if not isinstance(listed, str) or key_number(listed) != key_number(certificate.serial):
        raise MalformedCertificate("a certificate stands under another one's serial number")
    return replace(certificate, serial=listed)
