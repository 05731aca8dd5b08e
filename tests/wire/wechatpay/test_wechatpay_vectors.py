"""Every published test case of WeChat Pay's signing and encryption, read from ``PAYPORT_VECTORS``; counts are tested.

The cases come from the official SDKs and from maintained third-party libraries. They prove against the outside world
what the neighbouring test modules prove on keys of our own.
"""

from __future__ import annotations

import base64
import json
import textwrap
from typing import Any, cast

import pytest
from tests.support.vectors import vectors

from payport.adapters.wechatpay import WeChatPay, WeChatPayAccount
from payport.adapters.wechatpay.certificates import parse_certificate, read_download
from payport.adapters.wechatpay.encryption import (
    MalformedCiphertext,
    Resource,
    decrypt,
    encrypt,
    open_object,
    reveal,
)
from payport.adapters.wechatpay.signing import (
    Flaw,
    Seal,
    answer_message,
    authorization,
    base64_text,
    is_authentic,
    lines,
    payer_message,
    plain_headers,
    read_seal,
    request_message,
)
from payport.sdk.keys import PrivateKey, PublicKey
from payport.sdk.secrets import Secret

Case = dict[str, Any]


def published(file: str) -> Case:
    """One file."""
    return cast("Case", json.loads(vectors("wechatpay", f"{file}.json").read_text("utf-8")))


def cases(file: str, count: int, part: str = "vectors") -> list[Case]:
    """The cases of one file. Fails when one was lost."""
    found = cast("list[Case]", published(file)[part])
    assert count == len(found)
    return found


