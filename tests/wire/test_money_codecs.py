"""The same money, written as each partner writes it: their lists of decimals are their own, and differ."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from payport.adapters.adyen import money as adyen
from payport.adapters.paypal import money as paypal
from payport.adapters.stripe import money as stripe
from payport.schemas import Money
from payport.schemas.money import exponent

CODECS: dict[str, ModuleType] = {"stripe": stripe, "paypal": paypal, "adyen": adyen}
REFUSED = "refused"


def has_minor_units(code: str) -> bool:
    """Whether amounts can be written in this currency (gold and test codes have no minor unit)."""
    try:
        exponent(code)
    except ValueError:
        return False
    return True


ISO = sorted(currency.code for currency in Currency if has_minor_units(currency.code))


@pytest.mark.parametrize(
    ("at_stripe", "at_paypal", "at_adyen", "money"),
    [
        (1234, "12.34", 1234, "12.34 EUR"),
        (1234, "1234", 1234, "1234 JPY"),
        (123400, "1234", 123400, "1234 ISK"),
        (123400, "1234", 1234, "1234 UGX"),
        (1234, "1234", 123400, "1234 CLP"),
        (12340, "12.340", 12340, "12.340 KWD"),
        (1234, REFUSED, 1234, "12.34 HUF"),
        (1200, "12", 1200, "12.00 HUF"),
        (1234, REFUSED, 1234, "12.34 TWD"),
        (1234, "12.34", REFUSED, "12.34 IDR"),
        (1200, "12.00", 12, "12.00 IDR"),
        (1234, "12.34", REFUSED, "12.34 CVE"),
    ],
)
def test_the_same_money_has_each_partners_own_number(
    at_stripe: int | str, at_paypal: str, at_adyen: int | str, money: str
) -> None:
    """A factor of a hundred lies between them; what a partner cannot write is refused, never rounded."""
    text, _, currency = money.partition(" ")
    amount = Money.of(text, currency)
    for expected, codec in ((at_stripe, stripe), (at_paypal, paypal), (at_adyen, adyen)):
        write: Callable[[Money], object] = codec.to_wire
        if expected == REFUSED:
            with pytest.raises(ValueError, match=currency):
                write(amount)
        else:
            assert expected == write(amount)


@pytest.mark.parametrize("partner", CODECS)
@given(st.sampled_from(ISO), st.integers(min_value=1, max_value=10**9))
def test_what_is_written_is_read_as_the_same_money(partner: str, currency: str, minor: int) -> None:
    """Over every ISO currency; what cannot be written is refused when it is written."""
    codec, money = CODECS[partner], Money(minor, currency)
    try:
        written = codec.to_wire(money)
    except ValueError:
        return
    assert codec.from_wire(written, currency) == money
