"""The simulator's account as configuration files: ``payport.toml`` and the secrets it refers to."""

from __future__ import annotations

from payport.adapters.stripe.account import StripeAccount


def settings_files(account: StripeAccount) -> dict[str, str]:
    """File names and texts, to be written into one folder with the secrets readable for you alone."""
    files = {"secret_key.txt": account.secret_key.reveal()}
    table = {
        "partner": "stripe",
        "account_id": account.account_id,
        "secret_key": "file:secret_key.txt",
        "api_url": account.api_url,
    }
    for key, secret in zip(("webhook_secret", "webhook_secret_previous"), account.webhook_secrets, strict=False):
        files[f"{key}.txt"] = secret.reveal()
        table[key] = f"file:{key}.txt"
    if account.publishable_key is not None:  # public, but settings refuse whatever ends in key unless it is referred to
        files["publishable_key.txt"] = account.publishable_key
        table["publishable_key"] = "file:publishable_key.txt"
    if account.return_url is not None:
        table["return_url"] = account.return_url
    if account.trust is not None and account.trust.ca_data is not None:
        files["ca.pem"] = account.trust.ca_data
        table["ca"] = "file:ca.pem"
    lines = ["[account.simulator]", *(f'{key} = "{value}"' for key, value in table.items())]
    if account.connected:
        lines.append("connected = true")
    files["payport.toml"] = "\n".join(lines) + "\n"
    return files
