"""A journal on a database server: connections break, the server undoes a transaction, an answer is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from threading import Event, Thread

import pytest
from tests.support.databases import SERVERS, Server
from tests.support.journal_records import NOW, debt, intend, operation
from tests.support.journal_writers import adding, in_the_middle, outcome, refs, wait_for
from tests.support.relay import relayed

from payport.sdk.errors import ConfigurationError, JournalConflict, JournalError, JournalUnsure
from payport.sdk.journal import Journal, transactions
from payport.sdk.journal.backends.backend import Lost
from payport.sdk.journal.session import Session

COMMIT = {"postgresql": b"COMMIT\x00", "mariadb": b"\x03COMMIT"}
"""The word as it stands on the wire."""


@pytest.fixture
def url(server_url: str) -> str:
    """On a server."""
    return server_url


@pytest.fixture
def kind(server: Server) -> str:
    """Which one."""
    return next(name for name, each in SERVERS.items() if each is server)


def end_connections(server: Server, url: str) -> None:
    """As a restart of the server, or somebody who cleans up."""
    with server.by_hand(url) as cursor:
        for number in server.others(cursor):
            server.end(cursor, number)


def test_connections_that_died_while_nobody_used_them_are_replaced(server: Server, url: str, journal: Journal) -> None:
    """Neither a writer nor a reader notices, however many there were."""
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: journal.write(adding(f"A{number}")), range(8)))
        list(threads.map(lambda number: journal.read(lambda session: session.debt("A1")), range(8)))
    end_connections(server, url)
    journal.write(adding("B"))
    assert refs(journal, ["A7", "B"]) == ["A7", "B"]


def test_a_postgresql_that_ends_idle_connections() -> None:
    """Whoever writes after a quiet time finds another one."""
    server = SERVERS["postgresql"]
    url = server.url("idle")
    with server.by_hand(url) as cursor:
        cursor.execute(f"ALTER DATABASE \"{url.rpartition('/')[2]}\" SET idle_session_timeout = '300ms'")
        with Journal.open(url) as journal:
            for ref in ("A", "B", "C"):
                journal.write(adding(ref))
                assert refs(journal, [ref]) == [ref]
                wait_for(lambda: not server.others(cursor))


def test_a_server_that_was_made_a_replica_is_named(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are renewed, perhaps to the new primary; where they are not, the storage has failed."""
    journal.write(adding("A"))

    def read_only(_: Session) -> None:
        raise Lost("read only")

    def replica(_: object, connection: object) -> None:
        raise ConfigurationError("db is a standby")

    monkeypatch.setattr(type(journal._database.backend), "set_up", replica)
    with pytest.raises(JournalError, match="is a standby"):
        journal.write(read_only)
    monkeypatch.undo()
    journal.write(adding("B"))


def test_a_connection_that_the_driver_closed_is_not_kept(server: Server, url: str, journal: Journal) -> None:
    """Whatever the server said when it ended it."""

    def breaks(session: Session) -> None:
        end_connections(server, url)
        with suppress(JournalError):
            session.debt("A")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        journal.write(breaks)
    pool = journal._writer._pool  # type: ignore[union-attr] # on a server
    assert len(pool) == 0


def test_work_whose_connection_breaks_is_done_again_once(server: Server, url: str, journal: Journal) -> None:
    """Nothing of it was committed, so nothing is written twice; when it breaks again the caller is told."""
    calls: list[str] = []

    def breaks(times: int, ref: str) -> Callable[[Session], None]:
        def work(session: Session) -> None:
            session.add_debt(debt(f"{ref}1"))
            calls.append(ref)
            if calls.count(ref) <= times:
                end_connections(server, url)
            session.add_debt(debt(f"{ref}2"))

        return work

    journal.write(breaks(1, "ONCE"))
    with pytest.raises(JournalError, match="the connection to"):
        journal.write(breaks(2, "TWICE"))
    assert (calls.count("ONCE"), calls.count("TWICE")) == (2, 2)
    assert refs(journal, ["ONCE1", "ONCE2", "TWICE1", "TWICE2"]) == ["ONCE1", "ONCE2"]


def test_a_read_whose_connection_breaks_is_done_again_once(server: Server, url: str, journal: Journal) -> None:
    """It changes nothing, so it may."""
    journal.write(adding("A"))
    calls: list[int] = []

    def work(session: Session) -> object:
        calls.append(1)
        if len(calls) == 1:
            end_connections(server, url)
        return session.debt("A")

    assert journal.read(work) == debt("A")
    assert len(calls) == 2


