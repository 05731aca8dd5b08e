"""The simulator's account as configuration files: ``payport.toml`` and the secrets it refers to."""

from __future__ import annotations

from payport.adapters.adyen.account import AdyenAccount


def settings_files(account: AdyenAccount) -> dict[str, str]:
    """File names and texts, to be written into one folder with the secrets readable for you alone."""
    files = {"api_key.txt": account.api_key.reveal()}
    table = {
        "partner": "adyen",
        "merchant_account": account.merchant_account,
        "api_key": "file:api_key.txt",
        "api_url": account.base_url,
    }
    for key, secret in zip(("hmac_key", "hmac_key_previous"), account.hmac_keys, strict=False):
        files[f"{key}.txt"] = secret.reveal()
        table[key] = f"file:{key}.txt"
    if account.client_key is not None:  # public, but settings refuse whatever ends in key unless it is referred to
        files["client_key.txt"] = account.client_key
        table["client_key"] = "file:client_key.txt"
    if account.return_url is not None:
        table["return_url"] = account.return_url
    if account.trust is not None and account.trust.ca_data is not None:
        files["ca.pem"] = account.trust.ca_data
        table["ca"] = "file:ca.pem"
    lines = ["[account.simulator]", *(f'{key} = "{value}"' for key, value in table.items())]
    if account.multiple_partial_captures:
        lines.append("multiple_partial_captures = true")
    files["payport.toml"] = "\n".join(lines) + "\n"
    return files
