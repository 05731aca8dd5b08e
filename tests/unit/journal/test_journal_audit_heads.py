"""The end of the audit trail is signed outside of the database, on closing and when a worker finds it due."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from tests.support.audit_chains import KEY as AUDIT_KEY
from tests.support.audit_journals import flaws, records
from tests.support.databases import by_hand
from tests.support.journal_records import (
    intend,
)

from payport.sdk.audit.chain import FlawKind
from payport.sdk.audit.heads import HeadFile, HeadSink, SignedHead
from payport.sdk.audit.policy import AuditPolicy
from payport.sdk.audit.signing import PublicKeys
from payport.sdk.audit.verifying import Verification
from payport.sdk.errors import AuditError, ConfigurationError, JournalError
from payport.sdk.journal import Journal
from payport.sdk.journal.trail import JournalTrail


def policy(*sinks: HeadSink, **more: Any) -> AuditPolicy:
    """One that signs."""
    return AuditPolicy(key=AUDIT_KEY, sinks=sinks, **more)


def test_closing_signs_the_end(url: str) -> None:
    """Of each chain that something was written to, and that is recorded; with nothing new there is nothing to sign."""
    heads: list[SignedHead] = []
    with Journal.open(url, audit=policy(heads.append)) as journal:
        journal.write(intend())
        assert heads == []
    (head,) = heads
    assert (head.chain, head.head.seq) == (0, 2)
    assert head.is_signed_by(PublicKeys([AUDIT_KEY.public]))
    with Journal.open(url, audit=policy(heads.append)) as journal:
        last = records(journal)[-1]
        assert ("audit.head", "signed", {"key": AUDIT_KEY.key_id, "seq": 2}) == (last.what, last.result, last.detail)
        assert flaws(journal) == []
    assert [head] == heads


def test_a_head_is_due_after_so_many_records_or_so_long(url: str) -> None:
    """Whichever comes first."""
    heads: list[SignedHead] = []
    with Journal.open(url, audit=policy(heads.append, head_every=5, head_every_s=1000.0)) as journal:
        signed = []
        for number in range(12):
            journal.write(intend(f"SHOP{number:04d}"))
            signed.append(journal.sign_heads(at_once=False))
        assert signed == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0], "the first at once: none was ever signed"
        assert journal.sign_heads() == 1
        assert journal.sign_heads() == 0
    quick: list[SignedHead] = []
    with Journal.open(url, audit=policy(quick.append, head_every=500, head_every_s=0.05)) as journal:
        journal.write(intend("LATER001"))
        time.sleep(0.06)
        assert journal.sign_heads(at_once=False) == 1


def test_who_signs_slowly_does_not_turn_back_how_far_was_signed(url: str, tmp_path: Path) -> None:
    """Else nobody would miss the newer head, that of another process, when it is taken out of the file."""
    sink = HeadFile(tmp_path / "heads")
    with Journal.open(url, audit=policy(sink)) as fast:

        def stands_still(head: SignedHead) -> None:
            sink(head)
            for number in range(5):
                fast.write(intend(f"LATER{number:03d}"))
            fast.sign_heads()

        slow = Journal.open(url, audit=policy(stands_still))
        slow.write(intend())
        slow.sign_heads()
        first, *_ = sink.path.read_text().splitlines(keepends=True)
        sink.path.write_text(first)
        keys = PublicKeys([AUDIT_KEY.public])
        found = [flaw.kind for flaw in Verification(trail=JournalTrail(fast), heads=sink.path, keys=keys).flaws()]
        assert found == [FlawKind.MISSING]
        fast.sign_heads()
        slow.close()


def test_a_head_that_cannot_be_kept_is_said(url: str) -> None:
    """By whoever signs, and by closing, which closes all the same. The payments go on."""

    def full(_: SignedHead) -> None:
        raise AuditError("the disk is full")

    journal = Journal.open(url, audit=policy(full))
    journal.write(intend())
    with pytest.raises(AuditError, match="the disk is full"):
        journal.sign_heads()
    journal.write(intend("SHOP0002"))
    with pytest.raises(AuditError, match="is closed, but the end of its audit trail is not signed"):
        journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.write(intend("SHOP0003"))
    journal.close()


@pytest.mark.parametrize("error", [ConnectionError("the store is away"), KeyboardInterrupt()], ids=["away", "stopped"])
def test_a_sink_of_ones_own_may_raise_anything(error: BaseException, file_url: str) -> None:
    """Closing says that the end is not signed, and closes all the same; so it does when somebody stops it there."""

    def away(_: SignedHead) -> None:
        raise error

    journal = Journal.open(file_url, audit=policy(away))
    journal.write(intend())
    said = AuditError if isinstance(error, Exception) else KeyboardInterrupt
    with pytest.raises(said, match="ConnectionError" if said is AuditError else None):
        journal.sign_heads()
    with pytest.raises(said):
        journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.write(intend("SHOP0002"))
    assert [path.name for path in Path(file_url.removeprefix("sqlite:///")).parent.iterdir()] == ["payments.db"]


def test_a_tail_that_was_cut_off_with_everything_that_tells(kind: str, url: str, tmp_path: Path) -> None:
    """Records, transitions, and the head of the chain: only the file outside of the database knows."""
    sink = HeadFile(tmp_path / "heads")
    with Journal.open(url, audit=policy(sink)) as journal:
        for number in range(10):
            journal.write(intend(f"SHOP{number:04d}"))
    keys = PublicKeys([AUDIT_KEY.public])
    with Journal.open(url) as journal, by_hand(kind, url) as cursor:
        trail = JournalTrail(journal)
        assert list(Verification(trail=trail, heads=sink.path, keys=keys).flaws()) == []
        left = trail.rows(0, 0, 8)[-1]
        mark = "?" if kind == "sqlite" else "%s"
        cursor.execute(f"DELETE FROM payport_audit WHERE id > {left.seq}")
        cursor.execute("DELETE FROM payport_transition WHERE operation >= 'SHOP0007'")
        cursor.execute(f"UPDATE payport_audit_chain SET seq = {left.seq}, hash = {mark} WHERE chain = 0", (left.hash,))
        assert flaws(journal) == []
        found = [flaw.kind for flaw in Verification(trail=trail, heads=sink.path, keys=keys).flaws()]
        assert found == [FlawKind.CUT_OFF]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"key": AUDIT_KEY}, "need a key and a place"),
        ({"sinks": [print]}, "need a key and a place"),
        ({"head_every": 0}, "more than zero"),
        ({"head_every_s": 0.0}, "more than zero"),
    ],
)
def test_a_policy_that_cannot_work_is_refused(wrong: dict[str, Any], why: str) -> None:
    """When it is made, not with the first head."""
    with pytest.raises(ConfigurationError, match=why):
        AuditPolicy(**wrong)


def test_heads_need_a_key(journal: Journal) -> None:
    """Without one nothing is signed, and whoever asks for it is told how to get one."""
    journal.write(intend())
    assert journal.sign_heads() == 0
    with pytest.raises(AuditError, match="keygen"):
        JournalTrail(journal).sign_heads(AuditPolicy())
