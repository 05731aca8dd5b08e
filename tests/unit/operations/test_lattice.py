"""Observations add up: any order, any number, same end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payport.schemas import CancelledBy, Fact, FactKind, Money, Reason, UnknownKind
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.lattice import absorb, bind, join
from payport.sdk.observation import Observation, Source, doubt

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
PAID = Money.of("12.34", "CNY")
OPERATION = Operation(
    id="SHOP10010001/pay//1",
    ref="SHOP10010001",
    verb=Verb.PAY,
    partner="alipay",
    account="alipay:1",
    partner_ref="SHOP10010001T001",
    amount=PAID,
    created_at=NOW,
)
REFUNDED = Fact(kind=FactKind.REFUNDED, at=NOW, amount=Money.of("1.00", "CNY"))
STATES = st.sampled_from(State)
OPEN = [
    doubt(Source.REPLY, UnknownKind.TIMED_OUT, "silence"),
    doubt(Source.QUERY, UnknownKind.NOT_FOUND, "not seen yet"),
    doubt(Source.NOTICE, UnknownKind.MISMATCH, "amount: another"),
    Observation(state=State.NOT_SENT, source=Source.LOCAL),
    Observation(state=State.ACTION, source=Source.REPLY),
    Observation(state=State.PENDING, source=Source.QUERY, partner_id="2026"),
]
PAID_WORDS = [
    Observation(state=State.SUCCEEDED, source=Source.REPLY, partner_id="2026", at=NOW),
    Observation(state=State.SUCCEEDED, source=Source.QUERY, partner_id="2026", at=NOW, facts=(REFUNDED,)),
    Observation(state=State.SUCCEEDED, source=Source.NOTICE, partner_id="2026", at=NOW),
]
CLOSED_WORDS = [
    Observation(state=State.DECLINED, source=Source.QUERY, reason=Reason.CLOSED, cancelled_by=CancelledBy.CLOSED),
    Observation(state=State.DECLINED, source=Source.NOTICE, reason=Reason.CLOSED, cancelled_by=CancelledBy.CLOSED),
]


def told(observations: list[Observation]) -> Operation:
    """An operation that was sent, once all of this is known."""
    operation = replace(OPERATION, may_have_left=True)
    for observation in observations:
        operation = absorb(operation, observation, NOW)
    return operation


@given(STATES, STATES, STATES)
def test_join_is_commutative_associative_and_idempotent(one: State, other: State, third: State) -> None:
    """So that states can be learnt in any order and any number."""
    assert join(one, other) is join(other, one)
    assert join(join(one, other), third) is join(one, join(other, third))
    assert join(one, one) is one


@pytest.mark.parametrize("words", [PAID_WORDS, CLOSED_WORDS], ids=["paid", "closed"])
@given(data=st.data())
def test_what_does_not_contradict_itself_ends_the_same_in_any_order(
    words: list[Observation], data: st.DataObject
) -> None:
    """The answer, its numbers and its facts; what was doubted on the way leaves no trace."""
    said = data.draw(st.lists(st.sampled_from([*OPEN, *words]), max_size=8))
    said += words  # at least once each
    one, other = told(data.draw(st.permutations(said))), told(data.draw(st.permutations(said)))
    assert replace(one, facts=()) == replace(other, facts=())
    assert set(one.facts) == set(other.facts)
    assert one.state is words[0].state


@given(st.lists(st.sampled_from(OPEN), max_size=8), st.data())
def test_without_an_end_the_same_is_known_in_any_order(said: list[Observation], data: st.DataObject) -> None:
    """The state is the highest that was heard of; only which doubt was the last depends on the order."""
    one, other = told(said), told(data.draw(st.permutations(said)))
    assert (one.state, one.partner_id, one.ids) == (other.state, other.partner_id, other.ids)
    assert one.may_have_left


@given(st.lists(st.sampled_from([*OPEN, *PAID_WORDS, *CLOSED_WORDS]), max_size=10))
def test_states_only_move_up_and_an_end_stays(said: list[Observation]) -> None:
    """Whatever comes later, contradictions included, an own answer is not taken back."""
    operation = OPERATION
    for observation in said:
        after = absorb(operation, observation, NOW)
        assert join(operation.state, after.state) is after.state
        if operation.state.final:
            assert replace(after, facts=(), partner_id=None) == replace(operation, facts=(), partner_id=None)
        operation = after


@pytest.mark.parametrize("observation", [*OPEN, *PAID_WORDS, *CLOSED_WORDS], ids=lambda item: item.state.value)
def test_the_same_word_twice_is_nothing_new(observation: Observation) -> None:
    """A duplicate changes nothing, so it makes no transition."""
    once = absorb(OPERATION, observation, NOW)
    assert absorb(once, observation, NOW + timedelta(days=365)) == once


def test_not_having_sent_this_time_proves_nothing_of_another() -> None:
    """``NOT_SENT`` ends an operation only when nothing of it can be outside."""
    unsent = Observation(state=State.NOT_SENT, source=Source.LOCAL)
    assert absorb(OPERATION, unsent, NOW).state is State.NOT_SENT
    assert told([unsent]).state is State.DOUBT


def said(state: State, source: Source = Source.QUERY) -> Observation:
    """Only a state and where it comes from."""
    return Observation(state=state, source=source)


PAY, REFUND, PAYOUT = Verb.PAY, Verb.REFUND, Verb.PAYOUT
LATER: dict[str, tuple[Verb, State, CancelledBy | None, Observation, list[FactKind]]] = {
    "paid after it was closed": (PAY, State.DECLINED, None, PAID_WORDS[2], [FactKind.SURPLUS_PAID]),
    "captured after it was refused": (Verb.CAPTURE, State.DECLINED, None, PAID_WORDS[2], [FactKind.SURPLUS_PAID]),
    "given back after it was refused": (REFUND, State.DECLINED, None, PAID_WORDS[2], [FactKind.CONTRADICTED]),
    "sent after it was refused": (PAYOUT, State.DECLINED, None, PAID_WORDS[2], [FactKind.CONTRADICTED]),
    "cancelled after it was refused": (Verb.CANCEL, State.DECLINED, None, PAID_WORDS[2], [FactKind.CONTRADICTED]),
    "paid after nothing was sent": (PAY, State.NOT_SENT, None, PAID_WORDS[2], [FactKind.SURPLUS_PAID]),
    "paid before it was reversed": (PAY, State.DECLINED, CancelledBy.REVERSED, PAID_WORDS[2], []),
    "held before it was voided": (PAY, State.DECLINED, CancelledBy.VOIDED, said(State.AUTHORIZED), []),
    "closed after it was paid": (PAY, State.SUCCEEDED, None, CLOSED_WORDS[0], [FactKind.CONTRADICTED]),
    "a hold released": (PAY, State.AUTHORIZED, None, CLOSED_WORDS[1], [FactKind.RELEASED]),
    "a hold captured": (PAY, State.AUTHORIZED, None, PAID_WORDS[0], []),
    "a refund bounced": (REFUND, State.SUCCEEDED, None, CLOSED_WORDS[0], [FactKind.REFUND_BOUNCED]),
    "a transfer returned": (PAYOUT, State.SUCCEEDED, None, CLOSED_WORDS[1], [FactKind.TRANSFER_RETURNED]),
    "a repeated transfer refused": (PAYOUT, State.SUCCEEDED, None, said(State.DECLINED, Source.REPLY), []),
    "a repeated refund refused": (REFUND, State.SUCCEEDED, None, said(State.DECLINED, Source.REPLY), []),
    "a refund ended here": (REFUND, State.SUCCEEDED, None, said(State.DECLINED, Source.LOCAL), []),
    "a hold ended here": (PAY, State.AUTHORIZED, None, said(State.DECLINED, Source.LOCAL), []),
    "a repetition not sent": (PAY, State.DECLINED, None, said(State.NOT_SENT, Source.LOCAL), []),
}


@pytest.mark.parametrize(("verb", "state", "by", "observation", "facts"), LATER.values(), ids=LATER)
def test_what_is_learnt_after_the_end_is_a_fact(
    verb: Verb, state: State, by: CancelledBy | None, observation: Observation, facts: list[FactKind]
) -> None:
    """Only what the partner says of the operation itself counts: a refused repetition is no bounced refund."""
    ended = replace(OPERATION, verb=verb, state=state, cancelled_by=by)
    after = absorb(ended, observation, NOW)
    assert [fact.kind for fact in after.facts] == facts
    assert after.state is state


def test_an_answer_about_something_else_is_a_doubt_that_names_what_differs() -> None:
    """Reference, amount and what else the partner dedupes on are compared before anything is believed."""
    asked = replace(OPERATION, identity={"txnTime": "20261123120000", "hold": "1"})
    right = replace(PAID_WORDS[0], partner_ref=asked.partner_ref, amount=PAID, identity={"txnTime": "20261123120000"})
    assert bind(asked, right) is right
    other_order, other_amount = replace(right, partner_ref="X"), replace(right, amount=PAID * 2)
    other_day, unasked = (replace(right, identity={name: "20251123120000"}) for name in ("txnTime", "batch"))
    wrongs = (
        (other_order, "reference"),
        (other_amount, "amount"),
        (other_day, "txnTime"),
        (unasked, "batch"),
    )
    for wrong, field in wrongs:
        bound = bind(asked, wrong)
        assert bound.state is State.DOUBT
        assert bound.unknown is not None
        assert bound.unknown.kind is UnknownKind.MISMATCH
        assert bound.unknown.detail.startswith(field)
        assert bound.native is None


def test_a_fact_that_comes_before_the_answer_is_kept() -> None:
    """A dispute may be told before the payment that it is about: whichever comes first, both are known in the end."""
    disputed = Fact(kind=FactKind.DISPUTED, at=NOW, amount=PAID)
    fact_only = Observation(state=State.DOUBT, source=Source.NOTICE, facts=(disputed,))
    silence = OPEN[0]
    for words in ([silence, fact_only, PAID_WORDS[0]], [silence, PAID_WORDS[0], fact_only]):
        after = told(words)
        assert (after.state, after.facts) == (State.SUCCEEDED, (disputed,))
    assert told([silence, fact_only]).unknown == silence.unknown, "it says nothing of the doubt"


def test_the_refund_of_a_reversal_can_bounce() -> None:
    """A cancel gave the money back, and days later that refund came back: nobody may lose sight of it."""
    cancel = replace(OPERATION, verb=Verb.CANCEL, state=State.SUCCEEDED, cancelled_by=CancelledBy.REVERSED)
    for source in (Source.QUERY, Source.NOTICE):
        after = absorb(cancel, said(State.DECLINED, source), NOW)
        assert [fact.kind for fact in after.facts] == [FactKind.REFUND_BOUNCED]
    nothing_left = replace(said(State.DECLINED, Source.NOTICE), reason=Reason.INVALID_STATE)
    assert absorb(cancel, nothing_left, NOW).facts == ()
    for source in (Source.REPLY, Source.LOCAL):
        assert absorb(cancel, said(State.DECLINED, source), NOW).facts == ()
