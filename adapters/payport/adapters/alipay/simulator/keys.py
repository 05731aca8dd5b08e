"""The simulator's keys and certificates, in Alipay's shape. Made once per process; nothing is kept on disk."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from payport.adapters.alipay.certificates import cert_sn
from payport.sdk.keys import PublicKey
from payport.sdk.testing.signers import signature, signer

_FROM = datetime(2020, 1, 1, tzinfo=UTC)
_UNTIL = datetime(2045, 1, 1, tzinfo=UTC)
_SHA256 = hashes.SHA256()


@dataclass(frozen=True, slots=True)
class Pair:
    """An RSA key pair of 2048 bits."""

    private: rsa.RSAPrivateKey = field(repr=False)

    def sign(self, message: bytes) -> str:
        """RSASSA-PKCS1-v1_5 with SHA-256, base64: what Alipay calls RSA2."""
        return signature(self.private, message)

    @property
    def public(self) -> PublicKey:
        """The half that verifies."""
        return signer(self.private).public

    def private_pem(self) -> str:
        """PKCS#8."""
        return _private_pem(self.private)

    def public_base64(self) -> str:
        """Bare base64 of SubjectPublicKeyInfo, as the console shows keys."""
        der = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(der).decode()


@lru_cache(maxsize=8)
def _private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@lru_cache(maxsize=8)
def pair(owner: str) -> Pair:
    """The pair of one owner: ``application``, ``alipay``, ``intermediate``, ``root``, ``foreign``."""
    del owner  # the cache's key; a new pair is made for each
    return Pair(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@dataclass(frozen=True, slots=True)
class Leaf:
    """One of Alipay's certificates: its number, PEM (leaf and intermediate, as the console gives it) and key."""

    sn: str
    pem: str = field(repr=False)
    key: Pair = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Alipay's own certificate tree. ``root_bundle`` also holds an ECDSA root, which no number may count."""

    root_bundle: str = field(repr=False)
    intermediate: x509.Certificate = field(repr=False)
    application: str = field(repr=False)
    application_sn: str


@lru_cache(maxsize=2)
def authority(*, anchored: bool = True) -> Authority:
    """The tree of this process. Not ``anchored``: the root file holds another root, as in the sandbox."""
    root_key, issuing_key = pair("root"), pair("intermediate")
    root_name = _name("Payport Simulated Root CA R1")
    issuing_name = _name("Payport Simulated Class 2 R1")
    root = _certificate(root_name, root_name, root_key.private.public_key(), root_key.private, issues=True)
    issuing = _certificate(issuing_name, root_name, issuing_key.private.public_key(), root_key.private, issues=True)
    if not anchored:
        stranger = pair("foreign")
        root = _certificate(root_name, root_name, stranger.private.public_key(), stranger.private, issues=True)
    curve_key = ec.generate_private_key(ec.SECP256R1())
    curve_name = _name("Payport Simulated Root CA E1")
    curve = _certificate(curve_name, curve_name, curve_key.public_key(), curve_key, issues=True)
    application = _certificate(
        _name("2088000000000001-application"),
        issuing_name,
        pair("application").private.public_key(),
        issuing_key.private,
        issues=False,
    )
    return Authority(
        root_bundle=_pem(curve) + _pem(root),
        intermediate=issuing,
        application=_pem(application),
        application_sn=cert_sn(_pem(application)),
    )


@lru_cache(maxsize=2)
def first_leaf(tree: Authority) -> Leaf:
    """The certificate that Alipay begins with: the same for every simulator of this process."""
    return new_leaf(tree, pair("alipay"))


def new_leaf(tree: Authority, key: Pair) -> Leaf:
    """A fresh certificate of Alipay's for ``key``; a renewal keeps the key and gets another number."""
    leaf = _certificate(
        _name("支付宝(中国)网络技术有限公司-2088000000000000"),
        tree.intermediate.subject,
        key.private.public_key(),
        pair("intermediate").private,
        issues=False,
    )
    return Leaf(cert_sn(_pem(leaf)), _pem(leaf) + _pem(tree.intermediate), key)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Payport Simulator"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    signer: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    *,
    issues: bool,
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.BasicConstraints(ca=issues, path_length=None), critical=True)
        .sign(signer, _SHA256)
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
