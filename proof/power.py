"""T4: the power goes. The journal's log is cut off or damaged at any byte; what was acknowledged before it is there."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from tests.support.journal_records import NOW, intend, sealing_key

from payport.sdk.audit.verifying import Verification
from payport.sdk.errors import ConfigurationError, JournalError
from payport.sdk.journal import Journal
from payport.sdk.journal.records import State
from payport.sdk.journal.trail import JournalTrail
from proof.family import Family, Tally, each

KEY = sealing_key()
PAYMENTS = 12
_FILES = ("payments.db", "payments.db-wal")


@dataclass(frozen=True, slots=True)
class Written:
    """A journal whose commits are still in the log. ``lengths``: of the log when each write was acknowledged."""

    contents: tuple[bytes, bytes]
    lengths: tuple[int, ...]

    def into(self, folder: Path) -> Path:
        """A copy to damage; answers the log."""
        for name, content in zip(_FILES, self.contents, strict=True):
            (folder / name).write_bytes(content)
        (folder / "payments.db-shm").unlink(missing_ok=True)
        return folder / "payments.db-wal"


@cache
def written() -> Written:
    """Twelve payments, each intended and then paid."""
    lengths: list[int] = []
    with tempfile.TemporaryDirectory() as place:
        folder, kept = Path(place), Path(place) / "kept"
        kept.mkdir()
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
        for name in _FILES:
            shutil.copy(folder / name, kept / name)
        journal.close()
        database, log = ((kept / name).read_bytes() for name in _FILES)
        return Written((database, log), tuple(lengths))


def writes_found(folder: Path) -> int:
    """How many writes, from the first on, are in the journal. A later one without the earlier is wrong."""
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


def cut(folder: Path, dice: random.Random) -> None:
    """Cut off at any length: every write acknowledged within it is there, and nothing else."""
    whole = written()
    log, length = whole.into(folder), dice.randrange(whole.lengths[0], whole.lengths[-1] + 1)
    with log.open("r+b") as file:
        file.truncate(length)
    expected = sum(each <= length for each in whole.lengths)
    assert expected == (found := writes_found(folder)), f"cut at {length}: {found} writes of {expected}"


def flip(folder: Path, dice: random.Random) -> None:
    """A bit flipped: every write before the damage is there, none after it, and none is changed."""
    whole = written()
    log = whole.into(folder)
    content = bytearray(whole.contents[1])
    place = dice.randrange(whole.lengths[0], whole.lengths[-1])
    content[place] ^= 1 << dice.randrange(8)
    log.write_bytes(content)
    expected = sum(each <= place for each in whole.lengths)
    assert expected == (found := writes_found(folder)), f"flipped at {place}: {found} writes of {expected}"


def damage(folder: Path, dice: random.Random) -> bool:
    """A bit flipped in the file itself, which has no checksum: read right, or refused with our error, never raw.

    Answers whether it was refused.
    """
    content = bytearray(_checkpointed())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    for name in ("payments.db-wal", "payments.db-shm"):
        (folder / name).unlink(missing_ok=True)
    (folder / "payments.db").write_bytes(content)
    try:
        with Journal.open(f"sqlite:///{folder / 'payments.db'}", sealing_key=KEY) as journal:
            for number in range(PAYMENTS):
                journal.read(lambda session, ref=f"P{number:02}": (session.operations(ref), session.history(ref)))  # type: ignore[misc] # bound now
                journal.read(lambda session, ref=f"P{number:02}": session.debt(ref))  # type: ignore[misc] # bound now
    except (JournalError, ConfigurationError):
        return True
    return False


@cache
def _checkpointed() -> bytes:
    """The journal's file once closing has moved the log into it."""
    with _folder() as folder:
        written().into(folder)
        assert writes_found(folder) == len(written().lengths)
        return (folder / "payments.db").read_bytes()


def run(first: int, count: int) -> Tally:
    """Unit by unit: a cut, a flip in the log, and now and then one in the file itself."""
    with _folder() as folder:

        def one(number: int, tally: Tally) -> None:
            tally.cases += 1
            dice = random.Random(number)
            match number % 5:
                case 0 | 2:
                    cut(folder, dice)
                    tally.note("cuts")
                case 1 | 3:
                    flip(folder, dice)
                    tally.note("flips in the log")
                case _:
                    tally.note(
                        "flips in the file, refused" if damage(folder, dice) else "flips in the file, read right"
                    )

        return each(range(first, first + count), one)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


FAMILY = Family(
    id="T4",
    title="the log cut off or flipped at any byte: every write acknowledged before it is there, none is changed",
    run=run,
    gate=5_000,
    long=125_000,
    shard=500,
)
