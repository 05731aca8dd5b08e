"""Payments that go on after the payer came back: steps added, frozen, answered; never twice, never forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import pytest
from tests.support.corner import EURO, PAID, SILENCE, UNSENT, Corner, Wink, gateway, order

from payport.schemas import (
    Acknowledgement,
    ActionRequired,
    CancelledBy,
    Declined,
    Event,
    EventKind,
    NotSent,
    Pending,
    QrCode,
    RawNotification,
    Reason,
    Rejected,
    Succeeded,
    Unknown,
    UnknownKind,
    Verified,
)
from payport.schemas.order import CompletionMode
from payport.sdk.adapter import Opened, Plan, Slot
from payport.sdk.exchange import Exchange, now
from payport.sdk.gateway import Gateway
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.journal.store import Journal
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.profile import Profile
from payport.sdk.testing.stepping import Time

REF = "CORNER000001"
SHOWN = Observation(state=State.ACTION, source=Source.REPLY, amount=EURO, action=QrCode(text="approve me"))
APPROVED = Observation(state=State.ACTION, source=Source.QUERY, ids={"approved": "1"})
NO_CAPTURE = doubt(Source.QUERY, UnknownKind.NOT_FOUND, "approved, and no capture is known")
REFUSED = replace(SHOWN, reason=Reason.INSUFFICIENT_FUNDS)


CounterT = TypeVar("CounterT", bound="Counter")


@dataclass
class Counter(Corner):
    """Approve first, then it is captured. ``closes``: whether it has a way to close what was not."""

    steps: tuple[str, ...] = ("create",)
    closes: bool = False

    def plan_complete(self, payment: Operation, returned: Mapping[str, str], slot: Slot) -> Plan | None:
        """One capture for each approval."""
        if not returned and "approved" not in payment.ids:
            return None
        name = f"capture-{len(payment.steps)}"
        step = Step(name=name, moves_money=True, digest=name, request=name.encode(), replayable=True)
        return Plan(steps=(step,))

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """By a word at the door, where there is a door."""
        return Plan(steps=(Step(name="close", moves_money=True, digest="close"),) if self.closes else ())


def opened(
    counter: CounterT, journal: Journal, time: Time, mode: CompletionMode = CompletionMode.MANUAL
) -> Gateway[CounterT]:
    """An order that waits for the payer's approval."""
    till = gateway(counter, journal, time)
    counter.says = [SHOWN]
    assert isinstance(till.pay(replace(order(), complete=mode), Wink()), ActionRequired)
    counter.did.clear()
    return till


def test_what_the_payer_approved_is_captured_once(journal: Journal, time: Time) -> None:
    """And asking again tells the same."""
    counter = Counter()
    till = opened(counter, journal, time)
    counter.says = [PAID]
    assert isinstance(till.complete(REF, {"token": "5"}), Succeeded)
    assert isinstance(till.complete(REF, {"token": "5"}), Succeeded)
    assert isinstance(till.pay(order(), Wink()), Succeeded)
    assert counter.did == ["capture-1"]


def test_a_capture_in_doubt_is_told_as_unknown_and_repeated_identically(journal: Journal, time: Time) -> None:
    """Nobody is told to approve once more while it may have been captured; no second capture is ever made."""
    counter = Counter()
    till = opened(counter, journal, time)
    counter.says = [SILENCE] * 3
    assert isinstance(till.complete(REF, {"token": "5"}), Unknown)
    counter.says = [NO_CAPTURE, SILENCE, SILENCE, SILENCE]
    assert isinstance(till.pay(order(), Wink()), Unknown)
    counter.says = [NO_CAPTURE, PAID]
    assert isinstance(till.complete(REF, {"token": "5"}), Succeeded)
    assert set(counter.did) == {"capture-1", "ask"}


def test_an_answer_about_something_else_answers_no_capture(journal: Journal, time: Time) -> None:
    """Another amount is a mismatch: nobody is told to approve once more, and the same capture is asked for again."""
    counter = Counter()
    till = opened(counter, journal, time)
    counter.says = [replace(PAID, amount=EURO * 2)]
    told = till.complete(REF, {"token": "5"})
    assert isinstance(told, Unknown)
    assert told.cause.kind is UnknownKind.MISMATCH
    counter.says = [NO_CAPTURE, PAID]
    assert isinstance(till.pay(order(), Wink()), Succeeded)
    assert counter.did == ["capture-1", "ask", "capture-1"]


def test_a_process_that_died_after_adding_the_capture_left_unknown(journal: Journal, time: Time) -> None:
    """The step was written down; whether it left nobody knows."""
    counter = Counter()
    till = opened(counter, journal, time)
    counter.says = []  # the first thing it is asked to do kills it
    with pytest.raises(IndexError):
        till.complete(REF, {"token": "5"})
    (left,) = journal.read(lambda session: session.operations(REF))
    assert (left.state, left.open_step is not None) == (State.ACTION, True)


