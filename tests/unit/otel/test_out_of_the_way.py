"""Tracing is never in a payment's way: exporters that hang, processors that raise, forks, no SDK at all."""

from __future__ import annotations

import os
import subprocess
import sys
import time as clocks
from collections.abc import Sequence
from threading import Event, get_ident

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind
from tests.support.corner import Corner, NoRoad
from tests.support.journal_records import exit_status, in_child
from tests.support.paths import order
from tests.support.telemetry import Scope

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import ActionRequired, QrShown
from payport.sdk.errors import ConfigurationError
from payport.sdk.events import ObserverFailed, SdkEvent
from payport.sdk.exchange import Exchange, sleep
from payport.sdk.gateway import Gateway
from payport.sdk.hosting import Surroundings, SyncHost
from payport.sdk.otel import OpenTelemetry
from payport.sdk.testing.stepping import Time, WorkerClock

MEMORY = "sqlite:///:memory:?durable=no"


class Stuck(SpanExporter):
    """An exporter whose collector does not answer."""

    def __init__(self) -> None:
        self.entered, self.free = Event(), Event()
        self.threads: set[int] = set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hang."""
        self.threads.add(get_ident())
        self.entered.set()
        self.free.wait(20)
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Give up."""
        self.free.set()


@pytest.mark.parametrize("kind", ["batch", "simple"])
def test_a_stuck_exporter_delays_no_payment(
    partner: AlipaySimulator, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind the batch processor, also when its queue is full, and behind one that exports at once."""
    monkeypatch.setattr("payport.sdk.background.WAIT_S", 0.01)
    stuck = Stuck()
    provider = TracerProvider(shutdown_on_exit=False)
    batch = BatchSpanProcessor(stuck, max_queue_size=4, max_export_batch_size=2, schedule_delay_millis=1)
    provider.add_span_processor(batch if kind == "batch" else SimpleSpanProcessor(stuck))
    sink = OpenTelemetry(tracer_provider=provider, one_in=1)
    transport = partner.transport()
    with Gateway(Alipay(partner.account), journal=MEMORY, transport=transport, sinks=[sink]) as gateway:
        gateway.pay(order("TRACE0000000"), QrShown())
        assert stuck.entered.wait(20)
        begun_s = clocks.monotonic()
        for number in range(1, 11):
            gateway.pay(order(f"TRACE{number:07d}"), QrShown())
        assert clocks.monotonic() - begun_s < 10.0
    assert not stuck.free.is_set()
    assert get_ident() not in stuck.threads
    stuck.free.set()
    provider.shutdown()


class Broken(SpanProcessor):
    """A processor that raises whenever it can."""

    def on_start(self, span: object, parent_context: object = None) -> None:
        raise RuntimeError("on_start")

    def on_end(self, span: ReadableSpan) -> None:
        raise RuntimeError("on_end")


def test_tracing_that_raises_is_nothing_to_a_payment(partner: AlipaySimulator) -> None:
    """Neither at the beginning nor at the end."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Broken())
    sink = OpenTelemetry(tracer_provider=provider, one_in=1)
    transport = partner.transport()
    with Gateway(Alipay(partner.account), journal=MEMORY, transport=transport, sinks=[sink]) as gateway:
        assert isinstance(gateway.pay(order("TRACE0000001"), QrShown()), ActionRequired)


def test_without_an_sdk_everything_goes_on(partner: AlipaySimulator) -> None:
    """The application has set nothing up: the interface's own silence."""
    transport = partner.transport()
    with Gateway(Alipay(partner.account), journal=MEMORY, transport=transport, sinks=[OpenTelemetry()]) as gateway:
        assert isinstance(gateway.pay(order("TRACE0000001"), QrShown()), ActionRequired)


def test_what_finds_no_room_is_dropped_and_told(
    partner: AlipaySimulator, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded when an exporter hangs for good."""
    monkeypatch.setattr("payport.sdk.otel.MAX_WAITING", 2)
    monkeypatch.setattr("payport.sdk.otel.EVERY_S", 3600.0)
    told: list[SdkEvent] = []
    sink = OpenTelemetry(tracer_provider=scope.spans_of, sinks=[told.append], one_in=1)
    transport = partner.transport()
    with Gateway(Alipay(partner.account), journal=MEMORY, transport=transport, sinks=[sink]) as gateway:
        for number in range(5):
            gateway.pay(order(f"TRACE{number:07d}"), QrShown())
    assert [ObserverFailed(observer="otel", error="no room", waiting=0, dropped=3)] == told
    assert (len(scope.spans(SpanKind.INTERNAL)), sink.dropped) == (2, 3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_process_shows_nothing_of_its_parent(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was noted before a fork is shown once, by the parent."""
    monkeypatch.setattr("payport.sdk.otel.EVERY_S", 3600.0)
    sink = OpenTelemetry(tracer_provider=scope.spans_of, one_in=1)
    around = Surroundings(journal=None, clock=WorkerClock(Time(), "w"), sinks=[sink])  # type: ignore[arg-type]  # none is read

    def pay() -> Exchange[None]:
        yield from sleep(0.5)

    def drive() -> None:
        sink.drive(pay(), SyncHost(around=around, transport=NoRoad(), exchanged=[]), Corner())
        sink.flush()

    host = SyncHost(around=around, transport=NoRoad(), exchanged=[])
    sink.drive(pay(), host, Corner())

    def work() -> None:
        sink.flush()
        assert scope.spans() == []
        drive()
        assert len(scope.spans()) == 1

    assert exit_status(in_child(work)) == 0
    sink.flush()
    assert len(scope.spans()) == 1


def test_nothing_of_it_is_loaded_before_it_is_asked_for() -> None:
    """An application without the extra pays nothing for it."""
    look = "import sys, payport.sdk, payport.sdk.gateway, payport.sdk.desk; print('opentelemetry' in sys.modules)"
    run = subprocess.run([sys.executable, "-I", "-c", look], capture_output=True, check=True, text=True)
    assert run.stdout.strip() == "False"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is built, in one sentence."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ConfigurationError, match=r"payport\[otel\]"):
        OpenTelemetry()
