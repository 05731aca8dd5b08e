"""What the transport costs beside stock httpx: CPU per request, interleaved rounds, ratios only.

Run with ``python -m benchmarks.transport``. The server is a bare loop in a child process and speaks TLS 1.3; stock
httpx gets limits as high as ours and one shared context, as anyone who tunes it would do. CPU time is this process's.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import ssl
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import httpx

from payport.sdk.message import WireReply, WireRequest
from payport.sdk.testing.certificates import loopback_certificates
from payport.sdk.tls import Trust, context
from payport.sdk.transport.http import AsyncHttpTransport, HttpTransport

IN_FLIGHT = 64
ROUNDS = 7
HOLD_S = 0.6
BODY = b"x" * 600
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 300\r\n\r\n" + b"y" * 300
HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Bearer x"}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. ``ratio``: of CPU per request to stock httpx's, or of its inverse where ``better`` says "higher"."""

    name: str
    ratio: float
    goal: float
    better: str
    cpu_us: float
    httpx_cpu_us: float


class _Answering(asyncio.Protocol):
    """Answers once for each whole request; all requests here have the same body."""

    def __init__(self) -> None:
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, separator, body = self._seen.partition(b"\r\n\r\n")
        if separator and len(body) >= len(BODY):
            self._seen = b""
            wait_s = HOLD_S if head.startswith(b"POST /hold") else 0.0
            asyncio.get_running_loop().call_later(wait_s, self._transport.write, REPLY)


def _serve(chain: str, tell: Connection) -> None:
    async def run() -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(chain)
        server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0, ssl=tls, backlog=512)
        tell.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def _cpu_us(work: Callable[[], object], count: int) -> float:
    gc.collect()
    gc.disable()
    begun = time.process_time()
    work()
    spent = time.process_time() - begun
    gc.enable()
    return spent / count * 1e6


Send = Callable[[str], Awaitable[object]]


async def _burst(send: Send) -> float:
    """CPU per request of 64 at once on 64 idle connections, which answers held back have made open first."""
    await asyncio.gather(*(send("/hold") for _ in range(IN_FLIGHT)))
    gc.collect()
    gc.disable()
    begun = time.process_time()
    await asyncio.gather(*(send("/pay") for _ in range(IN_FLIGHT)))
    spent = time.process_time() - begun
    gc.enable()
    return spent / IN_FLIGHT * 1e6


async def _steady(send: Send, each: int = 12) -> float:
    """CPU per request of 64 tasks that send one request after another."""

    async def task() -> None:
        for _ in range(each):
            await send("/pay")

    await asyncio.gather(*(send("/pay") for _ in range(IN_FLIGHT)))
    gc.collect()
    gc.disable()
    begun = time.process_time()
    await asyncio.gather(*(task() for _ in range(IN_FLIGHT)))
    spent = time.process_time() - begun
    gc.enable()
    return spent / (IN_FLIGHT * each) * 1e6


async def _aside(
    sends: dict[str, Send], measure: Callable[[Send], Awaitable[float]], rounds: int
) -> dict[str, list[float]]:
    """Interleaved: every round takes each way once, so that a busy machine is busy for all of them."""
    figures: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, send in sends.items():
            figures.setdefault(name, []).append(await measure(send))
    return figures


def _request(url: str) -> WireRequest:
    return WireRequest(endpoint="b", moves_money=True, method="POST", url=url, headers=HEADERS, content=BODY)


def _checked(answer: object) -> None:
    if not isinstance(answer, WireReply):
        raise TypeError(f"the benchmark's request failed: {answer}")


