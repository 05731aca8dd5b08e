"""Where the sections of a report come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeAlias

from payport.sdk.report.from_scorecards import scorecard_sections
from payport.sdk.report.parts import Section
from payport.sdk.scorecards.cards import Thresholds
from payport.sdk.scorecards.kept import JournalMeasures

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
    rows = JournalMeasures(source.journal).read(source.first, source.last)
    own = [row for row in rows if source.account in (None, row.account)]
    return scorecard_sections(own, thresholds, source.first, source.last)


MAKERS: Sequence[Maker] = (from_scorecards,)
"""In the order of the report. Whoever has something to report adds a maker here."""


def sections_of(source: Source) -> Sequence[Section]:
    """All sections; how things were measured comes last."""
    found = [section for make in MAKERS for section in make(source)]
    return sorted(found, key=lambda section: section.name == "method")
