"""Who we are at WeChat Pay: merchant, application, our key, WeChat's keys, and where to call.

Sources: pay.weixin.qq.com, "API v3: certificates and keys", "platform public key", "hosts".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from payport.sdk.checks import check_types, shown
from payport.sdk.errors import ConfigurationError
from payport.sdk.secrets import Secret

if TYPE_CHECKING:
    from payport.sdk.tls import Trust

PRODUCTION_URL = "https://api.mch.weixin.qq.com"
BACKUP_URL = "https://api2.mch.weixin.qq.com"
"""The access point in another city: the same ledger, and a signature does not cover the host."""

PUBLIC_KEY_ID = "PUB_KEY_ID_"
"""How the id of a platform public key begins; the serial number of a certificate is hexadecimal."""

_MERCHANT = re.compile(r"[0-9]{8,32}", re.ASCII)
_APPLICATION = re.compile(r"[0-9A-Za-z_-]{1,32}", re.ASCII)
_SERIAL = re.compile(r"[0-9A-Fa-f]{1,64}", re.ASCII)
_KEY_ID = re.compile(PUBLIC_KEY_ID + r"[0-9A-Za-z]{1,64}", re.ASCII)
_HOST = re.compile(r"https://(?P<host>[a-z0-9.-]+(:\d+)?)", re.ASCII)
API_KEY_BYTES = 32
LONGEST_NOTIFY_URL = 255
LONGEST_STORE_NO = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class WeChatPayAccount:
    """One merchant of WeChat Pay (API v3, mainland China), or one sub-merchant of a service provider.

    ``mchid``: the merchant number; the service provider's with ``sub_mchid``. ``appid``: the application or official
    account that is bound to it; ``app_appid`` and ``mini_program_appid`` where ``InApp`` or ``MiniProgram`` payments
    come from another one. ``private_key``: ``apiclient_key.pem``. ``serial_no``: the serial number of *our* API
    certificate, in hexadecimal. ``api_v3_key``: the 32 characters set in the console.

    What WeChat signs with: ``platform_public_key`` with its ``platform_public_key_id`` (``PUB_KEY_ID_...``, which is
    all that merchants since autumn 2024 have), or certificates, or both while WeChat moves a merchant from one to the
    other. Certificates are downloaded when one is needed; ``platform_certificates`` spares the first download.

    ``notify_url``: public, https, without a query. ``store_no``: your own number of the store where codes are scanned;
    ``mchid`` when absent. ``base_url`` and ``backup_url``: the second is called when no
    connection to the first can be made. ``trust``: how to trust both hosts.

    Raises :class:`payport.sdk.ConfigurationError` for what can never work; keys are parsed by
    :class:`payport.adapters.wechatpay.WeChatPay`.
    """

    mchid: str
    appid: str
    private_key: Secret = field(repr=False)
    serial_no: str
    api_v3_key: Secret = field(repr=False)
    platform_public_key: str | None = field(default=None, repr=False)
    platform_public_key_id: str | None = None
    platform_certificates: tuple[str, ...] = field(default=(), repr=False)
    sub_mchid: str | None = None
    sub_appid: str | None = None
    app_appid: str | None = None
    mini_program_appid: str | None = None
    notify_url: str | None = None
    store_no: str | None = None
    base_url: str = PRODUCTION_URL
    backup_url: str | None = BACKUP_URL
    trust: Trust | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_types(self)
        self._check_names()
        self._check_keys()
        self._check_urls()

    @property
    def sandbox(self) -> bool:
        """Whether this is a simulator: WeChat Pay has no sandbox for API v3."""
        return self.base_url != PRODUCTION_URL

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names (with port when it is not 443): where to call, and where to call when that cannot be reached."""
        return tuple(url.removeprefix("https://") for url in self.urls)

    @property
    def urls(self) -> tuple[str, ...]:
        """``base_url``, then ``backup_url``. The usual backup belongs to the usual host: a simulator has none."""
        backup = None if self.sandbox and self.backup_url == BACKUP_URL else self.backup_url
        return tuple(dict.fromkeys(url for url in (self.base_url, backup) if url is not None))

    @property
    def appids(self) -> frozenset[str]:
        """Every application that payments of this account may belong to."""
        return frozenset(
            one for one in (self.appid, self.app_appid, self.mini_program_appid, self.sub_appid) if one is not None
        )

    @property
    def serial(self) -> str:
        """``serial_no`` as it goes on the wire: upper case, an even number of digits."""
        digits = self.serial_no.upper()
        return digits if len(digits) % 2 == 0 else f"0{digits}"

    def _check_names(self) -> None:
        for name in ("mchid", "sub_mchid"):
            number: str | None = getattr(self, name)
            if number is not None and not _MERCHANT.fullmatch(number):
                raise ConfigurationError(f"{name} must be the merchant number, 8 to 32 digits, got {shown(number)}")
        for name in ("appid", "sub_appid", "app_appid", "mini_program_appid"):
            appid: str | None = getattr(self, name)
            if appid is not None and not _APPLICATION.fullmatch(appid):
                raise ConfigurationError(
                    f"{name} must be an application's id such as wx8888888888888888, got {shown(appid)}"
                )
        if self.sub_appid is not None and self.sub_mchid is None:
            raise ConfigurationError("sub_appid belongs to a sub-merchant: give sub_mchid as well, or leave it out")
        if self.store_no is not None and not 1 <= len(self.store_no) <= LONGEST_STORE_NO:
            raise ConfigurationError(
                f"store_no must have 1 to {LONGEST_STORE_NO} characters, got {shown(self.store_no)}"
            )
        if not _SERIAL.fullmatch(self.serial_no):
            raise ConfigurationError(
                "serial_no must be the serial number of your own API certificate in hexadecimal "
                f"(openssl x509 -in apiclient_cert.pem -noout -serial), got {shown(self.serial_no)}"
            )

    def _check_keys(self) -> None:
        key = self.api_v3_key.reveal()
        if not key.isascii() or len(key) != API_KEY_BYTES:
            raise ConfigurationError(
                f"api_v3_key must be the {API_KEY_BYTES} ASCII characters set in the console as API v3 key; "
                "the key of API v2 is another one"
            )
        if (self.platform_public_key is None) != (self.platform_public_key_id is None):
            raise ConfigurationError(
                "platform_public_key and platform_public_key_id belong together: the console shows both"
            )
        if self.platform_public_key_id is not None and not _KEY_ID.fullmatch(self.platform_public_key_id):
            raise ConfigurationError(
                f"platform_public_key_id must be the whole id, {PUBLIC_KEY_ID} included and in capitals, "
                f"got {shown(self.platform_public_key_id)}"
            )

    def _check_urls(self) -> None:
        for name in ("base_url", "backup_url"):
            url: str | None = getattr(self, name)
            if url is not None and not _HOST.fullmatch(url):
                raise ConfigurationError(
                    f"{name} must be https and a host only, such as {PRODUCTION_URL}, got {shown(url)}; "
                    "plain http would show payments to everybody on the way"
                )
        if self.notify_url is not None:
            problem = notify_url_problem(self.notify_url)
            if problem is not None:
                raise ConfigurationError(f"notify_url {problem}, got {shown(self.notify_url)}")


def notify_url_problem(url: str) -> str | None:
    """Why WeChat Pay would refuse to notify ``url``; ``None`` when it would not."""
    if not url.startswith("https://") or len(url) > LONGEST_NOTIFY_URL:
        return f"must be https and have at most {LONGEST_NOTIFY_URL} characters"
    if "?" in url or "#" in url:
        return "must have no query: WeChat Pay refuses it"
    return None
