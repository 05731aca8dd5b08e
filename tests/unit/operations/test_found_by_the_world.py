"""What the seeded world found, each as a story of its own: several workers, late words, partners that never answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

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
    ActionRequired,
    CancelledBy,
    Declined,
    FactKind,
    Money,
    NotSent,
    Pending,
    QrCode,
    Reason,
    Succeeded,
    Unknown,
    UnknownKind,
)
from payport.schemas.events import Acknowledgement, Event, EventKind, RawNotification, Rejected, Verified
from payport.sdk.adapter import Opened, Plan, Slot
from payport.sdk.errors import JournalError
from payport.sdk.exchange import Exchange, now
from payport.sdk.gateway import Gateway
from payport.sdk.hosting import SyncHost
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.journal.store import Journal
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.operations.carrying import Carried
from payport.sdk.operations.following import newest
from payport.sdk.testing.stepping import Run, Time

REF = "CORNER000001"
BACK = "CORNERBACK01"
SHOWN = Observation(state=State.ACTION, source=Source.REPLY, amount=EURO, action=QrCode(text="pay me"))
CLOSED = Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=CancelledBy.CLOSED)
OVER = Observation(state=State.DECLINED, source=Source.QUERY, amount=EURO, reason=Reason.CLOSED)
GIVEN_BACK = Observation(state=State.SUCCEEDED, source=Source.REPLY, amount=Money.of("1.00", "EUR"))


@dataclass
class Counter(Corner):
    """It closes, gives back, and tells by notices how an operation stands. ``meanwhile``: done while a close is sent.

    ``notice``: the operation and how it stands: that the first attempt is paid, unless said otherwise.
    """

    steps: tuple[str, ...] = ("create",)
    notice: tuple[str, Observation] = (f"{REF}T001", PAID)
    meanwhile: Callable[[], object] | None = None

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """Close it."""
        return Plan(steps=(Step(name="close", moves_money=True, digest="close"),))

    def plan_refund(self, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
        """Give it back, again if need be."""
        step = Step(name="back", moves_money=True, digest="back", request=b"back", replayable=True)
        return Plan(steps=(step,), ladder=self.ladder)

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Whatever comes next."""
        meanwhile, self.meanwhile = self.meanwhile if step.name == "close" else None, None
        if meanwhile is not None:
            meanwhile()
        return (yield from super().perform(operation, step, deadline_s))

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        """What the notice says."""
        yield from now()
        ref, told = self.notice
        event = Event(
            kind=EventKind.PAYMENT, id="1", partner_ref=ref, partner_id=None, status="paid", amount=EURO,
            occurred_at=None,
        )  # fmt: skip
        lesson = replace(told, source=Source.NOTICE, partner_ref=ref)
        thanks = Acknowledgement(status=204, content_type="text/plain", body=b"")
        return Opened(event=event, lessons=((ref, lesson),), acknowledgement=thanks)


NOTICE = RawNotification(body=b"", headers={})


def operations(journal: Journal, verb: Verb) -> list[Operation]:
    return [each for each in journal.read(lambda session: session.operations(REF)) if each.verb is verb]


def stepped(till: Gateway[Counter], make: Callable[[], Exchange[object]]) -> Run[object]:
    """A call of this gateway, to be stepped."""
    return Run(make(), SyncHost(around=till._desk.around, transport=NoRoad()))  # pyright: ignore[reportPrivateUsage]


def test_a_second_cancel_waits_for_the_first(journal: Journal, time: Time) -> None:
    """The first one's request is outside; that the second could send nothing must not end it as not sent."""
    corner = Counter(says=[SHOWN])
    till = gateway(corner, journal, time)
    till.pay(order(), Wink())
    first = stepped(till, lambda: till._desk.cancel(REF, 10.0, reverse_paid=False))  # pyright: ignore[reportPrivateUsage]
    while corner.did[-1] != "close":
        corner.says = [CLOSED]
        first.step()
    corner.says = [UNSENT]
    assert isinstance(till.cancel(REF, deadline_s=5.0), Pending)
    assert corner.says == [UNSENT], "it sent nothing of its own"
    assert isinstance(first.finish(), Succeeded)
    assert isinstance(till.cancel(REF), Succeeded)


def test_a_cancel_that_is_left_to_nobody_is_carried_on(journal: Journal, time: Time) -> None:
    """Whoever asks again goes on with it as soon as nobody else does."""
    corner = Counter(says=[SHOWN, SILENCE])
    till = gateway(corner, journal, time)
    till.pay(order(), Wink())
    assert isinstance(till.cancel(REF), Unknown)
    corner.says = [CLOSED]
    assert isinstance(till.cancel(REF), Succeeded)
    assert len(operations(journal, Verb.CANCEL)) == 1


