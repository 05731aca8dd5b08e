"""Archives hold what left the journal: compressed, signed, verified before anything is taken out."""

from __future__ import annotations

import base64
import errno
import gzip
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.support.audit_chains import (
    BEGIN,
    FIRST,
    KEY,
    START,
    MemoryTrail,
    chain_of,
    end_of,
    entry,
    row_after,
)

from payport.sdk.audit.archiving import Archive, check_archive, check_order, read_archives, write_archive
from payport.sdk.audit.chain import Chain, Flaw, FlawKind, Place, Row
from payport.sdk.audit.keeping import drop, drop_archives
from payport.sdk.audit.retention import LEAST_DAYS, Retention
from payport.sdk.audit.signing import AuditKey, PublicKeys
from payport.sdk.errors import AuditError, ConfigurationError
from payport.sdk.secrets import Secret

ROWS = list(chain_of(50))
KEYS = PublicKeys([KEY.public])


def second(number: float) -> datetime:
    """So many seconds after the beginning."""
    return FIRST + timedelta(seconds=number)


NOW = second(3600)


def write(folder: Path, after: Place, before: datetime, trail: MemoryTrail | None = None) -> Archive | None:
    """Archive what is older."""
    trail = trail or MemoryTrail(ROWS)
    return write_archive(trail, trail.chain, after, before, folder, key=KEY, now=NOW, library="1.0.0")


def found(folder: Path, chains: list[Chain] | None = None) -> list[Flaw]:
    """What is wrong with the archives of a folder."""
    archives = read_archives(folder)
    return [flaw for each in archives for flaw in check_archive(each, KEYS)] + list(check_order(archives, chains or []))


def test_an_archive_holds_what_is_older(tmp_path: Path) -> None:
    """Every record before the instant, as it was hashed; signed, and the same when read back."""
    archive = write(tmp_path / "old", BEGIN, second(21))
    assert archive is not None
    assert (20, BEGIN, end_of(ROWS[:20])) == (archive.count, archive.before, archive.through)
    assert (archive.begins, archive.ends) == ("2026-01-31T12:00:01.000000Z", "2026-01-31T12:00:20.000000Z")
    assert [archive] == read_archives(tmp_path / "old")
    assert ROWS[:20] == list(archive.rows())
    assert found(tmp_path / "old") == []


def test_a_line_can_be_read_without_this_library(tmp_path: Path) -> None:
    """JSON lines, compressed: the record, and its hash beside it."""
    archive = write(tmp_path, BEGIN, second(3))
    assert archive is not None
    with gzip.open(tmp_path / archive.file, "rt") as file:
        lines = [json.loads(line) for line in file]
    assert [row.hash.hex() for row in ROWS[:2]] == [line["hash"] for line in lines]
    assert [json.loads(row.body) for row in ROWS[:2]] == [line["record"] for line in lines]


def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """And nothing is left beside them."""
    write(tmp_path / "old", BEGIN, second(21))
    assert {".gz", ".json"} == {path.suffix for path in (tmp_path / "old").iterdir()}
    assert {0o600} == {path.stat().st_mode & 0o777 for path in (tmp_path / "old").iterdir()}


def test_nothing_is_old_enough(tmp_path: Path) -> None:
    """No archive is made, and no file."""
    assert write(tmp_path, BEGIN, second(1)) is None
    assert list(tmp_path.iterdir()) == []


def hurried(count: int, *wrong: int) -> list[Row]:
    """A chain of so many records, of which these were written by a clock that was ten years ahead."""
    place, rows = BEGIN, list[Row]()
    for number in range(1, count + 1):
        told = entry(number)
        if number in wrong:
            told = replace(told, at=told.at + timedelta(days=3650))
        rows.append(row_after(place, told))
        place = end_of(rows)
    return rows


@pytest.mark.parametrize(
    ("archived", "wrong"),
    [
        (20, ()),
        (20, (5,)),
        (20, (1,)),
        (20, (5, 6, 7, 15)),
        (19, (20,)),  # nothing that can be believed tells that it is old enough
        (16, (17, 18, 19, 20)),
        (20, (21, 22)),
        (0, tuple(range(1, 21))),
        (0, tuple(range(1, 51))),
    ],
)
def test_a_time_to_come_keeps_nothing_from_leaving(tmp_path: Path, archived: int, wrong: tuple[int, ...]) -> None:
    """Whoever wrote it had a wrong clock: it is as old as the next record that can be believed."""
    rows = hurried(50, *wrong)
    archive = write(tmp_path, BEGIN, second(21), MemoryTrail(list(rows)))
    assert (0 if archive is None else archive.count) == archived
    trail = MemoryTrail(list(rows))
    kept = Retention()
    assert drop(trail, second(21), kept, second(21) + timedelta(days=kept.days)) == archived
    assert found(tmp_path) == []


def test_a_time_that_was_to_come_counts_once_it_is_there() -> None:
    """Ten years later nobody can tell that the clock was wrong: it is kept for too long then, never too short."""
    trail, kept = MemoryTrail(hurried(50, 5)), Retention()
    assert drop(trail, second(21), kept, second(60) + timedelta(days=3650)) == 4


