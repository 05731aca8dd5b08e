"""Rules on abnormal transactions, each with a day on which it is silent and one on which it is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.moves import moved

from payport.sdk.errors import ConfigurationError
from payport.sdk.watch import rules
from payport.sdk.watch.moves import Moved, What
from payport.sdk.watch.rules import RULES, Rule
from payport.sdk.watch.windows import Windows

DAY_S = 86_400.0


def hits(rule: Rule, *happened: Moved) -> list[str | None]:
    """What the rule says to each thing in order."""
    counted = Windows(rule.readings, rule.usual_s)
    return [rule.look(counted.add(each)) for each in happened]


def found(rule: Rule, *happened: Moved) -> list[str]:
    """Only what it found."""
    return [why for why in hits(rule, *happened) if why is not None]


def paid(count: int, amount: str = "10.00") -> list[Moved]:
    """So many ordinary payments."""
    return [moved(What.PAID, number, amount=amount, ref=f"OLD{number:08d}") for number in range(count)]


def test_an_amount_that_jumps() -> None:
    """Ten times what payments usually are at most; nine times is a large order."""
    rule = rules.amount_jump(times=10, least_payments=50)
    assert found(rule, *paid(50), moved(at_s=60, amount="99.00")) == []
    assert found(rule, *paid(50), moved(at_s=60, amount="110.00")) == [
        "110.00 CNY is 11 times what payments here usually are at most"
    ]


def test_a_new_account_has_nothing_that_is_usual() -> None:
    """Before fifty payments nothing is a jump."""
    assert found(rules.amount_jump(least_payments=50), *paid(49), moved(at_s=60, amount="9999.00")) == []


def test_another_currency_has_no_usual_amount_yet() -> None:
    """Yen are not compared with yuan."""
    assert found(rules.amount_jump(), *paid(60), moved(at_s=70, amount="99999", currency="JPY")) == []


def test_one_large_payment_in_two_hundred_is_not_usual() -> None:
    """The usual amount is that of 99 in 100: a single large one does not hide the next."""
    large = moved(What.PAID, 300, amount="5000.00")
    assert len(found(rules.amount_jump(), *paid(199), large, moved(at_s=301, amount="5000.00"))) == 1


@pytest.mark.parametrize(("count", "expected"), [(5, 0), (6, 1)])
def test_a_payer_who_tries_again_and_again(count: int, expected: int) -> None:
    """Attempts at one order count as well as orders."""
    attempts = [moved(at_s=number) for number in range(count)]
    said = found(rules.payer_velocity(at_most=5, within_s=600), *attempts)
    assert len(said) == expected
    assert all(each == "payer p1 tried 6 times in 10 min" for each in said)


def test_a_payer_who_takes_his_time() -> None:
    """Six attempts in an hour are not six in ten minutes."""
    attempts = [moved(at_s=number * 599.0) for number in range(6)]
    assert found(rules.payer_velocity(at_most=5, within_s=600), *attempts) == []


def test_a_payer_with_many_orders() -> None:
    """Different ones: paying one order in five attempts is no such thing."""
    rule = rules.payer_orders(at_most=3, within_s=3600)
    assert found(rule, *[moved(at_s=number) for number in range(9)]) == []
    orders = [moved(at_s=number, ref=f"SHOP1001000{number}") for number in range(4)]
    assert found(rule, *orders) == ["payer p1 opened 4 orders in 1 h"]


def test_declines_and_then_a_success() -> None:
    """Whoever tries stolen cards meets many refusals before one works."""
    rule = rules.payer_declines(at_most=3, within_s=3600)
    declines = [moved(What.DECLINED, number, ref=f"SHOP1001000{number}") for number in range(4)]
    assert found(rule, *declines) == []
    assert found(rule, *declines[:3], moved(What.PAID, 10)) == []
    assert found(rule, *declines, moved(What.PAID, 10)) == ["payer p1 was declined 4 times in 1 h and paid"]
    assert found(rule, *declines, moved(What.ORDERED, 10)) == ["payer p1 was declined 4 times in 1 h and tries again"]
    assert found(rule, *declines, moved(What.ORDERED, 3700)) == []


def test_a_rush_at_one_account() -> None:
    """Three in a minute at one account, and three at another, are no rush."""
    rule = rules.account_velocity(at_most=5, within_s=60)
    rush = [moved(at_s=number, account=f"alipay:{number % 2}") for number in range(10)]
    assert found(rule, *rush) == []
    assert len(found(rule, *[moved(at_s=number * 0.5) for number in range(8)])) == 3


def test_payouts_that_come_too_fast() -> None:
    """Payments do not count."""
    rule = rules.payout_velocity(at_most=2, within_s=3600)
    payouts = [moved(What.PAID_OUT, number, ref=f"WAGE{number:08d}") for number in range(3)]
    assert found(rule, *[moved(at_s=number) for number in range(9)], *payouts) == ["3 payouts were asked for in 1 h"]


def test_refunds_that_eat_up_what_was_paid() -> None:
    """A fifth of the money, once there were ten of them."""
    rule = rules.refund_ratio(at_most=0.2, least_refunds=10, within_s=DAY_S)
    refunds = [moved(What.REFUNDED, 100 + number) for number in range(21)]
    said = hits(rule, *paid(100), *refunds)
    assert said[100:] == [None] * 20 + ["21% of what was paid in CNY in 1 days was given back"]
    assert found(rule, *refunds[:9]) == []
    assert found(rule, *refunds[:10]) == ["more of what was paid in CNY in 1 days was given back"]


@pytest.mark.parametrize(
    ("hours", "from_hour", "to_hour", "expected"),
    [
        # the morning is nine o'clock in Shanghai
        (0, 0, 6, 0),
        (16, 0, 6, 1),
        (20.9, 0, 6, 1),
        (21, 0, 6, 0),
        (14, 22, 6, 1),
        (18, 22, 6, 1),
        (13, 22, 6, 1),
        (12.9, 22, 6, 0),
    ],
)
def test_a_burst_at_night(hours: float, from_hour: int, to_hour: int, expected: int) -> None:
    """Night is where the shop is, and may begin before midnight."""
    rule = rules.night_burst(at_most=3, time_zone="Asia/Shanghai", from_hour=from_hour, to_hour=to_hour)
    assert len(found(rule, *[moved(at_s=hours * 3600 + number) for number in range(4)])) == expected


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: rules.amount_jump(times=0.5), "times is at least 1, got 0.5"),
        (lambda: rules.amount_jump(least_payments=0), "least_payments is at least 1"),
        (lambda: rules.payer_velocity(at_most=0), "from 1 to 124, got 0"),
        (lambda: rules.payer_orders(at_most=125), "from 1 to 124, got 125"),
        (lambda: rules.payer_declines(at_most=0), "from 1 to 124"),
        (lambda: rules.account_velocity(at_most=0), "at least 1"),
        (lambda: rules.payout_velocity(at_most=0), "at least 1"),
        (lambda: rules.refund_ratio(at_most=0), "a share above 0"),
        (lambda: rules.refund_ratio(at_most=0.1, least_refunds=0), "at least 1"),
        (lambda: rules.night_burst(at_most=5, time_zone="Mars/Olympus"), "no time zone 'Mars/Olympus' is known"),
        (lambda: rules.night_burst(at_most=5, time_zone="UTC", from_hour=6, to_hour=6), "two different hours"),
        (lambda: rules.night_burst(at_most=5, time_zone="UTC", to_hour=24), "two different hours"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(make: Callable[[], Rule], words: str) -> None:
    """When they are configured, with the rule's name."""
    with pytest.raises(ConfigurationError, match=words):
        make()


