"""Which of WeChat's keys is believed: certificates and the public key, at once, while they change; no guessing."""

from __future__ import annotations

import base64
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from tests.support.rsa_keys import certificate, key
from tests.wire.wechatpay.stage import (
    CERTIFICATES,
    NOON,
    PUBLIC_ID,
    QUERY,
    Host,
    download,
    headers,
    merchant,
    platform_certificate,
    refused,
    said,
    transaction,
    unsigned,
)

from payport.adapters.wechatpay import WeChatPay
from payport.adapters.wechatpay.calls import Call
from payport.adapters.wechatpay.certificates import MalformedCertificate, parse_certificate, read_download, serial_text
from payport.adapters.wechatpay.envelope import Answer, ask_wechat
from payport.adapters.wechatpay.partner_keys import PlatformKey
from payport.adapters.wechatpay.performing import trade_question
from payport.adapters.wechatpay.verifying import encryption_key, key_for
from payport.schemas.outcome import NotSentKind, UnknownKind
from payport.sdk.events import KeyLearned
from payport.sdk.exchange import Effect, Send, Sleep, drive
from payport.sdk.message import FailureKind, SendFailure, WireReply
from payport.sdk.observation import Observation

API_V3_KEY = b"0123456789abcdef0123456789abcdef"
SECRET = Call(name="POST /v3/fund-app/mch-transfer/transfer-bills", body={"user_name": "李雷"}, hidden=("user_name",))
ENDPOINT = "/v3/fund-app/mch-transfer/transfer-bills"


def asked(wechat: WeChatPay, host: Host) -> Answer | Observation:
    """What becomes of a question."""
    return drive(ask_wechat(wechat, trade_question(wechat.config, "SHOP10010001T001"), 10.0), host)


def why(found: Answer | Observation) -> UnknownKind | None:
    """What left it open."""
    return found.unknown.kind if isinstance(found, Observation) and found.unknown else None


def told(found: Answer | Observation) -> str:
    """In words."""
    assert isinstance(found, Observation)
    assert found.unknown is not None
    return found.unknown.detail


def by(signer: str, serial: str, **more: Any) -> WireReply:
    """An answer signed with one key under one serial number."""
    return said(200, transaction(), by=signer, serial=serial, **more)


# --- certificates


def test_the_first_certificate_is_downloaded_with_the_first_answer() -> None:
    """Nothing at construction, nothing twice; the download itself is signed by a certificate that is in it."""
    wechat, host = (
        merchant(mode="certificate"),
        Host({QUERY: by("platform", "07"), CERTIFICATES: download(("platform", 7))}),
    )
    for _ in range(3):
        assert isinstance(asked(wechat, host), Answer)
    assert host.asked == [QUERY, CERTIFICATES, QUERY, QUERY]
    assert [event.serial for event in host.told if isinstance(event, KeyLearned)] == ["07"]


def test_both_certificates_serve_during_a_change() -> None:
    """apache-httpclient#50, #221: an old one that was cached for ever, or dropped before the new one was there."""
    wechat = merchant(mode="certificate", platform_certificates=(platform_certificate("old", 5),))
    host = Host(
        {QUERY: [by("old", "05"), by("new", "06"), by("old", "05")], CERTIFICATES: download(("old", 5), ("new", 6))}
    )
    assert [type(asked(wechat, host)) for _ in range(3)] == [Answer, Answer, Answer]
    assert host.asked.count(CERTIFICATES) == 1


BROKEN: dict[str, WireReply | SendFailure] = {
    "nothing listed": said(200, {"data": []}, by="new", serial="06"),
    "no list": said(200, {"data": 7}, by="new", serial="06"),
    "not an object": said(200, {"data": [7]}, by="new", serial="06"),
    "no certificate": said(200, {"data": [{"serial_no": "06"}]}, by="new", serial="06"),
    "not JSON": WireReply(200, tuple(headers(b"<html>", by="new", serial="06").items()), b"<html>"),
    "not signed": replace(download(("new", 6)), headers=()),
    "signed by a stranger": download(("new", 6), by=("stranger", 6)),
    "signed by one that is not listed": download(("new", 6), by=("other", 9)),
    "stale": download(("new", 6), at=NOON - timedelta(minutes=6)),
    "a server in trouble": unsigned(502),
    "no answer": SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="slow"),
}


