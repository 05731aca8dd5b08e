"""An account of API v2 from a table of ``payport.toml``."""

from __future__ import annotations

from payport.adapters.wechatpay_v2.account import PRODUCTION_URL, SignType, WeChatPayV2Account
from payport.sdk.checks import shown
from payport.sdk.errors import ConfigurationError
from payport.sdk.settings import AccountTable
from payport.sdk.tls import ClientCertificate, Trust

_KNOWN = (
    "appid",
    "mch_id",
    "api_key",
    "sign_type",
    "accept_md5",
    "sub_appid",
    "sub_mch_id",
    "notify_url",
    "device_info",
    "terminal_ip",
    "site_url",
    "site_name",
    "base_url",
    "client_cert_path",
    "client_key_path",
    "ca",
)


def account_from(table: AccountTable) -> WeChatPayV2Account:
    """The account that the table describes. Raises :class:`payport.sdk.ConfigurationError`."""
    table.only(*_KNOWN)
    return WeChatPayV2Account(
        appid=table.text("appid"),
        mch_id=table.text("mch_id"),
        api_key=table.secret("api_key"),
        sign_type=_sign_type(table.text("sign_type", SignType.HMAC_SHA256.value)),
        accept_md5=table.flag("accept_md5", default=False),
        sub_appid=_optional(table, "sub_appid"),
        sub_mch_id=_optional(table, "sub_mch_id"),
        notify_url=_optional(table, "notify_url"),
        device_info=_optional(table, "device_info"),
        terminal_ip=table.text("terminal_ip", "127.0.0.1"),
        site_url=_optional(table, "site_url"),
        site_name=table.text("site_name", "Shop"),
        base_url=table.text("base_url", PRODUCTION_URL),
        trust=_trust(table),
    )


def _optional(table: AccountTable, key: str) -> str | None:
    return table.text(key) if key in table else None


def _sign_type(text: str) -> SignType:
    try:
        return SignType(text)
    except ValueError:
        known = ", ".join(kind.value for kind in SignType)
        raise ConfigurationError(f"sign_type must be one of {known}, got {shown(text)}") from None


def _trust(table: AccountTable) -> Trust | None:
    authorities = _optional(table, "ca")
    chain, key = _optional(table, "client_cert_path"), _optional(table, "client_key_path")
    if chain is None and key is not None:
        raise ConfigurationError("client_key_path needs client_cert_path: the certificate that belongs to the key")
    client = ClientCertificate(chain_file=chain, key_file=key) if chain is not None else None
    return Trust(ca_data=authorities, client_certificate=client) if authorities or client else None
