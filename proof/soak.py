"""T18: fifty threads and fifty tasks buy from every partner for minutes, and a tenth of the requests meet a fault.

It begins with a rush, in which nobody pauses between purchases; then everybody does.
Memory and file handles stay flat; afterwards nothing is left in doubt, and every partner's books agree.

It begins at ten in the morning in Beijing, whatever the time is: in the last two minutes of UnionPay's clearing day
nothing may be sent again, so what a fault loses then is rightly left to a person (T12 begins days there).
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import median
from threading import Event, Thread

from payport.schemas import ActionRequired, Succeeded
from payport.sdk.exchange import Moment
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.host_clock import SystemClock
from payport.sdk.journal import Journal
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.testing.conformance.checks.telling import words
from payport.sdk.testing.conformance.world import SEALING_KEY
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.watching import EveryVerb
from proof.family import Family, Tally, told
from proof.partner_process import DebtsBook, PartnerProcess
from proof.subjects import subjects

THREADS = 50
TASKS = 50
FAULTY = 0.1
FAULTS = (
    Fault.RESET,
    Fault.COMMIT_THEN_RESET,
    Fault.BAD_GATEWAY,
    Fault.COMMIT_THEN_BAD_GATEWAY,
    Fault.SYSTEM_ERROR,
    Fault.UNSIGNED_ERROR,
    Fault.COMMIT_THEN_SILENCE,
    Fault.TRUNCATED,
    Fault.GARBAGE,
    Fault.RATE_LIMITED,
)
SPARED = {"stripe": (Fault.SYSTEM_ERROR,)}
"""Stripe plays a 500 back as long as the key lives: such a refund is rightly left to a person."""
DEADLINE_S = 2.0
RUSH = 0.25
"""The share of the time in which nobody pauses between purchases."""
PAUSE_S = 1.0
"""For so long, on average, each buyer does in the rest of it."""
SAMPLE_S = 1.0
RESUME_S = 5.0
"""How often what is due at a partner is looked at meanwhile, and for how long at most."""
BEGINS_UTC_H = 2
GROWTH_BYTES = 16 * 1024 * 1024
"""How much more memory the last quarter may hold than the second one: allocators round up, and caches fill."""
GROWTH_HANDLES = 24
"""How many more file handles: a pool's connections come and go."""
ROUNDS = 400


class Ahead(SystemClock):
    """This machine's clock, ``ahead`` of itself: afterwards the hours are not waited for."""

    __slots__ = ("ahead",)

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0.0

    def moment(self) -> Moment:
        """Later than it is."""
        now = super().moment()
        return Moment(now.utc + timedelta(seconds=self.ahead), now.monotonic_s + self.ahead)


@dataclass
class Shop:
    """One partner and both gateways to it."""

    partner: PartnerProcess
    sync: Gateway[EveryVerb]
    coloured: AsyncGateway[EveryVerb]
    heard: int = 0


@dataclass
class Soak:
    """What goes on. ``samples``: memory in bytes and file handles, one a second."""

    shops: Sequence[Shop]
    journal: Journal
    clock: Ahead
    tally: Tally
    over: Event = field(default_factory=Event)
    rushing: bool = True
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    samples: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])


def run(first: int, seconds: int) -> Tally:
    """One soak of as many seconds as there are units; the first unit is its seed."""
    tally = Tally()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        journal = stack.enter_context(
            Journal.open(f"sqlite:///{Path(folder) / 'payments.db'}", sealing_key=SEALING_KEY, durability="normal")
        )
        clock = Ahead()
        shops = [_shop(stack.enter_context(PartnerProcess(one.name)), journal, clock) for one in subjects()]
        soak = Soak(shops, journal, clock, tally)
        for turn, shop in enumerate(shops):
            faults = [fault for fault in FAULTS if fault not in SPARED.get(shop.partner.subject.name, ())]
            shop.partner.misbehave(FAULTY, first + turn, faults)
        _pass_by(soak, _until_it_begins_s(datetime.now(UTC)))
        _buy_for(soak, first, seconds)
        _flat(soak, first)
        _settle(soak)
        _compare(soak, first)
        for shop in shops:
            shop.sync.close()
    return tally


def _shop(partner: PartnerProcess, journal: Journal, clock: Ahead) -> Shop:
    adapter = partner.adapter()
    return Shop(
        partner,
        Gateway(adapter, journal=journal, sinks=(), clock=clock, deadline_s=DEADLINE_S),
        AsyncGateway(adapter, journal=journal, sinks=(), clock=clock, deadline_s=DEADLINE_S),
    )


