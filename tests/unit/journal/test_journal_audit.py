"""The journal records what it does, in the same transaction: no transition without a record, no record without one."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.audit_journals import flaws, records, told
from tests.support.databases import Server, application, by_hand
from tests.support.journal_records import (
    ACCOUNT,
    NOW,
    debt,
    exit_status,
    in_child,
    intend,
    notice,
    operation,
    sealing_key,
)
from tests.support.old_journal import KEY, write_old_journal

from payport.sdk.audit.chain import FlawKind, Place
from payport.sdk.audit.policy import AuditPolicy
from payport.sdk.audit.record import Entry, Origin, Record, What
from payport.sdk.audit.verifying import Verification
from payport.sdk.errors import ConfigurationError, JournalError
from payport.sdk.journal import Journal
from payport.sdk.journal.audit_part import AuditPart
from payport.sdk.journal.records import Operation, State
from payport.sdk.journal.session import Session
from payport.sdk.journal.trail import JournalTrail
from payport.sdk.version import __version__


def paid(before: Operation, source: str = "reply") -> Callable[[Session], Operation]:
    """The work that settles an operation."""
    return lambda session: session.save(
        replace(before, state=State.SUCCEEDED, partner_id="2026013122001"), source=source, detail={"code": "0"}, now=NOW
    )


def test_a_record_says_who_did_what_when_with_what_result_from_where_to_what(journal: Journal) -> None:
    """The six that PCI DSS 10.2.2 asks for, and the amount of what was intended."""
    journal.write(intend(), actor="till-3")
    assert [
        Record(
            chain=0, seq=2, who="till-3", what="pay", when=NOW, result="doubt",
            origin=Origin(socket.gethostname(), os.getpid(), __version__),
            ref="SHOP0001", operation="SHOP0001/pay//1", version=0, partner="testpay", account=ACCOUNT,
            detail={"amount": "10.00 CNY", "source": "intent"},
        )
    ] == records(journal)  # fmt: skip


def test_every_transition_says_from_where_and_what_taught_us(journal: Journal) -> None:
    """State, source, and what the source said."""
    before = journal.write(intend())
    journal.write(paid(before, "notice"), actor="webhook")
    record = records(journal)[-1]
    assert (record.who, record.what, record.result, record.version) == ("webhook", "pay", "succeeded", 1)
    assert record.detail == {"from": "doubt", "source": "notice", "code": "0"}
    assert flaws(journal) == []


def test_what_is_left_to_a_person_says_why(journal: Journal) -> None:
    """So that the trail tells who was asked to look at what."""
    before = journal.write(intend())
    journal.write(
        lambda session: session.save(
            replace(before, for_person="the partner says no more"), source="local", detail={}, now=NOW
        )
    )
    assert records(journal)[-1].detail["for_person"] == "the partner says no more"


def test_who_says_nothing_is_the_application(journal: Journal) -> None:
    """The record still has its origin."""
    journal.write(intend())
    assert [each.who for each in records(journal)] == ["application"]


def test_notices_and_acknowledgements_have_records(journal: Journal) -> None:
    """A notice when it is first kept, and which changes the caller took note of."""
    journal.write(intend())
    journal.write(lambda session: session.add_notice(notice()))
    journal.write(lambda session: session.add_notice(notice()))
    journal.write(lambda session: session.delivered([1]), actor="shop")
    journal.write(lambda session: session.delivered([]))
    assert told(journal) == [("pay", "doubt"), ("notice.kept", "kept"), ("changes.acknowledged", "acknowledged")]
    kept, acknowledged = records(journal)[1:]
    assert kept.detail == {"event": "event1", "kind": "payment", "status": "PAID", "partner_ref": "SHOP0001a1"}
    assert (acknowledged.who, acknowledged.detail) == ("shop", {"count": 1, "first": 1, "last": 1})


def test_anything_else_can_be_recorded_along(journal: Journal) -> None:
    """In the transaction of what it belongs to, in the order in which it was noted."""

    def work(session: Session) -> None:
        session.note(Entry(what=What.REFUSED, result="refund", at=NOW, who="intern", detail={"verb": "refund"}))
        intend()(session)

    journal.write(work, actor="shop")
    assert [(each.who, each.what) for each in records(journal)] == [("intern", "permission.refused"), ("shop", "pay")]


def test_a_process_says_that_it_began(journal: Journal, url: str) -> None:
    """With the first thing that it writes, and how it was configured; who only reads says nothing."""
    journal.write(intend())
    journal.write(intend("SHOP0002"))
    with Journal.open(url) as second:
        assert len(records(second, openings=True)) == 3
        second.write(intend("SHOP0003"))
    opened = [each for each in records(journal, openings=True) if each.what == What.JOURNAL_OPENED]
    assert [each.detail["seals"] for each in opened] == ["yes", "no"]
    assert [each.seq for each in opened] == [1, 4]


def test_a_fact_is_announced_once(journal: Journal) -> None:
    """And recorded with the next thing that is written."""
    fact = Entry(what=What.ACCOUNT_OPENED, result="opened", at=NOW, partner="testpay", account=ACCOUNT)
    journal.announce(fact)
    journal.announce(fact)
    assert told(journal) == []
    journal.write(intend())
    assert told(journal) == [("account.opened", "opened"), ("pay", "doubt")]


@pytest.mark.parametrize("waits", ["a thread", "a task"])
def test_what_was_to_be_recorded_with_a_write_that_failed_is_with_the_next(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, waits: str
) -> None:
    """Whoever waited for it, on whichever database."""

    def write() -> None:
        if waits == "a task":
            asyncio.run(journal.awrite(intend()))
        else:
            journal.write(intend())

    journal.announce(Entry(what=What.ACCOUNT_OPENED, result="opened", at=NOW, partner="testpay", account=ACCOUNT))
    with monkeypatch.context() as patch:
        patch.setattr(AuditPart, "_append", _no_room)
        with pytest.raises(JournalError, match="no room"):
            write()
    write()
    assert told(journal) == [("account.opened", "opened"), ("pay", "doubt")]


def _no_room(part: AuditPart, entries: object) -> None:
    raise JournalError("no room")


def test_work_that_fails_leaves_no_record(journal: Journal) -> None:
    """And what was announced is recorded by the next."""

    def fails(session: Session) -> None:
        intend()(session)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        journal.write(fails)
    assert records(journal, openings=True) == []
    journal.write(intend())
    assert [each.what for each in records(journal, openings=True)] == ["journal.opened", "pay"]
    assert flaws(journal) == []


def test_a_group_in_which_one_fails(journal: Journal) -> None:
    """Each unit's records come and go with the unit: the chain of those that are left is whole."""

    def work(number: int) -> Callable[[Session], object]:
        def fails(session: Session) -> None:
            intend(f"BAD{number}")(session)
            raise ZeroDivisionError

        return fails if number % 3 == 0 else intend(f"GOOD{number}")

    async def main() -> None:
        await asyncio.gather(*(journal.awrite(work(number)) for number in range(60)), return_exceptions=True)

    asyncio.run(main())
    found = records(journal)
    assert {f"GOOD{number}" for number in range(60) if number % 3} == {each.ref for each in found}
    assert len(found) == 40
    assert flaws(journal) == []


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE payport_audit",
        "CREATE TRIGGER no BEFORE INSERT ON payport_audit BEGIN SELECT RAISE(ABORT, 'disk full'); END",
        "CREATE TRIGGER no BEFORE UPDATE ON payport_audit_chain BEGIN SELECT RAISE(ABORT, 'disk full'); END",
        "DELETE FROM payport_audit_chain",
    ],
    ids=["no table", "no insert", "no head", "no chain"],
)
def test_what_cannot_be_recorded_is_not_done(file_journal: Journal, file_url: str, damage: str) -> None:
    """The journal fails closed, as for its own rows; and goes on when the storage does."""
    journal = file_journal
    before = journal.write(intend())
    with by_hand("sqlite", file_url) as foreign:
        foreign.execute(damage)
        with pytest.raises(JournalError, match="audit trail"):
            journal.write(paid(before))
        with pytest.raises(JournalError, match="audit trail"):
            journal.write(intend("SHOP0002"))
        stored = journal.read(lambda session: session.operations("SHOP0001"))
        assert [(each.version, each.state) for each in stored] == [(0, State.DOUBT)]
        assert journal.read(lambda session: session.debt("SHOP0002")) is None
        if "TRIGGER" in damage:
            foreign.execute("DROP TRIGGER no")
            journal.write(paid(before))
            assert flaws(journal) == []


