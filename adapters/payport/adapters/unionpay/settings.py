"""A UnionPay account from a table of ``payport.toml``."""

from __future__ import annotations

from typing import cast

from payport.adapters.unionpay.account import (
    PRODUCTION_URL,
    Encoding,
    SignMethod,
    UnionPayAccount,
    UnionPayAuthority,
    UnionPayKey,
)
from payport.sdk.settings import AccountTable
from payport.sdk.tls import Trust

_KNOWN = (
    "mer_id",
    "private_key",
    "certificate",
    "pfx",
    "password",
    "former_pfx",
    "former_password",
    "former_private_key",
    "former_certificate",
    "secret_key",
    "sign_method",
    "middle_cert",
    "root_cert",
    "next_middle_cert",
    "next_root_cert",
    "encryption_cert",
    "notify_url",
    "return_url",
    "gateway_url",
    "files_url",
    "encoding",
    "term_id",
    "ca",
)


def account_from(table: AccountTable) -> UnionPayAccount:
    """The account that the table describes. Raises :class:`payport.sdk.ConfigurationError`."""
    table.only(*_KNOWN)

    def text(key: str) -> str | None:
        return table.text(key) if key in table else None

    former = _key(table, "former_")
    return UnionPayAccount(
        mer_id=table.text("mer_id"),
        key=_key(table, ""),
        secret_key=table.secret("secret_key") if "secret_key" in table else None,
        sign_method=cast("SignMethod", table.text("sign_method", "01")),
        authorities=tuple(
            UnionPayAuthority(middle=table.text(f"{which}middle_cert"), root=table.text(f"{which}root_cert"))
            for which in ("", "next_")
            if f"{which}middle_cert" in table or f"{which}root_cert" in table
        ),
        former_keys=() if former is None else (former,),
        encryption_certificate=text("encryption_cert"),
        notify_url=text("notify_url"),
        return_url=text("return_url"),
        gateway_url=table.text("gateway_url", PRODUCTION_URL),
        files_url=text("files_url"),
        encoding=cast("Encoding", table.text("encoding", "UTF-8")),
        term_id=text("term_id"),
        trust=Trust(ca_data=table.text("ca")) if "ca" in table else None,
    )


def _key(table: AccountTable, which: str) -> UnionPayKey | None:
    names = [f"{which}{name}" for name in ("private_key", "certificate", "pfx")]
    if not any(name in table for name in names):
        return None
    private_key, certificate, pfx = names
    return UnionPayKey(
        private_key=table.secret(private_key) if private_key in table else None,
        certificate=table.text(certificate) if certificate in table else None,
        pfx=table.secret(pfx) if pfx in table else None,
        password=table.secret(f"{which}password") if f"{which}password" in table else None,
    )
