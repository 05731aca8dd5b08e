"""Signed heads tell, outside of the database, how far each chain had come."""

from __future__ import annotations

import base64
import copy
import os
import pickle
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.audit_chains import BEGIN, FIRST, KEY, START, MemoryTrail, chain_of, end_of, entry, row_after

from payport.sdk.audit.chain import Chain, FlawKind, Place, Row
from payport.sdk.audit.heads import HeadEvents, HeadFile, SignedHead, read_heads
from payport.sdk.audit.signing import AuditKey, PublicKeys
from payport.sdk.audit.verifying import HeadCheck, Verification
from payport.sdk.errors import AuditError, ConfigurationError
from payport.sdk.events import AuditHeadSigned, SdkEvent
from payport.sdk.secrets import Secret

ROWS = list(chain_of(50))
KEYS = PublicKeys([KEY.public])


def chain(count: int) -> Chain:
    """A chain as it stood after so many records."""
    return Chain(chain=0, start=START, dropped=BEGIN, head=end_of(ROWS[:count]))


def head(count: int) -> SignedHead:
    """Its signed head."""
    return SignedHead.sign(chain(count), FIRST + timedelta(seconds=count), KEY)


def verified(trail: MemoryTrail, path: Path, keys: PublicKeys = KEYS) -> list[tuple[FlawKind, int | None]]:
    """What is found with the heads of a file."""
    return [(flaw.kind, flaw.seq) for flaw in Verification(trail=trail, heads=path, keys=keys).flaws()]


@pytest.fixture
def file(tmp_path: Path) -> HeadFile:
    """Heads after 10, 20, 30, 40 and 50 records."""
    sink = HeadFile(tmp_path / "heads.jsonl")
    for count in (10, 20, 30, 40, 50):
        sink(head(count))
    return sink


def test_a_head_is_read_as_it_was_written(file: HeadFile) -> None:
    """Line by line, each with its signature."""
    found = list(read_heads(file.path))
    assert [(number, head(number * 10)) for number in range(1, 6)] == found
    assert all(each.is_signed_by(KEYS) for _, each in found if each)


def test_a_file_for_its_owner_alone(file: HeadFile) -> None:
    """And nobody else reads or writes it."""
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_half_a_line_spoils_no_other(file: HeadFile) -> None:
    """What a power cut left behind is told, and the heads around it count."""
    with file.path.open("a") as torn:
        torn.write(head(50).line()[:40])
    file(head(50))
    found = [each for _, each in read_heads(file.path)]
    assert [head(10), head(20), head(30), head(40), head(50), None, head(50)] == found
    assert verified(MemoryTrail(ROWS), file.path) == [(FlawKind.UNREADABLE, None)]


@pytest.mark.parametrize(
    "change",
    [{"head": Place(31, ROWS[29].hash)}, {"head": Place(30, ROWS[30].hash)}, {"chain": 1}, {"start": bytes(32)},
     {"at": "2026-02-01T12:00:00.000000Z"}, {"signature": head(20).signature}, {"signature": "no base64"}],
    ids=["seq", "hash", "chain", "start", "at", "another's signature", "no signature"],
)  # fmt: skip
def test_every_word_of_a_head_is_signed(change: dict[str, object]) -> None:
    """A changed one does not count."""
    assert not replace(head(30), **change).is_signed_by(KEYS)  # type: ignore[arg-type] # one of several


def test_a_whole_trail_with_its_heads(file: HeadFile) -> None:
    """Nothing is found, and every head was looked at."""
    looking = Verification(trail=MemoryTrail(ROWS), heads=file.path, keys=KEYS)
    assert list(looking.flaws()) == []
    assert (looking.records, looking.heads_seen, looking.heads_archived) == (50, 5, 0)


def test_a_tail_that_was_cut_off_with_the_head_of_the_chain(file: HeadFile) -> None:
    """The chain itself looks whole: the newest signed head tells."""
    looking = Verification(trail=MemoryTrail(ROWS[:33]), heads=file.path, keys=KEYS)
    (flaw,) = looking.flaws()
    assert (flaw.kind, flaw.seq) == (FlawKind.CUT_OFF, 34)
    assert "had 50 records, now it has 33" in flaw.what


def test_what_came_after_the_newest_head_can_be_cut_off_unseen(file: HeadFile) -> None:
    """The limit of it, told in the manual: sign heads often."""
    more = row_after(end_of(ROWS), entry(51))
    assert verified(MemoryTrail([*ROWS, more]), file.path) == []
    assert verified(MemoryTrail(ROWS), file.path) == []


def test_a_chain_that_was_written_anew(file: HeadFile) -> None:
    """Somebody changed record 25 and computed every hash behind it again: the chain is whole, the heads are not."""
    rows = ROWS[:24]
    for number in range(25, 51):
        told = replace(entry(number), result="succeeded") if number == 25 else entry(number)
        rows = [*rows, row_after(end_of(rows), told)]
    assert list(Verification(trail=MemoryTrail(rows)).flaws()) == []
    assert verified(MemoryTrail(rows), file.path) == [(FlawKind.REWRITTEN, 30)]


def test_another_journal(file: HeadFile) -> None:
    """A new chain in the place of the old one begins with other bytes."""
    begin = Place(0, bytes(32))
    trail = MemoryTrail(list(chain_of(50, begin=begin)))
    trail.chain = Chain(chain=0, start=begin.hash, dropped=begin, head=end_of(trail.held))
    assert verified(trail, file.path) == [(FlawKind.REWRITTEN, None)]