@pytest.mark.parametrize("reply", BROKEN.values(), ids=BROKEN.keys())
def test_a_download_that_is_not_authentic_teaches_nothing(reply: WireReply | SendFailure) -> None:
    """The keys that were known go on serving; the new answer is not believed."""
    wechat = merchant(mode="certificate", platform_certificates=(platform_certificate("old", 5),))
    host = Host({QUERY: [by("new", "06"), by("old", "05")], CERTIFICATES: reply})
    assert why(asked(wechat, host)) is UnknownKind.UNVERIFIED
    assert isinstance(asked(wechat, host), Answer)


def test_an_unknown_serial_is_looked_for_once_a_minute() -> None:
    """wechatpayv3#9: an endless loop of downloads when the serial number stayed unknown."""
    wechat = merchant(mode="certificate", platform_certificates=(platform_certificate("old", 5),))
    host = Host({QUERY: by("new", "06"), CERTIFICATES: download(("old", 5))})
    for _ in range(5):
        assert why(asked(wechat, host)) is UnknownKind.UNVERIFIED
    assert host.asked.count(CERTIFICATES) == 1
    host.slept_s = 61.0
    host.replies = {QUERY: by("new", "06", at=NOON + timedelta(seconds=61)), CERTIFICATES: host.replies[CERTIFICATES]}
    asked(wechat, host)
    assert host.asked.count(CERTIFICATES) == 2


def test_made_up_serials_cost_ten_downloads_a_minute_at_most() -> None:
    """Whoever sends random serial numbers does not make us hammer WeChat."""
    wechat = merchant(mode="certificate", platform_certificates=(platform_certificate("old", 5),))
    host = Host({CERTIFICATES: download(("old", 5))})
    for number in range(40):
        host.replies = {**host.replies, QUERY: by("new", f"{0xA000 + number:04X}")}
        assert why(asked(wechat, host)) is UnknownKind.UNVERIFIED
    assert host.asked.count(CERTIFICATES) == 10


@pytest.mark.parametrize("serial", ["pub_key_id_0100000000002026013100000000000001", "zz", "../..", "07,08"])
def test_what_is_no_serial_number_is_not_looked_for(serial: str) -> None:
    """Ids are compared as they are, in their case."""
    wechat, host = merchant(), Host({QUERY: by("wechat", serial)})
    assert why(asked(wechat, host)) is UnknownKind.UNVERIFIED
    assert host.asked == [QUERY]


def test_a_certificate_is_renewed_before_it_ends() -> None:
    """Ten days before, a new one is looked for, with a message that the old one signed; the new one is then known."""
    ends = NOON + timedelta(days=8)
    wechat = merchant(mode="certificate", platform_certificates=(platform_certificate("old", 5, ends),))
    host = Host({QUERY: [by("old", "05"), by("new", "06")], CERTIFICATES: download(("old", 5), ("new", 6))})
    assert isinstance(asked(wechat, host), Answer)
    assert host.asked == [QUERY, CERTIFICATES]
    assert isinstance(asked(wechat, host), Answer)
    assert host.asked == [QUERY, CERTIFICATES, QUERY]


def test_an_expired_certificate_signs_nothing() -> None:
    """And it is not learnt from a list either."""
    ended = NOON - timedelta(days=1)
    wechat = merchant(mode="certificate", platform_certificates=(platform_certificate("old", 5, ended),))
    host = Host({QUERY: by("old", "05"), CERTIFICATES: refused(404, "RESOURCE_NOT_EXISTS", by="old", serial="05")})
    assert why(asked(wechat, host)) is UnknownKind.UNVERIFIED


# --- the platform public key


def test_new_merchants_have_no_certificates_and_need_none() -> None:
    """gopay#428, wechatpay-go#241, weixin-java-pay-demo#131, nest-wechat#22, java#306: 404, where SDKs insist on it."""
    wechat, host = merchant(mode="public"), Host({QUERY: said(200, transaction())})
    assert isinstance(asked(wechat, host), Answer)
    assert host.asked == [QUERY]
    assert host.requests[0].headers["wechatpay-serial"] == PUBLIC_ID


@pytest.mark.parametrize(
    "reply",
    [
        unsigned(404, "RESOURCE_NOT_EXISTS"),
        unsigned(500, "SYSTEM_ERROR"),
        said(200, {"data": []}, by="new", serial="06"),
    ],
)
def test_a_merchant_without_certificates_is_told_which_key_to_configure(reply: WireReply) -> None:
    """wechatpayv3#34, #56 raise a bare exception at construction; here nothing fails before it must, and says how."""
    wechat, host = merchant(mode="certificate"), Host({QUERY: by("wechat", "0A1B"), CERTIFICATES: reply})
    assert "platform_public_key and platform_public_key_id" in told(asked(wechat, host))


