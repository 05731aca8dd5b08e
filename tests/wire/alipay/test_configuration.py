"""What can never work fails when it is built: the message says what is wrong, how to mend it, and shows no secret."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.rsa_keys import NOON, certificate, private_pem

from payport.adapters.alipay import Alipay, AlipayCertificates
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.sdk import ConfigurationError, Gateway, Secret

KEY = AlipaySimulator("key").account
CERTIFICATES = AlipaySimulator("certificate").account
FILES = CERTIFICATES.certificates
assert FILES is not None
OTHER = private_pem("another application's")


def expired() -> AlipayCertificates:
    assert FILES is not None
    days = (NOON - timedelta(days=900), NOON - timedelta(days=500))
    return replace(FILES, alipay=certificate("Alipay", "Alipay", signed_by="alipay", of="alipay", days=days))


def without_root() -> AlipayCertificates:
    assert FILES is not None
    return replace(FILES, root="empty")


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "a short app id": (lambda: replace(KEY, app_id="2021"), "app_id must be the 16 digits .* got 4 characters"),
    "a seller's name": (lambda: replace(KEY, seller_id="shop"), "seller_id must be .* begins with 2088"),
    "no mode": (lambda: replace(KEY, alipay_public_key=None), "give either alipay_public_key .* or certificates"),
    "both modes": (lambda: replace(KEY, certificates=FILES), "give either alipay_public_key .* or certificates"),
    "another charset": (lambda: replace(KEY, charset="latin-1"), "charset must be one of utf-8, gbk"),
    "plain http": (
        lambda: replace(KEY, gateway_url="http://openapi.alipay.com/gateway.do"),
        "must be an https URL .* plain http would show payments to everybody",
    ),
    "a relative notify address": (lambda: replace(KEY, notify_url="/notify"), "notify_url must be an absolute"),
    "a long return address": (lambda: replace(KEY, return_url="https://a/" + "b" * 250), "at most 256 characters"),
    "no key at all": (lambda: Alipay(replace(KEY, private_key=Secret("nonsense"))), "private_key: .*PEM"),
    "a public key where the private one belongs": (
        lambda: Alipay(replace(KEY, private_key=Secret(KEY.alipay_public_key or ""))),
        "private_key: ",
    ),
    "a key cut short": (
        lambda: Alipay(replace(KEY, private_key=Secret(KEY.private_key.reveal()[:400]))),
        "private_key: ",
    ),
    "no public key": (lambda: Alipay(replace(KEY, alipay_public_key="c2hvcnQ=")), "alipay_public_key: "),
    "a certificate of another key": (
        lambda: Alipay(replace(CERTIFICATES, private_key=Secret(OTHER))),
        "certificates.application does not belong to private_key: .* download it again",
    ),
    "an expired certificate": (
        lambda: Alipay(replace(CERTIFICATES, certificates=expired())),
        r"certificates.alipay expired on \d{4}-\d\d-\d\d: download the current one",
    ),
    "no certificate": (
        lambda: Alipay(replace(CERTIFICATES, certificates=without_root())),
        "certificates.root: no .* RSA certificate|certificates.root: .*PEM",
    ),
    "a content key of the wrong length": (
        lambda: Alipay(replace(KEY, encryption_key=Secret("c2hvcnQ="))),
        "16 bytes|128",
    ),
    "a journal that cannot be opened": (
        lambda: Gateway(Alipay(KEY), journal="sqlite:////no/such/folder/payments.db"),
        "folder",
    ),
    "a sealing key of the wrong length": (
        lambda: Gateway(Alipay(KEY), journal="sqlite:///x.db", sealing_key=Secret("c2hvcnQ=")),
        "32 random bytes; make one with",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_work_says_how_to_mend_it(name: str) -> None:
    """At construction, before an order is taken; and what was configured as a secret stays one."""
    build, message = WRONG[name]
    with pytest.raises(ConfigurationError, match=message) as caught:
        build()
    shown = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    for secret in (KEY.private_key, CERTIFICATES.private_key, Secret(OTHER)):
        body = "".join(line for line in secret.reveal().splitlines() if not line.startswith("-----"))
        assert body[:40] not in shown
        assert body[400:440] not in shown


def test_an_account_shows_no_secret() -> None:
    """Neither as text nor inside of what holds it."""
    body = "".join(KEY.private_key.reveal().splitlines()[1:3])[:40]
    for shown in (repr(KEY), str(KEY), repr(Alipay(KEY)), repr(Alipay(KEY).keys), repr(vars(Alipay(KEY)))):
        assert body not in shown
