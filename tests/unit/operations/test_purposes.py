"""What a request is for: told to who decides whether it may go out, and to who hears what became of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.support.corner import ABSENT, PAID
from tests.support.pier import CLOSED, LOST, Bell, Shop

from payport.schemas import PartnerId
from payport.sdk.journal.store import Journal
from payport.sdk.message import Purpose
from payport.sdk.testing.stepping import Time


def query(shop: Shop) -> None:
    """Ask how it stands."""
    shop.pay(LOST)
    shop.corner.says.append(PAID)
    shop.gateway.query("CORNER000001")


def cancel(shop: Shop) -> None:
    """Close it."""
    shop.pay(LOST)
    shop.corner.says.append(CLOSED)
    shop.gateway.cancel("CORNER000001")


def repeat(shop: Shop) -> None:
    """The partner does not know it, so it is sent again."""
    shop.pay(LOST)
    shop.resume(ABSENT, PAID)


def fence(shop: Shop) -> None:
    """It is too old, so it is closed."""
    shop.corner.fence_after_s = 30.0
    shop.pay(LOST)
    shop.resume(LOST, CLOSED)


def adopt(shop: Shop) -> None:
    """Take over what somebody else charged."""
    shop.corner.says.append(PAID)
    shop.gateway.adopt("CORNER000001", PartnerId("P1"))


MOVED = ("create", Purpose.MOVE)
DOING: list[tuple[Callable[[Shop], object], list[tuple[str, Purpose]]]] = [
    (lambda shop: shop.pay(PAID), [MOVED]),
    (query, [MOVED, ("ask", Purpose.ASK)]),
    (cancel, [MOVED, ("close", Purpose.RESOLVE)]),
    (repeat, [MOVED, ("ask", Purpose.ASK), ("create", Purpose.RESOLVE)]),
    (fence, [MOVED, ("ask", Purpose.ASK), ("close", Purpose.RESOLVE)]),
    (adopt, [("find", Purpose.ASK)]),
    (lambda shop: shop.gateway.native(Bell(moves_money=True), None), [("bell", Purpose.MOVE)]),
    (lambda shop: shop.gateway.native(Bell(moves_money=False), None), [("bell", Purpose.ASK)]),
]


@pytest.mark.parametrize(("do", "expected"), DOING)
def test_what_each_request_is_for(
    journal: Journal, time: Time, do: Callable[[Shop], object], expected: list[tuple[str, Purpose]]
) -> None:
    """By what the operation does, not by what one request of it says of itself; and the events say the same."""
    shop = Shop(journal, time)
    do(shop)
    assert expected == shop.pier.asked
    assert [(name, *each) for each in expected for name in ("request.sent", "reply.judged")] == shop.pier.told
