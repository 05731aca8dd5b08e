"""A worker stands still with a refusal in its hands, its lease runs out, and another one takes the payment over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from tests.support.corner import (
    ABSENT,
    EURO,
    PAID,
    REF,
    SILENCE,
    Corner,
    TwoTills,
    Wink,
    leases_run_out,
    order,
    stepped,
    stop_before,
)

from payport.schemas import (
    CancelledBy,
    Declined,
    Money,
    NotSent,
    PayOutcome,
    Pending,
    QrCode,
    Reason,
    Succeeded,
    Unknown,
)
from payport.sdk.adapter import Plan, Slot
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.journal.store import Journal
from payport.sdk.observation import Observation, Source
from payport.sdk.operations.resuming import Resumed
from payport.sdk.testing.stepping import Run, Time


@dataclass
class Two(TwoTills):
    """The partner refused the first one's request, and so does not know the payment."""

    def refused(self, reason: Reason) -> Run[PayOutcome[str]]:
        """It has not written that down yet."""
        self.one.says = [Observation(state=State.DECLINED, source=Source.REPLY, reason=reason)]
        return self.pays(stops_before="learn pay")

    def asked(self) -> Run[Resumed]:
        """The second worker was told that there is no such payment, and is about to send the same request again."""
        self.other.says = [ABSENT, PAID, PAID]  # a question shows the same
        return self.resumes(stops_before="repeat")


REASONS = pytest.mark.parametrize("reason", [Reason.RATE_LIMITED, Reason.PARTNER_UNAVAILABLE, Reason.DECLINED])


@REASONS
def test_a_refusal_says_nothing_of_what_was_sent_again_since(journal: Journal, time: Time, reason: Reason) -> None:
    """The other worker's request is on its way: who is told that it is refused pays it once more, perhaps elsewhere."""
    two = Two(journal, time)
    stale, taken_over = two.refused(reason), two.asked()
    taken_over.step()
    stop_before(taken_over, "learn pay")
    assert two.other.did == ["ask", "confirm"]
    assert isinstance(stale.finish(), Unknown)
    taken_over.finish()
    assert (two.payment.state, two.payment.facts) == (State.SUCCEEDED, ())
    assert isinstance(two.tills[0].pay(order(), Wink()), Succeeded)


@REASONS
def test_what_was_refused_meanwhile_is_not_sent_again(journal: Journal, time: Time, reason: Reason) -> None:
    """The first worker has told it, so that it may be paid elsewhere by now."""
    two = Two(journal, time)
    stale, taken_over = two.refused(reason), two.asked()
    assert isinstance(stale.finish(), Declined)
    assert len(taken_over.finish().settled) == 1
    assert two.other.did == ["ask"]
    assert two.payment.facts == ()


@dataclass
class Closing(Corner):
    """It closes by a request of its own."""

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """Close it."""
        return Plan(steps=(Step(name="close", moves_money=True, digest="close"),))


def test_a_refused_cancel_that_another_worker_has_sent_again_is_no_refusal(journal: Journal, time: Time) -> None:
    """That one closes the order."""
    shown = Observation(state=State.ACTION, source=Source.REPLY, amount=EURO, action=QrCode(text="approve me"))
    two = Two(journal, time, Closing(steps=("confirm",)), Closing(steps=("confirm",)))
    two.one.says = [shown]
    two.tills[0].pay(order(), Wink())
    two.one.says = [Observation(state=State.DECLINED, source=Source.REPLY, reason=Reason.RATE_LIMITED)]
    stale = stepped(two.tills[0], two.tills[0]._desk.cancel(REF, 10.0, reverse_paid=False))
    stop_before(stale, "learn cancel")
    time.pass_by(60)
    leases_run_out(journal)
    two.other.says = [Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=CancelledBy.CLOSED)]
    taken_over = stepped(two.tills[1], two.tills[1]._desk.cancel(REF, 10.0, reverse_paid=False))
    stop_before(taken_over, "learn cancel")
    assert isinstance(stale.finish(), Unknown)
    assert isinstance(taken_over.finish(), Succeeded)
    (_, cancel) = journal.read(lambda session: session.operations(REF))
    assert (cancel.state, cancel.facts) == (State.SUCCEEDED, ())


