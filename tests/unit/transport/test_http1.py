"""Replies as bytes: those of the usual shape are read here, all others by h11, and the two never disagree."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import h11
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payport.sdk.message import WireReply, WireRequest
from payport.sdk.tls import Trust
from payport.sdk.transport.hosts import Address, Target
from payport.sdk.transport.http import AsyncHttpTransport, HttpTransport
from payport.sdk.transport.http1 import Reading, request_bytes
from payport.sdk.transport.trip import SendError, Trip

URL = "https://api.example.com/pay?x=1"
TARGET = Target(Address("api.example.com", 443, tls=True), "/pay?x=1")
REQUEST = WireRequest(endpoint="pay", moves_money=True, method="POST", url=URL, headers={"X-Own": "1"}, content=b"a=b")
USUAL = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 4\r\n\r\npaid"


def read(pieces: Sequence[bytes], request: WireRequest = REQUEST) -> tuple[WireReply, bool] | None:
    """The reply in these pieces and whether its connection is clean; ``None`` when it is not whole or none."""
    reading = Reading(request, Trip(time.monotonic() + 60))
    try:
        for piece in pieces:
            if reading.take(piece):
                return reading.whole()
    except SendError:
        return None
    return None


def by_h11(data: bytes) -> tuple[int, list[tuple[str, str]], bytes, bool] | None:
    """The same with h11 alone."""
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    parser.send(h11.Request(method="POST", target="/", headers=[("host", "x"), ("content-length", "0")]))
    parser.send(h11.EndOfMessage())
    status, headers, content = 0, list[tuple[str, str]](), b""
    try:
        parser.receive_data(data)
        while not isinstance(event := parser.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
                headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
            elif isinstance(event, h11.Data):
                content += bytes(event.data)
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None
    return status, headers, content, parser.their_state is h11.DONE and parser.trailing_data == (b"", False)


def test_a_request_leaves_in_one_piece() -> None:
    """Request line, headers, body: what was signed, byte for byte."""
    expected = (
        b"POST /pay?x=1 HTTP/1.1\r\nhost: api.example.com\r\naccept-encoding: identity\r\naccept: */*\r\n"
        b"user-agent: payport\r\nX-Own: 1\r\ncontent-length: 3\r\n\r\na=b"
    )
    assert expected == request_bytes(TARGET, REQUEST)


@pytest.mark.parametrize("at", range(1, len(USUAL)))
def test_a_reply_may_be_cut_anywhere(at: int) -> None:
    """The network cuts where it likes."""
    found = read([USUAL[:at], USUAL[at:]])
    assert found is not None
    assert (found[0].status, found[0].content, found[1]) == (200, b"paid", True)


CLEAN = {
    "usual": (USUAL, True),
    "partner closes": (USUAL.replace(b"Server: x", b"Connection: Close"), False),
    "one byte beyond": (USUAL + b"!", False),
    "no body": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
    "no body and a byte": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n!", False),
    "HTTP/1.0": (USUAL.replace(b"1.1", b"1.0"), False),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npaid\r\n0\r\n\r\n", True),
    "chunks and a byte": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npaid\r\n0\r\n\r\n!", False),
    "informational first": (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + USUAL, True),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", True),
    "length twice, the same": (USUAL.replace(b"Server: x", b"Content-Length: 4"), True),
}


@pytest.mark.parametrize(("data", "clean"), CLEAN.values(), ids=CLEAN)
def test_a_connection_is_used_again_only_when_nothing_is_left_on_it(data: bytes, clean: bool) -> None:
    """What is left would be read as the reply to the next request: the wrong order would look paid."""
    found = read([data])
    assert found is not None
    assert clean is found[1]


NONE = {
    "half a head": [b"HTTP/1.1 200 OK\r\nConte", b""],
    "half a body": [USUAL[:-1], b""],
    "two lengths": [USUAL.replace(b"Server: x", b"Content-Length: 5"), b""],
    "a length that is none": [USUAL.replace(b"4", b"-4"), b""],
    "another protocol": [b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", b""],
    "a blank before a colon": [USUAL.replace(b"Server:", b"Server :"), b""],
    "a bare line feed in a value": [USUAL.replace(b"x\r\n", b"x\ry\r\n"), b""],
}


@pytest.mark.parametrize("pieces", NONE.values(), ids=NONE)
def test_what_is_no_whole_reply_is_none(pieces: list[bytes]) -> None:
    """Nothing is guessed."""
    assert read(pieces) is None


def test_a_reply_to_head_has_a_length_and_no_body() -> None:
    """RFC 9110 section 9.3.2."""
    found = read([b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"], replace(REQUEST, method="HEAD", content=b""))
    assert found is not None
    assert (found[0].content, found[1]) == (b"", True)


LINE = st.sampled_from(
    [
        b"Content-Length: 4", b"Content-Length:4 ", b"content-length: 5", b"Content-Length: 4, 4",
        b"Content-Length: +4",
        b"Transfer-Encoding: chunked", b"Connection: close", b"connection: keep-alive", b"X: \xe8\x8c\xb6", b"X:\ty",
        b"X : y", b" folded", b"X: a\x00b", b"X: a\x01b", b"\xff: y", b": y", b"X", b"X:", b"Content-Length: 04",
    ]
)  # fmt: skip
START = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1 204 No", b"HTTP/1.0 200 OK", b"HTTP/1.1 2000 OK",
     b"HTTP/1.1 100 Go", b"http/1.1 200 OK", b"HTTP/1.1  200 OK", b"HTTP/2 200", b"HTTP/1.1 404 \xe8\x8c"]
)  # fmt: skip
BODY = st.sampled_from([b"paid", b"paid!", b"pai", b"", b"4\r\npaid\r\n0\r\n\r\n"])


@given(START, st.lists(LINE, max_size=4), BODY)
def test_we_read_what_h11_reads(start: bytes, lines: list[bytes], body: bytes) -> None:
    """A reply that is taken here has the same status, headers and body there, and a clean connection is clean there."""
    data = b"\r\n".join([start, *lines]) + b"\r\n\r\n" + body
    found, expected = read([data]), by_h11(data)
    if found is None:
        return
    assert expected is not None
    assert expected[:3] == (found[0].status, list(found[0].headers), found[0].content)
    assert expected[3] or not found[1]


@pytest.mark.parametrize("backend", ["sync", "async"])
def test_mocks_of_httpx_see_our_requests(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mocks that replace httpx's own transports, as pytest-httpx does, need no argument of ours either."""

    async def ahandle(_: object, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=request.method.encode())

    def handle(_: object, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=request.method.encode())

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", handle)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", ahandle)
    hosts = frozenset({"api.example.com"})
    if backend == "sync":
        got = HttpTransport(Trust(), hosts).send(REQUEST, 5.0)
    else:
        got = asyncio.run(AsyncHttpTransport(Trust(), hosts).send(REQUEST, 5.0))
    assert isinstance(got, WireReply), got
    assert got.content == b"POST"
