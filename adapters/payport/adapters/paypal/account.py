"""Who we are at PayPal: the REST application, the merchant behind it, and where to call."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from payport.sdk.checks import check_types, shown
from payport.sdk.errors import ConfigurationError
from payport.sdk.secrets import Secret

if TYPE_CHECKING:
    from payport.sdk.tls import Trust

LIVE_URL = "https://api-m.paypal.com"
SANDBOX_URL = "https://api-m.sandbox.paypal.com"

LIVE_CERTIFICATE_HOSTS = frozenset({"api.paypal.com", "api-m.paypal.com"})
SANDBOX_CERTIFICATE_HOSTS = frozenset({"api.sandbox.paypal.com", "api-m.sandbox.paypal.com"})
"""Where the certificates of webhooks may be fetched from: exact names, one list for live and one for the sandbox."""

_LIVE_SIGNER = "messageverificationcerts.paypal.com"
_SANDBOX_SIGNER = "messageverificationcerts.sandbox.paypal.com"

_API = re.compile(r"https://(?P<host>[a-z0-9.-]+(:\d+)?)")
_CLIENT_ID = re.compile(r"[!-9;-~]{10,128}")  # ":" would end it in HTTP Basic
_MERCHANT_ID = re.compile(r"[2-9A-HJ-NP-Z]{13}")
_WEBHOOK_ID = re.compile(r"[0-9A-Za-z]{8,50}")
_ATTRIBUTION_ID = re.compile(r"[!-~]{1,36}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPalAccount:
    """One REST application of one merchant at PayPal, live or sandbox.

    ``client_id``, ``client_secret``: of the application. ``merchant_id``: the merchant's own 13 characters (account
    settings, "PayPal Merchant ID"): answers and events about another payee are refused, and the journal names the
    account by it. ``webhook_id``: of the webhook whose events :meth:`payport.sdk.Gateway.receive` takes; without it
    every event is refused. ``webhook_roots``: PEM of the authorities that webhook certificates must descend from,
    instead of the usual ones. ``return_url``, ``cancel_url``: where the payer's browser comes back to.
    ``attribution_id``: a partner's build notation (BN) code. ``trust``: how to trust PayPal's hosts.
    Raises :class:`payport.sdk.ConfigurationError` for what can never work.
    """

    client_id: str
    client_secret: Secret = field(repr=False)
    merchant_id: str
    webhook_id: str | None = None
    webhook_roots: str | None = field(default=None, repr=False)
    return_url: str | None = None
    cancel_url: str | None = None
    brand_name: str | None = None
    attribution_id: str | None = None
    api_url: str = LIVE_URL
    trust: Trust | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_types(self)
        for name, pattern, wanted in (
            ("client_id", _CLIENT_ID, "the client id that the developer dashboard shows for the application"),
            ("merchant_id", _MERCHANT_ID, "the merchant's 13 characters from PayPal's account settings"),
            ("webhook_id", _WEBHOOK_ID, "the id that the dashboard shows beside the webhook's address"),
            ("attribution_id", _ATTRIBUTION_ID, "a BN code of at most 36 characters"),
        ):
            value: str | None = getattr(self, name)
            if value is not None and not pattern.fullmatch(value):
                raise ConfigurationError(f"{name} must be {wanted}, got {shown(value)}")
        if not _API.fullmatch(self.api_url):
            raise ConfigurationError(
                f"api_url must be https://host such as {LIVE_URL} or {SANDBOX_URL}, without a path, "
                f"got {shown(self.api_url)}; plain http would show payments to everybody on the way"
            )
        for name in ("return_url", "cancel_url"):
            url: str | None = getattr(self, name)
            if url is not None and not url.startswith(("https://", "http://")):
                raise ConfigurationError(f"{name} must be an absolute http(s) URL, got {shown(url)}")
        if self.brand_name is not None and not 1 <= len(self.brand_name) <= 127:
            raise ConfigurationError(f"brand_name must be 1 to 127 characters, got {len(self.brand_name)}")
        if self.webhook_roots is not None and "-----BEGIN CERTIFICATE-----" not in self.webhook_roots:
            raise ConfigurationError("webhook_roots holds no PEM certificate; give those of the authorities to trust")

    @property
    def sandbox(self) -> bool:
        """Whether this is the sandbox (or a simulator): anything but the live API."""
        return self.api_url != LIVE_URL

    @property
    def host(self) -> str:
        """Host name (with port when it is not 443) of the API."""
        match = _API.fullmatch(self.api_url)
        assert match is not None
        return match["host"]

    @property
    def certificate_hosts(self) -> frozenset[str]:
        """The exact hosts that webhook certificates may be fetched from: PayPal's own, or a simulator's."""
        if self.api_url == LIVE_URL:
            return LIVE_CERTIFICATE_HOSTS
        return SANDBOX_CERTIFICATE_HOSTS if self.api_url == SANDBOX_URL else frozenset({self.host})

    @property
    def signer(self) -> str:
        """The name that the certificate of a webhook must carry."""
        return _SANDBOX_SIGNER if self.sandbox else _LIVE_SIGNER