def test_a_word_from_before_the_end_is_no_second_payment(journal: Journal, time: Time) -> None:
    """Paid, reversed without an answer, closed by the partner's word, and then the notice of the payment: ask."""
    corner = Counter(says=[SHOWN, CLOSED])
    till = gateway(corner, journal, time)
    till.pay(order(), Wink())
    till.cancel(REF)
    corner.says = [Observation(state=State.DECLINED, source=Source.QUERY, reason=Reason.CLOSED)]
    received = till.receive(NOTICE)
    assert isinstance(received, Verified)
    assert corner.did[-1] == "ask"
    assert operations(journal, Verb.PAY)[0].facts == ()
    assert till.receive(NOTICE) == Verified(
        event=received.event, acknowledgement=received.acknowledgement, first_seen=False
    ), "and nobody is asked twice"


def test_money_that_came_in_after_all_is_told(journal: Journal, time: Time) -> None:
    """The partner says so when it is asked, or it does not answer: then its notice is believed."""
    for answer in (PAID, SILENCE):
        with Journal.open("sqlite:///:memory:?durable=no") as fresh:
            corner = Counter(says=[SHOWN, CLOSED, answer])
            till = gateway(corner, fresh, time)
            till.pay(order(), Wink())
            till.cancel(REF)
            assert isinstance(till.receive(NOTICE), Verified)
            assert [fact.kind for fact in operations(fresh, Verb.PAY)[0].facts] == [FactKind.SURPLUS_PAID]


def test_what_was_paid_while_another_way_was_asked_for_is_told(journal: Journal, time: Time) -> None:
    """The close of the first way got no answer, and it was paid meanwhile: nobody is shown anything to pay."""
    corner = Counter(says=[SHOWN])
    till = gateway(corner, journal, time)
    assert isinstance(till.pay(order(), Wink()), ActionRequired)
    corner.says = [SHOWN, PAID, SILENCE]  # paid: the notice that comes while it is being closed is asked about
    corner.meanwhile = lambda: till.receive(NOTICE)
    assert isinstance(till.pay(order(), Wink(eye="right")), Succeeded)


def test_only_the_newest_attempt_says_that_nothing_was_paid(journal: Journal, time: Time) -> None:
    """While one worker waits for an answer, others cancel the attempt, open the next, and it is paid."""
    corner = Counter(says=[SILENCE])
    till = gateway(corner, journal, time)
    first = stepped(till, lambda: till._desk.pay(corner, order(), Wink(), 10.0))  # pyright: ignore[reportPrivateUsage]
    while not corner.did:
        first.step()
    corner.says = [CLOSED, PAID]
    till.cancel(REF)
    assert isinstance(till.pay(order(), Wink()), Succeeded)
    corner.says = [SILENCE] * 2
    assert isinstance(first.finish(), Succeeded)


def test_a_refund_that_is_asked_for_again_meanwhile_is_not_told_as_refused(journal: Journal, time: Time) -> None:
    """The first request is silent, a notice says that it was refused, and another worker makes a second one."""
    corner = Counter(says=[PAID, SILENCE])
    till = gateway(corner, journal, time)
    till.pay(order(), Wink())
    one = Money.of("1.00", "EUR")
    first = stepped(till, lambda: till._desk.refund(corner, REF, BACK, one, "", 10.0))  # pyright: ignore[reportPrivateUsage]
    while corner.did[-1] != "back":
        first.step()
    (refused,) = operations(journal, Verb.REFUND)
    declined = Observation(state=State.DECLINED, source=Source.NOTICE, reason=Reason.DECLINED)
    corner.notice = (refused.partner_ref, declined)
    assert isinstance(till.receive(NOTICE), Verified)
    corner.says = [Observation(state=State.PENDING, source=Source.REPLY)]
    assert isinstance(till.refund(REF, BACK, one), Pending)
    corner.says = [SILENCE, SILENCE, Observation(state=State.PENDING, source=Source.QUERY)]
    assert isinstance(first.finish(), Pending)


def test_a_refund_that_is_never_taken_ends_with_a_person(journal: Journal, time: Time) -> None:
    """Repeated for a day, no longer: what the partner does not know then, somebody must look at."""
    corner = Counter(says=[PAID, *[SILENCE] * 3])
    till = gateway(corner, journal, time)
    till.pay(order(), Wink())
    assert isinstance(till.refund(REF, BACK, Money.of("1.00", "EUR")), Unknown)
    for hours, repeated in ((1, True), (22, True), (25, False)):
        time.pass_by(3600.0 * hours)
        corner.did.clear()
        corner.says = [ABSENT, *[SILENCE] * 3]
        till.resume()
        assert ("back" in corner.did) is repeated
    refund = operations(journal, Verb.REFUND)[0]
    assert refund.for_person is not None
    assert "however often" in refund.for_person


