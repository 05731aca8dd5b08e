"""Where the sections of a report come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from payport.sdk.partner_records import describe
from payport.sdk.report.from_records import record_sections
from payport.sdk.report.from_scorecards import scorecard_sections
from payport.sdk.report.parts import Section
from payport.sdk.scorecards.cards import Thresholds
from payport.sdk.scorecards.kept import JournalMeasures
from payport.sdk.scorecards.measures import MeasureRow

if TYPE_CHECKING:
    from payport.sdk.journal.store import Journal
    from payport.sdk.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a report is about: some days, both ends included, and one account or all.

    ``account``: as the journal knows it (``alipay:2021...``), ``None`` for all. ``now``: in UTC.
    """

    settings: Settings
    journal: Journal
    first: date
    last: date
    account: str | None
    now: datetime


Maker: TypeAlias = Callable[[Source], Sequence[Section]]
"""Makes sections, none where there is nothing to say."""


def from_scorecards(source: Source) -> Sequence[Section]:
    """What was measured."""
    counts = source.settings.scorecards
    thresholds = Thresholds(
        success=counts.success,
        accuracy=counts.accuracy,
        response_s=counts.response_s,
        response_share=counts.response_share,
        confidence=counts.confidence,
    )
    whole: Counter[tuple[str, str, str, str]] = Counter()
    daily: Counter[tuple[date, str, str]] = Counter()
    # day by day, so that a year of a thousand accounts fits into memory
    for number in range((source.last - source.first).days + 1):
        day = source.first + timedelta(days=number)
        for row in JournalMeasures(source.journal).read(day, day):
            if source.account in (None, row.account):
                whole[row[1:5]] += row.number
                daily[day, row.partner, row.measure] += row.number
    return scorecard_sections(
        [MeasureRow(source.first, *key, number) for key, number in whole.items()],
        [MeasureRow(day, partner, "", "", measure, number) for (day, partner, measure), number in daily.items()],
        thresholds,
        source.first,
        source.last,
    )


def from_records(source: Source) -> Sequence[Section]:
    """The partners' licences, agreements and certifications, as they stand now."""
    records = source.settings.partners
    states = describe(records, source.now.date(), ahead_days=source.settings.alerts.expiry_days)
    return record_sections(states) if records else ()


MAKERS: Sequence[Maker] = (from_scorecards, from_records)
"""In the order of the report. Whoever has something to report adds a maker here."""


def sections_of(source: Source) -> Sequence[Section]:
    """All sections; how things were measured comes last."""
    found = [section for make in MAKERS for section in make(source)]
    return sorted(found, key=lambda section: section.name == "method")
