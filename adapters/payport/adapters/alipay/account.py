"""Who we are at Alipay: application, keys or certificates, and where to call."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from payport.sdk.checks import check_types, shown
from payport.sdk.errors import ConfigurationError
from payport.sdk.secrets import Secret

if TYPE_CHECKING:
    from payport.sdk.tls import Trust

PRODUCTION_URL = "https://openapi.alipay.com/gateway.do"
SANDBOX_URL = "https://openapi-sandbox.dl.alipaydev.com/gateway.do"

_APP_ID = re.compile(r"\d{16}")
_SELLER_ID = re.compile(r"2088\d{12}")
_CHARSETS = ("utf-8", "gbk")
_GATEWAY = re.compile(r"https://(?P<host>[a-z0-9.-]+(:\d+)?)/\S*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlipayCertificates:
    """Certificate mode: PEM texts as downloaded from the console.

    ``pinned``: trust exactly the Alipay certificate given here and fetch no other. Needed in the sandbox, whose
    root file does not anchor its own certificates.
    """

    application: str
    alipay: str
    root: str
    pinned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlipayAccount:
    """One application of one merchant at Alipay, live or sandbox.

    Give either ``alipay_public_key`` (public-key mode: the key that the console calls *Alipay public key*, not the
    application's) or ``certificates`` (certificate mode; Alipay demands it for transfers).

    ``private_key``: the application's RSA key of 2048 bits or more, as PEM (PKCS#1 or PKCS#8) or bare base64.
    ``seller_id``: the merchant's 2088 number; replies and notices for another seller are then refused.
    ``encryption_key``: base64 of 16 bytes, when content encryption is switched on in the console.
    ``app_auth_token``: when a service provider acts for the merchant. ``trust``: how to trust Alipay's host.
    Raises :class:`payport.sdk.ConfigurationError` for what can never work; keys are parsed by
    :class:`payport.adapters.alipay.Alipay`.
    """

    app_id: str
    private_key: Secret = field(repr=False)
    alipay_public_key: str | None = field(default=None, repr=False)
    certificates: AlipayCertificates | None = field(default=None, repr=False)
    seller_id: str | None = None
    notify_url: str | None = None
    return_url: str | None = None
    gateway_url: str = PRODUCTION_URL
    charset: str = "utf-8"
    encryption_key: Secret | None = field(default=None, repr=False)
    app_auth_token: Secret | None = field(default=None, repr=False)
    trust: Trust | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_types(self)
        if not _APP_ID.fullmatch(self.app_id):
            raise ConfigurationError(
                f"app_id must be the 16 digits shown in the Alipay console for the application, "
                f"got {shown(self.app_id)}"
            )
        if self.seller_id is not None and not _SELLER_ID.fullmatch(self.seller_id):
            raise ConfigurationError(
                f"seller_id must be the merchant's 16-digit number that begins with 2088, got {shown(self.seller_id)}"
            )
        if (self.alipay_public_key is None) == (self.certificates is None):
            raise ConfigurationError(
                "give either alipay_public_key (public-key mode) or certificates (certificate mode), and only one"
            )
        if self.charset not in _CHARSETS:
            raise ConfigurationError(f"charset must be one of {', '.join(_CHARSETS)}, got {shown(self.charset)}")
        if not _GATEWAY.fullmatch(self.gateway_url):
            raise ConfigurationError(
                f"gateway_url must be an https URL such as {PRODUCTION_URL}, got {shown(self.gateway_url)}; "
                "plain http would show payments to everybody on the way"
            )
        for name in ("notify_url", "return_url"):
            url: str | None = getattr(self, name)
            if url is not None and (not url.startswith(("https://", "http://")) or len(url) > 256):
                raise ConfigurationError(
                    f"{name} must be an absolute http(s) URL of at most 256 characters, got {shown(url)}"
                )

    @property
    def sandbox(self) -> bool:
        """Whether this is the sandbox (or a simulator): anything but the production gateway."""
        return self.gateway_url != PRODUCTION_URL

    @property
    def host(self) -> str:
        """Host name (with port when it is not 443) of the gateway."""
        match = _GATEWAY.fullmatch(self.gateway_url)
        assert match is not None
        return match["host"]
