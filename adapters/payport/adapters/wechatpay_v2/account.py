"""Who we are at WeChat Pay: application, merchant, the key that both sides share, and where to call."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import ip_address
from typing import TYPE_CHECKING

from payport.sdk.checks import check_types, shown
from payport.sdk.errors import ConfigurationError
from payport.sdk.secrets import Secret

if TYPE_CHECKING:
    from payport.sdk.tls import Trust

PRODUCTION_URL = "https://api.mch.weixin.qq.com"
BACKUP_URL = "https://api2.mch.weixin.qq.com"

LONGEST_ADDRESS = 256
_APPID = re.compile(r"wx[0-9a-zA-Z]{16}")
_MCH_ID = re.compile(r"\d{8,10}", re.ASCII)
_API_KEY = re.compile(r"[\x21-\x7e]{32}")
_BASE = re.compile(r"https://(?P<host>[a-z0-9.-]+(:\d+)?)")


class SignType(Enum):
    """How messages are signed with the shared key (``sign_type``)."""

    HMAC_SHA256 = "HMAC-SHA256"
    MD5 = "MD5"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeChatPayV2Account:
    """One merchant and one application at WeChat Pay, by API v2.

    ``api_key``: the *API key* of the merchant console, 32 characters; not the API v3 key. ``sign_type``: how requests
    are signed; WeChat answers and notifies in kind. ``accept_md5``: also believe MD5 from WeChat, for the days after
    a change from MD5; otherwise an MD5 signature is believed only where ``sign_type`` is MD5.
    ``sub_mch_id``, ``sub_appid``: when a service provider (``mch_id``, ``appid``) acts for a merchant.
    ``notify_url``: where WeChat posts, without a query string. ``terminal_ip``: the address told for orders that name
    no payer's. ``site_url``, ``site_name``: the shop's site as registered, for ``MobileWeb``.
    ``trust``: with a client certificate for refunds, reversals and therefore scanned codes.
    Raises :class:`payport.sdk.ConfigurationError` for what can never work.
    """

    appid: str
    mch_id: str
    api_key: Secret = field(repr=False)
    sign_type: SignType = SignType.HMAC_SHA256
    accept_md5: bool = False
    sub_appid: str | None = None
    sub_mch_id: str | None = None
    notify_url: str | None = None
    device_info: str | None = None
    terminal_ip: str = "127.0.0.1"
    site_url: str | None = None
    site_name: str = "Shop"
    base_url: str = PRODUCTION_URL
    trust: Trust | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_types(self)
        for name in ("appid", "sub_appid"):
            _check(name, getattr(self, name), _APPID, "wx and 16 letters or digits, as the WeChat console shows it")
        for name in ("mch_id", "sub_mch_id"):
            _check(name, getattr(self, name), _MCH_ID, "the 8 to 10 digits of the merchant console")
        if self.sub_appid is not None and self.sub_mch_id is None:
            raise ConfigurationError("sub_appid needs sub_mch_id: the merchant that the service provider acts for")
        if not _API_KEY.fullmatch(self.api_key.reveal()):
            raise ConfigurationError(
                "api_key must be the 32 characters set as API key (APIv2) in the merchant console, without blanks; "
                "the API v3 key is another one"
            )
        if not _BASE.fullmatch(self.base_url):
            raise ConfigurationError(
                f"base_url must be https and a host, such as {PRODUCTION_URL}, got {shown(self.base_url)}; "
                "plain http would show payments to everybody on the way"
            )
        for name in ("notify_url", "site_url"):
            problem = address_problem(getattr(self, name))
            if problem is not None:
                raise ConfigurationError(f"{name} {problem}")
        if self.device_info is not None and not 1 <= len(self.device_info) <= 32:
            raise ConfigurationError(f"device_info must be 1 to 32 characters, got {len(self.device_info)}")
        try:
            ip_address(self.terminal_ip)
        except ValueError:
            raise ConfigurationError(f"terminal_ip must be an IP address, got {shown(self.terminal_ip)}") from None

    @property
    def sandbox(self) -> bool:
        """Whether money here is play money (a simulator): anything but the two production hosts."""
        return self.base_url not in (PRODUCTION_URL, BACKUP_URL)

    @property
    def host(self) -> str:
        """Host name (with port when it is not 443)."""
        return self.base_url.removeprefix("https://")

    @property
    def has_certificate(self) -> bool:
        """Whether refunds and reversals can be sent: WeChat takes them over mutual TLS only."""
        return self.trust is not None and self.trust.client_certificate is not None

    @property
    def believed(self) -> frozenset[SignType]:
        """The signatures of WeChat that are believed."""
        md5 = self.accept_md5 or self.sign_type is SignType.MD5
        return frozenset({SignType.HMAC_SHA256, SignType.MD5} if md5 else {SignType.HMAC_SHA256})

    @property
    def paying_appid(self) -> str:
        """The application that the payer pays in: the merchant's own one where a service provider acts for it."""
        return self.sub_appid or self.appid

    @property
    def identity(self) -> dict[str, str]:
        """Who we are, as every request says it and every answer must."""
        said = {"appid": self.appid, "mch_id": self.mch_id, "sub_appid": self.sub_appid, "sub_mch_id": self.sub_mch_id}
        return {name: value for name, value in said.items() if value is not None}


def _check(name: str, value: str | None, form: re.Pattern[str], wanted: str) -> None:
    if value is not None and not form.fullmatch(value):
        raise ConfigurationError(f"{name} must be {wanted}, got {shown(value)}")


def address_problem(url: str | None) -> str | None:
    """Why WeChat does not take an address of ours, ``None`` when it does."""
    if url is None:
        return None
    if not url.startswith(("https://", "http://")) or len(url) > LONGEST_ADDRESS:
        return f"must be an absolute http(s) URL of at most {LONGEST_ADDRESS} characters, got {shown(url)}"
    if "?" in url or "#" in url:
        return f"must not have a query string or fragment: WeChat refuses it, got {shown(url)}"
    return None
