"""The simulator's account as configuration files: ``payport.toml`` and the keys it refers to."""

from __future__ import annotations

from payport.adapters.unionpay.account import UnionPayAccount


def settings_files(account: UnionPayAccount) -> dict[str, str]:
    """File names and texts, to be written into one folder with the keys readable for you alone."""
    table = {
        "partner": "unionpay",
        "mer_id": account.mer_id,
        "sign_method": account.sign_method,
        "gateway_url": account.gateway_url,
        "files_url": account.files_at,
        "encoding": account.encoding,
    }
    plain = {"notify_url": account.notify_url, "return_url": account.return_url}
    table |= {key: value for key, value in plain.items() if value is not None}
    files: dict[str, str] = {}
    if account.secret_key is not None:
        files["secret_key.txt"] = account.secret_key.reveal()
        table["secret_key"] = "file:secret_key.txt"  # noqa: S105 - where it is, not what it is
    if account.key is not None and account.key.private_key is not None and account.key.certificate is not None:
        certificates = {"private_key": account.key.private_key.reveal(), "certificate": account.key.certificate}
        certificates |= {"middle_cert": account.authorities[0].middle, "root_cert": account.authorities[0].root}
        for key, text in certificates.items():
            files[f"{key}.pem"] = text
            table[key] = f"file:{key}.pem"
    if account.encryption_certificate is not None:
        files["encryption_cert.pem"] = account.encryption_certificate
        table["encryption_cert"] = "file:encryption_cert.pem"
    if account.trust is not None and account.trust.ca_data is not None:
        files["ca.pem"] = account.trust.ca_data
        table["ca"] = "file:ca.pem"
    lines = ["[account.simulator]", *(f'{key} = "{value}"' for key, value in table.items())]
    files["payport.toml"] = "\n".join(lines) + "\n"
    return files