def test_an_unknown_public_key_is_never_looked_for() -> None:
    """Only the console shows it."""
    wechat, host = merchant(), Host({QUERY: by("wechat", "PUB_KEY_ID_0199")})
    assert "copy key and id from the console" in told(asked(wechat, host))
    assert host.asked == [QUERY]


def test_certificate_and_public_key_serve_at_once_during_the_change() -> None:
    """go#263, wechatpayv3#76, #79: for a week WeChat signs with one or the other; the header tells which."""
    wechat = merchant(mode="both")
    host = Host({QUERY: [said(200, transaction()), by("platform", "07"), said(200, transaction())]})
    assert [type(asked(wechat, host)) for _ in range(3)] == [Answer, Answer, Answer]
    assert {request.headers["wechatpay-serial"] for request in host.requests} == {PUBLIC_ID}


def test_one_keys_signature_does_not_pass_under_the_others_name() -> None:
    """The serial number chooses the key; no key is tried for another."""
    wechat = merchant(mode="both")
    assert why(asked(wechat, Host({QUERY: by("platform", PUBLIC_ID)}))) is UnknownKind.UNVERIFIED
    assert why(asked(wechat, Host({QUERY: by("wechat", "07")}))) is UnknownKind.UNVERIFIED


def test_every_merchant_has_keys_of_its_own() -> None:
    """java#122, java#372: one process, many merchants, and nothing shared between them."""
    first, second = merchant(mode="certificate"), merchant(mode="certificate", mchid="1900000099")
    assert isinstance(
        asked(first, Host({QUERY: by("platform", "07"), CERTIFICATES: download(("platform", 7))})), Answer
    )
    host = Host({QUERY: by("platform", "07"), CERTIFICATES: unsigned(404, "RESOURCE_NOT_EXISTS")})
    assert why(asked(second, host)) is UnknownKind.UNVERIFIED


def until_it_sends(exchange: Generator[Effect, object, object], host: Host) -> Send:
    """Drive an exchange to its first request, and stop there: the answer is still on its way."""
    effect = next(exchange)
    while not isinstance(effect, Send):
        effect = exchange.send(host.perform(effect))
    return effect


def rest_of(exchange: Generator[Effect, object, object], answer: object, host: Host) -> object:
    """Drive an exchange that was stopped to its end."""
    try:
        while True:
            answer = host.perform(exchange.send(answer))
    except StopIteration as end:
        return end.value


@pytest.mark.parametrize("for_encryption", [False, True], ids=["to verify", "to encrypt"])
def test_one_caller_downloads_and_the_others_wait(for_encryption: bool) -> None:
    """A single flight: a hundred answers of a new certificate are one download, and nobody waits past his deadline."""
    wechat, host = merchant(mode="certificate"), Host({CERTIFICATES: download(("platform", 7))})

    def wanted(deadline_s: float) -> Generator[Effect, object, PlatformKey | str]:
        return encryption_key(wechat, deadline_s) if for_encryption else key_for(wechat, "07", deadline_s)

    first, second = wanted(10.0), wanted(10.0)
    request = until_it_sends(first, host)
    assert isinstance(drive(wanted(0.01), host), str), "its deadline is over while the first one is under way"
    effect = next(second)
    while not isinstance(effect, Sleep):
        effect = second.send(host.perform(effect))
    assert isinstance(rest_of(first, host.perform(request), host), PlatformKey)
    assert isinstance(rest_of(second, None, host), PlatformKey)
    assert host.asked == [CERTIFICATES]


# --- encryption


def test_names_are_encrypted_with_the_key_that_the_header_names() -> None:
    """The public key where there is one, else the newest certificate, downloaded when none is known."""
    for mode, serial, signer in (
        ("public", PUBLIC_ID, "wechat"),
        ("both", PUBLIC_ID, "wechat"),
        ("certificate", "08", "new"),
    ):
        host = Host(
            {
                ENDPOINT: said(200, {}, by=signer, serial=serial),
                CERTIFICATES: download(("platform", 7), ("new", 8)),
            }
        )
        assert isinstance(drive(ask_wechat(merchant(mode=mode), SECRET, 10.0), host), Answer)
        sent = host.requests[-1]
        assert sent.headers["wechatpay-serial"] == serial
        assert "李雷".encode() not in sent.content
        hidden = sent.content.decode().split('"')[3]
        assert key(signer).decrypt(base64.b64decode(hidden)).decode() == "李雷"


