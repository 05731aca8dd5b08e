"""The keys of one account: ours to sign with, Alipay's to verify with, and how an unknown certificate is fetched.

Source: open.alipay.com, "certificate mode" and "certificate rotation".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from payport.adapters.alipay.account import AlipayAccount, AlipayCertificates
from payport.adapters.alipay.certificates import (
    Certificate,
    MalformedCertificate,
    cert_sn,
    parse_certificates,
    root_cert_sn,
)
from payport.sdk.errors import ConfigurationError
from payport.sdk.keyring import KeyRing
from payport.sdk.keys import PrivateKey, PublicKey


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """The parsed keys of one account.

    ``serial_numbers``: the public parameters that certificate mode adds to every request. ``pinned`` keys serve
    whatever certificate number a message names (public-key mode, and the sandbox's pinned mode).
    """

    private: PrivateKey = field(repr=False)
    ring: KeyRing[PublicKey] = field(repr=False)
    serial_numbers: dict[str, str]
    roots: tuple[Certificate, ...] = field(repr=False)
    pinned: bool

    def current(self, now_s: float) -> Sequence[PublicKey]:
        """Alipay's keys that serve now, newest first: for messages that name no certificate."""
        return self.ring.current(now_s)


def load_keys(account: AlipayAccount, *, keys_checked: bool = False) -> AccountKeys:
    """Parse and check an account's keys. Raises :class:`payport.sdk.ConfigurationError`, which shows none."""
    private = PrivateKey.load(account.private_key.reveal(), trusted=keys_checked, name="private_key")
    if account.certificates is not None:
        return _certificate_mode(account.certificates, private)
    alipay = PublicKey.load(account.alipay_public_key or "", name="alipay_public_key")
    _refuse_own(alipay, private, "alipay_public_key")
    return AccountKeys(private, KeyRing({"": alipay}), {}, (), pinned=True)


def _certificate_mode(texts: AlipayCertificates, private: PrivateKey) -> AccountKeys:
    application = _leaf(texts.application, "certificates.application")
    if application.public_key != private.public:
        raise ConfigurationError(
            "certificates.application does not belong to private_key: the console makes the certificate from the "
            "request file of that very key; download it again or configure the key it was made from"
        )
    alipay = _leaf(texts.alipay, "certificates.alipay")
    _refuse_own(alipay.public_key, private, "certificates.alipay")
    roots = _parse(texts.root, "certificates.root")
    serial_numbers = {
        "app_cert_sn": cert_sn(texts.application),
        "alipay_root_cert_sn": root_cert_sn(texts.root),
    }
    ring = KeyRing({alipay.sn: alipay.public_key})
    return AccountKeys(private, ring, serial_numbers, roots, pinned=texts.pinned)


def _leaf(pem: str, name: str) -> Certificate:
    leaf = _parse(pem, name)[0]
    now = datetime.now(UTC)
    if leaf.time_left(now).total_seconds() <= 0:
        raise ConfigurationError(
            f"{name} expired on {leaf.not_after:%Y-%m-%d}: download the current one from the Alipay console"
        )
    return leaf


def _parse(pem: str, name: str) -> tuple[Certificate, ...]:
    try:
        return parse_certificates(pem)
    except MalformedCertificate as error:
        raise ConfigurationError(f"{name}: {error}") from None


def _refuse_own(key: PublicKey, private: PrivateKey, name: str) -> None:
    if key == private.public:
        raise ConfigurationError(
            f"{name} is the application's own key, not Alipay's: with it every reply would fail verification. "
            "Copy the one that the console shows as 'Alipay public key' after the application's key was uploaded"
        )