@pytest.mark.parametrize("committed", [True, False])
def test_a_commit_whose_answer_is_lost_is_never_tried_again(kind: str, url: str, committed: bool) -> None:
    """The caller is told that what was written may be there or not, in whichever of the two cases."""
    calls: list[str] = []

    def work(session: Session) -> None:
        calls.append("called")
        session.add_debt(debt("A"))

    with relayed(url) as (address, relay), Journal.open(address) as journal:
        journal.write(adding("BEFORE"))
        relay.arrives = committed
        relay.last_word = COMMIT[kind]
        with pytest.raises(JournalUnsure, match="may be there or not"):
            journal.write(work)
        assert (relay.cuts, len(calls)) == (1, 1)
        wait_for(lambda: refs(journal, ["A"]) == (["A"] if committed else []))
        journal.write(adding("AFTER"))
    with Journal.open(url) as journal:
        assert refs(journal, ["BEFORE", "A", "AFTER"]) == ["BEFORE", *(["A"] if committed else []), "AFTER"]


def test_two_that_wait_for_each_other_both_get_through(journal: Journal) -> None:
    """The server undoes one of them, whose work is then done again; nothing is lost, nothing is double."""
    for ref in ("A", "B"):
        journal.write(intend(ref))
    met = {"A": Event(), "B": Event()}
    calls: list[str] = []

    def crossing(mine: str, other: str) -> Callable[[Session], None]:
        def work(session: Session) -> None:
            calls.append(mine)
            session.debt(mine)
            met[mine].set()
            met[other].wait(5)
            session.debt(other)
            session.add(operation(mine, attempt=2), source="intent", detail={}, now=NOW)

        return work

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(journal.write, crossing("A", "B"))
        second = threads.submit(journal.write, crossing("B", "A"))
        first.result(30)
        second.result(30)
    assert len(calls) == 3
    assert [len(journal.read(lambda session, ref=ref: session.operations(ref))) for ref in "AB"] == [2, 2]  # type: ignore[misc] # bound now


