"""UnionPay's certificates: they travel inside the messages, and are believed by their chain and by whom they name.

The authority that certifies UnionPay certifies every merchant as well, so a sound chain alone does not make a
certificate UnionPay's: the third part of its common name must. The chains in use are signed with SHA-1, which the
library's own verifiers refuse, so each link is checked here: names, dates, basicConstraints, keyUsage, signature.
Revocation is not checked: UnionPay's own software does not either, and names no list.
"""

from __future__ import annotations

import base64
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import TypeAlias, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from payport.sdk.errors import ConfigurationError
from payport.sdk.forks import follow_forks
from payport.sdk.keys import UNREADABLE_CERTIFICATE, PublicKey

ExtensionT = TypeVar("ExtensionT", bound=x509.ExtensionType)

UNIONPAY = "中国银联股份有限公司"
UNIONPAY_IN_TEST = "00040000:SIGN"
"""How older certificates of the test environment name UnionPay; in production nobody is believed by it."""

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_LONGEST = 16_384
_DIGESTS = (hashes.SHA1, hashes.SHA256, hashes.SHA384, hashes.SHA512)

Refusal: TypeAlias = str
"""Why a certificate is not believed."""


class MalformedCertificate(ValueError):
    """The text is not a certificate that can be used here."""


@lru_cache(maxsize=64)  # every message brings the same one
def parse_certificate(text: str) -> x509.Certificate:
    """The first certificate in a PEM text, or bare base64 of one. Raises :class:`MalformedCertificate`."""
    if len(text) > _LONGEST:
        raise MalformedCertificate("too long for a certificate")
    armoured = _PEM.search(text)
    try:
        der = base64.b64decode("".join((armoured[1] if armoured else text).split()), validate=True)
        # the library only warns of a serial number that is none, so it does not get to see it
        parsed = x509.load_der_x509_certificate(der) if _serial_is_positive(der) else None
        if parsed is not None:
            _ = parsed.issuer, parsed.subject, parsed.not_valid_before_utc  # the library reads them late
    except UNREADABLE_CERTIFICATE as error:
        raise MalformedCertificate("not an X.509 certificate in PEM or base64") from error
    if parsed is None:
        raise MalformedCertificate("RFC 5280 forbids this serial number")
    return parsed


def cert_id(certificate: x509.Certificate) -> str:
    """``certId``: the serial number in decimal, never in hexadecimal, without leading zeros."""
    return str(certificate.serial_number)


def owner(certificate: x509.Certificate) -> str:
    """The third part of the common name, which says whose certificate it is; empty when there is none."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    parts = str(names[0].value).split("@") if names else []
    return parts[2] if len(parts) > 2 else ""


def rsa_key(certificate: x509.Certificate) -> rsa.RSAPublicKey:
    """Its public key. Raises :class:`MalformedCertificate` when that is no RSA key."""
    try:
        key = certificate.public_key()
    except UNREADABLE_CERTIFICATE as error:
        raise MalformedCertificate("its key cannot be read") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise MalformedCertificate("its key is not an RSA key")
    return key


@dataclass(frozen=True, slots=True)
class Chain:
    """One middle certificate and its root, as configured."""

    middle: x509.Certificate = field(repr=False)
    root: x509.Certificate = field(repr=False)

    def certifies(self, leaf: x509.Certificate, at: datetime) -> bool:
        """Whether ``leaf`` descends from the root by the middle, everything being valid at ``at``."""
        links = ((self.middle, leaf, 0), (self.root, self.middle, 1))
        dated = all(one.not_valid_before_utc <= at <= one.not_valid_after_utc for one in (leaf, self.middle, self.root))
        return dated and all(_issued(issuer, subject, below) for issuer, subject, below in links)


@dataclass(frozen=True, slots=True)
class _Believed:
    key: PublicKey
    begins: datetime
    ends: datetime


class Signers:
    """Which certificates are UnionPay's. What was found out once is kept, by the certificate's text, for a few of them.

    ``test``: whether the test environment's name of UnionPay counts as well. Safe for threads.
    """

    KEPT = 32

    def __init__(self, chains: Sequence[Chain], *, test: bool) -> None:
        self.chains = tuple(chains)
        self._owners = frozenset({UNIONPAY, UNIONPAY_IN_TEST} if test else {UNIONPAY})
        self._known: OrderedDict[str, _Believed] = OrderedDict()
        self._begin()
        follow_forks(in_child=self._begin)

    def _begin(self) -> None:
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, text: str, at: datetime) -> PublicKey | Refusal:
        """The key of ``signPubKeyCert`` when it is UnionPay's and valid at ``at``, else why not. Never raises."""
        with self._lock:
            known = self._known.get(text)
            if known is not None:
                self._known.move_to_end(text)
        if known is None or not known.begins <= at <= known.ends:  # another chain may have taken over
            found = self._examine(text, at)
            if isinstance(found, str):
                return found
            known = found
            with self._lock:
                self._known[text] = known
                while len(self._known) > self.KEPT:
                    self._known.popitem(last=False)
        return known.key

    def _examine(self, text: str, at: datetime) -> _Believed | Refusal:
        try:
            leaf = parse_certificate(text)
            key = PublicKey(rsa_key(leaf))
            who = owner(leaf)
        except (MalformedCertificate, ConfigurationError, ValueError) as error:
            return f"signPubKeyCert: {error}"
        if who not in self._owners:
            return "the certificate in the message is not UnionPay's: its name is another customer's of the authority"
        chain = next((chain for chain in self.chains if chain.certifies(leaf, at)), None)
        if chain is None:
            return (
                "the certificate in the message descends from none of the configured authorities, or is not valid now; "
                "if every message says so, configure UnionPay's current middle and root certificates"
            )
        whole = (leaf, chain.middle, chain.root)
        begins = max(one.not_valid_before_utc for one in whole)
        return _Believed(key, begins, min(one.not_valid_after_utc for one in whole))


def _issued(issuer: x509.Certificate, subject: x509.Certificate, below: int) -> bool:
    """Whether ``issuer`` signed ``subject`` and may have ``below`` issuers between itself and the leaf."""
    try:
        if subject.issuer != issuer.subject or not _may_issue(issuer, below):
            return False
        digest, key = subject.signature_hash_algorithm, issuer.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or digest is None or not isinstance(digest, _DIGESTS):
            return False
        key.verify(subject.signature, subject.tbs_certificate_bytes, padding.PKCS1v15(), digest)
    except (InvalidSignature, *UNREADABLE_CERTIFICATE):
        return False
    return True


def _may_issue(issuer: x509.Certificate, below: int) -> bool:
    limits, usage = _extension(issuer, x509.BasicConstraints), _extension(issuer, x509.KeyUsage)
    if limits is None or not limits.ca or (usage is not None and not usage.key_cert_sign):
        return False
    return limits.path_length is None or below <= limits.path_length


def _extension(certificate: x509.Certificate, kind: type[ExtensionT]) -> ExtensionT | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _serial_is_positive(der: bytes) -> bool:
    """Read ``{ { [0] version, serial, ...`` (X.690, 8.1.3). The library only warns of others. Raises LookupError."""
    whole, _ = _content(der, 0)
    first, _ = _content(der, whole)
    if der[first] == 0xA0:
        first = _content(der, first)[1]
    start, end = _content(der, first)
    return int.from_bytes(der[start:end], "big", signed=True) > 0


def _content(der: bytes, at: int) -> tuple[int, int]:
    length, start = der[at + 1], at + 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[at + 2 : start], "big")
    return start, start + length
