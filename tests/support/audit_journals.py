"""What stands in the audit trail of a journal, and what is wrong with it."""

from __future__ import annotations

from payport.sdk.audit.chain import FlawKind
from payport.sdk.audit.record import Record, What, read_record
from payport.sdk.audit.verifying import Verification
from payport.sdk.journal import Journal
from payport.sdk.journal.trail import JournalTrail


def records(journal: Journal, *, openings: bool = False) -> list[Record]:
    """The whole trail, but for who opened the journal."""
    trail = JournalTrail(journal)
    found = [read_record(row.body) for chain in trail.chains() for row in trail.rows(chain.chain, 0, 10_000)]
    return [each for each in found if openings or each.what not in (What.JOURNAL_OPENED, What.AUDIT_OFF)]


def told(journal: Journal) -> list[tuple[str, str]]:
    """The trail in two words a record."""
    return [(each.what, each.result) for each in records(journal)]


def flaws(journal: Journal) -> list[FlawKind]:
    """What is wrong with the trail."""
    return [flaw.kind for flaw in Verification(trail=JournalTrail(journal)).flaws()]
