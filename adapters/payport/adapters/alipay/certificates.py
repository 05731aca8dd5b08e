"""Certificate mode: the numbers that name certificates, and whether a downloaded one descends from a known root.

The partner names a certificate by the MD5 of its issuer and serial number. Its root file mixes RSA certificates with
SM2 and ECDSA ones, some of them encoded in ways that a certificate library warns about or refuses. So each block's
signature algorithm is read first, from the DER itself, and only RSA blocks are parsed.

Every merchant's application certificate descends from the same root, so a valid chain alone does not make a
certificate the partner's: see :attr:`Certificate.is_alipay`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from payport.sdk.errors import ConfigurationError
from payport.sdk.keys import UNREADABLE_CERTIFICATE, PublicKey

ExtensionT = TypeVar("ExtensionT", bound=x509.ExtensionType)


class MalformedCertificate(ValueError):
    """The text is not a certificate that can be used here."""


_WANTED = "RSA certificate of 2048 bits or more in PEM found; give the whole .crt file as it was downloaded"
_ALIPAY_NAMES = ("支付宝(中国)网络技术有限公司", "支付宝（中国）网络技术有限公司")


@dataclass(frozen=True, slots=True)
class Certificate:
    """An RSA certificate. ``sn``: the partner's number of it. ``common_name``: the CN of the subject."""

    sn: str
    common_name: str
    not_before: datetime
    not_after: datetime
    public_key: PublicKey
    parsed: x509.Certificate = field(repr=False)

    @property
    def is_alipay(self) -> bool:
        """Whether the subject is the partner itself (``<its company name>-<merchant number>``), not a merchant."""
        return self.common_name.startswith(_ALIPAY_NAMES)

    def time_left(self, at: datetime) -> timedelta:
        """How long it is still valid; negative when it has expired. ``at`` carries a time zone."""
        return self.not_after - at


@lru_cache(maxsize=64)
def parse_certificates(pem: str) -> tuple[Certificate, ...]:
    """The RSA certificates of a file, in their order; others are passed over.

    Raises :class:`MalformedCertificate` when there is none.
    """
    found = [_certificate(parsed) for parsed in _rsa_signed(pem)]
    usable = tuple(one for one in found if one is not None)
    if not usable:
        raise MalformedCertificate(f"no {_WANTED}")
    return usable


def parse_download(content_base64: str) -> tuple[Certificate, ...]:
    """The certificates in ``alipay_cert_content``: base64 over PEM, the leaf first. Nothing is verified here.

    Raises :class:`MalformedCertificate`.
    """
    try:
        pem = base64.b64decode(content_base64, validate=True).decode("ascii")
    except ValueError:
        raise MalformedCertificate("the content is not base64 of PEM") from None
    return parse_certificates(pem)


@lru_cache(maxsize=64)
def cert_sn(pem: str) -> str:
    """``app_cert_sn`` or ``alipay_cert_sn`` of the first RSA certificate in ``pem``: 32 hexadecimal digits.

    Raises :class:`MalformedCertificate`.
    """
    first = next(_rsa_signed(pem), None)
    if first is None:
        raise MalformedCertificate(f"no {_WANTED}")
    return _sn(first)


@lru_cache(maxsize=64)
def root_cert_sn(pem: str) -> str:
    """``alipay_root_cert_sn``: the numbers of all RSA-signed certificates of the root file, joined by ``_``.

    Raises :class:`MalformedCertificate`.
    """
    numbers = [_sn(parsed) for parsed in _rsa_signed(pem)]
    if not numbers:
        raise MalformedCertificate("no RSA root certificate in PEM found; give alipayRootCert.crt as it was downloaded")
    return "_".join(numbers)


def chain_is_valid(
    leaf: Certificate, intermediates: Sequence[Certificate], roots: Sequence[Certificate], at: datetime
) -> bool:
    """Whether ``leaf`` descends from one of ``roots``, every certificate on the way being valid at ``at``.

    Checked at each step (RFC 5280, section 6): issuer and subject match, the signature fits (SHA-256 or longer; SHA-1
    and MD5 are refused), the dates, and that the issuer may issue: its basicConstraints say CA, or, where it has none,
    its keyUsage says keyCertSign. At most four issuers. A root's own signature is not looked at: it is trusted because
    it was configured. A leaf that is itself a configured root is valid while its dates are. Revocation is not checked:
    the partner publishes no list that is reachable.

    The sandbox never passes: its intermediate carries the same keyUsage as any merchant's certificate and no
    basicConstraints, so who accepted it as an issuer would accept every merchant as one. Pin the sandbox's certificate.
    """
    anchors = {root.parsed.fingerprint(hashes.SHA256()) for root in roots}
    return _descends(leaf, (*roots, *intermediates), anchors, at, 0)


