"""A Stripe account from a table of ``payport.toml``."""

from __future__ import annotations

from payport.adapters.stripe.account import API_VERSION, PRODUCTION_URL, StripeAccount
from payport.sdk.settings import AccountTable
from payport.sdk.tls import Trust

_KNOWN = (
    "account_id",
    "secret_key",
    "webhook_secret",
    "webhook_secret_previous",
    "publishable_key",
    "connected",
    "return_url",
    "api_url",
    "api_version",
    "ca",
)


def account_from(table: AccountTable) -> StripeAccount:
    """The account that the table describes. Raises :class:`payport.sdk.ConfigurationError`."""
    table.only(*_KNOWN)
    secrets = [table.secret(key) for key in ("webhook_secret", "webhook_secret_previous") if key in table]
    return StripeAccount(
        account_id=table.text("account_id"),
        secret_key=table.secret("secret_key"),
        webhook_secrets=tuple(secrets),
        publishable_key=table.text("publishable_key") if "publishable_key" in table else None,
        connected=table.flag("connected", default=False),
        return_url=table.text("return_url") if "return_url" in table else None,
        api_url=table.text("api_url", PRODUCTION_URL),
        api_version=table.text("api_version", API_VERSION),
        trust=Trust(ca_data=table.text("ca")) if "ca" in table else None,
    )