def test_a_capture_that_was_not_sent_is_not_told_as_nothing_sent(journal: Journal, time: Time) -> None:
    """The approved order is outside; ``resume`` sends the capture."""
    counter = Counter()
    till = opened(counter, journal, time)
    counter.says = [UNSENT]
    assert isinstance(till.complete(REF, {"token": "5"}), Unknown)
    time.pass_by(60)
    counter.says = [NO_CAPTURE, PAID]
    till.resume()
    assert isinstance(till.pay(order(), Wink()), Succeeded)


def test_a_refused_capture_lets_the_payer_approve_again(journal: Journal, time: Time) -> None:
    """With the reason; the next approval is another capture."""
    counter = Counter()
    till = opened(counter, journal, time)
    counter.says = [REFUSED]
    told = till.complete(REF, {"token": "5"})
    assert isinstance(told, ActionRequired)
    assert told.last_refusal is Reason.INSUFFICIENT_FUNDS
    counter.says = [PAID]
    assert isinstance(till.complete(REF, {"token": "5"}), Succeeded)
    assert counter.did == ["capture-1", "capture-2"]


def test_coming_back_proves_nothing(journal: Journal, time: Time) -> None:
    """Without anything to go on with, the partner is asked."""
    counter = Counter()
    till = opened(counter, journal, time)
    counter.says = [SHOWN]
    assert isinstance(till.complete(REF), ActionRequired)
    assert counter.did == ["ask"]


@pytest.mark.parametrize(("captured", "mode"), [(True, CompletionMode.AUTOMATIC), (False, CompletionMode.MANUAL)])
def test_resume_captures_when_the_order_says_so(
    journal: Journal, time: Time, captured: bool, mode: CompletionMode
) -> None:
    """Only then: in manual mode the caller decides."""
    counter = Counter()
    till = opened(counter, journal, time, mode)
    time.pass_by(60)
    counter.says = [APPROVED, PAID]
    till.resume()
    assert isinstance(till.pay(order(), Wink()), Succeeded if captured else ActionRequired)


def test_what_is_being_cancelled_is_not_captured(journal: Journal, time: Time) -> None:
    """Its cancel relies on nothing more being sent."""
    counter = Counter()
    till = opened(counter, journal, time)
    counter.says = [SHOWN]
    assert isinstance(till.cancel(REF), Pending)
    counter.says = [SHOWN]
    assert not isinstance(till.complete(REF, {"token": "5"}), Succeeded)
    assert counter.did == ["ask", "ask"]


def test_what_cannot_be_closed_is_waited_out(journal: Journal, time: Time) -> None:
    """Until its time and the margin are over and the partner knows of no payment: no word of ours ends it before."""
    counter = Counter()
    till = opened(counter, journal, time)
    counter.says = [NO_CAPTURE]
    told = till.cancel(REF)
    assert isinstance(told, Pending)
    assert told.payable_until == order().payable_until
    time.pass_by(3600 + 121)
    counter.says = [NO_CAPTURE] * 4
    till.resume()
    assert isinstance(till.cancel(REF), Succeeded)
    counter.says = [SHOWN]
    assert isinstance(till.pay(replace(order(), payable_until=None), Wink()), ActionRequired)


def test_paid_while_its_cancel_waited(journal: Journal, time: Time) -> None:
    """The money decides, and the cancel says so."""
    counter = Counter()
    till = opened(counter, journal, time)
    counter.says = [SHOWN]
    assert isinstance(till.cancel(REF), Pending)
    time.pass_by(60)
    counter.says = [PAID]
    told = till.cancel(REF)
    assert isinstance(told, Declined)
    assert told.reason is Reason.INVALID_STATE
    assert isinstance(till.pay(order(), Wink()), Succeeded)


def test_an_unknown_order_is_not_completed(journal: Journal, time: Time) -> None:
    """Nothing is sent for it."""
    till = gateway(Counter(), journal, time)
    told = till.complete("CORNER000009", {"token": "5"})
    assert isinstance(told, NotSent)
    assert "not in this journal" in told.cause.detail


def test_another_account_tells_and_sends_nothing(journal: Journal, time: Time) -> None:
    """The order lives elsewhere."""
    opened(Counter(), journal, time)
    elsewhere = Counter(account="corner:2")
    assert isinstance(gateway(elsewhere, journal, time).complete(REF, {"token": "5"}), ActionRequired)
    assert elsewhere.did == []


class Mute(Counter):
    """It cannot be asked."""

    @property
    def profile(self) -> Profile:
        """As at the corner, without questions."""
        return replace(super().profile, answers_queries=False)


