"""Every network fault, on real sockets, four ways to send: is there a reply, and if not, may a byte have left?"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest
from tests.support.drivers import BODY, DRIVERS, Driver, post
from tests.support.loopback import OK, Partner, Visit
from tests.support.misbehaving import (
    CASES,
    LOST,
    TIMED_OUT,
    UNREADABLE,
    Case,
    after_the_ok,
    early_answer,
    finish,
    flood,
)

from payport.sdk.message import FailureKind, SendFailure, WireReply


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