def test_a_cancel_without_an_end_is_left_to_a_person(journal: Journal, time: Time) -> None:
    """A day after the order could last be paid, and not before; the partner's late word still ends it."""
    corner = Counter(says=[SHOWN, SILENCE])
    till = gateway(corner, journal, time)
    till.pay(order(), Wink())
    till.cancel(REF)
    corner.steps = ()
    for later in (timedelta(hours=1), timedelta(hours=23)):
        time.at += later
        corner.says = [SHOWN, SILENCE, SILENCE]
        till.resume()
        assert operations(journal, Verb.CANCEL)[0].for_person is None
    time.at += timedelta(hours=26)
    corner.says = [SHOWN, SILENCE, SILENCE]
    till.resume()
    assert operations(journal, Verb.CANCEL)[0].for_person is not None
    corner.says = [CLOSED]
    assert isinstance(till.cancel(REF), Succeeded)


def test_a_notice_from_before_a_cancel_whose_answer_is_missing_is_asked_about(journal: Journal, time: Time) -> None:
    """The cancel gave the money back. Told as paid, the order would have been delivered for nothing."""
    closed = Observation(
        state=State.DECLINED, source=Source.QUERY, reason=Reason.CLOSED, cancelled_by=CancelledBy.REVERSED
    )
    corner = Counter(says=[*[SILENCE] * 3, SILENCE, closed])
    till = gateway(corner, journal, time)
    assert isinstance(till.pay(order(), Wink()), Unknown)
    assert isinstance(till.cancel(REF, reverse_paid=True), Unknown | Pending)
    assert isinstance(till.receive(NOTICE), Verified)
    (payment,) = operations(journal, Verb.PAY)
    assert payment.state is State.DECLINED
    assert corner.did[-1] == "ask"
    till.resolve(REF)
    assert operations(journal, Verb.CANCEL)[0].cancelled_by is CancelledBy.REVERSED


def test_nothing_is_reversed_while_a_refund_is_under_way(journal: Journal, time: Time) -> None:
    """Nobody could tell how much of it the reversal gave back."""
    corner = Counter(says=[PAID, Observation(state=State.PENDING, source=Source.REPLY)])
    till = gateway(corner, journal, time)
    till.pay(order(), Wink())
    assert isinstance(till.refund(REF, BACK, Money.of("1.00", "EUR")), Pending)
    told = till.cancel(REF, reverse_paid=True)
    assert isinstance(told, NotSent)
    assert "refund" in told.cause.detail
    corner.says = [GIVEN_BACK, Observation(state=State.DECLINED, source=Source.REPLY, reason=Reason.INVALID_STATE)]
    assert isinstance(till.refund(REF, BACK, Money.of("1.00", "EUR")), Succeeded)
    assert isinstance(till.cancel(REF, reverse_paid=True), Declined), "asked for, and the partner decides"


def test_what_was_refused_once_is_not_told_as_never_sent(journal: Journal, time: Time) -> None:
    """Refused for too many calls, and then there was no road: something had left, and this is what was said of it."""
    busy = Observation(state=State.DECLINED, source=Source.REPLY, reason=Reason.RATE_LIMITED, again=True)
    corner = Counter(says=[busy, UNSENT])
    told = gateway(corner, journal, time).pay(order(), Wink())
    assert isinstance(told, Declined)
    assert told.reason is Reason.RATE_LIMITED


def test_an_order_that_was_accepted_does_not_vanish(journal: Journal, time: Time) -> None:
    """Over its time and not found, though the partner had taken it: closing it tells, not finding it does not."""
    corner = Counter(says=[Observation(state=State.PENDING, source=Source.REPLY)])
    till = gateway(corner, journal, time)
    assert isinstance(till.pay(order(), Wink()), Pending)
    time.pass_by(86_400)
    corner.says = [ABSENT, doubt(Source.REPLY, UnknownKind.TIMED_OUT, "silence")]
    till.resume()
    assert corner.did[-2:] == ["ask", "close"]
    assert operations(journal, Verb.PAY)[0].state is State.PENDING
    corner.says = [PAID]
    assert isinstance(till.query(REF).outcome, Succeeded)


