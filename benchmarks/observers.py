"""What watching costs a call: scorecards, tracing; and all of it together, limits and breaker too, beside a bare call.

A payment of one step at an adapter that answers at once, on a journal in memory: so little else is done that the
difference shows. What is listened to is made for it: the events of level DEBUG, the verdict on the reply, spans and
histograms of OpenTelemetry's SDK behind its batch processor, whose exporter throws everything away; its own thread's
work and that of the scorecards is counted too. ``python -m benchmarks.observers``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from statistics import median

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from benchmarks.calls import Bench
from benchmarks.figures import Measure, Row, cpu_us, interleaved, report, us
from benchmarks.partner import replies
from benchmarks.server import served
from payport.schemas import Money, Order, Rejected, Succeeded
from payport.schemas.events import RawNotification
from payport.schemas.outcome import PayOutcome
from payport.sdk import Gateway, Guards
from payport.sdk.adapter import Opened, Plan, Slot
from payport.sdk.calling import call
from payport.sdk.events import EventSink, Level, StructlogSink, flush_safely
from payport.sdk.exchange import Exchange
from payport.sdk.incidents.alerts import Alerts
from payport.sdk.incidents.store import MemoryIncidents
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.observation import Observation, Source
from payport.sdk.otel import OpenTelemetry
from payport.sdk.profile import CallLimit, Ladder, Profile
from payport.sdk.scorecards import MemoryMeasures, Scorecards
from payport.sdk.tls import Trust

ROUNDS = 40
CALLS = 300
AMOUNT = Money(1234, "CNY")
REQUEST = WireRequest(
    endpoint="till.pay",
    moves_money=True,
    method="POST",
    url="https://till.example/pay?order=1",
    headers={},
    content=b"{}",
)
PAID = Observation(state=State.SUCCEEDED, source=Source.REPLY, amount=AMOUNT)
REPLY = WireReply(200, (("content-type", "application/json"),), b"{}")


class Till:
    """An adapter that sends one request and takes any reply for paid."""

    partner = "till"
    account = "till:1"
    trust: Trust | None = None
    profile = Profile(
        partner="till", hosts=frozenset({"till.example"}), currencies=frozenset({"CNY"}),
        ladders={"default": Ladder(ask_after_s=(7.0,))},
        limits=tuple(CallLimit(name=name, rate_per_s=1e9, burst=1e6) for name in ("account", "pay")),
    )  # fmt: skip

    def plan_pay(self, order: Order, method: str, slot: Slot) -> Plan:
        """One step."""
        return Plan(steps=(Step(name="pay", moves_money=True, digest="x", request=b"{}", replayable=True),))

    def native_payment(self, native: object) -> None:
        """None."""

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Send it."""
        reply = yield from call(self, REQUEST, deadline_s)
        return reply if isinstance(reply, Observation) else PAID

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """Nobody asks."""
        raise NotImplementedError

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        """It sends none."""
        raise NotImplementedError


class Wire:
    """Answers at once."""

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """Always the same."""
        return REPLY

    def close(self) -> None:
        """Nothing is open."""


class Nowhere(SpanExporter):
    """Throws spans away."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Gone."""
        return SpanExportResult.SUCCESS


@contextmanager
def observers() -> Generator[dict[str, list[EventSink]]]:
    """What watches in each case, besides the log. *sampled*: one trace in ten, as by default."""
    meters = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
    every = TracerProvider(shutdown_on_exit=False)
    every.add_span_processor(BatchSpanProcessor(Nowhere()))
    scorecards, alerts = Scorecards(MemoryMeasures()), Alerts(MemoryIncidents(), [])
    tracing = OpenTelemetry(tracer_provider=every, meter_provider=meters, one_in=1)
    sampled = OpenTelemetry(tracer_provider=every, meter_provider=meters)
    yield {
        "none": [], "scorecards": [scorecards], "tracing": [tracing], "sampled": [sampled],
        "all": [scorecards, alerts, tracing], "all sampled": [scorecards, alerts, sampled],
    }  # fmt: skip
    alerts.close()
    for sink in (scorecards, tracing, sampled):
        sink.flush()
    for each in (every, meters):
        each.shutdown()


def _paying(sinks: Sequence[EventSink], stack: ExitStack, *, guarded: bool) -> Callable[[], None]:
    till, told = Till(), (StructlogSink(least=Level.WARNING), *sinks)
    admissions = Guards().of(till) if guarded else ()
    journal = "sqlite:///:memory:?durable=no"
    gateway = stack.enter_context(Gateway(till, journal=journal, transport=Wire(), sinks=told, admissions=admissions))
    numbers = count(1)

    def pay() -> None:
        outcome: PayOutcome[None] = gateway.pay(
            Order(ref=f"BENCH{next(numbers):09d}", amount=AMOUNT, subject="Green tea"), "cash"
        )
        if not isinstance(outcome, Succeeded):
            raise TypeError(f"the benchmark's call failed: {outcome}")

    return pay


def rows(rounds: int = ROUNDS, calls: int = CALLS) -> list[Row]:
    """Measure."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bare = stack.enter_context(Bench(stack.enter_context(served(replies([]))), folder, count(1))).verified()
        watching = stack.enter_context(observers())
        work = {name: _paying(sinks, stack, guarded=name.startswith("all")) for name, sinks in watching.items()}

        def measure(name: str) -> Measure:
            def calls_and_what_they_leave() -> float:
                paid_us = cpu_us(work[name], calls)
                # what the sinks' own threads still have to do belongs to these calls, not to the next case
                return paid_us + cpu_us(lambda: flush_safely(watching[name]), 1) / calls

            return calls_and_what_they_leave

        cases = {name: measure(name) for name in work} | {"bare": lambda: cpu_us(bare, max(1, calls // 10))}
        found = interleaved(cases, rounds)
    more = {name: [mine - plain for mine, plain in zip(found[name], found["none"], strict=True)] for name in work}

    def share(name: str) -> float:
        return median(each / one for each, one in zip(more[name], found["bare"], strict=True))

    def cost(name: str, case: str, must: float | None) -> Row:
        return Row(name=name, figure=median(more[case]), must=must, beside=us(found["none"]))

    def of_bare(name: str, case: str, must: float | None) -> Row:
        return Row(name=name, figure=share(case), must=must, ours=us(more[case]), beside=us(found["bare"]))

    return [
        cost("scorecards, us a call", "scorecards", 15),
        cost("tracing, one trace in ten, us a call", "sampled", None),
        cost("tracing, every trace, us a call", "tracing", 60),
        of_bare("all of it together, one trace in ten / bare + verify", "all sampled", 0.10),
        of_bare("all of it together, every trace / bare + verify", "all", None),
    ]


if __name__ == "__main__":
    report(rows())
