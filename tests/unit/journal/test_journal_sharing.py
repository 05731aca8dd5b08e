"""Several workers on one journal: what is due is shared out, a notice is kept once, no change is missed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest
from tests.support.journal_records import ACCOUNT, NOW, intend, notice, operation
from tests.support.journal_writers import in_the_middle, outcome

from payport.sdk.journal import Journal
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.journal.session import Session
from payport.sdk.journal.sql_session import CANDIDATES, SqlSession


def claiming(owner: str, *passing: str) -> Callable[[Session], str | None]:
    """The work that takes what is due the longest."""

    def work(session: Session) -> str | None:
        found = session.claim(ACCOUNT, NOW, owner=owner, ttl_s=30.0, passing=passing)
        return None if found is None else found.ref

    return work


def test_workers_share_what_is_due(journal: Journal) -> None:
    """Four workers take forty operations: each is taken once, and all of them are."""
    names = [f"DUE{number:02}" for number in range(40)]
    for ref in names:
        journal.write(intend(ref))

    def worker(number: int) -> list[str]:
        taken: list[str] = []
        while ref := journal.write(claiming(f"worker-{number}")):
            taken.append(ref)
        return taken

    with ThreadPoolExecutor(4) as threads:
        shares = list(threads.map(worker, range(4)))
    assert names == sorted(ref for share in shares for ref in share)


@pytest.mark.parametrize(
    ("window", "order"),
    [
        pytest.param(timedelta(minutes=10), ["DUE03", "DUE01", "DUE02", "DUE03"], id="minutes"),
        pytest.param(timedelta(days=1), ["DUE01", "DUE02", "DUE03", "DUE03"], id="a day"),
    ],
)
def test_what_may_be_sent_again_for_minutes_only_goes_first(
    journal: Journal, window: timedelta, order: list[str]
) -> None:
    """A refund with minutes left does not wait behind payments that have been due for longer; one with a day does."""
    for ref in ("DUE01", "DUE02", "DUE03"):
        journal.write(intend(ref))
    step = replace(operation().steps[0], replay_until=NOW + window)
    refund = replace(
        operation("DUE03"), id="DUE03/refund/BACK/1", verb=Verb.REFUND, part="BACK", partner_ref="BACK",
        steps=(step,), next_at=NOW,
    )  # fmt: skip
    journal.write(lambda session: session.add(refund, source="intent", detail={}, now=NOW))
    assert order == [journal.write(claiming("a")) for _ in range(4)]


def test_what_is_passed_over_does_not_hide_the_rest(journal: Journal) -> None:
    """However many there are of it."""
    names = [f"DUE{number:02}" for number in range(CANDIDATES + 5)]
    for ref in names:
        journal.write(intend(ref))
    passing = [f"{ref}/pay//1" for ref in names[:-1]]
    assert names[-1] == journal.write(claiming("a", *passing))
    assert journal.write(claiming("a", *passing)) is None


def test_a_worker_does_not_wait_for_a_payment_that_is_being_written(server_journal: Journal) -> None:
    """It takes the next one, and comes back to this one in another round."""
    for ref in ("DUE01", "DUE02"):
        server_journal.write(intend(ref))
    with in_the_middle(server_journal, lambda session: session.debt("DUE01")):
        assert server_journal.write(claiming("a")) == "DUE02"
        assert server_journal.write(claiming("a")) is None
    assert server_journal.write(claiming("a")) == "DUE01"


@pytest.mark.parametrize(
    "moved",
    [
        pytest.param(lambda one: replace(one, state=State.SUCCEEDED), id="settled"),
        pytest.param(lambda one: replace(one, next_at=NOW + timedelta(seconds=9)), id="due later"),
        pytest.param(lambda one: replace(one, for_person="look"), id="left to a person"),
    ],
)
def test_what_another_worker_moved_on_meanwhile_is_not_claimed(
    server_journal: Journal, moved: Callable[[Operation], Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking for what is due and locking it."""
    first = server_journal.write(intend())
    lock = SqlSession._lock_if_free

    def late(self: SqlSession, ref: str) -> bool:
        monkeypatch.undo()
        with ThreadPoolExecutor(1) as threads:
            threads.submit(
                server_journal.write,
                lambda session: session.save(moved(first), source="query", detail={}, now=NOW),
            ).result(20)
        return lock(self, ref)

    monkeypatch.setattr(SqlSession, "_lock_if_free", late)
    assert server_journal.write(claiming("a")) is None
    assert server_journal.write(lambda session: session.lease(first.id, "b", 30.0)), "and its lease is free"


