"""Every published test case of Alipay's signing, read from ``PAYPORT_VECTORS``; the counts are part of the test.

The cases come from the official SDKs and from maintained third-party libraries. They prove against the outside world
what the neighbouring test modules prove on keys of our own.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TypedDict, cast
from urllib.parse import urlencode

import pytest
from tests.support.vectors import vectors

from payport.adapters.alipay.certificates import cert_sn, chain_is_valid, parse_certificates, root_cert_sn
from payport.adapters.alipay.encryption import ContentCipher, decrypt, encrypt
from payport.adapters.alipay.forms import encode_form, notice_is_authentic, parse_form
from payport.adapters.alipay.signing import canonical, reply_is_authentic, split_reply, strict_json, verify
from payport.sdk.keys import PrivateKey, PublicKey


class Case(TypedDict):
    """One published case. Each file has some of the fields: the tests ask before they read the rarer ones."""

    id: str
    algorithm: str
    canonical: str
    charset: str
    ciphertext_b64: str
    computed: str
    expected: bool | str | None
    expected_is_stale: bool
    expected_sign: str
    file: str
    files: list[str]
    form_body: str
    form_query: str
    key_b64: str
    kind: str
    node: str
    order_string: str
    params: dict[str, str]
    plaintext: str
    private_key_file: str
    public_key: dict[str, str]
    public_key_b64: str
    public_key_file: str
    raw: str
    raw_response: str
    rebuilt_envelope: str
    rule: str
    sign: str
    sign_type: str
    signed_substring: str


def cases(file: str, count: int) -> list[Case]:
    """The cases of one file. Fails when one was lost."""
    found = cast("list[Case]", json.loads(vectors("alipay", file).read_text("utf-8"))["vectors"])
    assert count == len(found)
    return found


def text(path: str) -> str:
    """A published key or certificate."""
    return vectors("alipay", *path.split("/")).read_text("utf-8")


def public_key(case: Case) -> PublicKey:
    """The key that a case verifies with, in whichever way it is given."""
    if "public_key_b64" in case:
        return PublicKey.load(case["public_key_b64"])
    return PublicKey.load(text(case["public_key_file"] if "public_key_file" in case else case["public_key"]["file"]))


def public_half(path: str) -> PublicKey:
    """Of a published key, private or public."""
    return PrivateKey.load(text(path)).public if "private" in path else PublicKey.load(text(path))


def sent_params(case: Case, sign: str) -> dict[str, str]:
    """What goes on the wire."""
    return {**case["params"], "sign": sign}


def test_requests_are_signed_as_published() -> None:
    """14 cases: signatures made by other libraries, UTF-8, GBK, an app's order string, keys in all containers."""
    counted = {"signed": 0, "SHA-1": 0, "same key": 0}
    for case in cases("request_sign_v2.json", 14):
        if "files" in case:
            keys = [PrivateKey.load(text(path)) if "private" in path else None for path in case["files"]]
            publics = [
                key.public if key else PublicKey.load(text(path)) for key, path in zip(keys, case["files"], strict=True)
            ]
            assert publics[0] == publics[1], case["id"]
            counted["same key"] += 1
            continue
        key = PrivateKey.load(text(case["private_key_file"]))
        charset = case.get("charset", "utf-8")
        message = canonical(case["params"], charset) if "params" in case else case["raw"].encode()
        assert "canonical" not in case or case["canonical"].encode(charset) == message, case["id"]
        if case["id"].endswith("rsa1"):
            assert key.public.verify(message, base64.b64decode(case["computed"]), legacy_sha1=True)
            counted["SHA-1"] += 1
            continue
        sign = base64.b64encode(key.sign(message)).decode()
        assert case.get("expected_sign", case["computed"]) == sign, case["id"]
        assert verify((key.public,), message, sign), case["id"]
        counted["signed"] += 1
        if "order_string" in case:
            assert case["order_string"].encode() == encode_form(sent_params(case, sign))
        if "form_query" in case:
            sent = parse_form(f"{case['form_query']}&{case['form_body']}".encode())
            assert sent_params(case, sign) == dict(sent.fields)
    assert counted == {"signed": 5, "SHA-1": 1, "same key": 8}


def test_the_signed_substring_is_found_as_published() -> None:
    """17 envelopes: braces and quotes in texts and names, blanks, encrypted nodes, nested signatures, empty ones."""
    for case in cases("response_extraction.json", 17):
        refused = case["node"] == "error_response"
        method = "alipay.trade.pay" if refused else case["node"].removesuffix("_response").replace("_", ".")
        reply = split_reply(case["raw_response"].encode(), method)
        assert (case["node"], case["signed_substring"].encode()) == (reply.node_name, reply.node), case["id"]


