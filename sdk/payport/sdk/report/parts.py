"""What a report is made of: sections of texts, cards, tables and charts. Values only, for every form it is shown in.

Whoever has something to report makes a :class:`Section`: its parts are what people see, its records are what programs
read (JSON, CSV). Everything in it is shown as it stands, so nothing secret or personal belongs into it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
"""One value of a record."""


class Tone(Enum):
    """How a word is meant. Never shown by colour alone."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Cell:
    """A short text. ``note``: smaller, below it."""

    text: str
    tone: Tone = Tone.PLAIN
    note: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``number``: whether it holds numbers, which stand on the right."""

    title: str
    number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of as many cells as there are columns. ``empty``: what is said when there are none."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    empty: str = "Nothing."


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Where a share lies: what was seen of it, its bounds, and the threshold. All between 0 and 1."""

    lower: float
    upper: float
    seen: float | None
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """One thing that is held against a threshold. ``value``: as seen; ``note``: how sure, and of how many."""

    name: str
    value: str
    verdict: Cell
    note: str
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One thing at a glance: a partner, say. ``facts``: names and values below the gauges."""

    title: str
    subtitle: str
    verdict: Cell
    gauges: Sequence[Gauge] = ()
    facts: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Cards:
    """Cards side by side. ``note``: how what is drawn on them is to be read."""

    cards: Sequence[Card]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """One of several series of numbers, one for each label of its chart."""

    name: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A chart of columns, the series piled up. ``labels``: below the columns, of the days say."""

    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    empty: str = "Nothing."


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A chart of how long calls took, on a logarithmic scale.

    ``bins``: up to how many seconds, and how many calls, in order without gaps. ``marks``: names and seconds to point
    at. ``limit_s``: what is longer is shown as too long.
    """

    title: str
    bins: Sequence[tuple[float, int]]
    marks: Sequence[tuple[str, float]]
    limit_s: float


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph. ``lead``: words at its beginning that are set apart."""

    text: str
    lead: str = ""


Part: TypeAlias = Cards | Table | Columns | Distribution | Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a report with a heading.

    ``name``: for the command line and for programs, lower case. ``records``: the same for programs, flat, all with the
    same keys. ``misses``: whether something in it is not as it should be.
    """

    name: str
    title: str
    parts: Sequence[Part]
    records: Sequence[Mapping[str, Scalar]]
    summary: str = ""
    misses: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Sections about some days, both ends included, in a time zone. ``made_at``: in UTC."""

    title: str
    first: date
    last: date
    time_zone: str
    made_at: datetime
    library: str
    sections: Sequence[Section]

    @property
    def misses(self) -> bool:
        """Whether something is not as it should be."""
        return any(section.misses for section in self.sections)