def test_several_processes_write_one_chain(journal: Journal, url: str) -> None:
    """Whoever finds that another was first goes on from there."""
    with Journal.open(url, durability="normal") as other:
        for number in range(20):
            (journal, other)[number % 2].write(intend(f"SHOP{number:04d}"))
    assert [f"SHOP{number:04d}" for number in range(20)] == [each.ref for each in records(journal)]
    assert flaws(journal) == []


def test_a_fork_is_another_process(journal: Journal) -> None:
    """Its records say so."""
    journal.write(intend())
    child = in_child(lambda: (journal.write(intend("SHOP0002")), None)[1])
    assert exit_status(child) == 0
    assert [os.getpid(), child] == [each.origin.process for each in records(journal)]
    assert [os.getpid(), child] == [
        each.origin.process for each in records(journal, openings=True) if each.what == What.JOURNAL_OPENED
    ]
    assert flaws(journal) == []


def test_in_the_application_s_own_transaction(journal: Journal, kind: str, url: str) -> None:
    """What is prepared there is recorded there: committed with it, or not at all."""
    connection = application(kind, url)
    intend("SHOP0001")(journal.session_on(connection, actor="shop"))
    connection.rollback()
    journal.write(intend("SHOP0002"))
    intend("SHOP0003")(journal.session_on(connection, actor="shop"))
    connection.commit()
    connection.close()
    assert [(each.who, each.ref) for each in records(journal)] == [("application", "SHOP0002"), ("shop", "SHOP0003")]
    assert flaws(journal) == []


