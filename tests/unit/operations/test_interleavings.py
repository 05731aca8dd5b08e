"""Two workers at one payment at the same moment, on servers that let them write side by side: the payment's lock holds.

Each scenario stops the first worker in the middle of its transaction, after it looked and before it writes. It is
played with the lock, and without: there it goes wrong, so that the lock is what makes it right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

import pytest
from tests.support.corner import EURO, PAID, Corner, NoRoad, Wink, order
from tests.support.databases import SERVERS, application

from payport.schemas import Money, NotSent, Order, Pending, QrCode, Succeeded
from payport.schemas.order import CaptureMode
from payport.schemas.payment import CancelledBy
from payport.sdk.adapter import Plan, Slot
from payport.sdk.errors import ReferenceConflict
from payport.sdk.exchange import Exchange
from payport.sdk.gateway import Gateway
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.journal.sql_session import SqlSession
from payport.sdk.journal.store import Journal
from payport.sdk.observation import Observation, Source
from payport.sdk.testing.conformance.world import AT_ONCE, SEALING_KEY
from payport.sdk.testing.stepping import Time, WorkerClock

REF = "CORNER000001"
TWO = Money.of("2.00", "EUR")
HELD = Observation(state=State.AUTHORIZED, source=Source.REPLY, amount=EURO)
SHOWN = Observation(state=State.ACTION, source=Source.REPLY, amount=EURO, action=QrCode(text="approve me"))
DONE = Observation(state=State.SUCCEEDED, source=Source.REPLY)


@dataclass
class Market(Corner):
    """Says yes to everything. ``stops_in``: the plan in which it stands still, inside the transaction."""

    steps: tuple[str, ...] = ("create",)
    first: Observation = PAID
    stops_in: str = ""
    inside: Event = field(default_factory=Event)
    free: Event = field(default_factory=Event)

    def _plan(self, name: str, *, moves_money: bool = True) -> Plan:
        if self.stops_in == name:
            self.inside.set()
            assert self.free.wait(20)
        return Plan(steps=(Step(name=name, moves_money=moves_money, digest=name, request=b"", replayable=True),))

    def plan_pay(self, order: Order, method: Wink, slot: Slot) -> Plan:
        """One request."""
        return self._plan("create")

    def plan_refund(self, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
        """Money back."""
        return self._plan("refund")

    def plan_capture(self, hold: Operation, amount: Money, slot: Slot, *, final: bool) -> Plan:
        """A part of what is held."""
        return self._plan("capture")

    def plan_complete(self, payment: Operation, returned: Mapping[str, str], slot: Slot) -> Plan | None:
        """Charge what was approved."""
        return self._plan("charge")

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """Close it."""
        return self._plan("close", moves_money=False)

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Yes."""
        closed = replace(DONE, cancelled_by=CancelledBy.CLOSED)
        says = {"create": self.first, "close": closed, "charge": PAID}
        self.says = [says.get(step.name, replace(DONE, amount=operation.amount))]
        return (yield from super().perform(operation, step, deadline_s))

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """Still shown."""
        self.says = [SHOWN]
        return (yield from super().ask(operation, deadline_s))


@dataclass
class Stage:
    """Two tills, each with a journal of its own on one database, as two hosts have it."""

    kind: str
    url: str
    time: Time
    markets: tuple[Market, Market] = field(default_factory=lambda: (Market(), Market()))
    tills: list[Gateway[Market]] = field(default_factory=list[Gateway[Market]])

    def set_up(self, *, stops_in: str, first: Observation = PAID) -> None:
        """``stops_in``: where the first till stands still. ``first``: the answer to a payment."""
        for number, market in enumerate(self.markets):
            market.first = first
            self.tills.append(
                Gateway(
                    market,
                    journal=Journal.open(self.url, sealing_key=SEALING_KEY, durability="normal"),
                    transport=NoRoad(),
                    sinks=(),
                    retry=AT_ONCE,
                    clock=WorkerClock(self.time, f"till-{number}"),
                )
            )
        self.markets[0].stops_in = stops_in

    def both(self, one: Callable[[Gateway[Market]], Any], other: Callable[[Gateway[Market]], Any]) -> tuple[Any, Any]:
        """What the two were told when the second begins while the first stands still."""
        market = self.markets[0]
        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(one, self.tills[0])
            assert market.inside.wait(20)
            second = threads.submit(other, self.tills[1])
            _give_time(second)
            market.free.set()
            return _told(first), _told(second)

    def operations(self, verb: Verb) -> list[Operation]:
        """Of the one debt."""
        found = self.tills[0].journal.read(lambda session: session.operations(REF))
        return [operation for operation in found if operation.verb is verb]

    def did(self) -> list[str]:
        """What both tills sent."""
        return [name for market in self.markets for name in market.did]


