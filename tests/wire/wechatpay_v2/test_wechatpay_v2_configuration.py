"""What can never work fails when it is built, says what is wrong and how to mend it, and shows no secret."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.certificates import Authority
from tests.support.source import ROOT
from tests.wire.wechatpay_v2.words import ACCOUNT, KEY, PROVIDER

from payport.adapters.wechatpay_v2 import BACKUP_URL, SignType, WeChatPayV2
from payport.adapters.wechatpay_v2.settings import account_from
from payport.sdk import Settings, open_adapter
from payport.sdk.errors import ConfigurationError
from payport.sdk.secrets import Secret
from payport.sdk.settings import AccountTable
from payport.sdk.tls import ClientCertificate, Trust


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("appid must be wx and 16", {"appid": "2021000000000000"}),
        ("mch_id must be the 8 to 10 digits", {"mch_id": "1900000109a"}),
        ("sub_mch_id must be", {"sub_mch_id": "12"}),
        ("sub_appid must be", {"sub_mch_id": "1900000110", "sub_appid": "wx1"}),
        ("sub_appid needs sub_mch_id", {"sub_appid": "wxfedcba9876543210"}),
        ("the API v3 key is another one", {"api_key": Secret(KEY + "x")}),
        ("the API v3 key is another one", {"api_key": Secret(KEY[:-1] + " ")}),
        ("plain http would show", {"base_url": "http://api.mch.weixin.qq.com"}),
        ("base_url must be https and a host", {"base_url": "https://api.mch.weixin.qq.com/pay"}),
        ("notify_url must not have a query string", {"notify_url": "https://shop.example/n?a=1"}),
        ("notify_url must be an absolute", {"notify_url": "/notify"}),
        ("site_url must not have", {"site_url": "https://shop.example/#top"}),
        ("device_info must be 1 to 32", {"device_info": "x" * 33}),
        ("terminal_ip must be an IP address", {"terminal_ip": "shop.example"}),
    ],
)
def test_what_can_never_work(why: str, changes: dict[str, Any]) -> None:
    """Told with the setting's name."""
    with pytest.raises(ConfigurationError, match=why) as told:
        replace(ACCOUNT, **changes)
    assert KEY not in str(told.value)


def test_a_client_certificate_is_read_when_the_adapter_is_built(tmp_path: Path) -> None:
    """Not with the first refund, weeks later."""
    ours, other = Authority(tmp_path).issue("ours"), Authority(tmp_path, "Other").issue("other")
    good = Trust(client_certificate=ClientCertificate(chain_file=ours.chain_file, key_file=ours.key_file))
    assert WeChatPayV2(replace(ACCOUNT, trust=good)).config.has_certificate
    wrong = Trust(client_certificate=ClientCertificate(chain_file=ours.chain_file, key_file=other.key_file))
    with pytest.raises(ConfigurationError, match="does not belong to the certificate"):
        WeChatPayV2(replace(ACCOUNT, trust=wrong))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        WeChatPayV2(ACCOUNT)


def test_who_we_are_in_the_journal() -> None:
    """Whose numbers they are: WeChat knows an order of one provider's, or of the merchant's own, nowhere else.

    Under one name, an order of the old provider would be "not there" at the new one, and be made once more.
    """
    plain, provided = (WeChatPayV2(replace(account, trust=None)) for account in (ACCOUNT, PROVIDER))
    assert plain.account == "wechatpay_v2:1900000109:wx0123456789abcdef"
    assert provided.account == "wechatpay_v2:1900000109/1900000110:wxfedcba9876543210"
    others = (replace(PROVIDER, mch_id="1900000999"), replace(ACCOUNT, mch_id="1900000110", appid="wxfedcba9876543210"))
    names = {WeChatPayV2(replace(account, trust=None)).account for account in others}
    assert len({*names, plain.account, provided.account}) == 4
    assert (plain.partner, plain.profile.partner) == ("wechatpay_v2", "wechatpay_v2")
    assert plain.trust is None
    assert repr(plain) == f"WeChatPayV2({plain.account})"
    assert KEY not in repr(plain.config)