def test_switched_off_nothing_is_recorded_but_that(url: str) -> None:
    """Payments work, the trail says who wrote without it, and verifying tells what has no record."""
    with Journal.open(url, audit=False) as journal:
        journal.write(paid(journal.write(intend())))
        journal.announce(Entry(what=What.ACCOUNT_OPENED, result="opened", at=NOW))
        assert [each.what for each in records(journal, openings=True)] == ["audit.off"]
        assert flaws(journal) == [FlawKind.UNTOLD, FlawKind.UNTOLD]


def test_transitions_from_before_there_was_a_trail(file_url: str) -> None:
    """An older journal is taken over as it is: what comes from now on has its record."""
    write_old_journal(file_url, "0001")
    with Journal.open(file_url, sealing_key=KEY) as journal:
        before = journal.read(lambda session: session.operation("SHOP0001/pay//1"))
        assert before is not None
        assert flaws(journal) == []
        journal.write(paid(before))
        assert told(journal) == [("pay", "succeeded")]
        assert flaws(journal) == []


def test_a_deleted_record_is_missed_twice(journal: Journal, kind: str, url: str) -> None:
    """By the chain, and by its transition."""
    journal.write(paid(journal.write(intend())))
    with by_hand(kind, url) as foreign:
        foreign.execute("DELETE FROM payport_audit WHERE version = 0")
    assert flaws(journal) == [FlawKind.MISSING, FlawKind.UNPROVEN, FlawKind.UNTOLD]


def test_a_deleted_transition_is_missed(journal: Journal, kind: str, url: str) -> None:
    """The record is there, what it tells of is not."""
    journal.write(paid(journal.write(intend())))
    with by_hand(kind, url) as foreign:
        foreign.execute("DELETE FROM payport_transition WHERE version = 1")
    assert flaws(journal) == [FlawKind.UNFOUNDED]


