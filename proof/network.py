"""T5: every fault of the network, on real TLS sockets, for every partner, both colours and four verbs.

What may have left is never told as unsent, nor as done; what cannot have left is; and once the network is whole again
the books agree.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.loopback import Partner, Script, Visit
from tests.support.misbehaving import CASES, after_the_ok, finish, flood

from payport.schemas import ActionRequired, NotSent, Succeeded, Unknown
from payport.sdk.exchange import Moment
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.operations.querying import Observed
from payport.sdk.testing.certificates import loopback_certificates
from payport.sdk.testing.conformance.verbs import acall, call, prepare
from payport.sdk.testing.conformance.world import AT_ONCE, World
from payport.sdk.testing.stepping import WorkerClock
from payport.sdk.tls import Trust
from payport.sdk.transport.http import AsyncHttpTransport, HttpTransport
from proof.family import Family, Tally, told
from proof.subjects import AnySubject, AnyWay, AnyWorld, subjects

DEADLINE_S = 3.0
STALLED_S = 0.25
"""The deadline of calls that nobody answers."""
COLOURS = ("sync", "async")
VERBS = ("pay", "refund", "close", "query", "capture", "release", "payout")
"""Of each partner the first four that it has."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What goes wrong. ``script``: what the server does after the handshake, ``None`` where it does not come to one.

    ``sent``: whether a byte of the request may have left. ``used``: the connection was used once before.
    """

    name: str
    script: Script | None = None
    sent: bool = True
    tls: bool = True
    stalls: bool = False
    used: bool = False


def _plain(visit: Visit) -> None:
    """Answers whatever comes in without TLS."""
    visit.some()
    visit.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


_BIG = "never reads"
"""It needs a request of megabytes: ours fit into the sockets' buffers."""
KINDS = (
    Kind("refused", sent=False),
    Kind("unresolved", sent=False),
    Kind("no TLS", _plain, sent=False, tls=False),
    Kind("reset at hello", Visit.reset, sent=False, tls=False),
    Kind("accept then reset", Visit.reset),
    Kind("connection closed while idle", after_the_ok(finish), used=True),
    Kind("connection reset while idle", after_the_ok(Visit.reset), used=True),
    Kind("informational replies without end", flood(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100), stalls=True),
    *(Kind(case.name, case.script, stalls=case.timeout_s < 1) for case in CASES if case.name != _BIG),
)


