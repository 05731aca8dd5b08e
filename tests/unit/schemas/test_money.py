"""Money: whole minor units of one ISO 4217 currency, never a float, never rounded, never a cent lost."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iso4217 import Currency

from payport.schemas import Money, exponent

PAYABLE = sorted(currency.value for currency in Currency if currency.exponent is not None)
WITHOUT_MINOR_UNIT = sorted(currency.value for currency in Currency if currency.exponent is None)
LIMIT = 10**18 - 1

currencies = st.sampled_from(PAYABLE)
amounts = st.integers(-(10**15), 10**15)
moneys = st.builds(Money, amounts, currencies)


@pytest.mark.parametrize(
    ("amount", "currency", "minor", "text"),
    [
        ("12.34", "CNY", 1234, "12.34"),
        ("12.3", "CNY", 1230, "12.30"),
        ("12", "CNY", 1200, "12.00"),
        ("0.01", "CNY", 1, "0.01"),
        ("-0.01", "CNY", -1, "-0.01"),
        ("-0", "CNY", 0, "0.00"),
        ("007", "CNY", 700, "7.00"),
        ("500", "JPY", 500, "500"),
        ("500.00", "JPY", 500, "500"),
        ("1.234", "KWD", 1234, "1.234"),
        ("1.23400000", "KWD", 1234, "1.234"),
        ("1.2345", "CLF", 12345, "1.2345"),
        ("19.99", "USD", 1999, "19.99"),
        ("9999999999999999.99", "CNY", LIMIT, "9999999999999999.99"),
        ("0" * 50 + "1", "CNY", 100, "1.00"),
        (Decimal("12.34"), "CNY", 1234, "12.34"),
        (Decimal("1E+2"), "CNY", 10000, "100.00"),
        (Decimal("-0.50"), "CNY", -50, "-0.50"),
        (12, "CNY", 1200, "12.00"),
        (-3, "JPY", -3, "-3"),
    ],
)
def test_major_units_become_exact_minor_units(
    amount: str | Decimal | int, currency: str, minor: int, text: str
) -> None:
    """What goes in as text, Decimal or int comes out as the same amount with its currency's decimal places."""
    money = Money.of(amount, currency)
    assert minor == money.amount_minor
    assert text == money.text()
    assert f"{text} {currency}" == str(money)
    assert Decimal(text) == money.major


@pytest.mark.parametrize(
    ("amount", "currency", "says"),
    [
        ("12.345", "CNY", "CNY has 2 decimal places"),
        ("1.5", "JPY", "JPY has 0 decimal places"),
        (Decimal("0.001"), "CNY", "CNY has 2 decimal places"),
        ("10000000000000000.00", "CNY", "at most 18 digits"),
        ("1" * 4000, "CNY", "at most 18 digits"),
        (10**4000, "CNY", "at most 18 digits"),
        (-(10**18), "JPY", "at most 18 digits"),
        (Decimal("1E+1000000"), "CNY", "at most 18 digits"),
        (Decimal("1E-1000000"), "CNY", "at most 18 digits"),
        (Decimal("NaN"), "CNY", "finite"),
        (Decimal("sNaN"), "CNY", "finite"),
        (Decimal("-Infinity"), "CNY", "finite"),
        *((text, "CNY", "digits with at most one point") for text in [
            "", "-", ".5", "5.", "1.2.3", "+1", "1e2", "1E2", "NaN", "Infinity", "1_000", "1,000", " 1", "1 ", "1\n",
            "--1", "0x10", "٣", "１２", "¥1",
        ]),
    ],
)  # fmt: skip
def test_what_is_no_exact_amount_is_refused(amount: str | Decimal | int, currency: str, says: str) -> None:
    """Nothing is rounded, guessed or truncated: the message says which rule was broken."""
    with pytest.raises(ValueError, match=says):
        Money.of(amount, currency)


@pytest.mark.parametrize("amount", [12.34, 0.0, float("nan"), True, False, None, b"1", [1], 1j])
def test_floats_and_other_types_are_refused(amount: object) -> None:
    """19.99 * 100 is 1998.9999999999998 in binary, so a float is a TypeError that says what to write."""
    with pytest.raises(TypeError, match=r"12\.34|a str, a Decimal or an int"):
        Money.of(amount, "CNY")  # type: ignore[arg-type]  # the refusal at run time is the promise


@pytest.mark.parametrize("amount", [12.0, True, "12", Decimal(12), None])
def test_the_constructor_takes_minor_units_only(amount: object) -> None:
    """``Money(12.0, ...)`` would be a guess between yuan and fen."""
    with pytest.raises(TypeError, match=r"Money\.of"):
        Money(amount, "CNY")  # type: ignore[arg-type]  # the refusal at run time is the promise


@pytest.mark.parametrize("currency", ["RMB", "cny", "CN", " CNY", "CNH", "BTC", *WITHOUT_MINOR_UNIT])
def test_only_iso_4217_currencies_with_a_minor_unit(currency: str) -> None:
    """Nicknames, lower case, crypto and metals are refused with a message that names the code."""
    with pytest.raises(ValueError, match=currency):
        Money(1, currency)


@pytest.mark.parametrize("currency", [156, None, b"CNY"])
def test_a_currency_is_text(currency: object) -> None:
    """The numeric code is not taken for the code."""
    with pytest.raises(TypeError, match="'CNY'"):
        Money(1, currency)  # type: ignore[arg-type]  # the refusal at run time is the promise


