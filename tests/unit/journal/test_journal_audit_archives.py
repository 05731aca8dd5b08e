"""Old records are archived and leave the journal, on every database; whatever cuts that short, the trail verifies."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from tests.support.audit_chains import KEY as AUDIT_KEY
from tests.support.audit_journals import records, told
from tests.support.journal_records import NOW, debt, intend, operation

from payport.sdk.audit.archiving import check_archive, check_order, read_archives
from payport.sdk.audit.chain import Flaw
from payport.sdk.audit.keeping import Archiving, drop
from payport.sdk.audit.retention import Retention
from payport.sdk.audit.signing import PublicKeys
from payport.sdk.audit.verifying import Verification
from payport.sdk.errors import AuditError, JournalError
from payport.sdk.journal import Journal
from payport.sdk.journal.audit_part import AuditPart
from payport.sdk.journal.session import Session
from payport.sdk.journal.sql_session import SqlSession
from payport.sdk.journal.trail import JournalTrail

KEYS = PublicKeys([AUDIT_KEY.public])
LATER = NOW + timedelta(days=400)
UNTIL = NOW + timedelta(days=1)


class Earlier(datetime):
    """The time of the records."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override] # a fixed zone
        return NOW


@pytest.fixture
def old(journal: Journal) -> Journal:
    """A journal that was opened when its records were written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("payport.sdk.journal.auditing.datetime", Earlier)
        journal._database.auditing.begin({})
    return journal


def archiving(journal: Journal, folder: Path) -> Archiving:
    """A run, four hundred days later."""
    trail = JournalTrail(journal, "officer")
    return Archiving(trail=trail, folder=folder, key=AUDIT_KEY, keys=KEYS, library="1.0.0", now=LATER)


def wrong(journal: Journal, folder: Path) -> list[Flaw]:
    """What is wrong with the trail, and with the archives before it."""
    trail = JournalTrail(journal)
    return [*Verification(trail=trail).flaws(), *check_order(read_archives(folder), trail.chains())]


def test_old_records_are_archived_and_leave(old: Journal, tmp_path: Path) -> None:
    """On every database: archived, verified, taken out; the journal goes on, and so does the next archive."""
    for number in range(25):
        old.write(intend(f"SHOP{number:04d}"))
    run = archiving(old, tmp_path / "old")
    (made,) = run.archive(UNTIL)
    assert (made.count, list(check_archive(made, KEYS))) == (26, [])
    assert run.archive(UNTIL) == []
    assert run.move(UNTIL, Retention()) == 26
    assert told(old) == [("audit.archived", "written"), ("audit.dropped", "archived")]
    assert wrong(old, tmp_path / "old") == []
    old.write(intend("LATER001"))
    assert run.archive(NOW + timedelta(seconds=1)) == [], "the records of the archiving are newer"
    with pytest.raises(AuditError, match="still to come"):
        run.archive(LATER + timedelta(days=1))
    with pytest.raises(AuditError, match="kept for 1096 days"):
        drop(JournalTrail(old), UNTIL, Retention(), LATER)
    assert drop(JournalTrail(old), NOW - timedelta(days=1), Retention(), NOW + timedelta(days=2000)) == 0


@pytest.mark.parametrize("parts", [0, 1, 2])
def test_taking_records_out_is_cut_short_and_finished(
    parts: int, old: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is killed between two parts: the trail and its archives verify, and the next run takes the rest."""
    for number in range(25):
        old.write(intend(f"SHOP{number:04d}"))
    run = archiving(old, tmp_path)
    run.archive(UNTIL)
    monkeypatch.setattr("payport.sdk.journal.trail.OUT", 7)
    swept: list[int] = []
    genuine = AuditPart.sweep

    def sweep(part: AuditPart, chain: int, most: int) -> int:
        if len(swept) == parts:
            raise JournalError("the process was killed here")
        swept.append(genuine(part, chain, most))
        return swept[-1]

    with monkeypatch.context() as patch:
        patch.setattr(AuditPart, "sweep", sweep)
        with pytest.raises(JournalError, match="killed"):
            run.move(UNTIL, Retention())
    assert swept == [7] * parts
    assert wrong(old, tmp_path) == []
    old.write(intend("LATER001"))
    assert run.archive(UNTIL) == []
    assert run.move(UNTIL, Retention()) == 26 - 7 * parts
    assert run.move(UNTIL, Retention()) == 0
    assert [each.seq for each in records(old, openings=True)] == [27, 28, 29]
    assert [each for each, _ in told(old)] == ["audit.archived", "audit.dropped", "pay"]
    assert wrong(old, tmp_path) == []


def test_records_leave_while_the_trail_is_verified(
    old: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is looking at them finds nothing wrong, however far he and the taking out have come."""
    monkeypatch.setattr("payport.sdk.audit.verifying.BATCH", 2)
    for number in range(25):
        old.write(intend(f"SHOP{number:04d}"))
    run = archiving(old, tmp_path)
    run.archive(UNTIL)

    def a_part_more(_: int) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(AuditPart, "sweep", lambda *_: 0)
            run.move(UNTIL, Retention())
        old.write(lambda session: cast("SqlSession", session).audit.sweep(0, 5))

    looking = Verification(trail=JournalTrail(old))
    assert list(looking.flaws(a_part_more)) == []
    assert 2 < looking.records < 27
    assert wrong(old, tmp_path) == []


def test_a_record_of_a_clock_that_was_ahead_is_archived(old: Journal, tmp_path: Path) -> None:
    """Its transition has a time that is still to come, but its record was taken out: nobody misses it."""

    def ahead(session: Session) -> None:
        session.add_debt(debt("AHEAD001"))
        session.add(operation("AHEAD001"), source="intent", detail={}, now=NOW + timedelta(days=3650))

    old.write(intend("SHOP0001"))
    old.write(ahead)
    old.write(intend("SHOP0002"))
    run = archiving(old, tmp_path)
    run.archive(UNTIL)
    assert run.move(UNTIL, Retention()) == 4
    old.write(intend("LATER001"))
    assert wrong(old, tmp_path) == []