def test_a_partner_that_cannot_be_asked_is_sent_the_same_request_again(journal: Journal, time: Time) -> None:
    """And until that is answered, the outcome says why nobody knows."""
    mute = Mute(steps=("charge",))
    till = gateway(mute, journal, time)
    mute.says = [SILENCE] * 3
    assert isinstance(till.pay(order(), Wink()), Unknown)
    assert till.query(REF).source == "journal"
    time.pass_by(60)
    mute.says = [SILENCE] * 3
    till.resume()
    told = till.query(REF).outcome
    assert isinstance(told, Unknown)
    time.pass_by(60)
    mute.says = [PAID]
    till.resume()
    assert isinstance(till.pay(order(), Wink()), Succeeded)
    assert set(mute.did) == {"charge"}


def test_a_partner_that_cannot_be_asked_is_believed_when_it_has_accepted(journal: Journal, time: Time) -> None:
    """Accepted is answered: nothing is repeated, the notification tells the end."""
    mute = Mute(steps=("charge",))
    till = gateway(mute, journal, time)
    mute.says = [Observation(state=State.PENDING, source=Source.REPLY, amount=EURO)]
    assert isinstance(till.pay(order(), Wink()), Pending)
    time.pass_by(60)
    till.resume()
    (held,) = journal.read(lambda session: session.operations(REF))
    assert held.unknown is not None
    assert held.unknown.kind is UnknownKind.NO_QUERY
    assert mute.did == ["charge"]


class Telling(Counter):
    """Its notices name an operation, and say that it was voided."""

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        """Believed as it comes."""
        yield from now()
        reference = raw.body.decode()
        event = Event(
            kind=EventKind.OTHER,
            id="1",
            partner_ref=reference,
            partner_id=None,
            status="voided",
            amount=None,
            occurred_at=None,
        )
        done = Observation(state=State.SUCCEEDED, source=Source.NOTICE, cancelled_by=CancelledBy.VOIDED)
        thanks = Acknowledgement(status=200, content_type="text/plain", body=b"")
        return Opened(event=event, lessons=((reference, done),), acknowledgement=thanks)


def test_a_notice_that_a_cancel_succeeded_ends_the_payment_with_it(journal: Journal, time: Time) -> None:
    """Both in one commit, whichever the partner names."""
    counter = Telling(closes=True)
    till = opened(counter, journal, time)
    counter.says = [Observation(state=State.PENDING, source=Source.REPLY)]
    assert isinstance(till.cancel(REF), Pending)
    cancel = next(o for o in journal.read(lambda session: session.operations(REF)) if o.verb is Verb.CANCEL)
    assert isinstance(till.receive(RawNotification(body=cancel.partner_ref.encode(), headers={})), Verified)
    told = till.cancel(REF)
    assert isinstance(told, Succeeded)
    assert told.value.by is CancelledBy.VOIDED
    counter.says = [SHOWN]
    assert isinstance(till.pay(order(), Wink()), ActionRequired)
    assert counter.did == ["close", "create"]


class Choosy(Counter):
    """Its notices do not say what kind of operation they are about: each lesson says whom it concerns."""

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        """Believed as it comes."""
        yield from now()
        reference, _, concerned = raw.body.decode().partition(" ")
        event = Event(
            kind=EventKind.OTHER,
            id=raw.body.decode(),
            partner_ref=reference,
            partner_id=None,
            status="paid",
            amount=None,
            occurred_at=None,
        )
        paid = Observation(state=State.SUCCEEDED, source=Source.NOTICE, concerns={"way": concerned})
        thanks = Acknowledgement(status=200, content_type="text/plain", body=b"")
        return Opened(event=event, lessons=((reference, paid),), acknowledgement=thanks)


def test_a_lesson_is_taught_only_to_whom_it_concerns(journal: Journal, time: Time) -> None:
    """Others with the same reference hear nothing; the notice is kept as one about this order."""
    till = opened(Choosy(), journal, time)
    (payment,) = journal.read(lambda session: session.operations(REF))
    before = journal.read(lambda session: session.history(REF))
    told = till.receive(RawNotification(body=f"{payment.partner_ref} another".encode(), headers={}))
    assert isinstance(told, Verified)
    assert told.event.ref == REF
    assert journal.read(lambda session: session.history(REF)) == before
    assert len(journal.read(lambda session: session.notices(payment.account, applied=False))) == 1


def test_a_cancel_of_another_amount_ends_nothing(journal: Journal, time: Time) -> None:
    """The partner's authentic word is about something else: a doubt, and the payment stays as it is."""
    counter = Counter(closes=True)
    till = opened(counter, journal, time)
    counter.says = [
        Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=CancelledBy.REVERSED, amount=EURO * 2)
    ]
    told = till.cancel(REF)
    assert isinstance(told, Unknown)
    assert told.cause.kind is UnknownKind.MISMATCH
    payment = journal.read(lambda session: session.operations(REF))[0]
    assert payment.state is State.ACTION
