"""The life of a transport: threads, event loops, forks, cancellation, limits, mocks. All on real sockets."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Literal, cast

import anyio
import httpcore
import httpx
import httpx_aiohttp
import pytest
import respx
import trio
from tests.support.drivers import DRIVERS, PLAIN, Driver, post
from tests.support.loopback import OK, Partner, Visit

from payport.sdk.errors import ConfigurationError
from payport.sdk.message import FailureKind, SendFailure, WireReply
from payport.sdk.tls import Trust
from payport.sdk.transport import AsyncTransport, Transport
from payport.sdk.transport.http import AsyncHttpTransport, HttpTransport

Backend = Literal["httpcore", "aiohttp"]
BACKENDS: tuple[Backend, ...] = ("httpcore", "aiohttp")
URL = "https://openapi.example.com/gateway.do"
HOSTS = frozenset({"openapi.example.com"})


def slow(seconds: float) -> Callable[[Visit], None]:
    def script(visit: Visit) -> None:
        while visit.request():
            time.sleep(seconds)
            visit.send(OK)

    return script


def status(got: WireReply | SendFailure) -> int:
    assert isinstance(got, WireReply), got
    return got.status


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def test_64_threads_share_one_transport() -> None:
    """Replies never cross, and a burst on a warm pool opens no further connection."""

    def echo(visit: Visit) -> None:
        while request := visit.request():
            body = request.partition(b"\r\n\r\n")[2]
            time.sleep(0.02)
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    with Partner(echo) as partner, ThreadPoolExecutor(64) as threads:
        transport: Transport = HttpTransport(PLAIN, frozenset({partner.host}), max_connections=16)

        def one(number: int) -> bool:
            body = b"order-%d" % number
            got = transport.send(post(partner.url, content=body), 20.0)
            return isinstance(got, WireReply) and got.content == body

        assert all(threads.map(one, range(256)))
        warm = partner.raw
        assert all(threads.map(one, range(256)))
        assert warm == partner.raw <= 16
        transport.close()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_burst_of_64_tasks_reuses_its_connections(backend: Backend) -> None:
    """Two bursts of 64 use the same connections, never more than the limit."""
    with Partner(slow(0.02)) as partner:

        async def bursts() -> None:
            transport: AsyncTransport = AsyncHttpTransport(
                PLAIN, frozenset({partner.host}), backend=backend, max_connections=32
            )
            for _ in range(2):
                got = await asyncio.gather(*(transport.send(post(partner.url), 20.0) for _ in range(64)))
                assert {200} == {status(answer) for answer in got}
            await transport.aclose()

        asyncio.run(bursts())
        assert partner.raw <= 32


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_no_file_stays_open(driver: Driver) -> None:
    """Good or bad, whatever was opened is closed when the transport is."""

    def use() -> None:
        with Partner() as partner, Partner(Visit.reset) as broken, Partner(slow(0.4)) as late:
            hosts = frozenset({partner.host, broken.host, late.host})
            driver.send([post(partner.url), post(broken.url)] * 3, hosts=hosts)
            driver.send([post(late.url)], hosts=hosts, timeout_s=0.1)

    use()  # what is opened once for all, by an event loop or a look-up, is open now
    before = open_files()
    use()
    assert open_files() == before


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_transport_serves_several_event_loops(backend: Backend) -> None:
    """A second asyncio.run, and trio, start afresh; what an ended loop left is closed without a warning."""
    with Partner() as partner:
        transport = AsyncHttpTransport(PLAIN, frozenset({partner.host}), backend=backend)

        async def once() -> int:
            return status(await transport.send(post(partner.url), 5.0))

        assert [asyncio.run(once()), asyncio.run(once()), trio.run(once), trio.run(once)] == [200, 200, 200, 200]
        assert partner.raw == 4
        gc.collect()


def test_a_loop_that_was_closed_without_care_leaves_nothing_behind() -> None:
    """``loop.close()`` without shutting down generators: the next loop sweeps up."""
    with Partner() as partner:
        transport = AsyncHttpTransport(PLAIN, frozenset({partner.host}))

        async def once() -> int:
            return status(await transport.send(post(partner.url), 5.0))

        loop = asyncio.new_event_loop()
        assert loop.run_until_complete(once()) == 200
        loop.close()
        assert asyncio.run(once()) == 200
        del loop
        gc.collect()


def test_two_loops_at_once_and_one_closes() -> None:
    """Closing from one event loop refuses later requests and closes what is idle in the other."""
    with Partner() as partner:
        transport = AsyncHttpTransport(PLAIN, frozenset({partner.host}))
        sent, closed = threading.Event(), threading.Event()
        later: list[WireReply | SendFailure] = []

        async def other() -> None:
            await transport.send(post(partner.url), 5.0)
            sent.set()
            await asyncio.to_thread(closed.wait, 5)
            later.append(await transport.send(post(partner.url), 5.0))

        async def closing() -> None:
            await transport.send(post(partner.url), 5.0)
            await transport.aclose()

        thread = threading.Thread(target=lambda: asyncio.run(other()))
        thread.start()
        assert sent.wait(5)
        asyncio.run(closing())
        closed.set()
        thread.join(5)
    assert isinstance(later[0], SendFailure)
    assert (later[0].kind, later[0].may_have_left) == (FailureKind.REFUSED, False)


def in_child(work: Callable[[], bool]) -> bool:
    """Fork, run ``work`` in the child, and say whether it was true."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_fork_never_shares_a_connection() -> None:
    """The child opens its own connections, and the parent's stay usable."""
    with Partner() as partner:
        transport = HttpTransport(PLAIN, frozenset({partner.host}))
        another = AsyncHttpTransport(PLAIN, frozenset({partner.host}))

        async def once() -> bool:
            return isinstance(await another.send(post(partner.url), 5.0), WireReply)

        def both() -> bool:
            return isinstance(transport.send(post(partner.url), 5.0), WireReply) and asyncio.run(once())

        assert both()
        assert partner.raw == 2
        assert in_child(both)
        assert partner.raw == 4
        assert isinstance(transport.send(post(partner.url), 5.0), WireReply)
        assert partner.raw == 4
        transport.close()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_cancelled_request_takes_its_connection_with_it(backend: Backend) -> None:
    """The reply to a cancelled request must never be read by the next one."""

    def script(visit: Visit) -> None:
        if visit.number == 1:
            visit.request()
            time.sleep(0.3)
            visit.send(OK.replace(b"paid", b"late"))
        while visit.request():
            visit.send(OK)

    with Partner(script) as partner:

        async def cancelled() -> WireReply | SendFailure:
            transport = AsyncHttpTransport(PLAIN, frozenset({partner.host}), backend=backend, max_connections=1)
            task = asyncio.create_task(transport.send(post(partner.url), 5.0))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            got = await transport.send(post(partner.url), 5.0)
            await transport.aclose()
            return got

        got = asyncio.run(cancelled())
    assert isinstance(got, WireReply)
    assert got.content == b"paid"
    assert partner.raw == 2


