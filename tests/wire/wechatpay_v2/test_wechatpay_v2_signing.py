"""How API v2 signs and encrypts: the rules on samples of our own, and every published sample."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.vectors import vectors
from tests.wire.wechatpay_v2.words import ACCOUNT, KEY, MD5_ACCOUNT, said, sign

from payport.adapters.wechatpay_v2 import SignType
from payport.adapters.wechatpay_v2.encryption import (
    MAX_CHARACTERS,
    MalformedCiphertext,
    aes_key,
    decrypt,
    decrypt_blocks,
    encrypt,
)
from payport.adapters.wechatpay_v2.signing import canonical, is_authentic, kind_of, signature
from payport.sdk.strict_xml import MalformedXml, parse_flat

BOTH = frozenset(SignType)
HMAC_ONLY = frozenset({SignType.HMAC_SHA256})


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("a=1&b=2&key=K", {"b": "2", "a": "1"}),
        ("a=1&key=K", {"a": "1", "b": "", "sign": "X"}),
        ("A=1&a=2&key=K", {"a": "2", "A": "1"}),
        ("a=x&b=&=&key=K".replace("b=&=", "b= & ="), {"a": "x", "b": " & ="}),
        ("attach=\u8336&key=K", {"attach": "\u8336"}),
        ("sign_type=MD5&key=K", {"sign_type": "MD5"}),
        ("key=K", {}),
    ],
)
def test_what_is_hashed(text: str, fields: dict[str, str]) -> None:
    """Names in the order of their bytes; empty values and the signature itself left out; values as they stand."""
    assert canonical(fields, "K") == text


@pytest.mark.parametrize("kind", SignType)
def test_both_hashes_are_those_of_the_documents(kind: SignType) -> None:
    """Upper-case hexadecimal; the HMAC's key is the shared key, which stands in the text as well."""
    fields = {"appid": "wx1", "body": "\u8336 Tea", "nonce_str": "n", "sign_type": kind.value}
    assert signature(fields, KEY, kind) == sign(fields, KEY, kind.value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (SignType.MD5, "9A0A8659F005D6984697E2CA0A9CF3B7"),
        (SignType.HMAC_SHA256, "6a9ae1657590fd6257d693a078e1c3e4bb6ba4dc30b23e0ee2496e54170dacd6"),
        (None, ""),
        (None, "9A0A8659F005D6984697E2CA0A9CF3B"),
        (None, "ZA0A8659F005D6984697E2CA0A9CF3B7"),
        (None, "\uff19A0A8659F005D6984697E2CA0A9CF3B7"),
    ],
)
def test_a_signature_tells_by_its_length_how_it_was_made(kind: SignType | None, text: str) -> None:
    """Messages often do not say. See the pains of others: WxJava#1585, WXPay-SDK-Java#1."""
    assert kind_of(text) is kind


@pytest.mark.parametrize(
    ("authentic", "fields", "believed"),
    [
        (True, said(total_fee="1"), HMAC_ONLY),
        (True, said(total_fee="1", sign_type="-"), HMAC_ONLY),
        (True, said({"sign_type": "HMAC-SHA256"}), HMAC_ONLY),
        (True, {**said(), "sign": said()["sign"].lower()}, HMAC_ONLY),
        (True, said(sign_type="MD5"), BOTH),
        (False, said(sign_type="MD5"), HMAC_ONLY),
        (False, said({"sign_type": "MD5"}), BOTH),
        (False, said({"sign_type": "HMAC-SHA256"}, sign_type="MD5"), BOTH),
        (False, said({"sign_type": "RSA"}), BOTH),
        (False, {**said(), "total_fee": "1"}, BOTH),
        (False, {**said(), "return_code": "FAIL"}, BOTH),
        (False, {**said(), "sign": ""}, BOTH),
        (False, {**said(), "sign": "\u8336" * 64}, BOTH),
        (False, {name: value for name, value in said().items() if name != "sign"}, BOTH),
        (False, said(key=KEY[::-1]), BOTH),
    ],
)
def test_what_is_authentic(authentic: bool, fields: dict[str, str], believed: frozenset[SignType]) -> None:
    """Every field counts; a message that says how it was signed must have been; MD5 only where it is asked for."""
    assert is_authentic(fields, KEY, believed) is authentic


