"""Identifiers: typing errors are found by check digits, and nobody's number is shown in a message."""

from __future__ import annotations

import json
import os
import pickle
import re
from datetime import date
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_2, mod_11_10, mod_97_10

from payport.schemas import Bic, CardNumber, Cnaps, FieldClass, Iban, Lei, ResidentId, Sex, Uscc, field_classes

Identifier = CardNumber | Iban | Bic | Lei | Uscc | ResidentId | Cnaps
Kind = type[CardNumber] | type[Iban] | type[Bic] | type[Lei] | type[Uscc] | type[ResidentId] | type[Cnaps]

DIGITS = "0123456789"
USCC_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ALPHANUMERIC = DIGITS + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _resident(first_17: str) -> str:
    return first_17 + mod_11_2.calc_check_digit(first_17)


def _uscc(first_17: str) -> str:
    return first_17 + uscc.calc_check_digit(first_17)


def _iban(country: str, account: str) -> str:
    return country + mod_97_10.calc_check_digits(account + country) + account


MALE = _resident("11010119900307123")
FEMALE = _resident("31010420000229004")
CARD = "6200000000000000" + luhn.calc_check_digit("6200000000000000")
ACCOUNT = _iban("DE", "100000000123456789")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (CardNumber, " 4000 0000-0000 0002 ", "4000000000000002"),
        (CardNumber, CARD, CARD),
        (CardNumber, "000000000000", "000000000000"),
        (Iban, "de" + ACCOUNT[2:6] + " " + ACCOUNT[6:], ACCOUNT),
        (Bic, "aaaadeff", "AAAADEFF"),
        (Bic, "0A1BXK22XXX", "0A1BXK22XXX"),
        (Lei, "00000000000000000a" + mod_97_10.calc_check_digits("00000000000000000A"), None),
        (Uscc, _uscc("91350100M000100Y4").lower(), _uscc("91350100M000100Y4")),
        (Uscc, _uscc("A1110000MA0000001"), None),
        (Uscc, _uscc("N2110000MA0000001"), None),
        (ResidentId, MALE.lower(), MALE),
        (ResidentId, _resident("99999919000101001"), None),
        (ResidentId, _resident("81000019900101001"), None),
        (Cnaps, "10210000000" + mod_11_10.calc_check_digit("10210000000"), None),
    ],
)
def test_what_people_write_is_read(kind: Kind, text: str, value: str | None) -> None:
    """``parse`` drops outer blanks and the separators that the standard prints, and puts letters in upper case."""
    assert (text.upper() if value is None else value) == kind.parse(text).value


