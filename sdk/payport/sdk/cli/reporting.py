"""``payport report``: how well the partners work, for the terminal, for programs, and as a page to keep."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from enum import Enum
from itertools import zip_longest
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table as RichTable

from payport.sdk.errors import ConfigurationError
from payport.sdk.host_clock import SystemClock
from payport.sdk.journal.store import Journal
from payport.sdk.report import words
from payport.sdk.report.html import page
from payport.sdk.report.machine import as_csv, as_json
from payport.sdk.report.parts import Card, Cards, Cell, Part, Report, Section, Table, Text, Tone
from payport.sdk.report.source import Source, sections_of
from payport.sdk.scorecards.tally import zone_of
from payport.sdk.settings import Settings, open_adapter
from payport.sdk.version import __version__

DAYS = 30

_FILE_WIDTH = 150

_STYLES = {Tone.GOOD: "green", Tone.BAD: "red", Tone.UNSURE: "yellow", Tone.PLAIN: ""}


class Format(Enum):
    """What a report is written as."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


def span_of(settings: Settings, days: int, first: str | None, last: str | None) -> tuple[date, date]:
    """The days that are meant, both ends included. Raises :class:`payport.sdk.ConfigurationError`."""
    today = SystemClock().moment().utc.astimezone(zone_of(settings.scorecards.time_zone)).date()
    end = _day("--to", last) or today
    begin = _day("--from", first) or end - timedelta(days=days - 1)
    if begin > end:
        raise ConfigurationError(f"--from {begin} is after --to {end}; change one of them")
    return begin, end


def _day(option: str, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{option} {text}: not a day; write it like 2026-11-23") from None


def make_report(
    settings: Settings, journal: Journal, span: tuple[date, date], account: str | None, section: str | None
) -> Report:
    """The report, or one section of it. Raises :class:`payport.sdk.ConfigurationError` for one that is not there."""
    now = SystemClock().moment().utc
    of = None if account is None else open_adapter(settings, account).account
    source = Source(settings=settings, journal=journal, first=span[0], last=span[1], account=of, now=now)
    sections = sections_of(source)
    if section is not None and section not in {each.name for each in sections}:
        raise ConfigurationError(f"no section {section!r}; there are {', '.join(each.name for each in sections)}")
    return Report(
        title="Payment partners" if account is None else f"Payment partners, account {account}",
        first=span[0],
        last=span[1],
        time_zone=settings.scorecards.time_zone,
        made_at=now,
        library=__version__,
        sections=[each for each in sections if section in (None, each.name)],
    )


def format_of(wanted: Format | None, out: Path | None) -> Format:
    """The format that was asked for, or that the file's name asks for."""
    if wanted is not None:
        return wanted
    by_suffix = {".json": Format.JSON, ".csv": Format.CSV, ".html": Format.HTML, ".htm": Format.HTML}
    return Format.TABLE if out is None else by_suffix.get(out.suffix.lower(), Format.TABLE)


def write_report(console: Console, report: Report, form: Format, out: Path | None) -> None:
    """Show it, or write it into a file, whole or not at all.

    Raises :class:`payport.sdk.ConfigurationError` when the file cannot be written.
    """
    if form is Format.TABLE:
        if out is None:
            show(console, report)
            return
        plain = io.StringIO()
        show(Console(file=plain, width=_FILE_WIDTH), report)
        text = plain.getvalue()
    else:
        text = _MAKERS[form](report)
    if out is None:
        sys.stdout.write(text)
        return
    _replace(out, text)
    console.print(f"Written to {out}", highlight=False, markup=False, soft_wrap=True)


def _csv(report: Report) -> str:
    if not report.sections:
        return ""
    return as_csv(report.sections[0].records)


_MAKERS: Mapping[Format, Callable[[Report], str]] = {Format.JSON: as_json, Format.CSV: _csv, Format.HTML: page}


def _replace(path: Path, text: str) -> None:
    """A reader sees the old file or the new one, never half of one; a full disk leaves the old one."""
    made = ""
    try:
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(made, 0o644 & ~_umask())
        Path(made).replace(path)
    except OSError as error:
        with suppress(OSError):
            Path(made).unlink()
        raise ConfigurationError(f"{path} cannot be written ({error.strerror}); choose another place") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def show(console: Console, report: Report) -> None:
    """For the terminal: what charts show stands in tables."""
    _say(console, f"{report.title}, {words.days(report.first, report.last)} ({report.time_zone})", "bold")
    for section in report.sections:
        shown = [part for part in section.parts if isinstance(part, Cards | Table | Text)]
        if shown:
            _show_section(console, section, shown)


def _show_section(console: Console, section: Section, parts: Sequence[Part]) -> None:
    console.print()
    _say(console, section.title, "bold")
    if section.summary:
        _say(console, section.summary)
    for part in parts:
        match part:
            case Cards(cards):
                _show_cards(console, cards)
            case Table():
                _show_table(console, part)
            case Text():
                _say(console, f"{part.lead} {part.text}".strip())
            case _:
                pass  # a chart


def _show_cards(console: Console, cards: Sequence[Card]) -> None:
    for card in cards:
        console.print()
        _say(console, f"{card.title}: {card.verdict.text} ({card.subtitle})", _STYLES[card.verdict.tone] or None)
        grid = RichTable(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        for _ in range(3):
            grid.add_column(no_wrap=True)
        grid.add_column()
        for gauge in card.gauges:
            grid.add_row(
                f"  {gauge.name}", gauge.value, f"[{_STYLES[gauge.verdict.tone]}]{gauge.verdict.text}", gauge.note
            )
        console.print(grid, highlight=False)
        for line in _facts(card):
            _say(console, f"  {line}")


def _facts(card: Card) -> Iterator[str]:
    """Three facts a line."""
    told = iter(f"{name}: {value}" for name, value in card.facts)
    for three in zip_longest(told, told, told):
        yield "; ".join(each for each in three if each is not None)


def _show_table(console: Console, table: Table) -> None:
    console.print()
    if not table.rows:
        _say(console, table.empty)
        return
    grid = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in table.columns:
        justify: Literal["left", "right"] = "right" if column.number else "left"
        grid.add_column(column.title, justify=justify, no_wrap=column.number, overflow="fold")
    for row in table.rows:
        grid.add_row(*map(_told, row))
    console.print(grid, highlight=False, markup=False)


def _told(cell: Cell) -> str:
    return f"{cell.text}\n{cell.note}" if cell.note else cell.text


def _say(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)