@pytest.mark.parametrize("name", ["sync", "asyncio", "aiohttp", "trio"])
def test_waiting_for_a_place_counts_as_not_sent(name: str) -> None:
    """With every place taken, time runs out before anything is sent."""
    with Partner(slow(0.8)) as partner:
        hosts = frozenset({partner.host})
        got: list[WireReply | SendFailure] = []
        if name == "sync":
            transport = HttpTransport(PLAIN, hosts, max_connections=1)
            first = threading.Thread(target=lambda: transport.send(post(partner.url), 5.0))
            first.start()
            time.sleep(0.2)
            got.append(transport.send(post(partner.url), 0.2))
            first.join()
            transport.close()
        else:
            backend: Backend = "aiohttp" if name == "aiohttp" else "httpcore"

            async def crowd() -> None:
                transport = AsyncHttpTransport(PLAIN, hosts, max_connections=1, backend=backend)
                async with anyio.create_task_group() as group:
                    group.start_soon(transport.send, post(partner.url), 5.0)
                    await anyio.sleep(0.2)
                    got.append(await transport.send(post(partner.url), 0.2))
                await transport.aclose()

            trio.run(crowd) if name == "trio" else asyncio.run(crowd())
    (failure,) = got
    assert isinstance(failure, SendFailure)
    assert (failure.kind, failure.may_have_left) == (FailureKind.DEADLINE, False)
    assert partner.received.count(b"POST ") == 1


def test_an_idle_connection_grows_old() -> None:
    """After ``idle_s`` a connection is closed, not used: the partner may be about to close it."""
    with Partner() as partner:
        transport = HttpTransport(PLAIN, frozenset({partner.host}), idle_s=0.05)
        transport.send(post(partner.url), 5.0)
        time.sleep(0.1)
        assert status(transport.send(post(partner.url), 5.0)) == 200
        assert partner.raw == 2
        transport.close()


def test_connections_never_pass_the_limit_over_several_hosts() -> None:
    """At the limit, the oldest idle connection of another host makes room."""
    with Partner() as one, Partner() as two, Partner() as three:
        hosts = frozenset({one.host, two.host, three.host})
        transport = HttpTransport(PLAIN, hosts, max_connections=2)
        for partner in (one, two, three, two, one):
            assert status(transport.send(post(partner.url), 5.0)) == 200
        assert (one.raw, two.raw, three.raw) == (2, 1, 1)
        transport.close()