def test_a_close_that_finds_nothing_once_does_not_make_an_accepted_order_vanish(journal: Journal, time: Time) -> None:
    """A moment's lag denied it twice, to the question and to the close; it is over when it is denied all the while."""
    corner = Counter(says=[Observation(state=State.PENDING, source=Source.REPLY)])
    till = gateway(corner, journal, time)
    assert isinstance(till.pay(order(), Wink()), Pending)
    time.pass_by(86_400)
    corner.says = [ABSENT, ABSENT]
    till.resume()
    assert corner.did[-2:] == ["ask", "close"]
    assert operations(journal, Verb.PAY)[0].state is State.PENDING
    corner.says = [Observation(state=State.PENDING, source=Source.QUERY)]
    till.query(REF)
    states: list[State] = []
    for _ in range(2):
        time.pass_by(600)
        corner.says = [ABSENT, ABSENT, ABSENT]  # to the close that waits, to the question, to the close after it
        till.resume()
        states.append(operations(journal, Verb.PAY)[0].state)
    assert states == [State.PENDING, State.DECLINED], "it was found in between, so the denial began anew"
    assert operations(journal, Verb.PAY)[0].cancelled_by is CancelledBy.EXPIRED


@dataclass
class Slow(Counter):
    """Whoever asks it stands still before he reads the answer."""

    time: Time = field(default_factory=Time)
    still_s: float = 0.0

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """The answer, long after it was given."""
        told = yield from Counter.ask(self, operation, deadline_s)
        self.time.pass_by(self.still_s)
        return told


def test_what_was_not_known_when_it_was_asked_about_may_be_paid_by_now(journal: Journal, time: Time) -> None:
    """A process stood still between the question and the answer, and the order's time ended meanwhile."""
    corner = Slow(says=[SHOWN], time=time)
    till = gateway(corner, journal, time)
    assert isinstance(till.pay(order(), Wink()), ActionRequired)
    time.pass_by(3_000)
    corner.still_s, corner.says = 40_000, [ABSENT]
    till.resolve(REF)
    assert operations(journal, Verb.PAY)[0].state is State.ACTION, "the old answer ends nothing"
    corner.says = [PAID]
    assert isinstance(till.query(REF).outcome, Succeeded)


@dataclass
class Raced(Counter):
    """Something happens while its answer is on its way."""

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """The answer, and then what happens."""
        meanwhile, self.meanwhile = self.meanwhile, None
        told = yield from Counter.perform(self, operation, step, deadline_s)
        if meanwhile is not None:
            meanwhile()
        return told


@pytest.mark.parametrize("found", [OVER, SILENCE], ids=["over", "no answer"])
def test_money_that_came_in_before_the_end_is_looked_for_before_it_is_told(
    journal: Journal, time: Time, found: Observation
) -> None:
    """A process stood still with "held" in its hand; a cancel let go of the hold, and a question told that it was."""
    corner = Raced(says=[PAID], steps=("confirm",))
    till, other = gateway(corner, journal, time), gateway(corner, journal, time)

    def ended() -> None:
        leases_run_out(journal)
        corner.says = [OVER]
        assert isinstance(other.query(REF).outcome, Declined)
        corner.says = [found]

    corner.meanwhile = ended
    assert isinstance(till.pay(order(), Wink()), Declined)
    facts = [fact.kind for fact in operations(journal, Verb.PAY)[0].facts]
    assert facts == ([] if found is OVER else [FactKind.SURPLUS_PAID]), "where nobody says, it is told"
    assert corner.says == []


@dataclass
class Patient(Counter):
    """It has no way to close what is not paid yet: that is waited out. A hold it lets go."""

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """Nothing to send, until something is held."""
        planned = Counter.plan_cancel(self, payment, slot, reverse_paid=reverse_paid)
        return planned if payment.state is State.AUTHORIZED else Plan(steps=())


def test_a_cancel_that_was_to_wait_is_written_down_before_it_leaves_after_all(journal: Journal, time: Time) -> None:
    """Who dies while it is out must not be followed by one who believes that nothing of it ever left."""
    corner = Patient(says=[SHOWN])
    till = gateway(corner, journal, time)
    assert isinstance(till.pay(order(), Wink()), ActionRequired)
    run = stepped(till, lambda: till._desk.cancel(REF, 10, reverse_paid=False))  # pyright: ignore[reportPrivateUsage]
    while not operations(journal, Verb.CANCEL):
        run.step()
    run.crash()
    leases_run_out(journal)
    assert not operations(journal, Verb.CANCEL)[0].may_have_left
    corner.says = [Observation(state=State.AUTHORIZED, source=Source.QUERY, amount=EURO)]
    till.query(REF)
    known = list[bool]()
    corner.meanwhile = lambda: known.append(operations(journal, Verb.CANCEL)[0].may_have_left)
    corner.says = [replace(CLOSED, cancelled_by=CancelledBy.VOIDED)]
    till.resolve(REF)
    assert known == [True]
    assert operations(journal, Verb.CANCEL)[0].state is State.SUCCEEDED


