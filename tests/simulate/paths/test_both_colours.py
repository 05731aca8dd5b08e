"""Sync, asyncio and trio do the same: outcomes, history and requests, word for word."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import trio
from tests.support.paths import World, order, payout_order
from tests.support.scenarios import HELD, PAYEE, YUAN

from payport.schemas import ActionRequired, QrScanned, QrShown, Succeeded
from payport.schemas.references import PartnerId
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.watching import EveryVerb

SOLD, HOLD, SHOWN, WAGE = "BOTHSOLD0001", "BOTHHOLD0001", "BOTHSHOW0001", "BOTHWAGE0001"

Step: TypeAlias = Callable[[Gateway[EveryVerb], World], object]
AsyncStep: TypeAlias = Callable[[AsyncGateway[EveryVerb], World], Awaitable[object]]


def scan(world: World) -> QrScanned:
    return QrScanned(auth_code=world.partner.payer.code())


def quiet(world: World) -> PartnerId:
    """The number of the sold order; on the way, the next refund's answer is lost."""
    world.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "alipay.trade.refund")
    return PartnerId(world.last(SOLD).partner_id or "")


SYNC: list[Step] = [
    lambda g, w: g.pay(order(SOLD), scan(w), deadline_s=3),
    lambda g, w: quiet(w),
    lambda g, w: g.refund(SOLD, "BOTHBACK0001", YUAN, reason="stale tea"),
    lambda g, w: g.query_refund(SOLD, "BOTHBACK0001"),
    lambda g, w: g.query(SOLD),
    lambda g, w: g.wait(SOLD, 5),
    lambda g, w: g.pay(order(HOLD, capture=HELD), scan(w), deadline_s=3),
    lambda g, w: g.capture(HOLD, YUAN, capture_ref="BOTHPART0001", final=False),
    lambda g, w: g.capture(HOLD, YUAN * 20, capture_ref="BOTHPART0002"),
    lambda g, w: g.cancel(HOLD),
    lambda g, w: g.capture(HOLD, YUAN, capture_ref="BOTHPART0003"),
    lambda g, w: g.pay(order(SHOWN), QrShown()),
    lambda g, w: g.receive(w.partner.notices[0]),
    lambda g, w: g.payout(payout_order(WAGE), PAYEE),
    lambda g, w: g.query_payout(WAGE),
    lambda g, w: g.open_operations(),
    lambda g, w: g.resume(),
    lambda g, w: g.resolve(SHOWN),
    lambda g, w: g.history(SOLD),
    lambda g, w: g.acknowledge(*g.changes(3)),
]


async def _acknowledge(gateway: AsyncGateway[EveryVerb]) -> None:
    await gateway.acknowledge(*await gateway.changes(3))


async def _quiet(world: World) -> PartnerId:
    return quiet(world)


ASYNC: list[AsyncStep] = [
    lambda g, w: g.pay(order(SOLD), scan(w), deadline_s=3),
    lambda g, w: _quiet(w),
    lambda g, w: g.refund(SOLD, "BOTHBACK0001", YUAN, reason="stale tea"),
    lambda g, w: g.query_refund(SOLD, "BOTHBACK0001"),
    lambda g, w: g.query(SOLD),
    lambda g, w: g.wait(SOLD, 5),
    lambda g, w: g.pay(order(HOLD, capture=HELD), scan(w), deadline_s=3),
    lambda g, w: g.capture(HOLD, YUAN, capture_ref="BOTHPART0001", final=False),
    lambda g, w: g.capture(HOLD, YUAN * 20, capture_ref="BOTHPART0002"),
    lambda g, w: g.cancel(HOLD),
    lambda g, w: g.capture(HOLD, YUAN, capture_ref="BOTHPART0003"),
    lambda g, w: g.pay(order(SHOWN), QrShown()),
    lambda g, w: g.receive(w.partner.notices[0]),
    lambda g, w: g.payout(payout_order(WAGE), PAYEE),
    lambda g, w: g.query_payout(WAGE),
    lambda g, w: g.open_operations(),
    lambda g, w: g.resume(),
    lambda g, w: g.resolve(SHOWN),
    lambda g, w: g.history(SOLD),
    lambda g, w: _acknowledge(g),
]


def sync(world: World) -> list[object]:
    """One after another."""
    gateway = world.gateway()
    return [step(gateway, world) for step in SYNC]


async def coloured(world: World) -> list[object]:
    """The same, awaited."""
    gateway = world.async_gateway()
    return [await step(gateway, world) for step in ASYNC]


def on_asyncio(world: World) -> list[object]:
    return asyncio.run(coloured(world))


def on_trio(world: World) -> list[object]:
    async def go() -> list[object]:
        return await coloured(world)

    return trio.run(go)


def test_three_colours_tell_and_do_the_same(tmp_path: Path) -> None:
    """One body of code: what is told, what the journal keeps and what leaves is equal."""
    seen: list[tuple[list[str], list[str], list[str]]] = []
    for colour in (sync, on_asyncio, on_trio):
        folder = tmp_path / colour.__name__
        folder.mkdir()
        with World(folder, mode="certificate") as world:
            told = [repr(item) for item in colour(world)]
            kept = [repr(line) for ref in (SOLD, HOLD, SHOWN, WAGE) for line in world.history(ref)]
            seen.append((told, kept, world.calls()))
            assert not [line for ref in (SOLD, HOLD, SHOWN, WAGE) for line in world.wrong_with(ref)]
    assert seen[0] == seen[1] == seen[2]


def test_the_script_ends_as_a_reader_expects(certified: World) -> None:
    """So that *the same* is not the same nonsense three times."""
    told = [type(item).__name__ for item in sync(certified)]
    assert told[:15] == [
        "Succeeded", "PartnerId", "Succeeded", "Observed", "Observed", "Succeeded", "Authorized", "Succeeded",
        "NotSent", "Succeeded", "NotSent", "ActionRequired", "Verified", "Succeeded", "Observed",
    ]  # fmt: skip
    assert isinstance(certified.worker.pay(order(SHOWN), QrShown()), ActionRequired)
    assert isinstance(certified.worker.wait(SOLD, 1), Succeeded)
