"""Identifiers with check digits: cards, accounts, banks, companies, people.

A check digit finds typing errors; it never shows that an account exists or belongs to somebody. Each class reads what
people write with ``parse``; its constructor takes the plain form only. Both raise ``ValueError`` that names the broken
rule and does not repeat the text. ``str`` and ``repr`` of personal and secret ones are masked: the number itself is
``value``. Check digits are computed by python-stdnum; its own rules for BIC, USCC and the resident id are narrower than
the standards, so the forms are ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import ClassVar, Self

from payport.schemas.classes import PERSONAL, PUBLIC, SECRET


@dataclass(frozen=True, slots=True)
class _Identifier:
    """What all identifiers have; ``_form``, ``_says`` and ``_separators`` state the characters."""

    value: str = field(metadata=PUBLIC)

    _form: ClassVar[re.Pattern[str]]
    _says: ClassVar[str]
    _separators: ClassVar[str] = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The identifier that ``text`` writes: outer blanks and the usual separators dropped, letters in upper case.

        Raises ``ValueError`` that names the broken rule and does not repeat the text.
        """
        plain = text.strip()
        for separator in cls._separators:
            plain = plain.replace(separator, "")
        # outside ASCII, upper() would turn other letters into I, S or K
        return cls(plain.upper() if plain.isascii() else plain)

    def __post_init__(self) -> None:
        if not self._form.fullmatch(self.value):
            raise self._broken(self._says)
        self._check()

    def __str__(self) -> str:
        return self.value

    def _check(self) -> None:
        """Raise when a rule beyond the characters is broken; each class has its own."""

    def _require_check_digit(self, right: bool) -> None:  # noqa: FBT001 - the one thing that is required
        if not right:
            raise self._broken("the check digit is wrong")

    def _broken(self, rule: str) -> ValueError:
        return ValueError(f"not a {type(self).__name__}: {rule}")


class _Masked(_Identifier):
    """Shows ``masked`` wherever it is written."""

    __slots__ = ()

    @property
    def masked(self) -> str:
        """The last four characters, for logs and for people who know the number."""
        return "*" * (len(self.value) - 4) + self.value[-4:]

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.masked!r})"


@dataclass(frozen=True, slots=True, repr=False)
class CardNumber(_Masked):
    """A payment card number: 12 to 19 digits, last one by Luhn (ISO/IEC 7812-1). A secret: keep it nowhere."""

    value: str = field(metadata=SECRET)
    _form = re.compile(r"[0-9]{12,19}")
    _says = "12 to 19 digits are needed"
    _separators = " -"

    @property
    def masked(self) -> str:
        """The first six and last four digits at most; below 15 digits the last four only."""
        shown = 6 if len(self.value) >= 15 else 0
        return self.value[:shown] + "*" * (len(self.value) - shown - 4) + self.value[-4:]

    def _check(self) -> None:
        from stdnum import luhn  # noqa: PLC0415 - keeps the import of this package light

        self._require_check_digit(luhn.is_valid(self.value))


@dataclass(frozen=True, slots=True, repr=False)
class Iban(_Masked):
    """An international bank account number with its country's length and form (ISO 13616). Personal."""

    value: str = field(metadata=PERSONAL)
    # the scheme hands out the check digits 02 to 98 only; 00, 01 and 99 would have the same remainders
    _form = re.compile(r"[A-Z]{2}(?!00|01|99)[0-9]{2}[A-Z0-9]{11,30}")
    _says = "a country, the check digits 02 to 98 and 11 to 30 letters or digits are needed"
    _separators = " "

    @property
    def country(self) -> str:
        """ISO 3166 code of the country that keeps the account."""
        return self.value[:2]

    def _check(self) -> None:
        from stdnum import iban  # noqa: PLC0415 - keeps the import of this package light
        from stdnum.exceptions import InvalidChecksum, ValidationError  # noqa: PLC0415 - as above

        try:
            iban.validate(self.value)
        except InvalidChecksum:
            raise self._broken("the check digits are wrong") from None
        except ValidationError:
            raise self._broken("the country has no such account numbers") from None