def _until_it_begins_s(now: datetime) -> float:
    begins = now.replace(hour=BEGINS_UTC_H, minute=0, second=0, microsecond=0)
    return ((begins - now) % timedelta(days=1)).total_seconds()


def _pass_by(soak: Soak, seconds: float) -> None:
    """So much time passes, for us and for every partner."""
    soak.clock.ahead += seconds
    for shop in soak.shops:
        shop.partner.pass_by(seconds)


def _buy_for(soak: Soak, seed: int, seconds: int) -> None:
    threads = [Thread(target=_thread, args=(soak, random.Random(f"{seed}/{turn}"))) for turn in range(THREADS)]
    threads.append(Thread(target=lambda: asyncio.run(_loop(soak, seed))))
    threads.extend(Thread(target=_bring_on, args=(soak, shop)) for shop in soak.shops)
    for thread in threads:
        thread.start()
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        soak.rushing = passed < RUSH * seconds
        soak.samples.append(_sample())
        time.sleep(SAMPLE_S)
    soak.over.set()
    for thread in threads:
        thread.join()


def _sample() -> tuple[int, int]:
    """Resident memory in bytes, and open file handles."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE"), len(os.listdir("/proc/self/fd"))


def _ref(soak: Soak) -> str:
    return f"SOAK{next(soak.numbers):08d}"


def _thread(soak: Soak, dice: random.Random) -> None:
    while not soak.over.is_set():
        shop, ref = dice.choice(soak.shops), _ref(soak)
        try:
            _buy(soak, shop, ref, dice)
        except Exception as error:  # noqa: BLE001 - no verb may raise, whatever the partner does
            soak.tally.fail(0, f"{shop.partner.subject.name} {ref}: {told(error)}")
        soak.over.wait(_pause_s(soak, dice))


def _pause_s(soak: Soak, dice: random.Random) -> float:
    return 0.0 if soak.rushing else 2 * PAUSE_S * dice.random()


def _bring_on(soak: Soak, shop: Shop) -> None:
    """As a worker of one account does meanwhile: a refund in doubt may be sent again for some minutes only."""
    while not soak.over.wait(RESUME_S):
        try:
            shop.sync.resume(deadline_s=RESUME_S)
        except Exception as error:  # noqa: BLE001 - as above
            soak.tally.fail(0, f"resume at {shop.partner.subject.name}: {told(error)}")


def _buy(soak: Soak, shop: Shop, ref: str, dice: random.Random) -> None:
    """Pay, come back, give some of it back, and ask again, as shops do."""
    subject, gateway, way = shop.partner.subject, shop.sync, shop.partner.subject.selling
    order = replace(subject.order, ref=ref)
    outcome: object = gateway.pay(order, shop.partner.method(way))
    soak.tally.cases += 1
    soak.tally.note(f"{words(outcome)} by threads")
    if isinstance(outcome, ActionRequired):
        returned = shop.partner.pays(way, outcome.action)
        outcome = gateway.query(ref).outcome if returned is None else gateway.complete(ref, returned)
    if dice.random() < 0.1:
        gateway.pay(order, shop.partner.method(way))
    if isinstance(outcome, Succeeded) and subject.refund is not None and dice.random() < 0.2:
        gateway.refund(ref, f"BACK{ref}", subject.part)


async def _loop(soak: Soak, seed: int) -> None:
    async def task(turn: int) -> None:
        dice = random.Random(f"{seed}/task {turn}")
        while not soak.over.is_set():
            shop, ref = dice.choice(soak.shops), _ref(soak)
            try:
                await _abuy(soak, shop, ref, dice)
            except Exception as error:  # noqa: BLE001 - as above
                soak.tally.fail(0, f"{shop.partner.subject.name} {ref}: {told(error)}")
            await asyncio.sleep(_pause_s(soak, dice))

    await asyncio.gather(*(task(turn) for turn in range(TASKS)))
    for shop in soak.shops:
        await shop.coloured.aclose()


async def _abuy(soak: Soak, shop: Shop, ref: str, dice: random.Random) -> None:
    subject, gateway, way = shop.partner.subject, shop.coloured, shop.partner.subject.selling
    method = await asyncio.to_thread(shop.partner.method, way)
    outcome: object = await gateway.pay(replace(subject.order, ref=ref), method)
    soak.tally.cases += 1
    soak.tally.note(f"{words(outcome)} by tasks")
    if isinstance(outcome, ActionRequired):
        returned = await asyncio.to_thread(shop.partner.pays, way, outcome.action)
        if returned is None:
            outcome = (await gateway.query(ref)).outcome
        else:
            outcome = await gateway.complete(ref, returned)
    if isinstance(outcome, Succeeded) and subject.refund is not None and dice.random() < 0.2:
        await gateway.refund(ref, f"BACK{ref}", subject.part)


def _flat(soak: Soak, seed: int) -> None:
    """The last quarter against the second: by then everything is loaded and every pool is full."""
    quarter = max(1, len(soak.samples) // 4)
    early, late = soak.samples[quarter : 2 * quarter] or soak.samples, soak.samples[-quarter:]
    memory = [int(median(sample[0] for sample in part)) for part in (early, late)]
    handles = [int(median(sample[1] for sample in part)) for part in (early, late)]
    soak.tally.note("megabytes in the second quarter", memory[0] // 2**20)
    soak.tally.note("megabytes in the last quarter", memory[1] // 2**20)
    soak.tally.note("file handles in the second quarter", handles[0])
    soak.tally.note("file handles in the last quarter", handles[1])
    if memory[1] - memory[0] > GROWTH_BYTES:
        soak.tally.fail(seed, f"memory grew from {memory[0]:,} to {memory[1]:,} bytes")
    if handles[1] - handles[0] > GROWTH_HANDLES:
        soak.tally.fail(seed, f"file handles grew from {handles[0]} to {handles[1]}")


def _waiting(soak: Soak) -> list[Operation]:
    found = soak.journal.read(lambda session: session.open_operations())
    return [operation for operation in found if operation.for_person is None]


def _settle(soak: Soak) -> None:
    """No faults any more; time passes, and ``resume`` runs until nothing is open."""
    soak.tally.note("in doubt when the faults ended", sum(each.state is State.DOUBT for each in _waiting(soak)))
    for shop in soak.shops:
        shop.partner.calm()
    for turn in range(ROUNDS):
        for shop in soak.shops:
            notices = shop.partner.told(shop.heard)
            shop.heard += len(notices)
            for raw in notices:
                shop.sync.receive(raw)
            shop.sync.resume(deadline_s=300.0)
        waiting = _waiting(soak)
        if not waiting:
            soak.tally.note("rounds until nothing was open", turn + 1)
            return
        now = soak.clock.moment().utc
        _pass_by(soak, max(30.0, min((each.next_at or now) - now for each in waiting).total_seconds()))
        for shop in soak.shops:
            shop.partner.calm()


def _compare(soak: Soak, seed: int) -> None:
    """What is open is a failure; what is over stands in the partner's books the same, and so does the total."""
    for operation in soak.journal.read(lambda session: session.open_operations()):
        reason = operation.for_person or f"still {operation.state.value}"
        soak.tally.fail(seed, f"{operation.id} at {operation.partner}: {reason}")
    debts = [_debt(soak, f"SOAK{number:08d}") for number in range(1, next(soak.numbers))]
    for shop in soak.shops:
        mine = [debt for debt in debts if debt[1] and debt[1][0].account == shop.sync.adapter.account]
        for line in shop.partner.wrong_with(mine):
            soak.tally.fail(seed, line)
        theirs = shop.partner.net_minor([debt[0] for debt in mine])
        for debt, net in zip(mine, theirs, strict=True):
            ours = sum(map(_net_minor, debt[1]))
            if ours != net:
                told = [(one.id, one.state.value, one.cancelled_by) for one in debt[1]]
                soak.tally.fail(seed, f"{debt[0]}: {ours} kept by the journal, {net} by the partner's books: {told}")
        soak.tally.note(f"debts at {shop.partner.subject.name}", len(mine))
        soak.tally.note("money that both sides agree on, in minor units", sum(theirs))


def _debt(soak: Soak, ref: str) -> DebtsBook:
    return ref, *soak.journal.read(lambda session: (session.operations(ref), session.history(ref)))


def _net_minor(operation: Operation) -> int:
    """What this operation adds to what was taken and kept."""
    if operation.state is not State.SUCCEEDED:
        return 0
    amount = operation.amount.amount_minor
    return {Verb.PAY: amount, Verb.REFUND: -amount}.get(operation.verb, 0)


FAMILY = Family(
    id="T18",
    title="50 threads and 50 tasks, a tenth of the requests faulty: flat memory and handles, then nothing in doubt",
    run=run,
    gate=120,
    long=1_200,
    shard=1_200,
    limit_s=3_600.0,
    leads=True,
    busy_percent=65,
)