def test_one_archive_follows_on_another(tmp_path: Path) -> None:
    """A gap between two is told."""
    first, second_, third = (
        write(tmp_path, BEGIN, second(11)),
        write(tmp_path, end_of(ROWS[:10]), second(21)),
        write(tmp_path, end_of(ROWS[:20]), second(31)),
    )
    assert None not in (first, third)
    assert second_ is not None
    assert found(tmp_path) == []
    (tmp_path / second_.file).unlink()
    second_.path.unlink()
    (flaw,) = found(tmp_path)
    assert (flaw.kind, flaw.seq) == (FlawKind.MISSING, 11)
    assert "records 11 to 20 are missing" in flaw.what


def test_the_journal_goes_on_from_the_archive(tmp_path: Path) -> None:
    """Record and hash: what was taken out is in the archive, and nothing else."""
    trail = MemoryTrail(list(ROWS))
    archive = write(tmp_path, BEGIN, second(21), trail)
    assert archive is not None
    assert trail.take_out(0, archive.through, FIRST, entry(51)) == 20
    assert found(tmp_path, [trail.chain]) == []
    other = Chain(chain=0, start=START, dropped=Place(20, bytes(32)), head=trail.chain.head)
    assert [flaw.kind for flaw in found(tmp_path, [other])] == [FlawKind.REWRITTEN]
    beyond = Chain(chain=0, start=START, dropped=end_of(ROWS[:25]), head=trail.chain.head)
    (flaw,) = found(tmp_path, [beyond])
    assert (
        flaw.kind, flaw.what
    ) == (FlawKind.MISSING, "records 21 to 25 are neither in the journal nor in the archives")  # fmt: skip
    unarchived = Chain(chain=1, start=START, dropped=end_of(ROWS[:5]), head=trail.chain.head)
    assert [flaw.kind for flaw in found(tmp_path, [unarchived])] == [FlawKind.MISSING]


def rewrite(archive: Archive, change: Callable[[str], str]) -> None:
    """Change the records of an archive behind the back of its manifest."""
    path = archive.path.with_name(archive.file)
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()).decode()).encode()))


def line_7_succeeded(text: str) -> str:
    """The seventh record tells of a success."""
    lines = text.splitlines(keepends=True)
    lines[6] = lines[6].replace('"doubt"', '"succeeded"')
    return "".join(lines)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (line_7_succeeded, ("changed", 7)),
        (lambda text: "".join(text.splitlines(keepends=True)[:-3]), ("cut_off", 18)),
        (
            lambda text: "".join(line for at, line in enumerate(text.splitlines(keepends=True)) if at != 6),
            ("missing", 7),
        ),
        (lambda text: text.replace('"record":', '"rekord":', 1), ("unreadable", 1)),
        (lambda text: text.replace('{"hash":"', '{"hash":"zz', 1), ("unreadable", 1)),
        (lambda _: "", ("cut_off", 1)),
    ],
    ids=["changed", "cut off", "missing", "no line", "no hash", "empty"],
)
def test_a_changed_archive(change: Callable[[str], str], told: tuple[str, int], tmp_path: Path) -> None:
    """The file is not the one that was signed, and the record is named."""
    archive = write(tmp_path, BEGIN, second(21))
    assert archive is not None
    rewrite(archive, change)
    kinds = [(flaw.kind.value, flaw.seq) for flaw in found(tmp_path)]
    assert kinds[0] == ("changed", None)
    assert told in kinds


def test_a_damaged_file_and_a_lost_one(tmp_path: Path) -> None:
    """Told, not raised."""
    archive = write(tmp_path, BEGIN, second(21))
    assert archive is not None
    path = tmp_path / archive.file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    assert {FlawKind.CHANGED, FlawKind.UNREADABLE} <= {flaw.kind for flaw in found(tmp_path)}
    path.write_bytes(content[: len(content) // 2])
    assert {FlawKind.CHANGED, FlawKind.UNREADABLE} <= {flaw.kind for flaw in found(tmp_path)}
    path.unlink()
    assert [flaw.kind for flaw in found(tmp_path)] == [FlawKind.MISSING]


@pytest.mark.parametrize("field", ["before", "begins", "ends", "hash", "library", "made", "sha256", "start"])
def test_every_word_of_a_manifest_is_signed(field: str, tmp_path: Path) -> None:
    """A changed one does not count."""
    archive = write(tmp_path, BEGIN, second(21))
    assert archive is not None
    content = json.loads(archive.path.read_text())
    content[field] = "0" * len(content[field])
    archive.path.write_text(json.dumps(content, sort_keys=True, separators=(",", ":")))
    assert FlawKind.FORGED in {flaw.kind for flaw in check_archive(Archive.read(archive.path), KEYS)}


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"v":2}', '{"file":"../x","v":1}', '{"file":"x","v":1}', "\x00", "{" * 5000]
)
def test_a_manifest_that_is_none(text: str, tmp_path: Path) -> None:
    """Refused with one error, a path that leads elsewhere included."""
    (tmp_path / "audit-x.json").write_text(text)
    with pytest.raises(AuditError, match="no manifest"):
        read_archives(tmp_path)


