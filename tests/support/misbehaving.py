"""Servers that misbehave on the socket, as data: what each does, and what a sender may make of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat

from tests.support.drivers import BODY
from tests.support.loopback import OK, Visit, polite

from payport.sdk.message import FailureKind

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