@pytest.mark.parametrize(
    ("kind", "text", "rule"),
    [
        (CardNumber, "4000000000000003", "check digit"),
        (CardNumber, "40000000002", "12 to 19 digits"),
        (CardNumber, "4" * 20, "12 to 19 digits"),
        (CardNumber, "400000000000000X", "12 to 19 digits"),
        (CardNumber, "４０００００００００００００02", "12 to 19 digits"),
        (CardNumber, "", "12 to 19 digits"),
        (Iban, ACCOUNT[:-1] + "8", "check digits are wrong"),
        (Iban, _iban("XX", "100000000123456789"), "country has no such"),
        (Iban, _iban("DE", "10000000012345678"), "country has no such"),
        (Iban, _iban("DE", "10000000012345678A"), "country has no such"),
        (Iban, "DE01" + ACCOUNT[4:], "02 to 98"),
        (Iban, ACCOUNT.replace("DE", "DE-"), "02 to 98"),
        (Bic, "AAAAZZFF", "no such country"),
        (Bic, "AAAADEF", "are needed"),
        (Bic, "AAAADEFFXX", "are needed"),
        (Bic, "AAAAD1FF", "are needed"),
        (Bic, "AAAA DE FF", "are needed"),
        (Bic, "AAAADEFſ", "are needed"),
        (Lei, "000000000000000000AA", "18 letters or digits"),
        (Lei, "00000000000000000A99", "check digit"),
        (Uscc, _uscc("91350100M000100Y4")[:-1] + "0", "check digit"),
        (Uscc, "91A50100M000100Y43", "6 digits"),
        (Uscc, "91350100I000100Y43", "without I"),
        (Uscc, "91350100M000100Y4", "10 characters"),
        (ResidentId, MALE[:-1] + ("0" if MALE[-1] != "0" else "1"), "check digit"),
        (ResidentId, _resident("11010119900230123"), "no such birth date"),
        (ResidentId, _resident("11010119000229123"), "no such birth date"),
        (ResidentId, _resident("11010118991231123"), "from 1900 on"),
        (ResidentId, "110101900307123", "15 digits"),
        (ResidentId, MALE[:-1] + "Y", "a digit or X"),
        (Cnaps, "102100000000", "check digit"),
        (Cnaps, "10210000000", "12 digits"),
    ],
)
def test_a_broken_rule_is_named_and_the_text_is_not_repeated(kind: Kind, text: str, rule: str) -> None:
    """The message says what is wrong, and neither it nor what it was raised from shows the number."""
    with pytest.raises(ValueError, match=rule) as caught:
        kind.parse(text)
    assert kind.__name__ in str(caught.value)
    assert not text or text not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize("text", ["4000 0000 0000 0002", " 4000000000000002"])
def test_the_constructor_takes_the_plain_form_only(text: str) -> None:
    """Two spellings of one number must not be two values."""
    with pytest.raises(ValueError, match="12 to 19 digits"):
        CardNumber(text)


@pytest.mark.parametrize(
    ("identifier", "shown", "field_class"),
    [
        (CardNumber("4000000000000002"), "400000******0002", FieldClass.SECRET),
        (CardNumber(CARD), "620000*******" + CARD[-4:], FieldClass.SECRET),
        (CardNumber("000000000000"), "********0000", FieldClass.SECRET),
        (Iban(ACCOUNT), "*" * 18 + ACCOUNT[-4:], FieldClass.PERSONAL),
        (ResidentId(MALE), "*" * 14 + MALE[-4:], FieldClass.PERSONAL),
    ],
)
def test_personal_and_secret_numbers_are_masked(
    identifier: CardNumber | Iban | ResidentId, shown: str, field_class: FieldClass
) -> None:
    """However it is printed, only ``value`` has the number."""
    assert shown == identifier.masked == str(identifier) == f"{identifier}"
    assert f"{type(identifier).__name__}({shown!r})" == repr(identifier)
    assert {"value": field_class} == field_classes(identifier)


@pytest.mark.parametrize("identifier", [Bic("AAAADEFF"), Uscc(_uscc("91350100M000100Y4"))])
def test_public_numbers_are_shown(identifier: Bic | Uscc) -> None:
    """Banks and companies are no secret."""
    assert identifier.value == str(identifier)
    assert f"{type(identifier).__name__}(value={identifier.value!r})" == repr(identifier)


def test_what_the_numbers_tell() -> None:
    """Country of an account and a bank, birth date and sex of a person."""
    assert "DE" == Iban(ACCOUNT).country == Bic("AAAADEFF").country
    assert (date(1990, 3, 7), Sex.MALE) == (ResidentId(MALE).birth_date, ResidentId(MALE).sex)
    assert (date(2000, 2, 29), Sex.FEMALE) == (ResidentId(FEMALE).birth_date, ResidentId(FEMALE).sex)


def _replaced(text: str, index: int, offset: int, alphabet: str) -> str:
    at = index % len(text)
    other = alphabet[(alphabet.index(text[at]) + 1 + offset % (len(alphabet) - 1)) % len(alphabet)]
    return text[:at] + other + text[at + 1 :]


