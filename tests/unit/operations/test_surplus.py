"""Money that moved under an attempt that was told as over: it is looked at before anything more is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from tests.support.corner import (
    ABSENT,
    EURO,
    PAID,
    SILENCE,
    UNSENT,
    Corner,
    NoRoad,
    Wink,
    gateway,
    leases_run_out,
    order,
)

from payport.schemas import (
    CancelledBy,
    Declined,
    Fact,
    FactKind,
    Money,
    NotSent,
    NotSentKind,
    Reason,
    Succeeded,
    Unknown,
)
from payport.schemas.events import Acknowledgement, Event, EventKind, RawNotification
from payport.sdk.adapter import Opened, Plan, Slot
from payport.sdk.desk import Desk
from payport.sdk.exchange import Exchange, Load, Record, now
from payport.sdk.gateway import Gateway
from payport.sdk.hosting import SyncHost
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.journal.store import Journal
from payport.sdk.observation import Observation, Source
from payport.sdk.profile import Ladder, Profile
from payport.sdk.testing.stepping import Run, Time

REF = "CORNER000001"
ONE = Money.of("1.00", "EUR")
WAITING = Observation(state=State.PENDING, source=Source.QUERY, amount=EURO)
CLOSED = Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=CancelledBy.CLOSED)
DONE = Observation(state=State.SUCCEEDED, source=Source.REPLY)
REFUSED = Observation(state=State.DECLINED, source=Source.REPLY, reason=Reason.CLOSED)
SAID_PAID = Observation(state=State.SUCCEEDED, source=Source.NOTICE, amount=EURO, partner_ref=f"{REF}T001")


@dataclass
class Counter(Corner):
    """The payer stands at it. ``notice``: what its next notice says, ``about`` which operation."""

    steps: tuple[str, ...] = ("confirm",)
    notice: Observation = SAID_PAID
    about: str = f"{REF}T001"

    @property
    def profile(self) -> Profile:
        """Fenced after three quarters of a minute."""
        ladder = Ladder(ask_after_s=(5.0,), fence_after_s=45.0)
        return replace(super().profile, ladders={"default": ladder, "slow": ladder})

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """Close it."""
        return Plan(steps=(Step(name="close", moves_money=True, digest="close"),))

    def plan_capture(self, hold: Operation, amount: Money, slot: Slot, *, final: bool) -> Plan:
        """Take it."""
        return Plan(steps=(Step(name="capture", moves_money=True, digest="capture"),), of=hold.id)

    def plan_refund(self, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
        """Give it back."""
        return Plan(steps=(Step.of("refund", b"refund", replayable=True),))

    def open_notice(self, raw: RawNotification) -> Exchange[Opened]:
        """A genuine one."""
        yield from now()
        event = Event(
            kind=EventKind.PAYMENT, id=raw.body.decode(), partner_ref=self.about, status="paid", partner_id=None,
            amount=EURO, occurred_at=None,
        )  # fmt: skip
        thanks = Acknowledgement(status=200, content_type="text/plain", body=b"ok")
        return Opened(
            event=event, lessons=((self.notice.partner_ref or self.about, self.notice),), acknowledgement=thanks
        )


def till_with(journal: Journal, time: Time, *says: Observation) -> tuple[Counter, Gateway[Counter]]:
    """A till after one call to pay."""
    corner = Counter(says=list(says))
    till = gateway(corner, journal, time)
    till.pay(order(), Wink())
    return corner, till


def operations(journal: Journal, verb: Verb) -> Sequence[Operation]:
    return [each for each in journal.read(lambda session: session.operations(REF)) if each.verb is verb]


def with_surplus(journal: Journal, time: Time) -> tuple[Counter, Gateway[Counter]]:
    """It was refused, and then a notice and the partner's answer said that it was paid all the same."""
    corner, till = till_with(journal, time, REFUSED)
    corner.says = [replace(PAID, source=Source.QUERY)]
    till.receive(RawNotification(body=b"n1", headers={}))
    assert [fact.kind for fact in operations(journal, Verb.PAY)[0].facts] == [FactKind.SURPLUS_PAID]
    corner.did.clear()
    return corner, till