def pem(der_base64: str, label: str = "CERTIFICATE") -> str:
    """Bare base64 in its armour."""
    body = "\n".join(textwrap.wrap(der_base64, 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


def keys_of(reference: str) -> Case:
    """What ``keys.json#name`` names."""
    return cast("Case", published("keys")[reference.partition("#")[2].partition(" ")[0]])


def private(reference: str) -> PrivateKey:
    """A published private key."""
    return PrivateKey.load(keys_of(reference)["private_key_pkcs8_der_b64"])


def public(reference: str) -> PublicKey:
    """A published public key."""
    return PublicKey.load(keys_of(reference)["public_key_spki_der_b64"])


def test_the_published_keys_fit_their_certificates() -> None:
    """Seven certificates over four keys; serial numbers as WeChat writes them."""
    checked = 0
    for name, entry in published("keys").items():
        if not isinstance(entry, dict):
            continue
        key = PrivateKey.load(entry["private_key_pkcs8_der_b64"]) if "private_key_pkcs8_der_b64" in entry else None
        for one in entry.get("certificates", []):
            found = parse_certificate(pem(one["der_b64"]))
            assert one["serial_no_even_padded"] == found.serial, name
            assert key is not None
            assert key.public == found.key
            assert (one["not_before"], one["not_after"]) == (found.not_before.isoformat(), found.not_after.isoformat())
            checked += 1
        if "public_key_spki_der_b64" in entry and key is not None:
            assert key.public == PublicKey.load(entry["public_key_spki_der_b64"])
    assert checked == 5
    server = keys_of("#axios_merchant")["server_certificate"]
    assert server["serial_no_even_padded"] == parse_certificate(pem(server["der_b64"])).serial


def test_requests_are_signed_as_published() -> None:
    """Six cases: raw signatures of two SDKs, one whole request with raw Chinese and an escaped slash, three layouts."""
    counted = {"signed": 0, "verified": 0, "layout": 0}
    for case in cases("request_signing", 6):
        message = case["message"].encode()
        if "method" in case:
            spoken = case["method"], case["url"], case["timestamp"], case["nonce_str"], case["body"].encode()
            assert message == request_message(*spoken), case["name"]
            counted["layout"] += 1
        if "derived_signature_with_go_rsa_b64" in case:
            assert case["derived_signature_with_go_rsa_b64"] == base64_text(private("#go_rsa").sign(message))
            counted["signed"] += 1
        elif "yansongda" in case["key"]:
            assert public(case["key"]).verify(message, base64.b64decode(case["signature_b64"]))
            counted["verified"] += 1
        else:
            assert case["signature_b64"] == base64_text(private(case["key"]).sign(message))
            counted["signed"] += 1
        if "must_not_verify_with" in case:
            assert not public(case["must_not_verify_with"]).verify(message, base64.b64decode(case["signature_b64"]))
    assert counted == {"signed": 5, "verified": 1, "layout": 4}


def test_the_header_holds_what_others_send() -> None:
    """The order of its parts is free: the same parts as in another library's literal, and as in a whole request."""
    literal = published("request_signing")["authorization_parse"]["axios_literal"]["value"]
    assert _parts(literal) == _parts(authorization("1", "5", "4", "2", b"")) | {'signature="3"'} - {'signature=""'}
    (case,) = [case for case in cases("request_signing", 6) if "authorization" in case]
    signature = base64.b64decode(case["signature_b64"])
    ours = authorization(case["mchid"], case["serial_no"], case["timestamp"], case["nonce_str"], signature)
    assert _parts(case["authorization"]) == _parts(ours)


def _parts(header: str) -> set[str]:
    scheme, _, rest = header.partition(" ")
    return {scheme, *rest.split(",")} - {'signature=""'}


def test_lines_are_joined_as_published() -> None:
    """Each with a line feed, an empty last one too."""
    joined = published("request_signing")["line_join"]
    for case in joined["request"] + joined["response"]:
        assert case["value"].encode() == lines(*case["args"])


def verdict(case: Case, trusted: dict[str, PublicKey]) -> Flaw | bool:
    """What a message with these headers is, at that time."""
    headers = plain_headers(case["headers"].items())
    assert not isinstance(headers, Flaw)
    seal = read_seal(headers, case["clock_unix"])
    if not isinstance(seal, Seal):
        return seal
    key = trusted.get(seal.serial)
    return Flaw.UNKNOWN_KEY if key is None else is_authentic(seal, case["body"].encode(), key)


def test_answers_are_verified_as_published() -> None:
    """Three: an answer, an empty 204, one in public-key mode."""
    for case in cases("response_verification", 3):
        key = public(case["platform_public_key"])
        assert verdict(case, {case["headers"]["Wechatpay-Serial"]: key}) is True, case["name"]
        timestamp, nonce = case["headers"]["Wechatpay-Timestamp"], case["headers"]["Wechatpay-Nonce"]
        assert case["message"].encode() == answer_message(timestamp, nonce, case["body"].encode())


EXPECTED: dict[str, Flaw | bool] = {
    "signtest-prefix": False,
    "signtest-prefix-not-base64": False,
    "signtest-prefix-odd-length": False,
    "tampered-body": False,
    "reserialised-body": False,
    "stale-301s": Flaw.STALE,
    "edge-300s": True,
    "future-301s": Flaw.STALE,
    "unknown-serial": Flaw.UNKNOWN_KEY,
    "serial-case": Flaw.UNKNOWN_KEY,
    "missing-signature": Flaw.UNSIGNED,
    "missing-serial": Flaw.UNSIGNED,
    "missing-nonce": Flaw.UNSIGNED,
    "missing-timestamp": Flaw.UNSIGNED,
    "timestamp-not-number": Flaw.MALFORMED,
    "empty-signature": Flaw.UNSIGNED,
    "signature-not-base64": False,
    "signature-type-absent": True,
    "signature-type-unknown": Flaw.UNSUPPORTED,
}


def test_what_must_be_refused_is_refused_as_published() -> None:
    """Nineteen: probes, tampering, the clock both ways, keys, missing and odd headers; none of them crashes."""
    trusted = {serial: public(key) for serial, key in published("verifier_negative")["trusted"].items()}
    for case in cases("verifier_negative", 19):
        found = verdict(case, trusted)
        assert EXPECTED[case["name"]] == found, case["name"]
        assert case["expect"].startswith("accept") is (found is True)


def test_certificates_are_decrypted_as_published() -> None:
    """Two downloads; one of them carries a signature that its own certificate verifies."""
    signed = 0
    for case in cases("certificates", 2):
        (found,) = read_download(case["body"].encode(), case["api_v3_key"].encode())
        assert case["serial_no"] == found.serial
        assert found == parse_certificate(case["certificate_pem"])
        assert (case["not_before"], case["not_after"]) == (found.not_before.isoformat(), found.not_after.isoformat())
        if "derived_signature" in case:
            headers = plain_headers(
                (name, value) for name, value in case["derived_signature"].items() if isinstance(value, str)
            )
            assert not isinstance(headers, Flaw)
            seal = read_seal(headers, int(headers["wechatpay-timestamp"]))
            assert isinstance(seal, Seal)
            assert (found.serial, True) == (seal.serial, is_authentic(seal, case["body"].encode(), found.key))
            signed += 1
    assert signed == 1


def test_contents_are_decrypted_as_published() -> None:
    """Four, and encrypted again to the same text."""
    for case in cases("aead", 4):
        key, nonce, extra = case["key"].encode(), case["nonce"], case["associated_data"]
        assert case["plaintext"].encode() == decrypt(key, nonce, extra, case["ciphertext_b64"]), case["name"]
        assert case["ciphertext_b64"] == encrypt(key, nonce, extra, case["plaintext"].encode())


def test_what_cannot_be_decrypted_is_an_error_value_as_published() -> None:
    """Fourteen: no base64, too short, other key, data or nonce, nonces of 0, 1, 6 and 13 characters."""
    for case in cases("aead", 14, "negative"):
        with pytest.raises(MalformedCiphertext):
            decrypt(case["key"].encode(), case["nonce"], case["associated_data"], case["ciphertext_b64"])


def test_notifications_are_verified_and_decrypted_as_published() -> None:
    """Five: signature of all, content of four."""
    opened = 0
    for case in cases("notifications", 5):
        reference = case.get("platform_public_key") or case["platform_certificate"]
        assert verdict(case, {case["headers"]["Wechatpay-Serial"]: public(reference)}) is True, case["name"]
        if case["api_v3_key"] is None:
            continue
        found = open_object(Resource.of(json.loads(case["body"])["resource"]), case["api_v3_key"].encode())
        assert json.loads(case["decrypted"]) == found
        opened += 1
    assert opened == 4


def test_the_payers_parameters_are_signed_as_published() -> None:
    """Pages and mini-programs sign ``prepay_id=...``, apps the bare number."""
    page, app = cases("paysign", 2)
    told = page["result"]
    message = payer_message(told["appId"], told["timeStamp"], told["nonceStr"], told["package"])
    assert page["message"].encode() == message
    assert told["paySign"] == base64_text(private(page["key"]).sign(message))
    told = app["result"]
    message = payer_message(told["appid"], told["timestamp"], told["noncestr"], told["prepayid"])
    assert app["message"].encode() == message
    assert told["sign"] == base64_text(private(app["key"]).sign(message))


def test_sensitive_fields_are_read_as_published() -> None:
    """OAEP with SHA-1; the padding of a few old APIs is not taken for it; 214 bytes; bad input is an error value."""
    oaep, old, capacity, bad = cases("sensitive_fields", 4)
    key = private(oaep["key"])
    assert oaep["plaintext"] == reveal(oaep["ciphertext_b64"], key)
    for case in (old, bad):
        with pytest.raises(MalformedCiphertext):
            reveal(case["ciphertext_b64"], key)
    most = capacity["max_plaintext_bytes_rsa2048_oaep_sha1"]
    assert most == len(key.decrypt(key.public.encrypt(b"x" * most)))
    with pytest.raises(ValueError, match="at most"):
        key.public.encrypt(b"x" * (most + 1))


def test_an_account_with_published_keys_is_built() -> None:
    """And reads what was encrypted for it."""
    case = cases("sensitive_fields", 4)[0]
    mine, theirs = keys_of("#java_merchant"), keys_of("#java_wechatpay")
    account = WeChatPayAccount(
        mchid="1230000109",
        appid="wxd678efh567hg6787",
        private_key=Secret(mine["private_key_pkcs8_der_b64"]),
        serial_no=mine["certificates"][0]["serial_no_plain_hex"],
        api_v3_key=Secret("a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb"),
        platform_certificates=(pem(theirs["certificates"][0]["der_b64"]),),
    )
    assert case["plaintext"] == WeChatPay(account).decrypt(case["ciphertext_b64"])
