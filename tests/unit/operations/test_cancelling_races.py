"""A cancel and what else goes on with its payment meanwhile: neither may build on what the other has changed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.support.corner import ABSENT, EURO, PAID, SILENCE, Corner, Wink, gateway, order, stepped, stop_before

from payport.schemas import ActionRequired, CancelledBy, Declined, Pending, QrCode, Reason, Succeeded, Unknown
from payport.sdk.adapter import Plan, Slot
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.journal.session import Session
from payport.sdk.journal.store import Journal
from payport.sdk.observation import Observation, Source
from payport.sdk.testing.stepping import MORNING, Time

REF = "CORNER000001"
SHOWN = Observation(state=State.ACTION, source=Source.REPLY, amount=EURO, action=QrCode(text="approve me"))
FORGONE = Observation(state=State.SUCCEEDED, source=Source.LOCAL, cancelled_by=CancelledBy.CLOSED)
TOO_LATE = Observation(state=State.DECLINED, source=Source.REPLY, reason=Reason.INVALID_STATE)


@dataclass
class Forgoing(Corner):
    """Nothing is taken until it is captured, so that a cancel only has to see that no capture was added."""

    steps: tuple[str, ...] = ("create",)
    journal: Journal | None = None

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """Forgo what was not captured; ask about what may have been."""
        name = "forgo" if payment.open_step is None else "look"
        return Plan(steps=(Step(name=name, moves_money=False, digest=""),))

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Whatever comes next; the first time that it is forgone, another worker has just added the capture."""
        if step.name == "forgo" and self.journal is not None:
            self.journal.write(_add_capture)
            self.journal = None
        return (yield from super().perform(operation, step, deadline_s))


def _add_capture(session: Session) -> None:
    """By a transaction that began before the cancel was there: databases with several writers allow that."""
    payment = next(each for each in session.operations(REF) if each.verb is Verb.PAY)
    capture = Step(name="capture-1", moves_money=True, digest="capture-1", request=b"capture-1", replayable=True)
    session.save(replace(payment, steps=(*payment.steps, capture)), source="local", detail={}, now=MORNING)


def payment_of(journal: Journal) -> Operation:
    return next(each for each in journal.read(lambda session: session.operations(REF)) if each.verb is Verb.PAY)


def test_a_capture_that_was_added_meanwhile_is_not_forgone(journal: Journal, time: Time) -> None:
    """What is decided here holds for the payment as it was looked at: when it moved on, it is decided anew."""
    corner = Forgoing(says=[SHOWN, FORGONE], journal=journal)
    till = gateway(corner, journal, time)
    assert isinstance(till.pay(order(), Wink()), ActionRequired)
    assert isinstance(till.cancel(REF), Unknown)
    assert not payment_of(journal).state.final, "it may have been captured"
    corner.says = [TOO_LATE]
    assert isinstance(till.cancel(REF), Declined)
    assert corner.did == ["create", "forgo", "look"]


def test_what_nobody_changed_is_forgone(journal: Journal, time: Time) -> None:
    """The rule costs nothing where nothing happened."""
    corner = Forgoing(says=[SHOWN, FORGONE])
    till = gateway(corner, journal, time)
    assert isinstance(till.pay(order(), Wink()), ActionRequired)
    assert isinstance(till.cancel(REF), Succeeded)
    assert payment_of(journal).state is State.DECLINED


@dataclass
class Closing(Corner):
    """It closes by a request of its own."""

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """Close it."""
        return Plan(steps=(Step(name="close", moves_money=True, digest="close"),))


def test_what_is_being_cancelled_is_never_sent_again(journal: Journal, time: Time) -> None:
    """The charge got no answer, and the shop asked to cancel it: repeating it now would charge the payer after all."""
    corner = Closing(says=[SILENCE] * 3)
    till = gateway(corner, journal, time)
    assert isinstance(till.pay(order(), Wink()), Unknown)
    corner.says = [ABSENT]
    assert isinstance(till.cancel(REF), Pending)
    time.pass_by(60)
    corner.did.clear()
    corner.says = [ABSENT, ABSENT, PAID]
    till.resume()
    assert sorted(corner.did) == ["ask", "close"]
    time.pass_by(3600 + 121)
    corner.says = [ABSENT, ABSENT]
    till.resume()
    assert isinstance(till.cancel(REF), Succeeded)
    assert payment_of(journal).state is State.DECLINED


def test_what_cannot_be_cancelled_any_more_is_asked_about_and_not_fenced_each_time(
    journal: Journal, time: Time
) -> None:
    """A bank debit takes two weeks, long after its time to be paid: a fence a day, so that cancels do not run out."""
    waiting = Observation(state=State.PENDING, source=Source.REPLY, amount=EURO)
    corner = Closing(steps=("confirm",), says=[waiting])
    till = gateway(corner, journal, time)
    assert isinstance(till.pay(order(), Wink()), Pending)
    for _ in range(72):
        time.pass_by(3600)
        corner.says = [waiting, TOO_LATE]
        till.resume()
    cancels = [each for each in journal.read(lambda session: session.operations(REF)) if each.verb is Verb.CANCEL]
    assert len(cancels) == 3
    assert corner.did.count("ask") == 72
    corner.says = [TOO_LATE]
    assert isinstance(till.cancel(REF), Declined), "who asks for one is never put off"


def test_a_charge_in_doubt_that_nobody_cancels_is_repeated(journal: Journal, time: Time) -> None:
    """As ever."""
    corner = Closing(says=[SILENCE] * 3)
    till = gateway(corner, journal, time)
    assert isinstance(till.pay(order(), Wink()), Unknown)
    time.pass_by(60)
    corner.says = [ABSENT, PAID]
    till.resume()
    assert isinstance(till.pay(order(), Wink()), Succeeded)


def test_what_was_closed_while_it_was_asked_about_is_never_sent_again(journal: Journal, time: Time) -> None:
    """The partner did not know the charge yet; then it came, and another worker closed it, and told so."""
    corner, beside = (
        Closing(says=[SILENCE] * 3, steps=("confirm",)),
        Closing(says=[replace(FORGONE, source=Source.REPLY)]),
    )
    till, other = gateway(corner, journal, time), gateway(beside, journal, time)
    assert isinstance(till.pay(order(), Wink()), Unknown)
    time.pass_by(60)
    corner.did.clear()
    corner.says = [ABSENT, PAID]
    resumed = stepped(till, till._desk.resume(60.0))
    stop_before(resumed, "repeat")
    assert isinstance(other.cancel(REF), Succeeded)
    assert len(resumed.finish().settled) == 1
    assert corner.did == ["ask"]
    assert payment_of(journal).facts == ()