def first_refund_came_through(corner: Counter, till: Gateway[Counter]) -> None:
    """A notice says so, and the partner when it is asked."""
    corner.notice = replace(DONE, source=Source.NOTICE, amount=ONE, partner_ref="BACK0001R001")
    corner.says = [replace(DONE, source=Source.QUERY)]
    till.receive(RawNotification(body=b"n1", headers={}))


def test_who_has_paid_all_the_same_is_not_charged_again(journal: Journal, time: Time) -> None:
    """Nor is told that the order is closed; once the surplus went back, it may be paid."""
    corner, till = with_surplus(journal, time)
    for told in (till.pay(order(), Wink()), till.cancel(REF, reverse_paid=True)):
        assert isinstance(told, NotSent)
        assert told.cause.kind is NotSentKind.INVALID
        assert "refund it" in told.cause.detail
    assert corner.did == []
    corner.says = [DONE, PAID]
    assert isinstance(till.refund(REF, "BACK0001", EURO), Succeeded)
    assert isinstance(till.pay(order(), Wink()), Succeeded)


def test_a_change_tells_the_facts_that_only_the_comparison_shows(journal: Journal, time: Time) -> None:
    """Nobody says "surplus" on the wire: that it was closed before and is paid now makes it one."""
    _, till = with_surplus(journal, time)
    assert till.changes()[-1].facts == (FactKind.SURPLUS_PAID,)


def test_an_answer_that_lags_behind_a_notice_does_not_replace_it(journal: Journal, time: Time) -> None:
    """It is asked in the moment of the notice, and a copy of the partner's data may still say "open"."""
    corner, till = till_with(journal, time, REFUSED)
    corner.says = [WAITING]
    till.receive(RawNotification(body=b"n1", headers={}))
    assert [fact.kind for fact in operations(journal, Verb.PAY)[0].facts] == [FactKind.SURPLUS_PAID]


def test_an_answer_keeps_what_the_notice_tells_beside_it(journal: Journal, time: Time) -> None:
    """A refund that somebody made in the partner's pages."""
    back = Fact(kind=FactKind.REFUNDED, at=time.at, amount=ONE)
    corner, till = till_with(journal, time, REFUSED)
    corner.notice = replace(SAID_PAID, facts=(back,))
    corner.says = [replace(PAID, source=Source.QUERY)]
    till.receive(RawNotification(body=b"n1", headers={}))
    assert back in operations(journal, Verb.PAY)[0].facts


def test_what_was_reversed_cannot_be_refunded(journal: Journal, time: Time) -> None:
    """Whatever a notice told before of a part of it; and the fact says what the reversal gave back."""
    corner, till = till_with(journal, time, PAID)
    corner.says = [DONE]
    assert isinstance(till.refund(REF, "BACK0001", ONE), Succeeded)
    corner.notice = replace(SAID_PAID, facts=(Fact(kind=FactKind.REFUNDED, at=time.at, amount=ONE),))
    till.receive(RawNotification(body=b"n1", headers={}))
    corner.says = [replace(CLOSED, cancelled_by=CancelledBy.REVERSED)]
    assert isinstance(till.cancel(REF, reverse_paid=True), Succeeded)
    assert [fact.amount for fact in operations(journal, Verb.PAY)[0].facts] == [ONE, Money.of("2.00", "EUR")]
    assert isinstance(till.refund(REF, "BACK0002", Money.of("2.00", "EUR")), NotSent)


