"""Reading the stream: each transition once, in whatever order its numbers become visible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payport.schemas.money import Money
from payport.sdk.errors import JournalError
from payport.sdk.journal.records import Operation, State, Transition, Verb
from payport.sdk.testing.stepping import MORNING
from payport.sdk.watch import tail as tails
from payport.sdk.watch.tail import BATCH, PATIENCE_S, Streamed, Tail


def streamed(number: int) -> Streamed:
    """A transition with this number."""
    transition = Transition(
        id=number, operation="SHOP10010001/pay//1", ref="SHOP10010001", verb=Verb.PAY, version=number,
        state=State.DOUBT, at=MORNING, source="reply", detail={},
    )  # fmt: skip
    operation = Operation(
        id="SHOP10010001/pay//1", ref="SHOP10010001", verb=Verb.PAY, partner="alipay", account="alipay:2021",
        partner_ref="x", amount=Money.of("1.00", "CNY"), created_at=MORNING,
    )  # fmt: skip
    return Streamed(transition, None, operation)


@dataclass
class Table:
    """The numbers that are visible by now."""

    there: set[int] = field(default_factory=set[int])
    fails: bool = False

    def streamed(self, after: int, limit: int) -> Sequence[Streamed]:
        return [streamed(number) for number in sorted(self.there) if number > after][:limit]

    def streamed_ids(self, first: int, last: int) -> Sequence[int]:
        if self.fails:
            raise JournalError("lost")
        return [number for number in sorted(self.there) if first <= number <= last]


def ids(tail: Tail, table: Table, now_s: float = 0.0) -> list[int]:
    """What is new."""
    return [each.transition.id for each in tail.read(table, now_s)]


def test_numbers_that_become_visible_late_are_read() -> None:
    """Three was given out before four, and committed after it."""
    table, tail = Table({1, 2, 4}), Tail(0)
    assert ids(tail, table) == [1, 2, 4]
    assert (tail.done, tail.high) == (2, 4)
    table.there |= {3, 5}
    assert ids(tail, table) == [3, 5]
    assert (tail.done, tail.gaps) == (5, {})


def test_a_number_that_stays_away_was_rolled_back() -> None:
    """It is looked for so long as a transaction may live, and then counted as lost."""
    table, tail = Table({1, 3}), Tail(0)
    assert ids(tail, table, 0.0) == [1, 3]
    assert ids(tail, table, PATIENCE_S) == []
    assert tail.done == 1
    assert ids(tail, table, PATIENCE_S + 1) == []
    assert (tail.done, tail.given_up) == (3, 1)


def test_a_reader_that_begins_anew_misses_nothing() -> None:
    """It begins after what is done, and may read some again: at least once."""
    table, tail = Table({1, 2, 4}), Tail(0)
    ids(tail, table)
    table.there.add(3)
    assert ids(Tail(tail.done), table) == [3, 4]


def test_what_fails_was_not_read() -> None:
    """The next round begins where this one did."""
    table, tail = Table({1, 3}), Tail(0)
    ids(tail, table)
    table.there |= {2, 4}
    table.fails = True
    with pytest.raises(JournalError):
        tail.read(table, 0.0)
    table.fails = False
    assert ids(tail, table) == [2, 4]


def test_many_are_read_in_batches() -> None:
    """A journal of millions is not held in memory."""
    table, tail = Table(set(range(1, 2 * BATCH + 3))), Tail(0)
    lengths = [len(tail.read(table, 0.0)) for _ in range(4)]
    assert lengths == [BATCH, BATCH, 2, 0]


def test_a_jump_of_numbers_is_no_million_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sequence that was set forward leaves a hole that nobody fills."""
    monkeypatch.setattr(tails, "MANY_GAPS", 100)
    table, tail = Table({1, 10**9}), Tail(0)
    assert ids(tail, table) == [1, 10**9]
    assert len(tail.gaps) == 100


@given(st.data())
def test_every_number_is_read_exactly_once(data: st.DataObject) -> None:
    """However transactions overlap: numbers are given out in order and become visible in any."""
    count = data.draw(st.integers(1, 40))
    order = data.draw(st.permutations(range(1, count + 1)))
    rolled_back = data.draw(st.sets(st.integers(1, count)))
    table, tail, read = Table(), Tail(0), list[int]()
    for number in order:
        if number not in rolled_back:
            table.there.add(number)
        if data.draw(st.booleans()):
            read += ids(tail, table)
            done = {each for each in range(1, tail.done + 1) if each not in rolled_back}
            assert done <= set(read)
    read += ids(tail, table)
    assert sorted(read) == sorted(set(range(1, count + 1)) - rolled_back)