def test_one_that_is_undone_each_time_gives_up(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a conflict: whoever decided may decide again."""
    from payport.sdk.journal.backends.backend import Undone

    calls: list[int] = []

    def work(session: Session) -> None:
        calls.append(1)
        raise Undone("in the way")

    monkeypatch.setattr(transactions, "_PAUSE_S", 0.0)
    with pytest.raises(JournalConflict, match="in the way"):
        journal.write(work)
    assert len(calls) == transactions.MAX_TRIES


def test_an_error_that_the_work_swallows_is_not_committed(journal: Journal) -> None:
    """A server would undo it in silence, or commit a half of it."""
    journal.write(adding("TAKEN"))

    def work(session: Session) -> None:
        session.add_debt(debt("HALF"))
        with suppress(JournalConflict):
            session.add_debt(debt("TAKEN"))

    def goes_on(session: Session) -> None:
        work(session)
        session.add_debt(debt("MORE"))

    with pytest.raises(JournalConflict, match="there already"):
        journal.write(work)
    with pytest.raises(JournalError, match="not after it failed"):
        journal.write(goes_on)
    assert refs(journal, ["HALF", "MORE"]) == []


def test_a_lock_is_waited_for_only_so_long(url: str) -> None:
    """Then it is a storage error, and what held the lock goes on."""
    with Journal.open(url, busy_timeout_s=1.0) as journal:
        journal.write(adding("A"))
        with in_the_middle(journal, lambda session: session.debt("A")):
            with pytest.raises(JournalError, match=r"(?i)lock"):
                journal.write(lambda session: session.debt("A"))
            journal.write(adding("OTHER"))
        assert journal.write(lambda session: session.debt("A")) == debt("A")


def test_writers_do_not_wait_for_each_other(journal: Journal) -> None:
    """Only for the payment that another one is at."""
    with in_the_middle(journal, adding("SLOW")):
        journal.write(adding("QUICK"))
        assert refs(journal, ["SLOW", "QUICK"]) == ["QUICK"]
    assert refs(journal, ["SLOW", "QUICK"]) == ["SLOW", "QUICK"]


def test_connections_are_bounded(url: str) -> None:
    """Who finds none free waits, and is told when that takes too long."""
    with Journal.open(url, connections=2, busy_timeout_s=1.0) as journal:
        with in_the_middle(journal, adding("A")), in_the_middle(journal, adding("B")):
            with pytest.raises(JournalError, match="all 2 connections of this process"):
                journal.write(adding("C"))
            assert refs(journal, ["A"]) == [], "readers have connections of their own"
        journal.write(adding("C"))
        assert refs(journal, ["A", "B", "C"]) == ["A", "B", "C"]


def test_sixty_four_threads_share_eight_connections(server: Server, url: str, journal: Journal) -> None:
    """All of them are written."""
    names = [f"T{number}" for number in range(64)]
    with ThreadPoolExecutor(64) as threads:
        assert list(threads.map(lambda ref: outcome(lambda: journal.write(adding(ref))), names)) == ["written"] * 64
    assert names == refs(journal, names)
    with server.by_hand(url) as cursor:
        assert len(server.others(cursor)) <= 16


def test_a_cancelled_task_that_waits_for_a_connection_writes_nothing(url: str) -> None:
    """And the connection that it would have had goes to the next one."""

    async def main(journal: Journal) -> None:
        waiting = asyncio.ensure_future(journal.awrite(adding("GONE")))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting

    with Journal.open(url, connections=1) as journal:
        inside, free = Event(), Event()

        def hold(session: Session) -> None:
            inside.set()
            assert free.wait(20)

        def busy() -> None:
            asyncio.run(journal.awrite(hold))

        thread = Thread(target=busy)
        thread.start()
        assert inside.wait(20)
        asyncio.run(main(journal))
        free.set()
        thread.join()
        journal.write(adding("NEXT"))
        assert refs(journal, ["GONE", "NEXT"]) == ["NEXT"]


def test_closing_finishes_what_is_under_way_and_refuses_the_rest(url: str) -> None:
    """Nobody hangs: who was in is written, who comes later is told. Closing twice is fine."""
    journal = Journal.open(url)
    with ThreadPoolExecutor(1) as threads:
        with in_the_middle(journal, adding("A")):
            closing = threads.submit(journal.close)
            wait_for(lambda: outcome(lambda: journal.write(adding("LATE"))) == "JournalError")
            assert not closing.done()
        closing.result(20)
    journal.close()
    for call in (journal.write, journal.read):
        with pytest.raises(JournalError, match="closed"):
            call(lambda session: session.debt("A"))
    for task in (journal.awrite, journal.aread):
        with pytest.raises(JournalError, match="closed"):
            asyncio.run(task(lambda session: session.debt("A")))
    with Journal.open(url) as again:
        assert refs(again, ["A"]) == ["A"]


def test_ctrl_c_leaves_nothing_behind(journal: Journal) -> None:
    """Neither a row nor a lock."""

    def interrupt(session: Session) -> None:
        session.add_debt(debt("A"))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        journal.write(interrupt)
    journal.write(adding("A"))
    assert refs(journal, ["A"]) == ["A"]


def test_a_read_sees_one_moment(journal: Journal) -> None:
    """Whatever is written while it looks."""
    journal.write(adding("A"))

    def look(session: Session) -> list[str]:
        seen = [ref for ref in "AB" if session.debt(ref) is not None]
        with ThreadPoolExecutor(1) as threads:
            threads.submit(journal.write, adding("B")).result(20)
        return seen + [ref for ref in "AB" if session.debt(ref) is not None]

    assert journal.read(look) == ["A", "A"]
    assert refs(journal, ["A", "B"]) == ["A", "B"]


def test_big_and_foreign_text_comes_back(journal: Journal, server: Server, url: str) -> None:
    """A megabyte, four bytes a character, blanks at the end, upper and lower case: all of it is as it was."""
    big = replace(operation(), message="𠮷" * 262_144)
    journal.write(lambda session: session.add_debt(debt()))
    journal.write(lambda session: session.add(big, source="intent", detail={}, now=NOW))
    with Journal.open(url) as fresh:
        found = fresh.read(lambda session: session.operation(big.id))
    assert found is not None
    assert found.message == big.message
    names = ["Abc", "abc", "ABC", "abc "]
    for name in names:
        journal.write(adding(name))
    assert names == refs(journal, names)
    with server.by_hand(url) as cursor:
        cursor.execute("SELECT ref FROM payport_debt WHERE ref > 'A' AND ref < 'B' ORDER BY ref")
        assert [row[0] for row in cursor.fetchall()] == ["ABC", "Abc"], "byte by byte, as ranges of ids need it"