def test_a_refund_that_came_through_after_its_refusal_is_not_made_again(journal: Journal, time: Time) -> None:
    """It counts as given back, and another attempt of it would give the money twice."""
    corner, till = till_with(journal, time, PAID)
    corner.says = [REFUSED]
    assert isinstance(till.refund(REF, "BACK0001", ONE), Declined)
    corner.says = [replace(DONE, source=Source.QUERY)]
    till.query_refund(REF, "BACK0001")
    corner.did.clear()
    assert isinstance(till.refund(REF, "BACK0001", ONE), NotSent)
    assert isinstance(till.refund(REF, "BACK0002", EURO), NotSent)
    assert corner.did == []


def test_an_order_that_was_paid_under_an_older_attempt_is_not_told_as_closed(journal: Journal, time: Time) -> None:
    """Both were refused, and then the first one was said to be paid: the money is here, and is to be given back."""
    corner, till = till_with(journal, time, REFUSED)
    corner.says = [REFUSED]
    assert isinstance(till.pay(order(), Wink()), Declined)
    corner.says = [replace(PAID, source=Source.QUERY)]
    till.receive(RawNotification(body=b"n1", headers={}))
    assert [fact.kind for fact in operations(journal, Verb.PAY)[0].facts] == [FactKind.SURPLUS_PAID]
    assert isinstance(till.cancel(REF), NotSent)
    corner.says = [DONE]
    assert isinstance(till.refund(REF, "BACK0001", EURO), Succeeded)
    assert isinstance(till.cancel(REF), Succeeded)


def test_what_was_prepared_is_not_sent_once_the_order_is_paid_after_all(journal: Journal, time: Time) -> None:
    """The next attempt waits in the journal while the one before it turns out to be paid."""
    corner, till = till_with(journal, time, REFUSED)
    journal.write(lambda session: till._desk.prepare_in(session, corner, order(), Wink()))
    corner.says = [replace(PAID, source=Source.QUERY)]
    till.receive(RawNotification(body=b"n1", headers={}))
    corner.did.clear()
    corner.says = [PAID]
    till.resume()
    assert corner.did == []
    assert operations(journal, Verb.PAY)[1].state is State.NOT_SENT


def test_a_charge_in_doubt_is_not_repeated_once_the_order_is_paid_after_all(journal: Journal, time: Time) -> None:
    """The partner does not know it, and the money is here: sending it again would take it a second time."""
    corner, till = till_with(journal, time, REFUSED)
    corner.says = [replace(SILENCE, again=False)]
    assert isinstance(till.pay(order(), Wink()), Unknown)
    corner.says = [replace(PAID, source=Source.QUERY)]
    till.receive(RawNotification(body=b"n1", headers={}))
    time.pass_by(20)
    corner.did.clear()
    corner.says = [ABSENT, PAID]
    till.resume()
    assert corner.did == ["ask"]


def test_a_refund_is_not_made_a_third_time_when_the_first_came_through(journal: Journal, time: Time) -> None:
    """What came through is not the newest attempt."""
    corner, till = till_with(journal, time, PAID)
    corner.says = [REFUSED, REFUSED]
    for _ in range(2):
        assert isinstance(till.refund(REF, "BACK0001", ONE), Declined)
    first_refund_came_through(corner, till)
    assert [fact.kind for fact in operations(journal, Verb.REFUND)[0].facts] == [FactKind.CONTRADICTED]
    corner.did.clear()
    corner.says = [DONE]
    assert isinstance(till.refund(REF, "BACK0001", ONE), NotSent)
    assert corner.did == []


def test_a_second_refund_in_doubt_is_not_repeated_when_the_first_came_through(journal: Journal, time: Time) -> None:
    """One that is in doubt, and that the partner does not know."""
    corner, till = till_with(journal, time, PAID)
    corner.says = [REFUSED, replace(SILENCE, again=False)]
    assert isinstance(till.refund(REF, "BACK0001", ONE), Declined)
    assert isinstance(till.refund(REF, "BACK0001", ONE), Unknown)
    first_refund_came_through(corner, till)
    time.pass_by(20)
    corner.did.clear()
    corner.says = [ABSENT, DONE]
    till.resume()
    assert corner.did == ["ask"]


