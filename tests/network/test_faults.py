"""Every network fault, on real sockets, four ways to send: is there a reply, and if not, may a byte have left?"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat

import pytest
from tests.support.drivers import BODY, DRIVERS, Driver, post
from tests.support.loopback import OK, Partner, Visit, polite

from payport.sdk.message import FailureKind, SendFailure, WireReply

LOST = FailureKind.CONNECTION_LOST
UNREADABLE = FailureKind.UNREADABLE
TIMED_OUT = FailureKind.TIMED_OUT


def answer(reply: bytes, *, then: str = "close") -> Callable[[Visit], None]:
    """Read the request, write ``reply``, then ``close``, ``reset`` or ``hold``."""

    def script(visit: Visit) -> None:
        visit.request()
        visit.send(reply)
        if then == "hold":
            visit.some()
        elif then == "reset":
            visit.reset()

    return script


def mid_request(visit: Visit) -> None:
    visit.some()
    visit.reset()


def after_the_ok(end: Callable[[Visit], None]) -> Callable[[Visit], None]:
    """A polite first exchange; then the first connection ends as told. Later ones are polite."""

    def script(visit: Visit) -> None:
        if visit.number > 1:
            return polite(visit)
        visit.request()
        visit.send(OK)
        return end(visit)

    return script


def finish(visit: Visit) -> None:
    """Say no more: the connection is closed."""


def drip(visit: Visit) -> None:
    visit.request()
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while visit.send(b"x"):
        time.sleep(0.05)


def flood(first: bytes, piece: bytes) -> Callable[[Visit], None]:
    """Send ``piece`` for ever."""

    def script(visit: Visit) -> None:
        visit.request()
        visit.send(first)
        for _ in repeat(None, 4000):
            if not visit.send(piece):
                break

    return script


def early_answer(visit: Visit) -> None:
    """Refuses after the head without reading the body, as servers do with what is too large."""
    visit.some()
    visit.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    while visit.some():
        pass


@dataclass(frozen=True)
class Case:
    """``expected``: the status of a reply, or the right kinds of failure; after any of them a byte may have left."""

    name: str
    script: Callable[[Visit], None]
    expected: int | set[FailureKind]
    content: bytes = BODY
    timeout_s: float = 5.0


HEAD = b"HTTP/1.1 200 OK\r\n"
CASES = [
    Case("accept then close", lambda _: None, {LOST}),
    Case("reset mid request", mid_request, {LOST}, content=b"x" * 8_000_000),
    Case("reset after request", answer(b"", then="reset"), {LOST}),
    Case("close after request", answer(b""), {LOST}),
    # aiohttp does not tell a head cut in half from no head at all
    Case("half a head", answer(b"HTTP/1.1 200 OK\r\nConte"), {UNREADABLE, LOST}),
    Case("body cut by a close", answer(HEAD + b"Content-Length: 100\r\n\r\npaid"), {UNREADABLE}),
    Case("body cut by a reset", answer(HEAD + b"Content-Length: 100\r\n\r\npaid", then="reset"), {LOST, UNREADABLE}),
    Case("body without a length", answer(HEAD + b"\r\npaid"), {UNREADABLE}),
    Case("bad chunk", answer(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\npaid\r\n"), {UNREADABLE}),
    Case("cut chunk", answer(HEAD + b"Transfer-Encoding: chunked\r\n\r\n10\r\npaid"), {UNREADABLE}),
    Case("chunks without an end", answer(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\npaid\r\n"), {UNREADABLE}),
    Case("gzip", answer(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\npaid", then="hold"), {UNREADABLE}),
    Case("garbage", answer(b"\x00\x16\x03SSH-2.0 paid\r\n\r\n"), {UNREADABLE}),
    Case("stall", answer(b"", then="hold"), {TIMED_OUT}, timeout_s=0.4),
    Case("stall after the head", answer(HEAD + b"Content-Length: 9\r\n\r\n", then="hold"), {TIMED_OUT}, timeout_s=0.4),
    Case("drip", drip, {TIMED_OUT}, timeout_s=0.4),
    Case("never reads", lambda visit: time.sleep(0.6), {TIMED_OUT}, content=b"x" * 8_000_000, timeout_s=0.4),
    Case(
        "redirect", answer(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"), 302
    ),
    Case("one header of 200 KB", answer(HEAD + b"X: " + b"x" * 200_000 + b"\r\n\r\n", then="hold"), {UNREADABLE}),
    Case("20,000 headers", answer(HEAD + b"X: y\r\n" * 20_000 + b"Content-Length: 0\r\n\r\n"), {UNREADABLE}),
    Case("announces 200 MB", answer(HEAD + b"Content-Length: 200000000\r\n\r\n", then="hold"), {UNREADABLE}),
    Case(
        "200 MB in chunks",
        flood(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        {UNREADABLE},
    ),
    Case("answers 500 with no JSON", answer(b"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\noops"), 500),
    Case("HTTP/1.0 with a length", answer(b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\npaid"), 200),
    Case("length too long", answer(HEAD + b"Content-Length: 5\r\n\r\npaid"), {UNREADABLE}),
    Case("two lengths that differ", answer(HEAD + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\npaid"), {UNREADABLE}),
    Case("one informational reply first", answer(b"HTTP/1.1 100 Continue\r\n\r\n" + OK), 200),
]


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_after_connecting_never_claims_that_nothing_left(case: Case, driver: Driver) -> None:
    """Once a connection stands, only a whole reply is a reply; all else says that a byte may have left, in time."""
    with Partner(case.script) as partner:
        begun = time.monotonic()
        (got,) = driver.send(
            [post(partner.url, content=case.content)],
            hosts=frozenset({partner.host}),
            timeout_s=case.timeout_s,
        )
        took = time.monotonic() - begun

    if isinstance(case.expected, int):
        assert isinstance(got, WireReply), got
        assert case.expected == got.status
    else:
        assert isinstance(got, SendFailure), got
        assert got.kind in case.expected, got
        assert got.may_have_left is True
    assert case.timeout_s + 0.6 > took
    assert partner.raw == 1, "the request must not be sent again by itself"
    assert sum(visit.sent for visit in partner.visits) < 8_000_000, "reading must stop near the cap"


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_a_reset_at_once_is_told_by_who_was_first(driver: Driver) -> None:
    """The reset may overtake the end of connecting: then nothing left, else a byte may have. Both are the truth."""
    with Partner(Visit.reset) as partner:
        (got,) = driver.send([post(partner.url)], hosts=frozenset({partner.host}))
    assert isinstance(got, SendFailure)
    assert (got.kind, got.may_have_left) in {(LOST, True), (FailureKind.UNREACHABLE, False)}
    assert partner.raw == 1


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_informational_replies_without_end_are_cut_off(driver: Driver) -> None:
    """A flood of 1xx ends at the cap, or at the deadline where aiohttp reads: never later."""
    with Partner(flood(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)) as partner:
        (got,) = driver.send([post(partner.url)], hosts=frozenset({partner.host}), timeout_s=1.0)
    assert isinstance(got, SendFailure)
    assert got.kind in {UNREADABLE, TIMED_OUT, LOST}
    assert got.may_have_left is True


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_an_early_answer_is_read(driver: Driver) -> None:
    """A server may answer before it has read the whole request; that answer is a reply."""
    with Partner(early_answer) as partner:
        (got,) = driver.send([post(partner.url, content=b"x" * 300_000)], hosts=frozenset({partner.host}))
    assert isinstance(got, WireReply), got
    assert got.status == 413


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
@pytest.mark.parametrize("end", [finish, Visit.reset], ids=["closed", "reset"])
def test_a_connection_that_died_while_idle_is_not_used_again(end: Callable[[Visit], None], driver: Driver) -> None:
    """The second request goes over a fresh connection: a stale one would make its outcome unknown for nothing."""
    with Partner(after_the_ok(end)) as partner:
        request = post(partner.url)
        got = driver.send([request, request], hosts=frozenset({partner.host}), pause_s=0.1)
    assert [answer.status for answer in got if isinstance(answer, WireReply)] == [200, 200]
    assert partner.raw == 2


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
def test_a_kept_connection_that_breaks_after_writing_is_not_retried(method: str, driver: Driver) -> None:
    """The partner may have acted on it: the caller is told so, and the partner sees the request once."""

    def script(visit: Visit) -> None:
        visit.request()
        visit.send(OK)
        visit.request()

    with Partner(script) as partner:
        request = post(partner.url, method=method, content=b"" if method == "GET" else BODY)
        first, second = driver.send([request, request], hosts=frozenset({partner.host}))
    assert isinstance(first, WireReply)
    assert isinstance(second, SendFailure)
    assert (second.kind, second.may_have_left) == (LOST, True)
    assert partner.raw == 1
    assert partner.received.count(method.encode()) == 2


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_bytes_beyond_the_length_are_never_read_as_the_next_reply(driver: Driver) -> None:
    """A reply longer than its length leaves its tail on the connection: that connection is closed."""

    def script(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npaidHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfake")
        visit.request()

    with Partner(script) as partner:
        request = post(partner.url)
        first, second = driver.send([request, request], hosts=frozenset({partner.host}))
    assert isinstance(first, WireReply)
    assert isinstance(second, WireReply)
    assert (first.content, second.content) == (b"paid", b"paid")
    assert partner.raw == 2


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_nothing_left_when_nobody_listens(driver: Driver) -> None:
    """A refused connection is the one clean failure of the network."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    (got,) = driver.send([post(f"http://127.0.0.1:{port}/")], hosts=frozenset({f"127.0.0.1:{port}"}))
    assert isinstance(got, SendFailure)
    assert (got.kind, got.may_have_left) == (FailureKind.UNREACHABLE, False)


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_nothing_left_when_the_name_is_unknown(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not resolve is told apart from a server that does not answer."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    (got,) = driver.send([post("https://gateway.example.invalid/")], hosts=frozenset({"gateway.example.invalid"}))
    assert isinstance(got, SendFailure)
    assert (got.kind, got.may_have_left) == (FailureKind.UNRESOLVED, False)


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_a_slow_look_up_ends_at_the_deadline(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's resolver knows no deadline; the caller's holds all the same."""
    real = socket.getaddrinfo

    def slow(host: str, *rest: int, **options: int) -> object:
        if options.get("flags", 0) & socket.AI_NUMERICHOST:
            return real(host, *rest, **options)
        time.sleep(0.8)
        raise socket.gaierror(socket.EAI_NONAME, "too late")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    begun = time.monotonic()
    (got,) = driver.send(
        [post("https://gateway.example.invalid/")], hosts=frozenset({"gateway.example.invalid"}), timeout_s=0.3
    )
    assert isinstance(got, SendFailure)
    assert (got.kind, got.may_have_left) == (FailureKind.UNRESOLVED, False)
    # asyncio.run waits for the resolver's thread at its very end, after the answer was given
    assert (0.6 if driver.name == "sync" else 1.6) > time.monotonic() - begun


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_time_that_is_up_sends_nothing(driver: Driver) -> None:
    """A deadline already past is no failure of the partner."""
    with Partner() as partner:
        (got,) = driver.send([post(partner.url)], hosts=frozenset({partner.host}), timeout_s=0.0)
    assert isinstance(got, SendFailure)
    assert (got.kind, got.may_have_left) == (FailureKind.DEADLINE, False)
    assert (partner.raw, partner.received) == (0, b"")


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_the_request_goes_out_as_it_was_signed(driver: Driver) -> None:
    """Path and query byte for byte, one Host, no compression, and our own headers as given."""
    with Partner() as partner:
        url = partner.url + "&sign=a%2Fb%2Bc%3D%3D&text=%E8%8C%B6'~"
        driver.send([post(url)], hosts=frozenset({partner.host}))
    head, _, body = partner.received.partition(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    names = sorted(header.partition(b":")[0].lower() for header in headers)
    assert line == b"POST /gateway.do?charset=utf-8&sign=a%2Fb%2Bc%3D%3D&text=%E8%8C%B6'~ HTTP/1.1"
    assert names == [
        b"accept",
        b"accept-encoding",
        b"authorization",
        b"content-length",
        b"content-type",
        b"host",
        b"user-agent",
    ]
    assert b"accept-encoding: identity" in head.lower()
    assert body == BODY
