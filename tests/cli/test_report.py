"""``payport report``: what was measured, in every form, and an exit status for a machine."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.conftest import Command, Shop

from payport.schemas import Money, Order, QrShown
from payport.sdk import Settings, open_gateway, open_journal
from payport.sdk.scorecards import JournalMeasures, MeasureRow

DAY = date(2026, 11, 23)


def count(shop: Shop, *rows: tuple[str, int], day: date = DAY, account: str = "alipay:9021000000000001") -> None:
    """Write counts as a gateway would have."""
    with open_journal(Settings.load(shop.config, {})) as journal:
        JournalMeasures(journal).add([MeasureRow(day, "alipay", account, "alipay.trade.pay", *row) for row in rows])


def span(*options: str) -> tuple[str, ...]:
    """Options for the day that counts are about."""
    return ("--from", str(DAY), "--to", str(DAY), *options)


def test_a_payment_stands_in_the_report(shop: Shop, payport: Command) -> None:
    """From a configured gateway to the terminal, without anything in between."""
    settings = Settings.load(shop.config, {})
    (name,) = settings.accounts
    with open_journal(settings) as journal, open_gateway(settings, name, journal) as gateway:
        gateway.pay(Order(ref="SHOP10010001", amount=Money.of("1.00", "CNY"), subject="Tea"), QrShown())
    ran = payport("report", "--config", shop.config)
    assert (ran.status, ran.err) == (0, "")
    for words in (
        "alipay: not enough data (1 call)",
        "alipay.trade.precreate",
        "Enough from 2,995 on",
        "A call is one HTTP",
    ):
        assert words in ran.out


@pytest.mark.parametrize(
    ("status", "rows"),
    [
        (0, []),
        (0, [("time.-12", 100), ("judged", 100)]),
        (0, [("time.-12", 100_000), ("judged", 100_000)]),
        (1, [("time.-12", 900), ("judged", 900), ("failed.timed_out", 100)]),
    ],
)
def test_the_exit_status_tells_a_miss_and_nothing_else(
    shop: Shop, payport: Command, status: int, rows: list[tuple[str, int]]
) -> None:
    """Not enough data is no alarm, and without --check nothing is."""
    count(shop, *rows)
    assert payport("report", *span("--check"), "--config", shop.config).status == status
    assert payport("report", *span(), "--config", shop.config).status == 0


def test_the_thresholds_are_those_of_the_settings(shop: Shop, payport: Command) -> None:
    """What misses 99.9 % meets 50 %."""
    count(shop, ("time.-12", 900), ("judged", 100_000), ("failed.tls", 100))
    shop.config.write_text(f"{shop.config.read_text()}\n[scorecards]\nsuccess = 0.5\n")
    assert payport("report", *span("--check"), "--config", shop.config).status == 0


def test_json_and_csv_go_to_the_standard_output(shop: Shop, payport: Command) -> None:
    """Alone, so that they can be piped."""
    count(shop, ("time.-12", 30_000), ("judged", 30_000))
    found = json.loads(payport("report", *span("--format", "json"), "--config", shop.config).out)
    assert found["sections"]["scorecards"]["records"][0]["verdict"] == "meets"
    printed = payport("report", *span("--format", "csv", "--section", "endpoints"), "--config", shop.config).out
    (line,) = csv.DictReader(io.StringIO(printed))
    assert (line["endpoint"], line["calls"], line["p50_s"]) == ("alipay.trade.pay", "30000", line["p99_s"])


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("r.html", "<!DOCTYPE html>"),
        ("r.json", "{"),
        ("r.csv", "partner,account"),
        ("r.txt", "Payment partners, 23 Nov"),
    ],
)  # fmt: skip
def test_the_name_of_the_file_says_what_it_holds(
    shop: Shop, payport: Command, tmp_path: Path, name: str, begins: str
) -> None:
    """Readable by others, as a report should be; nothing else is left beside it."""
    count(shop, ("time.-12", 10))
    folder = tmp_path / "out"
    folder.mkdir()
    ran = payport("report", *span("--out", str(folder / name)), "--config", shop.config)
    assert (ran.status, ran.out.strip()) == (0, f"Written to {folder / name}")
    assert (folder / name).read_text("utf-8").startswith(begins)
    assert (folder / name).stat().st_mode & 0o444
    assert [each.name for each in folder.iterdir()] == [name]


def test_a_file_that_cannot_be_written_leaves_the_old_one(
    shop: Shop, payport: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: the old report stays whole, and the message says what to do."""
    count(shop, ("time.-12", 10))
    out = tmp_path / "report.html"
    out.write_text("old")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    ran = payport("report", *span("--out", str(out)), "--config", shop.config)
    assert ran.status == 2
    assert "cannot be written (No space left on device); choose another place" in ran.err
    assert (out.read_text(), [each.name for each in tmp_path.iterdir() if each.name.startswith(".")]) == ("old", [])
    missing = payport("report", *span("--out", str(tmp_path / "no" / "r.html")), "--config", shop.config)
    assert (missing.status, "cannot be written" in missing.err) == (2, True)


def test_one_account_alone(shop: Shop, payport: Command) -> None:
    """By its name in payport.toml."""
    (name,) = Settings.load(shop.config, {}).accounts
    count(shop, ("time.-12", 10))
    count(shop, ("time.-12", 10), account="alipay:other")
    own = payport("report", *span("--account", name), "--config", shop.config).out
    assert "alipay: not enough data (10 calls)" in own
    assert "20 calls" in payport("report", *span(), "--config", shop.config).out
    assert payport("report", *span("--account", "nobody"), "--config", shop.config).status == 2


def test_the_days_that_are_meant(shop: Shop, payport: Command) -> None:
    """So many up to today, or from one to another; what lies outside is not counted."""
    today = datetime.now(UTC).date()
    for age in (0, 6, 7):
        count(shop, ("time.-12", 1), day=today - timedelta(days=age))
    week = payport("report", "--days", "7", "--config", shop.config).out
    assert "(2 calls)" in week
    assert "(3 calls)" in payport("report", "--config", shop.config).out


@pytest.mark.parametrize(
    ("message", "options"),
    [
        ("--from yesterday: not a day; write it like 2026-11-23", ("--from", "yesterday")),
        ("--from 2026-11-24 is after --to 2026-11-23", ("--from", "2026-11-24", "--to", "2026-11-23")),
        ("no section 'weather'; there are scorecards, times, errors", ("--section", "weather")),
    ],
)
def test_what_makes_no_sense_is_refused(shop: Shop, payport: Command, message: str, options: tuple[str, ...]) -> None:
    """With the words that help."""
    count(shop, ("time.-12", 1))
    ran = payport("report", *options, "--config", shop.config)
    assert ran.status == 2
    assert message in ran.err
