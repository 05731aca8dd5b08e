"""An Alipay account from a table of ``payport.toml``."""

from __future__ import annotations

from payport.adapters.alipay.account import PRODUCTION_URL, AlipayAccount, AlipayCertificates
from payport.sdk.settings import AccountTable
from payport.sdk.tls import Trust

_KNOWN = (
    "app_id",
    "private_key",
    "alipay_public_key",
    "app_cert",
    "alipay_cert",
    "root_cert",
    "pinned",
    "seller_id",
    "notify_url",
    "return_url",
    "gateway_url",
    "charset",
    "encryption_key",
    "app_auth_token",
    "ca",
)


def account_from(table: AccountTable) -> AlipayAccount:
    """The account that the table describes. Raises :class:`payport.sdk.ConfigurationError`."""
    table.only(*_KNOWN)
    certificates = None
    if "app_cert" in table or "alipay_cert" in table or "root_cert" in table:
        certificates = AlipayCertificates(
            application=table.text("app_cert"),
            alipay=table.text("alipay_cert"),
            root=table.text("root_cert"),
            pinned=table.flag("pinned", default=False),
        )
    return AlipayAccount(
        app_id=table.text("app_id"),
        private_key=table.secret("private_key"),
        alipay_public_key=table.text("alipay_public_key") if "alipay_public_key" in table else None,
        certificates=certificates,
        seller_id=table.text("seller_id") if "seller_id" in table else None,
        notify_url=table.text("notify_url") if "notify_url" in table else None,
        return_url=table.text("return_url") if "return_url" in table else None,
        gateway_url=table.text("gateway_url", PRODUCTION_URL),
        charset=table.text("charset", "utf-8"),
        encryption_key=table.secret("encryption_key") if "encryption_key" in table else None,
        app_auth_token=table.secret("app_auth_token") if "app_auth_token" in table else None,
        trust=Trust(ca_data=table.text("ca")) if "ca" in table else None,
    )
