"""A WeChat Pay account from a table of ``payport.toml``."""

from __future__ import annotations

from payport.adapters.wechatpay.account import BACKUP_URL, PRODUCTION_URL, WeChatPayAccount
from payport.sdk.settings import AccountTable
from payport.sdk.tls import Trust

_KNOWN = (
    "mchid",
    "appid",
    "private_key",
    "serial_no",
    "api_v3_key",
    "platform_public_key",
    "platform_public_key_id",
    "platform_certificate",
    "sub_mchid",
    "sub_appid",
    "app_appid",
    "mini_program_appid",
    "notify_url",
    "store_no",
    "base_url",
    "backup_url",
    "ca",
)


def account_from(table: AccountTable) -> WeChatPayAccount:
    """The account that the table describes. Raises :class:`payport.sdk.ConfigurationError`."""
    table.only(*_KNOWN)

    def optional(key: str) -> str | None:
        return table.text(key) if key in table else None

    certificate = optional("platform_certificate")
    return WeChatPayAccount(
        mchid=table.text("mchid"),
        appid=table.text("appid"),
        private_key=table.secret("private_key"),
        serial_no=table.text("serial_no"),
        api_v3_key=table.secret("api_v3_key"),
        platform_public_key=optional("platform_public_key"),
        platform_public_key_id=optional("platform_public_key_id"),
        platform_certificates=(certificate,) if certificate is not None else (),
        sub_mchid=optional("sub_mchid"),
        sub_appid=optional("sub_appid"),
        app_appid=optional("app_appid"),
        mini_program_appid=optional("mini_program_appid"),
        notify_url=optional("notify_url"),
        store_no=optional("store_no"),
        base_url=table.text("base_url", PRODUCTION_URL),
        backup_url=table.text("backup_url", BACKUP_URL),
        trust=Trust(ca_data=table.text("ca")) if "ca" in table else None,
    )
