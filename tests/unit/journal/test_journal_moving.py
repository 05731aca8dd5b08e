"""A journal leaves its file for a database server: everything goes along, and the file is closed for good."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.databases import SERVERS, Server, by_hand
from tests.support.journal_records import ACCOUNT, NOW, debt, intend, notice, sealing_key
from tests.support.old_journal import KEY, write_old_journal

from payport.sdk.audit.verifying import Verification
from payport.sdk.errors import ConfigurationError, JournalError
from payport.sdk.journal import Journal, moving
from payport.sdk.journal.records import State
from payport.sdk.journal.trail import JournalTrail

SEALS = sealing_key()


@pytest.fixture
def target_url(server: Server) -> str:
    """A database without any table."""
    return server.url("moved", bare=True)


def fill(journal: Journal) -> None:
    """One payment that is open, one that is settled, a notice, and a change that was acknowledged."""
    for ref in ("SHOP0001", "SHOP0002"):
        journal.write(intend(ref))
    first, second = journal.read(lambda session: session.open_operations())
    journal.write(lambda session: session.save(replace(first, state=State.PENDING), source="reply", detail={}, now=NOW))
    journal.write(
        lambda session: session.save(replace(second, state=State.SUCCEEDED), source="reply", detail={}, now=NOW)
    )
    journal.write(lambda session: session.add_notice(notice()))
    journal.write(lambda session: session.delivered([1]))


def flaws(journal: Journal) -> list[object]:
    """What is wrong with its audit trail."""
    return list(Verification(trail=JournalTrail(journal)).flaws())


def everything(journal: Journal) -> object:
    """What a journal knows of it."""
    return journal.read(
        lambda session: (
            [session.operations(ref) for ref in ("SHOP0001", "SHOP0002")],
            [session.history(ref) for ref in ("SHOP0001", "SHOP0002")],
            session.notices(ACCOUNT),
            session.undelivered(100),
        )
    )


def test_everything_goes_along_and_goes_on(file_url: str, target_url: str) -> None:
    """The same rows under the same numbers; new ones follow on them; the audit trail holds from its first record on."""
    with Journal.open(file_url, sealing_key=SEALS) as old:
        fill(old)
        before = everything(old)
        with Journal.open(target_url, sealing_key=SEALS) as new:
            counts = old.move_to(new)
            assert (counts["payport_operation"], counts["payport_transition"]) == (2, 4)
            assert everything(new) == before

            claimed = new.write(lambda session: session.claim(ACCOUNT, NOW, owner="a", ttl_s=30.0))
            assert claimed is not None
            assert claimed.ref == "SHOP0001"
            new.write(intend("SHOP0003"))
            assert not new.write(lambda session: session.add_notice(notice()))
            assert new.write(lambda session: session.add_notice(notice("event2")))
            newest = new.read(lambda session: session.history("SHOP0003"))[-1]
            assert newest.id > 4
            assert flaws(new) == []


def test_a_notice_with_long_names_in_a_file_from_before(file_url: str, target_url: str) -> None:
    """Its columns have what a server has no room for: it can be read there, and goes along."""
    long = notice("e" * 300, partner_ref="r" * 300)
    with Journal.open(file_url, sealing_key=SEALS) as old, Journal.open(target_url, sealing_key=SEALS) as new:
        old.write(lambda session: session.add_notice(long))
        with by_hand("sqlite", file_url) as cursor:
            cursor.execute("UPDATE payport_notice SET event_id = ?, partner_ref = ?", ("e" * 300, "r" * 300))
        old.move_to(new)
        for each in (old, new):
            assert each.read(lambda session: session.notices(ACCOUNT)) == [long]
        assert not new.write(lambda session: session.add_notice(long))


def test_what_was_forgotten_cannot_write_into_the_file_any_more(file_url: str, target_url: str) -> None:
    """Neither a process that has it open nor one that opens it; to look at it is fine."""
    with Journal.open(file_url, sealing_key=SEALS) as old, Journal.open(file_url, sealing_key=SEALS) as forgotten:
        fill(old)
        with Journal.open(target_url, sealing_key=SEALS) as new:
            old.move_to(new)
        for work in (
            intend("SHOP0009"),
            lambda session: session.lease("SHOP0001/pay//1", "a", 30.0),
            lambda session: session.add_notice(notice("event9")),
            lambda session: session.add_debt(debt("SHOP0010")),
        ):
            with pytest.raises(JournalError, match="was moved into another database"):
                forgotten.write(work)
        assert len(forgotten.read(lambda session: session.open_operations())) == 1
    with pytest.raises(ConfigurationError, match="was moved into another database: open it there"):
        Journal.open(file_url, sealing_key=SEALS)


def test_a_move_that_fails_moves_nothing(file_url: str, target_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However far it had come: the file goes on, and the move can be tried again."""
    with Journal.open(file_url, sealing_key=SEALS) as old, Journal.open(target_url, sealing_key=SEALS) as new:
        fill(old)

        def fails(*_: object) -> None:
            raise ZeroDivisionError

        for name in ("_count", "_copy", "_fence"):
            monkeypatch.setattr(moving, name, fails)
            with pytest.raises(ZeroDivisionError):
                old.move_to(new)
            monkeypatch.undo()
        assert new.read(lambda session: session.open_operations()) == []
        old.write(intend("SHOP0003"))
        old.move_to(new)
        assert len(new.read(lambda session: session.open_operations())) == 2


def test_only_out_of_a_file_into_an_empty_server(file_url: str, target_url: str, tmp_path: Path) -> None:
    """Everything else is done with the database's own tools, or would mix two journals."""
    with (
        Journal.open(file_url, sealing_key=SEALS) as old,
        Journal.open(target_url, sealing_key=SEALS) as new,
        Journal.open(f"sqlite:///{tmp_path / 'other.db'}") as other,
    ):
        fill(old)
        for source, target in ((old, other), (new, old), (new, new)):
            with pytest.raises(ConfigurationError, match="out of an SQLite file into a database server"):
                source.move_to(target)
        new.write(lambda session: session.add_debt(debt("THEIRS")))
        with pytest.raises(ConfigurationError, match=r"is not empty \(payport_debt"):
            old.move_to(new)
        old.write(intend("SHOP0003"))


def test_a_file_of_the_first_version_can_be_moved(file_url: str, server: Server, target_url: str) -> None:
    """What it holds from before there was an audit trail is not missed there."""
    write_old_journal(file_url, "0001")
    kind = next(name for name, each in SERVERS.items() if each is server)
    with Journal.open(file_url, sealing_key=KEY) as old, Journal.open(target_url, sealing_key=KEY) as new:
        old.move_to(new)
        new.write(intend("SHOP0003"))
        assert flaws(new) == []
    with by_hand(kind, target_url) as cursor:
        cursor.execute("SELECT min(since), max(since) FROM payport_audit_chain")
        assert tuple(cursor.fetchall()[0]) == (4, 4)
