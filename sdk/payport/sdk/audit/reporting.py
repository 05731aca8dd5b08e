"""What happened between two instants, counted: by actor, kind, result, day and partner; refusals; what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from payport.sdk.audit.record import Record, What

SHOWN: Final = 200
"""So many refusals are kept one by one; the rest is counted."""

_REFUSALS = frozenset({What.REFUSED.value, What.NOTICE_REJECTED.value})


def _counter() -> Counter[str]:
    return Counter()


@dataclass(slots=True, kw_only=True)
class Report:
    """The counts over the records from ``begins`` (included) to ``ends`` (not included).

    ``refusals``: the first of them, one by one. ``openings``: which version of the library wrote on which machine.
    ``off``: records of processes that wrote with the trail switched off. ``partners``: the newest record of each
    partner's licence and agreement. ``untold``: transitions with no record, in the whole journal.
    """

    begins: datetime
    ends: datetime
    records: int = 0
    actors: Counter[str] = field(default_factory=_counter)
    kinds: Counter[str] = field(default_factory=_counter)
    results: Counter[str] = field(default_factory=_counter)
    days: Counter[str] = field(default_factory=_counter)
    partners: Counter[str] = field(default_factory=_counter)
    refusals: list[Record] = field(default_factory=list[Record])
    refused: int = 0
    openings: Counter[str] = field(default_factory=_counter)
    off: list[Record] = field(default_factory=list[Record])
    partner_records: dict[str, Record] = field(default_factory=dict[str, Record])
    untold: int = 0

    def add(self, records: Iterable[Record]) -> Report:
        """Count these, in any order; those outside of the time do not count."""
        for record in records:
            if self.begins <= record.when < self.ends:
                self._add(record)
        return self

    def _add(self, record: Record) -> None:
        self.records += 1
        self.actors[record.who] += 1
        self.kinds[record.what] += 1
        self.results[f"{record.what} {record.result}"] += 1
        self.days[f"{record.when:%Y-%m-%d}"] += 1
        if record.partner:
            self.partners[record.partner] += 1
        if record.what in _REFUSALS:
            self.refused += 1
            if len(self.refusals) < SHOWN:
                self.refusals.append(record)
        elif record.what == What.JOURNAL_OPENED:
            self.openings[f"{record.origin.library} on {record.origin.host}"] += 1
        elif record.what == What.AUDIT_OFF:
            self.off.append(record)
        elif record.what == What.PARTNER_RECORD:
            known = self.partner_records.get(record.partner)
            if known is None or known.when <= record.when:
                self.partner_records[record.partner] = record
