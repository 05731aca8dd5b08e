"""A PayPal account from a table of ``payport.toml``."""

from __future__ import annotations

from payport.adapters.paypal.account import LIVE_URL, PayPalAccount
from payport.sdk.settings import AccountTable
from payport.sdk.tls import Trust

_KNOWN = (
    "client_id",
    "client_secret",
    "merchant_id",
    "webhook_id",
    "webhook_roots",
    "return_url",
    "cancel_url",
    "brand_name",
    "attribution_id",
    "api_url",
    "ca",
)


def account_from(table: AccountTable) -> PayPalAccount:
    """The account that the table describes. Raises :class:`payport.sdk.ConfigurationError`."""
    table.only(*_KNOWN)

    def optional(key: str) -> str | None:
        return table.text(key) if key in table else None

    return PayPalAccount(
        client_id=table.text("client_id"),
        client_secret=table.secret("client_secret"),
        merchant_id=table.text("merchant_id"),
        webhook_id=optional("webhook_id"),
        webhook_roots=optional("webhook_roots"),
        return_url=optional("return_url"),
        cancel_url=optional("cancel_url"),
        brand_name=optional("brand_name"),
        attribution_id=optional("attribution_id"),
        api_url=table.text("api_url", LIVE_URL),
        trust=Trust(ca_data=table.text("ca")) if "ca" in table else None,
    )
