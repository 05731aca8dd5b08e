"""What watching costs: the alerts' sink in a payment's thread, all of its work, and the look at a new payment.

``python -m benchmarks.alerts``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from benchmarks.figures import Measure, Row, cpu_us, interleaved, report, us
from payport.schemas.money import Money
from payport.sdk.events import OperationChanged, OperationStarted, ReplyJudged, RequestSent, SdkEvent
from payport.sdk.incidents.alerts import Alerts
from payport.sdk.incidents.store import MemoryIncidents
from payport.sdk.journal.records import State, Verb
from payport.sdk.watch import rules
from payport.sdk.watch.moves import Moved, What
from payport.sdk.watch.watching import Watch

ROUNDS = 9
COUNT = 5000
WHOSE = {"partner": "alipay", "account": "alipay:2021000000000001"}
OPERATION = {**WHOSE, "ref": "SHOP10010001", "operation": "SHOP10010001/pay//1"}
ENDPOINT = "alipay.trade.precreate"


def _events() -> tuple[SdkEvent, ...]:
    """What one payment that goes well tells its sinks."""
    return (
        OperationStarted(**OPERATION, verb=Verb.PAY),
        RequestSent(
            partner=WHOSE["partner"], account=WHOSE["account"], endpoint=ENDPOINT, status=200,
            elapsed_s=0.05, moves_money=True,
        ),
        ReplyJudged(
            partner=WHOSE["partner"], account=WHOSE["account"], endpoint=ENDPOINT, moves_money=True,
            doubt=None, refusal=None, retry_after_s=None,
        ),
        OperationChanged(**OPERATION, verb=Verb.PAY, state=State.ACTION, source="reply", elapsed_s=0.06),
    )  # fmt: skip


def _telling(alerts: Alerts) -> Callable[[], None]:
    events = _events()

    def call() -> None:
        for event in events:
            alerts(event)

    return call


def _in_thread(work: Callable[[], None], count: int) -> float:
    """Microseconds of this thread's own CPU: what a payment waits for."""
    begun_s = time.thread_time()
    for _ in range(count):
        work()
    return (time.thread_time() - begun_s) / count * 1e6


def _screening(count: int) -> Callable[[], None]:
    """A look at one payment after another by rules that hold, of a few hundred payers."""
    watch = Watch(
        [
            rules.amount_jump(hold=True),
            rules.payer_velocity(at_most=100, hold=True),
            rules.payer_declines(at_most=100, hold=True),
            rules.account_velocity(at_most=10**9, hold=True),
        ]
    )
    amount, at = Money(1234, "CNY"), datetime.now(UTC)
    wanted = iter(
        [
            Moved(
                what=What.ORDERED, at=at, partner="alipay", account="alipay:2021", ref=f"BENCH{number:07d}",
                operation=f"BENCH{number:07d}/pay//1", amount=amount, payer=f"p{number % 300}",
            )
            for number in range(count)
        ]
    )  # fmt: skip

    def call() -> None:
        watch.screen(next(wanted))

    return call


def rows(rounds: int = ROUNDS, count: int = COUNT) -> list[Row]:
    """Measure."""
    aside = Alerts(MemoryIncidents(), [], background=False)
    whole = Alerts(MemoryIncidents(), [], background=False)
    tell, screen = _telling(aside), _screening(count * (rounds + 1))

    def sink() -> float:
        figure = _in_thread(tell, count)
        aside.work()
        return figure

    def everything() -> float:
        work = _telling(whole)

        def call() -> None:
            for _ in range(count):
                work()
            whole.work()

        return cpu_us(call, 1) / count

    cases: dict[str, Measure] = {"sink": sink, "all": everything, "screen": lambda: _in_thread(screen, count)}
    found = interleaved(cases, rounds)

    def row(name: str, case: str, must: float | None = None) -> Row:
        middle = sorted(found[case])[len(found[case]) // 2]
        return Row(name=name, figure=middle, must=must, ours=us(found[case]))

    return [
        row("alerts: us in the thread of a payment that goes well", "sink", 5.0),
        row("alerts: us of all their work for such a payment", "all"),
        row("watch: us to look at a new payment, four rules that hold", "screen"),
    ]


if __name__ == "__main__":
    report(rows())
