"""PayPal's amounts: text, with its own decimals, never rounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from payport.adapters.paypal.money import CURRENCIES, NO_DECIMALS, from_wire, places, to_wire
from payport.schemas import Money, exponent

ISO = sorted(each.code for each in Currency if each.exponent is not None)


@pytest.mark.parametrize(
    ("expected", "amount", "currency"),
    [
        ("12.34", 1234, "USD"),
        ("0.01", 1, "EUR"),
        ("1234", 1234, "JPY"),
        ("1234", 123400, "HUF"),
        ("1234", 123400, "TWD"),
        ("12.340", 12340, "TND"),
        ("-2.00", -200, "USD"),
        ("0", 0, "JPY"),
    ],
)
def test_amounts_are_written_as_paypal_takes_them(expected: str, amount: int, currency: str) -> None:
    """Forint and Taiwan dollar without decimals, although ISO 4217 gives them two."""
    assert to_wire(Money(amount, currency)) == expected


@given(st.sampled_from(ISO), st.integers(-(10**15), 10**15))
def test_every_amount_of_every_currency_comes_back(currency: str, minor: int) -> None:
    """What is written is what is read, for all of ISO 4217; what cannot be written is refused, not rounded."""
    money = Money(minor, currency)
    dropped = exponent(currency) - places(currency)
    if minor % 10**dropped:
        with pytest.raises(ValueError, match="no decimals"):
            to_wire(money)
        return
    text = to_wire(money)
    assert from_wire(text, currency) == money
    assert len(text.partition(".")[2]) == places(currency)


@pytest.mark.parametrize(
    ("text", "expected"), [("10", 1000), (".5", 50), ("10.50", 1050), ("010.5", 1050), ("-1", -100)]
)
def test_amounts_are_read_in_every_form_that_paypal_allows(text: str, expected: int) -> None:
    """The pattern of its own document: an optional minus, digits, a point and digits."""
    assert from_wire(text, "USD") == Money(expected, "USD")


@pytest.mark.parametrize("text", ["", "-", ".", "1.", "1,00", "1e3", " 1", "+1", "NaN", "1.001", "٣", "1" * 33])
def test_anything_else_is_no_amount(text: str) -> None:
    """Nor is more than the currency has, or more than 32 characters."""
    with pytest.raises(ValueError, match=r"."):
        from_wire(text, "USD")


def test_what_can_be_charged_is_what_paypal_lists() -> None:
    """Every one of them in ISO 4217, the three without decimals among them."""
    assert len(CURRENCIES) == 25
    assert set(ISO) >= CURRENCIES > NO_DECIMALS
