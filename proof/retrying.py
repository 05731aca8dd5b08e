"""T7: which request is sent again, when, and that it is the same one: scenarios and operations as data.

``tests/conformance/retry.json`` says for each operation of each partner in each scenario what the caller is told, which
requests leave, and how long is waited in between. ``python -m proof.retrying`` prints the file as it is now.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from payport.sdk.gateway import Gateway
from payport.sdk.message import FailureKind, SendFailure, WireReply, WireRequest
from payport.sdk.retry import RetryPolicy
from payport.sdk.testing.conformance.checks.telling import words
from payport.sdk.testing.conformance.subject import Door
from payport.sdk.testing.conformance.verbs import call, prepare
from payport.sdk.testing.conformance.world import World
from payport.sdk.testing.stepping import Time, WorkerClock
from payport.sdk.transport import Transport
from proof.family import Family, Tally, each
from proof.state import ROOT
from proof.subjects import AnySubject, AnyWay, AnyWorld, subjects

PLACE = ROOT / "tests/conformance/retry.json"
DEADLINE_S = 10.0
IDENTITY = ("idempotency-key", "paypal-request-id")
"""Headers that a partner recognises a repetition by: the same on every try."""

SCENARIOS: Mapping[str, Sequence[str]] = {
    "answered at once": [],
    "connection refused once": ["refuse"],
    "connection refused for ever": ["refuse"] * 9,
    "reset before it was carried out": ["reset"],
    "reset after it was carried out": ["commit-then-reset"],
    "three time-outs after it was carried out": ["commit-then-time-out"] * 3,
    "503 three times": ["return-503"] * 3,
    "429 that asks for two seconds": ["return-429-retry-after-2"],
    "429 that asks for more than there is": ["return-429-retry-after-60"],
}
"""What happens to the first tries at an operation's endpoint, one after the other; then all is well."""


@dataclass
class Napping(WorkerClock):
    """A clock that notes what is waited."""

    time: Time
    slept_s: list[float] = field(default_factory=list[float])

    def __post_init__(self) -> None:
        WorkerClock.__init__(self, self.time, "retry")

    def sleep(self, seconds: float) -> None:
        """Time passes."""
        self.slept_s.append(round(seconds, 3))
        super().sleep(seconds)


@dataclass
class Instructed:
    """A way to the partner that does to each request for an endpoint what it is told to."""

    good: Transport
    endpoint: str
    left: list[str]
    seen: list[WireRequest] = field(default_factory=list[WireRequest])

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """As instructed, or as it should go."""
        self.seen.append(request)
        if request.endpoint != self.endpoint or not self.left:
            return self.good.send(request, timeout_s)
        told = self.left.pop(0)
        if told.startswith("commit"):
            self.good.send(request, timeout_s)
        if told.startswith("return"):
            _, status, *after = told.split("-", 2)
            headers = (("retry-after", after[0].rpartition("-")[2]),) if after else ()
            return WireReply(int(status), headers, b"{}")
        kind = {
            "refuse": FailureKind.UNREACHABLE,
            "commit-then-time-out": FailureKind.TIMED_OUT,
        }.get(told, FailureKind.CONNECTION_LOST)
        return SendFailure(kind, may_have_left=kind is not FailureKind.UNREACHABLE, detail=told)

    def close(self) -> None:
        """Nothing is held open."""


Operation = tuple[AnySubject, str, AnyWay | None, Door]


@cache
def operations() -> tuple[Operation, ...]:
    """Every verb of every partner, at each endpoint that it may use."""
    return tuple((subject, verb, way, door) for subject in subjects() for verb, way, door in subject.doors())


def name_of(operation: Operation) -> str:
    """How the file calls an operation."""
    subject, verb, _, door = operation
    return f"{subject.name} {verb} {door.endpoint}"


def observed(operation: Operation, scenario: str) -> tuple[dict[str, object], list[str]]:
    """What happens, in the form of the file; and what is wrong with the repetitions."""
    subject, verb, way, door = operation
    with tempfile.TemporaryDirectory() as folder, World(subject, Path(folder)) as world:
        ref = world.new_ref()
        prepare(world, verb, ref)
        clock = Napping(world.time)
        road = Instructed(world.partner.transport(), door.endpoint, list(SCENARIOS[scenario]))
        world.transport.road = road
        gateway = Gateway(
            world.adapter,
            journal=world.journal,
            transport=world.transport,
            sinks=(world.events.append,),
            retry=RetryPolicy(),
            clock=clock,
        )
        told = words(call(gateway, world, verb, way, ref, deadline_s=DEADLINE_S))
        sends = [request.endpoint for request in road.seen if request.endpoint not in subject.aside]
        wrong = [*_differing(world, road.seen), *world.watch.problems()]
        world.settle()
        wrong += world.wrong_with(ref)
    return {"told": told, "sends": sends, "sleeps_s": clock.slept_s}, wrong


def _differing(world: AnyWorld, seen: Sequence[WireRequest]) -> Iterator[str]:
    """Repetitions of what moves money that are not the same request."""
    first: dict[str, tuple[object, tuple[str | None, ...]]] = {}
    for request in seen:
        if not request.moves_money:
            continue
        identity = tuple(dict(request.headers).get(name) for name in IDENTITY)
        asks = world.subject.asks(request), identity
        if first.setdefault(f"{request.endpoint} {request.url.partition('?')[0]}", asks) != asks:
            yield f"{request.endpoint} was sent again with another content or identity"


@cache
def expected() -> Mapping[str, Mapping[str, Mapping[str, object]]]:
    """The file."""
    found: Mapping[str, Mapping[str, Mapping[str, object]]] = json.loads(PLACE.read_text("utf-8"))
    return found


def run(first: int, count: int) -> Tally:
    """One operation in one scenario a unit."""
    return each(range(first, first + count), _one)


def _one(number: int, tally: Tally) -> None:
    scenario = list(SCENARIOS)[number // len(operations()) % len(SCENARIOS)]
    operation = operations()[number % len(operations())]
    tally.cases += 1
    found, wrong = observed(operation, scenario)
    tally.note("requests", len(road) if isinstance(road := found["sends"], list) else 0)
    assert not wrong, f"{name_of(operation)}, {scenario}: {wrong}"
    wanted = expected()[scenario][name_of(operation)]
    assert found == wanted, f"{name_of(operation)}, {scenario}: {found} instead of {wanted}"


def written() -> str:
    """The file as it is now."""
    lines = []
    for scenario in SCENARIOS:
        rows = [f"    {json.dumps(name_of(one))}: {json.dumps(observed(one, scenario)[0])}" for one in operations()]
        lines.append(f"  {json.dumps(scenario)}: {{\n" + ",\n".join(rows) + "\n  }")
    return "{\n" + ",\n".join(lines) + "\n}\n"


FAMILY = Family(
    id="T7",
    title="each try of an operation is the same request, at the times and with the end that the data file says",
    run=run,
    gate=len(SCENARIOS) * len(operations()),
    long=len(SCENARIOS) * len(operations()),
    shard=100,
)

if __name__ == "__main__":
    sys.stdout.write(written())
