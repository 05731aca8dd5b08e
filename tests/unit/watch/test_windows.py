"""Counting lately: the same as counting everything one by one, but for a sixty-fourth of the window."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.moves import moved

from payport.schemas import Order
from payport.schemas.money import Money
from payport.schemas.order import Payer
from payport.sdk.errors import ConfigurationError
from payport.sdk.secrets import Secret
from payport.sdk.watch import windows
from payport.sdk.watch.moves import Moved, Reading, View, What
from payport.sdk.watch.payers import PayerKey
from payport.sdk.watch.windows import PAYER_AT_MOST, SLOTS, Windows, bin_end_minor, bin_of

HOUR_S = 3600.0
READING = Reading(What.PAID, HOUR_S)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([What.PAID, What.ORDERED, What.REFUNDED]),
        st.floats(min_value=0.0, max_value=2000.0),
        st.integers(min_value=1, max_value=10**9),
    ),
    min_size=1,
    max_size=60,
)


def played(steps: list[tuple[What, float, int]]) -> tuple[list[Moved], View]:
    """Everything in order, and the view of the last."""
    counted = Windows([READING], [HOUR_S])
    happened, at_s, view = list[Moved](), 0.0, None
    for number, (what, after_s, minor) in enumerate(steps):
        at_s += after_s
        happened.append(moved(what, at_s, amount=f"{minor / 100:.2f}", ref=f"SHOP{number:08d}"))
        view = counted.add(happened[-1])
    assert view is not None
    return happened, view


@given(STEPS)
def test_an_account_is_counted_to_a_slot(steps: list[tuple[What, float, int]]) -> None:
    """Never more than in the whole window, never less than in all of it but one slot."""
    happened, view = played(steps)
    end = happened[-1].at
    ages = [(end - each.at).total_seconds() for each in happened if each.what is What.PAID]
    amounts = [each.amount.amount_minor for each in happened if each.what is What.PAID]
    inside = HOUR_S * (1 - 1 / SLOTS)
    least = sum(1 for age in ages if age < inside)
    most = sum(1 for age in ages if age <= HOUR_S)
    assert least <= view.account.count(What.PAID, HOUR_S) <= most
    total = view.account.total_minor(What.PAID, HOUR_S, "CNY")
    assert sum(amount for age, amount in zip(ages, amounts, strict=True) if age < inside) <= total
    assert total <= sum(amount for age, amount in zip(ages, amounts, strict=True) if age <= HOUR_S)


@given(st.lists(st.integers(min_value=1, max_value=10**12), min_size=1, max_size=300))
def test_the_usual_amount_is_that_of_99_in_100(amounts: list[int]) -> None:
    """At most 5 % above, never below."""
    counted = Windows([READING], [HOUR_S])
    view = None
    for minor in amounts:
        view = counted.add(moved(What.PAID, amount=str(Money(minor, "CNY").text())))
    assert view is not None
    exact = sorted(amounts)[-(-99 * len(amounts) // 100) - 1]
    assert exact <= view.account.usual_minor("CNY", HOUR_S) <= max(exact * 1.05 + 1, exact + 1)


@given(st.integers(min_value=1, max_value=10**15))
def test_an_amount_lies_in_its_bin(minor: int) -> None:
    """At its end or below, and above the one before."""
    assert bin_end_minor(bin_of(minor) - 1) <= minor <= bin_end_minor(bin_of(minor))


def test_currencies_are_not_mixed() -> None:
    """A thousand yen are no thousand euros."""
    counted = Windows([READING], [HOUR_S])
    counted.add(moved(What.PAID, amount="5.00"))
    view = counted.add(moved(What.PAID, amount="500", currency="JPY"))
    assert view.account.total_minor(What.PAID, HOUR_S, "CNY") == 500
    assert view.account.total_minor(What.PAID, HOUR_S, "JPY") == 500
    assert view.account.usual_minor("EUR", HOUR_S) == 0


def test_a_payer_is_known_over_all_accounts() -> None:
    """And a stranger is nobody."""
    counted = Windows([], [])
    counted.add(moved(account="alipay:2021"))
    view = counted.add(moved(account="stripe:7", ref="SHOP10010002", at_s=5))
    assert view.payer is not None
    assert (view.payer.count(What.ORDERED, 60), view.payer.refs(What.ORDERED, 60)) == (2, 2)
    assert view.payer.count(What.ORDERED, 5) == 1
    assert counted.add(moved(payer="")).payer is None


def test_what_is_only_wanted_counts_in_its_own_view_alone() -> None:
    """Supposing a thing a hundred times does not make it happen."""
    counted = Windows([Reading(What.ORDERED, 60)], [])
    for _ in range(100):
        view = counted.suppose(moved())
    assert view.account.count(What.ORDERED, 60) == 1
    assert view.account.total_minor(What.ORDERED, 60, "CNY") == 1000
    assert view.account.total_minor(What.ORDERED, 60, "EUR") == 0
    assert view.payer is not None
    assert (view.payer.count(What.ORDERED, 60), view.payer.count(What.PAID, 60)) == (1, 0)


def test_a_reading_that_was_not_declared_is_a_mistake() -> None:
    """It would be zero for ever."""
    view = Windows([], []).add(moved())
    with pytest.raises(KeyError):
        view.account.count(What.PAID, 60)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy account is 64 slots, a busy payer a few hundred things, and payers so many."""
    monkeypatch.setattr(windows, "PAYERS", 10)
    counted = Windows([READING], [HOUR_S])
    for number in range(2000):
        counted.add(moved(What.PAID, at_s=number * 60.0, payer=f"p{number % 15}"))
    for number in range(300):
        counted.add(moved(What.ORDERED, at_s=120_000.0 + number, payer="busy"))
    assert len(counted._payers) == 10
    assert len(counted._payers["busy"].entries) == PAYER_AT_MOST
    (tally,) = counted._accounts.values()
    assert max(len(ring.slots) for ring in [*tally._readings.values(), *tally._amounts.values()]) <= SLOTS


