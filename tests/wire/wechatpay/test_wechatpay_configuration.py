"""What can never work fails when it is built, with words that say how to mend it and show no secret."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.rsa_keys import certificate, key, private_pem
from tests.wire.wechatpay.stage import (
    ACCOUNT,
    API_V3_KEY,
    NOON,
    PUBLIC_ID,
    Host,
    merchant,
    platform_certificate,
    refused,
    said,
    unsigned,
)

from payport.adapters.wechatpay import BACKUP_URL, PRODUCTION_URL, WeChatPay, WeChatPayAccount
from payport.adapters.wechatpay.doctor import converse, examine
from payport.adapters.wechatpay.settings import account_from
from payport.sdk.cli.findings import Finding
from payport.sdk.errors import ConfigurationError
from payport.sdk.exchange import drive
from payport.sdk.message import FailureKind, SendFailure
from payport.sdk.secrets import Secret
from payport.sdk.settings import AccountTable

ACCOUNTS: dict[str, tuple[dict[str, Any], str]] = {
    "mchid in words": ({"mchid": "shop"}, "mchid must be the merchant number"),
    "sub_mchid in words": ({"sub_mchid": "shop"}, "sub_mchid must be the merchant number"),
    "appid with a blank": ({"appid": "wx 1"}, "appid must be an application's id"),
    "sub_appid alone": ({"sub_appid": "wx1"}, "give sub_mchid as well"),
    "serial number in decimal words": ({"serial_no": "12:34"}, "your own API certificate in hexadecimal"),
    "API v2 key": ({"api_v3_key": Secret("short")}, "32 ASCII characters"),
    "API key in Chinese": ({"api_v3_key": Secret("键" * 32)}, "32 ASCII characters"),
    "public key without id": ({"platform_public_key": "x"}, "belong together"),
    "id without public key": ({"platform_public_key_id": PUBLIC_ID}, "belong together"),
    "id in small letters": ({"platform_public_key": "x", "platform_public_key_id": PUBLIC_ID.lower()}, "capitals"),
    "id without its prefix": ({"platform_public_key": "x", "platform_public_key_id": "0101"}, "PUB_KEY_ID_ included"),
    "plain http": ({"base_url": "http://api.mch.weixin.qq.com"}, "plain http would show payments"),
    "a path": ({"base_url": "https://api.mch.weixin.qq.com/v3"}, "a host only"),
    "backup in plain": ({"backup_url": "http://x"}, "backup_url must be https"),
    "notify_url with a query": ({"notify_url": "https://shop.example/?a"}, "no query"),
    "notify_url in plain": ({"notify_url": "http://shop.example/"}, "must be https"),
    "notify_url too long": ({"notify_url": f"https://shop.example/{'x' * 250}"}, "at most 255"),
    "store_no too long": ({"store_no": "x" * 33}, "1 to 32"),
}


@pytest.mark.parametrize(("changed", "words"), ACCOUNTS.values(), ids=ACCOUNTS.keys())
def test_an_account_that_cannot_work_is_refused(changed: dict[str, Any], words: str) -> None:
    """At construction, not with the first customer."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        replace(ACCOUNT, **changed)
    assert API_V3_KEY not in str(caught.value)


KEYS: dict[str, tuple[dict[str, Any], str]] = {
    "no private key": ({"private_key": Secret("x")}, "private_key"),
    "a public key as private key": ({"private_key": Secret(key("wechat").public.pem())}, "private_key: this is public"),
    "our own key as WeChat's": (
        {"platform_public_key": key("merchant").public.pem(), "platform_public_key_id": PUBLIC_ID},
        "the merchant's own key",
    ),
    "a private key as WeChat's": (
        {"platform_public_key": private_pem("wechat"), "platform_public_key_id": PUBLIC_ID},
        "this is a private key",
    ),
    "no certificate": ({"platform_certificates": ("x",)}, "not a certificate"),
    "our own certificate, by its number": (
        {"platform_certificates": (certificate("a", "b", signed_by="root", of="platform", serial=0xABC),)},
        "your own API certificate",
    ),
    "our own certificate, by its key": (
        {"platform_certificates": (certificate("a", "b", signed_by="root", of="merchant", serial=9),)},
        "the merchant's own key",
    ),
}


@pytest.mark.parametrize(("changed", "words"), KEYS.values(), ids=KEYS.keys())
def test_a_key_that_cannot_work_is_refused(changed: dict[str, Any], words: str) -> None:
    """Above all the merchant's own in place of WeChat's: every answer would fail."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        merchant(mode="certificate", **changed)
    assert "BEGIN" not in str(caught.value)


def test_nothing_is_needed_to_build_an_adapter_but_ones_own_keys() -> None:
    """A merchant without any key of WeChat's is built: certificates come with the first answer."""
    wechat = merchant(mode="certificate")
    assert (wechat.account, wechat.partner, wechat.trust) == ("wechatpay:1900000001", "wechatpay", None)
    assert merchant(sub_mchid="1900000002").account == "wechatpay:1900000001/1900000002"
    assert wechat.keys.for_encryption(NOON.timestamp()) is None


def test_nothing_shows_a_secret() -> None:
    """repr of account, adapter and keys."""
    shown = f"{merchant().config!r}{merchant()!r}{merchant().keys!r}"
    assert not any(secret in shown for secret in ("BEGIN", API_V3_KEY, "unused"))


# --- settings