class Road:
    """Sends to a partner's address what goes to a misbehaving server here; tokens come from the simulator."""

    def __init__(self, world: AnyWorld, host: str) -> None:
        self._aside = world.subject.aside
        self._good = world.partner.transport()
        self._host = host
        self._trust = Trust(ca_data=loopback_certificates().authority)
        self._sync = HttpTransport(self._trust, frozenset({host}))
        self._async = AsyncHttpTransport(self._trust, frozenset({host}))

    def _there(self, request: WireRequest) -> WireRequest:
        parts = urlsplit(request.url)
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        return replace(request, url=f"https://{self._host}{path}")

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """By the sync transport."""
        if request.endpoint in self._aside:
            return self._good.send(request, timeout_s)
        return self._sync.send(self._there(request), timeout_s)

    async def asend(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """By the async one."""
        if request.endpoint in self._aside:
            return self._good.send(request, timeout_s)
        return await self._async.send(self._there(request), timeout_s)

    def use(self) -> None:
        """Send something before, so that there is a connection to use again."""
        self._sync.send(self._first(), DEADLINE_S)

    async def ause(self) -> None:
        """The same by the async transport."""
        await self._async.send(self._first(), DEADLINE_S)

    def _first(self) -> WireRequest:
        url = f"https://{self._host}/"
        return WireRequest(endpoint="first", moves_money=False, method="GET", url=url, headers={}, content=b"")

    def close(self) -> None:
        """Close the sync transport."""
        self._sync.close()

    async def aclose(self) -> None:
        """Close the async one."""
        await self._async.aclose()


class _Coloured:
    """A road for the async gateway."""

    def __init__(self, road: Road) -> None:
        self._road = road

    async def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """Pass a request on."""
        return await self._road.asend(request, timeout_s)

    async def aclose(self) -> None:
        """Close it."""
        await self._road.aclose()


class Passing(WorkerClock):
    """The world's time, which really passes here: what stalls must end."""

    def __init__(self, world: AnyWorld, name: str) -> None:
        super().__init__(world.time, name)
        self._begun_s = time.monotonic()

    def moment(self) -> Moment:
        """The world's time and what has passed since."""
        at = super().moment()
        return Moment(at.utc, at.monotonic_s + time.monotonic() - self._begun_s)

    def sleep(self, seconds: float) -> None:
        """Really."""
        time.sleep(max(0.0, seconds))


def way_of(subject: AnySubject) -> AnyWay:
    """A way to pay that sends a request at once."""
    return next(way for way in subject.ways if way.door is not None and way.gives in (Succeeded, ActionRequired))


@cache
def verbs_of(name: str) -> tuple[str, ...]:
    """Four verbs of a partner."""
    subject = next(one for one in subjects() if one.name == name)
    has = {"pay": True, "query": subject.query is not None}
    return tuple(verb for verb in VERBS if has.get(verb, getattr(subject, verb, None) is not None))[:4]


@cache
def cases() -> tuple[tuple[AnySubject, str, str, Kind], ...]:
    """Partner, verb, colour, kind: partner by partner, so that neighbours share a world."""
    return tuple(
        (subject, verb, colour, kind)
        for subject in subjects()
        for verb in verbs_of(subject.name)
        for colour in COLOURS
        for kind in KINDS
    )


@contextmanager
def _server(kind: Kind) -> Iterator[str]:
    """Where the misbehaving server listens."""
    if kind.name == "unresolved":
        yield "nowhere.invalid"
    elif kind.script is None:
        with socket.create_server(("127.0.0.1", 0)) as gone:
            host = f"127.0.0.1:{gone.getsockname()[1]}"
        yield host
    else:
        context = loopback_certificates().server_context() if kind.tls else None
        with Partner(kind.script, context) as partner:
            yield partner.host


def outcome_of(world: AnyWorld, verb: str, colour: str, kind: Kind, ref: str) -> object:
    """What a caller is told of a verb when this goes wrong."""
    prepare(world, verb if verb != "query" else "refund", ref)
    deadline_s = STALLED_S if kind.stalls else DEADLINE_S
    clock = Passing(world, f"{colour} {ref}")
    with _server(kind) as host:
        road = Road(world, host)
        if colour == "sync":
            if kind.used:
                road.use()
            world.transport.road = road
            gateway = Gateway(
                world.adapter, journal=world.journal, transport=world.transport, sinks=(world.events.append,),
                retry=AT_ONCE, clock=clock,
            )  # fmt: skip
            try:
                if verb == "query":
                    return gateway.query(ref, deadline_s=deadline_s)
                return call(gateway, world, verb, way_of(world.subject), ref, deadline_s=deadline_s)
            finally:
                road.close()
                world.transport.road = world.partner.transport()
        return asyncio.run(_aoutcome_of(world, verb, road, ref, clock, deadline_s, used=kind.used))


async def _aoutcome_of(
    world: AnyWorld, verb: str, road: Road, ref: str, clock: Passing, deadline_s: float, *, used: bool
) -> object:
    if used:
        await road.ause()
    async with AsyncGateway(
        world.adapter, journal=world.journal, transport=_Coloured(road), sinks=(world.events.append,),
        retry=AT_ONCE, clock=clock,
    ) as gateway:  # fmt: skip
        if verb == "query":
            return await gateway.query(ref, deadline_s=deadline_s)
        return await acall(gateway, world, verb, way_of(world.subject), ref, deadline_s=deadline_s)


def wrongly_told(outcome: object, verb: str, kind: Kind) -> str | None:
    """What is wrong with what the caller was told, if anything."""
    if verb == "query":
        fine = isinstance(outcome, Observed) and outcome.source == "journal"
        return None if fine else f"a question that failed must tell what the journal knows, and say so: {outcome}"
    expected = Unknown if kind.sent else NotSent
    return None if isinstance(outcome, expected) else f"expected {expected.__name__}, told {outcome}"


def run(first: int, count: int) -> Tally:
    """One case a unit; in the long run each of them again and again."""
    tally = Tally()
    numbers = range(first, first + count)
    for subject in subjects():
        mine = [number for number in numbers if cases()[number % len(cases())][0] is subject]
        if mine:
            with tempfile.TemporaryDirectory() as folder, World(subject, Path(folder)) as world:
                _try(world, mine, tally)
    return tally


def _try(world: AnyWorld, numbers: list[int], tally: Tally) -> None:
    refs: dict[str, tuple[int, str]] = {}
    for number in numbers:
        _, verb, colour, kind = cases()[number % len(cases())]
        ref = world.new_ref()
        refs[ref] = number, f"{world.subject.name} {verb} {colour}, {kind.name}"
        tally.cases += 1
        try:
            wrong = wrongly_told(outcome_of(world, verb, colour, kind, ref), verb, kind)
        except Exception as error:  # noqa: BLE001 - no verb may raise for what the network did
            wrong = told(error)
        if wrong:
            tally.fail(number, f"{refs[ref][1]}: {wrong}")
    world.settle(rounds=2_000)
    for ref, (number, name) in refs.items():
        for line in world.wrong_with(ref):
            tally.fail(number, f"{name}: {line}")
    for line in world.watch.problems():
        tally.fail(numbers[0], f"{world.subject.name}: {line}")


FAMILY = Family(
    id="T5",
    title="every fault of the network, on real TLS sockets: what may have left is in doubt, what cannot is unsent",
    run=run,
    gate=len(cases()),
    long=50 * len(cases()),
    shard=len(KINDS) * len(COLOURS) * 2,
    busy_percent=35,
)