def test_another_key(tmp_path: Path) -> None:
    """Signed by nobody whom we trust."""
    archive = write(tmp_path, BEGIN, second(21))
    assert archive is not None
    other = PublicKeys([AuditKey(Secret(base64.b64encode(bytes(32)).decode())).public])
    (flaw,) = check_archive(archive, other)
    assert flaw.kind is FlawKind.FORGED
    assert "is not trusted" in flaw.what


def test_a_trail_that_does_not_verify_is_not_archived(tmp_path: Path) -> None:
    """An archive of it would vouch for what nobody can vouch for; no file is left that says it does."""
    rows = [*ROWS[:6], ROWS[6]._replace(body=ROWS[6].body.replace("doubt", "paid")), *ROWS[7:]]
    with pytest.raises(AuditError, match="record 7 was changed"):
        write(tmp_path, BEGIN, second(21), MemoryTrail(rows))
    assert list(tmp_path.iterdir()) == []


def test_an_archive_is_not_overwritten(tmp_path: Path) -> None:
    """The first one stays."""
    first = write(tmp_path, BEGIN, second(21))
    with pytest.raises(AuditError, match="is there already"):
        write(tmp_path, BEGIN, second(21))
    assert [first] == read_archives(tmp_path)
    assert found(tmp_path) == []


def test_a_full_disk_leaves_no_half_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once there is room, the next run goes on as if the first had never been; so it does after a crash."""
    with monkeypatch.context() as patch:
        patch.setattr("payport.sdk.audit.archiving.os.fsync", failing_after(1))
        with pytest.raises(AuditError, match="No space left"):
            write(tmp_path, BEGIN, second(21))
    assert read_archives(tmp_path) == []
    (file,) = tmp_path.iterdir()
    for left in (file, tmp_path / f".audit-{MemoryTrail(ROWS).chain.name}-1.part"):
        left.write_text("half of it")
    archive = write(tmp_path, BEGIN, second(21))
    assert [archive] == read_archives(tmp_path)
    assert found(tmp_path) == []
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".gz", ".json"]


def failing_after(times: int) -> Callable[[int], None]:
    """What a full disk does to what is made durable on it."""
    done: list[int] = []

    def sync(handle: int) -> None:
        done.append(handle)
        if len(done) > times:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return sync


def test_deleting_an_archive_is_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left is a file that counts for nothing, and not a manifest whose records are lost."""
    trail, later = MemoryTrail(list(ROWS)), second(60) + timedelta(days=LEAST_DAYS)
    write(tmp_path, BEGIN, second(21), trail)
    gone: list[Path] = []
    genuine = Path.unlink

    def unlink(path: Path, *, missing_ok: bool = False) -> None:
        if gone:
            raise KeyboardInterrupt
        gone.append(path)
        genuine(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink)
        with pytest.raises(KeyboardInterrupt):
            drop_archives(trail, tmp_path, second(21), Retention(), KEYS, later)
    assert found(tmp_path) == []
    assert drop_archives(trail, tmp_path, second(21), Retention(), KEYS, later) == []
    assert write(tmp_path, BEGIN, second(21), trail) is not None
    assert found(tmp_path) == []


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    """Said as it is."""
    with pytest.raises(AuditError, match="no folder"):
        read_archives(tmp_path / "nothing")
    (tmp_path / "audit-1.json").mkdir()
    with pytest.raises(AuditError, match="cannot be read"):
        read_archives(tmp_path)


def test_nothing_is_deleted_before_its_time() -> None:
    """Three years at least, on the day."""
    now = FIRST
    kept = Retention()
    kept.check_drop(now - timedelta(days=LEAST_DAYS), now)
    with pytest.raises(AuditError, match=r"2026-01-01 is too late\. Today only records from before 2023-01-31"):
        kept.check_drop(now - timedelta(days=30), now)
    with pytest.raises(AuditError, match="Nothing was changed"):
        kept.check_drop(now - timedelta(days=LEAST_DAYS) + timedelta(seconds=1), now)
    with pytest.raises(AuditError, match="kept for 4000 days"):
        Retention(4000).check_drop(now - timedelta(days=LEAST_DAYS), now)


def test_three_months_stay_at_hand() -> None:
    """Younger records are not moved out of the journal, be they archived or not."""
    kept = Retention()
    kept.check_move(FIRST - timedelta(days=92), FIRST)
    with pytest.raises(AuditError, match="92 days stay at hand"):
        kept.check_move(FIRST - timedelta(days=91), FIRST)


def test_the_time_can_only_be_made_longer() -> None:
    """A configuration that shortens it is refused."""
    assert Retention(LEAST_DAYS + 1).days == LEAST_DAYS + 1
    with pytest.raises(ConfigurationError, match="can only be made longer"):
        Retention(LEAST_DAYS - 1)