def test_respx_mocks_the_default_transport() -> None:
    """respx patches httpcore's connections, which is what we use: no argument needed, sync and async."""

    async def asynchronous() -> WireReply | SendFailure:
        return await AsyncHttpTransport(Trust(), HOSTS).send(post(URL), 5.0)

    with respx.mock as router:
        route = router.post(URL).respond(200, json={"code": "10000"})
        answers = [
            HttpTransport(Trust(), HOSTS).send(post(URL), 5.0),
            asyncio.run(asynchronous()),
            trio.run(asynchronous),
        ]
        assert [answer.content for answer in answers if isinstance(answer, WireReply)] == [b'{"code":"10000"}'] * 3
        assert route.call_count == 3


MOCKED = [
    (httpx.ConnectError("no"), FailureKind.UNREACHABLE, False),
    (httpx.ConnectTimeout("no"), FailureKind.UNREACHABLE, False),
    (httpx.PoolTimeout("no"), FailureKind.DEADLINE, False),
    (httpx.ProxyError("no"), FailureKind.UNREACHABLE, False),
    (httpx.UnsupportedProtocol("no"), FailureKind.REFUSED, False),
    (httpx.WriteTimeout("no"), FailureKind.TIMED_OUT, True),
    (httpx.ReadTimeout("no"), FailureKind.TIMED_OUT, True),
    (httpx.ReadError("no"), FailureKind.CONNECTION_LOST, True),
    (httpx.WriteError("no"), FailureKind.CONNECTION_LOST, True),
    (httpx.RemoteProtocolError("no"), FailureKind.UNREADABLE, True),
    (httpcore.ConnectError("no"), FailureKind.UNREACHABLE, False),
    (httpcore.ReadTimeout("no"), FailureKind.TIMED_OUT, True),
]


@pytest.mark.parametrize(("error", "kind", "left"), MOCKED, ids=lambda value: type(value).__name__)
def test_the_errors_of_a_mock_or_of_another_transport_mean_the_same(
    error: Exception, kind: FailureKind, left: bool
) -> None:
    """One table for respx, the user's own transport, sync and async."""

    def raising(_: httpx.Request) -> httpx.Response:
        raise error

    async def asynchronous() -> WireReply | SendFailure:
        return await AsyncHttpTransport(Trust(), HOSTS, transport=httpx.MockTransport(raising)).send(post(URL), 5.0)

    with respx.mock as router:
        router.post(URL).mock(side_effect=error)
        mocked = HttpTransport(Trust(), HOSTS).send(post(URL), 5.0)
    own = HttpTransport(Trust(), HOSTS, transport=httpx.MockTransport(raising)).send(post(URL), 5.0)
    for got in (mocked, own, asyncio.run(asynchronous())):
        assert isinstance(got, SendFailure), got
        assert (kind, left) == (got.kind, got.may_have_left)


def test_an_unforeseen_error_of_a_foreign_transport_means_that_a_byte_may_have_left() -> None:
    """What we do not understand is never called "not sent"."""

    def raising(_: httpx.Request) -> httpx.Response:
        raise ValueError("something inside")

    got = HttpTransport(Trust(), HOSTS, transport=httpx.MockTransport(raising)).send(post(URL), 5.0)
    assert isinstance(got, SendFailure)
    assert (got.may_have_left, got.detail) == (True, "builtins.ValueError")


def test_a_users_transport_gets_the_very_request() -> None:
    """URL, headers, body and time limits arrive below the client layer, and the reply comes back as it is."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(302, headers=[("Set-Cookie", "a"), ("Set-Cookie", "b")], content=b"moved")

    async def asynchronous() -> WireReply | SendFailure:
        return await AsyncHttpTransport(Trust(), HOSTS, transport=httpx.MockTransport(handle)).send(post(URL), 5.0)

    transport = HttpTransport(Trust(), HOSTS, transport=httpx.MockTransport(handle))
    for got in (transport.send(post(URL), 5.0), asyncio.run(asynchronous())):
        assert isinstance(got, WireReply)
        assert (got.status, got.content) == (302, b"moved")
        assert [pair for pair in got.headers if pair[0] == "set-cookie"] == [("set-cookie", "a"), ("set-cookie", "b")]
    for request in seen:
        assert str(request.url) == URL
        assert request.headers["accept-encoding"] == "identity"
        assert 5.0 >= cast("dict[str, float]", request.extensions["timeout"])["read"] > 4.0


class Drip(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in small pieces for a long time."""

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(60):
            time.sleep(0.02)
            yield b"x" * 100

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(60):
            await anyio.sleep(0.02)
            yield b"x" * 100


