"""The simulator's account as configuration files: ``payport.toml`` and the keys it refers to."""

from __future__ import annotations

from payport.adapters.alipay.account import AlipayAccount


def settings_files(account: AlipayAccount) -> dict[str, str]:
    """File names and texts, to be written into one folder with the keys readable for you alone."""
    files = {"private_key.pem": account.private_key.reveal()}
    table = {
        "partner": "alipay",
        "app_id": account.app_id,
        "private_key": "file:private_key.pem",
        "gateway_url": account.gateway_url,
        "charset": account.charset,
    }
    plain = {"seller_id": account.seller_id, "alipay_public_key": account.alipay_public_key}
    table |= {key: value for key, value in plain.items() if value is not None}
    if account.certificates is not None:
        for key, text in (
            ("app_cert", account.certificates.application),
            ("alipay_cert", account.certificates.alipay),
            ("root_cert", account.certificates.root),
        ):
            files[f"{key}.pem"] = text
            table[key] = f"file:{key}.pem"
    if account.encryption_key is not None:
        files["encryption_key.txt"] = account.encryption_key.reveal()
        table["encryption_key"] = "file:encryption_key.txt"
    if account.trust is not None and account.trust.ca_data is not None:
        files["ca.pem"] = account.trust.ca_data
        table["ca"] = "file:ca.pem"
    lines = ["[account.simulator]", *(f'{key} = "{value}"' for key, value in table.items())]
    if account.certificates is not None and account.certificates.pinned:
        lines.append("pinned = true")
    files["payport.toml"] = "\n".join(lines) + "\n"
    return files
