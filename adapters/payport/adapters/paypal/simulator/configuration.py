"""The simulator's account as configuration files: ``payport.toml`` and what it refers to."""

from __future__ import annotations

from payport.adapters.paypal.account import PayPalAccount


def settings_files(account: PayPalAccount) -> dict[str, str]:
    """File names and texts, to be written into one folder with the secret readable for you alone."""
    files = {"client_secret.txt": account.client_secret.reveal()}
    table = {
        "partner": "paypal",
        "client_id": account.client_id,
        "client_secret": "file:client_secret.txt",
        "merchant_id": account.merchant_id,
        "api_url": account.api_url,
    }
    plain = {
        "webhook_id": account.webhook_id,
        "return_url": account.return_url,
        "cancel_url": account.cancel_url,
        "brand_name": account.brand_name,
        "attribution_id": account.attribution_id,
    }
    table |= {key: value for key, value in plain.items() if value is not None}
    if account.webhook_roots is not None:
        files["webhook_roots.pem"] = account.webhook_roots
        table["webhook_roots"] = "file:webhook_roots.pem"
    if account.trust is not None and account.trust.ca_data is not None:
        files["ca.pem"] = account.trust.ca_data
        table["ca"] = "file:ca.pem"
    lines = ["[account.simulator]", *(f'{key} = "{value}"' for key, value in table.items())]
    files["payport.toml"] = "\n".join(lines) + "\n"
    return files
