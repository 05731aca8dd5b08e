"""Money as Stripe counts it. Peers charge a hundred times too much in yen, or round 19.99 to 19.98: not here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from payport.adapters.stripe.money import (
    CURRENCIES,
    THREE_DECIMAL,
    WHOLE_UNITS,
    ZERO_DECIMAL,
    UnsupportedAmount,
    from_wire,
    to_payout,
    to_wire,
)
from payport.schemas.money import Money

ALL = sorted(str(each.code) for each in Currency if each.exponent is not None)
KNOWN = sorted(each for each in CURRENCIES if each in ALL)

# What goes over the wire, and the amount.
WIRE = [
    (1234, "12.34", "EUR"),
    (1999, "19.99", "USD"),
    (500, "500", "JPY"),
    (5, "5.00", "MGA"),  # two decimals on paper, none at Stripe
    (5120, "5.120", "KWD"),
    (500, "5", "ISK"),  # none in life, two at Stripe
    (500, "5", "UGX"),
    (45, "0.45", "HUF"),
    (80045, "800.45", "TWD"),
    (99_999_999, "999999.99", "EUR"),
]


@pytest.mark.parametrize(("wire", "amount", "currency"), WIRE)
def test_an_amount_and_what_stripe_counts(wire: int, amount: str, currency: str) -> None:
    """Both ways; the currency on the wire is in lower case."""
    money = Money.of(amount, currency)
    assert to_wire(money) == wire
    assert from_wire(wire, currency.lower()) == money


# What is refused and why.
REFUSED = [
    ("0 as the last of its three decimals", to_wire, "5.124", "KWD"),
    ("MGA with 0 decimals", to_wire, "5.50", "MGA"),
    ("at most eight digits", to_wire, "1000000.00", "EUR"),
    ("in whole units only", to_payout, "10.45", "HUF"),
    ("in whole units only", to_payout, "10.45", "TWD"),
]


@pytest.mark.parametrize(("why", "codec", "amount", "currency"), REFUSED)
def test_what_stripe_cannot_count_is_refused(why: str, codec: object, amount: str, currency: str) -> None:
    """Nothing is ever rounded."""
    assert callable(codec)
    with pytest.raises(UnsupportedAmount, match=why):
        codec(Money.of(amount, currency))


@pytest.mark.parametrize(("amount", "currency"), [(550, "isk"), (1, "ugx"), (1, "xxx"), (1, "eu")])
def test_what_is_no_amount_is_not_read(amount: int, currency: str) -> None:
    """Half a króna, and currencies that are none."""
    with pytest.raises(ValueError, match=r"."):
        from_wire(amount, currency)


@given(st.sampled_from(ALL), st.integers(0, 99_999_999))
def test_an_amount_survives_the_wire(currency: str, minor: int) -> None:
    """Over every ISO 4217 currency: it comes back as it was, or is refused."""
    money = Money(minor, currency)
    try:
        wire = to_wire(money)
    except UnsupportedAmount:
        return
    assert from_wire(wire, currency.lower()) == money


@given(st.sampled_from(ALL), st.integers(1, 9_999))
def test_whole_units_are_never_refused(currency: str, units: int) -> None:
    """A whole amount of any currency goes through, and is that many units again."""
    money = Money.of(units, currency)
    assert from_wire(to_wire(money), currency) == money


def test_the_lists_do_not_overlap_and_are_currencies() -> None:
    """One place for each; what ISO 4217 dropped may still be in Stripe's list."""
    assert not ZERO_DECIMAL & THREE_DECIMAL
    assert not WHOLE_UNITS & (ZERO_DECIMAL | THREE_DECIMAL)
    assert (ZERO_DECIMAL | THREE_DECIMAL | WHOLE_UNITS) <= CURRENCIES
    assert len(KNOWN) > 120