positions = st.tuples(st.integers(0, 10**6), st.integers(0, 10**6))
uscc_bodies = st.from_regex(r"[0-9A-HJ-NP-RTUWXY]{2}[0-9]{6}[0-9A-HJ-NP-RTUWXY]{9}", fullmatch=True)
digits = st.text(DIGITS, min_size=11, max_size=18)


@settings(deadline=None)
@given(
    st.one_of(
        digits.map(lambda body: (CardNumber, body + luhn.calc_check_digit(body), DIGITS)),
        st.text(DIGITS, min_size=11, max_size=11).map(
            lambda body: (Cnaps, body + mod_11_10.calc_check_digit(body), DIGITS)
        ),
        uscc_bodies.map(lambda body: (Uscc, _uscc(body), USCC_CHARACTERS)),
        st.dates(date(1900, 1, 1), date(2099, 12, 31)).map(
            lambda born: (ResidentId, _resident(f"110101{born:%Y%m%d}001"), DIGITS + "X")
        ),
        # mod 97 promises it between digits; a letter counts as two digits, so that digit for letter may slip through
        st.text(DIGITS, min_size=18, max_size=18).map(
            lambda body: (Lei, body + mod_97_10.calc_check_digits(body), DIGITS)
        ),
        st.text(DIGITS, min_size=18, max_size=18).map(lambda body: (Iban, _iban("DE", body), ALPHANUMERIC[:10])),
    ),
    positions,
)
def test_every_single_wrong_character_is_found(sample: tuple[Kind, str, str], where: tuple[int, int]) -> None:
    """Law: a number with a right check digit is taken, and with any one character replaced it is refused."""
    kind, text, alphabet = sample
    assert text == kind.parse(text).value
    prefix = 2 if kind is Iban else 0
    with pytest.raises(ValueError, match=f"not a {kind.__name__}"):
        kind.parse(text[:prefix] + _replaced(text[prefix:], *where, alphabet))


@settings(deadline=None)
@given(st.sampled_from([CardNumber, Iban, Bic, Lei, Uscc, ResidentId, Cnaps]), st.text(max_size=40))
def test_any_text_is_an_identifier_or_a_value_error(kind: Kind, text: str) -> None:
    """Law: ``parse`` gives a value that reads back as itself, or raises ``ValueError``, for any text at all."""
    try:
        identifier: Identifier = kind.parse(text)
    except ValueError:
        return
    assert identifier == kind.parse(identifier.value) == pickle.loads(pickle.dumps(identifier))


def _published() -> dict[str, dict[str, list[str]]]:
    folder = os.environ.get("PAYPORT_SPECS")
    if not folder:
        message = (
            "set PAYPORT_SPECS to the folder with the published test data (data/validation/validation-vectors.json)"
        )
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    text = Path(folder, "data", "validation", "validation-vectors.json").read_text("utf-8")
    return cast("dict[str, dict[str, list[str]]]", json.loads(text))


@pytest.mark.parametrize(
    ("section", "kind", "more_valid"),
    [
        ("card_pan_luhn", CardNumber, ()),
        ("iban", Iban, ()),
        ("bic", Bic, ("iso9362_2014_only",)),
        ("lei", Lei, ()),
        (
            "cn_resident_id",
            ResidentId,
            ("valid_residence_permit_hk_mo_tw", "rejected_by_stdnum_cn_ric_but_check_digit_and_date_right"),
        ),
        ("cn_uscc", Uscc, ()),
        ("cnaps", Cnaps, ()),
    ],
)
def test_published_numbers(section: str, kind: Kind, more_valid: tuple[str, ...]) -> None:
    """Every published number is judged right, those included that python-stdnum refuses by mistake."""
    vectors = _published()[section]
    for name in ("valid", *more_valid):
        for text in vectors[name]:
            assert text == kind.parse(text).value
    for text in vectors["invalid"]:
        with pytest.raises(ValueError, match=re.escape(kind.__name__)):
            kind.parse(text)
