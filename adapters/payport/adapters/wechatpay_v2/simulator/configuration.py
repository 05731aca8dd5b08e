"""The simulator's account as configuration files: ``payport.toml``, and the key and authority it refers to."""

from __future__ import annotations

from payport.adapters.wechatpay_v2.account import WeChatPayV2Account


def settings_files(account: WeChatPayV2Account) -> dict[str, str]:
    """File names and texts, to be written into one folder with the key readable for you alone."""
    files = {"api_key.txt": account.api_key.reveal()}
    table = {
        "partner": "wechatpay_v2",
        "appid": account.appid,
        "mch_id": account.mch_id,
        "api_key": "file:api_key.txt",
        "sign_type": account.sign_type.value,
        "sub_appid": account.sub_appid,
        "sub_mch_id": account.sub_mch_id,
        "notify_url": account.notify_url,
        "site_url": account.site_url,
        "site_name": account.site_name,
        "base_url": account.base_url,
    }
    if account.trust is not None and account.trust.client_certificate is not None:
        table["client_cert_path"] = account.trust.client_certificate.chain_file
    if account.trust is not None and account.trust.ca_data is not None:
        files["ca.pem"] = account.trust.ca_data
        table["ca"] = "file:ca.pem"
    lines = ["[account.simulator]", *(f'{key} = "{value}"' for key, value in table.items() if value is not None)]
    files["payport.toml"] = "\n".join(lines) + "\n"
    return files
