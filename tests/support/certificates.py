"""Certificates made on the spot: an authority, servers and clients, good ones and every kind of bad one."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

Key: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_RSA_SHA256, _RSA_SHA1 = (bytes.fromhex(f"06092a864886f70d0101{last}") for last in ("0b", "05"))  # RFC 8017 A.2.4
NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Certified:
    """A certificate with its key, as PEM files."""

    certificate: x509.Certificate
    key: Key
    chain_file: str
    key_file: str

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)


class Authority:
    """A certificate authority that lives in one folder."""

    def __init__(self, folder: Path, name: str = "Test Authority", *, key: Key | None = None) -> None:
        self.folder = folder
        self.name = name
        self.key: Key = key or ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._self_signed()
        self.ca_file = str(folder / f"{name}.pem")
        Path(self.ca_file).write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _self_signed(self) -> x509.Certificate:
        identifier = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        return (
            _builder(self.subject, self.subject, self.key, NOW - timedelta(days=1), NOW + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(identifier, critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def issue(  # what a partner's certificate can have wrong, one setting each
        self,
        name: str,
        *,
        host: str = "127.0.0.1",
        begins: timedelta = timedelta(days=-1),
        ends: timedelta = timedelta(days=30),
        key: Key | None = None,
        password: bytes | None = None,
    ) -> Certified:
        """A certificate for ``host`` (a name or an IP address) and its key, signed by this authority."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = (
            _builder(subject, self.subject, key, NOW + begins, NOW + ends)
            .add_extension(x509.SubjectAlternativeName([_general(host)]), critical=False)
            .add_extension(authority_id, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return _stored(self.folder, name, certificate, key, password)

    def issue_with_sha1(self, name: str) -> Certified:
        """A certificate signed with SHA-1. No library signs one any more, so the algorithm is swapped by hand.

        Needs an authority with an RSA key: both algorithm identifiers and both signatures then have the same length.
        """
        assert isinstance(self.key, rsa.RSAPrivateKey)
        model = self.issue(name)
        body = model.certificate.tbs_certificate_bytes.replace(_RSA_SHA256, _RSA_SHA1)
        whole = model.der.replace(_RSA_SHA256, _RSA_SHA1)
        signature = self.key.sign(body, padding.PKCS1v15(), hashes.SHA1())
        certificate = x509.load_der_x509_certificate(whole[: -len(signature)] + signature)
        return _stored(self.folder, name, certificate, model.key, None)

    def self_signed(self, name: str) -> Certified:
        """A certificate that nobody vouches for."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            _builder(subject, subject, key, NOW - timedelta(days=1), NOW + timedelta(days=30))
            .add_extension(x509.SubjectAlternativeName([_general("127.0.0.1")]), critical=False)
            .sign(key, hashes.SHA256())
        )
        return _stored(self.folder, name, certificate, key, None)

    def revocation_list(self, *revoked: x509.Certificate) -> str:
        """A PEM file that says which certificates are no longer good."""
        builder = x509.CertificateRevocationListBuilder(
            self.subject, NOW - timedelta(hours=1), NOW + timedelta(days=7)
        ).add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        for certificate in revoked:
            entry = x509.RevokedCertificateBuilder(certificate.serial_number, NOW - timedelta(minutes=5)).build()
            builder = builder.add_revoked_certificate(entry)
        path = self.folder / f"{self.name}-{len(revoked)}.crl.pem"
        path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return str(path)


def server_context(server: Certified, *, client_ca: str | None = None) -> ssl.SSLContext:
    """What a partner's server uses, weak on purpose where its certificate is weak."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(server.chain_file, server.key_file)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _stored(folder: Path, name: str, certificate: x509.Certificate, key: Key, password: bytes | None) -> Certified:
    chain, secret = folder / f"{name}.crt.pem", folder / f"{name}.key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection))
    return Certified(certificate, key, str(chain), str(secret))