def all_rules() -> list[Rule]:
    """Each rule as a careful shop may have it."""
    return [
        rules.amount_jump(),
        rules.payer_velocity(at_most=10),
        rules.payer_orders(at_most=10),
        rules.payer_declines(at_most=5),
        rules.account_velocity(at_most=600),
        rules.payout_velocity(at_most=100),
        rules.refund_ratio(at_most=0.3),
        rules.night_burst(at_most=100, time_zone="Asia/Shanghai"),
    ]


def test_every_rule_is_known_by_its_name() -> None:
    """As configuration spells it."""
    assert sorted(RULES) == sorted(rule.name for rule in all_rules())


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(100, 9000), st.booleans()), min_size=20, max_size=200))
def test_an_ordinary_day_is_silent(sales: list[tuple[int, int, bool]]) -> None:
    """Customers, orders from one to ninety, a payment every few minutes, now and then a refund: nothing is found."""
    happened: list[Moved] = []
    for number, (payer, minor, returned) in enumerate(sales):
        details = {"amount": f"{minor / 100:.2f}", "payer": f"p{payer}-{number // 10}", "ref": f"SHOP{number:08d}"}
        happened += [moved(What.ORDERED, number * 300.0, **details), moved(What.PAID, number * 300.0 + 20, **details)]
        if returned and number % 10 == 0:
            happened.append(moved(What.REFUNDED, number * 300.0 + 200, amount="1.00"))
    assert [found(rule, *happened) for rule in all_rules()] == [[]] * 8