def test_a_notice_that_comes_to_two_hosts_at_once_is_kept_once(server_journal: Journal) -> None:
    """One is told that it was first; the other that it was not, or to look again."""

    def keep(session: Session) -> bool:
        return session.add_notice(notice())

    told: list[bool] = []
    with ThreadPoolExecutor(1) as threads:
        with in_the_middle(server_journal, keep):
            second = threads.submit(outcome, lambda: told.append(server_journal.write(keep)))
            pause = Event()
            pause.wait(0.2)  # it gets to where it waits for the first
            assert not second.done()
        ended = second.result(20)
    assert ended == "JournalConflict" or told == [False]
    assert server_journal.write(keep) is False
    assert len(server_journal.read(lambda session: session.notices(ACCOUNT))) == 1


def test_a_change_that_is_committed_late_is_delivered(server_journal: Journal) -> None:
    """Its number is lower than one that was acknowledged already: it is the mark that counts, not the number."""
    server_journal.write(intend("SLOW", attempt=1))
    server_journal.write(intend("QUICK", attempt=1))
    everything = server_journal.read(lambda session: session.undelivered(10))
    server_journal.write(lambda session: session.delivered([line.id for line in everything]))

    def next_attempt(ref: str) -> Callable[[Session], None]:
        return lambda session: session.add(operation(ref, attempt=2), source="intent", detail={}, now=NOW)

    with in_the_middle(server_journal, next_attempt("SLOW")):
        server_journal.write(next_attempt("QUICK"))
        (quick,) = server_journal.read(lambda session: session.undelivered(10))
        server_journal.write(lambda session: session.delivered([quick.id]))
    (slow,) = server_journal.read(lambda session: session.undelivered(10))
    assert (quick.ref, slow.ref) == ("QUICK", "SLOW")
    assert slow.id < quick.id


def test_two_consumers_may_acknowledge_the_same_changes(journal: Journal) -> None:
    """In whatever order: nobody is in the other's way."""
    for number in range(20):
        journal.write(intend(f"DUE{number:02}"))
    ids = [line.id for line in journal.read(lambda session: session.undelivered(100))]
    with ThreadPoolExecutor(2) as threads:
        calls = [
            threads.submit(journal.write, lambda session, order=order: session.delivered(order))
            for order in (ids, ids[::-1])
            for _ in range(5)
        ]
        for call in calls:
            call.result(20)
    assert journal.read(lambda session: session.undelivered(100)) == []


def test_the_debt_of_a_partners_reference_is_locked_too(server_journal: Journal) -> None:
    """A notice names no debt: whose it is becomes known by reading, so it is read again under the lock."""
    first = server_journal.write(intend())
    seen: list[int] = []

    def by_reference(session: Session) -> int:
        (found,) = session.by_partner_ref(ACCOUNT, "SHOP0001a1")
        return found.version

    def moves(session: Session) -> None:
        session.save(replace(first, asked=1), source="query", detail={}, now=NOW)

    with ThreadPoolExecutor(1) as threads:
        with in_the_middle(server_journal, moves):
            reading = threads.submit(server_journal.write, by_reference)
            seen.append(server_journal.read(by_reference))
            assert not reading.done()
        seen.append(reading.result(20))
    assert seen == [0, 1]
