"""Async callers: cancelled at every await, on one loop after another, under asyncio and trio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest
import trio
from tests.support.paths import World, action_of, order
from tests.support.scenarios import YUAN, pay_scanned

from payport.schemas import QrScanned, QrShown, Succeeded
from payport.sdk.exchange import Effect, Exchange, adrive
from payport.sdk.gateway import AsyncGateway
from payport.sdk.hosting import AsyncHosting
from payport.sdk.testing.watching import AsyncWatchedTransport, EveryVerb


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("cancelled")) as made:
        yield made


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return count(1)


@dataclass(frozen=True, kw_only=True)
class CancellingHost(AsyncHosting):
    """Has its own task cancelled while effect number ``at`` is awaited."""

    at: int
    turn: Iterator[int] = field(default_factory=count)

    async def perform(self, effect: Effect) -> object:
        if next(self.turn) == self.at:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)  # what waits for nothing is cancelled too
        return await super().perform(effect)


def scanned(world: World, ref: str) -> Callable[[], Exchange[object]]:
    method = QrScanned(auth_code=world.partner.payer.code())
    desk = world.desk()
    return lambda: desk.pay(world.adapter, order(ref), method, 2)


def shown(world: World, ref: str) -> Callable[[], Exchange[object]]:
    desk = world.desk()
    return lambda: desk.pay(world.adapter, order(ref), QrShown(), 2)


def refund(world: World, ref: str) -> Callable[[], Exchange[object]]:
    pay_scanned(world, ref).finish()
    desk = world.desk()
    return lambda: desk.refund(world.adapter, ref, f"R{ref}", YUAN, "", 2)


@pytest.mark.parametrize("verb", [scanned, shown, refund], ids=lambda verb: verb.__name__)
def test_a_task_that_is_cancelled_at_any_await_leaves_what_resume_settles(
    world: World, numbers: Iterator[int], verb: Callable[[World, str], Callable[[], Exchange[object]]]
) -> None:
    """Cancellation is raised to the caller, nothing is claimed, and the books agree in the end."""
    refs: list[str] = []
    for at in range(100):
        refs.append(f"CANCEL{next(numbers):05d}")
        start = verb(world, refs[-1])
        around = world.desk().around
        host = CancellingHost(around=around, transport=AsyncWatchedTransport(world.transport), at=at)
        try:
            asyncio.run(_driven(start, host))
        except asyncio.CancelledError:
            continue
        break
    else:
        raise AssertionError("it does not end")
    assert len(refs) > 5
    world.settle()
    assert not [line for ref in refs for line in world.wrong_with(ref)]


async def _driven(start: Callable[[], Exchange[object]], host: AsyncHosting) -> object:
    return await adrive(start(), host)


def buy(world: World, gateway: AsyncGateway[EveryVerb], ref: str) -> Callable[[], Awaitable[object]]:
    """One scanned payment."""

    async def go() -> object:
        return await gateway.pay(order(ref), QrScanned(auth_code=world.partner.payer.code()), deadline_s=3)

    return go


def test_one_gateway_serves_one_loop_after_another(world: World, numbers: Iterator[int]) -> None:
    """``asyncio.run`` twice, then trio: nothing is left behind in a loop that is gone."""
    gateway = world.async_gateway()

    async def on_asyncio(ref: str) -> object:
        return await buy(world, gateway, ref)()

    for _ in range(2):
        assert isinstance(asyncio.run(on_asyncio(f"LOOP{next(numbers):06d}")), Succeeded)
    assert isinstance(trio.run(buy(world, gateway, f"LOOP{next(numbers):06d}")), Succeeded)


@pytest.mark.parametrize("runs", ["asyncio", "trio"])
def test_tasks_that_pay_one_order_at_once_share_its_one_attempt(
    world: World, numbers: Iterator[int], runs: str
) -> None:
    """Twenty tasks of one gateway: one code, the same for all."""
    ref = f"TASKS{next(numbers):06d}"
    gateway = world.async_gateway()
    told: list[object] = []

    async def one() -> None:
        told.append(action_of(await gateway.pay(order(ref), QrShown(), deadline_s=10)))

    async def on_asyncio() -> None:
        await asyncio.gather(*(one() for _ in range(20)))

    async def on_trio() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(one)

    if runs == "asyncio":
        asyncio.run(on_asyncio())
    else:
        trio.run(on_trio)
    assert len(told) == 20
    assert len(set(map(str, told))) == 1
    assert len(world.operations(ref)) == 1
