"""Content encryption: three layouts, one declared error, and no key in any message."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.canaries import Watch

from payport.adapters.alipay.encryption import (
    ContentCipher,
    MalformedCiphertext,
    check_content_key,
    decrypt,
    encrypt,
)
from payport.sdk.errors import ConfigurationError

KEY = base64.b64encode(bytes(range(16))).decode()
OTHER_KEY = base64.b64encode(bytes(range(1, 17))).decode()
VECTOR = bytes(range(100, 116))
VECTORS = {ContentCipher.AES: bytes(16), ContentCipher.AES_V2: VECTOR, ContentCipher.SM4: VECTOR}
ciphers = pytest.mark.parametrize("cipher", ContentCipher, ids=lambda cipher: cipher.value)


@ciphers
@given(plaintext=st.binary(max_size=100))
def test_what_is_encrypted_is_decrypted(cipher: ContentCipher, plaintext: bytes) -> None:
    """Any bytes, under each cipher."""
    sealed = encrypt(KEY, plaintext, cipher=cipher, vector=VECTORS[cipher])
    assert plaintext == decrypt(KEY, sealed, cipher=cipher)


def test_plain_aes_is_cbc_with_a_vector_of_zeros() -> None:
    """FIPS 197, appendix C.1: the first block under this key is known; the second is padding."""
    block = bytes.fromhex("00112233445566778899aabbccddeeff")
    sealed = base64.b64decode(encrypt(KEY, block))
    assert bytes.fromhex("69c4e0d86a7b0430d8cdb78070b4c55a") == sealed[:16]
    assert 32 == len(sealed)  # noqa: SIM300 - expected on the left


@pytest.mark.parametrize("cipher", [ContentCipher.AES_V2, ContentCipher.SM4])
def test_the_other_ciphers_carry_their_vector_in_front(cipher: ContentCipher) -> None:
    """So equal texts do not give equal ciphertext."""
    assert base64.b64decode(encrypt(KEY, b"tea", cipher=cipher, vector=VECTOR)).startswith(VECTOR)


@pytest.mark.parametrize(
    ("cipher", "vector"),
    [
        (ContentCipher.AES, VECTOR),
        (ContentCipher.AES_V2, bytes(16)),
        (ContentCipher.AES_V2, b"short"),
        (ContentCipher.SM4, bytes(16)),
    ],
)
def test_a_vector_that_does_not_fit_the_cipher_is_refused(cipher: ContentCipher, vector: bytes) -> None:
    """A forgotten vector would be the vector of zeros, which gives GCM away."""
    with pytest.raises(ValueError, match="unpredictable"):
        encrypt(KEY, b"tea", cipher=cipher, vector=vector)


@ciphers
def test_what_cannot_be_decrypted_raises_the_one_declared_error(cipher: ContentCipher, canaries: Watch) -> None:
    """Another key, another length, no base64; the key shows nowhere, not even in a traceback's frames."""
    canaries.values["content key"] = OTHER_KEY
    canaries.values["content key in bytes"] = repr(base64.b64decode(OTHER_KEY))
    sealed = encrypt(KEY, b"tea" * 10, cipher=cipher, vector=VECTORS[cipher])
    for bad in (sealed, sealed[:-4], "", "AAAA", "not base64!", "茶", base64.b64encode(bytes(31)).decode()):
        with pytest.raises(MalformedCiphertext) as caught:
            decrypt(OTHER_KEY, bad, cipher=cipher)
        canaries.look_at(caught.value)


def test_sm4_gcm_notices_a_changed_bit() -> None:
    """Alone among the three it authenticates; the signature does it for all."""
    sealed = bytearray(base64.b64decode(encrypt(KEY, b"tea", cipher=ContentCipher.SM4, vector=VECTOR)))
    for bit in range(len(sealed) * 8):
        sealed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(MalformedCiphertext):
            decrypt(KEY, base64.b64encode(sealed).decode(), cipher=ContentCipher.SM4)
        sealed[bit // 8] ^= 1 << bit % 8


@pytest.mark.parametrize("bad", ["", "canaryAesKeyR5v8w1==", "no base64", base64.b64encode(bytes(32)).decode()])
def test_a_key_that_is_not_base64_of_16_bytes_is_refused(bad: str, canaries: Watch) -> None:
    """With what to do, and without the key."""
    check_content_key(KEY)
    check_content_key(f" {KEY}\n")
    calls = (
        lambda: check_content_key(bad),
        lambda: encrypt(bad, b"tea"),
        lambda: decrypt(bad, "AAAA"),
    )
    for call in calls:
        with pytest.raises(ConfigurationError, match="AES key from the console") as caught:
            call()
        canaries.look_at(caught.value)