def test_replies_verify_as_published() -> None:
    """6 replies: 3 authentic, 2 not, and 1 whose key was never published, which serves as an envelope only."""
    verdicts: list[bool | str | None] = []
    for case in cases("sync_response.json", 6):
        whole = case.get("raw_response", case.get("rebuilt_envelope", ""))
        if whole:
            name = case.get("node", "alipay_fund_trans_uni_transfer_response")
            reply = split_reply(whole.encode(), name.removesuffix("_response").replace("_", "."))
            assert (case["signed_substring"].encode(), case["sign"]) == (reply.node, reply.sign), case["id"]
            assert case["expected"] is None or case["expected"] == reply_is_authentic(reply, (public_key(case),))
            assert strict_json(reply.node)["code"] == "10000"
        if case["expected"] is not None:
            authentic = verify((public_key(case),), case["signed_substring"].encode(), case["sign"])
            assert case["expected"] == authentic, case["id"]
        verdicts.append(case["expected"])
    assert (verdicts.count(True), verdicts.count(False), verdicts.count(None)) == (3, 2, 1)


def test_notices_verify_as_published() -> None:
    """6 messages, 5 authentic; of each authentic one three forgeries are made that must not be."""
    authentic = 0
    for case in cases("notify.json", 6):
        key, params = public_key(case), case["params"]
        body = case["form_body"].encode() if "form_body" in case else urlencode(params).encode()
        form = parse_form(body)
        assert params == dict(form.fields), case["id"]
        without = frozenset({"sign", "sign_type"} if case["rule"] == "V1" else {"sign"})
        assert case["canonical"].encode(case["charset"]) == canonical(params, without=without), case["id"]
        if case["sign_type"] == "RSA":  # SHA-1: genuine, and refused unless the caller himself asks for it
            sign = base64.b64decode(params["sign"])
            assert key.verify(case["canonical"].encode(), sign, legacy_sha1=True)
            assert not notice_is_authentic(form, (key,))
        else:
            assert case["expected"] == notice_is_authentic(form, (key,)), case["id"]
        authentic += case["expected"] is True
        for forged in (
            {**params, "app_id": "2021000000000000"},
            {**params, "total_amount": "9999.00"},
            {**params, "sign": params["sign"].replace("A", "B", 1)},
        ):
            assert not notice_is_authentic(parse_form(encode_form(forged)), (key,)), case["id"]
    assert authentic == 5


def test_certificate_numbers_are_as_published() -> None:
    """10 files: 6 with a number that their SDK asserts, 2 with a stale comment, 2 without any."""
    asserted = 0
    for case in cases("cert_sn.json", 10):
        pem = text(case["file"])
        number = root_cert_sn(pem) if case["kind"] == "root" else cert_sn(pem)
        assert case["computed"] == number, case["id"]
        if case["expected"] is not None and not case.get("expected_is_stale"):
            assert case["expected"] == number, case["id"]
            asserted += 1
    assert asserted == 6


def test_content_is_encrypted_and_decrypted_as_published() -> None:
    """5 texts: AES three times, one of them a genuine reply; AES_V2; SM4-GCM."""
    for case in cases("aes.json", 5):
        cipher = ContentCipher(case["algorithm"].split()[0])
        plain = case["plaintext"].encode()
        assert plain == decrypt(case["key_b64"], case["ciphertext_b64"], cipher=cipher), case["id"]
        vector = bytes(16) if cipher is ContentCipher.AES else base64.b64decode(case["ciphertext_b64"])[:16]
        assert case["ciphertext_b64"] == encrypt(case["key_b64"], plain, cipher=cipher, vector=vector), case["id"]


def test_the_sandboxs_certificate_cannot_be_chained() -> None:
    """Why there is a pinned mode. Today's root file does not anchor the sandbox; the old one does, but the sandbox's
    intermediate is no authority: it carries what every merchant's certificate carries.
    """
    leaf, intermediate = parse_certificates(text("keys/yansongda_alipayPublicCert.crt"))
    old = parse_certificates(text("keys/fzlee_dc_alipay_root_cert.crt"))
    today = parse_certificates(text("keys/yansongda_alipayRootCert.crt"))
    while_valid = datetime(2024, 1, 1, tzinfo=UTC)
    assert leaf.is_alipay
    leaf.parsed.verify_directly_issued_by(intermediate.parsed)
    assert chain_is_valid(intermediate, [], old, while_valid)
    assert not chain_is_valid(intermediate, [], old, datetime(2026, 1, 1, tzinfo=UTC))
    assert not chain_is_valid(intermediate, [], today, while_valid)
    assert not chain_is_valid(leaf, [intermediate], old, while_valid)
    assert chain_is_valid(leaf, [], [leaf], while_valid)


@pytest.mark.parametrize("name", ["node_appCertPublicKey_2021001161683774.crt", "yansongda_alipayAppPublicCert.crt"])
def test_published_application_certificates_are_not_alipays(name: str) -> None:
    """Issued under the same authority, to merchants."""
    assert not parse_certificates(text(f"keys/{name}"))[0].is_alipay
