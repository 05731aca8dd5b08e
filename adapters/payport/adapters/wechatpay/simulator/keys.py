"""The simulator's keys: RSA pairs, platform certificates that rotate, the platform public key, the API v3 key."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from payport.sdk.keys import PublicKey
from payport.sdk.testing.signers import signature, signer

Mode: TypeAlias = Literal["certificate", "both", "public_key"]
"""What WeChat signs with: certificates, both during the seven days of the change, the public key for good."""

API_V3_KEY = "payport0simulated0api0v3key00032"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000001092026112300000000000001"
_LIFE = timedelta(days=5 * 365)
_SHA256 = hashes.SHA256()
_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # noqa: S303 - WeChat's rule


@dataclass(frozen=True, slots=True)
class Pair:
    """An RSA key pair of 2048 bits."""

    private: rsa.RSAPrivateKey = field(repr=False)

    def sign(self, message: bytes) -> str:
        """RSASSA-PKCS1-v1_5 with SHA-256, base64."""
        return signature(self.private, message)

    @property
    def public(self) -> PublicKey:
        """The half that verifies."""
        return signer(self.private).public

    def decrypt(self, text: str) -> str:
        """A sensitive field: RSA-OAEP with SHA-1, base64. Raises ``ValueError``."""
        return self.private.decrypt(base64.b64decode(text, validate=True), _OAEP).decode()

    def encrypt(self, text: str) -> str:
        """A sensitive field for the owner of this pair."""
        return base64.b64encode(self.private.public_key().encrypt(text.encode(), _OAEP)).decode()

    def private_pem(self) -> str:
        """PKCS#8."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def public_pem(self) -> str:
        """SubjectPublicKeyInfo, as ``pub_key.pem`` is."""
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@cache
def pair(owner: str) -> Pair:
    """The pair of one owner: ``merchant``, ``platform-0`` and so on, ``public``, ``foreign``."""
    del owner  # the cache's key; a new pair is made for each
    return Pair(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformKey:
    """One key of WeChat's. ``id``: a certificate's serial number or ``PUB_KEY_ID_...``; ``pem``: of the certificate."""

    id: str
    pair: Pair = field(repr=False)
    pem: str | None = field(default=None, repr=False)
    effective_at: datetime | None = None
    expires_at: datetime | None = None


class Cabinet:
    """Every key that WeChat signs with or is written to."""

    def __init__(self, mode: Mode, now: datetime) -> None:
        self.mode: Mode = mode
        self.public = PlatformKey(id=PUBLIC_KEY_ID, pair=pair("public"))
        self.certificates: list[PlatformKey] = [] if mode == "public_key" else [certificate(pair("platform-0"), now)]
        self._rotations = 0

    def rotate(self, now: datetime, *, drop_old: bool = False) -> PlatformKey:
        """A new certificate and key, listed and signed with from now on; older ones stay until dropped."""
        if self.mode == "public_key":
            raise ValueError("a merchant with a platform public key only has no certificates")
        self._rotations += 1
        made = certificate(pair(f"platform-{self._rotations % 3}"), now)
        self.certificates = [made] if drop_old else [*self.certificates, made]
        return made

    def switch(self, mode: Mode) -> None:
        """Go on to the next mode. Raises ``ValueError`` for a step back: the change cannot be undone."""
        order: tuple[Mode, ...] = ("certificate", "both", "public_key")
        if order.index(mode) < order.index(self.mode):
            raise ValueError(f"there is no way back from {self.mode} to {mode}")
        self.mode = mode

    def answering(self, asked: str | None) -> PlatformKey:
        """What an answer is signed with: the merchant decides, by the ``Wechatpay-Serial`` of the request."""
        if self.mode == "public_key" or (self.mode == "both" and asked == self.public.id):
            return self.public
        return self.certificates[-1]

    def notifying(self, number: int) -> PlatformKey:
        """What the ``number``-th notice is signed with: during the change every other one with the public key."""
        if self.mode == "both":
            return self.public if number % 2 else self.certificates[-1]
        return self.answering(None)

    def find(self, key_id: str) -> PlatformKey | None:
        """The key of an id, as far as it is in use."""
        if key_id == self.public.id:
            return None if self.mode == "certificate" else self.public
        if self.mode == "public_key":
            return None
        return next((key for key in self.certificates if key.id == key_id), None)


def certificate(owner: Pair, now: datetime) -> PlatformKey:
    """A platform certificate of a fresh serial number, valid for five years."""
    start, end = now - timedelta(hours=1), now + _LIFE
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Payport Simulator"),
            x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign"),
        ]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(owner.private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .sign(pair("authority").private, _SHA256)
    )
    pem = made.public_bytes(Encoding.PEM).decode()
    return PlatformKey(id=serial(made.serial_number), pair=owner, pem=pem, effective_at=start, expires_at=end)


@cache
def merchant_serial() -> str:
    """The serial number of the merchant's own API certificate."""
    return serial(x509.random_serial_number())


def serial(number: int) -> str:
    """Forty hexadecimal digits, upper case."""
    return f"{number:040X}"


def seal(text: str, *, nonce: str, associated_data: str, key: str = API_V3_KEY) -> dict[str, str]:
    """AEAD_AES_256_GCM as in certificates and notices. ``nonce``: 12 characters."""
    ciphertext = AESGCM(key.encode()).encrypt(nonce.encode(), text.encode(), associated_data.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(ciphertext).decode(),
        "associated_data": associated_data,
        "nonce": nonce,
    }


def unseal(resource: dict[str, str], *, key: str = API_V3_KEY) -> str:
    """The text of what :func:`seal` made."""
    ciphertext = base64.b64decode(resource["ciphertext"])
    plain = AESGCM(key.encode()).decrypt(
        resource["nonce"].encode(), ciphertext, resource.get("associated_data", "").encode()
    )
    return plain.decode()
