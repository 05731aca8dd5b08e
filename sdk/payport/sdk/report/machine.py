"""A report for programs: JSON of everything, CSV of one section."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

from payport.sdk.report.parts import Report, Scalar

VERSION = 1
"""Of the JSON form. It grows by new keys; a new number would break a reader."""


def as_json(report: Report) -> str:
    """Everything, with the records of each section. Shares between 0 and 1, times in seconds, days in ISO 8601."""
    found = {
        "version": VERSION,
        "title": report.title,
        "first": report.first.isoformat(),
        "last": report.last.isoformat(),
        "time_zone": report.time_zone,
        "made_at": report.made_at.isoformat(),
        "library": report.library,
        "misses": report.misses,
        "sections": {
            section.name: {"title": section.title, "misses": section.misses, "records": list(section.records)}
            for section in report.sections
        },
    }
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def as_csv(records: Sequence[Mapping[str, Scalar]]) -> str:
    """A header and a line for each record (RFC 4180), nothing at all without records.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    if not records:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(records[0]))
    writer.writeheader()
    for record in records:
        writer.writerow({name: _plain(value) for name, value in record.items()})
    return out.getvalue()


def _plain(value: Scalar) -> Scalar:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
