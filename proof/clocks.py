"""T12: days that begin at awkward moments, on a machine whose clock is wrong, and is set right while requests are out.

Midnight and clearing cut-off in China, the ends of months and years, the hours when clocks are changed; clocks that are
just too much, or just not too much, ahead or behind, or an hour or a day, and jump in the middle of a request.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from payport.sdk.exchange import Moment
from payport.sdk.gateway import Gateway
from payport.sdk.hosting import Admission
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.testing.conformance.verbs import call, exchange_of
from payport.sdk.testing.conformance.world import AT_ONCE, World
from payport.sdk.testing.simulated import SimulatedPartner
from payport.sdk.testing.stepping import Time, WorkerClock
from payport.sdk.testing.watching import EveryVerb
from payport.sdk.transport import Transport
from proof.family import Family, Tally, each
from proof.subjects import subjects
from proof.walking import Walk

STARTS = (
    datetime(2026, 11, 23, 15, 59, 50, tzinfo=UTC),  # ten seconds to midnight in China
    datetime(2026, 11, 23, 14, 59, 55, tzinfo=UTC),  # UnionPay's clearing cut-off, 23:00 there
    datetime(2026, 12, 31, 15, 59, 58, tzinfo=UTC),  # the year ends in China
    datetime(2026, 12, 31, 23, 59, 58, tzinfo=UTC),  # and here
    datetime(2028, 2, 28, 15, 59, 59, tzinfo=UTC),  # a leap day begins
    datetime(2027, 2, 28, 23, 59, 59, tzinfo=UTC),  # none does
    datetime(2027, 3, 28, 0, 59, 57, tzinfo=UTC),  # Europe's clocks go forward
    datetime(2026, 10, 25, 0, 59, 57, tzinfo=UTC),  # and back
    datetime(2027, 3, 14, 9, 59, 57, tzinfo=UTC),  # California's go forward
    datetime(2026, 11, 30, 8, 0, 0, tzinfo=UTC),  # a plain afternoon in China
)
OFF_S = (0.0, 0.0, 0.0, 299.0, 300.0, 301.0, 3_600.0, 86_400.0, -299.0, -300.0, -301.0, -3_600.0, -86_400.0, 0.4, -0.4)
"""By how much our clock is ahead. Partners take five minutes."""


@dataclass
class Skew:
    """By how much our wall clock is ahead of the true time. The monotonic one is always right."""

    seconds: float = 0.0


class SkewedClock(WorkerClock):
    """A worker's clock on a machine whose wall clock is off."""

    def __init__(self, time: Time, name: str, skew: Skew) -> None:
        super().__init__(time, name)
        self._skew = skew

    def moment(self) -> Moment:
        """The wrong time of day, and the right seconds."""
        at = super().moment()
        return Moment(at.utc + timedelta(seconds=self._skew.seconds), at.monotonic_s)


@dataclass
class Setting:
    """A way to the partner on which, now and then, the clock is set while the request is out."""

    road: Transport
    skew: Skew
    dice: random.Random

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """Pass a request on."""
        reply = self.road.send(request, timeout_s)
        if self.dice.random() < 0.2:
            self.skew.seconds = self.dice.choice(OFF_S)
        return reply

    def close(self) -> None:
        """Nothing is held open."""


@dataclass
class SkewedWorld(World[SimulatedPartner]):
    """A world in which the merchant's clock is not the true one, which is the partner's."""

    skew: Skew = field(default_factory=Skew)

    def gateway(self, *, admissions: Sequence[Admission] = ()) -> Gateway[EveryVerb]:
        """Another worker's gateway, on that machine."""
        return Gateway(
            self.adapter,
            journal=self.journal,
            transport=self.transport,
            sinks=(self.events.append,),
            retry=AT_ONCE,
            admissions=admissions,
            clock=SkewedClock(self.time, f"worker-{next(self._names)}", self.skew),
        )


def run(first: int, count: int) -> Tally:
    """One day of one partner a unit."""
    return each(range(first, first + count), _day)


def _day(number: int, tally: Tally) -> None:
    every, dice = subjects(), random.Random(number)
    subject, time = every[number % len(every)], Time()
    time.at = dice.choice(STARTS)
    with tempfile.TemporaryDirectory() as folder, SkewedWorld(subject, Path(folder), time=time) as world:
        world.transport.road = Setting(world.partner.transport(), world.skew, dice)

        def do(verb: str, way: object, ref: str) -> object:
            gateway = world.gateway()
            if verb in ("query", "receive", "resume"):
                work = exchange_of(gateway._desk, world, verb, None, ref)  # noqa: SLF001  # stands between verb and host
                return gateway._run(work)  # noqa: SLF001  # as above
            return call(gateway, world, verb, way, ref)  # type: ignore[arg-type] # the walk hands on its own ways

        Walk(world, dice, do).acts(6)
        tally.cases += 1
        world.skew.seconds = 0.0
        world.settle(rounds=6_000)  # of half a minute: what a clock that is a day ahead has made is over a day later
        wrong = [line for ref in world.refs for line in world.wrong_with(ref)] + world.watch.problems()
        assert not wrong, f"{subject.name}: {wrong}"


FAMILY = Family(
    id="T12",
    title="wrong clocks, clocks set while a request is out, midnights and cut-offs: the books agree",
    run=run,
    gate=1_000,
    long=20_000,
    shard=100,
)
