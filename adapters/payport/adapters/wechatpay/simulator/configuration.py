"""The simulator's account as configuration files: ``payport.toml`` and the keys it refers to."""

from __future__ import annotations

from payport.adapters.wechatpay.account import WeChatPayAccount


def settings_files(account: WeChatPayAccount) -> dict[str, str]:
    """File names and texts, to be written into one folder with the keys readable for you alone."""
    files = {"private_key.pem": account.private_key.reveal(), "api_v3_key.txt": account.api_v3_key.reveal()}
    table = {
        "partner": "wechatpay",
        "mchid": account.mchid,
        "appid": account.appid,
        "serial_no": account.serial_no,
        "private_key": "file:private_key.pem",
        "api_v3_key": "file:api_v3_key.txt",
        "base_url": account.base_url,
    }
    plain = {
        "backup_url": account.backup_url,
        "sub_mchid": account.sub_mchid,
        "sub_appid": account.sub_appid,
        "app_appid": account.app_appid,
        "mini_program_appid": account.mini_program_appid,
        "notify_url": account.notify_url,
        "platform_public_key_id": account.platform_public_key_id,
    }
    table |= {key: value for key, value in plain.items() if value is not None}
    if account.platform_public_key is not None:
        files["platform_public_key.pem"] = account.platform_public_key
        table["platform_public_key"] = "file:platform_public_key.pem"
    if account.trust is not None and account.trust.ca_data is not None:
        files["ca.pem"] = account.trust.ca_data
        table["ca"] = "file:ca.pem"
    lines = ["[account.simulator]", *(f'{key} = "{value}"' for key, value in table.items())]
    files["payport.toml"] = "\n".join(lines) + "\n"
    return files
