"""The four ways to send: threads, asyncio over httpcore, asyncio over aiohttp, trio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import anyio
import trio

from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.tls import Trust
from payport.sdk.transport.http import AsyncHttpTransport, HttpTransport

PLAIN = Trust(loopback_plaintext=True)
BODY = b"out_trade_no=SHOP10010001&total_amount=12.34"


def post(url: str, *, max_reply_bytes: int = 1024 * 1024, content: bytes = BODY, method: str = "POST") -> WireRequest:
    """A request that moves money."""
    return WireRequest(
        endpoint="trade.pay",
        moves_money=True,
        method=method,
        url=url,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Authorization": "secret-token"},
        content=content,
        max_reply_bytes=max_reply_bytes,
    )


@dataclass(frozen=True)
class Driver:
    """Sends requests one after another on one transport, ``pause_s`` apart."""

    name: Literal["sync", "asyncio", "aiohttp", "trio"]

    def send(
        self,
        requests: Sequence[WireRequest],
        *,
        hosts: frozenset[str],
        trust: Trust = PLAIN,
        timeout_s: float = 5.0,
        pause_s: float = 0.0,
    ) -> list[WireReply | SendFailure]:
        """The answers in order."""
        if self.name == "sync":
            return _send(requests, hosts, trust, timeout_s, pause_s)
        go = partial(_asend, self.name == "aiohttp", requests, hosts, trust, timeout_s, pause_s)
        return trio.run(go) if self.name == "trio" else asyncio.run(go())


DRIVERS = [Driver("sync"), Driver("asyncio"), Driver("aiohttp"), Driver("trio")]


def _send(
    requests: Sequence[WireRequest], hosts: frozenset[str], trust: Trust, timeout_s: float, pause_s: float
) -> list[WireReply | SendFailure]:
    transport = HttpTransport(trust, hosts)
    answers: list[WireReply | SendFailure] = []
    for request in requests:
        answers.append(transport.send(request, timeout_s))
        time.sleep(pause_s)
    transport.close()
    return answers


async def _asend(
    aiohttp: bool,
    requests: Sequence[WireRequest],
    hosts: frozenset[str],
    trust: Trust,
    timeout_s: float,
    pause_s: float,
) -> list[WireReply | SendFailure]:
    transport = AsyncHttpTransport(trust, hosts, backend="aiohttp" if aiohttp else "httpcore")
    answers: list[WireReply | SendFailure] = []
    for request in requests:
        answers.append(await transport.send(request, timeout_s))
        await anyio.sleep(pause_s)
    await transport.aclose()
    return answers