class OnlyForThreads(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        yield b"x"


class OnlyForTasks(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"x"


@pytest.mark.parametrize(
    ("cap", "timeout_s", "kind"),
    [(10**6, 0.3, FailureKind.TIMED_OUT), (250, 5.0, FailureKind.UNREADABLE)],
    ids=["deadline", "cap"],
)
def test_a_users_transport_is_held_to_deadline_and_cap(cap: int, timeout_s: float, kind: FailureKind) -> None:
    """Between two pieces of the body the clock and the size are looked at."""
    request = post(URL, max_reply_bytes=cap)

    class Slow(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, headers={"Transfer-Encoding": "chunked"}, stream=Drip())

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return self.handle_request(request)

    async def asynchronous() -> WireReply | SendFailure:
        return await AsyncHttpTransport(Trust(), HOSTS, transport=Slow()).send(request, timeout_s)

    def synchronous() -> WireReply | SendFailure:
        return HttpTransport(Trust(), HOSTS, transport=Slow()).send(request, timeout_s)

    for send in (synchronous, lambda: asyncio.run(asynchronous())):
        begun = time.monotonic()
        got = send()
        assert isinstance(got, SendFailure)
        assert (kind, True) == (got.kind, got.may_have_left)
        assert time.monotonic() - begun < 0.8


def test_a_stream_of_the_wrong_colour_is_unreadable() -> None:
    """A transport that answers with a stream for tasks cannot be read by a thread, nor the other way round."""

    class Mixed(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, stream=OnlyForTasks())

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, stream=OnlyForThreads())

    async def asynchronous() -> WireReply | SendFailure:
        return await AsyncHttpTransport(Trust(), HOSTS, transport=Mixed()).send(post(URL), 5.0)

    for got in (HttpTransport(Trust(), HOSTS, transport=Mixed()).send(post(URL), 5.0), asyncio.run(asynchronous())):
        assert isinstance(got, SendFailure)
        assert got.may_have_left is True


def test_httpx_aiohttp_is_not_believed_when_it_says_connect_error() -> None:
    """As a user's transport it calls every lost connection a connect timeout; only a real one is taken for that."""
    with Partner(lambda visit: (visit.request(), None)[1]) as partner:

        async def through(host: str) -> WireReply | SendFailure:
            foreign = httpx_aiohttp.AiohttpTransport(trust_env=False)
            transport = AsyncHttpTransport(PLAIN, frozenset({host}), transport=foreign)
            got = await transport.send(post(f"http://{host}/"), 5.0)
            await foreign.aclose()
            return got

        lost = asyncio.run(through(partner.host))
        refused = asyncio.run(through("127.0.0.1:9"))
    assert isinstance(lost, SendFailure)
    assert (lost.kind, lost.may_have_left) == (FailureKind.CONNECTION_LOST, True)
    assert isinstance(refused, SendFailure)
    assert (refused.kind, refused.may_have_left) == (FailureKind.UNREACHABLE, False)


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_nothing_of_a_request_or_reply_is_logged(driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
    """With the root logger at DEBUG, no token, address of a resource or cookie shows up."""
    caplog.set_level(logging.DEBUG)

    def script(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nSet-Cookie: secret-cookie\r\nContent-Length: 4\r\n\r\npaid")

    with Partner(script) as partner:
        driver.send([post(partner.url)], hosts=frozenset({partner.host}))
    for secret in ("secret-token", "secret-cookie", "gateway.do", "SHOP10010001"):
        assert secret not in caplog.text


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
@pytest.mark.parametrize(("name", "value"), [("X-Name", "\u8336"), ("X-Line", "a\r\nInjected: b")])
def test_a_header_that_cannot_be_sent_is_refused(name: str, value: str, driver: Driver) -> None:
    """A line break in a header would be a second header: nothing is sent."""
    with Partner() as partner:
        request = replace(post(partner.url), headers={name: value})
        (got,) = driver.send([request], hosts=frozenset({partner.host}))
    assert isinstance(got, SendFailure)
    assert (got.kind, got.may_have_left) == (FailureKind.REFUSED, False)
    assert partner.received == b""


def test_the_aiohttp_backend_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package the message says what to install."""
    monkeypatch.setitem(sys.modules, "payport.sdk.transport.aiohttp_sender", None)
    with pytest.raises(ConfigurationError, match=r"payport\[aiohttp\]"):
        AsyncHttpTransport(Trust(), HOSTS, backend="aiohttp")
