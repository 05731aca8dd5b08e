"""Each invariant is found broken in a history that breaks it, and in no other; a sound history breaks none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from payport.schemas import (
    ActionRequired,
    Authorized,
    CancelledBy,
    Declined,
    Money,
    NotSent,
    NotSentCause,
    NotSentKind,
    QrCode,
    Reason,
    Succeeded,
)
from payport.schemas.events import Acknowledgement, Change, Event, EventKind, Rejected, RejectedKind, Verified
from payport.sdk.errors import JournalError, ReferenceConflict
from payport.sdk.journal.records import Operation, State, Transition, Verb
from payport.sdk.operations.querying import Observed
from payport.sdk.testing.stepping import MORNING
from payport.sdk.testing.world import INVARIANTS, History, check
from payport.sdk.testing.world.history import Asked, Away, Booked, Books, Entry, Left, Moved, Told

REF = "SHOP000001"
PRICE = Money.of("12.34", "EUR")
PART = Money.of("1.00", "EUR")
PAID: Succeeded[object] = Succeeded(object())
HELD: Authorized[object] = Authorized(object())
ACTION = ActionRequired(action=QrCode(text="pay me"), payable_until=MORNING)
REFUSED = Declined(reason=Reason.CLOSED)
UNSENT = NotSent(cause=NotSentCause(NotSentKind.UNREACHABLE, "no road"))
UNWRITTEN = NotSent(cause=NotSentCause(NotSentKind.STORAGE, "the disk is full"))
THANKS = Acknowledgement(status=200, content_type="text/plain", body=b"")
PAY = f"{REF}/pay//1"


@dataclass(frozen=True)
class Charge:
    reference: str
    amount: Money


def operation(verb: Verb = Verb.PAY, state: State = State.SUCCEEDED, *, attempt: int = 1, **more: object) -> Operation:
    letter = {Verb.PAY: "T", Verb.REFUND: "R", Verb.CANCEL: "X", Verb.CAPTURE: "C"}[verb]
    made = Operation(
        id=f"{REF}/{verb.value}//{attempt}",
        ref=REF,
        verb=verb,
        attempt=attempt,
        partner="kiosk",
        account="kiosk:1",
        partner_ref=f"{REF}{letter}00{attempt}",
        amount=PRICE,
        created_at=MORNING,
        version=1,
        state=state,
        settled=PRICE if state is State.SUCCEEDED else None,
    )
    return replace(made, **more)  # type: ignore[arg-type]  # fields by name


def line(number: int, version: int, state: State, of: str = PAY) -> Transition:
    verb = Verb(of.split("/")[1])
    return Transition(
        id=number, operation=of, ref=REF, verb=verb, version=version, state=state, at=MORNING, source="reply", detail={}
    )


def sound() -> History:
    """An order, paid at once, and its story read to the end."""
    lines = [line(1, 0, State.DOUBT), line(2, 1, State.SUCCEEDED)]
    changes = tuple(
        Change(id=each.id, ref=REF, operation=PAY, kind="pay", state=each.state.value, at=MORNING, detail={})
        for each in lines
    )
    entries: list[Entry] = [
        Asked(at=0.0, call=1, process="worker 1", verb="pay", ref=REF, deadline_s=10.0),
        Moved(at=0.0, call=1, operation=PAY, version=0, state=State.DOUBT, source="intent"),
        Left(at=0.0, number=1, call=1, endpoint="POST /bills", operation=PAY, step="bill", content=1, moves_money=True),
        Booked(at=0.1, kind="charge", reference=f"{REF}T001", amount=PRICE),
        Moved(at=0.2, call=1, operation=PAY, version=1, state=State.SUCCEEDED, source="reply"),
        Told(at=0.2, as_of=0.2, call=1, verb="pay", ref=REF, outcome=PAID, text="Succeeded"),
        Asked(at=1.0, call=2, process="worker 1", verb="changes"),
        Told(at=1.0, as_of=1.0, call=2, verb="changes", ref="", outcome=changes, text="2 changes"),
    ]
    return History(
        partner="kiosk",
        seed=1,
        start=MORNING,
        entries=entries,
        refs=[REF],
        operations=[operation()],
        transitions=lines,
        books=Books(charged=(Charge(f"{REF}T001", PRICE),)),
    )


def given_back_unasked() -> History:
    """A cancel of the resolver's own reversed what is paid."""
    history = sound()
    history.books = replace(history.books, given_back=history.books.charged)
    cancel = operation(Verb.CANCEL, of=PAY, cancelled_by=CancelledBy.REVERSED)
    history.operations = [*history.operations, cancel]
    return history


