"""What a request is for: told to who decides whether it may go out, and to who hears what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from tests.support.corner import ABSENT, PAID, Corner, Wink, order

from payport.schemas import PartnerId
from payport.schemas.outcome import UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk.adapter import Adapter, Answer, Found, Plan, Slot
from payport.sdk.calling import call
from payport.sdk.events import ReplyJudged, RequestSent, SdkEvent
from payport.sdk.exchange import Exchange
from payport.sdk.gateway import Gateway
from payport.sdk.hosting import Asked
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.journal.store import Journal
from payport.sdk.message import Purpose, WireReply, WireRequest
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.profile import Ladder, Profile
from payport.sdk.retry import RetryPolicy
from payport.sdk.testing.stepping import Time, WorkerClock

LOST = doubt(Source.REPLY, UnknownKind.TIMED_OUT, "silence")
CLOSED = Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=CancelledBy.CLOSED)


def request(endpoint: str, *, moves_money: bool) -> WireRequest:
    """A request to the corner."""
    return WireRequest(
        endpoint=endpoint, moves_money=moves_money, method="POST", url="https://corner/", headers={}, content=b""
    )


@dataclass
class Calling(Corner):
    """The shop around the corner, which is called for every step and question. Its cancels need a step too."""

    fence_after_s: float | None = None

    @property
    def profile(self) -> Profile:
        """Fences by age when it is told to."""
        ladder = Ladder(ask_after_s=(7.0,), fence_after_s=self.fence_after_s)
        return replace(super().profile, ladders={"default": ladder, "slow": ladder})

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Call, then say what comes next. Like an order that is made before it is confirmed, no step says of itself
        that it moves money."""
        reply = yield from call(self, request(step.name, moves_money=False), deadline_s)
        return reply if isinstance(reply, Observation) else self.says.pop(0)

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """The same."""
        reply = yield from call(self, request("ask", moves_money=False), deadline_s)
        return reply if isinstance(reply, Observation) else self.says.pop(0)

    def find(self, partner_id: PartnerId, deadline_s: float) -> Exchange[Found]:
        """Found under the first reference."""
        yield from call(self, request("find", moves_money=False), deadline_s)
        return Found(partner_ref="CORNER000001", observation=self.says.pop(0))

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """One step."""
        return Plan(steps=(Step(name="close", moves_money=True, digest="close"),))


@dataclass
class Pier:
    """Where everything arrives. ``asked``: what for; ``told``: what was heard of it, by what for."""

    asked: list[tuple[str, Purpose]] = field(default_factory=list[tuple[str, Purpose]])
    told: list[tuple[str, str, Purpose | None]] = field(default_factory=list[tuple[str, str, Purpose | None]])

    def admit(self, asked: Asked) -> None:
        """Let it go."""
        self.asked.append((asked.request.endpoint, asked.purpose))

    def __call__(self, event: SdkEvent) -> None:
        """Note it."""
        if isinstance(event, RequestSent | ReplyJudged):
            self.told.append((event.name, event.endpoint, event.purpose))

    def send(self, request: WireRequest, timeout_s: float) -> WireReply:
        """It arrives."""
        return WireReply(200, (), b"{}")

    def close(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True)
class Bell:
    """An endpoint of the corner."""

    moves_money: bool
    name: str = "bell"
    partner: str = "corner"

    def call(self, adapter: Adapter, request_: None, deadline_s: float) -> Exchange[Answer[str] | Observation]:
        """Ring it."""
        yield from call(adapter, request(self.name, moves_money=self.moves_money), deadline_s)
        return Answer("rang")


class Shop:
    """A gateway at the corner, with everything that goes out in view."""

    def __init__(self, journal: Journal, time: Time, corner: Calling) -> None:
        self.corner, self.pier, self.time = corner, Pier(), time
        self.gateway = Gateway(
            corner, journal=journal, transport=self.pier, clock=WorkerClock(time, "till"), sinks=(),
            admissions=(self.pier,), retry=RetryPolicy(max_attempts=1),
        )  # fmt: skip

    def pay(self, *says: Observation) -> None:
        """The one order."""
        self.corner.says += says
        self.gateway.pay(order(), Wink())

    def resume(self, *says: Observation) -> None:
        """A minute passes, and it is looked at again."""
        self.corner.says += says
        self.time.pass_by(60.0)
        self.gateway.resume()


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
    shop = Shop(journal, time, Calling(steps=("create",)))
    do(shop)
    assert expected == shop.pier.asked
    assert [(name, *each) for each in expected for name in ("request.sent", "reply.judged")] == shop.pier.told