@dataclass(frozen=True, slots=True)
class Bic(_Identifier):
    """A business identifier code: 8 or 11 characters (ISO 9362:2014, which allows digits in the first four).

    It has no check digit; the country must be one of ISO 3166, or XK for Kosovo.
    """

    _form = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
    _says = "4 letters or digits, a country, 2 and perhaps 3 more letters or digits are needed"

    @property
    def country(self) -> str:
        """ISO 3166 code of the country."""
        return self.value[4:6]

    def _check(self) -> None:
        from stdnum import bic  # noqa: PLC0415 - keeps the import of this package light

        # asked about the country alone, because it refuses digits in the first four
        if not bic.is_valid(f"AAAA{self.country}AA"):
            raise self._broken("there is no such country")


@dataclass(frozen=True, slots=True)
class Lei(_Identifier):
    """A legal entity identifier: 20 characters, the last two by ISO 7064 mod 97-10 (ISO 17442)."""

    _form = re.compile(r"[A-Z0-9]{18}[0-9]{2}")
    _says = "18 letters or digits and 2 digits are needed"

    def _check(self) -> None:
        from stdnum.iso7064 import mod_97_10  # noqa: PLC0415 - keeps the import of this package light

        self._require_check_digit(mod_97_10.is_valid(self.value))


@dataclass(frozen=True, slots=True)
class Uscc(_Identifier):
    """A Chinese unified social credit code: 18 characters without I, O, S, V, Z (GB 32100-2015).

    The first two say who registered it and what it is, and may be letters; six digits of the area follow.
    """

    _form = re.compile(r"[0-9A-HJ-NP-RTUWXY]{2}[0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}")
    _says = "2 characters, 6 digits and 10 characters of 0-9 and A-Y without I, O, S, V are needed"

    def _check(self) -> None:
        from stdnum.cn import uscc  # noqa: PLC0415 - keeps the import of this package light

        self._require_check_digit(uscc.calc_check_digit(self.value[:17]) == self.value[17])


class Sex(Enum):
    """As the resident id records it."""

    FEMALE = "female"
    MALE = "male"


@dataclass(frozen=True, slots=True, repr=False)
class ResidentId(_Masked):
    """A Chinese resident id or residence permit: 17 digits and a check digit by ISO 7064 mod 11-2 (GB 11643). Personal.

    The birth date must exist, from 1900 on; whether it lies in the future is for the caller, who has a clock. Area
    codes are not judged, since they come and go. Numbers of 15 digits (before 1999) are refused.
    """

    value: str = field(metadata=PERSONAL)
    _form = re.compile(r"[0-9]{6}(19|20)[0-9]{9}[0-9X]")
    _says = "17 digits and a digit or X are needed, with a birth year from 1900 on; 15 digits are out of use"

    @property
    def birth_date(self) -> date:
        """The date of birth."""
        return date(int(self.value[6:10]), int(self.value[10:12]), int(self.value[12:14]))

    @property
    def sex(self) -> Sex:
        """By the parity of the 17th digit."""
        return Sex.MALE if int(self.value[16]) % 2 else Sex.FEMALE

    def _check(self) -> None:
        from stdnum.iso7064 import mod_11_2  # noqa: PLC0415 - keeps the import of this package light

        self._require_check_digit(mod_11_2.is_valid(self.value))
        try:
            _ = self.birth_date
        except ValueError:
            raise self._broken("there is no such birth date") from None


@dataclass(frozen=True, slots=True)
class Cnaps(_Identifier):
    """A Chinese interbank code: 3 digits bank, 4 area, 4 branch, and a check digit by ISO 7064 mod 11,10.

    No standard is published; the check digit was found right in 102 of 102 published codes.
    """

    _form = re.compile(r"[0-9]{12}")
    _says = "12 digits are needed"

    def _check(self) -> None:
        from stdnum.iso7064 import mod_11_10  # noqa: PLC0415 - keeps the import of this package light

        self._require_check_digit(mod_11_10.is_valid(self.value))
