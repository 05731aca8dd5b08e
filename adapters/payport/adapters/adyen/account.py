"""Who we are at Adyen: the merchant account, its API key and region, and the keys that webhooks are signed with."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from payport.sdk.checks import check_types, shown
from payport.sdk.errors import ConfigurationError
from payport.sdk.secrets import Secret

if TYPE_CHECKING:
    from payport.sdk.tls import Trust

TEST_URL = "https://checkout-test.adyen.com/v71"
API_VERSION = 71

_MERCHANT = re.compile(r"[0-9A-Za-z_.-]{1,80}")
_PREFIX = re.compile(r"[0-9A-Za-z]{4,40}-[0-9A-Za-z]{2,40}")
_HMAC_KEY = re.compile(r"(?:[0-9A-Fa-f]{2}){16,64}")
_URL = re.compile(r"https://(?P<host>[a-z0-9A-Z.-]+(?::\d+)?)(?:/[A-Za-z0-9/]*)?")
_MAX_HMAC_KEYS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AdyenAccount:
    """One merchant account at Adyen, live or test.

    ``live_prefix``: the prefix of the company's live host (``1797a841fbb37ca7-AdyenDemo``), from the Customer Area;
    with it the account is live, without it a test account. The host is one region's, and idempotency keys hold within
    one region alone, so a payment that was begun at one host is never repeated at another. ``hmac_keys``: hexadecimal,
    all that may sign now, old and new while one is being rotated; without any, notices are refused.
    ``balance_api_key``: of a balance platform, for native transfers. ``client_key``: handed to the browser with
    sessions. ``multiple_partial_captures``: Adyen has switched them on for the account.
    ``api_url``: only for a simulator. Raises :class:`payport.sdk.ConfigurationError` for what can never work.
    """

    merchant_account: str
    api_key: Secret = field(repr=False)
    hmac_keys: tuple[Secret, ...] = field(default=(), repr=False)
    live_prefix: str | None = None
    balance_api_key: Secret | None = field(default=None, repr=False)
    client_key: str | None = None
    return_url: str | None = None
    multiple_partial_captures: bool = False
    api_url: str | None = None
    trust: Trust | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_types(self)
        if not _MERCHANT.fullmatch(self.merchant_account):
            raise ConfigurationError(
                f"merchant_account must be the account's name in the Customer Area, got {shown(self.merchant_account)}"
            )
        key = self.api_key.reveal()
        if len(key) < 16 or not key.isascii() or not key.isprintable() or " " in key:
            raise ConfigurationError(
                "api_key must be the whole key as the Customer Area shows it once: printable, without spaces"
            )
        if len(self.hmac_keys) > _MAX_HMAC_KEYS:
            raise ConfigurationError(f"hmac_keys holds at most {_MAX_HMAC_KEYS} keys, the newest ones")
        for number, hmac_key in enumerate(self.hmac_keys, 1):
            if not _HMAC_KEY.fullmatch(hmac_key.reveal()):
                raise ConfigurationError(f"HMAC key {number} must be hexadecimal, as the Customer Area generates it")
        if self.live_prefix is not None and not _PREFIX.fullmatch(self.live_prefix):
            raise ConfigurationError(
                f"live_prefix must be the company's prefix alone, such as 1797a841fbb37ca7-AdyenDemo, "
                f"got {shown(self.live_prefix)}"
            )
        self._check_urls()

    def _check_urls(self) -> None:
        if self.api_url is not None and not _URL.fullmatch(self.api_url):
            raise ConfigurationError(
                f"api_url must be an https URL such as {TEST_URL}, got {shown(self.api_url)}; "
                "plain http would show the key to everybody on the way"
            )
        if self.api_url is not None and self.live_prefix is not None:
            raise ConfigurationError("api_url is for simulators: a live account's host comes from live_prefix alone")
        if self.api_url is not None and "-live" in self.api_url:
            raise ConfigurationError("a live host is given by live_prefix, so that live and test cannot be mixed up")
        if self.client_key is not None and not self.client_key.startswith("live_" if self.live else "test_"):
            raise ConfigurationError(
                "client_key must be of the same environment: test_..., or live_... with live_prefix"
            )
        if self.return_url is not None and not self.return_url.startswith(("https://", "http://")):
            raise ConfigurationError(f"return_url must be an absolute http(s) URL, got {shown(self.return_url)}")

    @property
    def live(self) -> bool:
        """Whether this account moves real money."""
        return self.live_prefix is not None

    @property
    def base_url(self) -> str:
        """The URL that paths are added to. Live hosts have one more ``/checkout`` in the path than the test host."""
        if self.live_prefix is not None:
            return f"https://{self.live_prefix}-checkout-live.adyenpayments.com/checkout/v{API_VERSION}"
        return (self.api_url or TEST_URL).rstrip("/")

    @property
    def transfers_url(self) -> str:
        """The URL of the Transfers API v4, of balance platforms."""
        if self.api_url is not None:
            return f"https://{self.host}/btl/v4"
        return f"https://balanceplatform-api-{'live' if self.live else 'test'}.adyen.com/btl/v4"

    @property
    def transfers_host(self) -> str:
        """Its host name."""
        match = _URL.fullmatch(self.transfers_url)
        assert match is not None
        return match["host"].lower()

    @property
    def host(self) -> str:
        """Host name (with port when it is not 443), lower case: the region."""
        match = _URL.fullmatch(self.base_url)
        assert match is not None
        return match["host"].lower()
