"""What limits and breaker add to a call: the same call with and without them, over a transport that answers at once.

The whole difference counts, with the events that are made because somebody listens. ``python -m benchmarks.guards``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

from benchmarks.calls import Bench
from benchmarks.figures import Measure, Row, cpu_us, interleaved, report, us
from benchmarks.partner import replies
from benchmarks.server import served
from payport.schemas import Money, Order, Rejected
from payport.schemas.events import RawNotification
from payport.sdk import Gateway, Guards, Journal, Profile, Trust
from payport.sdk.adapter import Adapter, Answer, Opened, Plan, Slot
from payport.sdk.calling import call
from payport.sdk.exchange import Exchange
from payport.sdk.hosting import Admission
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.limits import Limiter, SharedStore
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.observation import Observation, Source
from payport.sdk.profile import CallLimit
from payport.sdk.secrets import Secret

ROUNDS = 15
CALLS = 400
REDIS = "redis://127.0.0.1:6379/0"
LIMITS = (
    CallLimit(name="account", rate_per_s=1e9, burst=1e6),
    CallLimit(name="pay", rate_per_s=1e9, burst=1e6, endpoints=("pay*",)),
)
"""Two limits on each call, too wide to make it wait."""


@dataclass(frozen=True, slots=True)
class Coin:
    """How one pays here."""


class Kiosk:
    """A partner that takes one request for a payment, and believes everything."""

    partner, account = "kiosk", "kiosk:1"
    profile = Profile(partner="kiosk", hosts=frozenset({"kiosk.example"}), currencies=frozenset({"EUR"}), limits=LIMITS)
    trust: Trust | None = None
    request = WireRequest(
        endpoint="pay", moves_money=True, method="POST", url="https://kiosk.example/", headers={}, content=b""
    )

    def plan_pay(self, order: Order, method: Coin, slot: Slot) -> Plan:
        """One step."""
        return Plan(steps=(Step(name="pay", moves_money=True, digest="pay"),))

    def native_payment(self, native: object) -> None:
        """It has no record."""

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Paid."""
        yield from call(self, self.request, deadline_s)
        return Observation(state=State.SUCCEEDED, source=Source.REPLY)

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """Never asked here."""
        raise NotImplementedError

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        """It sends none."""
        raise NotImplementedError


class Window:
    """An endpoint of the kiosk, for calls without a journal."""

    name, partner = "pay", "kiosk"

    def call(self, adapter: Adapter, request: None, deadline_s: float) -> Exchange[Answer[None] | Observation]:
        """Answered."""
        yield from call(adapter, Kiosk.request, deadline_s)
        return Answer(None)


class AtOnce:
    """A transport that answers at once."""

    reply = WireReply(200, (), b"{}")

    def send(self, request: WireRequest, timeout_s: float) -> WireReply:
        """Answered."""
        return self.reply

    def close(self) -> None:
        """Nothing is open."""


class Stall:
    """Payments and native calls through one gateway."""

    def __init__(self, open_: ExitStack, admissions: Sequence[Admission]) -> None:
        journal = open_.enter_context(Journal.open("sqlite:///:memory:?durable=no"))
        self._gateway = open_.enter_context(
            Gateway(Kiosk(), journal=journal, transport=AtOnce(), admissions=admissions)
        )
        self._refs = count(10_000_000)

    def pay(self) -> None:
        """A new order."""
        self._gateway.pay(Order(ref=f"K{next(self._refs)}", amount=Money(100, "EUR"), subject="Gum"), Coin()).unwrap()

    def native(self) -> None:
        """A call."""
        self._gateway.native(Window(), None)


def rows(rounds: int = ROUNDS, calls: int = CALLS) -> list[Row]:
    """Measure. Without a Redis on this machine its row is left out."""
    with ExitStack() as open_, tempfile.TemporaryDirectory() as folder, served(replies([])) as server:
        bench = open_.enter_context(Bench(server, Path(folder), count(1)))
        stalls = {"plain": Stall(open_, ()), "guarded": Stall(open_, Guards().of(Kiosk()))}
        shared = _shared(open_)
        if shared is not None:
            stalls["redis"] = Stall(open_, [shared])
        cases: dict[str, Measure] = {"bare": _case(bench.verified(), max(1, calls // 8))}
        for name, stall in stalls.items():
            cases[f"{name} pay"], cases[f"{name} native"] = _case(stall.pay, calls), _case(stall.native, calls)
        found = interleaved(cases, rounds)
    told = [
        _row("limits + breaker, a payment / bare httpx + sign + verify", found, "guarded pay", "plain pay", 0.025),
        _row("limits + breaker, a native call / bare", found, "guarded native", "plain native"),
    ]
    if shared is not None:
        told.append(_row("limits through Redis, a native call / bare", found, "redis native", "plain native"))
    return told


def _shared(open_: ExitStack) -> Limiter | None:
    store = open_.enter_context(closing(SharedStore(Secret(REDIS), prefix="payport-bench")))
    limiter = Limiter("kiosk:1", LIMITS, store=store)
    limiter.left()
    return None if store.lost else limiter


def _case(work: Callable[[], object], calls: int) -> Measure:
    return lambda: cpu_us(work, calls)


def _row(name: str, found: dict[str, list[float]], with_: str, without: str, must: float | None = None) -> Row:
    """The difference, as a share of the bare call."""
    more = [one - other for one, other in zip(found[with_], found[without], strict=True)]
    share = median(part / whole for part, whole in zip(more, found["bare"], strict=True))
    return Row(name=name, figure=share, must=must, ours=us(more), beside=us(found["bare"]))


if __name__ == "__main__":
    report(rows())
