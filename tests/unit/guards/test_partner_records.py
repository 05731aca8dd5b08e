"""Partner records: read, looked at on a day, told before they end, and, where wanted, a reason to send nothing new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.support.corner import PAID
from tests.support.pier import CLOSED, LOST, Shop, request

from payport.schemas import NotSent, NotSentKind
from payport.sdk.cli.checking import expiries
from payport.sdk.cli.doctoring import examine_records
from payport.sdk.cli.findings import Light
from payport.sdk.errors import ConfigurationError
from payport.sdk.events import RecordEnding
from payport.sdk.hosting import Asked
from payport.sdk.journal.store import Journal
from payport.sdk.message import Purpose
from payport.sdk.partner_records import (
    Agreement,
    Contact,
    Paper,
    PartnerRecord,
    Standing,
    describe,
    standing,
    why_blocked,
)
from payport.sdk.report.from_records import record_sections
from payport.sdk.settings import Settings
from payport.sdk.suspension import Suspension
from payport.sdk.testing.stepping import MORNING, Time, WorkerClock

TODAY = MORNING.date()
LICENCE = Paper(number="Z1", authority="The central bank", valid_from=date(2021, 5, 3), valid_until=TODAY)
TEXT = """
[account.shop]
partner = "alipay"

[partner.alipay]
company = "Alipay.com Co., Ltd."
block_when_ended = true

[partner.alipay.licence]
number = "Z2003133000019"
scope = "internet payment"
authority = "The central bank"
valid_from = 2021-05-03
valid_until = 2026-05-02

[partner.alipay.agreement]
number = "A-17"
service_hours = "every day, 0 to 24"
response_h = 2
recovery_h = 4
availability = 0.999

[[partner.alipay.contacts]]
duty = "faults"
name = "Li Lei"
phone = "+86 10 0000"
email = "li@partner.example"
"""


def load(folder: Path, text: str, **more: str) -> Settings:
    """Load a file with this text, beside further files."""
    for name, content in more.items():
        (folder / name.replace("_", ".")).write_text(content, "utf-8")
    path = folder / "payport.toml"
    path.write_text(text, "utf-8")
    return Settings.load(path, {})


def test_a_record_is_read_and_persons_are_not_shown(tmp_path: Path) -> None:
    """By the types that it becomes."""
    record = load(tmp_path, TEXT).partners["alipay"]
    assert record.agreement == Agreement(
        number="A-17", service_hours="every day, 0 to 24", response_h=2, recovery_h=4, availability=0.999
    )
    assert record.contacts == (Contact(duty="faults", name="Li Lei", phone="+86 10 0000", email="li@partner.example"),)
    assert "Li Lei" not in repr(record)
    (state,) = describe({"alipay": record}, TODAY)
    assert "Li Lei" not in str(state.detail())
    assert state.detail()["service"] == (
        "every day, 0 to 24; answers within 2 h; mends within 4 h; works 99.9 % of the time"
    )


def test_records_may_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    """TOML with the same tables, or JSON; what stands in both is refused."""
    more = TEXT.partition("[partner.alipay]")[2]
    toml = load(tmp_path, 'partner_records = "more.toml"\n', more_toml=f"[partner.alipay]{more}")
    assert toml.partners["alipay"].licence is not None
    json = '{"partner": {"stripe": {"licence": {"number": "S1", "valid_until": "2027-01-31"}}}}'
    both = load(tmp_path, f'partner_records = "more.json"\n{TEXT}', more_json=json)
    assert sorted(both.partners) == ["alipay", "stripe"]
    with pytest.raises(ConfigurationError, match=r"\[partner.alipay\]: stands in more.toml too; keep one"):
        load(tmp_path, f'partner_records = "more.toml"\n{TEXT}')


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[partner.a.licence]\n", r"\[partner.a\] licence.number: Field required"),
        ('[partner.a.licence]\nnumber = " "\n', r"\[partner.a\] licence: number is empty"),
        (
            '[partner.a.licence]\nnumber = "1"\nvalid_from = 2026-02-02\nvalid_until = 2026-01-01\n',
            "valid_until is before valid_from",
        ),
        ('[partner.a.agreement]\nnumber = "1"\navailability = 99.9\n', "availability is a share"),
        ('[partner.a.agreement]\nnumber = "1"\nresponse_h = 0\n', "must be more than 0"),
        ('[partner.a.licence]\nnumbr = "1"\n', r"licence.numbr: unknown; known here: number, name"),
        ('partner_records = "none.json"\n', "none.json: cannot be read"),
        ('partner_records = "bad.json"\n', "bad.json: this is not JSON"),
        ('partner_records = "odd.json"\n', "odd.json: partner.a.licens: Unexpected keyword"),
    ],
)
def test_what_is_wrong_is_told_by_place(tmp_path: Path, text: str, says: str) -> None:
    """And shows no person."""
    with pytest.raises(ConfigurationError, match=says):
        load(tmp_path, text, bad_json="{", odd_json='{"partner": {"a": {"licens": {}}}}')


@pytest.mark.parametrize(
    ("expected", "days"),
    [
        (Standing.VALID, -30),
        (Standing.ENDING, -29),
        (Standing.ENDING, 0),
        (Standing.ENDED, 1),
        (Standing.NOT_BEGUN, -4000),
    ],
)
def test_the_last_day_counts(expected: Standing, days: int) -> None:
    """A paper is valid through its last day, and ending for a month before it."""
    assert expected is standing(LICENCE, TODAY + timedelta(days=days), 30)
    assert standing(Paper(number="1"), TODAY) is Standing.VALID


ENDED = PartnerRecord(licence=Paper(number="Z1", valid_until=TODAY - timedelta(days=1)), block_when_ended=True)


@pytest.mark.parametrize(
    ("expected", "record"),
    [
        (None, PartnerRecord()),
        (None, PartnerRecord(licence=ENDED.licence)),
        ("corner is suspended: fraud at their side", PartnerRecord(suspended="fraud at their side")),
        (f"the licence Z1 of corner ended on {TODAY - timedelta(days=1)}", ENDED),
        (
            "the agreement A1 of corner begins on 2030-01-01",
            PartnerRecord(agreement=Agreement(number="A1", valid_from=date(2030, 1, 1)), block_when_ended=True),
        ),
    ],
)
def test_what_blocks_a_partner(expected: str | None, record: PartnerRecord) -> None:
    """An operator's word at once; an end only where it is asked to."""
    assert expected == why_blocked("corner", record, TODAY)


