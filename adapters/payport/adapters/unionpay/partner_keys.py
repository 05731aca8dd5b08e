"""The keys of one account: ours to sign and to decrypt with, and how UnionPay's certificates are judged."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from payport.adapters.unionpay.account import UnionPayAccount, UnionPayKey
from payport.adapters.unionpay.certificates import (
    UNIONPAY,
    Chain,
    MalformedCertificate,
    Signers,
    cert_id,
    owner,
    parse_certificate,
    rsa_key,
)
from payport.sdk.errors import ConfigurationError
from payport.sdk.keys import PrivateKey, PublicKey
from payport.sdk.secrets import Secret


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The merchant's key and certificate, parsed."""

    private: PrivateKey = field(repr=False)
    raw: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate = field(repr=False)

    @property
    def cert_id(self) -> str:
        """The certificate's number in decimal."""
        return cert_id(self.certificate)


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """UnionPay's key to encrypt card data with."""

    key: rsa.RSAPublicKey = field(repr=False)
    cert_id: str


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """The parsed keys of one account. ``signing`` is ``None`` where a shared key signs; then ``secret`` is there."""

    signing: SigningKey | None
    former: tuple[SigningKey, ...]
    secret: Secret | None = field(repr=False)
    signers: Signers = field(repr=False)
    encryption: EncryptionKey | None

    @property
    def decrypting(self) -> tuple[rsa.RSAPrivateKey, ...]:
        """Every key that a reply may have been encrypted for, the current one first."""
        own = () if self.signing is None else (self.signing,)
        return tuple(each.raw for each in (*own, *self.former))


def load_keys(account: UnionPayAccount, *, keys_checked: bool = False) -> AccountKeys:
    """Parse and check an account's keys. Raises :class:`payport.sdk.ConfigurationError`, which shows none."""
    signing = None
    if account.key is not None:
        signing = load_key(account.key, "key", keys_checked=keys_checked)
        ends = signing.certificate.not_valid_after_utc
        if ends <= datetime.now(UTC):
            raise ConfigurationError(
                f"key: the certificate {signing.cert_id} expired on {ends:%Y-%m-%d}: "
                "renew it with CFCA's tool and upload the new one in UnionPay's merchant portal"
            )
    chains = [
        Chain(
            _certificate(each.middle, f"authorities[{number}].middle"),
            _certificate(each.root, f"authorities[{number}].root"),
        )
        for number, each in enumerate(account.authorities)
    ]
    encryption = None
    if account.encryption_certificate is not None:
        certificate = _certificate(account.encryption_certificate, "encryption_certificate")
        encryption = EncryptionKey(_rsa(certificate, "encryption_certificate"), cert_id(certificate))
    return AccountKeys(
        signing=signing,
        former=tuple(
            load_key(each, f"former_keys[{number}]", keys_checked=keys_checked)
            for number, each in enumerate(account.former_keys)
        ),
        secret=account.secret_key,
        signers=Signers(chains, test=account.sandbox),
        encryption=encryption,
    )


def load_key(key: UnionPayKey, name: str, *, keys_checked: bool = False) -> SigningKey:
    """Parse one signing key. Raises :class:`payport.sdk.ConfigurationError`, which shows nothing of it."""
    if key.pfx is not None:
        raw, certificate = _from_pfx(key.pfx, key.password or Secret(""), name)
    else:
        assert key.private_key is not None
        assert key.certificate is not None
        raw = _from_pem(key.private_key, key.password, f"{name}.private_key", keys_checked=keys_checked)
        certificate = _certificate(key.certificate, f"{name}.certificate")
    if PublicKey(_rsa(certificate, name)) != PublicKey(raw.public_key()):
        raise ConfigurationError(
            f"{name}: the certificate does not belong to the private key; export both from the same .pfx file"
        )
    if owner(certificate) == UNIONPAY:
        raise ConfigurationError(f"{name}: this certificate is UnionPay's own, not the merchant's")
    return SigningKey(PrivateKey(raw, name=name), raw, certificate)


def _from_pfx(pfx: Secret, password: Secret, name: str) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    try:
        content = base64.b64decode("".join(pfx.reveal().split()), validate=True)
    except ValueError:  # binascii.Error, or not ASCII
        raise ConfigurationError(f"{name}.pfx: give the base64 of the file, for example: base64 sign.pfx") from None
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(content, password.reveal().encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigurationError(f"{name}.pfx cannot be opened: wrong password, or not a PKCS#12 file") from None
    if not isinstance(key, rsa.RSAPrivateKey) or certificate is None:
        raise ConfigurationError(f"{name}.pfx holds no RSA key with its certificate")
    return key, certificate


def _from_pem(text: Secret, password: Secret | None, name: str, *, keys_checked: bool) -> rsa.RSAPrivateKey:
    protection = None if password is None else password.reveal().encode()
    pem = text.reveal().replace("\\n", "\n").strip().encode()
    try:
        key = serialization.load_pem_private_key(pem, protection, unsafe_skip_rsa_key_validation=keys_checked)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigurationError(
            f"{name} cannot be read: not a private key in PEM, wrong password, or its numbers do not fit together"
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigurationError(f"{name} is not an RSA key")
    return key


def _certificate(text: str, name: str) -> x509.Certificate:
    try:
        return parse_certificate(text)
    except MalformedCertificate as error:
        raise ConfigurationError(f"{name}: {error}; give the .cer file as it was downloaded, in PEM") from None


def _rsa(certificate: x509.Certificate, name: str) -> rsa.RSAPublicKey:
    try:
        return rsa_key(certificate)
    except MalformedCertificate as error:
        raise ConfigurationError(f"{name}: {error}") from None
