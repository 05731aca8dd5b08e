"""Money: integer minor units and an ISO 4217 currency. No floats, no silent rounding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

MAX_DIGITS = 18
"""ISO 20022 amounts have at most 18 digits in all."""

_LIMIT = 10**MAX_DIGITS
_AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


@lru_cache(maxsize=512)
def exponent(currency: str) -> int:
    """Decimal places of an ISO 4217 currency: 2 for CNY, 0 for JPY, 3 for KWD.

    Raises ``ValueError`` for a code that ISO 4217 does not list or that has no minor unit (gold, test codes).
    """
    from iso4217 import Currency  # noqa: PLC0415 - a table of 180 rows, needed with the first amount only

    try:
        places: int | None = Currency(currency).exponent
    except ValueError:
        raise ValueError(f"{currency!r} is not an ISO 4217 currency code, for example 'CNY'") from None
    if places is None:
        raise ValueError(f"{currency} has no minor unit, so it cannot be paid with")
    return places


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount: ``amount_minor`` whole minor units (fen, cents, yen) of ``currency`` (ISO 4217, upper case).

    ``Money.of("12.34", "CNY")`` and ``Money(1234, "CNY")`` are the same amount. May be negative or zero. Adds,
    subtracts and compares within one currency only; ``ValueError`` otherwise.

    Raises ``TypeError`` for an amount that is not an ``int`` or a currency that is not a ``str``, and ``ValueError``
    for a currency that cannot be paid with or an amount of more than 18 digits (ISO 20022).
    """

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int:
            raise TypeError(
                f"amount_minor must be an int of minor units, got {type(self.amount_minor).__name__}; "
                "for major units write Money.of('12.34', 'CNY')"
            )
        if type(self.currency) is not str:
            raise TypeError(f"currency must be a str such as 'CNY', got {type(self.currency).__name__}")
        exponent(self.currency)
        if not -_LIMIT < self.amount_minor < _LIMIT:
            raise ValueError(f"an amount has at most {MAX_DIGITS} digits")

    @classmethod
    def of(cls, amount: str | Decimal | int, currency: str) -> Money:
        """An amount in major units: ``Money.of("12.34", "CNY")``.

        Text is digits with at most one point and a leading minus. Zeros beyond the currency's places are fine; other
        digits there raise ``ValueError`` (nothing is ever rounded), as do exponents, signs, spaces, NaN and more than
        18 digits. Raises ``TypeError`` for floats and anything else.
        """
        return cls(_minor_units(_plain_text(amount), currency), currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, as the start of a sum: ``sum(amounts, Money.zero("CNY"))``."""
        return cls(0, currency)

    @property
    def major(self) -> Decimal:
        """The amount in major units, exact: ``Decimal("12.34")``."""
        return Decimal(self.text())

    def text(self) -> str:
        """The amount in major units with all its decimal places: ``"12.34"``, in yen ``"1234"``."""
        places = exponent(self.currency)
        digits = str(abs(self.amount_minor)).rjust(places + 1, "0")
        sign = "-" if self.amount_minor < 0 else ""
        return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"

    def __str__(self) -> str:
        return f"{self.text()} {self.currency}"

    def split(self, parts: int) -> tuple[Money, ...]:
        """``parts`` shares that differ by one minor unit at most, larger ones first, and add up to exactly this."""
        return self.allocate((1,) * parts)

    def allocate(self, weights: Sequence[int]) -> tuple[Money, ...]:
        """Shares in proportion to ``weights`` that add up to exactly this (largest remainder, earlier share first).

        A share is off its exact proportion by less than one minor unit; weight 0 gets nothing.
        Raises ``ValueError`` without weights, with a negative one, or when all are 0;
        ``TypeError`` for a weight that is no ``int``.
        """
        if any(type(weight) is not int for weight in weights):
            raise TypeError("weights must be whole numbers (int)")
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("allocate needs at least one weight, none negative, not all zero")
        sign = -1 if self.amount_minor < 0 else 1
        exact = [divmod(abs(self.amount_minor) * weight, total) for weight in weights]
        missing = abs(self.amount_minor) - sum(share for share, _ in exact)
        by_remainder = sorted(range(len(exact)), key=lambda index: -exact[index][1])
        rounded_up = frozenset(by_remainder[:missing])
        return tuple(
            Money(sign * (share + (index in rounded_up)), self.currency) for index, (share, _) in enumerate(exact)
        )

    def __add__(self, other: Money) -> Money:
        return Money(self.amount_minor + self._minor_of(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount_minor - self._minor_of(other), self.currency)

    def __mul__(self, factor: int) -> Money:
        if type(factor) is not int:
            raise TypeError("money is multiplied by a whole number (int) only; to share it use split() or allocate()")
        return Money(self.amount_minor * factor, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money(-self.amount_minor, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.amount_minor), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount_minor < self._minor_of(other)

    def __le__(self, other: Money) -> bool:
        return self.amount_minor <= self._minor_of(other)

    def __gt__(self, other: Money) -> bool:
        return self.amount_minor > self._minor_of(other)

    def __ge__(self, other: Money) -> bool:
        return self.amount_minor >= self._minor_of(other)

    def _minor_of(self, other: object) -> int:
        if not isinstance(other, Money):
            raise TypeError(f"money goes with money only, not with {type(other).__name__}; see Money.of and Money.zero")
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added or compared")
        return other.amount_minor


def _plain_text(amount: object) -> str:
    if isinstance(amount, Decimal):
        # a Decimal's exponent may be in the millions, so look before writing it out
        if not amount.is_finite() or abs(int(amount.as_tuple().exponent)) > 2 * MAX_DIGITS:
            raise ValueError("a Decimal amount must be finite and have at most 18 digits")
        return format(amount, "f")
    if isinstance(amount, bool | float):
        raise TypeError(
            f"a {type(amount).__name__} cannot hold an amount exactly; give the text or a Decimal: "
            "Money.of('12.34', 'CNY')"
        )
    if isinstance(amount, int):
        # str() refuses ints of many thousand digits with a message about something else
        return str(max(-_LIMIT, min(_LIMIT, amount)))
    if isinstance(amount, str):
        return amount
    raise TypeError(f"an amount is a str, a Decimal or an int of major units, got {type(amount).__name__}")


def _minor_units(text: str, currency: str) -> int:
    if not _AMOUNT.fullmatch(text):
        raise ValueError("an amount is digits with at most one point and a leading minus, for example '12.34'")
    places = exponent(currency)
    whole, _, fraction = text.removeprefix("-").partition(".")
    whole, fraction = whole.lstrip("0"), fraction.rstrip("0")
    if len(fraction) > places:
        raise ValueError(f"{currency} has {places} decimal places, the amount has {len(fraction)}; round it yourself")
    if len(whole) + places > MAX_DIGITS:
        raise ValueError(f"an amount has at most {MAX_DIGITS} digits")
    minor = int(whole + fraction.ljust(places, "0") or "0")
    return -minor if text.startswith("-") else minor