def test_what_ends_here_does_not_undo_what_a_notice_has_just_told(journal: Journal, time: Time) -> None:
    """Pain: a refund that had come through was told as bounced, and its money could be given once more.

    The worker that ends a refund, which the partner has long denied, stands still after its last question.
    """
    corner, till = till_with(journal, time, PAID)
    corner.says = [replace(SILENCE, again=False), ABSENT, ABSENT]
    assert isinstance(till.refund(REF, "BACK0001", ONE), Unknown)
    time.pass_by(90_000)
    till.resume()
    assert operations(journal, Verb.REFUND)[0].for_person
    time.pass_by(90_000)
    host = SyncHost(around=till._desk.around, transport=NoRoad())  # pyright: ignore[reportPrivateUsage]
    ending = Run(till._desk.resolve(REF, 60.0), host)  # pyright: ignore[reportPrivateUsage]
    while not (isinstance(ending.next_effect, Load) and ending.next_effect.name == "last request"):
        ending.step()
    corner.notice, corner.about = replace(DONE, source=Source.NOTICE), "BACK0001R001"
    till.receive(RawNotification(body=b"n1", headers={}))
    ending.finish()
    (refund,) = operations(journal, Verb.REFUND)
    assert (refund.state, refund.facts) == (State.SUCCEEDED, ())
    assert isinstance(till.refund(REF, "BACK0002", EURO), NotSent)


def test_a_refusal_of_the_call_does_not_end_a_cancel_that_left_before(journal: Journal, time: Time) -> None:
    """The close was carried out in silence; its repetition is refused for this machine's clock."""
    corner, till = till_with(journal, time, WAITING)
    corner.says = [replace(SILENCE, again=False)]
    assert isinstance(till.cancel(REF), Unknown)
    corner.says = [replace(REFUSED, reason=Reason.INVALID_REQUEST)]
    assert isinstance(till.cancel(REF), Unknown)


def test_a_capture_in_another_currency_is_refused_here(journal: Journal, time: Time) -> None:
    """As a refund is."""
    corner, till = till_with(journal, time, replace(PAID, state=State.AUTHORIZED))
    told = till.capture(REF, Money.of("1.00", "USD"))
    assert isinstance(told, NotSent)
    assert "another currency" in told.cause.detail
    assert corner.did == ["confirm"]


def test_a_capture_that_came_through_after_its_refusal_counts(journal: Journal, time: Time) -> None:
    """Pain: the next one took as much again, more than was held."""
    corner, till = till_with(journal, time, replace(PAID, state=State.AUTHORIZED))
    corner.says = [REFUSED]
    assert isinstance(till.capture(REF, ONE, capture_ref="PART0001", final=False), Declined)
    corner.notice, corner.about = replace(DONE, source=Source.NOTICE), "PART0001C001"
    corner.says = [replace(DONE, source=Source.QUERY)]
    till.receive(RawNotification(body=b"n1", headers={}))
    assert [fact.kind for fact in operations(journal, Verb.CAPTURE)[0].facts] == [FactKind.SURPLUS_PAID]
    assert isinstance(till.capture(REF, EURO, capture_ref="PART0002"), NotSent)
    corner.says = [DONE]
    rest = till.capture(REF, capture_ref="PART0003")
    assert isinstance(rest, Succeeded)
    assert rest.value.amount == Money.of("2.00", "EUR")


def test_fences_that_cannot_leave_do_not_use_up_the_attempts_to_cancel(journal: Journal, time: Time) -> None:
    """Hours without a line, a round every few seconds: a few dozen attempts, and the last one closes the order."""
    corner, till = till_with(journal, time, WAITING)
    corner.says = [SILENCE, UNSENT] * 2_000
    for _ in range(600):
        time.pass_by(20)
        till.resume()
    assert 5 < len(operations(journal, Verb.CANCEL)) < 60
    time.pass_by(700)
    corner.says = [WAITING, CLOSED]
    till.resume()
    assert operations(journal, Verb.PAY)[0].state is State.DECLINED


