"""Which payment a refund is taken from, and how much of it is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from payport.schemas import CancelledBy, Fact, FactKind, Money
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.operations.intending import Invalid
from payport.sdk.operations.refunding import paid_with

AT = datetime(2026, 11, 23, tzinfo=UTC)
TEN = Money.of("10.00", "CNY")
ACCOUNT = "alipay:2021000000000000"

PAID = Operation(
    id="A/pay//2",
    ref="A",
    verb=Verb.PAY,
    attempt=2,
    partner="alipay",
    account=ACCOUNT,
    partner_ref="AT002",
    amount=TEN,
    created_at=AT,
    state=State.SUCCEEDED,
)
CLOSED = replace(PAID, id="A/pay//1", attempt=1, partner_ref="AT001", state=State.DECLINED)
SURPLUS = replace(CLOSED, facts=(Fact(kind=FactKind.SURPLUS_PAID, at=AT, amount=TEN),))


def refund(of: Operation, amount: Money, state: State = State.SUCCEEDED) -> Operation:
    return replace(of, id=f"A/refund/{amount}/1", verb=Verb.REFUND, of=of.id, amount=amount, state=state)


def test_money_that_came_in_twice_is_given_back_first() -> None:
    """A surplus is an incident, and a refund of the order through the port gives it back."""
    assert paid_with([SURPLUS, PAID], TEN, ACCOUNT) == SURPLUS
    assert paid_with([SURPLUS, refund(SURPLUS, TEN), PAID], TEN, ACCOUNT) == PAID


def test_an_attempt_that_was_only_closed_has_nothing_to_give_back() -> None:
    """Nothing came in under it."""
    with pytest.raises(Invalid, match="not paid"):
        paid_with([CLOSED], TEN, ACCOUNT)


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.PENDING, State.DOUBT])
def test_a_refund_in_doubt_counts_as_taken(state: State) -> None:
    """Until the partner says otherwise that money may be gone."""
    with pytest.raises(Invalid, match="more than what is left"):
        paid_with([PAID, refund(PAID, Money.of("0.01", "CNY"), state)], TEN, ACCOUNT)


@pytest.mark.parametrize("state", [State.DECLINED, State.NOT_SENT])
def test_a_refund_that_did_not_happen_takes_nothing(state: State) -> None:
    """All of it can still be given back."""
    assert paid_with([PAID, refund(PAID, TEN, state)], TEN, ACCOUNT) == PAID


def test_a_refund_that_bounced_takes_nothing_in_the_end() -> None:
    """The money came back: it can be given once more, under another reference."""
    bounced = replace(refund(PAID, TEN), facts=(Fact(kind=FactKind.REFUND_BOUNCED, at=AT, amount=TEN),))
    assert paid_with([PAID, bounced], TEN, ACCOUNT) == PAID
    with pytest.raises(Invalid, match="more than what is left"):
        paid_with([PAID, bounced, refund(PAID, TEN)], TEN, ACCOUNT)


BOUNCED = Fact(kind=FactKind.REFUND_BOUNCED, at=AT + timedelta(days=1), amount=TEN)
REVERSAL = replace(
    PAID, id="A/cancel//1", verb=Verb.CANCEL, of=PAID.id, cancelled_by=CancelledBy.REVERSED, created_at=AT
)


def test_what_a_reversal_gave_back_is_gone() -> None:
    """All that was left, and as much again when it bounced."""
    with pytest.raises(Invalid, match="more than what is left"):
        paid_with([PAID, REVERSAL], Money.of("0.01", "CNY"), ACCOUNT)
    told = replace(PAID, facts=(Fact(kind=FactKind.REFUNDED, at=AT, amount=TEN),))
    bounced = replace(REVERSAL, facts=(BOUNCED,))
    assert paid_with([told, bounced], TEN, ACCOUNT) == told
    with pytest.raises(Invalid, match="more than what is left"):
        paid_with([told, bounced, refund(PAID, TEN)], Money.of("0.01", "CNY"), ACCOUNT)


def test_a_refund_that_bounced_after_the_rest_was_reversed() -> None:
    """That part alone is here again."""
    three, seven = Money.of("3.00", "CNY"), Money.of("7.00", "CNY")
    part = replace(refund(PAID, three), facts=(replace(BOUNCED, amount=three),))
    told = replace(PAID, facts=(Fact(kind=FactKind.REFUNDED, at=AT, amount=seven),))
    assert paid_with([told, part, REVERSAL], three, ACCOUNT) == told
    with pytest.raises(Invalid, match="more than what is left"):
        paid_with([told, part, REVERSAL], Money.of("3.01", "CNY"), ACCOUNT)
    later = replace(REVERSAL, created_at=AT + timedelta(days=2))  # then it gave back what had bounced as well
    with pytest.raises(Invalid, match="more than what is left"):
        paid_with([told, part, later], Money.of("0.01", "CNY"), ACCOUNT)


def test_a_refund_of_the_partners_pages_that_bounced() -> None:
    """Both are facts on the payment."""
    gone = replace(PAID, facts=(Fact(kind=FactKind.REFUNDED, at=AT, amount=TEN),))
    with pytest.raises(Invalid, match="more than what is left"):
        paid_with([gone], TEN, ACCOUNT)
    back = replace(gone, facts=(*gone.facts, BOUNCED))
    assert paid_with([back], TEN, ACCOUNT) == back


def test_money_that_came_back_from_the_reversal_that_closed_an_attempt() -> None:
    """Nobody was told that it is paid, and it is in: it is given back like a surplus, before the next attempt's."""
    closed = replace(CLOSED, cancelled_by=CancelledBy.REVERSED)
    bounced = replace(REVERSAL, of=CLOSED.id, facts=(BOUNCED,))
    assert paid_with([closed, bounced, PAID], TEN, ACCOUNT) == closed
    assert paid_with([closed, replace(bounced, facts=()), PAID], TEN, ACCOUNT) == PAID
    assert paid_with([closed, bounced, refund(closed, TEN), PAID], TEN, ACCOUNT) == PAID
    refused = replace(closed, id="A/capture//1", verb=Verb.CAPTURE, of=CLOSED.id, cancelled_by=None)
    assert paid_with([refused, bounced, PAID], TEN, ACCOUNT) == PAID, "nothing ever came in by it"


def test_another_account_gives_nothing_back() -> None:
    """The money is there, not here."""
    with pytest.raises(Invalid, match="refund it there"):
        paid_with([PAID], TEN, "alipay:2021000000000009")


def test_a_surplus_elsewhere_does_not_hold_up_a_refund_here() -> None:
    """Each account gives back what came in through it."""
    elsewhere = replace(SURPLUS, account="alipay:2021000000000009")
    assert paid_with([elsewhere, PAID], TEN, ACCOUNT) == PAID
    assert elsewhere == paid_with([elsewhere, PAID], TEN, elsewhere.account)


def test_a_surplus_of_a_capture_is_given_back_too() -> None:
    """It came in although the partner had refused to take it."""
    capture = replace(SURPLUS, id="A/capture//1", verb=Verb.CAPTURE, of=PAID.id)
    assert paid_with([replace(PAID, state=State.AUTHORIZED), capture], TEN, ACCOUNT) == capture


def test_an_order_in_doubt_is_not_called_unpaid() -> None:
    """Nobody knows yet."""
    with pytest.raises(Invalid, match="not known yet"):
        paid_with([replace(PAID, state=State.DOUBT)], TEN, ACCOUNT)