TABLE: dict[str, Any] = {
    "mchid": "1900000001",
    "appid": "wx1",
    "private_key": Secret("k"),
    "serial_no": "0ABC",
    "api_v3_key": Secret(API_V3_KEY),
}


def test_a_table_with_what_is_needed() -> None:
    """The rest has its usual values."""
    account = account_from(AccountTable(TABLE))
    assert (account.base_url, account.backup_url, account.urls) == (
        PRODUCTION_URL,
        BACKUP_URL,
        (PRODUCTION_URL, BACKUP_URL),
    )
    assert (account.sandbox, account.trust, account.platform_certificates) == (False, None, ())


def test_a_table_with_everything() -> None:
    """Each key arrives in its field."""
    more = {
        "platform_public_key": "p",
        "platform_public_key_id": PUBLIC_ID,
        "platform_certificate": "c",
        "sub_mchid": "1900000002",
        "sub_appid": "wx2",
        "app_appid": "wx3",
        "mini_program_appid": "wx4",
        "notify_url": "https://shop.example/n",
        "store_no": "S1",
        "base_url": "https://127.0.0.1:8443",
        "backup_url": "https://localhost:8443",
    }
    account = account_from(AccountTable({**TABLE, **more}))
    told = {name: getattr(account, name) for name in more if name != "platform_certificate"}
    assert {name: value for name, value in more.items() if name != "platform_certificate"} == told
    assert (account.platform_certificates, account.sandbox) == (("c",), True)
    assert account.hosts == ("127.0.0.1:8443", "localhost:8443")
    assert account.appids == {"wx1", "wx2", "wx3", "wx4"}


def test_an_adapter_is_opened_by_its_settings() -> None:
    """As a gateway of configuration does it."""
    table = AccountTable({**TABLE, "private_key": Secret(private_pem("merchant"))})
    assert WeChatPay.from_settings("shop", table).config.mchid == "1900000001"


@pytest.mark.parametrize("missing", TABLE)
def test_a_missing_setting_is_named(missing: str) -> None:
    """And an unknown one too."""
    with pytest.raises(ConfigurationError, match=missing):
        account_from(AccountTable({name: value for name, value in TABLE.items() if name != missing}))
    with pytest.raises(ConfigurationError, match="colour"):
        account_from(AccountTable({**TABLE, "colour": "red"}))


# --- doctor


def found(wechat: WeChatPay) -> dict[str, list[Finding]]:
    """What can be said without a network, by colour."""
    findings: dict[str, list[Finding]] = {}
    for one in examine(wechat, NOON):
        findings.setdefault(one.light.value, []).append(one)
    return findings


def words(findings: list[Finding]) -> str:
    """All of them."""
    return " | ".join(f"{one.what} {one.mend}" for one in findings)


def test_a_healthy_account_is_green() -> None:
    """Hosts, merchant, both keys."""
    told = found(merchant(mode="both"))
    assert set(told) == {"green"}
    assert "api2.mch.weixin.qq.com" in words(told["green"])
    assert PUBLIC_ID in words(told["green"])
    assert "sub-merchant 1900000002" in words(found(merchant(sub_mchid="1900000002"))["green"])


@pytest.mark.parametrize(
    ("wechat", "expected"),
    [
        ({"mode": "certificate"}, "platform_public_key"),
        ({"notify_url": None}, "notify_url"),
        ({"platform_certificates": (platform_certificate("old", 5, NOON + timedelta(days=9)),)}, "ten days before"),
        ({"platform_certificates": (platform_certificate("old", 5, NOON - timedelta(days=9)),)}, "leave it out"),
    ],
)
def test_what_will_need_attention_is_yellow(wechat: dict[str, Any], expected: str) -> None:
    """With how to mend it."""
    assert expected in words(found(merchant(**wechat))["yellow"])


@pytest.mark.parametrize(
    ("reply", "level", "expected"),
    [
        (refused(404, "ORDER_NOT_EXIST"), "green", "the keys on both sides fit"),
        (said(404, {"code": "ORDERNOTEXIST", "message": "x"}), "green", "fit"),
        (refused(401, "SIGN_ERROR"), "red", "cannot verify"),
        (refused(400, "APPID_MCHID_NOT_MATCH"), "red", "do not belong together"),
        (refused(403, "NO_AUTH"), "red", "may not ask"),
        (refused(403, "BRAND_NEW"), "yellow", "a refusal"),
        (unsigned(401, "SIGN_ERROR"), "red", "cannot verify what private_key signs"),
        (refused(404, "ORDER_NOT_EXIST", by="stranger"), "red", "not authentic"),
        (unsigned(502), "yellow", "no answer that tells"),
        (SendFailure(FailureKind.UNREACHABLE, may_have_left=False, detail="x"), "yellow", "network"),
    ],
    ids=str,
)
def test_what_wechat_says_to_a_signed_question(reply: Any, level: str, expected: str) -> None:
    """An authentic "no such order" proves the keys of both sides."""
    host = Host({"/v3/pay/transactions/out-trade-no/{out_trade_no}": reply})
    (finding,) = drive(converse(merchant(), 10.0), host)
    assert (level, expected in words([finding])) == (finding.light.value, True)


def test_an_account_is_a_value() -> None:
    """Frozen, equal by content."""
    assert isinstance(ACCOUNT, WeChatPayAccount)
    assert replace(ACCOUNT, mchid="1900000009") != ACCOUNT
