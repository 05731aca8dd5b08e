"""The section on partner records: which papers there are, and until when."""

from __future__ import annotations

from collections.abc import Sequence

from payport.sdk.partner_records import PaperState, RecordState, Standing, service
from payport.sdk.report.parts import Cell, Column, Section, Table, Tone

_WORDS = {
    Standing.VALID: Cell("valid", Tone.GOOD),
    Standing.ENDING: Cell("ends soon", Tone.UNSURE),
    Standing.ENDED: Cell("ended", Tone.BAD),
    Standing.NOT_BEGUN: Cell("not begun", Tone.BAD),
}
_COLUMNS = tuple(Column(title) for title in ("Partner", "Paper", "Number", "Issued by", "Scope", "Until", "Stands"))


def record_sections(states: Sequence[RecordState]) -> Sequence[Section]:
    """One section over all partners that have a record."""
    rows = [_row(state, each) for state in states for each in state.papers]
    missing = [
        (Cell(state.partner), Cell(what), *[Cell("")] * 4, Cell("not on file", Tone.BAD))
        for state in states
        for what in state.missing
    ]
    blocked = [
        (Cell(state.partner), *[Cell("")] * 5, Cell("blocked", Tone.BAD, state.blocked))
        for state in states
        if state.blocked
    ]
    table = Table(title="Licences, agreements, certifications", columns=_COLUMNS, rows=[*rows, *missing, *blocked])
    amiss = [state.partner for state in states if not state.in_order]
    return [
        Section(
            name="records",
            title="Partner records",
            parts=[table],
            records=[_record(state, each) for state in states for each in state.papers],
            summary=f"to look at: {', '.join(amiss)}" if amiss else "every record is complete and valid",
            misses=bool(amiss),
        )
    ]


def _row(state: RecordState, each: PaperState) -> tuple[Cell, ...]:
    paper, agreed = each.paper, state.record.agreement
    promised = "; ".join(service(agreed)) if agreed is not None and paper is agreed else ""
    return (
        Cell(state.partner, note=state.record.company),
        Cell(each.what, note=paper.name),
        Cell(paper.number),
        Cell(paper.authority),
        Cell(paper.scope, note=promised),
        Cell("no end" if paper.valid_until is None else str(paper.valid_until)),
        _WORDS[each.standing],
    )


def _record(state: RecordState, each: PaperState) -> dict[str, str | int | None]:
    return {
        "partner": state.partner,
        "paper": each.what,
        "number": each.paper.number,
        "authority": each.paper.authority,
        "scope": each.paper.scope,
        "valid_from": None if each.paper.valid_from is None else str(each.paper.valid_from),
        "valid_until": None if each.paper.valid_until is None else str(each.paper.valid_until),
        "standing": each.standing.value,
        "days_left": each.days_left,
        "blocked": state.blocked,
    }
