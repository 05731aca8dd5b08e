"""The keys of one account: ours to sign with, WeChat's to verify and to encrypt with.

Source: pay.weixin.qq.com, "platform certificate", "platform public key", "change from certificate to public key".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from payport.adapters.wechatpay.account import WeChatPayAccount
from payport.adapters.wechatpay.certificates import Certificate, MalformedCertificate, parse_certificate
from payport.adapters.wechatpay.signing import key_number
from payport.sdk.errors import ConfigurationError
from payport.sdk.keyring import KeyRing
from payport.sdk.keys import PrivateKey, PublicKey

REFRESH_MARGIN_S = 10 * 86_400.0
"""A new certificate is listed about ten days before the old one ends; in the last five days both sign."""


@dataclass(frozen=True, slots=True)
class PlatformKey:
    """One of WeChat's keys. ``serial``: a certificate's number or ``PUB_KEY_ID_...``, as WeChat writes it."""

    serial: str
    key: PublicKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """The parsed keys of one account. ``ring``: WeChat's, by :func:`.signing.key_number`.

    ``public``: the platform public key, where the console shows one.
    """

    private: PrivateKey = field(repr=False)
    ring: KeyRing[PlatformKey] = field(repr=False)
    public: PlatformKey | None = None

    def for_encryption(self, now_s: float) -> PlatformKey | None:
        """The key to encrypt with: the public key, else the newest certificate's; ``None`` when none is known yet."""
        if self.public is not None:
            return self.public
        return next(iter(self.ring.current(now_s)), None)


def load_keys(account: WeChatPayAccount, *, keys_checked: bool = False) -> AccountKeys:
    """Parse and check an account's keys. Raises :class:`payport.sdk.ConfigurationError`, which shows none."""
    private = PrivateKey.load(account.private_key.reveal(), trusted=keys_checked, name="private_key")
    ring: KeyRing[PlatformKey] = KeyRing(refresh_margin_s=REFRESH_MARGIN_S)
    parsed = [_certificate(pem, account, private) for pem in account.platform_certificates]
    for certificate in sorted(parsed, key=lambda one: one.not_before):
        learn(ring, certificate)
    public = None
    if account.platform_public_key is not None and account.platform_public_key_id is not None:
        key = PublicKey.load(account.platform_public_key, name="platform_public_key")
        _refuse_own(key, private, "platform_public_key", "download pub_key.pem from the console instead")
        public = PlatformKey(account.platform_public_key_id, key)
        ring.learn(public.serial, public)
    return AccountKeys(private, ring, public)


def learn(ring: KeyRing[PlatformKey], certificate: Certificate) -> None:
    """Keep an authentic certificate until it ends."""
    key = PlatformKey(certificate.serial, certificate.key)
    ring.learn(key_number(certificate.serial), key, expires_at_s=certificate.not_after.timestamp())


def _certificate(pem: str, account: WeChatPayAccount, private: PrivateKey) -> Certificate:
    name = "platform_certificates"
    try:
        certificate = parse_certificate(pem)
    except MalformedCertificate as error:
        raise ConfigurationError(f"{name}: {error}") from None
    mend = "leave it out: WeChat's own certificates are downloaded"
    if key_number(certificate.serial) == key_number(account.serial):
        raise ConfigurationError(f"{name} holds your own API certificate (serial_no), not WeChat's; {mend}")
    _refuse_own(certificate.key, private, name, mend)
    return certificate


def _refuse_own(key: PublicKey, private: PrivateKey, name: str, mend: str) -> None:
    if key == private.public:
        raise ConfigurationError(
            f"{name} is the merchant's own key, not WeChat's: with it every answer would fail verification; {mend}"
        )