def test_who_believes_md5() -> None:
    """An account that signs with it, or one that says so for the days of a change."""
    assert ACCOUNT.believed == HMAC_ONLY
    assert MD5_ACCOUNT.believed == BOTH


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(max_size=20), max_size=6), st.data())
def test_no_change_goes_unseen(fields: dict[str, str], data: st.DataObject) -> None:
    """Of any field that is not empty."""
    try:
        whole = {**fields, "total_fee": "1234"}
        signed = {**whole, "sign": signature(whole, KEY, SignType.HMAC_SHA256)}
    except UnicodeEncodeError:
        return
    assert is_authentic(signed, KEY, HMAC_ONLY)
    name = data.draw(st.sampled_from(sorted(set(whole) - {"sign"})))
    assert not is_authentic({**signed, name: signed[name] + "1"}, KEY, HMAC_ONLY)


def test_a_refund_notice_is_encrypted_with_the_hash_of_the_key() -> None:
    """Twice the same text twice gives the same blocks: it is ECB, and carries no authentication."""
    text = encrypt(KEY, b"<root>" + b"0123456789abcdef" * 2 + b"</root>")
    assert decrypt(KEY, text) == b"<root>0123456789abcdef0123456789abcdef</root>"
    assert decrypt(KEY, "\n".join([text[:40], text[40:]])) == decrypt(KEY, text)
    assert encrypt(KEY, b"0" * 32)[:21] == encrypt(KEY, b"0" * 16)[:21]


@pytest.mark.parametrize(
    ("why", "text"),
    [
        ("not base64", "%%%"),
        ("not base64", "\u8336"),
        ("not base64", "abc"),
        ("not whole blocks", ""),
        ("not whole blocks", "YWJj"),
        ("our key does not open it", encrypt(KEY[::-1], b"<root/>")),
        ("longer than", "A" * (MAX_CHARACTERS + 1)),
    ],
)
def test_what_cannot_be_opened(why: str, text: str) -> None:
    """One declared error, without a word of the content."""
    with pytest.raises(MalformedCiphertext, match=why):
        decrypt(KEY, text)


def published() -> dict[str, Any]:
    """The published samples of API v2."""
    found: dict[str, Any] = json.loads(vectors("wechatpay", "v2_sign.json").read_text("utf-8"))
    return found


def test_published_signatures() -> None:
    """The official example by both hashes, an empty value left out, and the text of a fourth."""
    cases = published()["vectors"]
    assert len(cases) == 4
    for case in cases:
        fields = {name: str(value) for name, value in case["params"].items()}
        if "key" not in case:
            assert canonical(fields, "K").removesuffix("&key=K") == case["string"]
            continue
        assert canonical(fields, case["key"]) == case["string_to_sign"]
        assert signature(fields, case["key"], SignType(case["sign_type"])) == case["sign"]
        assert is_authentic({**fields, "sign": case["sign"]}, case["key"], BOTH)


def test_published_ciphertexts() -> None:
    """A refund notice's content opens under the API key; a bare block under its own hash, as one is published."""
    hello, req_info = published()["aes_256_ecb_pkcs7"]
    assert decrypt_blocks(hello["key"].encode(), hello["ciphertext_b64"]) == hello["plaintext"].encode()
    fields = parse_flat(decrypt("exposed_your_key_here_have_risks", req_info["req_info_b64"]), root="root")
    assert fields == parse_flat(req_info["plaintext_xml"].encode(), root="root")
    assert (fields["refund_status"], fields["refund_fee"]) == ("SUCCESS", "3960")
    assert encrypt("exposed_your_key_here_have_risks", req_info["plaintext_xml"].encode()) == req_info["req_info_b64"]


def test_published_hashes_of_keys() -> None:
    """The first is what a refund notice is encrypted with; two are how other interfaces of WeChat use the key."""
    cases = published()["md5"]
    assert len(cases) == 3
    for case in cases:
        assert aes_key(case["input"]) == case["md5_hex"].encode(), case["name"]


def test_published_messages() -> None:
    """A notice with CDATA and plain numbers is read; the probe with an external entity, which WeChat sends, is not."""
    found = published()
    fields = parse_flat(found["sample_notification_xml"]["xml"].encode(), root="xml")
    assert (fields["attach"], fields["total_fee"], kind_of(fields["sign"])) == (
        "\u652f\u4ed8\u6d4b\u8bd5",
        "1",
        SignType.MD5,
    )
    with pytest.raises(MalformedXml, match="a document type"):
        parse_flat(found["xml_hardening"]["xxe"].encode(), root="xml")
