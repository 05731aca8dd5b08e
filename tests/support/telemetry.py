"""An application's OpenTelemetry with its exporters in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv.metrics import http_metrics
from opentelemetry.trace import SpanKind

from payport.sdk.otel import OpenTelemetry


@dataclass
class Scope:
    """An application's own OpenTelemetry, its exporters in memory."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)
    spans_of: TracerProvider = field(init=False)
    meters: MeterProvider = field(init=False)
    sink: OpenTelemetry = field(init=False)

    def __post_init__(self) -> None:
        self.spans_of = TracerProvider(shutdown_on_exit=False)
        self.spans_of.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.sink = OpenTelemetry(tracer_provider=self.spans_of, meter_provider=self.meters, one_in=1)

    def spans(self, kind: SpanKind | None = None) -> list[ReadableSpan]:
        """What was exported, in the order in which it ended."""
        self.sink.flush()
        return [span for span in self.exporter.get_finished_spans() if kind in (None, span.kind)]

    def points(self, name: str) -> list[HistogramDataPoint | NumberDataPoint]:
        """The data points of one metric, its unit looked at."""
        self.sink.flush()
        data = self.reader.get_metrics_data()
        metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []
        units = {http_metrics.HTTP_CLIENT_REQUEST_DURATION: "s", "payport.events": "{event}"}
        assert {m.name: m.unit for m in metrics}.items() <= units.items()
        return [point for m in metrics if m.name == name for point in m.data.data_points]  # type: ignore[misc]  # ours are histograms and a sum
