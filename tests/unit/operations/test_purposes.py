"""What a request is for: told to who decides whether it may go out, and to who hears what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tests.support.corner import ABSENT, PAID
from tests.support.pier import CLOSED, LOST, Bell, Calling, Shop, request

from payport.schemas import NotSent, PartnerId, Unknown, UnknownKind
from payport.sdk.calling import call
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.journal.store import Journal
from payport.sdk.message import FailureKind, Purpose, SendFailure, WireReply
from payport.sdk.observation import Observation
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


@dataclass
class Asking(Calling):
    """It asks after each step how it went, and believes that nothing left when the question did not."""

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Two requests."""
        first = yield from call(self, request(step.name, moves_money=step.moves_money), deadline_s)
        if isinstance(first, Observation) and first.state is State.NOT_SENT:
            return first
        second = yield from call(self, request("ask", moves_money=False), deadline_s)
        return second if isinstance(second, Observation) else self.says.pop(0)


NO_ROAD = SendFailure(FailureKind.REFUSED, may_have_left=False, detail="no road")
LATE = SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="silence")
READ = WireReply(200, (), b"{}")


@pytest.mark.parametrize(
    ("answers", "step", "left"),
    [
        ([READ, NO_ROAD], "confirm", True),
        ([LATE, NO_ROAD], "confirm", True),
        ([NO_ROAD], "confirm", False),
        ([READ, NO_ROAD], "create", False),
    ],
)
def test_whatever_an_adapter_says_what_left_is_in_doubt(
    journal: Journal, time: Time, answers: list[WireReply | SendFailure], step: str, left: bool
) -> None:
    """Found by the seeded world: a request that moves money was followed by a question that did not leave."""
    shop = Shop(journal, time, Asking(steps=(step,)))
    shop.pier.answers = answers
    told = shop.pay()
    if left:
        assert isinstance(told, Unknown)
        assert (told.cause.kind, "no road" in told.cause.detail) == (UnknownKind.CONNECTION_LOST, True)
    else:
        assert isinstance(told, NotSent)