def test_a_transition_that_is_told_twice(journal: Journal) -> None:
    """Somebody wrote a second record of it, with all hashes right."""
    journal.write(intend())
    journal.write(
        lambda session: session.note(
            Entry(what="pay", result="succeeded", at=NOW, ref="SHOP0001", operation="SHOP0001/pay//1", version=0)
        )
    )
    assert flaws(journal) == [FlawKind.UNFOUNDED]


def test_a_journal_in_memory_has_a_trail_too() -> None:
    """Forgotten with it."""
    with Journal.open("sqlite:///:memory:?durable=no") as journal:
        journal.write(intend())
        assert told(journal) == [("pay", "doubt")]
        assert flaws(journal) == []


def test_verifying_while_others_write(journal: Journal, url: str) -> None:
    """Each batch is a short read: no writer waits, and what came meanwhile is no flaw."""
    for number in range(30):
        journal.write(intend(f"SHOP{number:04d}"))
    looking = Verification(trail=JournalTrail(journal))
    with Journal.open(url) as other:
        found = list(looking.flaws(lambda count: other.write(intend(f"MORE{count:04d}"))))  # type: ignore[arg-type] # writes meanwhile
    assert found == []
    assert looking.records >= 31


PAYER = {"id": "2088000000000009", "ip": "203.0.113.7", "email": "li@example.com"}


def intend_for(payer: dict[str, str], ref: str = "SHOP0001") -> Callable[[Session], None]:
    """The work that intends a payment of somebody."""

    def work(session: Session) -> None:
        session.add_debt(debt(ref))
        session.add(operation(ref), source="intent", detail={}, now=NOW, personal=payer)

    return work


def test_who_pays_is_not_recorded_unless_that_is_wanted(journal: Journal) -> None:
    """The least is the rule."""
    journal.write(intend_for(PAYER))
    assert records(journal)[-1].sealed == ""


def test_what_tells_of_a_person_is_sealed_and_can_be_erased(url: str) -> None:
    """Under a key of the debt: thrown away, nobody reads it again, and every hash is as it was."""
    key = sealing_key()
    with Journal.open(url, sealing_key=key, audit=AuditPolicy(payers=True)) as journal:
        journal.write(intend_for(PAYER))
        journal.write(intend_for(PAYER, "SHOP0002"))
        trail = JournalTrail(journal, "officer")
        first, second = (each for each in records(journal) if each.sealed)
        assert trail.personal("SHOP0001", first.sealed) == PAYER
        with pytest.raises(Exception, match="does not open"):
            trail.personal("SHOP0002", first.sealed)
        assert trail.erase("SHOP0001", "asked by letter") is True
        assert trail.erase("SHOP0001", "asked again") is False
        assert trail.personal("SHOP0001", first.sealed) is None
        assert trail.personal("SHOP0002", second.sealed) == PAYER
        last = records(journal)[-2]
        assert (last.who, last.what, last.result, last.ref) == ("officer", "personal.erased", "erased", "SHOP0001")
        assert last.detail == {"reason": "asked by letter", "exchanges": 0}
        assert flaws(journal) == []
    with Journal.open(url, audit=AuditPolicy()) as journal, pytest.raises(ConfigurationError, match="sealing key"):
        JournalTrail(journal).personal("SHOP0002", second.sealed)


def test_nothing_more_is_sealed_about_who_was_erased(url: str) -> None:
    """No new key is made for the debt, be it that there was one before or not."""
    with Journal.open(url, sealing_key=sealing_key(), audit=AuditPolicy(payers=True)) as journal:
        assert JournalTrail(journal).erase("SHOP0001", "asked in time") is False
        journal.write(intend_for(PAYER))
        assert records(journal)[-1].sealed == ""


