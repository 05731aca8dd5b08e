"""What the partner does not know is over by its own clock, which may be hours off, or stand still for ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest
from tests.support.corner import ABSENT, SILENCE, Corner, Wink, order

from payport.schemas import Reason, Unknown
from payport.sdk.calling import call
from payport.sdk.exchange import Exchange
from payport.sdk.gateway import Gateway
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.journal.store import Journal
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.observation import Observation
from payport.sdk.testing.conformance.world import AT_ONCE
from payport.sdk.testing.stepping import MORNING, Time, WorkerClock

REF = "CORNER000001"
OVER_S = 3600 + 120
"""An hour to be paid in, and the margin."""
DAY_S = 86_400
ASK = WireRequest(endpoint="ask", moves_money=False, method="GET", url="https://corner/", headers={}, content=b"")


@dataclass
class Forgetful(Corner):
    """It never answers an order, and then knows nothing of it. It cannot cancel."""

    steps: tuple[str, ...] = ("confirm",)

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Silence."""
        yield from call(self, ASK, deadline_s)
        return SILENCE

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """No such order."""
        yield from call(self, ASK, deadline_s)
        return ABSENT


@dataclass
class Road:
    """Answers carry the partner's date: so many seconds behind, or always the same."""

    time: Time
    behind_s: float = 0.0
    stands_at: datetime | None = None
    dates: list[str] = field(default_factory=list[str])

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """Nothing but the date."""
        date = self.stands_at or self.time.at - timedelta(seconds=self.behind_s)
        self.dates.append(format_datetime(date, usegmt=True))
        return WireReply(200, (("date", self.dates[-1]),), b"")

    def close(self) -> None:
        """Nothing is open."""


def opened(journal: Journal, time: Time, road: Road) -> Gateway[Forgetful]:
    """An order in doubt."""
    clock = WorkerClock(time, "till")
    till = Gateway(Forgetful(), journal=journal, transport=road, sinks=(), retry=AT_ONCE, clock=clock)
    assert isinstance(till.pay(order(), Wink()), Unknown)
    return till


def looked_at(till: Gateway[Forgetful], journal: Journal, time: Time, at_s: float) -> Operation:
    """The order after a round at this second."""
    time.at = MORNING + timedelta(seconds=at_s)
    till.resume()
    (found,) = journal.read(lambda session: session.operations(REF))
    return found


@pytest.mark.parametrize("hours", [1, 5, 23])
def test_a_partner_whose_clock_is_hours_behind_ends_an_order_hours_later(
    journal: Journal, time: Time, hours: int
) -> None:
    """Or ours is hours ahead: nobody can tell, and to wait costs nothing but time."""
    till = opened(journal, time, Road(time, behind_s=hours * 3600))
    early = looked_at(till, journal, time, OVER_S + hours * 3600 - 10)
    assert (early.state, early.for_person) == (State.DOUBT, None)
    late = looked_at(till, journal, time, OVER_S + hours * 3600)
    assert (late.state, late.reason) == (State.DECLINED, Reason.EXPIRED)


def test_a_partner_whose_clock_is_ahead_ends_no_order_early(journal: Journal, time: Time) -> None:
    """Then ours counts."""
    till = opened(journal, time, Road(time, behind_s=-DAY_S))
    assert looked_at(till, journal, time, OVER_S - 10).state is State.DOUBT
    assert looked_at(till, journal, time, OVER_S).state is State.DECLINED


def test_an_order_that_no_clock_of_the_partner_s_ends_is_left_to_a_person(journal: Journal, time: Time) -> None:
    """The date of its replies stands still: two days after our own end of it somebody is told; nothing is claimed."""
    till = opened(journal, time, Road(time, stands_at=MORNING))
    waits = looked_at(till, journal, time, OVER_S + 2 * DAY_S - 10)
    assert (waits.state, waits.for_person) == (State.DOUBT, None)
    left = looked_at(till, journal, time, OVER_S + 2 * DAY_S)
    assert left.state is State.DOUBT
    assert "Date" in (left.for_person or "")
