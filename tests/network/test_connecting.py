"""A connection that does not come about: it takes its own time, not the call's, and nothing has left."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Literal

import pytest
import trio
from tests.support.drivers import post

from payport.sdk.message import FailureKind, SendFailure, WireReply
from payport.sdk.tls import Trust
from payport.sdk.transport.http import AsyncHttpTransport, HttpTransport


@pytest.mark.parametrize("name", ["sync", "asyncio", "aiohttp", "trio"])
def test_a_host_that_says_nothing_costs_the_time_of_a_connection_not_of_the_call(name: str) -> None:
    """It takes the connection and never shakes hands: given up after ``connect_s``, with nothing sent."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        host = f"127.0.0.1:{deaf.getsockname()[1]}"
        request = post(f"https://{host}/")
        begin_s = time.monotonic()
        if name == "sync":
            blocking = HttpTransport(Trust(), frozenset({host}), connect_s=0.3)
            got = blocking.send(request, 20.0)
            blocking.close()
        else:

            async def once() -> WireReply | SendFailure:
                backend: Literal["httpcore", "aiohttp"] = "aiohttp" if name == "aiohttp" else "httpcore"
                transport = AsyncHttpTransport(Trust(), frozenset({host}), backend=backend, connect_s=0.3)
                answer = await transport.send(request, 20.0)
                await transport.aclose()
                return answer

            got = trio.run(once) if name == "trio" else asyncio.run(once())
    assert isinstance(got, SendFailure)
    assert not got.may_have_left
    assert got.kind in (FailureKind.TLS, FailureKind.UNREACHABLE)
    assert 0.3 <= time.monotonic() - begin_s < 5
