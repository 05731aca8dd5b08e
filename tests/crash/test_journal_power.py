"""A power cut: the log is cut off or damaged at any byte, and what was acknowledged before that byte is still there."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.journal_records import NOW, intend, sealing_key

from payport.sdk.audit.verifying import Verification
from payport.sdk.errors import ConfigurationError, JournalError
from payport.sdk.journal import Journal
from payport.sdk.journal.records import State
from payport.sdk.journal.trail import JournalTrail

KEY = sealing_key()
PAYMENTS = 12
CUTS = 250
FLIPS = 250


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    """A journal whose commits are still in the log, and how long the log was when each was acknowledged."""
    folder = tmp_path_factory.mktemp("written")
    lengths: list[int] = []
    journal = Journal.open(f"sqlite:///{folder / 'payments.db'}", sealing_key=KEY)

    def acknowledged() -> None:
        lengths.append((folder / "payments.db-wal").stat().st_size)

    for number in range(PAYMENTS):
        intended = journal.write(intend(f"P{number:02}"))
        acknowledged()
        journal.write(
            lambda session, one=intended: session.save(  # type: ignore[misc] # bound now
                replace(one, state=State.SUCCEEDED), source="reply", detail={}, now=NOW
            )
        )
        acknowledged()
    kept = tmp_path_factory.mktemp("kept")
    for name in ("payments.db", "payments.db-wal"):
        shutil.copy(folder / name, kept / name)
    journal.close()
    return kept, lengths


def writes_found(folder: Path) -> int:
    """How many writes, from the first on, are in the journal. A later one without the earlier fails the test."""
    with Journal.open(f"sqlite:///{folder / 'payments.db'}", sealing_key=KEY) as journal:
        lengths = [
            len(journal.read(lambda session, ref=f"P{number:02}": session.history(ref)))  # type: ignore[misc] # bound now
            for number in range(PAYMENTS)
        ]
        operations = [
            journal.read(lambda session, ref=f"P{number:02}": session.operations(ref))  # type: ignore[misc] # bound now
            for number in range(PAYMENTS)
        ]
        flaws = list(Verification(trail=JournalTrail(journal)).flaws())
    assert flaws == [], "the audit trail of a prefix is whole"
    assert lengths == [len(one) and one[0].version + 1 for one in operations]
    total = sum(lengths)
    assert lengths == [max(0, min(2, total - 2 * number)) for number in range(PAYMENTS)], "a prefix of what was written"
    return total


def restored(kept: Path, folder: Path) -> Path:
    """A copy to damage."""
    for name in ("payments.db", "payments.db-wal"):
        shutil.copy(kept / name, folder / name)
    (folder / "payments.db-shm").unlink(missing_ok=True)
    return folder / "payments.db-wal"


def test_a_log_that_was_cut_off(written: tuple[Path, list[int]], tmp_path: Path) -> None:
    """At any length: every write acknowledged within it is there, and nothing else."""
    kept, lengths = written
    chance = random.Random(20260131)
    for _ in range(CUTS):
        log = restored(kept, tmp_path)
        cut = chance.randrange(lengths[0], lengths[-1] + 1)
        with log.open("r+b") as file:
            file.truncate(cut)
        assert sum(length <= cut for length in lengths) == writes_found(tmp_path)


def test_a_log_with_a_flipped_bit(written: tuple[Path, list[int]], tmp_path: Path) -> None:
    """Every write before the damage is there, none after it, and none is changed."""
    kept, lengths = written
    chance = random.Random(20260201)
    for _ in range(FLIPS):
        log = restored(kept, tmp_path)
        content = bytearray(log.read_bytes())
        place = chance.randrange(lengths[0], lengths[-1])
        content[place] ^= 1 << chance.randrange(8)
        log.write_bytes(content)
        assert sum(length <= place for length in lengths) == writes_found(tmp_path)


def test_a_damaged_database_is_reported(written: tuple[Path, list[int]], tmp_path: Path) -> None:
    """A bit flipped in the file itself has no checksum: it is read right, or refused with our error, never raw."""
    kept, lengths = written
    restored(kept, tmp_path)
    assert len(lengths) == writes_found(tmp_path), "closing moved the log into the file"
    whole = (tmp_path / "payments.db").read_bytes()
    chance = random.Random(20260202)
    reported = 0
    for _ in range(FLIPS):
        content = bytearray(whole)
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        (tmp_path / "payments.db").write_bytes(content)
        try:
            with Journal.open(f"sqlite:///{tmp_path / 'payments.db'}", sealing_key=KEY) as journal:
                for number in range(PAYMENTS):
                    journal.read(lambda session, ref=f"P{number:02}": (session.operations(ref), session.history(ref)))  # type: ignore[misc] # bound now
                    journal.read(lambda session, ref=f"P{number:02}": session.debt(ref))  # type: ignore[misc] # bound now
        except (JournalError, ConfigurationError):
            reported += 1
    assert reported > 0