def let_go_unasked() -> History:
    """A hold."""
    history = given_back_unasked()
    history.operations = [replace(history.operations[0], state=State.AUTHORIZED), history.operations[1]]
    return history


def told(outcome: object, *, call: int = 9, verb: str = "pay", ref: str = REF, at: float = 2.0) -> list[Entry]:
    """A call and what came of it."""
    asked = Asked(at=at, call=call, process="worker 2", verb=verb, ref=ref, deadline_s=10.0)
    return [asked, Told(at=at, as_of=at, call=call, verb=verb, ref=ref, outcome=outcome, text=type(outcome).__name__)]


def with_entries(*entries: Entry) -> History:
    history = sound()
    history.entries += entries
    return history


def left(number: int, **more: object) -> Left:
    sent = Left(at=2.0, number=number, call=1, endpoint="POST /bills", operation=PAY, step="bill", content=1)
    return replace(sent, moves_money=True, **more)  # type: ignore[arg-type]  # fields by name


def moved(state: State, source: str = "reply", *, call: int = 9, of: str = PAY, version: int = 2) -> Moved:
    return Moved(at=2.0, call=call, operation=of, version=version, state=state, source=source)


def charged_under_two_attempts() -> History:
    history = with_entries(Booked(at=3.0, kind="charge", reference=f"{REF}T002", amount=PRICE))
    history.operations = [operation(), operation(attempt=2)]
    return history


def gone_since() -> History:
    history = sound()
    history.transitions = history.transitions[:1]
    return history


def left_open() -> History:
    history = sound()
    history.operations = [operation(state=State.PENDING, settled=None)]
    return history


def refunded_twice_over() -> History:
    history = sound()
    back = [operation(Verb.REFUND, attempt=number, of=PAY) for number in (1, 2)]
    history.operations = [*history.operations, *back]
    return history


def unpaid_in_the_books() -> History:
    history = sound()
    history.books = Books()
    return history


def seen_twice() -> History:
    event = Event(
        kind=EventKind.PAYMENT, id="1", partner_ref=None, partner_id=None, status="", amount=None, occurred_at=None
    )
    first = Verified(event=event, acknowledgement=THANKS, first_seen=True)
    return with_entries(*told(first, verb="receive"), *told(first, verb="receive", call=10))


def never_delivered() -> History:
    history = sound()
    history.entries = history.entries[:-2]
    return history


def delivered_after_all() -> History:
    history = sound()
    changes = history.entries[-1]
    assert isinstance(changes, Told)
    acknowledged = Asked(at=2.0, call=9, process="worker 1", verb="acknowledge", detail="1 2")
    done = Told(at=2.0, as_of=2.0, call=9, verb="acknowledge", ref="", outcome=None)
    history.entries += [
        acknowledged,
        done,
        Asked(at=3.0, call=10, process="worker 1", verb="changes"),
        replace(changes, at=3.0, call=10),
    ]
    return history


def forged(outcome: object, *between: Entry) -> History:
    asked, answered = told(outcome, verb="receive", ref="")
    assert isinstance(asked, Asked)
    return with_entries(replace(asked, detail="notice 1, forged: unsigned"), *between, answered)


