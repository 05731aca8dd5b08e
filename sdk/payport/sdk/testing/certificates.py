"""A certificate authority of one's own for loopback TLS. Made once per process; nothing is kept on disk."""

from __future__ import annotations

import atexit
import ipaddress
import shutil
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from payport.sdk.host_clock import SystemClock

_YEAR = timedelta(days=365)
_LONG_AGO = -_YEAR - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LoopbackCertificates:
    """PEM texts: the authority to trust, and a server's certificate and key for ``localhost``, 127.0.0.1 and ::1."""

    authority: str
    server: str
    server_key: str = field(repr=False)
    expired: str
    """A certificate for the same key that ended yesterday."""

    def server_context(self, *, asks_for_client: bool = False) -> ssl.SSLContext:
        """What a loopback server needs: TLS 1.2 or newer with this certificate.

        ``asks_for_client``: callers may prove themselves with a certificate of the same authority; none is needed.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if asks_for_client:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(cadata=self.authority)
        self._load(context, self.server)
        return context

    def expired_context(self) -> ssl.SSLContext:
        """A server whose certificate nobody renewed."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._load(context, self.expired)
        return context

    def _load(self, context: ssl.SSLContext, certificate: str) -> None:
        # load_cert_chain reads files only
        with tempfile.TemporaryDirectory() as folder:
            chain = Path(folder, "server.pem")
            chain.write_text(certificate + self.server_key)
            context.load_cert_chain(chain)


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """Who a caller is in mutual TLS: a file with certificate and key in PEM, readable for this user alone.

    ``fingerprint``: what :attr:`payport.sdk.testing.wire.Incoming.client` says of a caller who proves to hold the key.
    """

    chain_file: str
    fingerprint: str


@lru_cache(maxsize=1)
def loopback_certificates() -> LoopbackCertificates:
    """The authority and server certificate of this process, valid for a year from now."""
    authority, _ = _authority()
    names = [x509.DNSName("localhost"), *(x509.IPAddress(ipaddress.ip_address(ip)) for ip in ("127.0.0.1", "::1"))]
    server, server_key = _leaf("localhost", ExtendedKeyUsageOID.SERVER_AUTH, names)
    expired, _ = _leaf("localhost", ExtendedKeyUsageOID.SERVER_AUTH, names, key=server_key, made=_LONG_AGO)
    return LoopbackCertificates(
        authority=authority.public_bytes(Encoding.PEM).decode(),
        server=server.public_bytes(Encoding.PEM).decode(),
        server_key=_pem(server_key),
        expired=expired.public_bytes(Encoding.PEM).decode(),
    )


@lru_cache(maxsize=16)
def client_identity(name: str) -> ClientIdentity:
    """A client certificate of the same authority, one for each name, valid for a year from now.

    TLS reads it from a file, which is removed when the process ends.
    """
    certificate, key = _leaf(name, ExtendedKeyUsageOID.CLIENT_AUTH, [x509.DNSName("client.invalid")])
    folder = Path(tempfile.mkdtemp(prefix="payport-client-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    chain = folder / "client.pem"
    chain.write_text(certificate.public_bytes(Encoding.PEM).decode() + _pem(key))
    return ClientIdentity(chain_file=str(chain), fingerprint=certificate.fingerprint(hashes.SHA256()).hex())


@lru_cache(maxsize=1)
def _authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Payport loopback authority")
    certificate = (
        _builder(name, name, key.public_key(), SystemClock().moment().utc)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def _leaf(
    name: str,
    purpose: x509.ObjectIdentifier,
    names: Sequence[x509.GeneralName],
    *,
    key: ec.EllipticCurvePrivateKey | None = None,
    made: timedelta = timedelta(0),
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate of the authority, made so long from now, and its key."""
    authority, authority_key = _authority()
    key = key or ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_name(name), authority.subject, key.public_key(), SystemClock().moment().utc + made)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return certificate, key


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _YEAR)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
