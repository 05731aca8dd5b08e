"""What WeChat Pay encrypts with the API v3 key, and what is encrypted for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.rsa_keys import key
from tests.wire.wechatpay.stage import API_V3_KEY, resource

from payport.adapters.wechatpay.encryption import (
    MalformedCiphertext,
    Resource,
    decrypt,
    encrypt,
    has_hidden,
    hide,
    open_object,
    reveal,
    with_hidden,
)

KEY = API_V3_KEY.encode()


@given(st.binary(max_size=300), st.text(max_size=20))
def test_what_was_encrypted_is_read_again(plain: bytes, extra: str) -> None:
    """Content and associated data of any kind."""
    associated = extra.encode(errors="ignore").decode()
    assert plain == decrypt(KEY, "0123456789ab", associated, encrypt(KEY, "0123456789ab", associated, plain))


@pytest.mark.parametrize("nonce", ["", "1", "123456", "0123456789abc"])
def test_a_nonce_of_another_length_is_an_error_value(nonce: str) -> None:
    """gopay panicked here, so that one bad callback stopped the process."""
    sealed = {**resource(b"{}"), "nonce": nonce}
    with pytest.raises(MalformedCiphertext, match="nonce"):
        Resource.of(sealed).open(KEY)


@pytest.mark.parametrize(
    "changed",
    [
        {"ciphertext": ""},
        {"ciphertext": "AAAA"},
        {"ciphertext": "!!!"},
        {"ciphertext": 7},
        {"ciphertext": None},
        {"associated_data": "other"},
        {"associated_data": None},
        {"associated_data": 7},
        {"algorithm": "AEAD_SM4_GCM"},
        {"algorithm": None},
        {"nonce": None},
        {"nonce": "ab9876543210"},
    ],
    ids=str,
)
def test_what_cannot_be_decrypted_says_so(changed: dict[str, object]) -> None:
    """One declared error, whatever is wrong."""
    with pytest.raises(MalformedCiphertext):
        Resource.of({**resource(b"{}"), **changed}).open(KEY)


@pytest.mark.parametrize("node", [None, [], "x", 7])
def test_only_an_object_can_be_a_resource(node: object) -> None:
    """Anything else has no fields."""
    with pytest.raises(MalformedCiphertext, match="not an object"):
        Resource.of(node)


def test_associated_data_may_be_missing() -> None:
    """Then it is empty."""
    sealed: dict[str, Any] = resource(b'{"a":1}', associated_data="")
    del sealed["associated_data"]
    assert open_object(Resource.of(sealed), KEY) == {"a": 1}


@pytest.mark.parametrize("plain", [b"", b"[]", b'{"a":1,"a":2}', b"\xff", b'{"a":NaN}'])
def test_the_content_must_be_one_object(plain: bytes) -> None:
    """Strictly: a name that stands twice is two contents."""
    with pytest.raises(MalformedCiphertext):
        open_object(Resource.of(resource(plain)), KEY)


def test_names_leave_for_wechats_eyes_only() -> None:
    """Another ciphertext each time; the merchant's own key does not read it."""
    first, second = hide("李雷", key("wechat").public), hide("李雷", key("wechat").public)
    assert first != second
    assert reveal(first, key("wechat")) == "李雷"
    for ciphertext in (first, "1234", "!!!", ""):
        with pytest.raises(MalformedCiphertext):
            reveal(ciphertext, key("merchant"))


def test_texts_are_hidden_where_they_stand() -> None:
    """By path, in each entry of a list; what is not there, and what is no text, stays."""
    body = {"a": "x", "list": [{"name": "y", "n": 1}, {"n": 2}], "deep": {"er": {"name": "z"}}, "number": 7}
    paths = ("list/*/name", "deep/er/name", "number", "missing", "missing/*/x", "a/b")
    hidden = with_hidden(body, paths, lambda text: f"<{text}>")
    assert hidden == {
        "a": "x",
        "list": [{"name": "<y>", "n": 1}, {"n": 2}],
        "deep": {"er": {"name": "<z>"}},
        "number": 7,
    }
    assert json.dumps(body) == json.dumps({**body}), "the journal's own copy stays plain"
    assert (has_hidden(body, ("list/*/name",)), has_hidden(body, ("missing",)), has_hidden(body, ())) == (
        True,
        False,
        False,
    )