def spoken(text: str) -> History:
    history = sound()
    history.secrets, history.spoken = frozenset({"s3cret-t0ken"}), [("event 1", text)]
    return history


def late() -> History:
    history = with_entries(*told(PAID))
    history.entries[-1] = replace(history.entries[-1], at=12.6)
    return history


def stood_still(process: str = "worker 2", *, until: float = 30.0, told_at: float) -> History:
    """The call of a process that was away for most of its ten seconds and longer."""
    asked, ended = told(PAID)
    assert isinstance(ended, Told)
    return with_entries(asked, Away(at=3.0, process=process, until=until), replace(ended, at=told_at, as_of=told_at))


def unheard() -> History:
    history = sound()
    history.unheard = [0]
    return history


def told_of_money_of_another() -> History:
    history = with_entries(*told(HELD, ref="SHOP000002"))
    history.refs.append("SHOP000002")
    return history


STORY: tuple[tuple[str, str, Callable[[], History]], ...] = (
    ("I1", "kept for", charged_under_two_attempts),
    ("I1", "2468 taken", lambda: with_entries(Booked(at=3.0, kind="charge", reference=f"{REF}T001", amount=PRICE))),
    ("I2", "before it was in the journal", lambda: with_entries(left(2, written=False))),
    ("I2", "handed out", lambda: with_entries(*told(ACTION))),
    ("I3", "differs", lambda: with_entries(left(2, content=2))),
    ("I4", "succeeded became declined", lambda: with_entries(moved(State.DECLINED))),
    ("I4", "then call 9", lambda: with_entries(*told(REFUSED))),
    ("I4", "then call 9", lambda: with_entries(*told(Observed(REFUSED, "query", MORNING), verb="query"))),
    ("I5", "still pending", left_open),
    ("I5", "never acknowledged", unheard),
    ("I6", "charged []", unpaid_in_the_books),
    ("I6", "has no money", told_of_money_of_another),
    ("I6", "gave nothing back", lambda: with_entries(*told(PAID, verb="refund"))),
    ("I7", "refunds of 24.68", refunded_twice_over),
    ("I7", "more was given back", lambda: with_entries(
        *[Booked(at=3.0, kind="refund", reference=f"{REF}T001", amount=PRICE)] * 2)),
    ("I8", "for the first time 2 times", seen_twice),
    ("I8", "never delivered", never_delivered),
    ("I8", "had been acknowledged", delivered_after_all),
    ("I9", "learnt from", lambda: forged(
        Rejected(kind=RejectedKind.UNSIGNED, detail="", acknowledgement=THANKS), moved(State.SUCCEEDED, "notice"))),
    ("I9", "forged: unsigned", lambda: forged(PAID)),
    ("I9", "by the answer to request 2", lambda: with_entries(
        *told(PAID), left(2, call=9, authentic=False), moved(State.SUCCEEDED))),
    ("I10", "in event 1", lambda: spoken("token s3cret-t0ken")),
    ("I11", "10.6 s", late),
    ("I11", "36.6 s", lambda: stood_still(told_at=38.6)),
    ("I11", "28.4 s", lambda: stood_still("worker 1", told_at=30.4)),
    ("I11", "more than 6 times", lambda: with_entries(*(left(number) for number in range(2, 9)))),
    ("I11", "requests", lambda: with_entries(*(left(number, step="") for number in range(2, 2005)))),
    ("I12", "is gone", gone_since),
    ("I12", "ends otherwise", lambda: replaced(operations=[operation(version=2)])),
    ("I12", "stands where", lambda: replaced(transitions=[line(1, 0, State.DOUBT), line(2, 2, State.SUCCEEDED)])),
    ("I12", "a record is missing", lambda: replaced(flaws=["a record is missing"])),
    ("Declined", "no pay of it is declined", lambda: with_entries(*told(REFUSED), moved(State.SUCCEEDED))),
    ("NotSent", "request 1 left", lambda: with_entries(told(UNSENT, call=1)[1], moved(State.SUCCEEDED))),
    ("Kept", "was reversed without being asked", given_back_unasked),
    ("Kept", "was let go without being asked", let_go_unasked),
    ("Errors", "raised JournalError", lambda: with_entries(*told(JournalError("full")))),
    ("Errors", "raised ValueError", lambda: with_entries(*told(ValueError("what?"), verb="query"))),
)  # fmt: skip
"""The invariant, a word of what it says, and a history that breaks it."""


