"""Which request is sent again, when, and with what end: ``retry.json``, scenario by scenario."""

from __future__ import annotations

import pytest
from proof import retrying


@pytest.mark.parametrize("scenario", retrying.SCENARIOS)
def test_every_operation_is_repeated_as_the_file_says(scenario: str) -> None:
    """Each repetition is the same request, and the books agree in the end.

    What is meant to change is written down by ``python -m proof.retrying > tests/conformance/retry.json``: look at the
    difference before you believe it.
    """
    wrong = {}
    for operation in retrying.operations():
        found, problems = retrying.observed(operation, scenario)
        wanted = retrying.expected()[scenario][retrying.name_of(operation)]
        if found != wanted or problems:
            wrong[retrying.name_of(operation)] = found, wanted, problems
    assert wrong == {}


def test_the_file_says_nothing_of_operations_that_are_gone() -> None:
    """And something of each one that is there."""
    names = {retrying.name_of(operation) for operation in retrying.operations()}
    assert set(retrying.expected()) == set(retrying.SCENARIOS)
    assert all(set(rows) == names for rows in retrying.expected().values())


def test_what_the_partner_asks_for_is_waited_for() -> None:
    """``Retry-After``: waited out before the next try; more than there is time for is no next try."""
    asked, too_much = (retrying.expected()[name] for name in list(retrying.SCENARIOS)[-2:])
    waiting = [name for name, row in asked.items() if row["sleeps_s"] == [2.0]]
    assert {name.split()[0] for name in waiting} == {"alipay", "paypal", "unionpay", "wechatpay", "wechatpay_v2"}
    assert all(too_much[name]["sleeps_s"] == [] for name in waiting)