def shop(journal: Journal, time: Time, record: PartnerRecord) -> Shop:
    """A shop at a partner with this record."""
    return Shop(journal, time, admissions=[Suspension("corner", "corner:1", record, clock=WorkerClock(time, "file"))])


def cancel(shop: Shop) -> object:
    """Close it."""
    shop.corner.says[:] = [CLOSED]
    return shop.gateway.cancel("CORNER000001")


@pytest.mark.parametrize("settle", [cancel, lambda shop: shop.resume(PAID)])
def test_nothing_new_goes_to_a_suspended_partner_and_what_is_under_way_is_settled(
    journal: Journal, time: Time, settle: Callable[[Shop], object]
) -> None:
    """A question, what resume sends again, and a cancel go out as ever."""
    Shop(journal, time).pay(LOST)
    seller = shop(journal, time, PartnerRecord(suspended="fraud at their side"))
    refused = seller.pay(PAID, ref="CORNER000002")
    assert isinstance(refused, NotSent)
    assert refused.cause.kind is NotSentKind.PARTNER_SUSPENDED
    assert "corner is suspended: fraud at their side; questions and cancels still go" in str(refused)
    settle(seller)
    assert seller.pier.sent_at
    assert list(seller.gateway.open_operations()) == []


def test_an_end_is_told_once_a_day_and_counts_from_midnight_on(time: Time) -> None:
    """Before it and after it; what is new is held back from the day after the last one."""
    guard = Suspension(
        "corner", "corner:1", PartnerRecord(licence=LICENCE, block_when_ended=True), clock=WorkerClock(time, "file")
    )
    new = request("pay", moves_money=True)
    answers: list[bool] = []
    for _ in range(6):
        now_s = WorkerClock(time, "file").moment().monotonic_s
        answers.append(guard.admit(Asked("corner", "corner:1", new, 9.0, Purpose.MOVE, now_s)) is None)
        time.pass_by(43_200.0)
    assert answers == [True, True, False, False, False, False]
    told = [event for event in guard.news if isinstance(event, RecordEnding)]
    assert [(event.ended, event.days_left) for event in told] == [(False, 0), (True, -1), (True, -2)]


def test_doctor_report_and_alerts_show_them(tmp_path: Path) -> None:
    """Each paper with its end, what is missing, and what is blocked."""
    settings = load(tmp_path, TEXT)
    findings = list(examine_records(settings))
    told = {finding.what: finding.light for finding in findings}
    assert told["alipay: not on file: security"] is Light.YELLOW
    assert told["alipay: the agreement A-17 has no end"] is Light.GREEN
    (section,) = record_sections(describe(settings.partners, date(2026, 6, 1)))
    assert section.misses
    assert section.records[0]["standing"] == "ended"
    assert section.records[0]["blocked"] == "the licence Z2003133000019 of alipay ended on 2026-05-02"
    (ends,) = [each for each in expiries(settings, MORNING) if each.record]
    assert (ends.about, ends.what, ends.ends.date()) == ("alipay", "licence Z2003133000019", date(2026, 5, 3))