def test_a_forged_head(file: HeadFile) -> None:
    """Signed by nobody whom we trust."""
    stranger = AuditKey(Secret(base64.b64encode(bytes(32)).decode()))
    file(SignedHead.sign(chain(10), FIRST, stranger))
    assert verified(MemoryTrail(ROWS), file.path) == [(FlawKind.FORGED, 10)]
    assert verified(MemoryTrail(ROWS), file.path, PublicKeys([KEY.public, stranger.public])) == []


def test_heads_of_records_that_were_archived(file: HeadFile) -> None:
    """They are counted: the archive's own signature vouches for those."""
    trail = MemoryTrail(list(ROWS))
    trail.take_out(0, end_of(ROWS[:25]), FIRST, entry(51))
    looking = Verification(trail=trail, heads=file.path, keys=KEYS)
    assert list(looking.flaws()) == []
    assert (looking.records, looking.heads_seen, looking.heads_archived) == (26, 5, 2)


def test_a_head_whose_record_leaves_while_heads_are_checked(file: HeadFile) -> None:
    """It was there when the look began: it is not one that was written anew."""
    trail = MemoryTrail(list(ROWS))
    checking = HeadCheck(trail, KEYS)
    trail.take_out(0, end_of(ROWS[:25]), FIRST, entry(51))
    found = [flaw for _, each in read_heads(file.path) for flaw in checking.step("", each)]
    assert [*found, *checking.end()] == []
    assert checking.archived == 2


def test_transitions_and_records_belong_together() -> None:
    """One record for each, no more and no less."""
    trail = MemoryTrail(ROWS, missing=[("A/pay//1", 2)], double=[("B/pay//1", 0)])
    found = [(flaw.kind, flaw.what) for flaw in Verification(trail=trail).flaws()]
    assert found == [
        (FlawKind.UNTOLD, "version 2 of A/pay//1 has no record"),
        (FlawKind.UNFOUNDED, "version 0 of B/pay//1 has several records, or is in no journal"),
    ]


def test_heads_are_told_to_logs() -> None:
    """An event with every word of it, for a log that is shipped elsewhere."""
    told: list[SdkEvent] = []
    HeadEvents([told.append])(head(30))
    (event,) = told
    assert isinstance(event, AuditHeadSigned)
    signed = SignedHead(
        start=bytes.fromhex(event.start), chain=event.chain, head=Place(event.seq, bytes.fromhex(event.hash)),
        at=event.at, key=event.key_id, signature=event.signature,
    )  # fmt: skip
    assert head(30) == signed
    assert signed.is_signed_by(KEYS)


def test_a_sink_that_fails_says_so(tmp_path: Path) -> None:
    """Whoever signs heads must know that they were not kept."""

    def broken(_: SdkEvent) -> None:
        raise OSError

    with pytest.raises(AuditError, match="did not take"):
        HeadEvents([broken])(head(10))
    with pytest.raises(AuditError, match="its end is not secured"):
        HeadFile(tmp_path / "no such folder" / "heads")(head(10))
    with pytest.raises(AuditError, match="cannot be read"):
        list(read_heads(tmp_path / "nothing"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_a_full_disk() -> None:
    """A head that is not on the disk is not kept."""
    with pytest.raises(AuditError, match="make room"):
        HeadFile(Path("/dev/full"))(head(10))


@pytest.mark.parametrize(
    "text", ["no base64", "AAAA", base64.b64encode(bytes(31)).decode(), base64.b64encode(bytes(33)).decode()]
)
def test_a_key_that_is_none(text: str) -> None:
    """Refused, and not shown: it may be a key with one character too many."""
    for make in (lambda: AuditKey(Secret(text)), lambda: PublicKeys([text])):
        with pytest.raises(ConfigurationError, match="payport keygen") as refused:
            make()
        assert text not in str(refused.value)


def test_a_key_does_not_leave() -> None:
    """Not by its looks, not by copying."""
    key = AuditKey(Secret(base64.b64encode(os.urandom(32)).decode()))
    assert f"AuditKey({key.key_id})" == repr(key)
    assert f"PublicKeys({key.key_id})" == repr(PublicKeys([key.public]))
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            take(key)


def test_a_very_long_line_is_no_head(tmp_path: Path) -> None:
    """It is read in pieces, so that it takes no memory."""
    path = tmp_path / "heads"
    path.write_text("x" * 10_000 + "\n" + head(10).line() + "\n")
    assert [None, None, None, head(10)] == [each for _, each in read_heads(path)]


class Overtaken(MemoryTrail):
    """A trail that is archived while somebody verifies it."""

    def rows(self, chain: int, after: int, limit: int) -> Sequence[Row]:
        found = super().rows(chain, after, min(limit, 10))
        if after == 10:
            self.held = [row for row in self.held if row.seq > self.through]
            self.chain = replace(self.chain, dropped=end_of(ROWS[: self.through]))
            return super().rows(chain, after, 10)
        return found

    through = 30


def test_a_trail_that_is_archived_meanwhile() -> None:
    """What left is no gap: verifying goes on behind it, and ends where everything left."""
    trail = Overtaken(list(ROWS))
    looking = Verification(trail=trail)
    assert list(looking.flaws()) == []
    assert looking.records == 30
    trail = Overtaken(list(ROWS))
    trail.through = 50
    assert list(Verification(trail=trail).flaws()) == []
