"""Card data: encrypted for UnionPay, decrypted with the merchant's keys, never shown."""

from __future__ import annotations

import base64
import zlib

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from tests.support.rsa_keys import raw_key

from payport.adapters.unionpay.sensitive import (
    MalformedCiphertext,
    decrypt,
    encrypt,
    encrypt_pin,
    pack_file,
    pin_block,
    read_customer_info,
    unpack_file,
    write_customer_info,
)

THEIRS, OURS, FORMER = (raw_key(name) for name in ("unionpay encryption", "merchant", "merchant 2023"))


def test_what_is_encrypted_only_its_key_opens() -> None:
    """RSA with PKCS#1 v1.5, as base64; each time another ciphertext."""
    first, second = (encrypt(THEIRS.public_key(), "6221558812340000") for _ in range(2))
    assert first != second
    assert decrypt([THEIRS], first) == "6221558812340000"
    with pytest.raises(MalformedCiphertext):
        decrypt([OURS], first)


def test_replies_made_for_a_former_certificate_are_opened() -> None:
    """While the merchant's certificate is renewed, UnionPay may encrypt for either."""
    for key in (OURS, FORMER):
        assert decrypt([OURS, FORMER], encrypt(key.public_key(), "6216***********0018")) == "6216***********0018"


@pytest.mark.parametrize("text", ["", "?", "AAAA", base64.b64encode(bytes(256)).decode()])
def test_what_cannot_be_opened_is_one_declared_error(text: str) -> None:
    """Also random bytes that a wrong key gives by the padding's design."""
    with pytest.raises(MalformedCiphertext):
        decrypt([OURS], text)
    with pytest.raises(MalformedCiphertext):
        read_customer_info([OURS], text)


def test_customer_information_hides_phone_expiry_and_cvn2() -> None:
    """They stand in ``encryptedInfo`` only; the rest is a group in base64."""
    fields = {"certifTp": "01", "customerNm": "张三", "phoneNo": "18100000000", "cvn2": "123", "expired": "2711"}
    written = write_customer_info(THEIRS.public_key(), fields)
    group = base64.b64decode(written).decode()
    assert group.startswith("{certifTp=01&customerNm=张三&encryptedInfo=")
    assert "18100000000" not in group
    assert read_customer_info([THEIRS], written) == fields


def test_without_anything_to_hide_nothing_is_encrypted() -> None:
    """A text message code travels in the open part."""
    written = write_customer_info(THEIRS.public_key(), {"smsCode": "111111", "phoneNo": ""})
    assert base64.b64decode(written) == b"{smsCode=111111}"
    assert read_customer_info([OURS], written) == {"smsCode": "111111"}


def test_the_pin_block_is_format_0() -> None:
    """ISO 9564-1: the PIN with its length, and the twelve right-most digits of the card without the check digit."""
    assert pin_block("1234", "43219876543210987").hex() == "0412ac89abcdef67"
    assert (
        pin_block("123456", "6221558812340000").hex()
        == (
            bytes(
                a ^ b for a, b in zip(bytes.fromhex("06123456ffffffff"), bytes.fromhex("0000155881234000"), strict=True)
            )
        ).hex()
    )
    sealed = encrypt_pin(THEIRS.public_key(), "123456", "6221558812340000")
    assert THEIRS.decrypt(base64.b64decode(sealed), PKCS1v15()) == pin_block("123456", "6221558812340000")


def test_short_cards_are_padded() -> None:
    """A card of eight digits: zeros in front of what there is."""
    expected = int("041234ffffffffff", 16) ^ int("0000" + "1234567".rjust(12, "0"), 16)
    assert pin_block("1234", "12345678").hex() == f"{expected:016x}"


@pytest.mark.parametrize(("pin", "card"), [("123", "6221558812340000"), ("12a4", "6221558812340000"), ("1234", "1")])
def test_a_wrong_pin_is_refused_and_not_shown(pin: str, card: str) -> None:
    """The message names neither."""
    with pytest.raises(ValueError, match="4 to 12 digits") as caught:
        pin_block(pin, card)
    assert pin not in str(caught.value).split()
    assert card not in str(caught.value).split()


def test_files_are_base64_of_zlib_and_never_larger_than_taken() -> None:
    """A bomb of zeros is stopped at the limit."""
    assert unpack_file(pack_file(b"ZM")) == b"ZM"
    with pytest.raises(MalformedCiphertext, match="longer"):
        unpack_file(pack_file(bytes(10_000)), max_bytes=1_000)
    cut = base64.b64encode(zlib.compress(b"x" * 1000)[:-4]).decode()
    for text in ("?", "AAAA", cut):
        with pytest.raises(MalformedCiphertext):
            unpack_file(text)
