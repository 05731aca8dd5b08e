"""What may follow what. An operation moves forward only, and a final answer stays, whoever writes in whatever order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.journal_records import NOW, intend, operation, sealing_key

from payport.schemas.money import Money
from payport.schemas.outcome import Reason
from payport.schemas.payment import CancelledBy, Fact, FactKind
from payport.sdk.errors import JournalConflict, JournalError
from payport.sdk.journal import Journal
from payport.sdk.journal.records import Operation, State, Step, Transition, Verb
from payport.sdk.journal.rules import ADDED_LATER, FROZEN, check_forward, check_history, check_new, check_successor

KEY = sealing_key()
BOUNCED = Fact(kind=FactKind.REFUND_BOUNCED, at=NOW)
DISPUTED = Fact(kind=FactKind.DISPUTED, at=NOW)
FINAL = [state for state in State if state.final]

MAY_FOLLOW = {
    State.DOUBT: set(State),
    State.ACTION: set(State) - {State.DOUBT},
    State.PENDING: set(State) - {State.DOUBT, State.ACTION},
    **{state: {state} for state in FINAL},
}


@pytest.mark.parametrize(("before", "after"), list(product(State, State)))
def test_states_move_forward_only(before: State, after: State) -> None:
    """The whole table: doubt, action, pending, then one final state for good."""
    allowed = after in MAY_FOLLOW[before]
    try:
        check_forward(before, after, "operation")
    except JournalError:
        assert not allowed
    else:
        assert allowed


CHANGES: dict[str, Callable[[Operation], Operation]] = {
    "id": lambda one: replace(one, id="SHOP0001/pay//2"),
    "ref": lambda one: replace(one, ref="SHOP0002"),
    "verb": lambda one: replace(one, verb=Verb.REFUND),
    "part": lambda one: replace(one, part="R1"),
    "of": lambda one: replace(one, of="SHOP0001/pay//9"),
    "attempt": lambda one: replace(one, attempt=2),
    "partner": lambda one: replace(one, partner="other"),
    "account": lambda one: replace(one, account="testpay:1002"),
    "partner_ref": lambda one: replace(one, partner_ref="SHOP0001a2"),
    "identity": lambda one: replace(one, identity={}),
    "amount": lambda one: replace(one, amount=Money(1001, "CNY")),
    "payer": lambda one: replace(one, payer="another"),
    "method": lambda one: replace(one, method="in_app"),
    "method_digest": lambda one: replace(one, method_digest="x"),
    "ladder": lambda one: replace(one, ladder="scanned"),
    "created_at": lambda one: replace(one, created_at=NOW + timedelta(seconds=1)),
    "payable_until": lambda one: replace(one, payable_until=NOW),
    "expires": lambda one: replace(one, expires=False),
    "library": lambda one: replace(one, library="9"),
}
ANSWERS: dict[str, Callable[[Operation], Operation]] = {
    "started": lambda one: replace(one, started=not one.started),
    "may_have_left": lambda one: replace(one, may_have_left=not one.may_have_left),
    "settled": lambda one: replace(one, settled=Money(1, "CNY")),
    "settled_at": lambda one: replace(one, settled_at=NOW),
    "cancelled_by": lambda one: replace(one, cancelled_by=CancelledBy.CLOSED),
    "reason": lambda one: replace(one, reason=Reason.OTHER),
    "partner_code": lambda one: replace(one, partner_code="ACQ"),
    "message": lambda one: replace(one, message="no"),
    "next_at": lambda one: replace(one, next_at=NOW),
    "asked": lambda one: replace(one, asked=1),
}
WITH_RULES_OF_THEIR_OWN = {"state", "action", "unknown", "not_sent"}


def test_every_field_has_its_rule() -> None:
    """A field that is added to an operation must be put into one of the tables."""
    names = {item.name for item in fields(Operation)}
    assert names == set(CHANGES) | set(ANSWERS) | ADDED_LATER | WITH_RULES_OF_THEIR_OWN
    assert set(FROZEN) == set(CHANGES)


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_intended_never_changes(name: str) -> None:
    """The partner recognises a repetition by these fields, and the caller was promised them."""
    before = operation()
    with pytest.raises(JournalError, match=f"{name} may not change"):
        check_successor(before, CHANGES[name](before))


@pytest.mark.parametrize("name", [*CHANGES, *ANSWERS])
@pytest.mark.parametrize("state", FINAL)
def test_a_final_answer_is_never_edited(name: str, state: State) -> None:
    """Not even in a detail."""
    before = replace(operation(), state=state)
    with pytest.raises(JournalError, match=f"{name} may not change, its answer is final"):
        check_successor(before, (CHANGES | ANSWERS)[name](before))


@pytest.mark.parametrize("name", sorted(set(ANSWERS) - {"started"}))
def test_an_open_operation_learns(name: str) -> None:
    """Before the end everything but the intent may change."""
    before = operation()
    check_successor(before, ANSWERS[name](before))


CREATE, CONFIRM = operation().steps[0], Step(name="confirm", moves_money=True, digest="d2")
OPEN = replace(operation(), facts=(BOUNCED,))
PAID = replace(OPEN, state=State.SUCCEEDED)
NUMBERED = replace(PAID, partner_id="1", ids={"a": "1"})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(PAID, replace(PAID, facts=(BOUNCED, DISPUTED)), id="a later fact"),
        pytest.param(PAID, replace(PAID, for_person="look"), id="left to a person"),
        pytest.param(PAID, replace(PAID, partner_id="1", ids={"a": "1"}), id="numbers that came late"),
        pytest.param(NUMBERED, replace(NUMBERED, ids={"a": "1", "b": "2"}), id="a further number"),
        pytest.param(PAID, replace(PAID, steps=(replace(CREATE, done=True),)), id="the reply after the notice"),
        pytest.param(PAID, replace(PAID, steps=(replace(CREATE, request=None),)), id="the request dropped"),
        pytest.param(OPEN, replace(OPEN, steps=(CREATE, CONFIRM)), id="a further step"),
        pytest.param(replace(OPEN, started=False), OPEN, id="started"),
    ],
)
def test_what_may_be_added(before: Operation, after: Operation) -> None:
    """Later knowledge is added beside the answer."""
    check_successor(before, after)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        pytest.param(OPEN, replace(OPEN, facts=()), "facts", id="a fact taken back"),
        pytest.param(PAID, replace(PAID, facts=(DISPUTED,)), "facts", id="a fact edited"),
        pytest.param(NUMBERED, replace(NUMBERED, partner_id="2"), "partner_id", id="another number"),
        pytest.param(NUMBERED, replace(NUMBERED, partner_id=None), "partner_id", id="no number"),
        pytest.param(NUMBERED, replace(NUMBERED, ids={"a": "2"}), "ids", id="another further number"),
        pytest.param(OPEN, replace(OPEN, started=False), "started", id="never started"),
        pytest.param(OPEN, replace(OPEN, steps=()), "steps", id="a step gone"),
        pytest.param(OPEN, replace(OPEN, steps=(replace(CREATE, digest="d9"),)), "steps", id="another request"),
        pytest.param(OPEN, replace(OPEN, steps=(CONFIRM,)), "steps", id="another step"),
        pytest.param(PAID, replace(PAID, steps=(CREATE, CONFIRM)), "steps", id="a step after the end"),
        pytest.param(
            replace(OPEN, steps=(replace(CREATE, done=True),)), OPEN, "stays done", id="a step that is done again"
        ),
    ],
)
def test_what_may_not_be_taken_back(before: Operation, after: Operation, why: str) -> None:
    """Nothing that somebody outside may have seen is unmade."""
    with pytest.raises(JournalError, match=why):
        check_successor(before, after)


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (replace(operation(), version=1), "version 0"),
        (replace(operation(), id="SHOP0001/pay/1"), "<ref>/<verb>/<part>/<attempt>"),
        (replace(operation(), steps=(CREATE, CREATE)), "same name"),
    ],
)
def test_a_new_operation_is_well_formed(new: Operation, why: str) -> None:
    """Its id tells its debt, its steps can be told apart."""
    with pytest.raises(JournalError, match=why):
        check_new(new)


def line(version: int, state: State, of: str = "SHOP0001/pay//1") -> Transition:
    """One line of a history."""
    return Transition(
        id=0,
        operation=of,
        ref="SHOP0001",
        verb=Verb.PAY,
        version=version,
        state=state,
        at=NOW,
        source="reply",
        detail={},
    )


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ([line(1, State.DOUBT)], "version 1 follows nothing"),
        ([line(0, State.DOUBT), line(2, State.PENDING)], "version 2 follows 0"),
        ([line(0, State.DOUBT), line(0, State.PENDING)], "version 0 follows 0"),
        ([line(0, State.PENDING), line(1, State.DOUBT)], "from pending to doubt"),
        ([line(0, State.SUCCEEDED), line(1, State.DECLINED)], "from succeeded to declined"),
    ],
)
def test_a_damaged_history_is_not_believed(history: list[Transition], why: str) -> None:
    """A gap or a step back is found when it is read."""
    with pytest.raises(JournalError, match=why):
        check_history(history)


def test_operations_have_histories_of_their_own() -> None:
    """Lines of two attempts may be mixed."""
    check_history([line(0, State.DOUBT), line(0, State.DOUBT, "other"), line(1, State.DECLINED)])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(State)), max_size=12))
def test_any_sequence_of_writers_leaves_a_history_that_holds(attempts: list[tuple[int, State]]) -> None:
    """Writers with stale versions and wishes of every kind: each write is refused, or is the one next line."""
    with Journal.open("sqlite:///:memory:?durable=no", sealing_key=KEY) as journal:
        seen = [journal.write(intend())]
        expected = [State.DOUBT]
        for age, state in attempts:
            base = seen[max(0, len(seen) - 1 - age)]
            current = seen[-1]
            wanted = replace(base, state=state)
            try:
                saved = journal.write(lambda session, one=wanted: session.save(one, source="reply", detail={}, now=NOW))  # type: ignore[misc] # the default binds it now
            except JournalConflict:
                assert base.version != current.version
            except JournalError:
                assert state not in MAY_FOLLOW[current.state]
            else:
                assert base.version == current.version
                assert state in MAY_FOLLOW[current.state]
                seen.append(saved)
                expected.append(state)
        assert expected == [one.state for one in journal.read(lambda session: session.history("SHOP0001"))]
        assert seen[-1] == journal.read(lambda session: session.operation("SHOP0001/pay//1"))
