"""Adyen's own decimals: exact both ways for every currency, and refused where they cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payport.adapters.adyen.money import (
    CURRENCIES,
    THREE_DECIMAL,
    ZERO_DECIMAL,
    UnsupportedAmount,
    decimals,
    from_wire,
    to_wire,
)
from payport.schemas import Money
from payport.schemas.money import exponent


@given(st.sampled_from(sorted(CURRENCIES)), st.integers(1, 10**12))
def test_what_can_be_counted_comes_back(currency: str, minor: int) -> None:
    """Never rounded: the same money, or refused because Adyen counts fewer decimals."""
    money = Money(minor, currency)
    try:
        wire = to_wire(money)
    except UnsupportedAmount:
        assert decimals(currency) < exponent(currency)
        assert minor % 10 ** (exponent(currency) - decimals(currency))
        return
    assert from_wire(wire, currency) == money


@pytest.mark.parametrize(
    ("expected", "amount", "currency"),
    [
        (50000, "500", "CLP"),
        (500, "500.00", "CVE"),
        (100, "100.00", "IDR"),
        (12300, "123", "ISK"),
        (500, "500", "JPY"),
        (500, "500", "UGX"),
        (1234, "12.34", "EUR"),
        (1234, "1.234", "KWD"),
        (1234, "1.234", "BHD"),
    ],
)
def test_what_adyen_is_told(expected: int, amount: str, currency: str) -> None:
    """Four currencies differ from ISO 4217: 500 pesos are 50000 here and 500 at others."""
    assert to_wire(Money.of(amount, currency)) == expected
    assert from_wire(expected, currency) == Money.of(amount, currency)


def test_where_adyens_table_is_not_the_iso_one() -> None:
    """Exactly these; a new one would be seen."""
    assert {code for code in CURRENCIES if decimals(code) != exponent(code)} == {"CLP", "CVE", "IDR", "ISK"}
    assert ZERO_DECIMAL.isdisjoint(THREE_DECIMAL)


@pytest.mark.parametrize(("minor", "currency"), [(12345, "IDR"), (101, "CVE")])
def test_a_fraction_that_adyen_does_not_count_is_refused(minor: int, currency: str) -> None:
    """Before anything is sent."""
    with pytest.raises(UnsupportedAmount, match="decimals"):
        to_wire(Money(minor, currency))


@pytest.mark.parametrize("currency", ["CLP", "ISK"])
def test_an_amount_that_iso_cannot_count_is_none(currency: str) -> None:
    """Half a peso in an answer."""
    with pytest.raises(ValueError, match="fraction"):
        from_wire(50, currency)