@dataclass
class Repeating(Counter):
    """Its refunds are recognised when they are sent again, but for those that were refused."""

    numbers: list[str] = field(default_factory=list[str])

    def plan_refund(self, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
        """Give it back."""
        step = Step(name="refund", moves_money=True, digest="refund", request=b"refund", replayable=True)
        return Plan(steps=(step,))

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """As told."""
        said = yield from super().perform(operation, step, deadline_s)
        self.numbers.append(f"{operation.partner_ref} {said.state.value}")
        return said


@pytest.mark.parametrize("left", [True, False], ids=["after it left", "before it leaves"])
def test_a_refusal_that_is_read_late_and_a_worker_who_sends_again(journal: Journal, time: Time, *, left: bool) -> None:
    """Pain: told as refused, it was made anew under another number, and both came through.

    ``left``: whether the other worker has written down that the request leaves again when the refusal is.
    """
    corner = Repeating(says=[PAID, REFUSED])
    till, other = gateway(corner, journal, time), gateway(corner, journal, time)
    till.pay(order(), Wink())
    first = stepped(till, lambda desk: desk.refund(corner, REF, "BACK0001", ONE, "", 60.0), "learn refund")
    leases_run_out(journal)
    corner.says = [ABSENT]
    second = stepped(other, lambda desk: desk.resolve(REF, 60.0), "repeat")
    if left:
        second.step()
    assert isinstance(first.finish(), Declined) is not left
    corner.says = [DONE, DONE]
    till.refund(REF, "BACK0001", ONE)
    second.finish()
    assert len([each for each in corner.numbers if "succeeded" in each]) == 2, "the payment and one refund"


def test_a_cancel_that_was_refused_meanwhile_is_not_sent_again(journal: Journal, time: Time) -> None:
    """Pain: told as refused, and then the payment was given back."""
    corner = Repeating(says=[PAID, REFUSED])
    till, other = gateway(corner, journal, time), gateway(corner, journal, time)
    till.pay(order(), Wink())
    first = stepped(till, lambda desk: desk.cancel(REF, 60.0, reverse_paid=True), "learn cancel")
    leases_run_out(journal)
    second = stepped(other, lambda desk: desk.resolve(REF, 60.0), "repeat cancel")
    assert isinstance(first.finish(), Declined)
    second.finish()
    assert corner.did == ["confirm", "close"]


def test_a_cancel_that_another_worker_sends_again_is_not_told_as_refused(journal: Journal, time: Time) -> None:
    """Pain: told as refused, and then the payment was given back."""
    corner = Repeating(says=[PAID, REFUSED])
    till, other = gateway(corner, journal, time), gateway(corner, journal, time)
    till.pay(order(), Wink())
    first = stepped(till, lambda desk: desk.cancel(REF, 60.0, reverse_paid=True), "learn cancel")
    leases_run_out(journal)
    second = stepped(other, lambda desk: desk.resolve(REF, 60.0), "repeat cancel")
    second.step()
    assert isinstance(first.finish(), Unknown)
    corner.says = [replace(CLOSED, cancelled_by=CancelledBy.REVERSED)]
    second.finish()
    (cancel,) = operations(journal, Verb.CANCEL)
    assert (cancel.state, cancel.facts) == (State.SUCCEEDED, ())


def stepped(till: Gateway[Repeating], call: Callable[[Desk], Exchange[object]], to: str) -> Run[object]:
    """A call of this gateway that stands still before it writes this down."""
    desk = till._desk  # pyright: ignore[reportPrivateUsage]
    run = Run(call(desk), SyncHost(around=desk.around, transport=NoRoad()))
    while not (isinstance(run.next_effect, Record) and run.next_effect.name == to):
        run.step()
    return run