def _descends(one: Certificate, issuers: Sequence[Certificate], anchors: set[bytes], at: datetime, below: int) -> bool:
    if not one.not_before <= at <= one.not_after:
        return False
    if one.parsed.fingerprint(hashes.SHA256()) in anchors:
        return True
    # All issuers are tried: a renewed one has the name, and often the key, of the one that expired.
    return below < _MAX_DEPTH and any(
        _issued(issuer.parsed, one.parsed, below) and _descends(issuer, issuers, anchors, at, below + 1)
        for issuer in issuers
    )


def _issued(issuer: x509.Certificate, subject: x509.Certificate, below: int) -> bool:
    """Whether ``issuer`` signed ``subject`` and may have ``below`` issuers between itself and the leaf."""
    try:
        digest = subject.signature_hash_algorithm
        strong = digest is not None and digest.digest_size >= 32
        if not strong or not _may_issue(issuer, below):
            return False
        subject.verify_directly_issued_by(issuer)  # compares the names, too
    except (InvalidSignature, *UNREADABLE_CERTIFICATE):
        return False
    return True


def _may_issue(issuer: x509.Certificate, below: int) -> bool:
    limits, usage = _extension(issuer, x509.BasicConstraints), _extension(issuer, x509.KeyUsage)
    signs = usage is not None and usage.key_cert_sign
    if limits is None:
        return signs
    short_enough = limits.path_length is None or below <= limits.path_length
    return limits.ca and short_enough and (signs or usage is None)


def _extension(certificate: x509.Certificate, kind: type[ExtensionT]) -> ExtensionT | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


_BLOCK = re.compile(r"-----BEGIN (?:TRUSTED )?CERTIFICATE-----(.*?)-----END (?:TRUSTED )?CERTIFICATE-----", re.DOTALL)
_MAX_BLOCKS = 16
_MAX_DEPTH = 4
_VERSION_TAG = 0xA0
_RSA_FAMILY = bytes.fromhex("2a864886f70d0101")  # 1.2.840.113549.1.1, without the last arc


def _rsa_signed(pem: str) -> Iterator[x509.Certificate]:
    """The blocks that an RSA key signed. A damaged block raises, one of another algorithm is passed over."""
    blocks = _BLOCK.findall(pem.replace("\\n", "\n"))
    if len(blocks) > _MAX_BLOCKS:
        raise MalformedCertificate(f"more than {_MAX_BLOCKS} certificates in one file")
    for block in blocks:
        parsed = _parse(block)
        if parsed is not None:
            yield parsed


def _parse(block: str) -> x509.Certificate | None:
    try:
        der = base64.b64decode("".join(block.split()), validate=True)
        if not _signed_by_rsa(der):
            return None
        parsed = x509.load_der_x509_certificate(der)
        # The library reads names late; a damaged one is found here.
        _ = parsed.issuer, parsed.subject
    except UNREADABLE_CERTIFICATE as error:
        raise MalformedCertificate("a certificate in the file is damaged; download the file again") from error
    else:
        return parsed


def _signed_by_rsa(der: bytes) -> bool:
    """Read ``{ { [0] version?, serial, .. }, { algorithm, .. }, .. }``. Raises ``ValueError`` or ``IndexError``."""
    body, _ = _der_value(der, 0)
    tbs, after_tbs = _der_value(der, body)
    oid, end = _der_value(der, _der_value(der, after_tbs)[0])
    if not der[oid:end].startswith(_RSA_FAMILY):
        return False
    first, last = _der_value(der, _der_value(der, tbs)[1] if der[tbs] == _VERSION_TAG else tbs)
    if int.from_bytes(der[first:last], "big", signed=True) <= 0:
        raise ValueError("RFC 5280 forbids this serial number: the library warns today and will refuse it")
    return True


def _der_value(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the DER element at ``at`` begins and ends (X.690, 8.1.3)."""
    length = der[at + 1]
    start = at + 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[at + 2 : start], "big")
    return start, start + length


def _sn(parsed: x509.Certificate) -> str:
    name = f"{parsed.issuer.rfc4514_string()}{parsed.serial_number}"
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def _certificate(parsed: x509.Certificate) -> Certificate | None:
    """``None`` when the certificate is for a key of another kind, or a short one."""
    try:
        key = parsed.public_key()
        public = PublicKey(key) if isinstance(key, rsa.RSAPublicKey) else None
    except (ConfigurationError, *UNREADABLE_CERTIFICATE):
        return None
    if public is None:
        return None
    names = parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Certificate(
        sn=_sn(parsed),
        common_name=str(names[0].value) if names else "",
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        public_key=public,
        parsed=parsed,
    )
