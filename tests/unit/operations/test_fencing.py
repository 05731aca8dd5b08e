"""What comes through while a cancel of its order has no answer is told when it is known what became of that."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from tests.support.corner import ABSENT, EURO, PAID, SILENCE, Corner, Wink, gateway, order

from payport.schemas import Authorized, CancelledBy, Declined, Reason, Succeeded, Unknown, UnknownKind
from payport.sdk.adapter import Plan, Slot
from payport.sdk.gateway import Gateway
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.journal.store import Journal
from payport.sdk.observation import Observation, Source
from payport.sdk.profile import Ladder, Profile
from payport.sdk.testing.stepping import Time

REF = "CORNER000001"
OVER_S = 3600 + 121
ARRIVED_S = 2 * 60 + 1
"""Since a fence left: it must have arrived, and the answer to a question is newer than that."""
LET_GO = Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=CancelledBy.VOIDED)


def held(source: Source) -> Observation:
    return Observation(state=State.AUTHORIZED, source=source, amount=EURO)


@dataclass
class Telling(Corner):
    """It closes by a request of its own, and ``shows`` whether a payment was cancelled, or does not."""

    steps: tuple[str, ...] = ("confirm",)
    shows: bool = True
    replayable: bool = False

    @property
    def profile(self) -> Profile:
        """As every corner's."""
        return replace(super().profile, shows_cancels=self.shows)

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """Close it."""
        return Plan(steps=(Step(name="close", moves_money=True, digest="close", replayable=self.replayable),))


def fenced_in_silence(corner: Telling, journal: Journal, time: Time) -> Gateway[Telling]:
    """Its time is over, and neither question nor fence is answered."""
    till = gateway(corner, journal, time)
    corner.says = [SILENCE] * 3
    assert isinstance(till.pay(order(), Wink()), Unknown)
    time.pass_by(OVER_S)
    corner.says = [SILENCE] * 2
    till.resume()
    assert corner.did[-1] == "close"
    corner.did.clear()
    return till


def latest(journal: Journal, verb: Verb) -> Operation:
    return next(each for each in journal.read(lambda session: session.operations(REF)) if each.verb is verb)


@pytest.mark.parametrize("shows", [True, False])
def test_a_hold_is_not_told_while_its_fence_may_let_it_go(journal: Journal, time: Time, shows: bool) -> None:
    """Told as held, and then released by a cancel that nobody had asked for: the shop would have counted on it."""
    corner = Telling(shows=shows)
    till = fenced_in_silence(corner, journal, time)
    corner.says = [held(Source.QUERY)]
    told = till.query(REF).outcome
    assert isinstance(told, Unknown)
    assert told.cause.kind is UnknownKind.INTERRUPTED
    corner.says = [held(Source.QUERY), LET_GO]
    till.resolve(REF)
    assert corner.did == ["ask", "ask", "close"]
    assert latest(journal, Verb.PAY).state is State.DECLINED


def test_not_found_does_not_answer_the_try_before_it(journal: Journal, time: Time) -> None:
    """The fence's first try may still be on its way when the second one finds nothing to close."""
    corner = Telling(replayable=True, says=[SILENCE] * 3)
    till = gateway(corner, journal, time)
    assert isinstance(till.pay(order(), Wink()), Unknown)
    time.pass_by(OVER_S)
    corner.says = [SILENCE, SILENCE, ABSENT]
    till.resume()
    assert corner.did[-2:] == ["close", "close"]
    assert latest(journal, Verb.CANCEL).state is State.DOUBT
    corner.says = [held(Source.QUERY)]
    assert isinstance(till.query(REF).outcome, Unknown)


def test_a_hold_that_its_fence_can_reach_no_more_is_told_and_kept(journal: Journal, time: Time) -> None:
    """Long after the fence left, the partner says that it is held: no fence goes again."""
    corner = Telling()
    till = fenced_in_silence(corner, journal, time)
    time.pass_by(ARRIVED_S)
    corner.says = [held(Source.QUERY)]
    assert isinstance(till.query(REF).outcome, Authorized)
    till.resume()
    assert corner.did == ["ask"]
    assert latest(journal, Verb.CANCEL).state is State.DECLINED


def test_where_the_partner_s_word_shows_no_cancel_only_the_fence_s_answer_counts(journal: Journal, time: Time) -> None:
    """However long ago it left."""
    corner = Telling(shows=False)
    till = fenced_in_silence(corner, journal, time)
    time.pass_by(ARRIVED_S)
    corner.says = [held(Source.QUERY)]
    assert isinstance(till.query(REF).outcome, Unknown)
    refused = Observation(state=State.DECLINED, source=Source.REPLY, reason=None, message="it is held")
    corner.says = [held(Source.QUERY), refused]
    till.resolve(REF)
    assert corner.did == ["ask", "ask", "close"]
    assert latest(journal, Verb.PAY).state is State.AUTHORIZED, "what was told counts once the fence came to nothing"


@dataclass
class AtTheCounter(Telling):
    """Whoever does not answer within an hour is cancelled, which gives back what was paid."""

    @property
    def profile(self) -> Profile:
        """With such a ladder."""
        whole = super().profile
        ladders = {**whole.ladders, self.ladder: Ladder(ask_after_s=(9.0,), fence_after_s=3600.0)}
        return replace(whole, ladders=ladders, close_may_reverse=True)


def test_it_is_paid_says_nothing_of_a_cancel_that_is_on_its_way(journal: Journal, time: Time) -> None:
    """The shop's own cancel left just before the payer paid: it may still give that back, so it is not over yet."""
    corner = AtTheCounter(says=[SILENCE] * 3)
    till = gateway(corner, journal, time)
    assert isinstance(till.pay(order(), Wink()), Unknown)
    corner.says = [SILENCE]
    assert isinstance(till.cancel(REF), Unknown)
    corner.says = [PAID]
    assert isinstance(till.query(REF).outcome, Succeeded)
    paid = Observation(state=State.DECLINED, source=Source.REPLY, reason=Reason.INVALID_STATE)
    corner.says = [paid]
    assert isinstance(till.cancel(REF), Unknown)
    time.pass_by(61)
    corner.says = [paid]
    assert isinstance(till.cancel(REF), Declined)
