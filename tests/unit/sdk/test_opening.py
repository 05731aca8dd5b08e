"""Gateways from configuration: what is configured to listen does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import anyio
import pytest

from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import Money, Order, QrShown
from payport.sdk.cli.configured import write_settings
from payport.sdk.opening import open_async_gateway, open_gateway, open_journal, open_sinks
from payport.sdk.otel import OpenTelemetry
from payport.sdk.scorecards import JournalMeasures, MeasureRow, Scorecards
from payport.sdk.settings import OpenTelemetrySettings, ScorecardSettings, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """One account at a simulator."""
    with AlipaySimulator().serve() as partner:
        yield Settings.load(write_settings(tmp_path / "shop", partner.settings_files()), {})


def order(ref: str) -> Order:
    """Tea."""
    return Order(ref=ref, amount=Money.of("1.00", "CNY"), subject="Tea")


def counted(settings: Settings) -> list[MeasureRow]:
    """What stands in the journal's database afterwards."""
    with open_journal(settings) as journal:
        return list(JournalMeasures(journal).read(date.min, date.max))


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_calls_are_counted_without_a_word(settings: Settings, colour: str) -> None:
    """A gateway that was opened by name writes what it counted when it closes."""
    (name,) = settings.accounts

    async def pay() -> None:
        async with open_async_gateway(settings, name, journal) as gateway:
            await gateway.pay(order("OPEN00000001"), QrShown())

    with open_journal(settings) as journal:
        if colour == "async":
            anyio.run(pay)
        else:
            with open_gateway(settings, name, journal) as gateway:
                gateway.pay(order("OPEN00000001"), QrShown())
    assert [row.number for row in counted(settings) if row.measure == "judged"] == [1]


def test_counting_can_be_switched_off(settings: Settings) -> None:
    """Then nothing is counted."""
    quiet = replace(settings, scorecards=ScorecardSettings(enabled=False))
    (name,) = settings.accounts
    with open_journal(quiet) as journal, open_gateway(quiet, name, journal) as gateway:
        gateway.pay(order("OPEN00000001"), QrShown())
    assert counted(settings) == []


def test_traces_are_shown_when_that_is_configured(settings: Settings) -> None:
    """By the application's own OpenTelemetry."""
    with open_journal(settings) as journal:
        kinds = [type(sink) for sink in open_sinks(settings, journal)]
        traced = replace(settings, otel=OpenTelemetrySettings(enabled=True))
        more = [type(sink) for sink in open_sinks(traced, journal)]
    assert Scorecards in kinds
    assert OpenTelemetry not in kinds
    assert {*more} == {*kinds, OpenTelemetry}
