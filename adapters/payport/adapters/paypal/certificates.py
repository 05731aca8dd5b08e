"""The certificates that sign PayPal's webhooks: from where they may come, and whom they must descend from.

An event names its certificate by an address in a header. Whoever may choose that address can make us fetch anything,
so it is held against an exact list of hosts and one form of path before a byte is sent, redirects are never followed,
and what comes back must be PayPal's by name and by chain.
Source: developer.paypal.com, "Verify webhooks yourself"; RFC 5280.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Lock

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from payport.sdk.errors import ConfigurationError
from payport.sdk.forks import follow_forks
from payport.sdk.keyring import KeyRing
from payport.sdk.keys import UNREADABLE_CERTIFICATE, PublicKey

_ADDRESS = re.compile(
    r"https://(?P<host>[a-z0-9.-]+(?::[0-9]{1,5})?)(?P<path>/v1/notifications/certs/CERT-[0-9A-Za-z-]{1,80})",
    re.ASCII | re.IGNORECASE,
)
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----([0-9A-Za-z+/=\s]{1,20000})-----END CERTIFICATE-----", re.ASCII)
_MAX_BLOCKS = 8
_VERSION_TAG = 0xA0


class MalformedCertificate(ValueError):
    """The text holds no certificate that can be used here."""


def allowed_address(address: str, hosts: frozenset[str]) -> str | None:
    """The address in one spelling when a certificate may be fetched from there; ``None`` when it may not.

    ``hosts``: exact names, with a port only where it is not 443. The path is PayPal's own form, so no address can be
    made to mean another one by dots, escapes, users, fragments or queries.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or match["host"].lower() not in hosts or not match["path"].startswith("/v1/notifications/certs/"):
        return None
    return f"https://{match['host'].lower()}{match['path']}"


class Signers:
    """Certificates by their address, as far as they were fetched and found authentic; and the roots they hang on.

    ``roots``: PEM; ``None`` for the usual authorities. Raises :class:`payport.sdk.ConfigurationError` for a text that
    holds no certificate. Safe for threads.
    """

    def __init__(self, roots: str | None) -> None:
        self.ring: KeyRing[PublicKey] = KeyRing()
        self._begin()
        follow_forks(in_child=self._begin)
        self._store: Store | None = None
        if roots is not None:
            try:
                self._store = Store(parse_chain(roots, most=64))
            except MalformedCertificate as error:
                raise ConfigurationError(f"webhook_roots: {error}") from None

    def _begin(self) -> None:
        self._lock = Lock()

    def trusted(self, chain: Sequence[x509.Certificate], name: str, at: datetime) -> Signer | None:
        """The leaf's key when the chain ends at a root, is valid at ``at`` and is made out to ``name``."""
        verifier = PolicyBuilder().store(self._roots()).time(at.astimezone(UTC).replace(tzinfo=None))
        try:
            verifier.build_server_verifier(x509.DNSName(name)).verify(chain[0], list(chain[1:]))
            key = chain[0].public_key()
            if not isinstance(key, rsa.RSAPublicKey):
                return None
            return Signer(PublicKey(key), chain[0].not_valid_after_utc)
        except (VerificationError, ValueError, ConfigurationError):  # the last one: a short key
            return None

    def _roots(self) -> Store:
        with self._lock:
            if self._store is None:
                from payport.sdk.tls import usual_authorities  # noqa: PLC0415 - ssl, with the first event only

                self._store = Store(_readable(usual_authorities()))
            return self._store


class Signer:
    """An authentic key, and until when it serves."""

    __slots__ = ("key", "not_after")

    def __init__(self, key: PublicKey, not_after: datetime) -> None:
        self.key = key
        self.not_after = not_after


def parse_chain(pem: str, *, most: int = _MAX_BLOCKS) -> list[x509.Certificate]:
    """The certificates of a text, the leaf first. Raises :class:`MalformedCertificate`, whatever the text."""
    blocks = _BLOCK.findall(pem)
    if not blocks or len(blocks) > most:
        raise MalformedCertificate(f"no certificate in PEM, or more than {most}")
    found = [_parse(block) for block in blocks]
    whole = [one for one in found if one is not None]
    if len(whole) != len(found):
        raise MalformedCertificate("a certificate is damaged")
    return whole


def _readable(pem: str) -> list[x509.Certificate]:
    """The certificates of a long list that can be read; one odd authority does not cost the others."""
    return [one for one in map(_parse, _BLOCK.findall(pem)) if one is not None]


def _parse(block: str) -> x509.Certificate | None:
    try:
        der = base64.b64decode("".join(block.split()), validate=True)
        if not _has_positive_serial(der):
            return None
        parsed = x509.load_der_x509_certificate(der)
        # The library reads names late; a damaged one is found here.
        _ = parsed.issuer, parsed.subject
    except UNREADABLE_CERTIFICATE:
        return None
    return parsed


def _has_positive_serial(der: bytes) -> bool:
    """Read ``{ { [0] version?, serial, .. }, .. }``: the library warns of numbers that RFC 5280 forbids."""
    tbs, _ = _value(der, _value(der, 0)[0])
    first, last = _value(der, _value(der, tbs)[1] if der[tbs] == _VERSION_TAG else tbs)
    return int.from_bytes(der[first:last], "big", signed=True) > 0


def _value(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the DER element at ``at`` begins and ends (X.690, 8.1.3)."""
    length = der[at + 1]
    start = at + 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[at + 2 : start], "big")
    return start, start + length
