"""What a question writes down, and what it leaves to whoever is sending."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from tests.support.corner import EURO, PAID, SILENCE, Corner, Wink, gateway, order

from payport.schemas import ActionRequired, QrCode, Succeeded, Unknown, UnknownKind
from payport.sdk.errors import JournalError
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.journal.store import Journal
from payport.sdk.observation import Observation, Source
from payport.sdk.operations.querying import Observed
from payport.sdk.testing.stepping import Time

REF = "CORNER000001"
SHOWN = Observation(state=State.ACTION, source=Source.REPLY, amount=EURO, action=QrCode(text="approve me"))
STILL = Observation(state=State.ACTION, source=Source.QUERY, amount=EURO)


@dataclass
class Showing(Corner):
    """One step, which shows a code. ``meanwhile``: what happens while it is on its way."""

    steps: tuple[str, ...] = ("create",)
    meanwhile: Callable[[], object] = lambda: None

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Whatever comes next."""
        self.meanwhile()
        return (yield from super().perform(operation, step, deadline_s))


def payment(journal: Journal) -> Operation:
    (found,) = journal.read(lambda session: session.operations(REF))
    return found


def test_a_question_that_teaches_nothing_leaves_no_line(journal: Journal, time: Time) -> None:
    """It counts, and puts off the next one: an application may ask for minutes, and the journal is no log of that."""
    till = gateway(Showing(says=[SHOWN, STILL, STILL]), journal, time)
    assert isinstance(till.pay(order(), Wink()), ActionRequired)
    before, lines = payment(journal), journal.read(lambda session: session.history(REF))
    for asked in (1, 2):
        time.pass_by(1)
        found = till.query(REF)
        assert (isinstance(found.outcome, ActionRequired), found.source) == (True, "query")
        assert payment(journal).asked == asked
    after = payment(journal)
    assert (after.version, lines) == (before.version, journal.read(lambda session: session.history(REF)))
    assert before.next_at is not None
    assert after.next_at is not None
    assert after.next_at > before.next_at


def test_what_was_handed_out_is_asked_about_whoever_works_on_it(journal: Journal, time: Time) -> None:
    """A question sends nothing that moves money, so it needs no lease."""
    till = gateway(Showing(says=[SHOWN, PAID]), journal, time)
    assert isinstance(till.pay(order(), Wink()), ActionRequired)
    name = payment(journal).id
    assert journal.write(lambda session: session.lease(name, "another", 60.0))
    assert isinstance(till.query(REF).outcome, Succeeded)


def test_what_may_not_have_left_yet_is_left_to_who_is_sending(journal: Journal, time: Time) -> None:
    """While another worker holds the lease of what was only intended, the journal's word is told."""
    corner = Showing(says=[SHOWN])
    till = gateway(corner, journal, time)
    seen: list[Observed[object]] = []
    corner.meanwhile = lambda: seen.append(till.query(REF))
    assert isinstance(till.pay(order(), Wink()), ActionRequired)
    (found,) = seen
    assert (isinstance(found.outcome, Unknown), found.source) == (True, "journal")
    assert corner.did == ["create"]


@pytest.mark.parametrize("left", [True, False])
def test_a_journal_that_cannot_be_written_is_no_exception(
    journal: Journal, time: Time, monkeypatch: pytest.MonkeyPatch, left: bool
) -> None:
    """Nobody can say how the order stands: that is an outcome, of these two as of every verb that asks the partner."""
    corner = Showing(says=[replace(SILENCE, again=False)] if left else [])
    till = gateway(corner, journal, time)
    if left:
        till.pay(order(), Wink())
    else:
        with pytest.raises(IndexError):  # the process is killed while it sends
            till.pay(order(), Wink())

    def full(*_: object, **__: object) -> None:
        raise JournalError("the disk is full")

    monkeypatch.setattr(journal, "write", full)
    corner.says = [STILL]
    for told in (till.wait(REF, 5.0), till.query(REF).outcome):
        assert isinstance(told, Unknown)
        assert told.cause.kind is UnknownKind.STORAGE


@dataclass
class Mortal(Showing):
    """Its process dies in the first question."""

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """Nothing comes next."""
        if not self.says:
            raise KeyboardInterrupt
        return (yield from super().ask(operation, deadline_s))


@pytest.mark.parametrize("verb", ["wait", "resume"])
def test_who_has_days_and_dies_does_not_keep_others_from_the_order_for_days(
    journal: Journal, time: Time, verb: str
) -> None:
    """The right to send runs out soon after the round in which the process died, not when its patience would."""
    till = gateway(Mortal(says=[SHOWN]), journal, time)
    till.pay(order(), Wink())
    time.pass_by(60.0)
    with pytest.raises(KeyboardInterrupt):
        _ = till.wait(REF, 7 * 86_400.0) if verb == "wait" else till.resume(deadline_s=7 * 86_400.0)
    left_s = "SELECT (lease_until - 1000000.0 * strftime('%s', 'now')) / 1000000 FROM payport_operation"
    ((seconds,),) = journal.read(lambda session: list(session._cursor.execute(left_s)))  # type: ignore[attr-defined]
    assert 0 < seconds < 120