def test_without_a_key_a_name_does_not_leave() -> None:
    """Nothing was sent, and it says which setting is missing; one download a minute, not one a call."""
    wechat, host = merchant(mode="certificate"), Host({CERTIFICATES: unsigned(404, "RESOURCE_NOT_EXISTS")})
    for _ in range(3):
        found = drive(ask_wechat(wechat, SECRET, 10.0), host)
        assert isinstance(found, Observation)
        assert found.not_sent is not None
        assert found.not_sent.kind is NotSentKind.KEYS
        assert "platform_public_key" in found.not_sent.detail
    assert host.asked == [CERTIFICATES]


def test_a_name_that_is_too_long_does_not_leave() -> None:
    """An RSA key carries 214 bytes."""
    long = replace(SECRET, body={"user_name": "x" * 215})
    found = drive(ask_wechat(merchant(), long, 10.0), Host({}))
    assert isinstance(found, Observation)
    assert found.not_sent is not None
    assert found.not_sent.kind is NotSentKind.INVALID


# --- parsing


@pytest.mark.parametrize(("number", "expected"), [(0xABC, "0ABC"), (0xABCD, "ABCD"), (7, "07"), (0, "00")])
def test_a_serial_number_keeps_its_leading_zero(number: int, expected: str) -> None:
    """Python's ``hex()`` and Java's ``toString(16)`` lose it; wechatpay-go mended this in 0.2.5."""
    assert expected == serial_text(number)


@pytest.mark.parametrize(("listed", "told"), [("07", "7"), ("007", "07"), ("07", "00007"), ("0A", "a")])
def test_leading_zeros_do_not_make_another_certificate(listed: str, told: str) -> None:
    """A list that writes forty digits and a header that does not, or the other way round; sent back as listed."""
    number = int(listed, 16)
    reply = download(("platform", number), serial=told)
    body = reply.content.replace(f'"serial_no": "{number:02X}"'.encode(), f'"serial_no": "{listed}"'.encode())
    signed = headers(body, by="platform", serial=told)
    host = Host({QUERY: by("platform", told), CERTIFICATES: WireReply(200, tuple(signed.items()), body)})
    wechat = merchant(mode="certificate")
    assert isinstance(asked(wechat, host), Answer)
    key_in_use = wechat.keys.for_encryption(NOON.timestamp())
    assert key_in_use is not None
    assert key_in_use.serial == listed


def test_a_certificate_must_stand_under_its_own_number() -> None:
    """Else a list could give an old key a new name."""
    listed = download(("platform", 7)).content.replace(b'"serial_no": "07"', b'"serial_no": "08"')
    with pytest.raises(MalformedCertificate, match="another one's"):
        read_download(listed, API_V3_KEY)


def test_a_certificate_of_another_api_key_cannot_be_slipped_in() -> None:
    """The API v3 key vouches for certificates: without it none decrypts."""
    with pytest.raises(MalformedCertificate, match="not what this key encrypted"):
        read_download(download(("platform", 7)).content, bytes(32))


def self_signed(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    """A certificate over a key that this adapter does not take."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = builder.serial_number(7).not_valid_before(NOON).not_valid_after(NOON + timedelta(days=1))
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "x",
        key("wechat").public.pem(),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        self_signed(ec.generate_private_key(ec.SECP256R1())),
        self_signed(rsa.generate_private_key(65537, 1024)),
    ],
    ids=["empty", "no PEM", "a key", "no DER", "not RSA", "1024 bits"],
)
def test_what_is_no_certificate_is_refused(pem: str) -> None:
    """One declared error."""
    with pytest.raises(MalformedCertificate):
        parse_certificate(pem)


def test_a_certificate_serves_in_its_time() -> None:
    """Both ends."""
    days = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    found = parse_certificate(certificate("a", "b", signed_by="root", of="platform", serial=0xABC, days=days))
    assert found.serial == "0ABC"
    at = [days[0] - timedelta(seconds=1), days[0], days[1] - timedelta(seconds=1), days[1]]
    assert [found.serves(one) for one in at] == [False, True, True, False]
