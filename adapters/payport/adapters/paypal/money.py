"""PayPal's amounts: text in major units, with its own idea of which currencies have decimals.

Source: developer.paypal.com, "Currency codes".
"""

from __future__ import annotations

import re

from payport.schemas.money import Money, exponent

NO_DECIMALS = frozenset({"HUF", "JPY", "TWD"})
"""PayPal takes no decimals in these, although ISO 4217 gives the forint and the Taiwan dollar two."""

_TAKEN = "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN RUB SEK SGD THB TWD USD"
CURRENCIES = frozenset(_TAKEN.split())
"""What can be charged. BRL, CNY and MYR only between accounts of that country, which PayPal checks."""

_VALUE = re.compile(r"(-?)([0-9]*)(\.[0-9]+)?", re.ASCII)
_LONGEST = 32


def places(currency: str) -> int:
    """How many decimals PayPal writes. Raises ``ValueError`` for a code that ISO 4217 does not list."""
    listed = exponent(currency)
    return 0 if currency in NO_DECIMALS else listed


def to_wire(money: Money) -> str:
    """An amount as PayPal takes it: ``"12.34"``, for yen ``"1234"``.

    Raises ``ValueError`` for a fraction of a forint or Taiwan dollar: nothing is ever rounded.
    """
    text = money.text()
    whole, _, fraction = text.partition(".")
    kept, dropped = fraction[: places(money.currency)], fraction[places(money.currency) :]
    if dropped.strip("0"):
        raise ValueError(f"PayPal takes no decimals in {money.currency}, got {text}; round it yourself")
    return f"{whole}.{kept}" if kept else whole


def from_wire(value: str, currency: str) -> Money:
    """The amount that PayPal states. Raises ``ValueError`` for anything but its own form of numbers and currencies."""
    match = _VALUE.fullmatch(value) if len(value) <= _LONGEST else None
    if match is None or not (match[2] or match[3]):
        raise ValueError("not an amount such as 12.34")
    return Money.of(f"{match[1]}{match[2] or '0'}{match[3] or ''}", currency)