@pytest.mark.parametrize(
    ("places", "codes"),
    [
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (2, "CNY EUR USD HKD GBP TWD SGD AUD HUF IDR"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    ],
)
def test_decimal_places_by_iso_4217(places: int, codes: str) -> None:
    """The published exponents, so that yen are never multiplied by a hundred."""
    assert {places} == {exponent(code) for code in codes.split()}


@settings(deadline=None)
@given(moneys)
def test_text_is_read_back_as_the_same_money(money: Money) -> None:
    """Law: ``Money.of(m.text(), m.currency) == m``, in every currency, and by way of Decimal and pickle too."""
    assert money == Money.of(money.text(), money.currency)
    assert money == Money.of(money.major, money.currency)
    assert money == pickle.loads(pickle.dumps(money))


@settings(deadline=None)
@given(currencies, amounts, amounts, st.integers(-100, 100))
def test_arithmetic_is_that_of_the_minor_units(currency: str, left: int, right: int, factor: int) -> None:
    """Laws: adding, subtracting, negating, multiplying and comparing agree with whole numbers."""
    a, b = Money(left, currency), Money(right, currency)
    assert Money(left + right, currency) == a + b
    assert Money(left - right, currency) == a - b
    assert Money(left * factor, currency) == a * factor == factor * a
    assert Money(-left, currency) == -a
    assert Money(abs(left), currency) == abs(a)
    assert [left < right, left <= right, left > right, left >= right, left == right] == [
        a < b, a <= b, a > b, a >= b, a == b,
    ]  # fmt: skip
    assert hash(a) == hash(Money(left, currency))
    assert Money(left + right + left, currency) == sum([a, b, a], Money.zero(currency))


OPERATIONS: list[Callable[[Money, Money], object]] = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a < b,
    lambda a, b: a <= b,
    lambda a, b: a > b,
    lambda a, b: a >= b,
]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_two_currencies_never_meet(operation: Callable[[Money, Money], object]) -> None:
    """One yuan plus one yen is an error that names both, never a number; they are not equal either."""
    with pytest.raises(ValueError, match="CNY and JPY"):
        operation(Money(1, "CNY"), Money(1, "JPY"))
    assert Money(1, "CNY") != Money(1, "JPY")


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("other", [1, 1.5, "1", None])
def test_money_meets_money_only(operation: Callable[[Money, object], object], other: object) -> None:
    """A bare number has no currency."""
    with pytest.raises(TypeError, match="money goes with money only"):
        operation(Money(1, "CNY"), other)


@pytest.mark.parametrize("factor", [1.5, True, Decimal(2), "2", Money(1, "CNY")])
def test_money_is_multiplied_by_whole_numbers_only(factor: object) -> None:
    """A share is made by ``allocate``, which loses nothing."""
    with pytest.raises(TypeError, match="allocate"):
        Money(100, "CNY") * factor  # type: ignore[operator]  # the refusal at run time is the promise


def test_a_sum_beyond_18_digits_is_refused() -> None:
    """The limit holds after arithmetic as well."""
    with pytest.raises(ValueError, match="18 digits"):
        Money(LIMIT, "CNY") + Money(1, "CNY")


@pytest.mark.parametrize(
    ("minor", "weights", "shares"),
    [
        (100, (1, 1, 1), (34, 33, 33)),
        (-100, (1, 1, 1), (-34, -33, -33)),
        (5, (7, 3), (4, 1)),
        (1, (1, 1), (1, 0)),
        (0, (1, 2), (0, 0)),
        (10, (0, 1, 0), (0, 10, 0)),
        (1, (0, 5, 0, 5), (0, 1, 0, 0)),
        (101, (1, 2, 97), (1, 2, 98)),
    ],
)
def test_shares_by_largest_remainder(minor: int, weights: tuple[int, ...], shares: tuple[int, ...]) -> None:
    """The missing units go to the largest remainders, the earlier share first."""
    assert shares == tuple(share.amount_minor for share in Money(minor, "CNY").allocate(weights))


@settings(deadline=None)
@given(moneys, st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any))
def test_no_minor_unit_is_lost_or_invented(money: Money, weights: list[int]) -> None:
    """Laws of ``allocate``: the shares add up, each is off by less than one unit, and weight 0 gets nothing."""
    shares = money.allocate(weights)
    assert money == sum(shares, Money.zero(money.currency))
    assert len(weights) == len(shares)
    for weight, share in zip(weights, shares, strict=True):
        assert abs(share.amount_minor * sum(weights) - money.amount_minor * weight) < sum(weights)
        assert weight or not share.amount_minor


@settings(deadline=None)
@given(moneys, st.integers(1, 50))
def test_equal_parts_differ_by_one_unit_at_most(money: Money, parts: int) -> None:
    """Laws of ``split``: the parts add up, differ by at most one minor unit, and the larger come first."""
    shares = money.split(parts)
    sizes = [abs(share.amount_minor) for share in shares]
    assert money == sum(shares, Money.zero(money.currency))
    assert parts == len(shares)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] - sizes[-1] in {0, 1}


@pytest.mark.parametrize("weights", [(), (0, 0), (1, -1), (3, -1)])
def test_weights_must_make_sense(weights: tuple[int, ...]) -> None:
    """No weight, only zeros, or a negative one cannot be shared by."""
    with pytest.raises(ValueError, match="at least one weight"):
        Money(100, "CNY").allocate(weights)


@pytest.mark.parametrize("weights", [(0.5, 0.5), (True, 1), ("1",)])
def test_weights_are_whole_numbers(weights: tuple[int, ...]) -> None:
    """Percentages are given as 30 and 70, not as floats."""
    with pytest.raises(TypeError, match="whole numbers"):
        Money(100, "CNY").allocate(weights)


@pytest.mark.parametrize("parts", [0, -1])
def test_there_is_at_least_one_part(parts: int) -> None:
    """Nothing can be split into no parts."""
    with pytest.raises(ValueError, match="at least one weight"):
        Money(100, "CNY").split(parts)
