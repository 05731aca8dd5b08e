"""The simulator's keys and certificates, in UnionPay's shape. Made once per process; nothing is kept on disk.

One authority certifies UnionPay and the merchants alike, and signs with SHA-1, as the genuine one does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from payport.adapters.unionpay.certificates import UNIONPAY, cert_id
from payport.sdk.testing.signers import signature

_FROM = datetime(2020, 1, 1, tzinfo=UTC)
_UNTIL = datetime(2045, 1, 1, tzinfo=UTC)
_PADDING = padding.PKCS1v15()
_RSA_SHA256, _RSA_SHA1 = (bytes.fromhex(f"06092a864886f70d0101{last}") for last in ("0b", "05"))
"""The algorithm's name inside a certificate (RFC 8017, A.2.4): both are equally long."""


@dataclass(frozen=True, slots=True)
class Certified:
    """An RSA key with its certificate."""

    key: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate = field(repr=False)

    @property
    def cert_id(self) -> str:
        """The certificate's number in decimal."""
        return cert_id(self.certificate)

    def private_pem(self) -> str:
        """PKCS#8."""
        return _private_pem(self.key)

    def pem(self) -> str:
        """The certificate, with line feeds."""
        return _pem(self.certificate)

    def wire_pem(self) -> str:
        """The certificate as it travels in messages: with carriage returns, and none at the end."""
        return self.pem().strip().replace("\n", "\r\n")

    def sign(self, digest: bytes) -> str:
        """RSA over the hexadecimal text of a digest, as base64."""
        return signature(self.key, digest)


@lru_cache(maxsize=16)
def _private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@lru_cache(maxsize=32)
def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority: its root and the middle certificate that certifies everybody."""

    root: Certified
    middle: Certified

    def certify(self, common_name: str, key: rsa.RSAPrivateKey) -> Certified:
        """A certificate for a key."""
        return _certified(_name(common_name), self.middle.certificate.subject, key, self.middle.key, issues=False)


@lru_cache(maxsize=16)
def pair(owner: str) -> rsa.RSAPrivateKey:
    """The key of one owner: ``unionpay``, ``merchant``, ``encryption``, ``root``, ``middle`` and others."""
    del owner  # the cache's key; a new pair is made for each
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@lru_cache(maxsize=4)
def authority(name: str = "Payport Simulated") -> Authority:
    """The authority of this process."""
    root_name, middle_name = _name(f"{name} CS CA"), _name(f"{name} OCA1")
    root_key, middle_key = pair(f"{name} root"), pair(f"{name} middle")
    root = _certified(root_name, root_name, root_key, root_key, issues=True)
    return Authority(root, _certified(middle_name, root_name, middle_key, root_key, issues=True))


@lru_cache(maxsize=8)
def unionpay_leaf(number: int = 1) -> Certified:
    """UnionPay's ``number``-th signing certificate; each has a key of its own."""
    return authority().certify(f"041@8310000000083040@{UNIONPAY}@{number:08d}", pair(f"unionpay {number}"))


@lru_cache(maxsize=8)
def merchant_leaf(mer_id: str) -> Certified:
    """A merchant's certificate, from the same middle certificate as UnionPay's own."""
    return authority().certify(f"041@Z2014-11-11@{mer_id}:SIGN@00000001", pair("merchant"))


@lru_cache(maxsize=1)
def encryption_leaf() -> Certified:
    """UnionPay's certificate to encrypt card data with."""
    return authority().certify("041@Z12@00040000:SIGN@00000005", pair("encryption"))


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Payport Simulator"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _certified(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, signer: rsa.RSAPrivateKey, *, issues: bool
) -> Certified:
    model = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.BasicConstraints(ca=issues, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )
    return Certified(key, _signed_with_sha1(model, signer))


def _signed_with_sha1(model: x509.Certificate, signer: rsa.RSAPrivateKey) -> x509.Certificate:
    """The same certificate signed with SHA-1. No library signs one any more, so the algorithm is swapped in the DER."""
    body = model.tbs_certificate_bytes.replace(_RSA_SHA256, _RSA_SHA1)
    whole = model.public_bytes(Encoding.DER).replace(_RSA_SHA256, _RSA_SHA1)
    signature = signer.sign(body, _PADDING, hashes.SHA1())  # noqa: S303 - the genuine chain is signed so
    return x509.load_der_x509_certificate(whole[: -len(signature)] + signature)
