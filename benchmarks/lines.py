"""What an event costs: a log line, an event nobody logs, and the retry policy when nothing fails.

``python -m benchmarks.lines``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from benchmarks.figures import Measure, Row, cpu_us, interleaved, ratio, report, us
from payport.sdk.events import Level, OperationChanged, SdkEvent, StructlogSink
from payport.sdk.journal.records import State, Verb
from payport.sdk.redaction import configure_logging

ROUNDS = 9
COUNT = 2000


def _event() -> OperationChanged:
    return OperationChanged(
        partner="alipay", account="alipay:2021000000000001", ref="SHOP10010001", operation="SHOP10010001/pay//1",
        verb=Verb.PAY, state=State.SUCCEEDED, source="notice", elapsed_s=12.345678,
    )  # fmt: skip


def _floor() -> Callable[[], object]:
    """A dict of the same fields, ``json.dumps``, one write."""
    out = io.StringIO()

    def work() -> None:
        line = {
            "partner": "alipay", "account": "alipay:2021000000000001", "ref": "SHOP10010001",
            "operation": "SHOP10010001/pay//1", "verb": "pay", "state": "succeeded", "source": "notice",
            "elapsed_s": 12.345678, "event": "operation.changed", "level": "info",
            "timestamp": datetime.now(UTC).isoformat(),
        }  # fmt: skip
        out.write(json.dumps(line) + "\n")

    return work


def _telling(sink: Callable[[SdkEvent], object], event: SdkEvent) -> Callable[[], object]:
    return lambda: sink(event)


def rows(rounds: int = ROUNDS, count: int = COUNT) -> list[Row]:
    """Measure."""
    before = structlog.get_config()
    configure_logging(least=Level.INFO, file=io.StringIO())
    event = _event()
    try:
        work = {
            "floor": _floor(), "line": _telling(StructlogSink(least=Level.INFO), event),
            "quiet": _telling(StructlogSink(least=Level.WARNING), event),
        }  # fmt: skip

        def measure(name: str) -> Measure:
            return lambda: cpu_us(work[name], count)

        found = interleaved({name: measure(name) for name in work}, rounds)
    finally:
        structlog.configure(**before)
    return [
        Row(
            name="event as a redacted log line / dict + json + write", figure=ratio(found["line"], found["floor"]),
            must=5, ambitious=3, ours=us(found["line"]), beside=us(found["floor"]),
        ),
        Row(
            name="event below the sink's level / dict + json + write", figure=ratio(found["quiet"], found["floor"]),
            ours=us(found["quiet"]), beside=us(found["floor"]),
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    report(rows())
