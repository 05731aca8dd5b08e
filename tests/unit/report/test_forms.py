"""One report in its forms: a page, JSON, CSV. The numbers are the same, and nothing in them is taken for markup."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
from tests.support.measured import ENDPOINTS, FIRST, LAST, month

from payport.sdk.report.from_scorecards import scorecard_sections
from payport.sdk.report.html import page
from payport.sdk.report.machine import as_csv, as_json
from payport.sdk.report.parts import (
    Card,
    Cards,
    Cell,
    Column,
    Columns,
    Distribution,
    Report,
    Section,
    Series,
    Table,
    Text,
    Tone,
)
from payport.sdk.scorecards import MeasureRow, Thresholds

EVIL = "<script>alert('1')</script>&\""


def report(*sections: Section) -> Report:
    """A report of these sections."""
    return Report(
        title="Payment partners", first=FIRST, last=LAST, time_zone="UTC", library="1.0", sections=sections,
        made_at=datetime(2026, 12, 1, 9, tzinfo=UTC),
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> Report:
    """A month of three partners."""
    return report(*scorecard_sections(month(), month(), Thresholds(), FIRST, LAST))


class Strict(HTMLParser):
    """Keeps the tags and texts of a page, and sees that every element is closed in order."""

    VOID = frozenset({"meta", "link", "wbr", "rect", "line", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID or (tag == "rect" and not self.get_starttag_text().endswith("/>")):  # type: ignore[union-attr]  # inside a tag there is one
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_is_well_formed_and_needs_nothing(whole: Report) -> None:
    """No script, no foreign address, a policy that lets nothing in."""
    found = Strict(page(whole))
    names = {name for name, _ in found.tags}
    assert not names & {"script", "img", "iframe", "object", "embed", "form", "base", "video"}
    links = [attrs.get("href") or attrs.get("src") for _, attrs in found.tags if {"href", "src"} & attrs.keys()]
    assert all(str(link).startswith(("#", "data:,")) for link in links)
    policies = [attrs["content"] for _, attrs in found.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    assert "url(" not in page(whole)
    assert "http:" not in page(whole)
    assert "https:" not in page(whole)


def test_the_page_tells_what_the_records_say(whole: Report) -> None:
    """Each partner with its verdict, the number of calls, and each account."""
    text = " ".join(Strict(page(whole)).text)
    for record in whole.sections[0].records:
        assert str(record["account"] or record["partner"]) in text
        assert f"{record['calls']:,}" in text
    assert [record["verdict"] for record in whole.sections[0].records][:3] == ["misses", "not enough data", "meets"]


def test_nothing_is_taken_for_markup() -> None:
    """Wherever a text stands: an endpoint's name is the adapter's, an account's the partner's."""
    cell = Cell(EVIL, Tone.BAD, EVIL)
    card = Card(title=EVIL, subtitle=EVIL, verdict=cell, facts=[(EVIL, EVIL)])
    parts = (
        Cards([card]),
        Table(title=EVIL, columns=[Column(EVIL), Column(EVIL, number=True)], rows=[[cell, cell]]),
        Table(title=EVIL, columns=[Column(EVIL)], rows=[], empty=EVIL),
        Columns(title=EVIL, labels=[EVIL], series=[Series(EVIL, [3])]),
        Columns(title=EVIL, labels=[EVIL], series=[], empty=EVIL),
        Distribution(title=EVIL, bins=[(1.0, 2), (2.0, 1)], marks=[(EVIL, 1.5)], limit_s=2.0),
        Text(EVIL, EVIL),
    )
    section = Section(name=EVIL, title=EVIL, summary=EVIL, parts=parts, records=[])
    html = page(report(section, section))
    assert "<script>" not in html
    assert Strict(html).text.count(EVIL) > 10
    assert "script" not in {name for name, _ in Strict(html).tags}


def test_json_holds_everything(whole: Report) -> None:
    """Every section with its records, days and times in ISO 8601."""
    found = json.loads(as_json(whole))
    assert (found["version"], found["first"], found["last"]) == (1, "2026-11-01", "2026-11-30")
    assert found["made_at"] == "2026-12-01T09:00:00+00:00"
    assert found["misses"] is True
    assert list(found["sections"]) == ["scorecards", "times", "errors", "endpoints", "method"]
    assert found["sections"]["scorecards"]["records"] == list(whole.sections[0].records)
    assert len(found["sections"]["endpoints"]["records"]) == sum(map(len, ENDPOINTS.values()))


def test_csv_is_read_back_as_it_was(whole: Report) -> None:
    """A header, a line a record, nothing for what was not counted."""
    for section in whole.sections:
        lines = list(csv.DictReader(io.StringIO(as_csv(section.records))))
        expected = [{name: "" if value is None else str(value) for name, value in r.items()} for r in section.records]
        assert lines == expected


def test_csv_begins_no_formula() -> None:
    """A name that begins with an equals sign would be run by a spreadsheet."""
    text = as_csv([{"a": "=HYPERLINK(1)", "b": "@x", "c": -1, "d": "plain-"}])
    assert text.splitlines()[1] == "'=HYPERLINK(1),'@x,-1,plain-"


def test_times_and_errors_add_up_to_the_calls(whole: Report) -> None:
    """The records of the charts are those of the scorecards."""
    sections = {section.name: section.records for section in whole.sections}
    for record in sections["scorecards"]:
        if record["account"]:
            continue
        own = [each for each in sections["times"] if each["partner"] == record["partner"]]
        assert record["response_total"] == sum(int(str(each["calls"])) for each in own)
        failed = [each for each in sections["errors"] if each["partner"] == record["partner"]]
        assert record["failures"] == sum(int(str(each["number"])) for each in failed)


def test_days_without_calls_are_there_too() -> None:
    """A chart that leaves days out hides an outage of ours."""
    rows = [MeasureRow(date(2026, 11, day), "p", "p:1", "x", "failed.timed_out", day) for day in (2, 5)]
    sections = scorecard_sections(rows, rows, Thresholds(), date(2026, 11, 1), date(2026, 11, 6))
    (chart,) = [part for section in sections for part in section.parts if isinstance(part, Columns)]
    assert [f"{day} Nov" for day in range(1, 7)] == list(chart.labels)
    assert [Series("timed out", [0, 2, 0, 0, 5, 0])] == list(chart.series)


def test_an_empty_report_says_so() -> None:
    """Nothing was counted: no division, no verdict, no alarm."""
    empty = report(*scorecard_sections([], [], Thresholds(), FIRST, LAST))
    assert not empty.misses
    assert "No call was counted in these days." in page(empty)
    assert as_csv(empty.sections[0].records) == ""
    assert json.loads(as_json(empty))["sections"]["scorecards"]["records"] == []


def test_many_endpoints_are_cut_for_people_only() -> None:
    """The worst are shown; programs get all of them."""
    rows = [MeasureRow(FIRST, "p", "p:1", f"e{number:03d}", "time.0", 100 + number) for number in range(50)]
    rows.append(MeasureRow(FIRST, "p", "p:1", "bad", "failed.tls", 50))
    sections = {each.name: each for each in scorecard_sections(rows, rows, Thresholds(), FIRST, LAST)}
    (table,) = sections["endpoints"].parts
    assert isinstance(table, Table)
    assert (len(table.rows), table.rows[0][0].text) == (20, "bad")
    assert len(sections["endpoints"].records) == 51
    assert sections["scorecards"].misses


def test_many_accounts_are_cut_for_people_only() -> None:
    """A platform has thousands of merchants."""
    rows = [MeasureRow(FIRST, "p", f"p:{number}", "x", "time.0", 1 + number) for number in range(80)]
    scorecards = scorecard_sections(rows, rows, Thresholds(), FIRST, LAST)[0]
    (table,) = [part for part in scorecards.parts if isinstance(part, Table)]
    assert (table.title, len(table.rows)) == ("By account, the worst 50 of 80", 50)
    assert len(scorecards.records) == 1 + 80


def test_a_miss_of_one_account_is_a_miss() -> None:
    """It does not drown in the calls of a larger one."""
    good = [MeasureRow(FIRST, "p", "p:1", "x", name, 1_000_000) for name in ("time.-12", "judged")]
    bad = [MeasureRow(FIRST, "p", "p:2", "x", name, 900) for name in ("time.-12", "judged")]
    bad.append(MeasureRow(FIRST, "p", "p:2", "x", "failed.tls", 20))
    (scorecards, *_) = scorecard_sections([*good, *bad], [], Thresholds(), FIRST, LAST)
    verdicts = {record["account"]: record["verdict"] for record in scorecards.records}
    assert verdicts == {"": "meets", "p:1": "meets", "p:2": "misses"}
    assert scorecards.misses
