"""What the transport costs beside stock httpx: CPU per request, on warm connections.

Stock httpx gets limits as high as ours and one shared context, as anyone who tunes it would do.
``python -m benchmarks.transport``.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from functools import partial

import httpx

from benchmarks.figures import Row, cpu_us, interleaved, ratio, report, us
from benchmarks.server import Server, served
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.tls import context
from payport.sdk.transport.http import AsyncHttpTransport, HttpTransport

IN_FLIGHT = 64
ROUNDS = 5
EACH = 12
BODY = b"x" * 600
HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Bearer x"}

Send = Callable[[str], Awaitable[object]]


async def _burst(send: Send, at_once: int) -> float:
    """CPU per request of many at once on as many idle connections, which answers held back have made open first."""
    await asyncio.gather(*(send("/hold") for _ in range(at_once)))
    gc.collect()
    begun_s = time.process_time()
    await asyncio.gather(*(send("/pay") for _ in range(at_once)))
    return (time.process_time() - begun_s) / at_once * 1e6


async def _steady(send: Send, at_once: int, *, each: int) -> float:
    """CPU per request of many tasks that send ``each`` requests one after another."""

    async def task() -> None:
        for _ in range(each):
            await send("/pay")

    await asyncio.gather(*(send("/pay") for _ in range(at_once)))
    gc.collect()
    begun_s = time.process_time()
    await asyncio.gather(*(task() for _ in range(at_once)))
    return (time.process_time() - begun_s) / (at_once * each) * 1e6


def _request(url: str) -> WireRequest:
    return WireRequest(endpoint="b", moves_money=True, method="POST", url=url, headers=HEADERS, content=BODY)


def _checked(answer: object) -> None:
    if not isinstance(answer, WireReply):
        raise TypeError(f"the benchmark's request failed: {answer}")


async def _in_tasks(
    server: Server, measure: Callable[[Send, int], Awaitable[float]], rounds: int, at_once: int
) -> dict[str, list[float]]:
    """Every round takes each way once. The first round warms up and does not count."""
    hosts = frozenset({server.host})
    own = AsyncHttpTransport(server.trust, hosts, max_connections=at_once)
    fast = AsyncHttpTransport(server.trust, hosts, max_connections=at_once, backend="aiohttp")
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    figures: dict[str, list[float]] = {}
    async with httpx.AsyncClient(verify=context(server.trust), limits=limits, trust_env=False, timeout=30) as stock:

        async def by_own(path: str) -> None:
            _checked(await own.send(_request(server.url + path), 30.0))

        async def by_aiohttp(path: str) -> None:
            _checked(await fast.send(_request(server.url + path), 30.0))

        async def by_httpx(path: str) -> None:
            (await stock.post(server.url + path, content=BODY, headers=HEADERS)).raise_for_status()

        sends: dict[str, Send] = {"own": by_own, "aiohttp": by_aiohttp, "httpx": by_httpx}
        for number in range(rounds + 1):
            for name, send in sends.items():
                figure = await measure(send, at_once)
                if number > 0:
                    figures.setdefault(name, []).append(figure)
    await own.aclose()
    await fast.aclose()
    return figures


def _in_one_thread(server: Server, rounds: int, count: int) -> dict[str, list[float]]:
    url = f"{server.url}/pay"
    own = HttpTransport(server.trust, frozenset({server.host}))
    with httpx.Client(verify=context(server.trust), trust_env=False, timeout=30) as stock:
        figures = interleaved(
            {
                "own": lambda: cpu_us(lambda: _checked(own.send(_request(url), 30.0)), count),
                "httpx": lambda: cpu_us(lambda: stock.post(url, content=BODY, headers=HEADERS), count),
            },
            rounds,
        )
    own.close()
    return figures


def _lower(name: str, ours: list[float], stock: list[float], must: float, ambitious: float) -> Row:
    figure = ratio(ours, stock)
    return Row(name=name, figure=figure, must=must, ambitious=ambitious, ours=us(ours), beside=us(stock))


def _higher(name: str, ours: list[float], stock: list[float], must: float, ambitious: float) -> Row:
    figure, sides = ratio(stock, ours), (us(ours), us(stock))
    return Row(name=name, figure=figure, must=must, ambitious=ambitious, higher=True, ours=sides[0], beside=sides[1])


def rows(rounds: int = ROUNDS, *, at_once: int = IN_FLIGHT, each: int = EACH, count: int = 200) -> list[Row]:
    """Measure. New clients for each kind: a burst leaves stock httpx with 64 idle connections, which slow it down."""
    with served({}) as server:
        sync = _in_one_thread(server, rounds, count)
        steady = asyncio.run(_in_tasks(server, partial(_steady, each=each), rounds, at_once))
        burst = asyncio.run(_in_tasks(server, _burst, rounds, at_once))
    return [
        _lower("one request at a time: CPU / httpx", sync["own"], sync["httpx"], 1.0, 0.75),
        _lower(f"burst of {at_once}: CPU / httpx", burst["own"], burst["httpx"], 0.05, 0.025),
        _lower(f"burst of {at_once}, extra aiohttp: CPU / httpx", burst["aiohttp"], burst["httpx"], 0.05, 0.025),
        _higher(f"{at_once} in flight: throughput / httpx", steady["own"], steady["httpx"], 3.5, 5.5),
        _higher(
            f"{at_once} in flight, extra aiohttp: throughput / httpx", steady["aiohttp"], steady["httpx"], 3.5, 5.5
        ),
    ]


if __name__ == "__main__":
    report(rows())