@pytest.mark.parametrize(
    ("sandbox", "host", "base_url"),
    [
        (False, "api.mch.weixin.qq.com", ACCOUNT.base_url),
        (False, "api2.mch.weixin.qq.com", BACKUP_URL),
        (True, "127.0.0.1:8443", "https://127.0.0.1:8443"),
    ],
)
def test_where_it_calls(sandbox: bool, host: str, base_url: str) -> None:
    """The backup host takes the same requests; anything else is play money."""
    found = WeChatPayV2(replace(ACCOUNT, base_url=base_url, trust=None))
    assert (found.profile.sandbox, found.profile.hosts) == (sandbox, frozenset({host}))


FULL: dict[str, Any] = {
    "appid": ACCOUNT.appid,
    "mch_id": ACCOUNT.mch_id,
    "api_key": Secret(KEY),
    "sign_type": "MD5",
    "accept_md5": True,
    "sub_appid": PROVIDER.sub_appid,
    "sub_mch_id": PROVIDER.sub_mch_id,
    "notify_url": "https://shop.example/notify",
    "device_info": "WEB",
    "terminal_ip": "198.51.100.1",
    "site_url": "https://shop.example",
    "site_name": "Tea shop",
    "base_url": BACKUP_URL,
    "client_cert_path": "cert.pem",
    "client_key_path": "key.pem",
    "ca": "-----BEGIN CERTIFICATE-----",
}


def test_every_setting_is_read() -> None:
    """From a table of ``payport.toml``; certificate and key are paths, as TLS reads them from files."""
    account = account_from(AccountTable(FULL))
    assert account.sign_type is SignType.MD5
    assert account.trust == Trust(
        ca_data="-----BEGIN CERTIFICATE-----",
        client_certificate=ClientCertificate(chain_file="cert.pem", key_file="key.pem"),
    )
    for name in ("sub_appid", "sub_mch_id", "notify_url", "device_info", "terminal_ip", "site_url", "site_name"):
        assert getattr(account, name) == FULL[name]
    least = account_from(AccountTable({name: FULL[name] for name in ("appid", "mch_id", "api_key")}))
    assert (least.sign_type, least.trust, least.accept_md5) == (SignType.HMAC_SHA256, None, False)


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("sign_type must be one of HMAC-SHA256, MD5, got 6 characters that begin with 'SHA2'", {"sign_type": "SHA256"}),
        ("client_key_path needs client_cert_path", {"client_key_path": "key.pem"}),
        ("unknown key", {"api_v3_key": "x"}),
        ("accept_md5", {"accept_md5": "perhaps"}),
    ],
)
def test_a_table_that_is_wrong(why: str, changes: dict[str, Any]) -> None:
    """Is refused by name."""
    least = {name: FULL[name] for name in ("appid", "mch_id", "api_key")}
    with pytest.raises(ConfigurationError, match=why):
        account_from(AccountTable({**least, **changes}))


def test_every_setting_is_explained() -> None:
    """The page lists the keys that a table may have: those that the message for an unknown one names."""
    with pytest.raises(ConfigurationError) as caught:
        account_from(AccountTable({"nonsense": "1"}))
    known = set(re.findall(r"\w+", str(caught.value).partition("takes")[2]))
    page = (ROOT / "docs" / "partners" / "wechatpay_v2.md").read_text("utf-8")
    rows = page.partition("## Settings")[2].partition("\n## ")[0].splitlines()
    told = {name for row in rows if row.startswith("| `") for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert known == told == set(FULL)


def test_the_key_never_stands_in_the_file(tmp_path: Path) -> None:
    """It is referred to; an adapter opens by its partner's name."""
    config = tmp_path / "payport.toml"
    table = f'[account.shop]\npartner = "wechatpay_v2"\nappid = "{ACCOUNT.appid}"\nmch_id = "{ACCOUNT.mch_id}"\n'
    config.write_text(table + f'api_key = "{KEY}"\n')
    with pytest.raises(ConfigurationError, match="a secret must not stand in the file"):
        Settings.load(config, {})
    config.write_text(table + 'api_key = "env:WECHAT_KEY"\n')
    found = open_adapter(Settings.load(config, {"WECHAT_KEY": KEY}), "shop")
    assert isinstance(found, WeChatPayV2)
    assert found.config.api_key == Secret(KEY)
