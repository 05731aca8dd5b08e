"""Counts in the journal's database: they add up over writers and processes, and are read and forgotten by the day."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from tests.support.journal_records import exit_status, in_child, sealing_key

from payport.sdk.errors import JournalError
from payport.sdk.events import RequestSent
from payport.sdk.journal import Journal
from payport.sdk.journal.session import Session
from payport.sdk.scorecards import JournalMeasures, MeasureRow, MeasureStore, Scorecards

DAY = date(2026, 11, 23)


def row(number: int, measure: str = "judged", *, day: date = DAY, account: str = "p:1") -> MeasureRow:
    """A count."""
    return MeasureRow(day, "p", account, "POST /v3/pay", measure, number)


@pytest.fixture
def kept(journal: Journal) -> MeasureStore:
    return JournalMeasures(journal)


def test_what_is_added_adds_up(kept: MeasureStore) -> None:
    """New rows are written, known ones grow, nothing else changes."""
    kept.add([row(2), row(3, "time.-12"), row(1, account="p:2")])
    kept.add([row(40), row(1, day=DAY + timedelta(days=1))])
    assert kept.read(DAY, DAY) == [row(42), row(3, "time.-12"), row(1, account="p:2")]
    assert kept.read(DAY, DAY + timedelta(days=1)) == [*kept.read(DAY, DAY), row(1, day=DAY + timedelta(days=1))]


def test_large_counts_and_long_names(kept: MeasureStore) -> None:
    """64 bits; a name that finds no room is cut, on every database alike."""
    kept.add([row(2**40), row(2**40), row(1, account="a" * 200)])
    assert [each.number for each in kept.read(DAY, DAY)] == [1, 2**41]
    assert kept.read(DAY, DAY)[0].account == "a" * 128


def test_names_are_compared_byte_by_byte(kept: MeasureStore) -> None:
    """``Pay``, ``pay`` and ``pay `` are three."""
    kept.add([row(1, account=account) for account in ("Pay", "pay", "pay ", "päy")])
    assert {each.account for each in kept.read(DAY, DAY)} == {"Pay", "pay", "pay ", "päy"}


def test_old_days_are_forgotten(kept: MeasureStore) -> None:
    """And only they."""
    for age in range(4):
        kept.add([row(1, day=DAY - timedelta(days=age)), row(1, "x", day=DAY - timedelta(days=age))])
    assert kept.prune(DAY - timedelta(days=1)) == 4
    assert {each.day for each in kept.read(date.min, date.max)} == {DAY, DAY - timedelta(days=1)}


def test_all_of_it_or_nothing(journal: Journal) -> None:
    """A transaction that fails leaves no part of its counts behind."""

    def fails(session: Session) -> None:
        session.measures.add([row(5)])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        journal.write(fails)
    assert JournalMeasures(journal).read(DAY, DAY) == []


def test_a_reader_cannot_write(journal: Journal) -> None:
    """Reports open the journal to read."""
    with pytest.raises(JournalError):
        journal.read(lambda session: session.measures.add([row(1)]))


def test_many_writers_of_the_same_counts(kept: MeasureStore) -> None:
    """Threads that add to the same rows at the same moment lose nothing."""
    rows = [row(1, f"time.{number}") for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        for each in [pool.submit(kept.add, rows) for _ in range(40)]:
            each.result(50)
    assert [each.number for each in kept.read(DAY, DAY)] == [40] * 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_several_processes_add_up(url: str) -> None:
    """As workers do: each counts for itself, and the store has the sum. One journal was opened before the fork."""
    with Journal.open(url, sealing_key=sealing_key(), durability="normal") as journal:
        counting = Scorecards(JournalMeasures(journal), every_s=0.01)

        def work() -> None:
            for number in range(50):
                counting(
                    RequestSent(
                        partner="p", account="p:1", endpoint="pay", moves_money=True, status=200,
                        elapsed_s=0.01 * (number % 5 + 1),
                    )
                )  # fmt: skip
            counting.flush()
            assert counting.dropped == 0

        work()
        children = [in_child(work) for _ in range(4)]
        assert [exit_status(child) for child in children] == [0] * 4
        counting.flush()
        found = JournalMeasures(journal).read(date.min, date.max)
    assert sum(each.number for each in found) == 5 * 50
    assert sorted(each.number for each in found) == [50] * 5
