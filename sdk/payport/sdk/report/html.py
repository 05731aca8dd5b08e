"""A report as one page of HTML that needs nothing else: no script, no other file, no request to anybody.

Made for a screen of any width, in light and dark, and for paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import assert_never

from payport.sdk.report import charts, words
from payport.sdk.report.parts import (
    Card,
    Cards,
    Cell,
    Columns,
    Distribution,
    Gauge,
    Part,
    Report,
    Section,
    Table,
    Text,
    Tone,
)

_SIGNS: Mapping[Tone, str] = {Tone.GOOD: "✓", Tone.BAD: "✕", Tone.UNSURE: "?", Tone.PLAIN: ""}
_SHORT = 12
"""A table of so many rows is not torn apart at the end of a sheet."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Should anything foreign ever stand in a page, the browser does not load it."""


def page(report: Report) -> str:
    """The whole page."""
    return "".join(_page(report))


def _page(report: Report) -> Iterator[str]:
    when = words.days(report.first, report.last)
    title = f"{report.title}, {when}"
    yield (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{_style()}</style></head><body>'
    )
    yield (
        f"<header><h1>{escape(report.title)}</h1><p>{escape(when)}, days in {escape(report.time_zone)}. "
        f"Made on {words.day(report.made_at.date())} at {report.made_at:%H:%M} UTC by payport {escape(report.library)}."
        "</p></header><main>"
    )
    if len(report.sections) > 1:
        yield '<nav aria-label="Sections">'
        for section in report.sections:
            yield f'<a href="#{escape(section.name)}">{escape(section.title)}</a>'
        yield "</nav>"
    for section in report.sections:
        yield from _section(section)
    yield "</main></body></html>\n"


def _section(section: Section) -> Iterator[str]:
    yield f'<section id="{escape(section.name)}"><h2>{escape(section.title)}</h2>'
    if section.summary:
        yield f'<p class="summary">{escape(section.summary)}</p>'
    together = [part for part in section.parts if isinstance(part, Distribution)]
    if together:
        yield '<div class="side">'
        yield from map(charts.distribution, together)
        yield "</div>"
    for part in section.parts:
        yield from _part(part)
    yield "</section>"


def _part(part: Part) -> Iterator[str]:
    match part:
        case Cards():
            if part.note:
                yield f"<p>{escape(part.note)}</p>"
            yield '<div class="cards">'
            for card in part.cards:
                yield from _card(card)
            yield "</div>"
        case Table():
            yield from _table(part)
        case Columns():
            yield charts.columns(part)
        case Distribution():
            pass  # side by side, above
        case Text():
            lead = f"<b>{escape(part.lead)}</b> " if part.lead else ""
            yield f"<p>{lead}{escape(part.text)}</p>"
        case _:
            assert_never(part)


def _card(card: Card) -> Iterator[str]:
    yield (
        f'<article class="card {card.verdict.tone.value}"><div class="head"><h3>{escape(card.title)}</h3>'
        f'{_badge(card.verdict)}</div><p class="sub">{escape(card.subtitle)}</p>'
    )
    for gauge in card.gauges:
        yield from _gauge(gauge)
    if card.facts:
        yield "<dl>"
        for name, value in card.facts:
            yield f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        yield "</dl>"
    yield "</article>"


def _gauge(gauge: Gauge) -> Iterator[str]:
    yield (
        f'<div class="gauge"><div class="head"><h4>{escape(gauge.name)}</h4>'
        f"<strong>{escape(gauge.value)}</strong></div>"
        f"{charts.interval(gauge.interval)}<p>{_badge(gauge.verdict)} {escape(gauge.note)}</p></div>"
    )


def _badge(cell: Cell) -> str:
    sign = _SIGNS[cell.tone]
    before = f'<span aria-hidden="true">{sign}</span> ' if sign else ""
    return f'<span class="badge {cell.tone.value}">{before}{escape(cell.text)}</span>'


def _table(table: Table) -> Iterator[str]:
    short = " short" if len(table.rows) <= _SHORT else ""
    yield f'<div class="wide{short}" tabindex="0" role="region" aria-label="{escape(table.title)}">'
    yield f"<table><caption>{escape(table.title)}</caption>"
    if not table.rows:
        yield f'<tbody><tr><td class="empty">{escape(table.empty)}</td></tr></tbody></table></div>'
        return
    yield "<thead><tr>"
    for column in table.columns:
        yield f'<th scope="col"{" class=n" if column.number else ""}>{escape(column.title)}</th>'
    yield "</tr></thead><tbody>"
    for row in table.rows:
        yield "<tr>"
        for column, cell in zip(table.columns, row, strict=True):
            yield from _cell(cell, number=column.number)
        yield "</tr>"
    yield "</tbody></table></div>"


def _cell(cell: Cell, *, number: bool) -> Iterator[str]:
    note = f"<small>{escape(cell.note)}</small>" if cell.note else ""
    toned = cell.tone is not Tone.PLAIN and not number
    text = _badge(cell) if toned else f'<span class="{cell.tone.value}">{_breakable(cell.text)}</span>'
    yield f"<td{' class=n' if number else ''}>{text}{note}</td>"


def _breakable(text: str) -> str:
    """A long name may go on in the next line after a slash."""
    return escape(text).replace("/", "/<wbr>")


@cache
def _style() -> str:
    return files("payport.sdk.report").joinpath("style.css").read_text("utf-8")