async def _async_figures(
    url: str, trust: Trust, hosts: frozenset[str], measure: Callable[[Send], Awaitable[float]], rounds: int
) -> dict[str, list[float]]:
    """New clients for each measure: a burst leaves stock httpx with 64 idle connections, which slow its steady work."""
    own = AsyncHttpTransport(trust, hosts, max_connections=IN_FLIGHT)
    fast = AsyncHttpTransport(trust, hosts, max_connections=IN_FLIGHT, backend="aiohttp")
    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    async with httpx.AsyncClient(verify=context(trust), limits=limits, trust_env=False, timeout=30) as stock:

        async def by_own(path: str) -> None:
            _checked(await own.send(_request(url + path), 30.0))

        async def by_aiohttp(path: str) -> None:
            _checked(await fast.send(_request(url + path), 30.0))

        async def by_httpx(path: str) -> None:
            (await stock.post(url + path, content=BODY, headers=HEADERS)).raise_for_status()

        figures = await _aside({"own": by_own, "aiohttp": by_aiohttp, "httpx": by_httpx}, measure, rounds)
    await own.aclose()
    await fast.aclose()
    return figures


def _sync_figures(url: str, trust: Trust, hosts: frozenset[str], rounds: int) -> dict[str, list[float]]:
    url += "/pay"
    own = HttpTransport(trust, hosts)
    figures: dict[str, list[float]] = {"own": [], "httpx": []}
    with httpx.Client(verify=context(trust), trust_env=False, timeout=30) as stock:

        def by_own() -> None:
            for _ in range(200):
                _checked(own.send(_request(url), 30.0))

        def by_httpx() -> None:
            for _ in range(200):
                stock.post(url, content=BODY, headers=HEADERS).raise_for_status()

        for _ in range(rounds):
            figures["own"].append(_cpu_us(by_own, 200))
            figures["httpx"].append(_cpu_us(by_httpx, 200))
    own.close()
    return figures


def _row(name: str, mine: list[float], stock: list[float], goal: float, *, higher: bool = False) -> Row:
    ratios = [ours / theirs for ours, theirs in zip(mine[1:], stock[1:], strict=True)]
    ratio = statistics.median(ratios)
    better = "higher" if higher else "lower"
    return Row(name, 1 / ratio if higher else ratio, goal, better, statistics.median(mine), statistics.median(stock))


def rows(rounds: int = ROUNDS) -> list[Row]:
    """Measure. Takes about four seconds a round; the first round warms up and does not count."""
    certificates = loopback_certificates()
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder, "server.pem")
        chain.write_text(certificates.server + certificates.server_key)
        server = spawn.Process(target=_serve, args=(str(chain), there), daemon=True)
        server.start()
        port = int(here.recv())
        trust = Trust(ca_data=certificates.authority)
        url, hosts = f"https://127.0.0.1:{port}", frozenset({f"127.0.0.1:{port}"})
        try:
            sync = _sync_figures(url, trust, hosts, rounds + 1)
            steady = asyncio.run(_async_figures(url, trust, hosts, _steady, rounds + 1))
            burst = asyncio.run(_async_figures(url, trust, hosts, _burst, rounds + 1))
        finally:
            server.terminate()
            server.join()
    return [
        _row("sync, 1 in flight: CPU / httpx", sync["own"], sync["httpx"], 0.75),
        _row("burst of 64: CPU / httpx", burst["own"], burst["httpx"], 0.05),
        _row("burst of 64 on aiohttp: CPU / httpx", burst["aiohttp"], burst["httpx"], 0.025),
        _row("64 in flight: throughput / httpx", steady["own"], steady["httpx"], 3.5, higher=True),
        _row("64 in flight on aiohttp: throughput / httpx", steady["aiohttp"], steady["httpx"], 5.5, higher=True),
    ]


def main() -> None:
    """Print the table."""
    for row in rows():
        sign = ">=" if row.better == "higher" else "<="
        figures = f"{row.ratio:8.3f}  goal {sign} {row.goal:<6} {row.cpu_us:8.0f} us  httpx {row.httpx_cpu_us:8.0f} us"
        print(f"{row.name:<46}{figures}")


if __name__ == "__main__":
    main()