def test_a_hold_that_came_through_while_it_was_closed_is_let_go(journal: Journal, time: Time) -> None:
    """The partner closed it, so it holds nothing any more."""
    corner = Counter(says=[SHOWN])
    till = gateway(corner, journal, time)
    till.pay(order(), Wink())

    def held() -> None:
        corner.says.insert(0, Observation(state=State.AUTHORIZED, source=Source.QUERY, amount=EURO))
        till.query(REF)

    corner.meanwhile, corner.says = held, [CLOSED]
    assert isinstance(till.cancel(REF), Succeeded)
    (hold,) = operations(journal, Verb.PAY)
    assert (hold.state, [fact.kind for fact in hold.facts]) == (State.AUTHORIZED, [FactKind.RELEASED])


def test_a_call_tells_of_the_attempt_that_is_the_newest_when_it_tells(journal: Journal, time: Time) -> None:
    """The second one was opened while it asked about the first, and closed for a third one before it could be told."""
    declined = Observation(state=State.DECLINED, source=Source.REPLY, reason=Reason.CODE_INVALID)
    corner = Counter(says=[declined, SILENCE, SILENCE, SILENCE])
    till = gateway(corner, journal, time)
    till.pay(order(), Wink())
    (first,) = operations(journal, Verb.PAY)
    assert isinstance(till.pay(order(), Wink()), Unknown)
    setup = till._desk._setup("query")  # pyright: ignore[reportPrivateUsage]
    telling = stepped(till, lambda: newest(setup, Carried(first), 1e9))
    telling.step()
    corner.says = [CLOSED, PAID]
    assert isinstance(till.cancel(REF), Succeeded)
    assert isinstance(till.pay(order(), Wink()), Succeeded)
    told = telling.finish()
    assert isinstance(told, Carried)
    assert (told.operation.attempt, told.operation.state) == (3, State.SUCCEEDED)


@pytest.mark.parametrize(("reason", "ends"), [(Reason.RATE_LIMITED, False), (Reason.INVALID_STATE, True)])
def test_a_refused_repetition_of_a_cancel_does_not_undo_the_first(
    journal: Journal, time: Time, reason: Reason, ends: bool
) -> None:
    """What the partner received may close the order yet, unless it is the order's state that stands in the way."""
    corner = Counter(says=[SHOWN, Observation(state=State.PENDING, source=Source.REPLY)])
    till = gateway(corner, journal, time)
    till.pay(order(), Wink())
    assert isinstance(till.cancel(REF), Pending)
    corner.says = [Observation(state=State.DECLINED, source=Source.REPLY, reason=reason)]
    told = till.cancel(REF)
    assert isinstance(told, Declined) is ends
    if not ends:
        corner.says = [CLOSED]
        assert isinstance(till.cancel(REF), Succeeded)


def test_a_repeated_cancel_whose_answer_is_lost_is_made_sure_of(
    journal: Journal, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It closed the order, but that could not be written down, and then the hold was told: it is not told before."""
    corner = Counter(says=[SHOWN, ABSENT, Observation(state=State.PENDING, source=Source.REPLY)])
    till = gateway(corner, journal, time)
    till.pay(order(), Wink())
    till.pay(order(), Wink(eye="right"))  # the first way is closed before another one opens
    assert corner.did[-1] == "close"

    def full(*_: object, **__: object) -> None:
        raise JournalError("the disk is full")

    corner.meanwhile = lambda: monkeypatch.setattr(journal, "write", full)
    corner.says = [ABSENT, CLOSED]
    till.pay(order(), Wink(eye="right"))
    monkeypatch.undo()
    assert corner.says == [], "the second close was answered"
    held = Observation(state=State.AUTHORIZED, source=Source.QUERY, amount=EURO)
    corner.says = [held]
    time.pass_by(60.0)
    assert isinstance(till.query(REF).outcome, ActionRequired), "nothing new is told"
    leases_run_out(journal)
    corner.says = [held, CLOSED]
    till.resolve(REF)
    (hold,) = operations(journal, Verb.PAY)
    assert (hold.state, hold.cancelled_by) == (State.DECLINED, CancelledBy.CLOSED)