def replaced(**fields: object) -> History:
    history = sound()
    for name, value in fields.items():
        setattr(history, name, value)
    return history


def test_a_sound_history_breaks_nothing() -> None:
    """Also with what callers may be told of a paid order."""
    assert check(sound()) == []
    for outcome in (PAID, ReferenceConflict("other"), UNWRITTEN):
        assert check(with_entries(*told(outcome))) == []
    assert check(with_entries(*told(JournalError("full"), verb="query"))) == []


@pytest.mark.parametrize(("name", "word", "story"), STORY, ids=[f"{name}-{word}" for name, word, _ in STORY])
def test_a_broken_history_is_found_out(name: str, word: str, story: Callable[[], History]) -> None:
    """By this very invariant, in words that say what is wrong."""
    lines = list(INVARIANTS[name](story()))
    assert any(word in text for text in lines), lines


def test_who_stood_still_has_excuses_until_he_is_back() -> None:
    """He may be late, and tell of a refusal that he saw before another one was told of the payment."""
    assert check(stood_still(told_at=30.4)) == []
    asked, ended = told(REFUSED)
    assert isinstance(ended, Told)
    history = with_entries(asked, replace(ended, as_of=0.1))
    assert list(INVARIANTS["I4"](history)) == []


def test_what_somebody_asked_to_reverse_may_be_reversed() -> None:
    """Whether it had been paid or not."""
    history = given_back_unasked()
    history.entries.append(Asked(at=2.0, call=9, process="worker 1", verb="cancel", ref=REF))
    assert list(INVARIANTS["Kept"](history)) == []


def test_every_invariant_is_tried_here() -> None:
    """One without a history that breaks it would prove nothing."""
    assert INVARIANTS.keys() == {name for name, _, _ in STORY}


def test_an_intent_that_failed_and_was_carried_out_all_the_same_is_found_out() -> None:
    """Told that nothing was written, while it was, and somebody went on with it later."""
    ref, of = "SHOP000002", "SHOP000002/refund/BACK/1"
    asked, answered = told(UNWRITTEN, verb="refund", ref=ref)
    history = with_entries(
        asked,
        moved(State.DOUBT, "intent", of=of, version=0),
        answered,
        moved(State.SUCCEEDED, call=10, of=of, version=1),
    )
    assert any("became succeeded" in text for text in INVARIANTS["NotSent"](history))


def test_of_two_attempts_the_newest_says_whether_it_was_declined() -> None:
    """Whatever became known last, and of whichever attempt; one that was opened a moment ago nobody need know."""
    first, second = f"{REF}/pay//2", f"{REF}/pay//3"
    opened = (moved(State.DOUBT, "intent", of=first, version=0), moved(State.DOUBT, "intent", of=second, version=0))
    closed = moved(State.DECLINED, of=first, version=1), moved(State.DECLINED, of=second, version=1)
    unsent = moved(State.NOT_SENT, of=second, version=1)
    declined, later = INVARIANTS["Declined"], told(REFUSED, at=4.0)
    assert list(declined(with_entries(*opened, closed[0], *later)))
    assert not list(declined(with_entries(*opened, closed[0], *told(REFUSED))))
    assert not list(declined(with_entries(*opened, closed[0], unsent, *later)))
    assert not list(declined(with_entries(*opened, closed[1], *later)))
    assert not list(declined(with_entries(*opened, *closed, *later)))