def test_a_clock_that_is_behind_does_not_lose_a_payment() -> None:
    """It is counted with the newest; one that is a whole window late is not."""
    counted = Windows([READING], [])
    counted.add(moved(What.PAID, at_s=10_000))
    assert counted.add(moved(What.PAID, at_s=9_000)).account.count(What.PAID, HOUR_S) == 2
    assert counted.add(moved(What.PAID, at_s=0)).account.count(What.PAID, HOUR_S) == 2


# who pays


KEY = PayerKey(Secret("a key of sixteen characters or more"))


def test_a_payer_is_the_same_for_the_same_key() -> None:
    """By the identity at the partner, else by e-mail, whatever its case; and 24 digits tell nothing."""
    first = KEY.digest("alipay", Payer(id="2088102122524333"))
    assert first == KEY.digest("alipay", Payer(id="2088102122524333", email="a@b.example", ip="203.0.113.7"))
    assert KEY.digest("alipay", Payer(email="Wen@Shop.example ")) == KEY.digest(
        "stripe", Payer(email="wen@shop.example")
    )
    assert len(first) == 24
    assert set(first) <= set("0123456789abcdef")
    assert "2088102122524333" not in first


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Payer(id="2088102122524333"), Payer(id="2088102122524334")),
        (Payer(id="a@b.example"), Payer(email="a@b.example")),
        (Payer(email="a@b.example"), Payer(email="c@b.example")),
    ],
)
def test_others_are_others(one: Payer, other: Payer) -> None:
    """And the same number at another partner is somebody else."""
    assert KEY.digest("alipay", one) != KEY.digest("alipay", other)
    assert KEY.digest("alipay", Payer(id="7")) != KEY.digest("stripe", Payer(id="7"))


def test_another_key_makes_strangers() -> None:
    """Whoever has no key cannot try addresses out."""
    payer = Payer(email="wen@shop.example")
    assert KEY.digest("alipay", payer) != PayerKey(Secret("another key of many characters")).digest("alipay", payer)


@pytest.mark.parametrize("payer", [Payer(), Payer(ip="203.0.113.7"), Payer(name="Wen")])
def test_an_address_or_a_name_is_nobody(payer: Payer) -> None:
    """Many share them: an office behind one address is not one payer."""
    assert KEY.digest("alipay", payer) == ""
    assert Order(ref="SHOP10010001", amount=Money.of("1.00", "CNY"), subject="Tea").payer == Payer()


def test_a_short_key_is_refused() -> None:
    """And none is shown."""
    with pytest.raises(ConfigurationError, match="shorter than 16 characters"):
        PayerKey(Secret("short"))
    assert repr(KEY) == "PayerKey(***)"
