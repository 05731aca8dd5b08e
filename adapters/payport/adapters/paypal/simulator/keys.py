"""The chain that signs the simulator's webhooks. Made once per process; nothing is kept on disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from payport.sdk.testing.signers import signature

SIGNER = "messageverificationcerts.sandbox.paypal.com"

_FROM = datetime(2020, 1, 1, tzinfo=UTC)
_UNTIL = datetime(2045, 1, 1, tzinfo=UTC)
_SHA256 = hashes.SHA256()


@dataclass(frozen=True, slots=True)
class Chain:
    """A signer's key, and the PEM of its certificates: ``leaf`` with its issuer, and the ``root``."""

    key: rsa.RSAPrivateKey = field(repr=False)
    leaf: str = field(repr=False)
    root: str = field(repr=False)

    def sign(self, message: bytes) -> str:
        """``SHA256withRSA``, in base64."""
        return signature(self.key, message)


@lru_cache(maxsize=8)
def signing_key(owner: str) -> rsa.RSAPrivateKey:
    """The RSA key of one owner."""
    del owner  # the cache's key; a new pair is made for each
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@lru_cache(maxsize=16)
def chain(
    name: str = SIGNER,
    *,
    owner: str = "paypal",
    authority: str = "simulated",
    not_before: datetime = _FROM,
    not_after: datetime = _UNTIL,
) -> Chain:
    """A chain made out to ``name``. Another ``authority`` has another root of the same name."""
    root_key, issuing_key = _curve_key(f"{authority}-root"), _curve_key(f"{authority}-issuing")
    root_name, issuing_name = _name("Payport Simulated Root"), _name("Payport Simulated Server CA")
    root = _authority(root_name, root_name, root_key, root_key)
    issuing = _authority(issuing_name, root_name, issuing_key, root_key)
    key = signing_key(owner)
    leaf = (
        _builder(_name(name), issuing_name, key.public_key(), not_before, not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(issues=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing_key.public_key()), critical=False)
        .sign(issuing_key, _SHA256)
    )
    return Chain(key, _pem(leaf) + _pem(issuing), _pem(root))


@lru_cache(maxsize=8)
def _curve_key(owner: str) -> ec.EllipticCurvePrivateKey:
    del owner  # the cache's key
    return ec.generate_private_key(ec.SECP256R1())


def _authority(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    return (
        _builder(name, issuer, key.public_key(), _FROM, _UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(issues=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, _SHA256)
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    not_before: datetime,
    not_after: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )


def _usage(*, issues: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issues,
        crl_sign=issues,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
