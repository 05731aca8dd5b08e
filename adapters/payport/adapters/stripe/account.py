"""Who we are at Stripe: the account whose money it is, its key, and the secrets that webhooks are signed with."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from payport.sdk.checks import check_types, shown
from payport.sdk.errors import ConfigurationError
from payport.sdk.secrets import Secret

if TYPE_CHECKING:
    from payport.sdk.tls import Trust

PRODUCTION_URL = "https://api.stripe.com"
API_VERSION = "2026-05-27.dahlia"
"""What every request asks for: without it the account's own default would decide what answers look like."""

_ACCOUNT_ID = re.compile(r"acct_[0-9A-Za-z]{1,64}")
_KEY = re.compile(r"(?P<kind>sk|rk)_(?P<mode>live|test)_[0-9A-Za-z_]{8,}")
_WEBHOOK_SECRET = re.compile(r"whsec_[0-9A-Za-z+/=_-]{8,}")
_PUBLISHABLE = re.compile(r"pk_(live|test)_[0-9A-Za-z_]{8,}")
_VERSION = re.compile(r"\d{4}-\d\d-\d\d(\.[a-z]+)?")
_URL = re.compile(r"https://(?P<host>[a-z0-9.-]+(:\d+)?)/?")


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeAccount:
    """One account at Stripe, live or test: the mode is the key's.

    ``account_id``: the ``acct_...`` whose money it is; names the account in the journal, so a key can be rolled.
    ``secret_key``: ``sk_...`` or, better, a restricted ``rk_...``. ``connected``: the key is a platform's, and every
    call acts for ``account_id`` (header ``Stripe-Account``); webhooks are then the platform's Connect endpoint.
    ``webhook_secrets``: one ``whsec_...``, two while it is being rolled; without any, notices are refused.
    ``publishable_key``: handed to the browser with ``StripeElements``. ``return_url``: where the browser goes unless
    the order says otherwise. Raises :class:`payport.sdk.ConfigurationError` for what can never work.
    """

    account_id: str
    secret_key: Secret = field(repr=False)
    webhook_secrets: tuple[Secret, ...] = field(default=(), repr=False)
    publishable_key: str | None = None
    connected: bool = False
    return_url: str | None = None
    api_url: str = PRODUCTION_URL
    api_version: str = API_VERSION
    trust: Trust | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_types(self)
        if not _ACCOUNT_ID.fullmatch(self.account_id):
            raise ConfigurationError(
                f"account_id must be the acct_... shown in the Stripe Dashboard under settings, "
                f"got {shown(self.account_id)}"
            )
        if not _KEY.fullmatch(self.secret_key.reveal()):
            raise ConfigurationError(
                "secret_key must be a secret key (sk_live_, sk_test_) or a restricted one (rk_live_, rk_test_); "
                "a publishable key (pk_) cannot charge"
            )
        if len(self.webhook_secrets) > 2:
            raise ConfigurationError("webhook_secrets holds one secret, or two while it is being rolled")
        for number, secret in enumerate(self.webhook_secrets, 1):
            if not _WEBHOOK_SECRET.fullmatch(secret.reveal()):
                raise ConfigurationError(f"webhook secret {number} must be the endpoint's signing secret, whsec_...")
        self._check_publishable()
        if not _URL.fullmatch(self.api_url):
            raise ConfigurationError(
                f"api_url must be an https URL such as {PRODUCTION_URL}, got {shown(self.api_url)}; "
                "plain http would show the key to everybody on the way"
            )
        if not _VERSION.fullmatch(self.api_version):
            raise ConfigurationError(f"api_version must be one of Stripe's, such as {API_VERSION}")
        if self.return_url is not None and not self.return_url.startswith(("https://", "http://")):
            raise ConfigurationError(f"return_url must be an absolute http(s) URL, got {shown(self.return_url)}")

    def _check_publishable(self) -> None:
        if self.publishable_key is None:
            return
        match = _PUBLISHABLE.fullmatch(self.publishable_key)
        if match is None:
            raise ConfigurationError("publishable_key must be the pk_live_ or pk_test_ key; the browser gets to see it")
        if (match[1] == "live") is not self.live:
            raise ConfigurationError("publishable_key and secret_key are of different modes, one live and one test")

    @property
    def live(self) -> bool:
        """Whether the key moves real money."""
        match = _KEY.fullmatch(self.secret_key.reveal())
        return match is not None and match["mode"] == "live"

    @property
    def restricted(self) -> bool:
        """Whether the key is a restricted one."""
        return self.secret_key.reveal().startswith("rk_")

    @property
    def host(self) -> str:
        """Host name (with port when it is not 443) of the API."""
        match = _URL.fullmatch(self.api_url)
        assert match is not None
        return match["host"]