def test_an_order_goes_on_when_the_sealing_key_was_replaced(url: str) -> None:
    """Its own key is still sealed under the old one: nothing more is sealed of it, and its next attempt is written."""
    with Journal.open(url, sealing_key=sealing_key(), audit=AuditPolicy(payers=True)) as journal:
        journal.write(intend_for(PAYER))
    with Journal.open(url, sealing_key=sealing_key(), audit=AuditPolicy(payers=True)) as journal:
        again = operation(attempt=2)
        journal.write(lambda session: session.add(again, source="intent", detail={}, now=NOW, personal=PAYER))
        assert records(journal)[-1].sealed == ""
        journal.write(intend_for(PAYER, "SHOP0002"))
        assert JournalTrail(journal).personal("SHOP0002", records(journal)[-1].sealed) == PAYER
        assert flaws(journal) == []


def test_payers_are_recorded_sealed_or_not_at_all(url: str) -> None:
    """Without a key to seal with, the setting is refused."""
    with pytest.raises(ConfigurationError, match="sealing key"):
        Journal.open(url, audit=AuditPolicy(payers=True))


def test_records_leave_the_journal_in_parts(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chain goes on from the last that left; their transitions are no longer asked for theirs."""
    monkeypatch.setattr("payport.sdk.journal.trail.OUT", 7)
    for number in range(30):
        journal.write(intend(f"SHOP{number:04d}"))
    trail = JournalTrail(journal)
    row = trail.rows(0, 24, 1)[0]
    why = Entry(what=What.DROPPED, result="archived", at=datetime.now(UTC))
    assert trail.take_out(0, Place(row.seq, row.hash), NOW + timedelta(seconds=1), why) == 25
    chain = trail.chains()[0]
    assert (Place(25, row.hash), 32) == (chain.dropped, chain.head.seq)
    assert flaws(journal) == []
    with pytest.raises(Exception, match="is not the one"):
        trail.take_out(0, Place(27, bytes(32)), NOW, why)
    journal.write(intend("LATER001"))
    assert flaws(journal) == []


def test_writers_on_a_server_take_the_chain_that_is_free(server_journal: Journal) -> None:
    """Nobody waits for another's transaction; every chain is whole, and each transition has one record."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: server_journal.write(intend(f"SHOP{number:04d}")), range(120)))
    trail = JournalTrail(server_journal)
    assert {f"SHOP{number:04d}" for number in range(120)} == {each.ref for each in records(server_journal)}
    assert sum(1 for chain in trail.chains() if chain.head.seq) >= 2
    assert flaws(server_journal) == []


def test_an_application_that_takes_its_time_holds_up_nobody(
    server_journal: Journal, server: Server, server_url: str
) -> None:
    """What is prepared in its transaction holds a chain until it ends: the others write to another one."""
    with closing(server.driver(server_url)) as connection:
        server_journal.session_on(connection).note(Entry(what=What.REFUSED, result="refund", at=NOW))
        server_journal.write(intend("SHOP0002"))
        connection.commit()
    assert sorted(each.chain for each in records(server_journal)) == [0, 1]
    assert flaws(server_journal) == []


def test_when_every_chain_is_taken_a_writer_waits_for_one(
    server_journal: Journal, server: Server, server_url: str
) -> None:
    """And goes on when it is free."""
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(1))
        connections = [stack.enter_context(closing(server.driver(server_url))) for _ in range(16)]
        for connection in connections:
            server_journal.session_on(connection).note(Entry(what=What.REFUSED, result="refund", at=NOW))
        waiting = threads.submit(server_journal.write, intend("LATER001"))
        time.sleep(0.2)
        assert not waiting.done()
        for connection in connections:
            connection.commit()
        waiting.result(timeout=10)
    assert len(records(server_journal)) == 17
    assert flaws(server_journal) == []


def test_lost_chains_are_missed(file_journal: Journal, file_url: str) -> None:
    """Without its row nobody would look at a chain's records."""
    journal = file_journal
    journal.write(intend())
    with by_hand("sqlite", file_url) as cursor:
        cursor.execute("DELETE FROM payport_audit_chain WHERE chain = 0")
    assert flaws(journal) == [FlawKind.MISSING, FlawKind.INSERTED]