def test_the_end_by_time_is_no_word_of_the_partners(journal: Journal, time: Time) -> None:
    """It was not known when it was asked about; before its end was written down, it was told as paid after all."""
    two = Two(journal, time)
    two.one.says = [SILENCE] * 3
    assert isinstance(two.tills[0].pay(order(), Wink()), Unknown)
    time.pass_by(3_600 + 600)
    two.one.says = [ABSENT]
    stale = stepped(two.tills[0], two.tills[0]._desk.resume(60.0))
    stop_before(stale, "learn pay")
    stale.step()
    stop_before(stale, "learn pay")
    two.other.says = [replace(PAID, source=Source.QUERY)]
    assert isinstance(two.tills[1].query(REF).outcome, Succeeded)
    stale.finish()
    assert (two.payment.state, two.payment.facts) == (State.SUCCEEDED, ())


def test_what_was_not_found_says_nothing_of_what_was_handed_out_since(journal: Journal, time: Time) -> None:
    """The first worker still had the answer in its hands, with the number: the payer may pay what it shows."""
    two = TwoTills(journal, time)
    two.one.says = [Observation(state=State.ACTION, source=Source.REPLY, amount=EURO, action=QrCode(text="approve me"))]
    stale = two.pays(stops_before="learn pay")
    time.pass_by(3_600 + 600)
    two.other.says = [ABSENT]
    asked = two.resumes(stops_before="learn pay")
    stale.finish()
    asked.finish()
    assert (two.payment.state, two.other.did) == (State.ACTION, ["ask"])
    two.other.says = [replace(PAID, source=Source.QUERY)]
    assert isinstance(two.tills[1].query(REF).outcome, Succeeded)
    assert two.payment.facts == ()


@dataclass
class Waiting(Corner):
    """It cannot close an order: a cancel waits until its time is over."""

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """Nothing to send."""
        return Plan(steps=())


def test_a_cancel_that_waits_does_not_end_what_was_handed_out_since(journal: Journal, time: Time) -> None:
    """The partner did not know the order when it was asked, and the cancel was about to tell it as closed."""
    shown = Observation(state=State.ACTION, source=Source.REPLY, amount=EURO, action=QrCode(text="approve me"))
    two = TwoTills(journal, time, Waiting(says=[shown], steps=("confirm",)), Waiting(steps=("confirm",)))
    stale = two.pays(stops_before="learn pay")
    time.pass_by(3_600 + 600)
    two.other.says = [ABSENT]
    cancel = stepped(two.tills[1], two.tills[1]._desk.cancel(REF, 10.0, reverse_paid=False))
    stop_before(cancel, "learn pay")
    stale.finish()
    assert isinstance(cancel.finish(), Pending)
    (payment, _) = journal.read(lambda session: session.operations(REF))
    assert (payment.state, two.other.did) == (State.ACTION, ["ask"])


@dataclass
class Refunding(Corner):
    """It gives back within an hour, or not at all."""

    def plan_refund(self, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
        """Without the request kept, so that it is not sent again."""
        until = slot.now + timedelta(hours=1)
        return Plan(steps=(Step(name="refund", moves_money=True, digest="refund"),), payable_until=until)


def test_a_refund_that_was_ended_by_time_and_is_told_as_done_has_not_bounced(journal: Journal, time: Time) -> None:
    """Else its money would count as there again, and be given back once more."""
    giving = Refunding(steps=("confirm",))
    two = Two(journal, time, giving, Refunding(steps=("confirm",)))
    two.one.says = [PAID, SILENCE]
    desk, beside = two.tills[0]._desk, two.tills[1]._desk
    two.tills[0].pay(order(), Wink())
    assert isinstance(stepped(two.tills[0], desk.refund(giving, REF, "BACK0001", EURO, "", 10.0)).finish(), Unknown)
    time.pass_by(3_600 + 600)
    two.one.says = [ABSENT]
    stale = stepped(two.tills[0], desk.resume(60.0))
    stop_before(stale, "learn refund")
    stale.step()
    stop_before(stale, "learn refund")
    two.other.says = [replace(PAID, source=Source.QUERY)]
    asked = stepped(two.tills[1], beside.query_refund(REF, "BACK0001", 10.0)).finish()
    assert isinstance(asked.outcome, Succeeded)
    stale.finish()
    assert isinstance(stepped(two.tills[0], desk.refund(giving, REF, "BACK0002", EURO, "", 10.0)).finish(), NotSent)