def _give_time(call: Future[Any]) -> None:
    """Enough to get through, or to the lock."""
    with suppress(FutureTimeout):
        call.exception(0.4)


def _told(call: Future[Any]) -> Any:
    try:
        return call.result(30)
    except ReferenceConflict as error:
        return error


@pytest.fixture(params=sorted(SERVERS))
def stage(request: pytest.FixtureRequest, time: Time) -> Iterator[Stage]:
    made = Stage(request.param, SERVERS[request.param].url(), time)
    yield made
    for till in made.tills:
        till.journal.close()


@pytest.fixture(params=[True, False], ids=["with the lock", "without"])
def locked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether sessions take the payment's lock."""
    if not request.param:
        begin = SqlSession.__init__

        def unlocked(self: SqlSession, *args: Any, locks: bool = False, **options: Any) -> None:
            begin(self, *args, locks=False, **options)

        monkeypatch.setattr(SqlSession, "__init__", unlocked)
    return bool(request.param)


def test_two_refunds_never_give_back_more_than_was_paid(stage: Stage, locked: bool) -> None:
    """Each would be covered by itself."""
    stage.set_up(stops_in="refund")
    assert isinstance(stage.tills[1].pay(order(), Wink()), Succeeded)
    told = stage.both(
        lambda till: till.refund(REF, "REFUND000001", TWO), lambda till: till.refund(REF, "REFUND000002", TWO)
    )
    assert ([Succeeded, NotSent] if locked else [Succeeded, Succeeded]) == [type(each) for each in told]
    assert stage.did().count("refund") == (1 if locked else 2)


def test_two_captures_never_take_more_than_is_held(stage: Stage, locked: bool) -> None:
    """In parts, each under a reference of its own."""
    stage.set_up(stops_in="capture", first=HELD)
    stage.tills[1].pay(replace(order(), capture=CaptureMode.MANUAL), Wink())
    told = stage.both(
        lambda till: till.capture(REF, TWO, capture_ref="CAPTURE00001", final=False),
        lambda till: till.capture(REF, TWO, capture_ref="CAPTURE00002", final=False),
    )
    assert ([Succeeded, NotSent] if locked else [Succeeded, Succeeded]) == [type(each) for each in told]


def test_a_payment_that_is_being_cancelled_gets_no_further_step(stage: Stage, locked: bool) -> None:
    """The payer comes back just when the order is cancelled: it is closed, and nothing is charged."""
    stage.set_up(stops_in="close", first=SHOWN)
    stage.tills[1].pay(order(), Wink())
    stage.both(lambda till: till.cancel(REF), lambda till: till.complete(REF))
    assert ("charge" in stage.did()) == (not locked)


def test_what_was_prepared_is_not_sent_while_it_is_being_cancelled(stage: Stage, locked: bool) -> None:
    """A worker passes over a payment that somebody is writing at this moment."""
    stage.set_up(stops_in="close")
    connection = application(stage.kind, stage.url)
    stage.tills[1].prepare(order(), Wink(), connection)
    connection.commit()
    connection.close()
    cancelled, resumed = stage.both(lambda till: till.cancel(REF), lambda till: till.resume(deadline_s=5.0))
    if locked:
        assert isinstance(cancelled, Succeeded)
        assert (resumed.settled, stage.did()) == ((), [])
    else:
        assert "create" in stage.did()


def test_an_order_that_two_tills_open_at_once_is_one_debt(stage: Stage) -> None:
    """The second waits for the first, and is told that the reference stands for another amount."""
    stage.set_up(stops_in="create")
    first, second = stage.both(lambda till: till.pay(order(), Wink()), lambda till: till.pay(order(amount=TWO), Wink()))
    assert isinstance(first, Succeeded)
    assert isinstance(second, ReferenceConflict)
    assert stage.did() == ["create"]


def test_an_order_that_two_tills_pay_at_once_is_charged_once(stage: Stage) -> None:
    """Both are told of the one charge."""
    stage.set_up(stops_in="create")
    told = stage.both(lambda till: till.pay(order(), Wink()), lambda till: till.pay(order(), Wink()))
    assert isinstance(told[0], Succeeded)
    assert isinstance(told[1], Succeeded | Pending)
    assert stage.did() == ["create"]
    assert len(stage.operations(Verb.PAY)) == 1
