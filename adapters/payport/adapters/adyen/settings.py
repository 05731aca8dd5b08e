"""An Adyen account from a table of ``payport.toml``."""

from __future__ import annotations

from payport.adapters.adyen.account import AdyenAccount
from payport.sdk.settings import AccountTable
from payport.sdk.tls import Trust

_KNOWN = (
    "merchant_account",
    "api_key",
    "hmac_key",
    "hmac_key_previous",
    "balance_api_key",
    "live_prefix",
    "client_key",
    "return_url",
    "multiple_partial_captures",
    "api_url",
    "ca",
)


def account_from(table: AccountTable) -> AdyenAccount:
    """The account that the table describes. Raises :class:`payport.sdk.ConfigurationError`."""
    table.only(*_KNOWN)
    keys = [table.secret(key) for key in ("hmac_key", "hmac_key_previous") if key in table]
    return AdyenAccount(
        merchant_account=table.text("merchant_account"),
        api_key=table.secret("api_key"),
        hmac_keys=tuple(keys),
        balance_api_key=table.secret("balance_api_key") if "balance_api_key" in table else None,
        live_prefix=table.text("live_prefix") if "live_prefix" in table else None,
        client_key=table.text("client_key") if "client_key" in table else None,
        return_url=table.text("return_url") if "return_url" in table else None,
        multiple_partial_captures=table.flag("multiple_partial_captures", default=False),
        api_url=table.text("api_url") if "api_url" in table else None,
        trust=Trust(ca_data=table.text("ca")) if "ca" in table else None,
    )
