"""What is signed: content hashed twice under RSA, once with a shared key; and what one signature may stand for."""

from __future__ import annotations

import hashlib
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from hypothesis import given
from hypothesis import strategies as st
from tests.support.rsa_keys import key, raw_key
from tests.wire.unionpay.stage import canonical as by_hand
from tests.wire.unionpay.stage import paid, signed

from payport.adapters.unionpay.signing import (
    canonical,
    content_digest,
    keyed_digest,
    keyed_is_authentic,
    reads_one_way,
    rsa_is_authentic,
    sendable,
)

UNIONPAY = key("unionpay").public
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="&={}[]"), max_size=8)


def test_fields_are_sorted_and_joined_as_they_are() -> None:
    """Byte order of the names, values neither escaped nor trimmed, the signature left out."""
    fields = {"txnType": "01", "Zeta": "a b", "accNo": "x+/=", "signature": "S", "backUrl": "https://a/?b=c"}
    assert canonical(fields) == "Zeta=a b&accNo=x+/=&backUrl=https://a/?b=c&txnType=01"


def test_blank_fields_are_neither_signed_nor_sent() -> None:
    """Sending a field that was not signed, or signing one that is not sent, is refused with code 11."""
    assert sendable({"a": " 1 ", "b": "", "c": "   ", "d": "x"}) == {"a": "1", "d": "x"}


def test_the_hexadecimal_text_is_signed_and_not_the_content() -> None:
    """Hashed twice: a signature over the content, or over the raw digest, is not UnionPay's."""
    fields = signed(paid())
    assert rsa_is_authentic(fields, "utf-8", UNIONPAY)
    content = by_hand(fields).encode()
    for wrong in (content, hashlib.sha256(content).digest(), hashlib.sha256(content).hexdigest().upper().encode()):
        signature = b64encode(raw_key("unionpay").sign(wrong, PKCS1v15(), hashes.SHA256())).decode()
        assert not rsa_is_authentic({**fields, "signature": signature}, "utf-8", UNIONPAY)


@pytest.mark.parametrize("signature", ["", "x", "AAAA", "é", "AA=A"])
def test_what_is_no_signature_is_refused_quietly(signature: str) -> None:
    """Never a crash."""
    assert not rsa_is_authentic({**paid(), "signature": signature}, "utf-8", UNIONPAY)
    assert not keyed_is_authentic({**paid(), "signature": signature}, "utf-8", "11", "k")


def test_sha1_is_for_old_records_only() -> None:
    """Version 5.0.0 hashed with SHA-1 in both places; a caller must ask for it, a message cannot."""
    fields = paid(version="5.0.0")
    digest = hashlib.sha1(by_hand(fields).encode(), usedforsecurity=False).hexdigest().encode()
    assert digest == content_digest(fields, "utf-8", legacy_sha1=True)
    old = {**fields, "signature": b64encode(raw_key("unionpay").sign(digest, PKCS1v15(), hashes.SHA1())).decode()}
    assert rsa_is_authentic(old, "utf-8", UNIONPAY, legacy_sha1=True)
    assert not rsa_is_authentic(old, "utf-8", UNIONPAY)


def test_a_shared_key_is_hashed_before_it_is_added() -> None:
    """SHA-256 over the content, an ampersand and the hexadecimal SHA-256 of the key."""
    fields, secret = paid(), "88888888"
    whole = f"{by_hand(fields)}&{hashlib.sha256(secret.encode()).hexdigest()}"
    expected = hashlib.sha256(whole.encode()).hexdigest()
    assert expected == keyed_digest(fields, "utf-8", "11", secret)
    assert keyed_is_authentic({**fields, "signature": expected}, "utf-8", "11", secret)
    assert not keyed_is_authentic({**fields, "signature": expected}, "utf-8", "12", secret)
    assert not keyed_is_authentic({**fields, "signature": expected}, "utf-8", "11", "other")


def test_sm3_is_the_same_with_sm3() -> None:
    """GB/T 32905: SM3 of "abc" begins with 66c7f0f4."""
    from cryptography.hazmat.primitives import hashes as library

    def sm3(content: bytes) -> str:
        digest = library.Hash(library.SM3())
        digest.update(content)
        return digest.finalize().hex()

    assert sm3(b"abc").startswith("66c7f0f4")
    fields = paid()
    assert sm3(f"{by_hand(fields)}&{sm3(b'k')}".encode()) == keyed_digest(fields, "utf-8", "12", "k")


def test_gbk_signs_other_bytes() -> None:
    """The encoding decides which bytes are hashed."""
    fields = signed(paid(encoding="GBK"), codec="gbk")
    assert rsa_is_authentic(fields, "gb18030", UNIONPAY)
    assert not rsa_is_authentic(fields, "utf-8", UNIONPAY)


@pytest.mark.parametrize(
    "hidden",
    ["x&respCode=00", "{never closed", "a]b&txnAmt=1", "x&orderId=OTHER"],
)
def test_a_message_that_reads_two_ways_is_refused(hidden: str) -> None:
    """The signed text joins raw values, so a field can hide inside another one's value."""
    fields = signed(paid(reqReserved=hidden))
    assert rsa_is_authentic(fields, "utf-8", UNIONPAY)
    assert not reads_one_way(fields)


@pytest.mark.parametrize("value", ["{a=1&b=2}", "[a=1&b=2]", "成功[0000000]", "a=b==", "-----BEGIN-----\r\nAB+/=\r\n"])
def test_groups_brackets_and_certificates_read_one_way(value: str) -> None:
    """What genuine messages hold."""
    assert reads_one_way(signed(paid(reserved=value)))


@given(st.dictionaries(st.text("abcXYZ", min_size=1, max_size=4), TEXTS, min_size=1, max_size=5))
def test_without_structure_inside_every_message_reads_one_way(fields: dict[str, str]) -> None:
    """A law: only the structuring characters can make a text ambiguous."""
    assert reads_one_way(fields)
